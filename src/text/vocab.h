/* The vocabulary of a model: its tokens' bytes, its merge rules, its special tokens. */
#ifndef INK_TEXT_VOCAB_H
#define INK_TEXT_VOCAB_H

#include "base/index.h"
#include "format/gguf.h"
#include "text/charsmap.h"
#include "text/merge_table.h"
#include "text/prefix_set.h"
#include "text/pretokenize.h"

typedef enum ink_token_kind { /* tokenizer.ggml.token_type */
  INK_TOKEN_NORMAL = 1,
  INK_TOKEN_UNKNOWN = 2,
  INK_TOKEN_CONTROL = 3,
  INK_TOKEN_USER_DEFINED = 4,
  INK_TOKEN_UNUSED = 5,
  INK_TOKEN_BYTE = 6,
} ink_token_kind;

typedef struct ink_vocab {
  ink_allocator allocator;
  const struct ink_family *family;
  ink_pretokenizer pre;        /* byte-level BPE; else it has no rule */
  char name[48];               /* "gpt2/smollm", for ink_model_info */

  uint32_t n_tokens;
  ink_str *tokens;             /* [n_tokens] the bytes each stands for */
  uint8_t *kinds;              /* [n_tokens] ink_token_kind */
  ink_gguf_value scores;       /* [n_tokens] f32, or none */
  /* SPM, and BPE whose rule looks for whole words first: bytes -> token, for those that plain text
   * can become. */
  ink_index index;
  ink_prefix_set pieces;       /* Unigram, WordPiece: the same, to be searched by prefix */
  ink_token byte_tokens[256];  /* the token of a single byte, or -1 */
  bool has_byte_tokens;        /* some byte has one */

  ink_merge_table merges;      /* byte-level BPE */

  ink_prefix_set specials;     /* tokens whose text is found whole */
  bool special_lead[256];      /* some special begins with this byte */
  bool strip_after_special;    /* white space that follows one belongs to it (Phi-3) */

  ink_token bos, eos, eot, sep, unknown; /* -1: none; an encoder's CLS is its BOS */
  bool add_bos;                /* BOS belongs before a text */
  ink_token last;              /* belongs after a text; -1: none */

  bool add_space_prefix;       /* SentencePiece: a text begins with a space */
  bool fold_space_marks;       /* SentencePiece's BPE: U+2581 is a space, in special tokens too */
  bool words_stand_alone;      /* SentencePiece's BPE: no token goes on past the end of a word */
  bool remove_extra_whitespaces; /* SentencePiece: spaces are trimmed and joined */
  ink_charsmap charsmap;       /* SentencePiece: rules that texts are normalised by */
  float unknown_score;         /* Unigram: of a character that no token covers */
  bool lower_case, strip_accents; /* WordPiece */
  ink_str chat_template;       /* empty: none */
  uint8_t *owned;              /* [n_owned] what the strings above point to */
  uint64_t n_owned;
  uint64_t n_bytes;            /* memory taken, strings included */
} ink_vocab;

/* Reads the vocabulary, turning strings into plain bytes in place: `gguf`'s header must be writable,
 * and is not needed any more afterwards. */
ink_status ink_vocab_create(ink_vocab *vocab, const ink_allocator *allocator, const ink_gguf *gguf,
                            ink_error *error);
void ink_vocab_free(ink_vocab *vocab);

/* For families to build what they search: `index`, `pieces`, `byte_tokens` from tokens of a kind. */
ink_status ink_vocab_index(ink_vocab *vocab, ink_error *error);
ink_status ink_vocab_index_prefixes(ink_vocab *vocab, ink_error *error);
void ink_vocab_find_bytes(ink_vocab *vocab, ink_token_kind kind);

/* Plain text can become this token: it is normal or user-defined, and not empty. */
bool ink_vocab_is_plain(const ink_vocab *vocab, uint32_t token);

/* A user-defined token of SentencePiece's own: a part of the text around it, as a letter is. Others,
 * added to a model later, cut the text in two, each begun with a space where the model does that. Files
 * tell them apart by the score: SentencePiece gives its own 0, converters give others less. */
bool ink_vocab_is_in_text(const ink_vocab *vocab, uint32_t token);

bool ink_vocab_is_end(const ink_vocab *vocab, ink_token token);

#endif
