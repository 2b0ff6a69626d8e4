/* Reading test data: files, models, and goldens (numbers with # comments). */
#ifndef INK_TESTS_FIXTURES_H
#define INK_TESTS_FIXTURES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inkling.h"

/* The whole file under tests/data, to be freed; ends the program when it is not there. */
static inline uint8_t *read_file(const char *name, size_t *len) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", INKLING_TEST_DATA, name);
  FILE *file = fopen(path, "rb");
  if (!file) {
    printf("can't open %s\n", path);
    exit(1);
  }
  fseek(file, 0, SEEK_END);
  *len = (size_t)ftell(file);
  fseek(file, 0, SEEK_SET);
  uint8_t *bytes = malloc(*len + 1);
  if (!bytes || fread(bytes, 1, *len, file) != *len) {
    printf("can't read %s\n", path);
    exit(1);
  }
  bytes[*len] = 0;
  fclose(file);
  return bytes;
}

/* Loads a model from memory, committing at most `piece` bytes at a time. */
static inline ink_status load_bytes(const uint8_t *bytes, size_t len, size_t piece, uint64_t size,
                                    const ink_load_params *params, ink_model **model,
                                    ink_error *error) {
  ink_loader *loader;
  *model = NULL;
  ink_status status = ink_loader_begin(&loader, params, size, error);
  if (status != INK_OK) return status;
  while (!ink_loader_complete(loader)) {
    uint8_t *ptr;
    size_t room;
    status = ink_loader_buffer(loader, &ptr, &room, error);
    if (status != INK_OK) break;
    size_t n = room < piece ? room : piece;
    if (n > len) n = len;
    memcpy(ptr, bytes, n);
    bytes += n;
    len -= n;
    status = ink_loader_commit(loader, n, error);
    if (status != INK_OK) break;
  }
  if (status == INK_OK) return ink_loader_finish(loader, model, error);
  ink_loader_free(loader);
  return status;
}

/* A model of tests/data, or the program ends. */
static inline ink_model *load_fixture(const char *name, const char *kernels) {
  size_t len;
  uint8_t *bytes = read_file(name, &len);
  ink_load_params params = {.kernels = kernels};
  ink_model *model;
  ink_error error;
  if (load_bytes(bytes, len, len, len, &params, &model, &error) != INK_OK) {
    printf("can't load %s: %s\n", name, error.message);
    exit(1);
  }
  free(bytes);
  return model;
}

static inline ink_session *new_session_of(const ink_model *model, ink_session_params params) {
  ink_session *session;
  ink_error error;
  if (ink_session_create(&session, model, &params, &error) != INK_OK) {
    printf("no session: %s\n", error.message);
    exit(1);
  }
  return session;
}

static inline ink_session *new_session(const ink_model *model, uint32_t n_ctx) {
  return new_session_of(model, (ink_session_params){.n_ctx = n_ctx});
}

/* A golden file being read. */
typedef struct golden {
  char *text;
  char *at;
} golden;

static inline golden golden_open(const char *name) {
  size_t len;
  char *text = (char *)read_file(name, &len);
  return (golden){text, text};
}

static inline void golden_close(golden *g) { free(g->text); }

static inline double golden_next(golden *g) {
  for (;;) {
    while (*g->at == ' ' || *g->at == '\n') g->at++;
    if (*g->at != '#') break;
    while (*g->at && *g->at != '\n') g->at++;
  }
  char *end;
  double number = strtod(g->at, &end);
  if (end == g->at) {
    printf("a golden file ends early\n");
    exit(1);
  }
  g->at = end;
  return number;
}

/* A count, then as many tokens, to be freed. */
static inline ink_token *golden_tokens(golden *g, size_t *n) {
  *n = (size_t)golden_next(g);
  ink_token *tokens = malloc((*n + 1) * sizeof *tokens);
  if (!tokens) exit(1);
  for (size_t i = 0; i < *n; i++) tokens[i] = (ink_token)golden_next(g);
  return tokens;
}

/* A small generator for test inputs. */
static inline uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

#endif
