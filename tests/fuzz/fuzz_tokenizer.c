/* A GGUF header with a tokenizer, and after it the text to tokenize. */
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "text/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_MEMORY (64u << 20)

static size_t used; /* by the run; what is not given back is a leak */

static void *allocate(void *context, size_t size, size_t alignment) {
  (void)context;
  if (size > MAX_MEMORY - used) return NULL;
  used += size;
  return aligned_alloc(alignment, size);
}

static void release(void *context, void *pointer, size_t size) {
  (void)context;
  used -= size;
  free(pointer);
}

static void use_vocab(const ink_vocab *vocab, const char *text, size_t len) {
  static ink_token tokens[1 << 16];
  static char back[1 << 20];
  static const uint32_t flags[] = {0, INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS};
  for (size_t i = 0; i < 2; i++) {
    size_t n, n_back;
    ink_error error = {0};
    ink_status status = ink_vocab_tokenize(vocab, text, len, flags[i], tokens,
                                           sizeof tokens / sizeof *tokens, &n, &error);
    if (status != INK_OK) {
      if (status != error.code) abort();
      continue;
    }
    for (size_t k = 0; k < n; k++) {
      if (tokens[k] < 0 || (uint32_t)tokens[k] >= vocab->n_tokens) abort();
      ink_vocab_is_end(vocab, tokens[k]);
    }
    ink_vocab_detokenize(vocab, tokens, n, back, sizeof back, &n_back, &error);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ink_allocator allocator = {NULL, allocate, release};
  ink_gguf gguf;
  ink_vocab vocab;
  bool complete = false;
  ink_error error = {0};
  uint8_t *bytes = malloc(size ? size : 1); /* strings are decoded in place */
  if (!bytes) return 0;
  memcpy(bytes, data, size);
  if (ink_gguf_parse(&gguf, &allocator, bytes, size, size, &complete, &error) == INK_OK && complete) {
    size_t start = gguf.data_offset < size ? (size_t)gguf.data_offset : size;
    if (ink_vocab_create(&vocab, &allocator, &gguf, &error) == INK_OK) {
      use_vocab(&vocab, (const char *)bytes + start, size - start);
      ink_vocab_free(&vocab);
    } else if (error.code == INK_OK || error.message[0] == '\0') {
      abort(); /* a failure without a reason */
    }
    ink_gguf_free(&gguf);
  }
  free(bytes);
  if (used != 0) abort();
  return 0;
}
