/* The vocabulary of a model: its tokens' bytes, its merge rules, its special tokens. */
#ifndef INK_TEXT_VOCAB_H
#define INK_TEXT_VOCAB_H

#include "base/index.h"
#include "format/gguf.h"
#include "text/pretokenize.h"

typedef enum ink_vocab_family {
  INK_VOCAB_BPE, /* byte-level byte-pair encoding, as GPT-2's (Radford et al., 2019) */
  INK_VOCAB_SPM, /* SentencePiece's BPE: scores, byte fallback (Kudo and Richardson, 2018) */
} ink_vocab_family;

typedef enum ink_token_kind { /* tokenizer.ggml.token_type */
  INK_TOKEN_NORMAL = 1,
  INK_TOKEN_UNKNOWN = 2,
  INK_TOKEN_CONTROL = 3,
  INK_TOKEN_USER_DEFINED = 4,
  INK_TOKEN_UNUSED = 5,
  INK_TOKEN_BYTE = 6,
} ink_token_kind;

typedef struct ink_merge {
  ink_token left, right, result;
} ink_merge;

typedef struct ink_vocab {
  ink_allocator allocator;
  ink_vocab_family family;
  const ink_pretokenizer *pre; /* BPE */
  char name[32];               /* "gpt2/smollm", for ink_model_info */

  uint32_t n_tokens;
  ink_str *tokens;             /* [n_tokens] the bytes each stands for; in the model's header */
  uint8_t *kinds;              /* [n_tokens] ink_token_kind */
  ink_gguf_value scores;       /* SPM: [n_tokens] f32, whose data is in the model's header */
  ink_index index;             /* bytes -> token, for those that plain text can become */
  ink_token byte_tokens[256];  /* the token of a single byte, or -1 */

  ink_merge *merges;           /* BPE: [n_merges], best first */
  uint32_t n_merges;
  uint32_t *merge_slots;       /* [n_merge_slots] merge + 1 by hash of (left, right), 0: empty */
  uint32_t n_merge_slots;

  ink_token *specials;         /* [n_specials] tokens whose text is found whole, longest first */
  uint32_t n_specials;
  bool special_lead[256];      /* some special begins with this byte */

  ink_token bos, eos, eot, unknown; /* -1: none */
  bool add_bos;
  bool add_space_prefix;       /* SPM */
  ink_str chat_template;       /* empty: none */
  uint64_t n_bytes;            /* memory taken, strings included */
} ink_vocab;

/* Reads the vocabulary and turns its strings into plain bytes in place: `gguf`'s header must be
 * writable, and outlive the vocabulary. */
ink_status ink_vocab_create(ink_vocab *vocab, const ink_allocator *allocator, const ink_gguf *gguf,
                            ink_error *error);
void ink_vocab_free(ink_vocab *vocab);

/* The rank of merging two neighbours (0 is best), with the token that results, or -1. */
int64_t ink_vocab_find_merge(const ink_vocab *vocab, ink_token left, ink_token right,
                             ink_token *result);

bool ink_vocab_is_end(const ink_vocab *vocab, ink_token token);

#endif
