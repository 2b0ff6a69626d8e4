/* Numbers to decimal digits and back: correctly rounded, whatever the locale, and in a tenth of the
 * C library's code. */
#ifndef INK_BASE_DECIMAL_H
#define INK_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* As snprintf() writes a finite number, whose sign is dropped: `type` is one of e, f, g and their
 * capitals, `alternate` the flag '#', and `precision` at least 0. Returns the whole's length. */
size_t ink_decimal_print(char *out, size_t size, double number, char type, bool alternate,
                         int precision);

/* Reads [+-]digits[.digits][e[+-]digits], of which digits on one side of the point may be missing;
 * false when that is not all of the text. What is too large is infinite. */
bool ink_decimal_parse(const char *text, size_t len, double *out);

#endif
