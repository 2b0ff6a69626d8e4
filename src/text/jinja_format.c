/* str.format() and its specifications (Python's library reference, "Format String Syntax"). */
#include "text/jinja_format.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/utf8.h"

/* ---- Padding ---- */

static void put_fill(ink_jinja *in, ink_task_buffer *out, ink_value fill, int64_t n) {
  for (; n > 0 && ink_task_step(in->task, 1); n--)
    ink_task_buffer_put(in->task, out, fill.as.text, fill.len);
}

static void put(ink_jinja *in, ink_task_buffer *out, ink_value text) {
  ink_task_buffer_put(in->task, out, text.as.text, text.len);
}

void ink_jinja_put_padded(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                          ink_value text) {
  if (!ink_task_step(in->task, 1 + text.len / 16)) return;
  if (spec->precision >= 0) text = ink_text_slice(text, 0, (uint32_t)spec->precision);
  int64_t more = spec->width - (int64_t)ink_text_length(text);
  int64_t before = more <= 0 ? 0 : spec->align == '>' ? more : spec->align == '^' ? more / 2 : 0;
  put_fill(in, out, spec->fill, before);
  put(in, out, text);
  put_fill(in, out, spec->fill, more - before);
}

/* A number's parts: sign and prefix, digits to be grouped, and what follows them. */
typedef struct number_text {
  ink_value head, digits, tail;
  uint32_t group; /* digits between separators */
} number_text;

static void put_grouped(ink_jinja *in, ink_task_buffer *out, const number_text *n, char separator,
                        int64_t zeros) {
  int64_t total = zeros + n->digits.len;
  for (int64_t i = 0; i < total && ink_task_step(in->task, 1); i++) {
    if (separator && i > 0 && (total - i) % n->group == 0)
      ink_task_buffer_put_char(in->task, out, separator);
    ink_task_buffer_put_char(in->task, out, i < zeros ? '0' : n->digits.as.text[i - zeros]);
  }
}

/* Zeros that stand between sign and digits are grouped as digits are. */
static void put_number(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                       const number_text *n) {
  char align = spec->align ? spec->align : '>';
  bool zero_filled = align == '=' && spec->fill.len == 1 && spec->fill.as.text[0] == '0';
  int64_t group = spec->grouping ? n->group : INT32_MAX, zeros = 0;
  int64_t digits = n->digits.len, used = n->head.len + n->tail.len;
  int64_t len = digits + (digits > 0 ? (digits - 1) / group : 0);
  while (zero_filled && used + len < spec->width && ink_task_step(in->task, 1)) {
    zeros++;
    digits++;
    len = digits + (digits - 1) / group;
  }
  int64_t more = spec->width - used - len;
  int64_t before = more <= 0 ? 0 : align == '>' ? more : align == '^' ? more / 2 : 0;
  put_fill(in, out, spec->fill, before);
  put(in, out, n->head);
  if (align == '=') put_fill(in, out, spec->fill, more);
  put_grouped(in, out, n, spec->grouping, zeros);
  put(in, out, n->tail);
  if (align != '=') put_fill(in, out, spec->fill, more - before);
}

static char sign_of(const ink_jinja_spec *spec, bool negative) {
  return negative ? '-' : spec->sign == '+' || spec->sign == ' ' ? spec->sign : 0;
}

/* ---- Numbers ---- */

static ink_value digits_of(ink_jinja *in, uint64_t number, unsigned base, bool capital,
                           int32_t at_least) {
  ink_task_buffer out = {0};
  char reversed[64];
  int n = 0;
  do {
    reversed[n++] = (capital ? "0123456789ABCDEF" : "0123456789abcdef")[number % base];
    number /= base;
  } while (number > 0);
  put_fill(in, &out, ink_text("0", 1), at_least - n);
  while (n > 0) ink_task_buffer_put_char(in->task, &out, reversed[--n]);
  return ink_task_buffer_value(&out);
}

void ink_jinja_put_whole(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                         ink_value number, int32_t at_least) {
  unsigned base = spec->type == 'b'                        ? 2
                  : spec->type == 'o'                      ? 8
                  : spec->type == 'x' || spec->type == 'X' ? 16
                                                           : 10;
  bool is_big = number.kind == INK_VALUE_BIG_INT;
  bool negative = is_big ? number.as.text[0] == '-' : ink_whole(number) < 0;
  number_text n = {.group = base == 10 ? 3 : 4, .tail = ink_text("", 0)};
  if (is_big) {
    if (base != 10)
      ink_jinja_fail(in, "a whole number of more than 64 bits is written in base 10 alone");
    n.digits = ink_text(number.as.text + negative, number.len - negative);
  } else {
    uint64_t value = (uint64_t)ink_whole(number);
    n.digits = digits_of(in, negative ? 0 - value : value, base, spec->type == 'X', at_least);
  }
  char head[3], sign = sign_of(spec, negative);
  size_t n_head = 0;
  if (sign) head[n_head++] = sign;
  if (spec->alternate && base != 10) {
    head[n_head++] = '0';
    head[n_head++] = spec->type;
  }
  n.head = ink_text(head, n_head);
  put_number(in, out, spec, &n);
}

