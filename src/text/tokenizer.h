/* Text to tokens and back. */
#ifndef INK_TEXT_TOKENIZER_H
#define INK_TEXT_TOKENIZER_H

#include "text/family.h"

/* As ink_tokenize() and ink_detokenize(). */
ink_status ink_vocab_tokenize(const ink_vocab *vocab, const char *text, size_t len, uint32_t flags,
                              ink_token *tokens, size_t capacity, size_t *n, ink_error *error);
ink_status ink_vocab_detokenize(const ink_vocab *vocab, const ink_token *tokens, size_t n_tokens,
                                char *text, size_t capacity, size_t *len, ink_error *error);

#endif
