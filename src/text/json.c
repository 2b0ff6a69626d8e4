#include "text/json.h"

#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"

typedef struct reader {
  ink_task *task;
  const char *at, *end;
} reader;

static ink_value fail(reader *r, const char *what) {
  ink_task_fail(r->task, INK_ERR_INVALID_JSON, "%s", what);
  return ink_undefined(ink_text("", 0));
}

static void skip_space(reader *r) {
  for (; r->at < r->end; r->at++) {
    if (*r->at == '\n') r->task->line++;
    else if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r') return;
  }
}

static bool take(reader *r, char c) {
  skip_space(r);
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

static bool take_word(reader *r, const char *word) {
  size_t n = strlen(word);
  if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return false;
  r->at += n;
  return true;
}

/* ---- Numbers ---- */

static size_t take_digits(reader *r) {
  const char *begin = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
  return (size_t)(r->at - begin);
}

static ink_value whole_number(const char *text, size_t len) {
  uint64_t magnitude = 0;
  bool negative = *text == '-';
  for (size_t i = negative; i < len; i++) {
    uint64_t digit = (uint64_t)(text[i] - '0');
    if (magnitude > (INT64_MAX - digit) / 10) {
      ink_value big = ink_text(text, len);
      big.kind = INK_VALUE_BIG_INT;
      return big;
    }
    magnitude = magnitude * 10 + digit;
  }
  return ink_int(negative ? -(int64_t)magnitude : (int64_t)magnitude);
}

static ink_value number(reader *r) {
  const char *begin = r->at;
  bool whole = true;
  if (*r->at == '-') r->at++;
  bool zero = r->at < r->end && *r->at == '0';
  size_t n_digits = take_digits(r);
  if (n_digits == 0 || (zero && n_digits > 1)) return fail(r, "this is no number");
  if (r->at < r->end && *r->at == '.') {
    r->at++;
    whole = false;
    if (take_digits(r) == 0) return fail(r, "digits are missing after the decimal point");
  }
  if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
    r->at++;
    whole = false;
    if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
    if (take_digits(r) == 0) return fail(r, "digits are missing in the exponent");
  }
  size_t len = (size_t)(r->at - begin);
  if (whole) return whole_number(begin, len);
  double value;
  if (!ink_decimal_parse(begin, len, &value)) return fail(r, "this is no number");
  return ink_float(value);
}

/* ---- Strings ---- */

/* Four hexadecimal digits, or a failure. */
static uint32_t code_unit(reader *r) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) {
    char c = r->at < r->end ? *r->at : 0;
    uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                            : 16;
    if (digit == 16) {
      fail(r, "\\u takes four hexadecimal digits");
      return 0;
    }
    unit = unit << 4 | digit;
    r->at++;
  }
  return unit;
}

static uint32_t unicode_escape(reader *r) {
  uint32_t unit = code_unit(r);
  if (unit < 0xD800 || unit > 0xDFFF) return unit;
  if (unit < 0xDC00 && take_word(r, "\\u")) {
    uint32_t low = code_unit(r);
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  fail(r, "half of a surrogate pair is no character");
  return 0;
}

static void unescape(reader *r, ink_task_buffer *out) {
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char c = r->at < r->end ? *r->at++ : 0;
  const char *name = c ? strchr(names, c) : NULL;
  if (name) ink_task_buffer_put_char(r->task, out, meanings[name - names]);
  else if (c == 'u') ink_task_buffer_put_code_point(r->task, out, unicode_escape(r));
  else fail(r, "there is no such escape in a string");
}

/* After the opening quote. */
static ink_value string(reader *r) {
  ink_task_buffer out = {0};
  const char *begin = r->at;
  bool escaped = false;
  while (r->task->status == INK_OK) {
    const char *run = r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\\' && (uint8_t)*r->at >= 0x20) r->at++;
    size_t n = (size_t)(r->at - run);
    if (r->at == r->end) return fail(r, "a string does not end");
    char c = *r->at++;
    if (c == '"' && !escaped) return ink_text(begin, n);
    ink_task_buffer_put(r->task, &out, run, n);
    if (c == '"') return ink_task_buffer_value(&out);
    if (c != '\\') return fail(r, "control characters in a string have to be escaped");
    escaped = true;
    unescape(r, &out);
  }
  return ink_undefined(ink_text("", 0));
}

/* ---- Values ---- */

static ink_value value(reader *r);

static ink_value array(reader *r) {
  ink_value list = ink_list_new(r->task, INK_VALUE_LIST);
  if (take(r, ']')) return list;
  do ink_list_push(r->task, list, value(r));
  while (take(r, ',') && r->task->status == INK_OK);
  return take(r, ']') ? list : fail(r, "',' or ']' is missing in an array");
}

static ink_value object(reader *r) {
  ink_value dict = ink_dict_new(r->task, INK_VALUE_DICT);
  if (take(r, '}')) return dict;
  do {
    if (!take(r, '"')) return fail(r, "the key of an object has to be a string");
    ink_value key = string(r);
    if (!take(r, ':')) return fail(r, "':' is missing after a key");
    ink_dict_set(r->task, dict, key, value(r));
  } while (take(r, ',') && r->task->status == INK_OK);
  return take(r, '}') ? dict : fail(r, "',' or '}' is missing in an object");
}

static ink_value value(reader *r) {
  skip_space(r);
  if (r->at == r->end) return fail(r, "a value is missing at the end");
  if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9')) return number(r);
  if (take_word(r, "\"")) return string(r);
  if (take_word(r, "null")) return ink_none();
  if (take_word(r, "true")) return ink_bool(true);
  if (take_word(r, "false")) return ink_bool(false);
  bool is_array = *r->at == '[';
  if (!is_array && *r->at != '{') return fail(r, "this is no value");
  if (!ink_task_enter(r->task)) return ink_none();
  r->at++;
  ink_value result = is_array ? array(r) : object(r);
  ink_task_leave(r->task);
  return result;
}

ink_value ink_json_parse(ink_task *task, ink_str text) {
  if (task->line == 0) task->line = 1;
  reader r = {task, text.data, text.data + text.len};
  if (ink_utf8_valid_prefix(text.data, text.len) != text.len) {
    task->line = 0;
    return fail(&r, "this is not UTF-8");
  }
  ink_value result = value(&r);
  skip_space(&r);
  if (r.at != r.end && task->status == INK_OK) return fail(&r, "something follows the value");
  task->line = 0;
  return result;
}
