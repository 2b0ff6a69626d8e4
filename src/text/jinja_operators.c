/* Operators on values, as Python defines them. */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "text/jinja_format.h"

/* ---- Arithmetic ---- */

static ink_value type_error(ink_jinja *in, int op, ink_value a, ink_value b) {
  if (a.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, a);
  if (b.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, b);
  char name[] = {(char)(op & 255), (char)(op >> 8), '\0'};
  return ink_jinja_fail(in, "'%s' can't take a %s and a %s", name, ink_kind_name(a),
                        ink_kind_name(b));
}

/* Rounds to below, as Python's // and % do. */
static int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static double float_remainder(double a, double b) {
  double rest = fmod(a, b);
  return (rest < 0 || rest > 0) && (rest < 0) != (b < 0) ? rest + b : rest;
}

static bool power(int64_t base, int64_t exponent, int64_t *out) {
  *out = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) && __builtin_mul_overflow(*out, base, out)) return false;
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return false;
  }
  return true;
}

static ink_value whole_arithmetic(ink_jinja *in, int op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool fits = true;
  switch (op) {
  case '+':
    fits = !__builtin_add_overflow(a, b, &result);
    break;
  case '-':
    fits = !__builtin_sub_overflow(a, b, &result);
    break;
  case '*':
    fits = !__builtin_mul_overflow(a, b, &result);
    break;
  case INK_OP2('*', '*'):
    fits = power(a, b, &result);
    break;
  default: /* // and % */
    if (a == INT64_MIN && b == -1)
      fits = false;
    else if (op == '%')
      result = a - floor_divide(a, b) * b;
    else
      result = floor_divide(a, b);
  }
  return fits ? ink_int(result) : ink_jinja_fail(in, "a whole number needs more than 64 bits");
}

static ink_value arithmetic(ink_jinja *in, int op, ink_value a, ink_value b) {
  bool divides = op == '/' || op == '%' || op == INK_OP2('/', '/');
  double x = ink_double(a), y = ink_double(b);
  if (a.kind == INK_VALUE_BIG_INT || b.kind == INK_VALUE_BIG_INT) {
    return ink_jinja_fail(in, "can't calculate with a whole number of more than 64 bits");
  }
  if (divides && !(y < 0 || y > 0 || isnan(y))) return ink_jinja_fail(in, "division by zero");
  bool whole = ink_is_whole(a) && ink_is_whole(b) && op != '/';
  if (whole && (op != INK_OP2('*', '*') || ink_whole(b) >= 0)) {
    return whole_arithmetic(in, op, ink_whole(a), ink_whole(b));
  }
  switch (op) {
  case '+':
    return ink_float(x + y);
  case '-':
    return ink_float(x - y);
  case '*':
    return ink_float(x * y);
  case '/':
    return ink_float(x / y);
  case '%':
    return ink_float(float_remainder(x, y));
  case INK_OP2('/', '/'):
    return ink_float(floor((x - float_remainder(x, y)) / y + 0.5));
  default:
    if (x <= 0)
      return ink_jinja_fail(in, "this power of a number that is not positive is not supported");
    return ink_float(ink_pow(x, y));
  }
}

static ink_value join_lists(ink_jinja *in, ink_value a, ink_value b) {
  ink_value result = ink_list_new(in->task, (ink_value_kind)a.kind);
  const ink_list *parts[] = {a.as.list, b.as.list};
  for (int part = 0; part < 2; part++) {
    for (uint32_t i = 0; i < parts[part]->n && ink_task_step(in->task, 1); i++) {
      ink_list_push(in->task, result, parts[part]->items[i]);
    }
  }
  return result;
}

/* A string, list or tuple, `times` times. */
static ink_value repeat(ink_jinja *in, ink_value what, int64_t times) {
  bool is_text = what.kind == INK_VALUE_STRING;
  ink_value result = is_text ? ink_text("", 0) : ink_list_new(in->task, (ink_value_kind)what.kind);
  ink_task_buffer out = {0};
  if (is_text ? what.len == 0 : what.as.list->n == 0) return what;
  for (int64_t i = 0; i < times && ink_task_step(in->task, 1); i++) {
    if (is_text) ink_task_buffer_put(in->task, &out, what.as.text, what.len);
    for (uint32_t k = 0; !is_text && k < what.as.list->n && ink_task_step(in->task, 1); k++) {
      ink_list_push(in->task, result, what.as.list->items[k]);
    }
  }
  return is_text ? ink_task_buffer_value(&out) : result;
}

static bool is_repeatable(ink_value value) {
  return value.kind == INK_VALUE_STRING || value.kind == INK_VALUE_LIST ||
         value.kind == INK_VALUE_TUPLE;
}

