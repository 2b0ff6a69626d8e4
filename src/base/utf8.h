/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef INK_BASE_UTF8_H
#define INK_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads one character of the `len` bytes at `text`. Returns
 *   n > 0   its length in bytes; *code_point is set
 *   0       the bytes are the beginning of a character that is cut off (or len is 0)
 *   -n < 0  the first n bytes are no character: the maximal ill-formed part as in Unicode 3.9,
 *           to be replaced by one U+FFFD */
int ink_utf8_decode(const char *text, size_t len, uint32_t *code_point);

/* Offset of the first byte that is not part of a whole character, or `len` if there is none. */
size_t ink_utf8_valid_prefix(const char *text, size_t len);

/* Writes a character's bytes, and returns how many. The code point must be one that UTF-8 has. */
size_t ink_utf8_encode(uint32_t code_point, char bytes[4]);

#endif
