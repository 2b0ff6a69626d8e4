/* What BERT's basic tokenizer does with a character (Devlin et al., 2018). */
#ifndef INK_TEXT_BERT_CLASSES_H
#define INK_TEXT_BERT_CLASSES_H

#include <stddef.h>
#include <stdint.h>

typedef enum ink_bert_class { /* the numbers are the table's */
  INK_BERT_OTHER = 0,
  INK_BERT_REMOVED = 1,     /* control, format and private-use characters */
  INK_BERT_SPACE = 2,       /* ends a word */
  INK_BERT_PUNCTUATION = 3, /* a word by itself */
  INK_BERT_CJK = 4,         /* an ideograph: a word by itself; neither kana nor hangul are */
  INK_BERT_MARK = 5,        /* removed where accents are stripped */
} ink_bert_class;

extern const uint32_t ink_bert_runs[];
extern const size_t ink_bert_n_runs;

static inline ink_bert_class ink_bert_class_of(uint32_t code_point) {
  size_t low = 0, high = ink_bert_n_runs; /* the run is in [low, high) */
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (ink_bert_runs[middle] >> 3 <= code_point) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (ink_bert_class)(ink_bert_runs[low] & 7u);
}

#endif
