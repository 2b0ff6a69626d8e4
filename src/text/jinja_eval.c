/* Expressions. */
#include <stdarg.h>
#include <string.h>

#include "base/print.h"
#include "text/jinja.h"

/* ---- Failing ---- */

ink_value ink_jinja_fail(ink_jinja *in, const char *format, ...) {
  char message[256];
  va_list args;
  va_start(args, format);
  ink_print_list(message, sizeof message, format, args);
  va_end(args);
  ink_task_fail(in->task, INK_ERR_TEMPLATE, "%s", message);
  return ink_undefined(ink_text("", 0));
}

ink_value ink_jinja_fail_undefined(ink_jinja *in, ink_value undefined) {
  return ink_jinja_fail(in, "'%.*s' is undefined", INK_VALUE_ARGS(undefined));
}

void ink_jinja_fail_unknown(ink_task *task, const ink_jinja_node *node) {
  task->line = node->line;
  ink_task_fail(task, INK_ERR_TEMPLATE, "there is no %s '%.*s'",
                node->kind == INK_JINJA_FILTER ? "filter" : "test", INK_VALUE_ARGS(node->value));
}

/* ---- Arguments ---- */

const ink_jinja_builtin *ink_jinja_find(const ink_jinja_builtin *table, size_t n, ink_value name) {
  for (size_t i = 0; i < n; i++) {
    if (strlen(table[i].name) == name.len && memcmp(table[i].name, name.as.text, name.len) == 0)
      return &table[i];
  }
  return NULL;
}

void ink_jinja_push_arg(ink_jinja *in, ink_jinja_args *args, ink_value item) {
  ink_list_push(in->task, (ink_value){.kind = INK_VALUE_LIST, .as.list = &args->items}, item);
}

int64_t ink_jinja_whole_of(ink_jinja *in, const ink_value *value, int64_t otherwise) {
  if (!value || value->kind == INK_VALUE_NONE) return otherwise;
  if (!ink_is_whole(*value))
    ink_jinja_fail(in, "a whole number is needed, not a %s", ink_kind_name(*value));
  return ink_is_whole(*value) ? ink_whole(*value) : otherwise;
}

ink_value ink_jinja_string_of(ink_jinja *in, const ink_value *value) {
  if (value && value->kind == INK_VALUE_STRING) return *value;
  ink_jinja_fail(in, "a string is needed, not a %s",
                 value ? ink_kind_name(*value) : "missing argument");
  return ink_text("", 0);
}

static void set_named(ink_jinja *in, ink_jinja_args *args, ink_value name, ink_value item) {
  ink_dict_set(in->task, (ink_value){.kind = INK_VALUE_DICT, .as.dict = &args->named}, name, item);
}

bool ink_jinja_bind(ink_jinja *in, const ink_jinja_args *args, const char *names,
                    uint32_t n_required, const ink_value **out) {
  uint32_t n = 0, n_named = 0;
  if (in->task->status != INK_OK) return false;
  for (const char *name = names; *name; n++) {
    size_t len = strcspn(name, " ");
    out[n] = n < args->items.n ? &args->items.items[n] : NULL;
    if (!out[n]) {
      out[n] = ink_dict_get(in->task, &args->named, ink_text(name, len));
      n_named += out[n] != NULL;
    }
    if (!out[n] && n < n_required) {
      ink_jinja_fail(in, "the argument '%.*s' is missing", (int)len, name);
      return false;
    }
    name += len + (name[len] == ' ');
  }
  if (args->items.n > n || args->named.n > n_named) {
    ink_jinja_fail(in, "there are too many arguments, or some of an unknown name");
  }
  return in->task->status == INK_OK;
}

