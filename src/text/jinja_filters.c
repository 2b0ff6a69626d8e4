/* Filters. Names, parameters and results are jinja2's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/jinja.h"
#include "text/json.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static ink_value nothing(void) { return ink_undefined(ink_text_z("an item of nothing")); }

static int64_t whole_of(ink_jinja *in, const ink_value *value, int64_t otherwise) {
  if (!value || value->kind == INK_VALUE_NONE) return otherwise;
  if (!ink_is_whole(*value)) ink_jinja_fail(in, "a whole number is needed, not a %s", ink_kind_name(*value));
  return ink_is_whole(*value) ? ink_whole(*value) : otherwise;
}

static bool truth_of(const ink_value *value) { return value && ink_truth(*value); }

/* ---- Items and their attributes ---- */

/* item.a.0.b for the attribute "a.0.b"; the item itself for none. */
static ink_value attribute_of(ink_jinja *in, ink_value item, const ink_value *attribute) {
  if (!attribute || attribute->kind == INK_VALUE_NONE) return item;
  if (attribute->kind != INK_VALUE_STRING) return ink_jinja_subscript(in, item, *attribute);
  const char *at = attribute->as.text, *end = at + attribute->len;
  for (;;) {
    const char *dot = memchr(at, '.', (size_t)(end - at));
    size_t len = (size_t)((dot ? dot : end) - at);
    int64_t index = 0;
    bool whole = len > 0 && len < 10;
    for (size_t i = 0; i < len && whole; i++) {
      whole = at[i] >= '0' && at[i] <= '9';
      index = index * 10 + (at[i] - '0');
    }
    item = ink_jinja_subscript(in, item, whole ? ink_int(index) : ink_text(at, len));
    if (!dot || in->task->status != INK_OK) return item;
    at = dot + 1;
  }
}

/* What is compared when case does not count. */
static ink_value fold(ink_jinja *in, ink_value value, bool case_sensitive) {
  if (case_sensitive || value.kind != INK_VALUE_STRING) return value;
  return ink_jinja_change_case(in, value, INK_JINJA_LOWER);
}

/* What is left of a filter's arguments after the first `n`. */
static ink_jinja_args rest_of(const ink_jinja_args *args, uint32_t n) {
  ink_jinja_args rest = *args;
  rest.items.items += n;
  rest.items.n -= n;
  rest.items.capacity = rest.items.n;
  return rest;
}

/* select, reject, selectattr, rejectattr: items for which a test holds, or which are true. */
static ink_value select_items(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool by_attribute, bool wanted) {
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR);
  uint32_t n_first = by_attribute ? 1 : 0;
  if (args->items.n < n_first) return ink_jinja_fail(in, "the attribute's name is missing");
  const ink_jinja_builtin *test = NULL;
  ink_jinja_args test_args = {0};
  if (args->items.n > n_first) {
    ink_value name = args->items.items[n_first];
    test = name.kind == INK_VALUE_STRING ? ink_jinja_find_test(name) : NULL;
    if (!test) return ink_jinja_fail(in, "there is no test of that name");
    test_args = rest_of(args, n_first + 1);
  }
  const ink_list *items = ink_iterate(in->task, self);
  for (uint32_t i = 0; items && i < items->n && ink_task_step(in->task, 1); i++) {
    ink_value value = attribute_of(in, items->items[i], by_attribute ? &args->items.items[0] : NULL);
    bool holds = ink_truth(test ? test->call(in, value, &test_args) : value);
    if (holds == wanted) ink_list_push(in->task, result, items->items[i]);
  }
  return result;
}
static ink_value select_by_test(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return select_items(in, self, args, false, true);
}
static ink_value reject_by_test(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return select_items(in, self, args, false, false);
}
static ink_value selectattr(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return select_items(in, self, args, true, true);
}
static ink_value rejectattr(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return select_items(in, self, args, true, false);
}

