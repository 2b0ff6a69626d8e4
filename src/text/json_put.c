/* Writing JSON as Python's json.dumps() does. */
#include <math.h>
#include <stdlib.h>

#include "base/print.h"
#include "base/utf8.h"
#include "text/json.h"

ink_json_style ink_json_style_default(void) {
  return (ink_json_style){
      .indent = ink_text("", 0), .item_separator = ink_text(", ", 2), .key_separator = ink_text(": ", 2)};
}

static void put_value(ink_task *task, ink_task_buffer *out, ink_value text) {
  ink_task_buffer_put(task, out, text.as.text, text.len);
}

static void put_unit(ink_task *task, ink_task_buffer *out, uint32_t unit) {
  char escape[8];
  ink_print(escape, sizeof escape, "\\u%04x", (unsigned)(unit & 0xFFFF));
  ink_task_buffer_put_str(task, out, escape);
}

static void put_string(ink_task *task, ink_task_buffer *out, ink_value text, bool ensure_ascii) {
  if (!ink_task_step(task, 1 + text.len / 4)) return;
  ink_task_buffer_put_char(task, out, '"');
  const char *at = text.as.text, *end = at + text.len;
  while (at < end) {
    uint32_t c;
    int n = ink_utf8_decode(at, (size_t)(end - at), &c);
    char escape = c == '\n'   ? 'n'
                  : c == '\r' ? 'r'
                  : c == '\t' ? 't'
                  : c == '\b' ? 'b'
                  : c == '\f' ? 'f'
                              : (char)(c == '"' || c == '\\' ? c : 0);
    if (escape) {
      ink_task_buffer_put_char(task, out, '\\');
      ink_task_buffer_put_char(task, out, escape);
    } else if (c < 0x20 || (ensure_ascii && c >= 0x7F && c < 0x10000)) {
      put_unit(task, out, c);
    } else if (ensure_ascii && c >= 0x10000) {
      put_unit(task, out, 0xD800 + ((c - 0x10000) >> 10));
      put_unit(task, out, 0xDC00 + (c & 0x3FF));
    } else {
      ink_task_buffer_put(task, out, at, (size_t)n);
    }
    at += n;
  }
  ink_task_buffer_put_char(task, out, '"');
}

static void put_scalar(ink_task *task, ink_task_buffer *out, ink_value value, bool ensure_ascii) {
  switch ((ink_value_kind)value.kind) {
  case INK_VALUE_NONE: ink_task_buffer_put_str(task, out, "null"); return;
  case INK_VALUE_BOOL: ink_task_buffer_put_str(task, out, value.as.boolean ? "true" : "false"); return;
  case INK_VALUE_STRING: put_string(task, out, value, ensure_ascii); return;
  case INK_VALUE_FLOAT:
    if (isnan(value.as.number)) ink_task_buffer_put_str(task, out, "NaN");
    else if (isinf(value.as.number)) ink_task_buffer_put_str(task, out, value.as.number < 0 ? "-Infinity" : "Infinity");
    else ink_put_float(task, out, value.as.number);
    return;
  case INK_VALUE_INT:
  case INK_VALUE_BIG_INT: ink_put_text(task, out, value); return;
  default:
    ink_task_fail(task, INK_ERR_TEMPLATE, "a %s can't be written as JSON", ink_kind_name(value));
    return;
  }
}

/* Keys that are no strings become some. */
static void put_key(ink_task *task, ink_task_buffer *out, ink_value key, bool ensure_ascii) {
  bool plain = key.kind == INK_VALUE_STRING;
  if (key.kind > INK_VALUE_STRING) {
    ink_task_fail(task, INK_ERR_TEMPLATE, "a %s can't be a key in JSON", ink_kind_name(key));
  }
  if (!plain) ink_task_buffer_put_char(task, out, '"');
  put_scalar(task, out, key, ensure_ascii);
  if (!plain) ink_task_buffer_put_char(task, out, '"');
}

static void put_line(ink_task *task, ink_task_buffer *out, const ink_json_style *style, uint32_t depth) {
  if (!style->lines) return;
  ink_task_buffer_put_char(task, out, '\n');
  for (uint32_t i = 0; i < depth && ink_task_step(task, 1); i++) put_value(task, out, style->indent);
}

static void put(ink_task *task, ink_task_buffer *out, ink_value value, const ink_json_style *style,
                uint32_t depth);

static void put_list(ink_task *task, ink_task_buffer *out, const ink_list *list,
                     const ink_json_style *style, uint32_t depth) {
  ink_task_buffer_put_char(task, out, '[');
  for (uint32_t i = 0; i < list->n && task->status == INK_OK; i++) {
    if (i) put_value(task, out, style->item_separator);
    put_line(task, out, style, depth + 1);
    put(task, out, list->items[i], style, depth + 1);
  }
  if (list->n) put_line(task, out, style, depth);
  ink_task_buffer_put_char(task, out, ']');
}

typedef struct sortable {
  const ink_entry *entry;
  ink_task *task;
} sortable;

static int by_key(const void *a, const void *b) {
  const sortable *x = a, *y = b;
  return ink_compare(x->task, x->entry->key, y->entry->key);
}

/* [n] the entries in the order in which they are written; NULL after a failure. */
static sortable *entries_in_order(ink_task *task, const ink_dict *dict, bool sort) {
  sortable *entries = ink_task_allocate(task, dict->n * sizeof *entries);
  if (!entries) return NULL;
  for (uint32_t i = 0; i < dict->n; i++) entries[i] = (sortable){&dict->entries[i], task};
  if (sort) qsort(entries, dict->n, sizeof *entries, by_key);
  return entries;
}

static void put_dict(ink_task *task, ink_task_buffer *out, const ink_dict *dict,
                     const ink_json_style *style, uint32_t depth) {
  sortable *entries = entries_in_order(task, dict, style->sort_keys);
  if (!entries) return;
  ink_task_buffer_put_char(task, out, '{');
  for (uint32_t i = 0; i < dict->n && task->status == INK_OK; i++) {
    if (i) put_value(task, out, style->item_separator);
    put_line(task, out, style, depth + 1);
    put_key(task, out, entries[i].entry->key, style->ensure_ascii);
    put_value(task, out, style->key_separator);
    put(task, out, entries[i].entry->value, style, depth + 1);
  }
  if (dict->n) put_line(task, out, style, depth);
  ink_task_buffer_put_char(task, out, '}');
}

static void put(ink_task *task, ink_task_buffer *out, ink_value value, const ink_json_style *style,
                uint32_t depth) {
  if (!ink_task_step(task, 1)) return;
  bool is_list = value.kind == INK_VALUE_LIST || value.kind == INK_VALUE_TUPLE;
  if (!is_list && value.kind != INK_VALUE_DICT) {
    put_scalar(task, out, value, style->ensure_ascii);
    return;
  }
  if (!ink_task_enter(task)) return;
  if (is_list) put_list(task, out, value.as.list, style, depth);
  else put_dict(task, out, value.as.dict, style, depth);
  ink_task_leave(task);
}

void ink_json_put(ink_task *task, ink_task_buffer *out, ink_value value, const ink_json_style *style) {
  put(task, out, value, style, 0);
}
