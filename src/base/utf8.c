#include "base/utf8.h"

int ink_utf8_decode(const char *text, size_t len, uint32_t *code_point) {
  const unsigned char *s = (const unsigned char *)text;
  if (len == 0) return 0;
  unsigned char lead = s[0];
  if (lead < 0x80) {
    *code_point = lead;
    return 1;
  }
  if (lead < 0xC2 || lead > 0xF4) return -1;

  int n = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  /* Only the second byte's range depends on the lead: it excludes overlong forms (E0, F0),
   * surrogates (ED) and what lies past U+10FFFF (F4). */
  unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  uint32_t value = lead & (0xFFu >> (n + 1));
  for (int i = 1; i < n; i++) {
    if ((size_t)i >= len) return 0;
    if (s[i] < low || s[i] > high) return -i;
    value = value << 6 | (s[i] & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  *code_point = value;
  return n;
}

size_t ink_utf8_valid_prefix(const char *text, size_t len) {
  size_t i = 0;
  while (i < len) {
    uint32_t code_point;
    int n = ink_utf8_decode(text + i, len - i, &code_point);
    if (n <= 0) break;
    i += (size_t)n;
  }
  return i;
}

size_t ink_utf8_encode(uint32_t code_point, char bytes[4]) {
  if (code_point < 0x80) {
    bytes[0] = (char)code_point;
    return 1;
  }
  size_t n = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--) {
    bytes[i] = (char)(0x80 | (code_point & 0x3F));
    code_point >>= 6;
  }
  bytes[0] = (char)(0xF00u >> n | code_point); /* 110xxxxx, 1110xxxx, 11110xxx */
  return n;
}