/* map('filter', arguments) or map(attribute='name', default=value). */
static ink_value map(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR);
  const ink_value *given[2] = {NULL, NULL};
  const ink_jinja_builtin *filter = NULL;
  ink_jinja_args filter_args = {0};
  if (args->items.n > 0) {
    ink_value name = args->items.items[0];
    filter = name.kind == INK_VALUE_STRING ? ink_jinja_find_filter(name) : NULL;
    if (!filter) return ink_jinja_fail(in, "there is no filter of that name");
    filter_args = rest_of(args, 1);
  } else if (!ink_jinja_bind(in, args, "attribute default", 1, given)) {
    return self;
  }
  const ink_list *items = ink_iterate(in->task, self);
  for (uint32_t i = 0; items && i < items->n && ink_task_step(in->task, 1); i++) {
    ink_value value = filter ? filter->call(in, items->items[i], &filter_args)
                             : attribute_of(in, items->items[i], given[0]);
    if (value.kind == INK_VALUE_UNDEFINED && given[1]) value = *given[1];
    ink_list_push(in->task, result, value);
  }
  return result;
}

/* ---- Sequences ---- */

static ink_value length(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  switch ((ink_value_kind)self.kind) {
  case INK_VALUE_UNDEFINED: return ink_int(0);
  case INK_VALUE_STRING: return ink_int(ink_text_length(self));
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
  case INK_VALUE_RANGE:
  case INK_VALUE_VIEW: return ink_int(self.as.list->n);
  case INK_VALUE_DICT: return ink_int(self.as.dict->n);
  case INK_VALUE_LOOP: return ink_jinja_loop_attribute(in, self, ink_text_z("length"));
  default: return ink_jinja_fail(in, "a %s has no length", ink_kind_name(self));
  }
}

static ink_value first(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  if (self.kind == INK_VALUE_ITERATOR && self.as.list->n > 0) { /* the others stay for later */
    self.as.list->n--;
    self.as.list->capacity = self.as.list->n;
    return *self.as.list->items++;
  }
  const ink_list *items = ink_iterate(in->task, self);
  return items && items->n ? items->items[0] : nothing();
}

static ink_value last(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  if (self.kind == INK_VALUE_ITERATOR) return ink_jinja_fail(in, "a generator has no last item; use list first");
  const ink_list *items = ink_iterate(in->task, self);
  return items && items->n ? items->items[items->n - 1] : nothing();
}

static ink_value copy_items(ink_jinja *in, ink_value self, ink_value_kind kind) {
  ink_value result = ink_list_new(in->task, kind);
  const ink_list *items = ink_iterate(in->task, self);
  if (items && result.as.list) {
    *result.as.list = *items;
    result.as.list->capacity = items->n; /* shared: pushing to it would copy */
  }
  return result;
}

static ink_value list(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return copy_items(in, self, INK_VALUE_LIST);
}

static ink_value items(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  if (self.kind == INK_VALUE_UNDEFINED) return ink_list_new(in->task, INK_VALUE_ITERATOR);
  if (self.kind != INK_VALUE_DICT) return ink_jinja_fail(in, "only a dict has items, not a %s", ink_kind_name(self));
  ink_value view = ink_jinja_find_method(self, ink_text_z("items"))->call(in, self, &(ink_jinja_args){0});
  return copy_items(in, view, INK_VALUE_ITERATOR);
}

static ink_value reverse(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  const ink_list *given = ink_iterate(in->task, self);
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR);
  for (uint32_t i = given ? given->n : 0; i > 0 && ink_task_step(in->task, 1); i--) {
    ink_list_push(in->task, result, given->items[i - 1]);
  }
  if (self.kind != INK_VALUE_STRING || !result.as.list) return result;
  return ink_jinja_join(in, ink_text("", 0), result.as.list);
}

static ink_value join(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "d attribute", 0, given)) return self;
  const ink_list *source = ink_iterate(in->task, self);
  ink_value texts = ink_list_new(in->task, INK_VALUE_LIST);
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++) {
    ink_list_push(in->task, texts, attribute_of(in, source->items[i], given[1]));
  }
  return ink_jinja_join(in, given[0] ? *given[0] : ink_text("", 0), texts.as.list);
}

