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

/* Characters from `first` to the low 24 bits of `last`, whose class, in the high 8, is not the one that
 * the rules give: they are older than today's Unicode. In order. */
typedef struct ink_bert_run {
  uint32_t first, last;
} ink_bert_run;

extern const ink_bert_run ink_bert_runs[];
extern const size_t ink_bert_n_runs;

ink_bert_class ink_bert_class_of(uint32_t code_point); /* wordpiece.c */

#endif
