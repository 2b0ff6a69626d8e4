/* The little JSON that the command writes. */
#ifndef INK_CLI_JSON_H
#define INK_CLI_JSON_H

#include <stddef.h>

/* A quoted string. Bytes that are not UTF-8 become U+FFFD. */
void json_string(const char *text, size_t len);

#endif
