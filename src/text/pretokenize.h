/* Cutting text into words before byte-pair merging: merges never cross a word's border. */
#ifndef INK_TEXT_PRETOKENIZE_H
#define INK_TEXT_PRETOKENIZE_H

#include "text/pattern.h"

#define INK_MAX_SPLITS 6u

/* What a model's tokenizer does before merging. */
typedef struct ink_pretokenizer_rule {
  const char *names;               /* tokenizer.ggml.pre: all that follow it, a space between */
  /* Patterns, each applied to the pieces of the one before: its matches become pieces of their
   * own, and so does what lies between them. NULL: there are no more. */
  const char *splits[INK_MAX_SPLITS];
  uint8_t grouped_split;           /* from 1; 0: none. Its matches, digits, are cut in threes from
                                    * their end: 12345678 -> 12 345 678 */
  uint8_t bytes_split;             /* from 1; 0: none. This one and those after it see the bytes as
                                    * the characters that GPT-2 spells them by */
  bool ignore_merges;              /* a word that is a token is that token, whatever the merges */
  bool add_bos;                    /* unless the file says otherwise */
  bool nfc;                        /* the text is brought to normal form C first */
} ink_pretokenizer_rule;

/* The table is in pretokenize_rules.c. */
extern const ink_pretokenizer_rule ink_pretokenizer_rules[];
extern const size_t ink_n_pretokenizer_rules;

typedef struct ink_pretokenizer {
  const ink_pretokenizer_rule *rule;
  ink_pattern patterns[INK_MAX_SPLITS];
  uint32_t n_splits;
} ink_pretokenizer;

/* INK_ERR_UNSUPPORTED_TOKENIZER when no rule has the name. */
ink_status ink_pretokenizer_create(ink_pretokenizer *pre, const ink_allocator *allocator,
                                   ink_str name, ink_error *error);
void ink_pretokenizer_free(ink_pretokenizer *pre, const ink_allocator *allocator);

/* The words of a text, one after the other; together they are the text. */
typedef struct ink_word_cursor {
  const ink_pretokenizer *pre;
  const char *text; /* valid UTF-8 */
  uint32_t depth;   /* the split whose pieces are given out */
  struct {
    size_t at, end;               /* what is left of the piece being split */
    size_t match_start, match_end; /* the next match in it, once found: at <= match_start */
    ink_pattern_memory memory;
    size_t digits;                /* of a grouped match, not yet given out */
  } levels[INK_MAX_SPLITS];
} ink_word_cursor;

ink_word_cursor ink_words(const ink_pretokenizer *pre, const char *text, size_t len);

/* False at the end. */
bool ink_next_word(ink_word_cursor *cursor, size_t *start, size_t *end);

#endif