static void spread(ink_jinja *in, ink_jinja_args *args, ink_value value, bool named) {
  if (named && value.kind != INK_VALUE_DICT) {
    ink_jinja_fail(in, "'**' takes a dict, not a %s", ink_kind_name(value));
  } else if (named) {
    for (uint32_t i = 0; i < value.as.dict->n; i++) {
      set_named(in, args, value.as.dict->entries[i].key, value.as.dict->entries[i].value);
    }
  } else {
    const ink_list *items = ink_iterate(in->task, value);
    for (uint32_t i = 0; items && i < items->n; i++) ink_jinja_push_arg(in, args, items->items[i]);
  }
}

static void eval_args(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                      ink_jinja_args *args) {
  for (; node && in->task->status == INK_OK; node = node->next) {
    bool special = node->kind == INK_JINJA_KEYWORD || node->kind == INK_JINJA_SPREAD;
    ink_value value = ink_jinja_eval(in, scope, special ? node->a : node);
    if (node->kind == INK_JINJA_KEYWORD)
      set_named(in, args, node->value, value);
    else if (node->kind == INK_JINJA_SPREAD)
      spread(in, args, value, node->op != '*');
    else
      ink_jinja_push_arg(in, args, value);
  }
}

/* ---- Calls ---- */

ink_value ink_jinja_call(ink_jinja *in, ink_value callee, const ink_jinja_args *args) {
  if (in->task->status != INK_OK) return callee;
  switch ((ink_value_kind)callee.kind) {
  case INK_VALUE_MACRO:
    return ink_jinja_call_macro(in, callee, args);
  case INK_VALUE_LOOP:
    return ink_jinja_call_loop(in, callee, args);
  case INK_VALUE_FUNCTION: {
    const ink_jinja_builtin *builtin = callee.as.object;
    return builtin->call(in, ink_none(), args);
  }
  case INK_VALUE_METHOD: {
    const ink_jinja_method *method = callee.as.object;
    return method->builtin->call(in, method->self, args);
  }
  case INK_VALUE_UNDEFINED:
    return ink_jinja_fail_undefined(in, callee);
  default:
    return ink_jinja_fail(in, "a %s can't be called", ink_kind_name(callee));
  }
}

ink_value ink_jinja_eval_call(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                              const ink_value *caller) {
  ink_jinja_args args = {0};
  ink_value callee = ink_jinja_eval(in, scope, node->a);
  eval_args(in, scope, node->b, &args);
  if (caller) set_named(in, &args, ink_text_z("caller"), *caller);
  if (in->task->status != INK_OK) return callee;
  in->task->line = node->line;
  return ink_jinja_call(in, callee, &args);
}

/* A filter or test, whose name may turn out to be none. */
static ink_value call_named(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                            ink_value value) {
  const ink_jinja_builtin *builtin = node->function;
  ink_jinja_args args = {0};
  eval_args(in, scope, node->b, &args);
  if (in->task->status != INK_OK) return value;
  in->task->line = node->line;
  if (builtin) return builtin->call(in, value, &args);
  ink_jinja_fail_unknown(in->task, node);
  return value;
}

ink_value ink_jinja_eval_filters(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                                 ink_value inner) {
  if (!node || !ink_task_enter(in->task)) return inner;
  inner = ink_jinja_eval_filters(in, scope, node->a, inner);
  ink_task_leave(in->task);
  return call_named(in, scope, node, inner);
}

/* ---- Collections ---- */

static ink_value eval_items(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value list =
      ink_list_new(in->task, node->kind == INK_JINJA_LIST ? INK_VALUE_LIST : INK_VALUE_TUPLE);
  for (const ink_jinja_node *item = node->a; item && in->task->status == INK_OK;
       item = item->next) {
    ink_list_push(in->task, list, ink_jinja_eval(in, scope, item));
  }
  return list;
}

static ink_value eval_dict(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value dict = ink_dict_new(in->task, INK_VALUE_DICT);
  for (const ink_jinja_node *pair = node->a; pair && in->task->status == INK_OK;
       pair = pair->next) {
    ink_value key = ink_jinja_eval(in, scope, pair->a);
    ink_dict_set(in->task, dict, key, ink_jinja_eval(in, scope, pair->b));
  }
  return dict;
}

