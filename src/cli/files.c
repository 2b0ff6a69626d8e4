#include "cli/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "cli/parts.h"

int report(const ink_error *error) {
  fprintf(stderr, "inkling: %s (%s)\n", error->message, ink_status_name(error->code));
  return EXIT_FAILED;
}

int report_file(const char *what, const char *path) {
  ink_error error = {.code = INK_ERR_IO};
  snprintf(error.message, sizeof error.message, "can't %s '%s': %s", what, path, strerror(errno));
  return report(&error);
}

double now_ms(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Models ---- */

/* Read at a time. */
#define MAX_PIECE ((size_t)16 << 20)

typedef struct model_files {
  model_parts names;
  FILE *file;    /* the part being read */
  uint64_t done; /* bytes of all parts */
  int percent;   /* shown last; -1: not on a terminal */
} model_files;

static bool open_part(model_files *f, size_t i, ink_error *error) {
  if (f->file) fclose(f->file);
  f->file = model_part_open(&f->names.parts[i], error);
  if (f->file) setvbuf(f->file, NULL, _IONBF, 0); /* pieces are large, and go straight to their place */
  return f->file != NULL;
}

static void show_progress(model_files *f, size_t n) {
  f->done += n;
  int percent = (int)(f->done * 100 / f->names.size);
  if (f->percent < 0 || percent <= f->percent) return;
  f->percent = percent;
  fprintf(stderr, "\rloading %d %%%s", percent, percent == 100 ? "\r             \r" : "");
}

static ink_status read_part(model_files *f, ink_loader *loader, ink_error *error) {
  while (!ink_loader_part_complete(loader)) {
    uint8_t *ptr;
    size_t len;
    INK_TRY(ink_loader_buffer(loader, &ptr, &len, error));
    errno = 0;
    size_t n = fread(ptr, 1, len < MAX_PIECE ? len : MAX_PIECE, f->file);
    if (n == 0 && ferror(f->file)) {
      return ink_fail(error, INK_ERR_IO, "can't read it: %s", strerror(errno));
    }
    show_progress(f, n);
    INK_TRY(ink_loader_commit(loader, n, error));
  }
  return INK_OK;
}

/* All parts; those of a vocabulary end with the first. */
static ink_status read_parts(model_files *f, const ink_load_params *params, ink_loader **loader,
                             ink_error *error) {
  for (size_t i = 0; i == 0 || !ink_loader_complete(*loader); i++) {
    if (!open_part(f, i, error)) return error->code;
    uint64_t size = f->names.parts[i].size;
    INK_TRY(i == 0 ? ink_loader_begin(loader, params, size, error)
                   : ink_loader_next_part(*loader, size, error));
    if (read_part(f, *loader, error) != INK_OK) return model_part_name(&f->names.parts[i], error);
    if (params->vocabulary_only) return INK_OK;
    INK_TRY(model_parts_agree(&f->names, ink_loader_n_parts(*loader), error));
  }
  return INK_OK;
}

/* A loader that has read all that is wanted, or NULL after report(). */
static ink_loader *load(const char *path, const ink_load_params *params) {
  model_files f = {.percent = isatty(STDERR_FILENO) && !params->description_only ? 0 : -1};
  if (!model_parts_find(&f.names, path)) return NULL;
  ink_loader *loader = NULL;
  ink_error error;
  ink_status status = read_parts(&f, params, &loader, &error);
  if (status != INK_OK) {
    if (f.percent > 0) fputc('\n', stderr);
    report(&error);
    ink_loader_free(loader);
    loader = NULL;
  }
  if (f.file) fclose(f.file);
  model_parts_free(&f.names);
  return loader;
}

static ink_model *finish(ink_loader *loader) {
  ink_model *model = NULL;
  ink_error error;
  if (loader && ink_loader_finish(loader, &model, &error) != INK_OK) report(&error);
  return model;
}

ink_model *load_model(const options *o) {
  return finish(load(o->model, &(ink_load_params){.kernels = o->kernels}));
}

ink_model *load_vocabulary(const options *o) {
  return finish(load(o->model, &(ink_load_params){.vocabulary_only = true}));
}

ink_adapter *load_adapter(const ink_model *model, const char *path) {
  ink_loader *loader = load(path, &(ink_load_params){.adapter_for = model});
  ink_adapter *adapter = NULL;
  ink_error error;
  if (loader && ink_loader_finish_adapter(loader, &adapter, &error) != INK_OK) report(&error);
  return adapter;
}

ink_loader *load_description(const char *path) {
  return load(path, &(ink_load_params){.description_only = true});
}

/* ---- Text ---- */

static char *out_of_memory(char *partial) {
  ink_error error = {.code = INK_ERR_OUT_OF_MEMORY};
  snprintf(error.message, sizeof error.message, "not enough memory for the text");
  report(&error);
  free(partial);
  return NULL;
}

char *read_text(const char *path, size_t *len) {
  FILE *file = path ? fopen(path, "rb") : stdin;
  if (!file) {
    report_file("open", path);
    return NULL;
  }
  size_t capacity = 1 << 16;
  char *text = malloc(capacity);
  *len = 0;
  errno = 0;
  while (text) {
    size_t n = fread(text + *len, 1, capacity - *len - 1, file);
    *len += n;
    if (n == 0) break;
    if (*len + 1 < capacity) continue;
    char *grown = capacity > SIZE_MAX / 2 ? NULL : realloc(text, capacity *= 2);
    if (!grown) break;
    text = grown;
  }
  bool failed = ferror(file), whole = feof(file);
  if (failed) report_file("read", path ? path : "stdin");
  if (path) fclose(file);
  if (!text || (!failed && !whole)) return out_of_memory(text);
  if (failed) {
    free(text);
    return NULL;
  }
  text[*len] = '\0';
  return text;
}

bool text_line(const char *text, size_t len, size_t *at, ink_str *line) {
  if (*at >= len) return false;
  const char *begin = text + *at, *end = memchr(begin, '\n', len - *at);
  *line = (ink_str){begin, (end ? (size_t)(end - text) : len) - *at};
  *at += line->len + 1;
  if (strspn(begin, " \t\r") >= line->len) line->len = 0;
  return true;
}

bool flush_output(ink_error *error) {
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return true;
  error->code = INK_ERR_IO;
  snprintf(error->message, sizeof error->message, "can't write to stdout%s%s", errno ? ": " : "",
           errno ? strerror(errno) : "");
  return false;
}

ink_token *tokenize_text(const ink_model *model, const char *text, size_t len, uint32_t flags,
                         size_t *n) {
  ink_error error;
  ink_status status = INK_ERR_BUFFER_TOO_SMALL;
  ink_token *tokens = NULL;
  *n = len + 3; /* enough for most models; the call says how many it takes in the others */
  while (status == INK_ERR_BUFFER_TOO_SMALL) {
    size_t capacity = *n;
    free(tokens);
    tokens = capacity > SIZE_MAX / sizeof *tokens ? NULL : malloc(capacity * sizeof *tokens);
    if (!tokens) {
      out_of_memory(NULL);
      return NULL;
    }
    status = ink_tokenize(model, text, len, flags, tokens, capacity, n, &error);
  }
  if (status == INK_OK) return tokens;
  report(&error);
  free(tokens);
  return NULL;
}
