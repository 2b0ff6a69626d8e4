/* Character classes, from tables that tools/unicode_tables.py makes. */
#ifndef INK_TEXT_UNICODE_H
#define INK_TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

typedef enum ink_char_class {
  INK_CHAR_OTHER = 0,
  INK_CHAR_LETTER = 1, /* general category L* */
  INK_CHAR_NUMBER = 2, /* general category N* */
  INK_CHAR_SPACE = 3,  /* property White_Space */
} ink_char_class;

ink_char_class ink_char_class_of(uint32_t code_point);

extern const uint32_t ink_unicode_runs[];
extern const size_t ink_unicode_n_runs;

#endif