static ink_value unique(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "case_sensitive attribute", 0, given)) return self;
  const ink_list *source = ink_iterate(in->task, self);
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR), seen = ink_dict_new(in->task, INK_VALUE_DICT);
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++) {
    ink_value key = fold(in, attribute_of(in, source->items[i], given[1]), truth_of(given[0]));
    if (ink_dict_get(in->task, seen.as.dict, key)) continue;
    ink_dict_set(in->task, seen, key, ink_none());
    ink_list_push(in->task, result, source->items[i]);
  }
  return result;
}

/* ---- Order ---- */

typedef struct sort_item {
  ink_value key, item;
} sort_item;

/* Merges two sorted runs, a's items first where keys are equal (or have no order: a failure). */
static void merge(ink_task *task, const sort_item *a, size_t n_a, const sort_item *b, size_t n_b,
                  bool backwards, sort_item *out) {
  while (n_a > 0 || n_b > 0) {
    bool from_b = n_a == 0;
    if (n_a > 0 && n_b > 0 && ink_task_step(task, 1)) {
      int order = ink_compare(task, b->key, a->key);
      from_b = backwards ? order > 0 : order < 0;
    }
    *out++ = from_b ? *b++ : *a++;
    if (from_b) n_b--;
    else n_a--;
  }
}

/* Merge sort, from runs of one upwards: stable, as Python's. */
static sort_item *sort_items(ink_task *task, sort_item *from, size_t n, bool backwards) {
  sort_item *to = ink_task_allocate(task, n * sizeof *to);
  for (size_t width = 1; to && width < n && task->status == INK_OK; width *= 2) {
    for (size_t at = 0; at < n; at += 2 * width) {
      size_t n_a = n - at < width ? n - at : width, left = n - at - n_a, n_b = left < width ? left : width;
      merge(task, from + at, n_a, from + at + n_a, n_b, backwards, to + at);
    }
    sort_item *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

static ink_value sort_list(ink_jinja *in, const ink_list *source, bool backwards, bool case_sensitive,
                           const ink_value *attribute) {
  ink_value result = ink_list_new(in->task, INK_VALUE_LIST);
  sort_item *all = source ? ink_task_allocate(in->task, source->n * sizeof *all) : NULL;
  if (!all) return result;
  for (uint32_t i = 0; i < source->n; i++) {
    all[i].item = source->items[i];
    all[i].key = fold(in, attribute_of(in, source->items[i], attribute), case_sensitive);
  }
  all = sort_items(in->task, all, source->n, backwards);
  for (uint32_t i = 0; i < source->n; i++) ink_list_push(in->task, result, all[i].item);
  return result;
}

static ink_value sort(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "reverse case_sensitive attribute", 0, given)) return self;
  return sort_list(in, ink_iterate(in->task, self), truth_of(given[0]), truth_of(given[1]), given[2]);
}

static ink_value dictsort(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "case_sensitive by reverse", 0, given)) return self;
  ink_value by = ink_int(given[1] && ink_text_is(*given[1], "value") ? 1 : 0);
  ink_value pairs = items(in, self, args);
  return sort_list(in, ink_iterate(in->task, pairs), truth_of(given[2]), truth_of(given[0]), &by);
}

/* The first that no other one comes before. */
static ink_value extreme(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool greatest) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "case_sensitive attribute", 0, given)) return self;
  const ink_list *source = ink_iterate(in->task, self);
  ink_value best = nothing(), best_key = best;
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++) {
    ink_value key = fold(in, attribute_of(in, source->items[i], given[1]), truth_of(given[0]));
    int order = i == 0 ? 0 : ink_compare(in->task, key, best_key);
    if (i > 0 && !(greatest ? order > 0 : order < 0)) continue;
    best = source->items[i];
    best_key = key;
  }
  return best;
}
static ink_value min(ink_jinja *in, ink_value self, const ink_jinja_args *args) { return extreme(in, self, args, false); }
static ink_value max(ink_jinja *in, ink_value self, const ink_jinja_args *args) { return extreme(in, self, args, true); }

