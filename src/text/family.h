/* What differs between families of tokenizers, as one table of functions for each. Everything else
 * (special tokens, limits, errors) is shared and lies in tokenizer.c and vocab.c. */
#ifndef INK_TEXT_FAMILY_H
#define INK_TEXT_FAMILY_H

#include "base/buffer.h"
#include "text/merge.h"
#include "text/words.h"

/* Scratch of one call that encodes; grows to what the longest stretch of text needs. */
typedef struct ink_encoder {
  const ink_vocab *vocab;
  ink_merger merger;  /* byte-level and SentencePiece BPE */
  ink_word_encoder words; /* the same */
  ink_buffer normal;  /* the stretch as the family normalises it */
  ink_buffer scratch;
} ink_encoder;

/* What a token adds to a text. */
typedef struct ink_joint {
  bool space; /* a space that is not in the token's own bytes comes first */
  ink_str text;
} ink_joint;

typedef struct ink_family {
  const char *model; /* tokenizer.ggml.model */

  /* A token's bytes from its spelling in the file; never longer, in place. */
  ink_str (*spell)(ink_str text, uint8_t kind);

  /* Reads what only this family has, once the tokens are known. */
  ink_status (*read)(ink_vocab *vocab, const ink_gguf *gguf, ink_error *error);

  /* Appends the tokens of a stretch of text between special tokens. `starts`: nothing stands before
   * it, or a special token does. */
  ink_status (*encode)(ink_encoder *encoder, const char *text, size_t len, bool starts,
                       ink_token_list *out, ink_error *error);

  /* `*starts`: no token with a text came before; the function keeps it up to date. The token
   * exists. */
  ink_joint (*join)(const ink_vocab *vocab, ink_token token, bool *starts);

  /* What a file means that does not say it: ids, if special tokens are there, and which of them belong
   * around a text. -1: none. */
  ink_token bos, eos, sep, unknown;
  bool add_bos, add_eos, add_sep;
  bool has_in_text_tokens; /* see ink_vocab_is_in_text() */
} ink_family;

extern const ink_family ink_family_bpe, ink_family_spm, ink_family_unigram, ink_family_wordpiece;

/* The bytes that a token adds to a text; none for control tokens. The token must exist. */
ink_str ink_vocab_text(const ink_vocab *vocab, ink_token token);

#endif
