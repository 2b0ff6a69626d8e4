#include "text/words.h"

#include <string.h>

/* Up to here, looking for the best pair again and again is faster than keeping a heap. */
#define MAX_SCANNED 40u

#define MAX_CACHED_BYTES 30u
#define MAX_CACHED_TOKENS 8u

typedef struct ink_cached_word { /* 64 bytes: a cache line */
  uint8_t len;                   /* 0: nothing is there */
  uint8_t n_tokens;
  char bytes[MAX_CACHED_BYTES];
  ink_token tokens[MAX_CACHED_TOKENS];
} ink_cached_word;

void ink_word_encoder_prepare(ink_word_encoder *encoder, const ink_vocab *vocab, size_t len) {
  size_t n = 0;
  if (len >= 1024) n = 256;
  while (n > 0 && n < 16384 && n * 64 < len) n *= 2; /* up to 1 MiB */
  if (n <= encoder->n_cached) return;
  ink_word_encoder_free(encoder, vocab);
  if (ink_allocate(&vocab->allocator, n * sizeof *encoder->cache, "tokenizing", &encoder->cache,
                   NULL) != INK_OK) {
    return;
  }
  memset(encoder->cache, 0, n * sizeof *encoder->cache);
  encoder->n_cached = n;
}

void ink_word_encoder_free(ink_word_encoder *encoder, const ink_vocab *vocab) {
  ink_release(&vocab->allocator, encoder->cache, encoder->n_cached * sizeof *encoder->cache);
  *encoder = (ink_word_encoder){0};
}

#define NO_PAIR UINT32_MAX

typedef struct part {
  ink_token token;
  ink_token merged; /* with the next one */
  uint32_t rank;    /* of that; NO_PAIR: they don't join */
} part;

static void look_at_pair(const ink_merge_table *merges, part *parts, size_t i) {
  const ink_merge *merge = ink_merge_table_find(merges, parts[i].token, parts[i + 1].token);
  parts[i].rank = merge ? merge->rank : NO_PAIR;
  parts[i].merged = merge ? merge->result : -1;
}

static size_t best_pair(const part *parts, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i + 1 < n; i++) {
    if (parts[i].rank < parts[best].rank) best = i;
  }
  return best;
}

/* Writes the tokens of at most MAX_SCANNED bytes of a byte-level word; returns how many. */
static size_t encode_short(const ink_vocab *vocab, const char *word, size_t len,
                           ink_token *tokens) {
  part parts[MAX_SCANNED];
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    ink_token token = vocab->byte_tokens[(uint8_t)word[i]];
    /* Bytes that the vocabulary lacks are dropped before merging, as the originals do. */
    if (token >= 0) parts[n++].token = token;
  }
  for (size_t i = 0; i + 1 < n; i++) look_at_pair(&vocab->merges, parts, i);
  while (n > 1) {
    size_t best = best_pair(parts, n);
    if (parts[best].rank == NO_PAIR) break;
    parts[best].token = parts[best].merged;
    n--;
    memmove(parts + best + 1, parts + best + 2, (n - best - 1) * sizeof *parts);
    if (best + 1 < n) look_at_pair(&vocab->merges, parts, best);
    if (best > 0) look_at_pair(&vocab->merges, parts, best - 1);
  }
  for (size_t i = 0; i < n; i++) tokens[i] = parts[i].token;
  return n;
}

ink_status ink_word_encode(ink_word_encoder *encoder, ink_merger *merger, const char *word,
                           size_t len, ink_token_list *out, ink_error *error) {
  const ink_vocab *vocab = merger->vocab;
  ink_cached_word *cached = NULL;
  if (len <= MAX_CACHED_BYTES && encoder->n_cached > 0) {
    cached = &encoder->cache[ink_hash_fast(word, len) & (encoder->n_cached - 1)];
    if (cached->len == len && memcmp(cached->bytes, word, len) == 0) {
      for (size_t i = 0; i < cached->n_tokens; i++) ink_token_list_push(out, cached->tokens[i]);
      return INK_OK;
    }
  }
  ink_token tokens[MAX_SCANNED];
  size_t n = 0;
  if (vocab->pre.rule && vocab->pre.rule->ignore_merges) {
    uint32_t whole = ink_index_find(&vocab->index, (ink_str){word, len});
    if (whole != INK_INDEX_NONE) tokens[n++] = (ink_token)whole;
  }
  if (n == 0 && len > MAX_SCANNED) return ink_merger_encode(merger, word, len, out, error);
  if (n == 0 && vocab->pre.rule) n = encode_short(vocab, word, len, tokens);
  if (n == 0) {
    ink_token_list list = {tokens, MAX_SCANNED, 0}; /* no more tokens than bytes */
    INK_TRY(ink_merger_encode(merger, word, len, &list, error));
    n = list.n;
  }
  for (size_t i = 0; i < n; i++) ink_token_list_push(out, tokens[i]);
  if (cached && n <= MAX_CACHED_TOKENS) {
    cached->len = (uint8_t)len;
    cached->n_tokens = (uint8_t)n;
    memcpy(cached->bytes, word, len);
    memcpy(cached->tokens, tokens, n * sizeof *tokens);
  }
  return INK_OK;
}