ink_value ink_jinja_binary(ink_jinja *in, int op, ink_value a, ink_value b) {
  if (in->task->status != INK_OK) return a;
  if (op == '~')
    return ink_concatenate(in->task, ink_to_text(in->task, a), ink_to_text(in->task, b));
  if (ink_is_number(a) && ink_is_number(b)) return arithmetic(in, op, a, b);
  if (op == '+' && a.kind == b.kind && is_repeatable(a)) {
    return a.kind == INK_VALUE_STRING ? ink_concatenate(in->task, a, b) : join_lists(in, a, b);
  }
  if (op == '%' && a.kind == INK_VALUE_STRING) return ink_jinja_printf(in, a, b);
  if (op == '*' && is_repeatable(a) && ink_is_whole(b)) return repeat(in, a, ink_whole(b));
  if (op == '*' && is_repeatable(b) && ink_is_whole(a)) return repeat(in, b, ink_whole(a));
  return type_error(in, op, a, b);
}

ink_value ink_jinja_negative(ink_jinja *in, ink_value a) {
  if (a.kind == INK_VALUE_FLOAT) return ink_float(-a.as.number);
  return ink_jinja_binary(in, '-', ink_int(0), a);
}

/* ---- Comparison ---- */

bool ink_jinja_compare(ink_jinja *in, int op, ink_value a, ink_value b) {
  if (op == INK_JINJA_OP_IN) return ink_jinja_contains(in, b, a);
  if (op == INK_JINJA_OP_NOT_IN) return !ink_jinja_contains(in, b, a);
  if (op == INK_OP2('=', '=')) return ink_equal(in->task, a, b);
  if (op == INK_OP2('!', '=')) return !ink_equal(in->task, a, b);
  if (a.kind == INK_VALUE_UNDEFINED)
    ink_jinja_fail_undefined(in, a);
  else if (b.kind == INK_VALUE_UNDEFINED)
    ink_jinja_fail_undefined(in, b);
  if (ink_is_number(a) && ink_is_number(b) && (isnan(ink_double(a)) || isnan(ink_double(b))))
    return false;
  int order = ink_compare(in->task, a, b);
  switch (op) {
  case '<':
    return order < 0;
  case '>':
    return order > 0;
  case INK_OP2('<', '='):
    return order <= 0;
  default:
    return order >= 0;
  }
}

int64_t ink_jinja_search(ink_jinja *in, ink_value text, ink_value part, uint32_t from) {
  if (part.len == 0) return from <= text.len ? (int64_t)from : -1;
  const char *at = text.as.text + from, *end = text.as.text + text.len;
  while (from < text.len && (size_t)(end - at) >= part.len) {
    at = memchr(at, part.as.text[0], (size_t)(end - at) - part.len + 1);
    if (!at || !ink_task_step(in->task, 1 + part.len / 64)) return -1;
    if (memcmp(at, part.as.text, part.len) == 0) return at - text.as.text;
    at++;
  }
  return -1;
}

static bool is_hashable(ink_value key) {
  return key.kind <= INK_VALUE_STRING || key.kind == INK_VALUE_TUPLE;
}

bool ink_jinja_contains(ink_jinja *in, ink_value container, ink_value item) {
  switch ((ink_value_kind)container.kind) {
  case INK_VALUE_STRING:
    if (item.kind == INK_VALUE_STRING) return ink_jinja_search(in, container, item, 0) >= 0;
    ink_jinja_fail(in, "only a string can be in a string, not a %s", ink_kind_name(item));
    return false;
  case INK_VALUE_DICT:
    return ink_dict_get(in->task, container.as.dict, item) != NULL;
  default:
    break;
  }
  const ink_list *items = ink_iterate(in->task, container);
  for (uint32_t i = 0; items && i < items->n && ink_task_step(in->task, 1); i++) {
    if (ink_equal(in->task, items->items[i], item)) return true;
  }
  return false;
}

/* ---- Parts of values ---- */

static ink_value method_or_undefined(ink_jinja *in, ink_value object, ink_value name) {
  const ink_jinja_builtin *method = ink_jinja_find_method(object, name);
  if (!method || !method->call) return ink_undefined(name);
  ink_jinja_method *bound = ink_task_allocate(in->task, sizeof *bound);
  if (!bound) return ink_undefined(name);
  *bound = (ink_jinja_method){object, method};
  return ink_object(INK_VALUE_METHOD, bound);
}

static bool same_name(ink_value name, const char *other) {
  return name.len == strlen(other) && memcmp(name.as.text, other, name.len) == 0;
}

