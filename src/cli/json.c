#include "cli/json.h"

#include <stdio.h>

#include "base/utf8.h"

void json_string(const char *text, size_t len) {
  putchar('"');
  for (size_t i = 0; i < len;) {
    uint32_t c;
    int n = ink_utf8_decode(text + i, len - i, &c);
    if (n <= 0) {
      fputs("\xEF\xBF\xBD", stdout);
      i += n < 0 ? (size_t)-n : len - i;
      continue;
    }
    if (c == '"' || c == '\\') {
      printf("\\%c", (int)c);
    } else if (c == '\n') {
      fputs("\\n", stdout);
    } else if (c < 0x20) {
      printf("\\u%04x", (unsigned)c);
    } else {
      fwrite(text + i, 1, (size_t)n, stdout);
    }
    i += (size_t)n;
  }
  putchar('"');
}
