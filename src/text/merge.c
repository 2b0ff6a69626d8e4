#include "text/merge.h"

#include "base/utf8.h"
#include "text/sentencepiece.h"

typedef struct ink_symbol {
  uint32_t start, len; /* bytes of the word; len 0: merged into another */
  int32_t previous, next;
  ink_token token; /* -1: none */
} ink_symbol;

typedef struct ink_candidate {
  float cost;
  int32_t left, right;
  uint32_t len; /* of both when it was made: tells whether it is still what it was */
  ink_token token;
} ink_candidate;

void ink_merger_free(ink_merger *merger) {
  if (!merger->capacity) return;
  const ink_allocator *a = &merger->vocab->allocator;
  ink_release(a, merger->symbols, merger->capacity * sizeof *merger->symbols);
  ink_release(a, merger->heap, merger->capacity * 3 * sizeof *merger->heap);
  merger->capacity = 0;
}

static ink_status reserve(ink_merger *merger, size_t n, ink_error *error) {
  if (n <= merger->capacity) return INK_OK;
  const ink_allocator *a = &merger->vocab->allocator;
  size_t capacity = n < 64 ? 64 : n;
  ink_merger_free(merger);
  INK_TRY(ink_allocate(a, (uint64_t)capacity * sizeof *merger->symbols, "tokenizing",
                       &merger->symbols, error));
  ink_status status = ink_allocate(a, (uint64_t)capacity * 3 * sizeof *merger->heap, "tokenizing",
                                   &merger->heap, error);
  if (status == INK_OK) {
    merger->capacity = capacity;
  } else {
    ink_release(a, merger->symbols, capacity * sizeof *merger->symbols);
  }
  return status;
}

/* ---- A binary heap: cheapest first, and of equals the leftmost ---- */

static bool before(const ink_candidate *a, const ink_candidate *b) {
  return a->cost < b->cost || (a->cost == b->cost && a->left < b->left);
}

static void heap_push(ink_candidate *heap, size_t *n, ink_candidate candidate) {
  size_t at = (*n)++;
  while (at > 0 && before(&candidate, &heap[(at - 1) / 2])) {
    heap[at] = heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  heap[at] = candidate;
}

static ink_candidate heap_pop(ink_candidate *heap, size_t *n) {
  ink_candidate top = heap[0];
  ink_candidate last = heap[--*n];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= *n) break;
    if (child + 1 < *n && before(&heap[child + 1], &heap[child])) child++;
    if (!before(&heap[child], &last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return top;
}

/* ---- Merging ---- */

static void push_pair(ink_merger *merger, size_t *n_heap, const char *text, int32_t left,
                      int32_t right) {
  if (left < 0 || right < 0) return;
  const ink_vocab *vocab = merger->vocab;
  const ink_symbol *l = &merger->symbols[left], *r = &merger->symbols[right];
  ink_candidate candidate = {0.0f, left, right, l->len + r->len, -1};
  if (vocab->pre.rule) {
    const ink_merge *merge = ink_merge_table_find(&vocab->merges, l->token, r->token);
    if (!merge) return;
    candidate.token = merge->result;
    candidate.cost = (float)merge->rank;
  } else {
    uint32_t token = ink_index_find(&vocab->index, (ink_str){text + l->start, candidate.len});
    if (token == INK_INDEX_NONE) return;
    candidate.token = (ink_token)token;
    candidate.cost = -ink_gguf_element_f32(&vocab->scores, token);
  }
  heap_push(merger->heap, n_heap, candidate);
}

/* The first symbol of the text at `at`: its length, and its token or -1. */
static size_t first_symbol(const ink_vocab *vocab, const char *text, size_t len, size_t at,
                           ink_token *token) {
  *token = vocab->byte_tokens[(uint8_t)text[at]];
  if (vocab->pre.rule) return 1;
  uint32_t code_point;
  int bytes = ink_utf8_decode(text + at, len - at, &code_point);
  size_t size = bytes > 0 ? (size_t)bytes : 1;
  uint32_t found = ink_index_find(&vocab->index, (ink_str){text + at, size});
  *token = found == INK_INDEX_NONE ? -1 : (ink_token)found;
  return size;
}

static size_t split_symbols(const ink_merger *merger, const char *text, size_t len) {
  const ink_vocab *vocab = merger->vocab;
  size_t n = 0, size;
  for (size_t at = 0; at < len; at += size) {
    ink_token token;
    size = first_symbol(vocab, text, len, at, &token);
    /* Bytes that a byte-level vocabulary lacks are dropped before merging, as the originals do. */
    if (vocab->pre.rule && token < 0) continue;
    merger->symbols[n] =
        (ink_symbol){(uint32_t)at, (uint32_t)size, (int32_t)n - 1, (int32_t)n + 1, token};
    n++;
  }
  if (n > 0) merger->symbols[n - 1].next = -1;
  return n;
}

/* Neighbours that no token covers become one unknown token, unless bytes stand for them. */
static void push_symbols(const ink_merger *merger, const char *text, ink_token_list *out) {
  bool after_unknown = false;
  for (int32_t i = 0; i >= 0; i = merger->symbols[i].next) {
    const ink_symbol *symbol = &merger->symbols[i];
    if (symbol->token >= 0) {
      ink_token_list_push(out, symbol->token);
    } else if (merger->vocab->has_byte_tokens || !after_unknown) {
      ink_sentencepiece_push_unknown(merger->vocab, text + symbol->start, symbol->len, out);
    }
    after_unknown = symbol->token < 0;
  }
}

ink_status ink_merger_encode(ink_merger *merger, const char *text, size_t len, ink_token_list *out,
                             ink_error *error) {
  if (len == 0) return INK_OK;
  if (len > INT32_MAX / 2) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "a text of %llu bytes is too long to tokenize",
                    (unsigned long long)len);
  }
  INK_TRY(reserve(merger, len, error));
  ink_symbol *symbols = merger->symbols;
  size_t n = split_symbols(merger, text, len);
  size_t n_heap = 0;
  for (size_t i = 1; i < n; i++) push_pair(merger, &n_heap, text, (int32_t)i - 1, (int32_t)i);
  while (n_heap > 0) {
    ink_candidate best = heap_pop(merger->heap, &n_heap);
    ink_symbol *left = &symbols[best.left], *right = &symbols[best.right];
    /* Either may have been merged with its other neighbour meanwhile. */
    if (left->len == 0 || right->len == 0 || left->len + right->len != best.len) continue;
    left->len = best.len;
    left->token = best.token;
    left->next = right->next;
    right->len = 0;
    if (left->next >= 0) symbols[left->next].previous = best.left;
    push_pair(merger, &n_heap, text, left->previous, best.left);
    push_pair(merger, &n_heap, text, best.left, left->next);
  }
  if (n > 0) push_symbols(merger, text, out);
  return INK_OK;
}
