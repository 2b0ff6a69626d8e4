/* Values of JSON and of templates, with the meaning that Python gives them.
 *
 * They live in a task's memory, never change once made (namespaces excepted), and may share parts. */
#ifndef INK_TEXT_VALUE_H
#define INK_TEXT_VALUE_H

#include "base/task.h"

typedef enum ink_value_kind {
  INK_VALUE_UNDEFINED, /* what a template asked for and nobody gave; `text` is its name */
  INK_VALUE_NONE,
  INK_VALUE_BOOL,
  INK_VALUE_INT,
  INK_VALUE_BIG_INT, /* beyond 64 bits: only its decimal digits, in `text` */
  INK_VALUE_FLOAT,
  INK_VALUE_STRING,
  INK_VALUE_LIST, /* from here to ITERATOR: `list` */
  INK_VALUE_TUPLE,
  INK_VALUE_RANGE,
  INK_VALUE_VIEW,     /* of a dict: keys(), values(), items() */
  INK_VALUE_ITERATOR, /* what lazy filters give: can be walked through once, has no length */
  INK_VALUE_DICT,
  INK_VALUE_NAMESPACE, /* `dict`, whose entries a template may set */
  INK_VALUE_LOOP,      /* from here on: `object`, known to the interpreter */
  INK_VALUE_MACRO,
  INK_VALUE_FUNCTION,
  INK_VALUE_METHOD,
} ink_value_kind;

typedef struct ink_list ink_list;
typedef struct ink_dict ink_dict;

typedef struct ink_value {
  uint8_t kind;
  bool growable; /* STRING: made by ink_concatenate(), which can append to it in place */
  bool is_group; /* TUPLE: made by the filter groupby: its items have names */
  uint32_t len;  /* of `text`, bytes */
  union {
    bool boolean;
    int64_t integer;
    double number;
    const char *text; /* UTF-8 */
    ink_list *list;
    ink_dict *dict;
    void *object;
  } as;
} ink_value;

struct ink_list {
  ink_value *items; /* [n] */
  uint32_t n, capacity;
};

typedef struct ink_entry {
  ink_value key, value;
  uint32_t hash;
} ink_entry;

struct ink_dict {
  ink_entry *entries; /* [n] in the order in which keys first came */
  uint32_t n, capacity;
  uint32_t *slots;    /* [n_slots] entry + 1 by hash, 0: empty; none while a dict is small */
  uint32_t n_slots;
};

static inline ink_value ink_none(void) { return (ink_value){.kind = INK_VALUE_NONE}; }
static inline ink_value ink_bool(bool boolean) {
  return (ink_value){.kind = INK_VALUE_BOOL, .as.boolean = boolean};
}
static inline ink_value ink_int(int64_t integer) {
  return (ink_value){.kind = INK_VALUE_INT, .as.integer = integer};
}
static inline ink_value ink_float(double number) {
  return (ink_value){.kind = INK_VALUE_FLOAT, .as.number = number};
}
/* The text is not copied. */
static inline ink_value ink_text(const char *text, size_t len) {
  return (ink_value){.kind = INK_VALUE_STRING, .len = (uint32_t)len, .as.text = text};
}
ink_value ink_text_z(const char *text); /* NUL-terminated */
static inline ink_value ink_undefined(ink_value name) {
  return (ink_value){.kind = INK_VALUE_UNDEFINED, .len = name.len, .as.text = name.as.text};
}
static inline ink_value ink_object(ink_value_kind kind, void *object) {
  return (ink_value){.kind = (uint8_t)kind, .as.object = object};
}

static inline bool ink_is(ink_value value, ink_value_kind kind) { return value.kind == kind; }
static inline bool ink_is_sequence(ink_value value) {
  return value.kind >= INK_VALUE_LIST && value.kind <= INK_VALUE_ITERATOR;
}
static inline bool ink_is_number(ink_value value) { /* a bool is one, as in Python */
  return value.kind >= INK_VALUE_BOOL && value.kind <= INK_VALUE_FLOAT;
}
static inline bool ink_is_whole(ink_value value) { /* with a value of 64 bits */
  return value.kind == INK_VALUE_BOOL || value.kind == INK_VALUE_INT;
}
/* For "%.*s": as INK_STR_ARGS, of a string. */
#define INK_VALUE_ARGS(value) INK_STR_ARGS(((ink_str){(value).as.text, (value).len}))

bool ink_text_is(ink_value text, const char *other);
int64_t ink_whole(ink_value value);     /* of a whole number */
double ink_double(ink_value value);     /* of any number */

/* Python's name of a value's type, for messages. */
const char *ink_kind_name(ink_value value);

/* ---- Lists: kind is LIST, TUPLE, RANGE, VIEW or ITERATOR ---- */

/* An empty one; its `list` is NULL after a failure, which ink_list_push() bears. */
ink_value ink_list_new(ink_task *task, ink_value_kind kind);
void ink_list_push(ink_task *task, ink_value list, ink_value item);

/* The items that a loop over a value sees: those of a list, the keys of a dict, the characters of a
 * string, none of undefined. NULL after a failure: of the task, or because it can't be walked
 * through. An iterator is used up. */
const ink_list *ink_iterate(ink_task *task, ink_value value);

/* ---- Dicts ---- */

ink_value ink_dict_new(ink_task *task, ink_value_kind kind);
void ink_dict_set(ink_task *task, ink_value dict, ink_value key, ink_value value);
const ink_value *ink_dict_get(ink_task *task, const ink_dict *dict, ink_value key);

/* ---- Operations ---- */

bool ink_truth(ink_value value);
bool ink_equal(ink_task *task, ink_value a, ink_value b);

/* Below 0, 0, above 0; fails when Python has no order for the two. */
int ink_compare(ink_task *task, ink_value a, ink_value b);

/* Of two strings; takes time for `b` alone when `a` was made by it and not yet appended to. */
ink_value ink_concatenate(ink_task *task, ink_value a, ink_value b);

/* A buffer's text as a value, not copied. */
static inline ink_value ink_task_buffer_value(const ink_task_buffer *buffer) {
  return ink_text(buffer->len ? buffer->data : "", buffer->len);
}

/* Length in characters, and the bytes of the characters from `begin` to before `end`. */
uint32_t ink_text_length(ink_value text);
ink_value ink_text_slice(ink_value text, uint32_t begin, uint32_t end);

/* ---- As text: value_text.c ---- */

/* What Python's str() gives; undefined is empty. */
ink_value ink_to_text(ink_task *task, ink_value value);
void ink_put_text(ink_task *task, ink_task_buffer *out, ink_value value);
/* What Python's repr() gives, or its ascii(). */
ink_value ink_to_repr(ink_task *task, ink_value value, bool ascii);

/* Python's repr() of a float: the shortest digits that read back as the same number. */
void ink_put_float(ink_task *task, ink_task_buffer *out, double number);

#endif
