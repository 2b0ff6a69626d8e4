#include "text/pretokenize.h"

#include <string.h>

#include "base/utf8.h"
#include "text/unicode.h"

const ink_pretokenizer *ink_pretokenizer_find(ink_str name) {
  static const ink_pretokenizer known[] = {
      {"gpt-2", false},
      {"smollm", true},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strlen(known[i].name) == name.len && memcmp(known[i].name, name.data, name.len) == 0) {
      return &known[i];
    }
  }
  return NULL;
}

typedef struct scanner {
  const char *text;
  size_t len;
  bool digits_stand_out;
} scanner;

/* What GPT-2's rule tells apart. */
enum { CLASS_OTHER, CLASS_LETTER, CLASS_NUMBER, CLASS_SPACE };

static int class_of(uint32_t c) {
  if (ink_unicode_is(c, INK_MASK_L)) return CLASS_LETTER;
  if (ink_unicode_is(c, INK_MASK_N)) return CLASS_NUMBER;
  return ink_unicode_is_space(c) ? CLASS_SPACE : CLASS_OTHER;
}

/* Neither any class nor another character: the text's end, or a digit that stands for it. */
#define CLASS_END (-1)

/* The class of the character at `at`; *end is where it ends. */
static int raw_class_at(const scanner *s, size_t at, size_t *end) {
  uint32_t code_point;
  int n = ink_utf8_decode(s->text + at, s->len - at, &code_point);
  *end = at + (n > 0 ? (size_t)n : 0);
  return n > 0 ? class_of(code_point) : CLASS_END;
}

static int class_at(const scanner *s, size_t at, size_t *end) {
  int class = raw_class_at(s, at, end);
  return s->digits_stand_out && class == CLASS_NUMBER ? CLASS_END : class;
}

static size_t skip_class(const scanner *s, size_t at, int class) {
  size_t end;
  while (class_at(s, at, &end) == class) at = end;
  return at;
}

static size_t contraction(const scanner *s, size_t at) {
  static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    size_t n = strlen(endings[i]);
    if (n <= s->len - at && memcmp(s->text + at, endings[i], n) == 0) return n;
  }
  return 0;
}

/* \s+(?!\S)|\s+ : white space leaves its last character to a word that follows, unless it is alone. */
static size_t end_of_space(const scanner *s, size_t start) {
  size_t at = start, last = start, end;
  int class;
  while ((class = class_at(s, at, &end)) == CLASS_SPACE) {
    last = at;
    at = end;
  }
  return class == CLASS_END || last == start ? at : last;
}

size_t ink_pretokenize_next(const ink_pretokenizer *rules, const char *text, size_t len,
                            size_t start) {
  scanner s = {text, len, rules->digits_stand_out};
  size_t end, ignored;
  int class = raw_class_at(&s, start, &end);
  if (class == CLASS_NUMBER && s.digits_stand_out) return end;
  if (text[start] == '\'') {
    size_t n = contraction(&s, start);
    if (n) return start + n;
  }
  if (text[start] == ' ') {
    int next = class_at(&s, end, &ignored);
    if (next != CLASS_END && next != CLASS_SPACE) return skip_class(&s, end, next);
  }
  if (class == CLASS_SPACE) return end_of_space(&s, start);
  return skip_class(&s, end, class);
}
