/* Cutting text into words before byte-pair merging: merges never cross a word's border. */
#ifndef INK_TEXT_PRETOKENIZE_H
#define INK_TEXT_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* What tells one pre-tokenizer from another. All build on GPT-2's rule:
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
typedef struct ink_pretokenizer {
  const char *name;      /* tokenizer.ggml.pre */
  bool digits_stand_out; /* every \p{N} character is a word of its own and ends the text before */
} ink_pretokenizer;

/* NULL when the name is not known. */
const ink_pretokenizer *ink_pretokenizer_find(ink_str name);

/* The end of the word that begins at `start` < len; the text is valid UTF-8. */
size_t ink_pretokenize_next(const ink_pretokenizer *rules, const char *text, size_t len,
                            size_t start);

#endif
