/* Printf-style formatting (Python's library reference), for `%` and the filter `format`. */
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "text/jinja_format.h"

typedef struct printer {
  ink_jinja *in;
  ink_value args;
  uint32_t next; /* argument; one that is no tuple is the only one */
  const char *at, *end;
} printer;

static ink_value next_argument(printer *p) {
  bool is_tuple = p->args.kind == INK_VALUE_TUPLE;
  uint32_t n = is_tuple ? p->args.as.list->n : 1;
  if (p->next >= n) return ink_jinja_fail(p->in, "there are too few arguments for a format");
  p->next++;
  return is_tuple ? p->args.as.list->items[p->next - 1] : p->args;
}

/* (name), after the opening bracket. */
static ink_value named_argument(printer *p) {
  const char *begin = p->at;
  for (int nesting = 1; p->at < p->end; p->at++) {
    if (*p->at == '(') nesting++;
    if (*p->at == ')' && --nesting == 0) break;
  }
  if (p->at == p->end) return ink_jinja_fail(p->in, "a name in a format does not end");
  ink_value name = ink_text(begin, (size_t)(p->at++ - begin));
  if (p->args.kind != INK_VALUE_DICT)
    return ink_jinja_fail(p->in, "a format with names needs a dict");
  const ink_value *found = ink_dict_get(p->in->task, p->args.as.dict, name);
  return found ? *found
               : ink_jinja_fail(p->in, "there is no '%.*s' for a format", INK_VALUE_ARGS(name));
}

/* Digits, or '*': an argument. -1: neither. */
static int32_t take_size(printer *p, int32_t most) {
  int64_t size = -1;
  if (p->at < p->end && *p->at == '*') {
    p->at++;
    ink_value value = next_argument(p);
    if (!ink_is_whole(value))
      ink_jinja_fail(p->in, "'*' needs a whole number");
    else
      size = ink_whole(value);
  }
  for (; p->at < p->end && *p->at >= '0' && *p->at <= '9' && size <= most; p->at++) {
    size = (size < 0 ? 0 : size * 10) + (*p->at - '0');
  }
  if (size > most || size < -most)
    ink_jinja_fail(p->in, "a width or precision is at most %d", (int)most);
  return (int32_t)size;
}

static void put_character(printer *p, ink_task_buffer *out, ink_jinja_spec *spec, ink_value value) {
  char bytes[4];
  if (value.kind == INK_VALUE_STRING && ink_text_length(value) == 1) {
    ink_jinja_put_padded(p->in, out, spec, value);
    return;
  }
  int64_t c = ink_is_whole(value) ? ink_whole(value) : -1;
  if (c < 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
    ink_jinja_fail(p->in, "%%c needs a character");
    return;
  }
  ink_jinja_put_padded(p->in, out, spec, ink_text(bytes, ink_utf8_encode((uint32_t)c, bytes)));
}

static void put_whole(printer *p, ink_task_buffer *out, ink_jinja_spec *spec, ink_value value) {
  bool decimal = strchr("diu", spec->type) != NULL;
  if (decimal && value.kind == INK_VALUE_FLOAT && fabs(value.as.number) < 0x1p63) {
    value = ink_int((int64_t)value.as.number);
  }
  if (!ink_is_whole(value) && value.kind != INK_VALUE_BIG_INT) {
    ink_jinja_fail(p->in, "%%%c needs a whole number, not a %s", spec->type, ink_kind_name(value));
    return;
  }
  ink_jinja_put_whole(p->in, out, spec, value, spec->precision);
}

static void put_argument(printer *p, ink_task_buffer *out, ink_jinja_spec *spec, ink_value value) {
  ink_task *task = p->in->task;
  bool is_whole = strchr("diuxXo", spec->type) != NULL,
       is_decimal = strchr("eEfFgG", spec->type) != NULL;
  if (!is_whole && !is_decimal) {
    spec->fill = ink_text(" ", 1);
    if (spec->align != '<') spec->align = '>';
  }
  if (is_whole) {
    put_whole(p, out, spec, value);
  } else if (is_decimal && (!ink_is_number(value) || spec->precision > INK_JINJA_MAX_PRECISION)) {
    ink_jinja_fail(p->in, "%%%c needs a number and a sensible precision", spec->type);
  } else if (is_decimal) {
    ink_jinja_put_decimal(p->in, out, spec, ink_double(value));
  } else if (spec->type == 'c') {
    spec->precision = -1;
    put_character(p, out, spec, value);
  } else if (spec->type == 's') {
    ink_jinja_put_padded(p->in, out, spec, ink_to_text(task, value));
  } else {
    ink_jinja_put_padded(p->in, out, spec, ink_to_repr(task, value, spec->type == 'a'));
  }
}

/* After a '%': [(name)][flags][width][.precision][h|l|L]type */
static void put_conversion(printer *p, ink_task_buffer *out) {
  ink_jinja_spec spec = {.fill = ink_text(" ", 1), .precision = -1};
  bool is_named = p->at < p->end && *p->at == '(';
  ink_value value = ink_none();
  if (is_named) {
    p->at++;
    value = named_argument(p);
  }
  for (; p->at < p->end && *p->at && strchr("#0- +", *p->at); p->at++) {
    if (*p->at == '#') spec.alternate = true;
    if (*p->at == '-') spec.align = '<';
    if (*p->at == '0') spec.fill = ink_text("0", 1);
    if (*p->at == '+' || (*p->at == ' ' && !spec.sign)) spec.sign = *p->at;
  }
  int32_t width = take_size(p, INK_JINJA_MAX_WIDTH);
  if (width < -1) spec.align = '<';
  spec.width = width < -1 ? -width : width < 0 ? 0 : width;
  if (p->at < p->end && *p->at == '.') {
    p->at++;
    spec.precision = take_size(p, INK_JINJA_MAX_WIDTH);
    if (spec.precision < 0) spec.precision = 0;
  }
  if (spec.align == '<')
    spec.fill = ink_text(" ", 1);
  else if (spec.fill.as.text[0] == '0')
    spec.align = '=';
  if (p->at < p->end && *p->at && strchr("hlL", *p->at)) p->at++;
  spec.type = p->at < p->end ? *p->at++ : 0;
  if (!spec.type || !strchr("diuxXoeEfFgGcrsa", spec.type)) {
    ink_jinja_fail(p->in, "a format ends early, or has a type that is not known");
  } else {
    if (!is_named) value = next_argument(p);
    if (p->in->task->status == INK_OK) put_argument(p, out, &spec, value);
  }
}

ink_value ink_jinja_printf(ink_jinja *in, ink_value self, ink_value args) {
  printer p = {.in = in, .args = args, .at = self.as.text, .end = self.as.text + self.len};
  ink_task_buffer out = {0};
  while (p.at < p.end && ink_task_step(in->task, 1)) {
    char c = *p.at++;
    if (c != '%') {
      ink_task_buffer_put_char(in->task, &out, c);
    } else if (p.at < p.end && *p.at == '%') {
      ink_task_buffer_put_char(in->task, &out, *p.at++);
    } else {
      put_conversion(&p, &out);
    }
  }
  bool may_be_left = args.kind != INK_VALUE_TUPLE && args.kind != INK_VALUE_STRING &&
                     !ink_is_number(args) && args.kind != INK_VALUE_NONE;
  uint32_t n = args.kind == INK_VALUE_TUPLE ? args.as.list->n : 1;
  if (p.next < n && !may_be_left) ink_jinja_fail(in, "there are more arguments than a format uses");
  return ink_task_buffer_value(&out);
}
