/* Regular expressions as pre-tokenizers use them, compiled to an automaton: one table look-up a
 * character, linear time, no backtracking.
 *
 * Understood: literals, escapes (\r \n \t \x{..} \s \S \d \w \p{..}), classes with ranges, negation and
 * &&[..], groups (..) (?:..) (?i:..), | ? * + {n} {n,m}, (?!x) and (?=x) with one character or class
 * inside, $. A quantifier may be possessive (x?+, x++): it is taken as greedy, which is the same
 * where what follows can't begin with x, as in all rules here. Among alternatives the first that
 * matches wins, as in Perl; \s, \p and the rest follow Unicode 16 (text/unicode.h), (?i:) also
 * matches U+017F for s, and $ is the end of the piece: all as Hugging Face's Oniguruma has it. */
#ifndef INK_TEXT_PATTERN_H
#define INK_TEXT_PATTERN_H

#include "base/memory.h"

/* The automaton. A transition is | next state: 15 bits | match: 1 bit |, where `match` says that
 * the text before the character is a match. State 0 is dead, 1 the start. */
typedef struct ink_pattern {
  uint8_t ascii[128];  /* the class of a character */
  uint32_t n_cuts;     /* the others, by segments of code points: */
  uint32_t *cuts;      /* [n_cuts] where the second and later ones begin, */
  uint16_t *segments;  /* [n_cuts + 1] each one's first class in `classes`, */
  uint8_t *classes;    /* [n_classes_by_category] classes by ink_category */
  uint32_t n_classes_by_category;
  uint32_t n_classes;  /* and one more for the text's end */
  uint32_t n_states;
  bool reads_bytes;    /* see ink_pattern_match(); set by who creates it */
  uint16_t *table;     /* [n_states][n_classes + 1] */
} ink_pattern;

/* `source` is a C string out of this program's own tables: what is wrong with it is a mistake of
 * ours, reported as INK_ERR_UNSUPPORTED_TOKENIZER. */
ink_status ink_pattern_create(ink_pattern *pattern, const ink_allocator *allocator,
                              const char *source, ink_error *error);
void ink_pattern_free(ink_pattern *pattern, const ink_allocator *allocator);

uint64_t ink_pattern_bytes(const ink_pattern *pattern);

/* What a search has learnt of its text: in this state, anywhere from `from` to `to`, no match comes
 * any more. It keeps searches linear where one attempt after the other would look far ahead in vain,
 * as `\s*[\r\n]+` does among a million spaces. Zero-initialise for each text. */
typedef struct ink_pattern_memory {
  uint32_t state; /* 0: nothing */
  size_t from, to;
} ink_pattern_memory;

/* The end of the match that begins at `at`, or INK_PATTERN_NONE. The text is valid UTF-8;
 * or each byte is a character, the one by which GPT-2's byte-level spelling writes it (some of them
 * are numbers, as 0xBD: U+00BD), the unprintable ones being letters. */
#define INK_PATTERN_NONE SIZE_MAX
size_t ink_pattern_match(const ink_pattern *pattern, ink_pattern_memory *memory, const char *text,
                         size_t len, size_t at);

#endif