/* ---- Numbers ---- */

static ink_value absolute(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  if (self.kind == INK_VALUE_FLOAT) return ink_float(fabs(self.as.number));
  if (ink_is_whole(self) && ink_whole(self) >= 0) return ink_int(ink_whole(self));
  return ink_jinja_negative(in, self);
}

static ink_value sum(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "attribute start", 0, given)) return self;
  const ink_list *source = ink_iterate(in->task, self);
  ink_value total = given[1] ? *given[1] : ink_int(0);
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++) {
    total = ink_jinja_binary(in, '+', total, attribute_of(in, source->items[i], given[0]));
  }
  return total;
}

/* The number that a string spells as Python's float() reads it. */
static bool parse_number(ink_jinja *in, ink_value text, double *out) {
  static const char *const names[] = {"inf", "infinity", "nan"};
  text = ink_strip_space(text, true, true);
  ink_value name = ink_jinja_change_case(in, text, INK_JINJA_LOWER);
  if (name.len > 0 && (name.as.text[0] == '-' || name.as.text[0] == '+')) name = ink_text(name.as.text + 1, name.len - 1);
  bool known = text.len > 0;
  for (uint32_t i = 0; i < text.len && known; i++) known = strchr("+-.eE0123456789", text.as.text[i]) && text.as.text[i];
  for (size_t i = 0; i < COUNT(names); i++) known |= ink_text_is(name, names[i]);
  return known && ink_parse_float(in->task, text.as.text, text.len, out);
}

static ink_value whole_part(ink_jinja *in, double number, const ink_value *otherwise) {
  if (!isfinite(number)) return otherwise ? *otherwise : ink_int(0);
  if (fabs(number) >= 0x1p63) return ink_jinja_fail(in, "a whole number needs more than 64 bits");
  return ink_int((int64_t)number);
}

static ink_value integer(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "default base", 0, given)) return self;
  int base = (int)whole_of(in, given[1], 10);
  double number;
  if (ink_is_whole(self)) return ink_int(ink_whole(self));
  if (self.kind == INK_VALUE_BIG_INT) return self;
  if (self.kind == INK_VALUE_FLOAT) return whole_part(in, self.as.number, given[0]);
  if (self.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, self);
  if (self.kind == INK_VALUE_STRING) {
    char digits[80];
    ink_value text = ink_strip_space(self, true, true);
    size_t len = text.len < sizeof digits ? text.len : 0;
    memcpy(digits, text.as.text, len);
    digits[len] = '\0';
    char *end;
    long long value = base >= 2 && base <= 36 && len > 0 ? strtoll(digits, &end, base) : (end = digits, 0);
    if (end == digits + len && len > 0 && value < INT64_MAX && value > INT64_MIN) return ink_int(value);
    if (parse_number(in, self, &number)) return whole_part(in, number, given[0]);
  }
  return given[0] ? *given[0] : ink_int(0);
}

static ink_value floating(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given;
  double number;
  if (!ink_jinja_bind(in, args, "default", 0, &given)) return self;
  if (ink_is_number(self)) return ink_float(ink_double(self));
  if (self.kind == INK_VALUE_UNDEFINED) return ink_jinja_fail_undefined(in, self);
  if (self.kind == INK_VALUE_STRING && parse_number(in, self, &number)) return ink_float(number);
  return given ? *given : ink_float(0.0);
}

/* To `digits` decimals by way of the decimal digits themselves, as Python does. */
static double round_decimal(ink_jinja *in, double number, int digits) {
  if (digits < 0) {
    double unit = 1.0;
    for (; digits < 0; digits++) unit *= 10.0;
    return nearbyint(number / unit) * unit;
  }
  char text[400];
  int n = snprintf(text, sizeof text, "%.*f", digits, number);
  char *end;
  (void)in;
  return n > 0 && (size_t)n < sizeof text ? strtod(text, &end) : number;
}

