/* Methods of dicts and lists, and those of strings that search, split and join. */
#include <string.h>

#include "base/utf8.h"
#include "text/jinja.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static ink_value part(ink_value text, size_t begin, size_t end) {
  return ink_text(text.as.text + begin, end - begin);
}

/* ---- Stripping ---- */

static bool holds(ink_value characters, const char *character, size_t n) {
  for (uint32_t at = 0; at + n <= characters.len; at++) {
    bool begins = ((uint8_t)characters.as.text[at] & 0xC0) != 0x80;
    if (begins && memcmp(characters.as.text + at, character, n) == 0) return true;
  }
  return false;
}

ink_value ink_jinja_strip(ink_jinja *in, ink_value text, const ink_value *characters, bool left,
                          bool right) {
  if (!ink_task_step(in->task, 1)) return text;
  if (!characters || characters->kind == INK_VALUE_NONE) return ink_strip_space(text, left, right);
  ink_value set = ink_jinja_string_of(in, characters);
  const char *begin = text.as.text, *end = begin + text.len;
  uint64_t cost = 1 + set.len / 8;
  while (left && begin < end && ink_task_step(in->task, cost)) {
    uint32_t c;
    int n = ink_utf8_decode(begin, (size_t)(end - begin), &c);
    if (!holds(set, begin, (size_t)n)) break;
    begin += n;
  }
  while (right && begin < end && ink_task_step(in->task, cost)) {
    const char *last = end - 1;
    while (last > begin && ((uint8_t)*last & 0xC0) == 0x80) last--;
    if (!holds(set, last, (size_t)(end - last))) break;
    end = last;
  }
  return ink_text(begin, (size_t)(end - begin));
}

static ink_value strip_method(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool left,
                              bool right) {
  const ink_value *characters;
  if (!ink_jinja_bind(in, args, "chars", 0, &characters)) return self;
  return ink_jinja_strip(in, self, characters, left, right);
}
static ink_value strip(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return strip_method(in, self, args, true, true);
}
static ink_value lstrip(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return strip_method(in, self, args, true, false);
}
static ink_value rstrip(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return strip_method(in, self, args, false, true);
}

/* ---- Splitting and joining ---- */

static int64_t search_last(ink_jinja *in, ink_value text, ink_value what) {
  for (int64_t at = (int64_t)text.len - what.len;
       at >= 0 && ink_task_step(in->task, 1 + what.len / 64); at--) {
    if (memcmp(text.as.text + at, what.as.text, what.len) == 0) return at;
  }
  return -1;
}

static void reverse(ink_list *list) {
  for (uint32_t i = 0; i < list->n / 2; i++) {
    ink_value item = list->items[i];
    list->items[i] = list->items[list->n - 1 - i];
    list->items[list->n - 1 - i] = item;
  }
}

/* Where the word ends that a text begins with; the text begins with one. */
static uint32_t first_word_end(ink_value text) {
  uint32_t at = 0, c;
  while (at < text.len) {
    int n = ink_utf8_decode(text.as.text + at, text.len - at, &c);
    if (ink_is_space(c)) break;
    at += (uint32_t)n;
  }
  return at;
}

/* Where the word begins that a text ends with. */
static uint32_t last_word_begin(ink_value text) {
  uint32_t begin = text.len, c;
  for (uint32_t at = text.len; at > 0;) {
    at--;
    if (((uint8_t)text.as.text[at] & 0xC0) == 0x80) continue;
    ink_utf8_decode(text.as.text + at, text.len - at, &c);
    if (ink_is_space(c)) break;
    begin = at;
  }
  return begin;
}

/* At runs of white space, `limit` times; below 0: no limit. From the end when `right`. */
static ink_value split_space(ink_jinja *in, ink_value text, int64_t limit, bool right) {
  ink_value list = ink_list_new(in->task, INK_VALUE_LIST),
            rest = ink_strip_space(text, !right, right);
  for (; rest.len > 0 && limit != 0 && ink_task_step(in->task, 1); limit -= limit > 0) {
    uint32_t edge = right ? last_word_begin(rest) : first_word_end(rest);
    ink_value before = part(rest, 0, edge), after = part(rest, edge, rest.len);
    ink_list_push(in->task, list, right ? after : before);
    rest = ink_strip_space(right ? before : after, !right, right);
  }
  if (rest.len > 0) ink_list_push(in->task, list, rest);
  if (right && list.as.list) reverse(list.as.list);
  return list;
}

