/* Filters of sequences. Names, parameters and results of all filters are jinja2's. */
#include <string.h>

#include "text/jinja.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static ink_value nothing(void) {
  return ink_undefined(ink_text_z("an item of nothing"));
}

/* ---- Items and their attributes ---- */

/* item.a.0.b for the attribute "a.0.b"; the item itself for none. What is undefined on the way
 * becomes `otherwise`, if that is given. */
static ink_value attribute_or(ink_jinja *in, ink_value item, const ink_value *attribute,
                              const ink_value *otherwise) {
  bool replaces = otherwise && otherwise->kind != INK_VALUE_NONE;
  if (!attribute || attribute->kind == INK_VALUE_NONE) return item;
  bool is_path = attribute->kind == INK_VALUE_STRING;
  const char *at = is_path ? attribute->as.text : "", *end = at + (is_path ? attribute->len : 0);
  for (;;) {
    const char *dot = end > at ? memchr(at, '.', (size_t)(end - at)) : NULL;
    size_t len = (size_t)((dot ? dot : end) - at);
    int64_t index = 0;
    bool whole = len > 0 && len < 10;
    for (size_t i = 0; i < len && whole; i++) {
      whole = at[i] >= '0' && at[i] <= '9';
      index = index * 10 + (at[i] - '0');
    }
    item = ink_jinja_subscript(in, item,
                               !is_path ? *attribute
                               : whole  ? ink_int(index)
                                        : ink_text(at, len));
    if (replaces && item.kind == INK_VALUE_UNDEFINED) item = *otherwise;
    if (!dot || in->task->status != INK_OK) return item;
    at = dot + 1;
  }
}

static ink_value attribute_of(ink_jinja *in, ink_value item, const ink_value *attribute) {
  return attribute_or(in, item, attribute, NULL);
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
static ink_value select_items(ink_jinja *in, ink_value self, const ink_jinja_args *args,
                              bool by_attribute, bool wanted) {
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
    ink_value value =
        attribute_of(in, items->items[i], by_attribute ? &args->items.items[0] : NULL);
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
                             : attribute_or(in, items->items[i], given[0], given[1]);
    ink_list_push(in->task, result, value);
  }
  return result;
}

/* ---- Sequences ---- */

static ink_value length(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)args;
  switch ((ink_value_kind)self.kind) {
  case INK_VALUE_UNDEFINED:
    return ink_int(0);
  case INK_VALUE_STRING:
    return ink_int(ink_text_length(self));
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
  case INK_VALUE_RANGE:
  case INK_VALUE_VIEW:
    return ink_int(self.as.list->n);
  case INK_VALUE_DICT:
    return ink_int(self.as.dict->n);
  case INK_VALUE_LOOP:
    return ink_jinja_loop_attribute(in, self, ink_text_z("length"));
  default:
    return ink_jinja_fail(in, "a %s has no length", ink_kind_name(self));
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
  if (self.kind == INK_VALUE_ITERATOR)
    return ink_jinja_fail(in, "a generator has no last item; use list first");
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
  if (self.kind != INK_VALUE_DICT)
    return ink_jinja_fail(in, "only a dict has items, not a %s", ink_kind_name(self));
  ink_value view =
      ink_jinja_find_method(self, ink_text_z("items"))->call(in, self, &(ink_jinja_args){0});
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
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR),
            seen = ink_dict_new(in->task, INK_VALUE_DICT);
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++) {
    ink_value key =
        fold(in, attribute_of(in, source->items[i], given[1]), ink_jinja_truth_of(given[0]));
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
    if (from_b)
      n_b--;
    else
      n_a--;
  }
}

/* Merge sort, from runs of one upwards: stable, as Python's. */
static sort_item *sort_items(ink_task *task, sort_item *from, size_t n, bool backwards) {
  sort_item *to = ink_task_allocate(task, n * sizeof *to);
  for (size_t width = 1; to && width < n && task->status == INK_OK; width *= 2) {
    for (size_t at = 0; at < n; at += 2 * width) {
      size_t n_a = n - at < width ? n - at : width, left = n - at - n_a,
             n_b = left < width ? left : width;
      merge(task, from + at, n_a, from + at + n_a, n_b, backwards, to + at);
    }
    sort_item *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

static ink_value sort_list(ink_jinja *in, const ink_list *source, bool backwards,
                           bool case_sensitive, const ink_value *attribute) {
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
  return sort_list(in, ink_iterate(in->task, self), ink_jinja_truth_of(given[0]),
                   ink_jinja_truth_of(given[1]), given[2]);
}

static ink_value dictsort(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "case_sensitive by reverse", 0, given)) return self;
  ink_value by = ink_int(given[1] && ink_text_is(*given[1], "value") ? 1 : 0);
  ink_value pairs = items(in, self, args);
  return sort_list(in, ink_iterate(in->task, pairs), ink_jinja_truth_of(given[2]),
                   ink_jinja_truth_of(given[0]), &by);
}

/* The first that no other one comes before. */
static ink_value extreme(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool greatest) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "case_sensitive attribute", 0, given)) return self;
  const ink_list *source = ink_iterate(in->task, self);
  ink_value best = nothing(), best_key = best;
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++) {
    ink_value key =
        fold(in, attribute_of(in, source->items[i], given[1]), ink_jinja_truth_of(given[0]));
    int order = i == 0 ? 0 : ink_compare(in->task, key, best_key);
    if (i > 0 && !(greatest ? order > 0 : order < 0)) continue;
    best = source->items[i];
    best_key = key;
  }
  return best;
}
static ink_value min(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return extreme(in, self, args, false);
}
static ink_value max(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return extreme(in, self, args, true);
}

