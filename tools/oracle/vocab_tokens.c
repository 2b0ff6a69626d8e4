/* Tokenizes with a GGUF file's vocabulary alone, for check_families.py, which builds it.
 *
 *   vocab_tokens FILE.gguf [FLAGS] < texts > tokens
 *
 * Each text is a u32 length and as many bytes; each answer a u32 count and as many i32 ids, or -status,
 * then a u32 length and the bytes they decode to. On stderr: how long the vocabulary took to load, and
 * its memory. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format/gguf.h"
#include "text/tokenizer.h"

#define MAX_HEADER (64u << 20)

static uint64_t allocated, peak;

static void *count_allocate(void *context, size_t size, size_t alignment) {
  (void)context;
  allocated += size;
  if (allocated > peak) peak = allocated;
  return aligned_alloc(alignment, size);
}

static void count_release(void *context, void *pointer, size_t size) {
  (void)context;
  allocated -= size;
  free(pointer);
}

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void load(ink_vocab *vocab, const char *path) {
  static uint8_t bytes[MAX_HEADER];
  ink_allocator allocator = {NULL, count_allocate, count_release};
  ink_gguf gguf;
  ink_error error = {0};
  bool complete;
  FILE *file = fopen(path, "rb");
  size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  for (size_t i = 8; i < 16 && i < len; i++) bytes[i] = 0; /* no tensors */
  double start = now();
  ink_status status = ink_gguf_parse(&gguf, &allocator, bytes, len, 0, &complete, &error);
  double parsed = now();
  uint64_t before = allocated;
  if (status == INK_OK && complete) status = ink_vocab_create(vocab, &allocator, &gguf, &error);
  if (status != INK_OK || !complete) {
    fprintf(stderr, "%s: %s\n", path, error.message);
    exit(1);
  }
  fprintf(stderr,
          "%s: %u tokens; header of %.0f KB parsed in %.1f ms, vocabulary read in %.1f ms, %.0f KB "
          "allocated, %.0f KB counted\n",
          vocab->name, (unsigned)vocab->n_tokens, (double)gguf.data_offset / 1e3, parsed - start,
          now() - parsed, (double)(allocated - before) / 1e3, (double)vocab->n_bytes / 1e3);
  ink_gguf_free(&gguf);
}

static void *grow(void *pointer, size_t *capacity, size_t needed) {
  if (needed <= *capacity) return pointer;
  *capacity = needed * 2;
  pointer = realloc(pointer, *capacity);
  if (!pointer) exit(1);
  return pointer;
}

int main(int argc, char **argv) {
  static ink_vocab vocab;
  if (argc < 2) return 2;
  uint32_t flags = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
  load(&vocab, argv[1]);
  char *text = NULL, *back = NULL;
  ink_token *tokens = NULL;
  size_t text_capacity = 0, back_capacity = 0, tokens_capacity = 0;
  double spent = 0;
  uint64_t total = 0;
  uint32_t len;
  while (fread(&len, sizeof len, 1, stdin) == 1) {
    size_t n, n_back;
    text = grow(text, &text_capacity, len + 1u);
    if (fread(text, 1, len, stdin) != len) return 1;
    tokens = grow(tokens, &tokens_capacity, (len * 6u + 8u) * sizeof *tokens);
    double start = now();
    ink_status status = ink_vocab_tokenize(&vocab, text, len, flags, tokens,
                                           tokens_capacity / sizeof *tokens, &n, NULL);
    spent += now() - start;
    total += len;
    int32_t count = status == INK_OK ? (int32_t)n : -(int32_t)status;
    if (status != INK_OK) n = 0;
    ink_vocab_detokenize(&vocab, tokens, n, NULL, 0, &n_back, NULL);
    back = grow(back, &back_capacity, n_back + 1);
    ink_vocab_detokenize(&vocab, tokens, n, back, n_back, &n_back, NULL);
    uint32_t n_text = (uint32_t)n_back;
    fwrite(&count, sizeof count, 1, stdout);
    fwrite(tokens, sizeof *tokens, n, stdout);
    fwrite(&n_text, sizeof n_text, 1, stdout);
    fwrite(back, 1, n_back, stdout);
  }
  fprintf(stderr, "%.1f MB tokenized in %.0f ms: %.1f MB/s\n", (double)total / 1e6, spent,
          (double)total / 1e3 / (spent + 1e-9));
  return 0;
}
