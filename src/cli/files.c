#include "cli/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

typedef struct model_file {
  FILE *file;
  uint64_t size;
  uint64_t done;
  int percent; /* shown last; -1: not on a terminal */
} model_file;

static bool open_model(const options *o, model_file *f) {
  *f = (model_file){.percent = isatty(STDERR_FILENO) ? 0 : -1};
  f->file = fopen(o->model, "rb");
  if (!f->file) {
    report_file("open", o->model);
    return false;
  }
  off_t size = -1;
  if (fseeko(f->file, 0, SEEK_END) == 0) size = ftello(f->file);
  if (size < 0 || fseeko(f->file, 0, SEEK_SET) != 0) {
    report_file("read", o->model);
    fclose(f->file);
    return false;
  }
  setvbuf(f->file, NULL, _IONBF, 0); /* pieces are large, and go straight to their place */
  f->size = (uint64_t)size;
  return true;
}

static int64_t read_model(void *context, uint8_t *ptr, size_t len) {
  model_file *f = context;
  errno = 0;
  size_t n = fread(ptr, 1, len, f->file);
  if (n == 0 && ferror(f->file)) return -1;
  f->done += n;
  int percent = f->size ? (int)(f->done * 100 / f->size) : 100;
  if (f->percent >= 0 && percent > f->percent) {
    f->percent = percent;
    fprintf(stderr, "\rloading %d %%%s", percent, percent == 100 ? "\r             \r" : "");
  }
  return (int64_t)n;
}

static ink_load_params load_params(const options *o) {
  return (ink_load_params){.kernels = o->kernels};
}

static ink_model *load(const options *o, bool vocabulary_only) {
  model_file f;
  if (!open_model(o, &f)) return NULL;
  ink_load_params params = load_params(o);
  params.vocabulary_only = vocabulary_only;
  ink_model *model = NULL;
  ink_error error;
  ink_status status = f.size == 0
                          ? INK_OK
                          : ink_model_load(&model, &params, f.size, read_model, &f, &error);
  if (f.size == 0) { /* 0 would mean "not known" */
    error.code = INK_ERR_NOT_GGUF;
    snprintf(error.message, sizeof error.message, "the file '%s' is empty", o->model);
    status = error.code;
  }
  if (status != INK_OK) {
    if (f.percent > 0) fputc('\n', stderr);
    if (status == INK_ERR_IO) report_file("read", o->model);
    else report(&error);
  }
  fclose(f.file);
  return model;
}

ink_model *load_model(const options *o) { return load(o, false); }
ink_model *load_vocabulary(const options *o) { return load(o, true); }

ink_loader *load_description(const options *o) {
  model_file f;
  if (!open_model(o, &f)) return NULL;
  f.percent = -1;
  ink_load_params params = load_params(o);
  ink_loader *loader = NULL;
  ink_error error = {0};
  ink_status status = ink_loader_begin(&loader, &params, f.size, &error);
  while (status == INK_OK && !ink_loader_info(loader)) {
    uint8_t *ptr;
    size_t len;
    status = ink_loader_buffer(loader, &ptr, &len, &error);
    if (status != INK_OK) break;
    int64_t n = read_model(&f, ptr, len);
    if (n < 0) {
      report_file("read", o->model);
      ink_loader_free(loader);
      fclose(f.file);
      return NULL;
    }
    status = ink_loader_commit(loader, (size_t)n, &error);
  }
  fclose(f.file);
  if (status == INK_OK) return loader;
  report(&error);
  ink_loader_free(loader);
  return NULL;
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
