/* Text to tokens and back. */
#ifndef INK_TEXT_TOKENIZER_H
#define INK_TEXT_TOKENIZER_H

#include "text/vocab.h"

/* As ink_tokenize() and ink_detokenize(). */
ink_status ink_vocab_tokenize(const ink_vocab *vocab, const char *text, size_t len, uint32_t flags,
                              ink_token *tokens, size_t capacity, size_t *n, ink_error *error);
ink_status ink_vocab_detokenize(const ink_vocab *vocab, const ink_token *tokens, size_t n_tokens,
                                char *text, size_t capacity, size_t *len, ink_error *error);

/* The bytes that a token adds to a text; none for control tokens. The token must exist. */
ink_str ink_vocab_text(const ink_vocab *vocab, ink_token token);

#endif
