#include "text/value.h"

#include <math.h>
#include <string.h>

#include "base/index.h"
#include "base/utf8.h"

enum { SMALL_DICT = 8 }; /* entries up to which comparing is faster than hashing */

ink_value ink_text_z(const char *text) { return ink_text(text, strlen(text)); }

bool ink_text_is(ink_value text, const char *other) {
  return text.kind == INK_VALUE_STRING && strlen(other) == text.len &&
         memcmp(text.as.text, other, text.len) == 0;
}

int64_t ink_whole(ink_value value) {
  return value.kind == INK_VALUE_BOOL ? value.as.boolean : value.as.integer;
}

double ink_double(ink_value value) {
  if (value.kind == INK_VALUE_FLOAT) return value.as.number;
  if (value.kind == INK_VALUE_BIG_INT) return value.as.text[0] == '-' ? -1e19 : 1e19;
  return (double)ink_whole(value);
}

const char *ink_kind_name(ink_value value) {
  switch ((ink_value_kind)value.kind) {
  case INK_VALUE_UNDEFINED: return "undefined";
  case INK_VALUE_NONE: return "None";
  case INK_VALUE_BOOL: return "bool";
  case INK_VALUE_INT:
  case INK_VALUE_BIG_INT: return "int";
  case INK_VALUE_FLOAT: return "float";
  case INK_VALUE_STRING: return "string";
  case INK_VALUE_LIST: return "list";
  case INK_VALUE_TUPLE: return "tuple";
  case INK_VALUE_RANGE: return "range";
  case INK_VALUE_VIEW: return "view of a dict";
  case INK_VALUE_ITERATOR: return "generator";
  case INK_VALUE_DICT: return "dict";
  case INK_VALUE_NAMESPACE: return "namespace";
  case INK_VALUE_LOOP: return "loop";
  case INK_VALUE_MACRO: return "macro";
  case INK_VALUE_FUNCTION: return "function";
  case INK_VALUE_METHOD: return "method";
  }
  return "value";
}

/* ---- Lists ---- */

ink_value ink_list_new(ink_task *task, ink_value_kind kind) {
  ink_list *list = ink_task_allocate(task, sizeof *list);
  if (list) *list = (ink_list){0};
  return (ink_value){.kind = (uint8_t)kind, .as.list = list};
}

void ink_list_push(ink_task *task, ink_value value, ink_value item) {
  ink_list *list = value.as.list;
  if (!list) return;
  if (list->n == list->capacity) {
    uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
    ink_value *items = ink_task_resize(task, list->items, list->capacity * sizeof *items,
                                       capacity * sizeof *items);
    if (!items) return;
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->n++] = item;
}

static const ink_list *characters(ink_task *task, ink_value text) {
  ink_value list = ink_list_new(task, INK_VALUE_LIST);
  const char *at = text.as.text, *end = at + text.len;
  while (at < end && ink_task_step(task, 1)) {
    uint32_t code_point;
    int n = ink_utf8_decode(at, (size_t)(end - at), &code_point);
    ink_list_push(task, list, ink_text(at, (size_t)n));
    at += n;
  }
  return list.as.list;
}

const ink_list *ink_iterate(ink_task *task, ink_value value) {
  if (task->status != INK_OK) return NULL;
  ink_value items;
  switch ((ink_value_kind)value.kind) {
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
  case INK_VALUE_RANGE:
  case INK_VALUE_VIEW: return value.as.list;
  case INK_VALUE_STRING: return characters(task, value);
  case INK_VALUE_UNDEFINED: return ink_list_new(task, INK_VALUE_LIST).as.list;
  case INK_VALUE_ITERATOR:
    items = ink_list_new(task, INK_VALUE_LIST);
    if (!items.as.list) return NULL;
    *items.as.list = *value.as.list;
    value.as.list->n = 0;
    return items.as.list;
  case INK_VALUE_DICT:
    items = ink_list_new(task, INK_VALUE_LIST);
    for (uint32_t i = 0; i < value.as.dict->n && ink_task_step(task, 1); i++) {
      ink_list_push(task, items, value.as.dict->entries[i].key);
    }
    return items.as.list;
  default:
    ink_task_fail(task, INK_ERR_TEMPLATE, "a %s can't be looped over", ink_kind_name(value));
    return NULL;
  }
}

/* ---- Dicts ---- */

/* Equal values have equal hashes: 1, 1.0 and true are one key. */
static uint32_t hash_of(ink_task *task, ink_value key) {
  double number;
  switch ((ink_value_kind)key.kind) {
  case INK_VALUE_STRING:
  case INK_VALUE_BIG_INT: return (uint32_t)ink_hash(key.as.text, key.len);
  case INK_VALUE_BOOL:
  case INK_VALUE_INT:
  case INK_VALUE_FLOAT:
    number = ink_double(key) + 0.0; /* -0.0 becomes 0.0 */
    return (uint32_t)ink_hash(&number, sizeof number);
  case INK_VALUE_NONE: return 1;
  case INK_VALUE_UNDEFINED: return 2;
  case INK_VALUE_TUPLE: return key.as.list->n;
  default:
    ink_task_fail(task, INK_ERR_TEMPLATE, "a %s can't be the key of a dict", ink_kind_name(key));
    return 0;
  }
}

