/* Byte-pair merging: the cheapest pair of neighbours is joined until none is left. */
#ifndef INK_TEXT_MERGE_H
#define INK_TEXT_MERGE_H

#include "text/vocab.h"

/* Tokens on their way out: counted past the capacity, but not stored. */
typedef struct ink_token_list {
  ink_token *tokens;
  size_t capacity;
  size_t n;
} ink_token_list;

static inline void ink_token_list_push(ink_token_list *list, ink_token token) {
  if (list->n < list->capacity) list->tokens[list->n] = token;
  list->n++;
}

/* Scratch that grows to the longest word seen. Zero-initialise; free with ink_merger_free(). */
typedef struct ink_merger {
  const ink_vocab *vocab;
  struct ink_symbol *symbols;
  struct ink_candidate *heap;
  size_t capacity; /* symbols; the heap has room for three times as many */
} ink_merger;

void ink_merger_free(ink_merger *merger);

/* Appends the tokens of one word: a byte-level word (symbols are bytes), or a SentencePiece text
 * (symbols are characters). What no token covers becomes byte tokens, else the unknown token. */
ink_status ink_merger_encode(ink_merger *merger, const char *text, size_t len, ink_token_list *out,
                             ink_error *error);

#endif
