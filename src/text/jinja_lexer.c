/* The lexical rules of Jinja 3.1 with trim_blocks and lstrip_blocks on, as chat templates are read:
 * a tag's line break and the indentation before it go, unless a '+' stands inside of the tag's
 * delimiter; with '-' all white space goes. */
#include "text/jinja_lexer.h"

#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"

bool ink_is_space(uint32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/* Length of the space that the text begins with: one character, or 0. */
static size_t space_at(const char *text, size_t len) {
  uint32_t c;
  int n = ink_utf8_decode(text, len, &c);
  return n > 0 && ink_is_space(c) ? (size_t)n : 0;
}

ink_value ink_strip_space(ink_value text, bool left, bool right) {
  const char *begin = text.as.text, *end = begin + text.len;
  for (size_t n; left && begin < end && (n = space_at(begin, (size_t)(end - begin))) > 0;)
    begin += n;
  while (right && end > begin) {
    const char *last = end - 1;
    while (last > begin && ((uint8_t)*last & 0xC0) == 0x80) last--;
    if (space_at(last, (size_t)(end - last)) == 0) break;
    end = last;
  }
  return ink_text(begin, (size_t)(end - begin));
}

void ink_jinja_lexer_begin(ink_jinja_lexer *lexer, ink_task *task, ink_str source) {
  *lexer = (ink_jinja_lexer){.task = task, .line = 1};
  char *copy = ink_task_allocate(task, source.len);
  if (!copy) return;
  size_t n = 0;
  for (size_t i = 0; i < source.len; i++) {
    bool pair = source.data[i] == '\r' && i + 1 < source.len && source.data[i + 1] == '\n';
    if (!pair) copy[n++] = source.data[i] == '\r' ? '\n' : source.data[i];
  }
  if (n > 0 && copy[n - 1] == '\n') n--; /* the last line break is no part of a template */
  lexer->source = copy;
  lexer->len = n;
}

static ink_jinja_token token_of(const ink_jinja_lexer *l, ink_jinja_token_kind kind) {
  return (ink_jinja_token){.kind = kind, .line = l->line};
}

static ink_jinja_token fail(ink_jinja_lexer *l, const char *what) {
  l->task->line = l->line;
  ink_task_fail(l->task, INK_ERR_TEMPLATE, "%s", what);
  return token_of(l, INK_JINJA_END);
}

static bool looking_at(const ink_jinja_lexer *l, size_t at, const char *text) {
  size_t n = strlen(text);
  return at + n <= l->len && memcmp(l->source + at, text, n) == 0;
}

/* Moves to a later place, counting lines. */
static void go_to(ink_jinja_lexer *l, size_t at) {
  for (; l->at < at; l->at++) l->line += l->source[l->at] == '\n';
}

static size_t after_spaces(const ink_jinja_lexer *l, size_t at) {
  for (size_t n; at < l->len && (n = space_at(l->source + at, l->len - at)) > 0;) at += n;
  return at;
}

/* After a tag that ends at `at` with `sign` ('-', '+' or other) before its delimiter. */
static void end_tag(ink_jinja_lexer *l, size_t at, char sign, bool trim_line_break) {
  if (sign == '-')
    at = after_spaces(l, at);
  else if (sign != '+' && trim_line_break && looking_at(l, at, "\n"))
    at++;
  go_to(l, at);
}

/* ---- Outside of tags ---- */

/* The text from l->at to a tag at `tag`, without what the tag's sign takes from it. */
static ink_value text_before(const ink_jinja_lexer *l, size_t tag, bool is_print) {
  ink_value text = ink_text(l->source + l->at, tag - l->at);
  char sign = tag + 2 < l->len ? l->source[tag + 2] : 0;
  if (sign == '-') return ink_strip_space(text, false, true);
  if (sign == '+' || is_print) return text;
  size_t line_begin = tag;
  while (line_begin > l->at && l->source[line_begin - 1] != '\n') line_begin--;
  if (line_begin > 0 && l->source[line_begin - 1] != '\n')
    return text; /* a tag ends in this line */
  if (after_spaces(l, line_begin) < tag) return text;
  return ink_text(text.as.text, line_begin - l->at);
}

static size_t find_tag(const ink_jinja_lexer *l) {
  for (size_t i = l->at; i + 1 < l->len; i++) {
    char next = l->source[i + 1];
    if (l->source[i] == '{' && (next == '%' || next == '{' || next == '#')) return i;
  }
  return l->len;
}

static size_t after_sign(const ink_jinja_lexer *l, size_t at) {
  return at < l->len && (l->source[at] == '-' || l->source[at] == '+') ? at + 1 : at;
}

/* The end of `{% NAME` at `at`, delimiter not included, or 0. */
static size_t match_tag(const ink_jinja_lexer *l, size_t at, const char *name) {
  if (!looking_at(l, at, "{%")) return 0;
  at = after_spaces(l, after_sign(l, at + 2));
  return looking_at(l, at, name) ? after_spaces(l, at + strlen(name)) : 0;
}

static void skip_comment(ink_jinja_lexer *l) {
  size_t begin = after_sign(l, l->at + 2), at = begin;
  while (at < l->len && !looking_at(l, at, "#}")) at++;
  if (at == l->len)
    fail(l, "a comment does not end");
  else
    end_tag(l, at + 2, at > begin ? l->source[at - 1] : 0, true);
}

/* {% raw %}: what follows is text up to {% endraw %}. `end` is the end of the tag's name. */
static ink_jinja_token raw_text(ink_jinja_lexer *l, size_t end) {
  char sign = l->source[end];
  go_to(l, end);
  end_tag(l, end + (sign == '-' ? 3 : 2), sign, false);
  ink_jinja_token token = token_of(l, INK_JINJA_DATA);
  for (size_t at = l->at; at < l->len; at++) {
    size_t close = match_tag(l, at, "endraw");
    if (!close) continue;
    char close_sign = close < l->len ? l->source[close] : 0;
    size_t delimiter = after_sign(l, close);
    if (!looking_at(l, delimiter, "%}")) continue;
    token.value = text_before(l, at, false);
    end_tag(l, delimiter + 2, close_sign, true);
    return token;
  }
  return fail(l, "{% raw %} has no {% endraw %}");
}

static ink_jinja_token next_outside(ink_jinja_lexer *l) {
  while (l->at < l->len && l->task->status == INK_OK) {
    size_t tag = find_tag(l);
    bool is_print = looking_at(l, tag, "{{");
    ink_jinja_token token = token_of(l, INK_JINJA_DATA);
    token.value =
        tag == l->len ? ink_text(l->source + l->at, tag - l->at) : text_before(l, tag, is_print);
    go_to(l, tag);
    if (token.value.len > 0) return token;
    if (tag == l->len) break;
    if (looking_at(l, tag, "{#")) {
      skip_comment(l);
      continue;
    }
    size_t raw = match_tag(l, tag, "raw");
    if (raw && (looking_at(l, raw, "%}") || looking_at(l, raw, "-%}"))) {
      token = raw_text(l, raw);
      if (token.value.len > 0) return token;
      continue;
    }
    l->at = after_sign(l, tag + 2);
    l->state = is_print ? INK_JINJA_IN_PRINT : INK_JINJA_IN_BLOCK;
    l->nesting = 0;
    return token_of(l, is_print ? INK_JINJA_PRINT_BEGIN : INK_JINJA_BLOCK_BEGIN);
  }
  return token_of(l, INK_JINJA_END);
}

/* ---- Inside of tags ---- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
         (uint8_t)c >= 0x80;
}

/* Up to `max` digits of base 8 or 16 at *at. */
static uint32_t escape_digits(const char **at, const char *end, uint32_t base, int max, int *n) {
  uint32_t value = 0;
  for (*n = 0; *n < max && *at < end; (*at)++, (*n)++) {
    char c = (char)(**at | 0x20);
    uint32_t digit = is_digit(**at)         ? (uint32_t)(**at - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                            : 16;
    if (digit >= base) break;
    value = value * base + digit;
  }
  return value;
}

/* One escape of a string literal, after its backslash; as Python's unicode_escape. */
static const char *unescape(ink_jinja_lexer *l, ink_task_buffer *out, const char *at,
                            const char *end) {
  static const char names[] = "\\'\"abfnrtv", meanings[] = "\\'\"\a\b\f\n\r\t\v";
  const char *begin = at, *name = strchr(names, *at);
  int n, wanted = *at == 'x' ? 2 : *at == 'u' ? 4 : *at == 'U' ? 8 : 0;
  if (*at == '\n') return at + 1;
  if (*at && name) {
    ink_task_buffer_put_char(l->task, out, meanings[name - names]);
    return at + 1;
  }
  if (wanted || (*at >= '0' && *at <= '7')) {
    if (wanted) at++;
    uint32_t c = escape_digits(&at, end, wanted ? 16 : 8, wanted ? wanted : 3, &n);
    if (n < wanted || (wanted && c > 0x10FFFF) || (c >= 0xD800 && c <= 0xDFFF)) {
      fail(l, "an escape in a string is no character");
    } else {
      ink_task_buffer_put_code_point(l->task, out, c);
    }
    return at;
  }
  if (*at == 'N') fail(l, "named characters (\\N) are not supported");
  ink_task_buffer_put_char(l->task, out, '\\');
  return begin;
}

static ink_jinja_token string(ink_jinja_lexer *l) {
  ink_jinja_token token = token_of(l, INK_JINJA_LITERAL);
  char quote = l->source[l->at];
  size_t end = l->at + 1;
  while (end < l->len && l->source[end] != quote) end += l->source[end] == '\\' ? 2 : 1;
  if (end >= l->len) return fail(l, "a string does not end");
  const char *at = l->source + l->at + 1, *stop = l->source + end;
  token.value = ink_text(at, (size_t)(stop - at));
  if (memchr(at, '\\', (size_t)(stop - at))) {
    ink_task_buffer out = {0};
    while (at < stop && l->task->status == INK_OK) {
      if (*at == '\\')
        at = unescape(l, &out, at + 1, stop);
      else
        ink_task_buffer_put_char(l->task, &out, *at++);
    }
    token.value = ink_task_buffer_value(&out);
  }
  go_to(l, end + 1);
  return token;
}

/* Decimal numbers, underscores between digits allowed; not Python's 0x, 0o and 0b. */
static ink_jinja_token number(ink_jinja_lexer *l) {
  ink_jinja_token token = token_of(l, INK_JINJA_LITERAL);
  char digits[64];
  size_t n = 0, at = l->at;
  bool whole = true, follows_dot = at > 0 && l->source[at - 1] == '.'; /* a.0.1 is no a.(0.1) */
  for (; at < l->len && n < sizeof digits; at++) {
    char c = l->source[at], next = at + 1 < l->len ? l->source[at + 1] : 0;
    if (c == '_' && is_digit(next)) continue;
    bool point = c == '.' && whole && !follows_dot && is_digit(next);
    bool exponent = (c == 'e' || c == 'E') && memchr(digits, 'e', n) == NULL &&
                    (is_digit(next) || ((next == '+' || next == '-') && at + 2 < l->len &&
                                        is_digit(l->source[at + 2])));
    bool sign = (c == '+' || c == '-') && n > 0 && digits[n - 1] == 'e';
    if (!is_digit(c) && !point && !exponent && !sign) break;
    if (point || exponent) whole = false;
    digits[n++] = exponent ? 'e' : c;
  }
  int64_t integer = 0;
  for (size_t i = 0; whole && i < n; i++) {
    if (integer > (INT64_MAX - (digits[i] - '0')) / 10) return fail(l, "a number is too large");
    integer = integer * 10 + (digits[i] - '0');
  }
  token.value = ink_int(integer);
  double value;
  if (!whole && ink_decimal_parse(digits, n, &value)) token.value = ink_float(value);
  if (n == sizeof digits) return fail(l, "a number is too long");
  l->at = at;
  return token;
}

static ink_jinja_token operator_token(ink_jinja_lexer *l) {
  static const char *const pairs[] = {"//", "**", "==", "!=", ">=", "<="};
  ink_jinja_token token = token_of(l, INK_JINJA_OPERATOR);
  char c = l->source[l->at];
  token.op = INK_OP1(c);
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    if (looking_at(l, l->at, pairs[i])) token.op = INK_OP2(pairs[i][0], pairs[i][1]);
  }
  if (token.op == c && (!c || !strchr("+-/*%~[](){}<>=.:|,;", c))) {
    return fail(l, "a character makes no sense in a tag");
  }
  if (c == '(' || c == '[' || c == '{') l->nesting++;
  if ((c == ')' || c == ']' || c == '}') && l->nesting-- == 0)
    return fail(l, "a bracket was never opened");
  l->at += token.op > 255 ? 2 : 1;
  return token;
}

static bool at_tag_end(ink_jinja_lexer *l) {
  bool is_print = l->state == INK_JINJA_IN_PRINT;
  const char *delimiter = is_print ? "}}" : "%}";
  char sign = l->source[l->at];
  bool has_sign = sign == '-' || (sign == '+' && !is_print);
  size_t at = l->at + (has_sign ? 1 : 0);
  if (l->nesting > 0 || !looking_at(l, at, delimiter)) return false;
  end_tag(l, at + 2, has_sign ? sign : 0, !is_print);
  return true;
}

ink_jinja_token ink_jinja_lexer_next(ink_jinja_lexer *l) {
  if (l->task->status != INK_OK) return token_of(l, INK_JINJA_END);
  if (l->state == INK_JINJA_OUTSIDE) return next_outside(l);
  go_to(l, after_spaces(l, l->at));
  if (l->at >= l->len) return fail(l, "a tag does not end");
  bool is_print = l->state == INK_JINJA_IN_PRINT;
  ink_jinja_token end = token_of(l, is_print ? INK_JINJA_PRINT_END : INK_JINJA_BLOCK_END);
  if (at_tag_end(l)) {
    l->state = INK_JINJA_OUTSIDE;
    return end;
  }
  char c = l->source[l->at];
  if (c == '"' || c == '\'') return string(l);
  if (is_digit(c)) return number(l);
  if (!is_name_char(c)) return operator_token(l);
  ink_jinja_token token = token_of(l, INK_JINJA_NAME);
  size_t begin = l->at;
  while (l->at < l->len && is_name_char(l->source[l->at])) l->at++;
  token.value = ink_text(l->source + begin, l->at - begin);
  return token;
}
