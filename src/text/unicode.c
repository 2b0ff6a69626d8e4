#include "text/unicode.h"

ink_char_class ink_char_class_of(uint32_t code_point) {
  /* The last run that begins at or before the code point. */
  size_t low = 0, high = ink_unicode_n_runs;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (ink_unicode_runs[middle] >> 2 <= code_point) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return (ink_char_class)(ink_unicode_runs[low] & 3);
}