static ink_value print_number(ink_jinja *in, double number, char type, bool alternate,
                              int precision) {
  size_t len = ink_decimal_print(NULL, 0, number, type, alternate, precision);
  char *text = ink_task_allocate(in->task, len + 1);
  if (!text) return ink_text("", 0);
  return ink_text(text, ink_decimal_print(text, len + 1, number, type, alternate, precision));
}

/* As repr() but to `precision` digits: like 'g', with a decimal point in any case. */
static ink_value print_short(ink_jinja *in, double number, int precision) {
  if (precision < 1) precision = 1;
  ink_value text = print_number(in, number, 'e', false, precision - 1);
  const char *e = text.len ? memchr(text.as.text, 'e', text.len) : NULL;
  if (!e) return text;
  int exponent = 0;
  for (const char *at = e + 2; at < text.as.text + text.len; at++) {
    exponent = exponent * 10 + (*at - '0');
  }
  if (e[1] == '-') exponent = -exponent;
  bool fixed = exponent >= -4 && exponent < precision - 1;
  if (fixed) text = print_number(in, number, 'f', false, precision - 1 - exponent);
  size_t end = fixed ? text.len : (size_t)(e - text.as.text), keep = end;
  if (memchr(text.as.text, '.', end)) {
    while (text.as.text[keep - 1] == '0') keep--;
    if (text.as.text[keep - 1] == '.') keep = fixed ? keep + 1 : keep - 1;
  }
  return ink_concatenate(in->task, ink_text(text.as.text, keep),
                         ink_text(text.as.text + end, text.len - end));
}

void ink_jinja_put_decimal(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                           double number) {
  char type = spec->type == 'n' ? 'g' : spec->type;
  bool capital = type == 'E' || type == 'F' || type == 'G',
       negative = signbit(number) && !isnan(number);
  double size = fabs(number);
  int precision = spec->precision >= 0 ? spec->precision : 6;
  ink_value text;
  if (type == '%') size *= 100;
  if (!isfinite(size)) {
    text = ink_text_z(isnan(size) ? capital ? "NAN" : "nan" : capital ? "INF" : "inf");
  } else if (type == 0 && spec->precision < 0) {
    text = ink_to_text(in->task, ink_float(size));
  } else if (type == 0) {
    text = print_short(in, size, precision);
  } else {
    text = print_number(in, size, type == '%' ? 'f' : type, spec->alternate, precision);
  }
  uint32_t whole = 0;
  while (whole < text.len && text.as.text[whole] >= '0' && text.as.text[whole] <= '9') whole++;
  char sign = sign_of(spec, negative);
  ink_value tail = ink_text(text.as.text + whole, text.len - whole);
  if (type == '%') tail = ink_concatenate(in->task, tail, ink_text("%", 1));
  number_text n = {ink_text(&sign, sign != 0), ink_text(text.as.text, whole), tail, 3};
  put_number(in, out, spec, &n);
}

/* ---- Specifications ---- */

typedef struct reader {
  const char *at, *end;
} reader;

static bool take(reader *r, const char *any, char *out) {
  if (r->at == r->end || !*r->at || !strchr(any, *r->at)) return false;
  *out = *r->at++;
  return true;
}

/* A decimal number; -1: there is none. */
static int32_t take_number(ink_jinja *in, reader *r, int32_t most) {
  int32_t number = -1;
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
    number = (number < 0 ? 0 : number * 10) + (*r->at - '0');
    if (number > most) {
      ink_jinja_fail(in, "a width or precision is at most %d", (int)most);
      return -1;
    }
  }
  return number;
}

