/* Words of byte-pair encoding to tokens, byte-level or SentencePiece's: those just seen from a cache,
 * short byte-level ones by scanning, others by ink_merger's heap. */
#ifndef INK_TEXT_WORDS_H
#define INK_TEXT_WORDS_H

#include "text/merge.h"

/* Zero-initialise; free with ink_word_encoder_free(). */
typedef struct ink_word_encoder {
  struct ink_cached_word *cache; /* [n_cached], by hash */
  size_t n_cached;               /* 0 or a power of two */
} ink_word_encoder;

/* A cache that pays for a text of `len` bytes; none for short texts. Running out of memory is no
 * failure: it goes without. */
void ink_word_encoder_prepare(ink_word_encoder *encoder, const ink_vocab *vocab, size_t len);
void ink_word_encoder_free(ink_word_encoder *encoder, const ink_vocab *vocab);

/* Appends the tokens of one word of at least a byte. */
ink_status ink_word_encode(ink_word_encoder *encoder, ink_merger *merger, const char *word,
                           size_t len, ink_token_list *out, ink_error *error);

#endif