static ink_value eval_slice(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  const ink_jinja_node *parts[] = {node->b, node->c, node->d};
  ink_value bounds[3], object = ink_jinja_eval(in, scope, node->a);
  for (int i = 0; i < 3; i++)
    bounds[i] = parts[i] ? ink_jinja_eval(in, scope, parts[i]) : ink_none();
  in->task->line = node->line;
  return ink_jinja_slice(in, object, bounds);
}

/* ---- Operators ---- */

/* a < b < c is a < b and b < c. */
static ink_value eval_compare(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value left = ink_jinja_eval(in, scope, node->a);
  for (const ink_jinja_node *operand = node->b; operand && in->task->status == INK_OK;
       operand = operand->next) {
    ink_value right = ink_jinja_eval(in, scope, operand->a);
    in->task->line = operand->line;
    if (in->task->status != INK_OK || !ink_jinja_compare(in, operand->op, left, right))
      return ink_bool(false);
    left = right;
  }
  return ink_bool(true);
}

static ink_value eval_node(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value a, b;
  switch ((ink_jinja_node_kind)node->kind) {
  case INK_JINJA_CONSTANT:
    return node->value;
  case INK_JINJA_VARIABLE:
    return ink_jinja_look_up(in, scope, node->value);
  case INK_JINJA_LIST:
  case INK_JINJA_TUPLE:
    return eval_items(in, scope, node);
  case INK_JINJA_DICT:
    return eval_dict(in, scope, node);
  case INK_JINJA_COMPARE:
    return eval_compare(in, scope, node);
  case INK_JINJA_SLICE:
    return eval_slice(in, scope, node);
  case INK_JINJA_CALL:
    return ink_jinja_eval_call(in, scope, node, NULL);
  case INK_JINJA_AND:
    a = ink_jinja_eval(in, scope, node->a);
    return ink_truth(a) ? ink_jinja_eval(in, scope, node->b) : a;
  case INK_JINJA_OR:
    a = ink_jinja_eval(in, scope, node->a);
    return ink_truth(a) ? a : ink_jinja_eval(in, scope, node->b);
  case INK_JINJA_IF_ELSE:
    if (ink_truth(ink_jinja_eval(in, scope, node->b))) return ink_jinja_eval(in, scope, node->a);
    return node->c ? ink_jinja_eval(in, scope, node->c)
                   : ink_undefined(ink_text_z("an if without else"));
  default:
    break;
  }
  a = ink_jinja_eval(in, scope, node->a);
  b = node->kind == INK_JINJA_BINARY || node->kind == INK_JINJA_SUBSCRIPT
          ? ink_jinja_eval(in, scope, node->b)
          : a;
  in->task->line = node->line;
  switch ((ink_jinja_node_kind)node->kind) {
  case INK_JINJA_NOT:
    return ink_bool(!ink_truth(a));
  case INK_JINJA_NEGATIVE:
    return ink_jinja_negative(in, a);
  case INK_JINJA_POSITIVE:
    return ink_jinja_binary(in, '+', ink_int(0), a);
  case INK_JINJA_BINARY:
    return ink_jinja_binary(in, node->op, a, b);
  case INK_JINJA_ATTRIBUTE:
    return ink_jinja_attribute(in, a, node->value);
  case INK_JINJA_SUBSCRIPT:
    return ink_jinja_subscript(in, a, b);
  case INK_JINJA_FILTER:
  case INK_JINJA_TEST:
    return call_named(in, scope, node, a);
  default:
    return a;
  }
}

ink_value ink_jinja_eval(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value result = ink_undefined(ink_text("", 0));
  if (!ink_task_step(in->task, 1)) return result;
  if (!ink_task_enter(in->task)) {
    return result;
  }
  result = eval_node(in, scope, node);
  ink_task_leave(in->task);
  return result;
}