ink_value ink_jinja_attribute(ink_jinja *in, ink_value object, ink_value name) {
  const ink_value *found = NULL;
  if (in->task->status != INK_OK) return ink_undefined(name);
  switch ((ink_value_kind)object.kind) {
  case INK_VALUE_UNDEFINED:
    return ink_jinja_fail_undefined(in, object);
  case INK_VALUE_LOOP:
    return ink_jinja_loop_attribute(in, object, name);
  case INK_VALUE_MACRO:
    return ink_jinja_macro_attribute(in, object, name);
  case INK_VALUE_DICT:
    if (ink_jinja_find_method(object, name)) return method_or_undefined(in, object, name);
    found = ink_dict_get(in->task, object.as.dict, name);
    break;
  case INK_VALUE_NAMESPACE:
    found = ink_dict_get(in->task, object.as.dict, name);
    break;
  case INK_VALUE_TUPLE:
    if (object.is_group && same_name(name, "grouper")) return object.as.list->items[0];
    if (object.is_group && same_name(name, "list")) return object.as.list->items[1];
    return method_or_undefined(in, object, name);
  default:
    return method_or_undefined(in, object, name);
  }
  return found ? *found : ink_undefined(name);
}

/* The place of an index that may count from the end, or -1. */
static int64_t place(int64_t index, uint32_t n) {
  if (index < 0) index += n;
  return index >= 0 && index < n ? index : -1;
}

ink_value ink_jinja_subscript(ink_jinja *in, ink_value object, ink_value key) {
  if (in->task->status != INK_OK) return object;
  if (object.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, object);
  bool is_list = object.kind >= INK_VALUE_LIST && object.kind <= INK_VALUE_RANGE;
  ink_value name = key.kind == INK_VALUE_STRING ? key : ink_text_z("an item");
  if (object.kind == INK_VALUE_DICT && is_hashable(key)) {
    const ink_value *found = ink_dict_get(in->task, object.as.dict, key);
    if (found) return *found;
  } else if (ink_is_whole(key) && is_list) {
    int64_t at = place(ink_whole(key), object.as.list->n);
    if (at >= 0) return object.as.list->items[at];
  } else if (ink_is_whole(key) && object.kind == INK_VALUE_STRING) {
    if (!ink_task_step(in->task, object.len / 16)) return object;
    int64_t at = place(ink_whole(key), ink_text_length(object));
    if (at >= 0) return ink_text_slice(object, (uint32_t)at, (uint32_t)at + 1);
  }
  if (key.kind != INK_VALUE_STRING) return ink_undefined(name);
  if (object.kind == INK_VALUE_DICT) return method_or_undefined(in, object, key);
  return ink_jinja_attribute(in, object, key);
}

/* Python's slice.indices(): whether a slice's bounds make sense, and which items it takes. */
static bool slice_bounds(const ink_value bounds[3], int64_t n, int64_t *begin, int64_t *end,
                         int64_t *step) {
  for (int i = 0; i < 3; i++) {
    if (!ink_is_whole(bounds[i]) && bounds[i].kind != INK_VALUE_NONE) return false;
  }
  *step = bounds[2].kind == INK_VALUE_NONE ? 1 : ink_whole(bounds[2]);
  bool back = *step < 0;
  int64_t lowest = back ? -1 : 0, highest = back ? n - 1 : n;
  int64_t *results[] = {begin, end};
  for (int i = 0; i < 2; i++) {
    bool given = bounds[i].kind != INK_VALUE_NONE;
    int64_t value = given ? ink_whole(bounds[i]) : (i == 0) == back ? highest : lowest;
    if (given && value < 0) value = value < -n ? lowest : value + n;
    *results[i] = value < lowest ? lowest : value > highest ? highest : value;
  }
  return true;
}

ink_value ink_jinja_slice(ink_jinja *in, ink_value object, const ink_value bounds[3]) {
  int64_t begin, end, step;
  if (in->task->status != INK_OK) return object;
  if (object.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, object);
  bool is_text = object.kind == INK_VALUE_STRING;
  bool is_list = object.kind >= INK_VALUE_LIST && object.kind <= INK_VALUE_RANGE;
  if (!is_text && !is_list)
    return ink_jinja_fail(in, "a %s can't be sliced", ink_kind_name(object));
  if (is_text && !ink_task_step(in->task, object.len / 16)) return object;
  int64_t n = is_text ? ink_text_length(object) : object.as.list->n;
  bool sensible = slice_bounds(bounds, n, &begin, &end, &step) && step != 0;
  if (!sensible) return ink_jinja_fail(in, "a slice takes whole numbers, and no step of 0");
  if (step == 1 && end < begin) end = begin;
  if (step == 1 && is_text) return ink_text_slice(object, (uint32_t)begin, (uint32_t)end);
  ink_value result = ink_list_new(in->task, is_text ? INK_VALUE_LIST : (ink_value_kind)object.kind);
  const ink_list *items = ink_iterate(in->task, object);
  if (!items || !result.as.list) return object;
  if (step == 1) { /* the items are shared: lists don't change */
    result.as.list->items = end > begin ? items->items + begin : NULL;
    result.as.list->n = result.as.list->capacity = (uint32_t)(end - begin);
    return result;
  }
  for (int64_t i = begin; (step > 0 ? i < end : i > end) && ink_task_step(in->task, 1);) {
    ink_list_push(in->task, result, items->items[i]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return is_text ? ink_jinja_join(in, ink_text("", 0), result.as.list) : result;
}