static ink_value split_at(ink_jinja *in, ink_value text, ink_value separator, int64_t limit,
                          bool right) {
  ink_value list = ink_list_new(in->task, INK_VALUE_LIST), rest = text;
  if (separator.len == 0) return ink_jinja_fail(in, "an empty separator can't split a string");
  for (int64_t at; limit != 0 && ink_task_step(in->task, 1); limit -= limit > 0) {
    at = right ? search_last(in, rest, separator) : ink_jinja_search(in, rest, separator, 0);
    if (at < 0) break;
    uint32_t after = (uint32_t)at + separator.len;
    ink_list_push(in->task, list, right ? part(rest, after, rest.len) : part(rest, 0, (size_t)at));
    rest = right ? part(rest, 0, (size_t)at) : part(rest, after, rest.len);
  }
  ink_list_push(in->task, list, rest);
  if (right && list.as.list) reverse(list.as.list);
  return list;
}

static ink_value split_method(ink_jinja *in, ink_value self, const ink_jinja_args *args,
                              bool right) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "sep maxsplit", 0, given)) return self;
  int64_t limit = ink_jinja_whole_of(in, given[1], -1);
  if (!given[0] || given[0]->kind == INK_VALUE_NONE) return split_space(in, self, limit, right);
  ink_value separator = ink_jinja_string_of(in, given[0]);
  return in->task->status == INK_OK ? split_at(in, self, separator, limit, right) : self;
}
static ink_value split(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return split_method(in, self, args, false);
}
static ink_value rsplit(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return split_method(in, self, args, true);
}

