/* snprintf() with the conversions that the core uses: the C library's costs a module 10 KB. */
#ifndef INK_BASE_PRINT_H
#define INK_BASE_PRINT_H

#include <stdarg.h>

#include "base/status.h"

/* Conversions: d, u, x, X (with z, l or ll), s, c, g and %%; for whole numbers a width, and '0' to
 * fill it; for strings a precision. Width and precision may be '*', a precision not below 0. Writes at most
 * `size` > 0 bytes, of which the last is a zero byte, and drops what is more. */
void ink_print(char *out, size_t size, const char *format, ...) INK_PRINTF(3, 4);
void ink_print_list(char *out, size_t size, const char *format, va_list args) INK_PRINTF(3, 0);

#endif