/* [[fill]align][sign][#][0][width][grouping][.precision][type] */
static bool parse_spec(ink_jinja *in, ink_value text, ink_jinja_spec *spec) {
  reader r = {text.as.text, text.as.text + text.len};
  char mark;
  *spec = (ink_jinja_spec){.fill = ink_text(" ", 1), .precision = -1};
  uint32_t c;
  int n = ink_utf8_decode(r.at, text.len, &c);
  if (n > 0 && r.at + n < r.end && strchr("<>=^", r.at[n]) && r.at[n]) {
    spec->fill = ink_text(r.at, (size_t)n);
    r.at += n;
    spec->align = *r.at++;
  } else {
    take(&r, "<>=^", &spec->align);
  }
  take(&r, "+- ", &spec->sign);
  spec->alternate = take(&r, "#", &mark);
  if (r.at < r.end && *r.at == '0' && spec->fill.len == 1 && spec->fill.as.text[0] == ' ') {
    r.at++;
    spec->fill = ink_text("0", 1);
    if (!spec->align) spec->align = '0'; /* '=' for numbers, '<' for strings */
  }
  int32_t width = take_number(in, &r, INK_JINJA_MAX_WIDTH);
  spec->width = width < 0 ? 0 : width;
  take(&r, ",_", &spec->grouping);
  bool has_precision = take(&r, ".", &mark);
  if (has_precision) spec->precision = take_number(in, &r, INK_JINJA_MAX_WIDTH);
  take(&r, "bcdeEfFgGnosxX%", &spec->type);
  if (in->task->status == INK_OK && (r.at < r.end || (has_precision && spec->precision < 0))) {
    ink_jinja_fail(in, "'%.*s' is no format", INK_VALUE_ARGS(text));
  }
  return in->task->status == INK_OK;
}

static void fail_type(ink_jinja *in, const ink_jinja_spec *spec, ink_value value) {
  ink_jinja_fail(in, "a %s can't be formatted with type '%c' and these options",
                 ink_kind_name(value), spec->type ? spec->type : 's');
}

static void format_text(ink_jinja *in, ink_task_buffer *out, ink_jinja_spec *spec,
                        ink_value value) {
  if (spec->align == '0') spec->align = '<';
  bool fits = (spec->type == 0 || spec->type == 's') && spec->align != '=' && !spec->sign &&
              !spec->alternate && !spec->grouping;
  if (fits)
    ink_jinja_put_padded(in, out, spec, value);
  else
    fail_type(in, spec, value);
}

static void format_character(ink_jinja *in, ink_task_buffer *out, ink_jinja_spec *spec,
                             ink_value value) {
  char bytes[4];
  int64_t c = ink_is_whole(value) ? ink_whole(value) : -1;
  bool is_character = c >= 0 && c <= 0x10FFFF && !(c >= 0xD800 && c < 0xE000);
  if (!is_character || spec->sign || spec->alternate || spec->grouping) {
    fail_type(in, spec, value);
    return;
  }
  if (spec->align == '=') spec->align = '>';
  ink_jinja_put_padded(in, out, spec, ink_text(bytes, ink_utf8_encode((uint32_t)c, bytes)));
}

static void format_number(ink_jinja *in, ink_task_buffer *out, ink_jinja_spec *spec,
                          ink_value value) {
  bool is_float = value.kind == INK_VALUE_FLOAT;
  bool as_float = (spec->type && strchr("eEfFgG%", spec->type)) ||
                  (is_float && (spec->type == 0 || spec->type == 'n'));
  if (spec->align == '0') spec->align = '=';
  if (spec->type == 'n' && spec->grouping) fail_type(in, spec, value);
  if (as_float) {
    if (spec->precision > INK_JINJA_MAX_PRECISION)
      fail_type(in, spec, value);
    else
      ink_jinja_put_decimal(in, out, spec, ink_double(value));
  } else if (is_float || spec->type == 's' || spec->precision >= 0) {
    fail_type(in, spec, value);
  } else if (spec->type == 'c') {
    format_character(in, out, spec, value);
  } else if (spec->grouping == ',' && spec->type && strchr("boxX", spec->type)) {
    fail_type(in, spec, value);
  } else {
    ink_jinja_put_whole(in, out, spec, value, 0);
  }
}

static void format_value(ink_jinja *in, ink_task_buffer *out, ink_value value,
                         ink_value spec_text) {
  ink_jinja_spec spec;
  if (in->task->status != INK_OK) return;
  if (spec_text.len == 0) {
    ink_put_text(in->task, out, value);
  } else if (!ink_is_number(value) && value.kind != INK_VALUE_STRING) {
    ink_jinja_fail(in, "a %s takes no format", ink_kind_name(value));
  } else if (parse_spec(in, spec_text, &spec)) {
    if (value.kind == INK_VALUE_STRING)
      format_text(in, out, &spec, value);
    else
      format_number(in, out, &spec, value);
  }
}

/* ---- Fields ---- */

typedef struct formatter {
  ink_jinja *in;
  const ink_list *args;
  const ink_dict *named;
  int64_t next;                 /* of {} */
  bool is_automatic, is_manual; /* how arguments have been numbered */
} formatter;

/* The number that a text of digits means, or -1. */
static int64_t number_in(const char *text, size_t len) {
  int64_t number = len > 0 && len < 10 ? 0 : -1;
  for (size_t i = 0; i < len && number >= 0; i++) {
    number = text[i] >= '0' && text[i] <= '9' ? number * 10 + (text[i] - '0') : -1;
  }
  return number;
}

