/* Vocabularies for tests: GGUF headers written in memory, or read from tests/data. */
#ifndef INK_TESTS_VOCAB_BUILDER_H
#define INK_TESTS_VOCAB_BUILDER_H

#include "fixtures.h"
#include "format/gguf.h"
#include "text/tokenizer.h"

typedef struct header {
  uint8_t *bytes;
  size_t len, capacity;
  uint64_t n_values;
} header;

static inline void put(header *h, const void *bytes, size_t n) {
  if (h->len + n > h->capacity) {
    h->capacity = (h->len + n) * 2;
    h->bytes = realloc(h->bytes, h->capacity);
    if (!h->bytes) exit(1);
  }
  if (n > 0) memcpy(h->bytes + h->len, bytes, n);
  h->len += n;
}

static inline void put_u32(header *h, uint32_t value) { put(h, &value, sizeof value); }
static inline void put_u64(header *h, uint64_t value) { put(h, &value, sizeof value); }

static inline void put_str(header *h, const char *text) {
  put_u64(h, strlen(text));
  put(h, text, strlen(text));
}

static inline header begin_header(void) {
  header h = {0};
  put(&h, "GGUF", 4);
  put_u32(&h, 3);
  put_u64(&h, 0);
  put_u64(&h, 0); /* the values' number, once known */
  return h;
}

static inline void put_key(header *h, const char *key, uint32_t type) {
  h->n_values++;
  put_str(h, key);
  put_u32(h, type);
}

static inline void key_str(header *h, const char *key, const char *value) {
  put_key(h, key, INK_GGUF_STRING);
  put_str(h, value);
}

static inline void key_u32(header *h, const char *key, uint32_t value) {
  put_key(h, key, INK_GGUF_U32);
  put_u32(h, value);
}

static inline void key_bool(header *h, const char *key, bool value) {
  uint8_t byte = value;
  put_key(h, key, INK_GGUF_BOOL);
  put(h, &byte, 1);
}

static inline void key_array(header *h, const char *key, uint32_t type, const void *elements,
                             uint64_t count, size_t size) {
  put_key(h, key, INK_GGUF_ARRAY);
  put_u32(h, type);
  put_u64(h, count);
  put(h, elements, (size_t)count * size);
}

/* One token of a vocabulary. */
typedef struct piece {
  const char *text;
  float score;
  int32_t kind;
} piece;

static inline void key_pieces(header *h, const piece *pieces, size_t n) {
  put_key(h, "tokenizer.ggml.tokens", INK_GGUF_ARRAY);
  put_u32(h, INK_GGUF_STRING);
  put_u64(h, n);
  for (size_t i = 0; i < n; i++) put_str(h, pieces[i].text);
  put_key(h, "tokenizer.ggml.scores", INK_GGUF_ARRAY);
  put_u32(h, INK_GGUF_F32);
  put_u64(h, n);
  for (size_t i = 0; i < n; i++) put(h, &pieces[i].score, sizeof pieces[i].score);
  put_key(h, "tokenizer.ggml.token_type", INK_GGUF_ARRAY);
  put_u32(h, INK_GGUF_I32);
  put_u64(h, n);
  for (size_t i = 0; i < n; i++) put(h, &pieces[i].kind, sizeof pieces[i].kind);
}

/* A vocabulary with the header it lies in. */
typedef struct loaded {
  uint8_t *bytes;
  ink_vocab vocab;
  ink_status status;
  ink_error error;
} loaded;

static inline loaded load_header(uint8_t *bytes, size_t len) {
  loaded l = {.bytes = bytes};
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_gguf gguf;
  bool complete;
  l.status = ink_gguf_parse(&gguf, &allocator, bytes, len, len, &complete, &l.error);
  if (l.status != INK_OK || !complete) {
    printf("a test's GGUF header does not parse: %s\n", l.error.message);
    exit(1);
  }
  l.status = ink_vocab_create(&l.vocab, &allocator, &gguf, &l.error);
  ink_gguf_free(&gguf);
  return l;
}

static inline loaded load_built(header *h) {
  memcpy(h->bytes + 16, &h->n_values, sizeof h->n_values);
  return load_header(h->bytes, h->len);
}

static inline loaded load_vocab(const char *name) {
  size_t len;
  uint8_t *bytes = read_file(name, &len);
  loaded l = load_header(bytes, len);
  if (l.status != INK_OK) {
    printf("%s: %s\n", name, l.error.message);
    exit(1);
  }
  return l;
}

static inline void unload(loaded *l) {
  if (l->status == INK_OK) ink_vocab_free(&l->vocab);
  free(l->bytes);
}

#endif