static bool same_key(ink_task *task, const ink_entry *entry, uint32_t hash, ink_value key) {
  return entry->hash == hash && ink_equal(task, entry->key, key);
}

static ink_entry *find_entry(ink_task *task, const ink_dict *dict, uint32_t hash, ink_value key) {
  if (!dict->slots) {
    for (uint32_t i = 0; i < dict->n; i++) {
      if (same_key(task, &dict->entries[i], hash, key)) return &dict->entries[i];
    }
    return NULL;
  }
  for (uint32_t at = hash;; at++) {
    uint32_t number = dict->slots[at & (dict->n_slots - 1)];
    if (!number || !ink_task_step(task, 1)) return NULL;
    if (same_key(task, &dict->entries[number - 1], hash, key)) return &dict->entries[number - 1];
  }
}

static void put_slot(ink_dict *dict, uint32_t number) {
  uint32_t at = dict->entries[number].hash;
  while (dict->slots[at & (dict->n_slots - 1)]) at++;
  dict->slots[at & (dict->n_slots - 1)] = number + 1;
}

/* Room for one more entry, and at least as many empty slots as entries. */
static bool grow_dict(ink_task *task, ink_dict *dict) {
  if (dict->n < dict->capacity) return true;
  uint32_t capacity = dict->capacity ? dict->capacity * 2 : 4;
  ink_entry *entries = ink_task_resize(task, dict->entries, dict->capacity * sizeof *entries,
                                       capacity * sizeof *entries);
  if (!entries) return false;
  dict->entries = entries;
  dict->capacity = capacity;
  if (capacity <= SMALL_DICT) return true;
  uint32_t *slots = ink_task_allocate(task, 2 * capacity * sizeof *slots);
  if (!slots) return false;
  memset(slots, 0, 2 * capacity * sizeof *slots);
  dict->slots = slots;
  dict->n_slots = 2 * capacity;
  for (uint32_t i = 0; i < dict->n; i++) put_slot(dict, i);
  return true;
}

ink_value ink_dict_new(ink_task *task, ink_value_kind kind) {
  ink_dict *dict = ink_task_allocate(task, sizeof *dict);
  if (dict) *dict = (ink_dict){0};
  return (ink_value){.kind = (uint8_t)kind, .as.dict = dict};
}

void ink_dict_set(ink_task *task, ink_value target, ink_value key, ink_value value) {
  ink_dict *dict = target.as.dict;
  uint32_t hash = hash_of(task, key);
  if (!dict || task->status != INK_OK) return;
  ink_entry *entry = find_entry(task, dict, hash, key);
  if (entry) {
    entry->value = value;
  } else if (grow_dict(task, dict)) {
    dict->entries[dict->n] = (ink_entry){key, value, hash};
    if (dict->slots) put_slot(dict, dict->n);
    dict->n++;
  }
}

const ink_value *ink_dict_get(ink_task *task, const ink_dict *dict, ink_value key) {
  ink_entry *entry = find_entry(task, dict, hash_of(task, key), key);
  return entry ? &entry->value : NULL;
}

/* ---- Operations ---- */

bool ink_truth(ink_value value) {
  switch ((ink_value_kind)value.kind) {
  case INK_VALUE_UNDEFINED:
  case INK_VALUE_NONE: return false;
  case INK_VALUE_BOOL: return value.as.boolean;
  case INK_VALUE_INT: return value.as.integer != 0;
  case INK_VALUE_FLOAT: return value.as.number < 0 || value.as.number > 0 || isnan(value.as.number);
  case INK_VALUE_STRING: return value.len > 0;
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
  case INK_VALUE_RANGE:
  case INK_VALUE_VIEW: return value.as.list->n > 0;
  case INK_VALUE_DICT: return value.as.dict->n > 0;
  default: return true;
  }
}

static bool equal_lists(ink_task *task, const ink_list *a, const ink_list *b) {
  if (a == b) return true;
  if (a->n != b->n) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    if (!ink_equal(task, a->items[i], b->items[i])) return false;
  }
  return true;
}

static bool equal_dicts(ink_task *task, const ink_dict *a, const ink_dict *b) {
  if (a == b) return true;
  if (a->n != b->n) return false;
  for (uint32_t i = 0; i < a->n; i++) {
    const ink_value *other = ink_dict_get(task, b, a->entries[i].key);
    if (!other || !ink_equal(task, a->entries[i].value, *other)) return false;
  }
  return true;
}