/* ---- Groups ---- */

/* Lists of n items; the last is filled up with what is given. */
static ink_value batch(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR), group = result;
  if (!ink_jinja_bind(in, args, "linecount fill_with", 1, given)) return self;
  int64_t size = ink_jinja_whole_of(in, given[0], 0), n = 0;
  const ink_list *source = ink_iterate(in->task, self);
  for (uint32_t i = 0; source && i < source->n && ink_task_step(in->task, 1); i++, n++) {
    if (i == 0 || n == size) {
      group = ink_list_new(in->task, INK_VALUE_LIST);
      ink_list_push(in->task, result, group);
      n = 0;
    }
    ink_list_push(in->task, group, source->items[i]);
  }
  bool fills = given[1] && given[1]->kind != INK_VALUE_NONE && source && source->n > 0;
  for (; fills && n < size && ink_task_step(in->task, 1); n++)
    ink_list_push(in->task, group, *given[1]);
  return result;
}

/* n lists, as even as can be; the shorter ones are filled up with what is given. */
static ink_value slice(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  ink_value result = ink_list_new(in->task, INK_VALUE_ITERATOR);
  if (!ink_jinja_bind(in, args, "slices fill_with", 1, given)) return self;
  int64_t n = ink_jinja_whole_of(in, given[0], 0);
  const ink_list *source = ink_iterate(in->task, self);
  if (n == 0) return ink_jinja_fail(in, "slice() into 0 lists");
  bool fills = given[1] && given[1]->kind != INK_VALUE_NONE;
  uint32_t at = 0;
  for (int64_t i = 0; source && i < n && ink_task_step(in->task, 1); i++) {
    ink_value part = ink_list_new(in->task, INK_VALUE_LIST);
    bool is_longer = i < source->n % n;
    for (int64_t k = source->n / n + is_longer; k > 0 && ink_task_step(in->task, 1); k--) {
      ink_list_push(in->task, part, source->items[at++]);
    }
    if (fills && !is_longer) ink_list_push(in->task, part, *given[1]);
    ink_list_push(in->task, result, part);
  }
  return result;
}

/* A list of (attribute's value, items that have it), ordered by the first. */
static ink_value groupby(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  ink_value result = ink_list_new(in->task, INK_VALUE_LIST), group = result;
  if (!ink_jinja_bind(in, args, "attribute default case_sensitive", 1, given)) return self;
  const ink_list *source = ink_iterate(in->task, self);
  sort_item *all = source ? ink_task_allocate(in->task, source->n * sizeof *all) : NULL;
  for (uint32_t i = 0; all && i < source->n; i++) {
    all[i].item = source->items[i];
    all[i].key =
        fold(in, attribute_or(in, all[i].item, given[0], given[1]), ink_jinja_truth_of(given[2]));
  }
  if (all) all = sort_items(in->task, all, source->n, false);
  for (uint32_t i = 0; all && i < source->n && ink_task_step(in->task, 1); i++) {
    if (i == 0 || !ink_equal(in->task, all[i].key, all[i - 1].key)) {
      ink_value pair = ink_list_new(in->task, INK_VALUE_TUPLE);
      group = ink_list_new(in->task, INK_VALUE_LIST);
      pair.is_group = true;
      ink_list_push(in->task, pair, attribute_or(in, all[i].item, given[0], given[1]));
      ink_list_push(in->task, pair, group);
      ink_list_push(in->task, result, pair);
    }
    ink_list_push(in->task, group, all[i].item);
  }
  return result;
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

static ink_value default_filter(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "default_value boolean", 0, given)) return self;
  bool absent =
      self.kind == INK_VALUE_UNDEFINED || (ink_jinja_truth_of(given[1]) && !ink_truth(self));
  return !absent ? self : given[0] ? *given[0] : ink_text("", 0);
}

static ink_value attr(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *name;
  if (!ink_jinja_bind(in, args, "name", 1, &name)) return self;
  if (self.kind == INK_VALUE_DICT && !ink_jinja_find_method(self, *name))
    return ink_undefined(*name);
  return ink_jinja_attribute(in, self, *name);
}

INK_JINJA_NOT_SUPPORTED(random_item, "random")
INK_JINJA_NOT_SUPPORTED(pprint, "pprint")

static const ink_jinja_builtin filters[] = {
    {"attr", attr},
    {"batch", batch},
    {"count", length},
    {"d", default_filter},
    {"default", default_filter},
    {"dictsort", dictsort},
    {"first", first},
    {"groupby", groupby},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"max", max},
    {"min", min},
    {"pprint", pprint},
    {"random", random_item},
    {"reject", reject_by_test},
    {"rejectattr", rejectattr},
    {"reverse", reverse},
    {"select", select_by_test},
    {"selectattr", selectattr},
    {"slice", slice},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

const ink_jinja_builtin *ink_jinja_find_filter(ink_value name) {
  const ink_jinja_builtin *found = ink_jinja_find(filters, COUNT(filters), name);
  return found ? found : ink_jinja_find_text_filter(name);
}