static ink_value round_filter(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "precision method", 0, given)) return self;
  int64_t digits = whole_of(in, given[0], 0);
  bool up = given[1] && ink_text_is(*given[1], "ceil"), down = given[1] && ink_text_is(*given[1], "floor");
  if (given[1] && !up && !down && !ink_text_is(*given[1], "common")) return ink_jinja_fail(in, "there is no such rounding");
  if (!ink_is_number(self)) return ink_jinja_fail(in, "a %s can't be rounded", ink_kind_name(self));
  if (digits > 300 || digits < -300) return self;
  if (up || down) {
    double unit = 1.0;
    for (int64_t i = digits < 0 ? -digits : digits; i > 0; i--) unit *= 10.0;
    double scaled = digits < 0 ? ink_double(self) / unit : ink_double(self) * unit;
    double rounded = up ? ceil(scaled) : floor(scaled);
    return ink_float(digits < 0 ? rounded * unit : rounded / unit);
  }
  if (self.kind != INK_VALUE_FLOAT && digits >= 0) return ink_is_whole(self) ? ink_int(ink_whole(self)) : self;
  double rounded = round_decimal(in, ink_double(self), (int)digits);
  return self.kind == INK_VALUE_FLOAT ? ink_float(rounded) : whole_part(in, rounded, NULL);
}

/* ---- Texts ---- */

static ink_value string(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_to_text(in->task, self);
}
static ink_value lower(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, ink_to_text(in->task, self), INK_JINJA_LOWER);
}
static ink_value upper(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, ink_to_text(in->task, self), INK_JINJA_UPPER);
}
static ink_value capitalize(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  return ink_jinja_change_case(in, ink_to_text(in->task, self), INK_JINJA_CAPITALIZE);
}

/* Unlike the method, words begin only after white space and one of -([{<. */
static ink_value title(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  ink_value text = ink_to_text(in->task, self);
  ink_task_buffer out = {0};
  for (uint32_t at = 0; at < text.len && ink_task_step(in->task, 1);) {
    uint32_t begin = at;
    for (; at < text.len; at++) {
      bool separates = strchr("-([{<", text.as.text[at]) && text.as.text[at];
      if (separates || ink_strip_space(ink_text(text.as.text + at, text.len - at < 4 ? text.len - at : 4), true, false)
                               .as.text != text.as.text + at) {
        break;
      }
      while (at + 1 < text.len && ((uint8_t)text.as.text[at + 1] & 0xC0) == 0x80) at++;
    }
    ink_value word = ink_text(text.as.text + begin, at - begin);
    ink_put_text(in->task, &out, ink_jinja_change_case(in, word, INK_JINJA_CAPITALIZE));
    if (at < text.len) ink_task_buffer_put_char(in->task, &out, text.as.text[at++]);
  }
  return ink_task_buffer_value(&out);
}

static ink_value trim(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *characters;
  if (!ink_jinja_bind(in, args, "chars", 0, &characters)) return self;
  return ink_jinja_strip(in, ink_to_text(in->task, self), characters, true, true);
}

static ink_value replace(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "old new count", 2, given)) return self;
  ink_value from = ink_to_text(in->task, *given[0]), to = ink_to_text(in->task, *given[1]);
  return ink_jinja_replace(in, ink_to_text(in->task, self), from, to, whole_of(in, given[2], -1));
}

static ink_value indent(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "width first blank", 0, given)) return self;
  if (self.kind != INK_VALUE_STRING) return ink_jinja_fail(in, "a %s can't be indented", ink_kind_name(self));
  bool is_text = given[0] && given[0]->kind == INK_VALUE_STRING;
  ink_value width = is_text ? *given[0] : ink_jinja_binary(in, '*', ink_text(" ", 1), ink_int(whole_of(in, given[0], 4)));
  ink_value with_end = ink_concatenate(in->task, self, ink_text("\n", 1));
  ink_value lines = ink_jinja_split_lines(in, with_end);
  ink_task_buffer out = {0};
  for (uint32_t i = 0; lines.as.list && i < lines.as.list->n && ink_task_step(in->task, 1); i++) {
    ink_value line = lines.as.list->items[i];
    if (i > 0) ink_task_buffer_put_char(in->task, &out, '\n');
    bool indented = i == 0 ? truth_of(given[1]) : line.len > 0 || truth_of(given[2]);
    if (indented) ink_put_text(in->task, &out, width);
    ink_put_text(in->task, &out, line);
  }
  return ink_task_buffer_value(&out);
}