static int order_of_doubles(double a, double b) { return a < b ? -1 : a > b; }
static int order_of_whole(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

static int order_of_texts(ink_value a, ink_value b) {
  uint32_t n = a.len < b.len ? a.len : b.len;
  int order = n ? memcmp(a.as.text, b.as.text, n) : 0; /* UTF-8 sorts as its code points do */
  return order ? order : order_of_whole(a.len, b.len);
}

static int order_of_numbers(ink_value a, ink_value b) {
  if (ink_is_whole(a) && ink_is_whole(b)) return order_of_whole(ink_whole(a), ink_whole(b));
  return order_of_doubles(ink_double(a), ink_double(b));
}

bool ink_equal(ink_task *task, ink_value a, ink_value b) {
  if (a.kind == b.kind && (a.kind == INK_VALUE_STRING || a.kind == INK_VALUE_BIG_INT)) {
    return order_of_texts(a, b) == 0;
  }
  if (a.kind == INK_VALUE_BIG_INT || b.kind == INK_VALUE_BIG_INT) return false;
  if (ink_is_number(a) && ink_is_number(b)) {
    return order_of_numbers(a, b) == 0 && !isnan(ink_double(a)) && !isnan(ink_double(b));
  }
  if (a.kind != b.kind) return false;
  bool equal;
  switch ((ink_value_kind)a.kind) {
  case INK_VALUE_UNDEFINED:
  case INK_VALUE_NONE: return true;
  case INK_VALUE_LIST:
  case INK_VALUE_TUPLE:
  case INK_VALUE_RANGE:
    if (!ink_task_step(task, 1) || !ink_task_enter(task)) return false;
    equal = equal_lists(task, a.as.list, b.as.list);
    break;
  case INK_VALUE_DICT:
    if (!ink_task_step(task, 1) || !ink_task_enter(task)) return false;
    equal = equal_dicts(task, a.as.dict, b.as.dict);
    break;
  default: return a.as.object == b.as.object;
  }
  ink_task_leave(task);
  return equal;
}

static int order_of_lists(ink_task *task, const ink_list *a, const ink_list *b) {
  for (uint32_t i = 0; i < a->n && i < b->n; i++) {
    if (!ink_equal(task, a->items[i], b->items[i])) {
      return ink_compare(task, a->items[i], b->items[i]);
    }
  }
  return order_of_whole(a->n, b->n);
}

int ink_compare(ink_task *task, ink_value a, ink_value b) {
  if (ink_is_number(a) && ink_is_number(b)) return order_of_numbers(a, b);
  if (a.kind == b.kind && a.kind == INK_VALUE_STRING) return order_of_texts(a, b);
  if (a.kind == b.kind && (a.kind == INK_VALUE_LIST || a.kind == INK_VALUE_TUPLE)) {
    if (!ink_task_step(task, 1) || !ink_task_enter(task)) return 0;
    int order = order_of_lists(task, a.as.list, b.as.list);
    ink_task_leave(task);
    return order;
  }
  ink_task_fail(task, INK_ERR_TEMPLATE, "a %s and a %s have no order", ink_kind_name(a),
                ink_kind_name(b));
  return 0;
}

/* What stands before the text of a growable string. Another string may share its beginning. */
typedef struct growth {
  uint32_t used, capacity;
} growth;

ink_value ink_concatenate(ink_task *task, ink_value a, ink_value b) {
  if (b.len == 0) return a;
  if (a.len == 0) return b;
  if (!ink_task_step(task, b.len / 16)) return a;
  size_t len = (size_t)a.len + b.len;
  growth *g = a.growable ? (growth *)(uintptr_t)(a.as.text - sizeof *g) : NULL;
  if (!g || g->used != a.len || g->capacity < len) {
    if (!ink_task_step(task, a.len / 16)) return a;
    size_t capacity = len < 64 ? 2 * len : len + len / 2;
    g = ink_task_allocate(task, sizeof *g + capacity);
    if (!g) return a;
    *g = (growth){a.len, (uint32_t)capacity};
    memcpy(g + 1, a.as.text, a.len);
  }
  char *text = (char *)(g + 1);
  memcpy(text + a.len, b.as.text, b.len);
  g->used = (uint32_t)len;
  ink_value result = ink_text(text, len);
  result.growable = true;
  return result;
}

static size_t skip_characters(ink_value text, size_t at, uint32_t n) {
  while (n > 0 && at < text.len) {
    at++;
    while (at < text.len && ((uint8_t)text.as.text[at] & 0xC0) == 0x80) at++;
    n--;
  }
  return at;
}

uint32_t ink_text_length(ink_value text) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < text.len; i++) n += ((uint8_t)text.as.text[i] & 0xC0) != 0x80;
  return n;
}

ink_value ink_text_slice(ink_value text, uint32_t begin, uint32_t end) {
  size_t first = skip_characters(text, 0, begin);
  size_t last = end > begin ? skip_characters(text, first, end - begin) : first;
  return ink_text(text.as.text + first, last - first);
}