/* Length of the line break at `at`, as Python's splitlines() knows them, or 0. */
static size_t line_break(ink_value text, uint32_t at) {
  uint32_t c;
  int n = ink_utf8_decode(text.as.text + at, text.len - at, &c);
  bool pair = c == '\r' && at + 1 < text.len && text.as.text[at + 1] == '\n';
  bool is_break =
      (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
  return n > 0 && is_break ? (size_t)n + pair : 0;
}

static ink_value split_lines(ink_jinja *in, ink_value text, bool keep_ends) {
  ink_value list = ink_list_new(in->task, INK_VALUE_LIST);
  uint32_t begin = 0;
  if (!ink_task_step(in->task, text.len / 4)) return list;
  for (uint32_t at = 0; at < text.len;) {
    size_t n = line_break(text, at);
    if (n > 0) {
      ink_list_push(in->task, list, part(text, begin, keep_ends ? at + n : at));
      begin = at + (uint32_t)n;
    }
    at += n > 0 ? (uint32_t)n : 1;
    while (at < text.len && ((uint8_t)text.as.text[at] & 0xC0) == 0x80) at++;
  }
  if (begin < text.len) ink_list_push(in->task, list, part(text, begin, text.len));
  return list;
}

ink_value ink_jinja_split_lines(ink_jinja *in, ink_value text) {
  return split_lines(in, text, false);
}

static ink_value splitlines(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *keep;
  if (!ink_jinja_bind(in, args, "keepends", 0, &keep)) return self;
  return split_lines(in, self, ink_jinja_truth_of(keep));
}

ink_value ink_jinja_join(ink_jinja *in, ink_value separator, const ink_list *items) {
  ink_task_buffer out = {0};
  for (uint32_t i = 0; items && i < items->n && ink_task_step(in->task, 1); i++) {
    if (i) ink_put_text(in->task, &out, separator);
    ink_put_text(in->task, &out, items->items[i]);
  }
  return ink_task_buffer_value(&out);
}

/* Unlike the filter, the method takes strings only. */
static ink_value join(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *items;
  if (!ink_jinja_bind(in, args, "iterable", 1, &items)) return self;
  const ink_list *list = ink_iterate(in->task, *items);
  for (uint32_t i = 0; list && i < list->n; i++) ink_jinja_string_of(in, &list->items[i]);
  return ink_jinja_join(in, self, list);
}

/* ---- Searching ---- */

ink_value ink_jinja_replace(ink_jinja *in, ink_value text, ink_value from, ink_value to,
                            int64_t count) {
  ink_task_buffer out = {0};
  uint32_t done = 0;
  for (; count != 0 && ink_task_step(in->task, 1); count -= count > 0) {
    int64_t at = ink_jinja_search(in, text, from, done);
    if (at < 0) break;
    ink_task_buffer_put(in->task, &out, text.as.text + done, (size_t)at - done);
    ink_task_buffer_put(in->task, &out, to.as.text, to.len);
    done = (uint32_t)at + from.len;
    if (from.len > 0) continue;
    if (done == text.len)
      break; /* an empty string is found before each character, and at the end */
    uint32_t c;
    int n = ink_utf8_decode(text.as.text + done, text.len - done, &c);
    ink_task_buffer_put(in->task, &out, text.as.text + done, (size_t)n);
    done += (uint32_t)n;
  }
  ink_task_buffer_put(in->task, &out, text.as.text + done, text.len - done);
  return ink_task_buffer_value(&out);
}

static ink_value replace(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  if (!ink_jinja_bind(in, args, "old new count", 2, given)) return self;
  return ink_jinja_replace(in, self, ink_jinja_string_of(in, given[0]),
                           ink_jinja_string_of(in, given[1]), ink_jinja_whole_of(in, given[2], -1));
}

/* The part of a string that the arguments `start` and `end` leave, as a slice would. False when it
 * begins past the string's end, where not even an empty string is. */
static bool limit(ink_jinja *in, ink_value *text, const ink_value *start, const ink_value *end,
                  uint32_t *skipped) {
  int64_t bounds[2] = {0, INT64_MAX};
  const ink_value *given[] = {start, end};
  *skipped = 0;
  if (!start && !end) return true;
  if (!ink_task_step(in->task, text->len / 8)) return false;
  int64_t n = ink_text_length(*text);
  for (int i = 0; i < 2; i++) {
    bounds[i] = ink_jinja_whole_of(in, given[i], bounds[i]);
    if (bounds[i] < 0) bounds[i] = bounds[i] < -n ? 0 : bounds[i] + n;
  }
  if (bounds[1] > n) bounds[1] = n;
  if (bounds[0] > n || bounds[0] > bounds[1]) return false;
  *skipped = (uint32_t)bounds[0];
  *text = ink_text_slice(*text, (uint32_t)bounds[0], (uint32_t)bounds[1]);
  return true;
}

static bool is_at_side(ink_value text, ink_value affix, bool end) {
  if (affix.len > text.len) return false;
  return memcmp(text.as.text + (end ? text.len - affix.len : 0), affix.as.text, affix.len) == 0;
}

/* One affix, or a tuple of them. */
static ink_value affix_method(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool end) {
  const ink_value *given[3];
  uint32_t skipped;
  bool found = false;
  if (!ink_jinja_bind(in, args, "affix start end", 1, given)) return self;
  bool inside = limit(in, &self, given[1], given[2], &skipped);
  if (given[0]->kind != INK_VALUE_TUPLE) {
    ink_value affix = ink_jinja_string_of(in, given[0]);
    return ink_bool(inside && is_at_side(self, affix, end));
  }
  for (uint32_t i = 0; i < given[0]->as.list->n && !found; i++) {
    found = inside && is_at_side(self, ink_jinja_string_of(in, &given[0]->as.list->items[i]), end);
  }
  return ink_bool(found);
}
static ink_value startswith(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return affix_method(in, self, args, false);
}
static ink_value endswith(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return affix_method(in, self, args, true);
}

static ink_value remove_affix(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool end) {
  const ink_value *given;
  if (!ink_jinja_bind(in, args, "affix", 1, &given)) return self;
  ink_value affix = ink_jinja_string_of(in, given);
  if (!is_at_side(self, affix, end)) return self;
  return end ? part(self, 0, self.len - affix.len) : part(self, affix.len, self.len);
}
static ink_value removeprefix(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return remove_affix(in, self, args, false);
}
static ink_value removesuffix(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return remove_affix(in, self, args, true);
}

/* In characters; -1: not there. */
static int64_t find_place(ink_jinja *in, ink_value self, const ink_jinja_args *args, bool last) {
  const ink_value *given[3];
  uint32_t skipped;
  if (!ink_jinja_bind(in, args, "sub start end", 1, given)) return -1;
  ink_value what = ink_jinja_string_of(in, given[0]);
  if (!limit(in, &self, given[1], given[2], &skipped)) return -1;
  int64_t at = last ? search_last(in, self, what) : ink_jinja_search(in, self, what, 0);
  return at < 0 ? -1 : (int64_t)skipped + ink_text_length(part(self, 0, (size_t)at));
}
static ink_value find(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return ink_int(find_place(in, self, args, false));
}
static ink_value rfind(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return ink_int(find_place(in, self, args, true));
}
static ink_value index_method(ink_jinja *in, ink_value self, const ink_jinja_args *args,
                              bool last) {
  int64_t at = find_place(in, self, args, last);
  return at >= 0 ? ink_int(at) : ink_jinja_fail(in, "the substring is not there");
}
static ink_value index_of(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return index_method(in, self, args, false);
}
static ink_value last_index_of(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return index_method(in, self, args, true);
}

static ink_value count(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[3];
  uint32_t skipped;
  if (!ink_jinja_bind(in, args, "sub start end", 1, given)) return self;
  ink_value what = ink_jinja_string_of(in, given[0]);
  if (!limit(in, &self, given[1], given[2], &skipped)) return ink_int(0);
  if (what.len == 0) return ink_int((int64_t)ink_text_length(self) + 1);
  int64_t n = 0;
  for (int64_t at = 0; (at = ink_jinja_search(in, self, what, (uint32_t)at)) >= 0; at += what.len)
    n++;
  return ink_int(n);
}

/* Python's partition(): before, the separator, after. */
static ink_value partition_method(ink_jinja *in, ink_value self, const ink_jinja_args *args,
                                  bool last) {
  const ink_value *given;
  if (!ink_jinja_bind(in, args, "sep", 1, &given)) return self;
  ink_value separator = ink_jinja_string_of(in, given), empty = ink_text("", 0);
  int64_t at = last ? search_last(in, self, separator) : ink_jinja_search(in, self, separator, 0);
  ink_value found[] = {at < 0 && last ? empty : self, empty, at < 0 && last ? self : empty};
  if (at >= 0) {
    found[0] = part(self, 0, (size_t)at);
    found[1] = separator;
    found[2] = part(self, (size_t)at + separator.len, self.len);
  }
  ink_value tuple = ink_list_new(in->task, INK_VALUE_TUPLE);
  for (int i = 0; i < 3; i++) ink_list_push(in->task, tuple, found[i]);
  return tuple;
}
static ink_value partition(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return partition_method(in, self, args, false);
}
static ink_value rpartition(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return partition_method(in, self, args, true);
}

/* ---- Dicts and lists ---- */

static ink_value get(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given[2];
  if (!ink_jinja_bind(in, args, "key default", 1, given)) return self;
  const ink_value *found = ink_dict_get(in->task, self.as.dict, *given[0]);
  return found ? *found : given[1] ? *given[1] : ink_none();
}

static ink_value view(ink_jinja *in, const ink_dict *dict, bool keys, bool values) {
  ink_value list = ink_list_new(in->task, INK_VALUE_VIEW);
  for (uint32_t i = 0; i < dict->n && ink_task_step(in->task, 1); i++) {
    ink_value item = keys ? dict->entries[i].key : dict->entries[i].value;
    if (keys && values) {
      item = ink_list_new(in->task, INK_VALUE_TUPLE);
      ink_list_push(in->task, item, dict->entries[i].key);
      ink_list_push(in->task, item, dict->entries[i].value);
    }
    ink_list_push(in->task, list, item);
  }
  return list;
}
static ink_value keys(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return ink_jinja_bind(in, args, "", 0, NULL) ? view(in, self.as.dict, true, false) : self;
}
static ink_value values(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return ink_jinja_bind(in, args, "", 0, NULL) ? view(in, self.as.dict, false, true) : self;
}
static ink_value items(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  return ink_jinja_bind(in, args, "", 0, NULL) ? view(in, self.as.dict, true, true) : self;
}
static ink_value copy(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  (void)in;
  (void)args;
  return self; /* nothing can change it */
}

static ink_value list_index(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given;
  if (!ink_jinja_bind(in, args, "value", 1, &given)) return self;
  for (uint32_t i = 0; i < self.as.list->n; i++) {
    if (ink_equal(in->task, self.as.list->items[i], *given)) return ink_int(i);
  }
  return ink_jinja_fail(in, "the item is not in the list");
}

static ink_value list_count(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const ink_value *given;
  int64_t n = 0;
  if (!ink_jinja_bind(in, args, "value", 1, &given)) return self;
  for (uint32_t i = 0; i < self.as.list->n; i++)
    n += ink_equal(in->task, self.as.list->items[i], *given);
  return ink_int(n);
}

static const ink_jinja_builtin string_methods[] = {
    {"count", count},
    {"endswith", endswith},
    {"find", find},
    {"index", index_of},
    {"join", join},
    {"lstrip", lstrip},
    {"partition", partition},
    {"removeprefix", removeprefix},
    {"removesuffix", removesuffix},
    {"replace", replace},
    {"rfind", rfind},
    {"rindex", last_index_of},
    {"rpartition", rpartition},
    {"rsplit", rsplit},
    {"rstrip", rstrip},
    {"split", split},
    {"splitlines", splitlines},
    {"startswith", startswith},
    {"strip", strip},
};
static const ink_jinja_builtin dict_methods[] = {
    {"copy", copy},  {"get", get},  {"items", items},  {"keys", keys},       {"values", values},
    {"clear", NULL}, {"pop", NULL}, {"popitem", NULL}, {"setdefault", NULL}, {"update", NULL},
};
static const ink_jinja_builtin list_methods[] = {
    {"copy", copy}, {"count", list_count}, {"index", list_index}};

const ink_jinja_builtin *ink_jinja_find_method(ink_value self, ink_value name) {
  const ink_jinja_builtin *found;
  switch ((ink_value_kind)self.kind) {
  case INK_VALUE_STRING:
    found = ink_jinja_find(string_methods, COUNT(string_methods), name);
    return found ? found : ink_jinja_find_text_method(name);
  case INK_VALUE_DICT:
    return ink_jinja_find(dict_methods, COUNT(dict_methods), name);
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
    return ink_jinja_find(list_methods, COUNT(list_methods), name);
  default:
    return NULL;
  }
}
