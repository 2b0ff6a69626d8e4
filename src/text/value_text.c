/* Values as Python's str() and repr() write them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/print.h"
#include "base/utf8.h"
#include "text/unicode.h"
#include "text/value.h"

/* ---- Numbers ---- */

/* The digits of d.ddde±x. */
typedef struct decimal {
  char digits[20];
  int n_digits;
  int exponent;
} decimal;

static decimal shortest_digits(double magnitude) {
  char text[40];
  for (int precision = 0; precision <= 16; precision++) {
    size_t len = ink_decimal_print(text, sizeof text, magnitude, 'e', false, precision);
    double back = 0.0;
    ink_decimal_parse(text, len, &back);
    if (!(back < magnitude || back > magnitude)) break;
  }
  decimal d = {.n_digits = 0};
  const char *at = text;
  for (; *at && *at != 'e'; at++) {
    if (*at >= '0' && *at <= '9') d.digits[d.n_digits++] = *at;
  }
  bool negative = at[1] == '-';
  for (at += 2; *at; at++) d.exponent = d.exponent * 10 + (*at - '0');
  if (negative) d.exponent = -d.exponent;
  return d;
}

void ink_put_float(ink_task *task, ink_task_buffer *out, double number) {
  if (isnan(number)) {
    ink_task_buffer_put_str(task, out, "nan");
    return;
  }
  if (signbit(number)) ink_task_buffer_put_char(task, out, '-');
  if (isinf(number)) {
    ink_task_buffer_put_str(task, out, "inf");
    return;
  }
  decimal d = shortest_digits(fabs(number));
  bool scientific = d.exponent < -4 || d.exponent >= 16;
  int point = scientific ? 1 : d.exponent + 1; /* digits before the point; 0 or less: zeros after */
  if (point <= 0) ink_task_buffer_put_str(task, out, "0.");
  for (int i = point; i < 0; i++) ink_task_buffer_put_char(task, out, '0');
  for (int i = 0; i < d.n_digits || i < point; i++) {
    if (i == point && i > 0) ink_task_buffer_put_char(task, out, '.');
    ink_task_buffer_put_char(task, out, i < d.n_digits ? d.digits[i] : '0');
  }
  if (!scientific && d.n_digits <= point) ink_task_buffer_put_str(task, out, ".0");
  if (scientific) {
    char exponent[16];
    ink_print(exponent, sizeof exponent, "e%c%02d", d.exponent < 0 ? '-' : '+', abs(d.exponent));
    ink_task_buffer_put_str(task, out, exponent);
  }
}

/* ---- Strings ---- */

/* Whether Python writes a character as it is. */
static bool is_printable(uint32_t c) {
  return c == ' ' || !ink_unicode_is(c, INK_MASK_C | INK_MASK_Z);
}

static void put_escape(ink_task *task, ink_task_buffer *out, uint32_t c) {
  char hex[16];
  const char *format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
  ink_print(hex, sizeof hex, format, (unsigned)c);
  ink_task_buffer_put_str(task, out, hex);
}

static void put_quoted(ink_task *task, ink_task_buffer *out, ink_value text) {
  bool single = memchr(text.as.text, '\'', text.len) && !memchr(text.as.text, '"', text.len);
  char quote = single ? '"' : '\'';
  ink_task_buffer_put_char(task, out, quote);
  const char *at = text.as.text, *end = at + text.len;
  while (at < end) {
    uint32_t c;
    int n = ink_utf8_decode(at, (size_t)(end - at), &c);
    char escape = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 0;
    char hex[16];
    if (c == (uint32_t)quote || c == '\\') escape = (char)c;
    if (escape) {
      ink_print(hex, sizeof hex, "\\%c", escape);
      ink_task_buffer_put_str(task, out, hex);
    } else if (is_printable(c)) {
      ink_task_buffer_put(task, out, at, (size_t)n);
    } else {
      put_escape(task, out, c);
    }
    at += n;
  }
  ink_task_buffer_put_char(task, out, quote);
}

/* ---- Everything ---- */

static void put_repr(ink_task *task, ink_task_buffer *out, ink_value value);

static void put_items(ink_task *task, ink_task_buffer *out, const ink_list *list) {
  for (uint32_t i = 0; i < list->n; i++) {
    if (i) ink_task_buffer_put_str(task, out, ", ");
    put_repr(task, out, list->items[i]);
  }
}