/* `is_all`: nothing follows the name, and only then do its numbers count as either way. */
static ink_value first_of_field(formatter *f, const char *name, size_t len, bool is_all) {
  bool is_automatic = len == 0 && is_all;
  int64_t number = is_automatic ? f->next++ : number_in(name, len);
  f->is_automatic |= is_automatic;
  f->is_manual |= is_all && len > 0 && number >= 0;
  if (f->is_automatic && f->is_manual)
    return ink_jinja_fail(f->in, "{} and numbered fields can't be mixed");
  if (number >= 0) {
    if (number < f->args->n) return f->args->items[number];
    return ink_jinja_fail(f->in, "there is no argument %lld for a field", (long long)number);
  }
  const ink_value *found = ink_dict_get(f->in->task, f->named, ink_text(name, len));
  return found ? *found
               : ink_jinja_fail(f->in, "there is no argument '%.*s' for a field", (int)len, name);
}

/* name(.attribute|[index])* */
static ink_value field_value(formatter *f, const char *at, const char *end) {
  const char *begin = at;
  while (at < end && *at != '.' && *at != '[') at++;
  ink_value value = first_of_field(f, begin, (size_t)(at - begin), at == end);
  while (at < end && f->in->task->status == INK_OK) {
    bool is_index = *at == '[';
    begin = ++at;
    while (at < end && (is_index ? *at != ']' : *at != '.' && *at != '[')) at++;
    size_t len = (size_t)(at - begin);
    if (len == 0 || (is_index && at == end))
      return ink_jinja_fail(f->in, "a field's name is not complete");
    int64_t index = is_index ? number_in(begin, len) : -1;
    ink_value name = ink_text(begin, len);
    value = !is_index    ? ink_jinja_attribute(f->in, value, name)
            : index >= 0 ? ink_jinja_subscript(f->in, value, ink_int(index))
                         : ink_jinja_subscript(f->in, value, name);
    at += is_index;
    if (is_index && at < end && *at != '.' && *at != '[')
      return ink_jinja_fail(f->in, "'.' or '[' has to follow ']'");
  }
  return value;
}

static void format_text_with_fields(formatter *f, ink_task_buffer *out, const char *at,
                                    const char *end, int depth);

/* The end of a field that begins at `at`, at its '}', or NULL. */
static const char *field_end(const char *at, const char *end) {
  for (int nesting = 1; at < end; at++) {
    if (*at == '{') nesting++;
    if (*at == '}' && --nesting == 0) return at;
  }
  return NULL;
}

/* {name!conversion:spec}, without its braces. */
static void format_field(formatter *f, ink_task_buffer *out, const char *at, const char *end,
                         int depth) {
  const char *name = at;
  bool in_index = false;
  for (; at < end && (in_index || (*at != '!' && *at != ':')); at++) {
    if (*at == '[' || *at == ']') in_index = *at == '[';
  }
  ink_value value = field_value(f, name, at);
  char conversion = 0;
  if (at < end && *at == '!') {
    conversion = at + 1 < end ? at[1] : '?';
    at += 2;
    if (!strchr("sra", conversion) || at > end || (at < end && *at != ':')) {
      ink_jinja_fail(f->in, "a conversion is !s, !r or !a");
    }
  }
  ink_task_buffer spec = {0};
  if (f->in->task->status != INK_OK) return;
  if (at < end) format_text_with_fields(f, &spec, at + 1, end, depth + 1);
  if (conversion)
    value = conversion == 's' ? ink_to_text(f->in->task, value)
                              : ink_to_repr(f->in->task, value, conversion == 'a');
  format_value(f->in, out, value, ink_task_buffer_value(&spec));
}

static void format_text_with_fields(formatter *f, ink_task_buffer *out, const char *at,
                                    const char *end, int depth) {
  ink_task *task = f->in->task;
  if (depth > 1) ink_jinja_fail(f->in, "fields are nested too deeply");
  while (at < end && ink_task_step(task, 1)) {
    bool brace = *at == '{' || *at == '}';
    if (!brace || (at + 1 < end && at[1] == *at)) {
      ink_task_buffer_put_char(task, out, *at);
      at += brace ? 2 : 1;
      continue;
    }
    const char *close = *at == '{' ? field_end(at + 1, end) : NULL;
    if (!close) {
      ink_jinja_fail(f->in, "a single '%c' in a format", *at);
      return;
    }
    format_field(f, out, at + 1, close, depth);
    at = close + 1;
  }
}

ink_value ink_jinja_format(ink_jinja *in, ink_value self, const ink_list *args,
                           const ink_dict *named) {
  formatter f = {.in = in, .args = args, .named = named};
  ink_task_buffer out = {0};
  format_text_with_fields(&f, &out, self.as.text, self.as.text + self.len, 0);
  return ink_task_buffer_value(&out);
}