static ink_value escape(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  static const char *const entities[][2] = {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
  ink_value text = ink_to_text(in->task, self);
  (void)args;
  for (size_t i = 0; i < COUNT(entities); i++) {
    text = ink_jinja_replace(in, text, ink_text_z(entities[i][0]), ink_text_z(entities[i][1]), -1);
  }
  return text;
}

static void set_indent(ink_jinja *in, ink_json_style *style, ink_value indent) {
  if (indent.kind == INK_VALUE_NONE) return;
  style->lines = true;
  style->item_separator = ink_text(",", 1);
  style->indent = indent.kind == INK_VALUE_STRING
                      ? indent
                      : ink_jinja_binary(in, '*', ink_text(" ", 1), ink_int(whole_of(in, &indent, 0)));
}

/* Hugging Face's: json.dumps() with ensure_ascii off. */
static ink_value tojson(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[4];
  if (!ink_jinja_bind(in, args, "ensure_ascii indent separators sort_keys", 0, given)) return self;
  ink_json_style style = ink_json_style_default();
  style.ensure_ascii = truth_of(given[0]);
  style.sort_keys = truth_of(given[3]);
  if (given[1]) set_indent(in, &style, *given[1]);
  if (given[2] && given[2]->kind != INK_VALUE_NONE) {
    const ink_list *separators = ink_iterate(in->task, *given[2]);
    if (!separators || separators->n != 2 || separators->items[0].kind != INK_VALUE_STRING ||
        separators->items[1].kind != INK_VALUE_STRING) {
      return ink_jinja_fail(in, "separators are two strings");
    }
    style.item_separator = separators->items[0];
    style.key_separator = separators->items[1];
  }
  ink_task_buffer out = {0};
  ink_json_put(in->task, &out, self, &style);
  return ink_task_buffer_value(&out);
}

static ink_value default_filter(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "default_value boolean", 0, given)) return self;
  bool absent = self.kind == INK_VALUE_UNDEFINED || (truth_of(given[1]) && !ink_truth(self));
  return !absent ? self : given[0] ? *given[0] : ink_text("", 0);
}

static ink_value attr(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *name;
  if (!ink_jinja_bind(in, args, "name", 1, &name)) return self;
  if (self.kind == INK_VALUE_DICT && !ink_jinja_find_method(self, *name)) return ink_undefined(*name);
  return ink_jinja_attribute(in, self, *name);
}

static const ink_jinja_builtin filters[] = {
    {"abs", absolute},         {"attr", attr},             {"capitalize", capitalize},
    {"count", length},         {"d", default_filter},      {"default", default_filter},
    {"dictsort", dictsort},    {"e", escape},              {"escape", escape},
    {"first", first},          {"float", floating},        {"indent", indent},
    {"int", integer},          {"items", items},           {"join", join},
    {"last", last},            {"length", length},         {"list", list},
    {"lower", lower},          {"map", map},               {"max", max},
    {"min", min},              {"reject", reject_by_test},         {"rejectattr", rejectattr},
    {"replace", replace},      {"reverse", reverse},       {"round", round_filter},
    {"safe", string},          {"select", select_by_test},         {"selectattr", selectattr},
    {"sort", sort},            {"string", string},         {"sum", sum},
    {"title", title},          {"tojson", tojson},         {"trim", trim},
    {"unique", unique},        {"upper", upper},
};

const ink_jinja_builtin *ink_jinja_find_filter(ink_value name) { return ink_jinja_find(filters, COUNT(filters), name); }