static void put_dict(ink_task *task, ink_task_buffer *out, const ink_dict *dict) {
  ink_task_buffer_put_char(task, out, '{');
  for (uint32_t i = 0; i < dict->n; i++) {
    if (i) ink_task_buffer_put_str(task, out, ", ");
    put_repr(task, out, dict->entries[i].key);
    ink_task_buffer_put_str(task, out, ": ");
    put_repr(task, out, dict->entries[i].value);
  }
  ink_task_buffer_put_char(task, out, '}');
}

static void put_container(ink_task *task, ink_task_buffer *out, ink_value value) {
  switch ((ink_value_kind)value.kind) {
  case INK_VALUE_LIST:
    ink_task_buffer_put_char(task, out, '[');
    put_items(task, out, value.as.list);
    ink_task_buffer_put_char(task, out, ']');
    return;
  case INK_VALUE_TUPLE:
    ink_task_buffer_put_char(task, out, '(');
    put_items(task, out, value.as.list);
    ink_task_buffer_put_str(task, out, value.as.list->n == 1 ? ",)" : ")");
    return;
  case INK_VALUE_NAMESPACE:
    ink_task_buffer_put_str(task, out, "<Namespace ");
    put_dict(task, out, value.as.dict);
    ink_task_buffer_put_char(task, out, '>');
    return;
  default: put_dict(task, out, value.as.dict); return;
  }
}

static void put_repr(ink_task *task, ink_task_buffer *out, ink_value value) {
  if (value.kind == INK_VALUE_UNDEFINED) {
    ink_task_buffer_put_str(task, out, "Undefined");
  } else if (value.kind == INK_VALUE_STRING) {
    if (ink_task_step(task, 1 + value.len / 4)) put_quoted(task, out, value);
  } else if (value.kind == INK_VALUE_LIST || value.kind == INK_VALUE_TUPLE ||
             value.kind == INK_VALUE_DICT || value.kind == INK_VALUE_NAMESPACE) {
    if (!ink_task_step(task, 1) || !ink_task_enter(task)) return;
    put_container(task, out, value);
    ink_task_leave(task);
  } else {
    ink_put_text(task, out, value);
  }
}

void ink_put_text(ink_task *task, ink_task_buffer *out, ink_value value) {
  char digits[32];
  if (!ink_task_step(task, 1)) return;
  switch ((ink_value_kind)value.kind) {
  case INK_VALUE_UNDEFINED: return;
  case INK_VALUE_NONE: ink_task_buffer_put_str(task, out, "None"); return;
  case INK_VALUE_BOOL: ink_task_buffer_put_str(task, out, value.as.boolean ? "True" : "False"); return;
  case INK_VALUE_INT:
    ink_print(digits, sizeof digits, "%lld", (long long)value.as.integer);
    ink_task_buffer_put_str(task, out, digits);
    return;
  case INK_VALUE_FLOAT: ink_put_float(task, out, value.as.number); return;
  case INK_VALUE_BIG_INT:
  case INK_VALUE_STRING:
    if (ink_task_step(task, value.len / 16)) ink_task_buffer_put(task, out, value.as.text, value.len);
    return;
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
  case INK_VALUE_DICT:
  case INK_VALUE_NAMESPACE: put_repr(task, out, value); return;
  default:
    ink_task_fail(task, INK_ERR_TEMPLATE, "a %s can't be written as text", ink_kind_name(value));
    return;
  }
}

ink_value ink_to_text(ink_task *task, ink_value value) {
  if (value.kind == INK_VALUE_STRING) return value;
  ink_task_buffer out = {0};
  ink_put_text(task, &out, value);
  return ink_task_buffer_value(&out);
}

ink_value ink_to_repr(ink_task *task, ink_value value, bool ascii) {
  ink_task_buffer out = {0}, escaped = {0};
  put_repr(task, &out, value);
  for (size_t at = 0; ascii && at < out.len && ink_task_step(task, 1);) {
    uint32_t c;
    int n = ink_utf8_decode(out.data + at, out.len - at, &c);
    if (c < 0x80) ink_task_buffer_put_char(task, &escaped, (char)c);
    else put_escape(task, &escaped, c);
    at += (size_t)n;
  }
  return ink_task_buffer_value(ascii ? &escaped : &out);
}
