/* Statements, scopes, loops and macros. */
#include <string.h>

#include "text/jinja.h"
#include "text/jinja_parser.h"

/* ---- Scopes ---- */

typedef struct variable {
  ink_value name, value;
} variable;

struct ink_jinja_scope {
  ink_jinja_scope *parent; /* lexical */
  variable *variables;     /* [n] */
  uint32_t n, capacity;
  bool captured; /* a macro refers to it: it can't be used again */
};

static void set_variable(ink_jinja *in, ink_jinja_scope *scope, ink_value name, ink_value value) {
  for (uint32_t i = 0; i < scope->n; i++) {
    if (!ink_equal(in->task, scope->variables[i].name, name)) continue;
    scope->variables[i].value = value;
    return;
  }
  if (scope->n == scope->capacity) {
    uint32_t capacity = scope->capacity ? scope->capacity * 2 : 4;
    variable *grown = ink_task_resize(in->task, scope->variables, scope->capacity * sizeof *grown,
                                      capacity * sizeof *grown);
    if (!grown) return;
    scope->variables = grown;
    scope->capacity = capacity;
  }
  scope->variables[scope->n++] = (variable){name, value};
}

ink_value ink_jinja_look_up(ink_jinja *in, const ink_jinja_scope *scope, ink_value name) {
  for (; scope; scope = scope->parent) {
    for (uint32_t i = 0; i < scope->n; i++) {
      if (ink_equal(in->task, scope->variables[i].name, name)) return scope->variables[i].value;
    }
  }
  const ink_value *found = ink_dict_get(in->task, in->variables, name);
  if (found) return *found;
  const ink_jinja_builtin *global = ink_jinja_find_global(in, name);
  return global ? ink_object(INK_VALUE_FUNCTION, (void *)(uintptr_t)global) : ink_undefined(name);
}

static void assign(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *target,
                   ink_value value);

static void unpack(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *targets,
                   ink_value value) {
  const ink_list *items = ink_iterate(in->task, value);
  uint32_t n = 0;
  for (const ink_jinja_node *target = targets; items && target; target = target->next, n++) {
    if (n < items->n) assign(in, scope, target, items->items[n]);
  }
  if (items && n != items->n)
    ink_jinja_fail(in, "%u values can't be unpacked to %u names", (unsigned)items->n, (unsigned)n);
}

static void assign(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *target,
                   ink_value value) {
  if (in->task->status != INK_OK) return;
  in->task->line = target->line;
  if (target->kind == INK_JINJA_VARIABLE) {
    set_variable(in, scope, target->value, value);
  } else if (target->kind == INK_JINJA_TUPLE) {
    unpack(in, scope, target->a, value);
  } else {
    ink_value object = ink_jinja_eval(in, scope, target->a);
    if (object.kind == INK_VALUE_NAMESPACE)
      ink_dict_set(in->task, object, target->value, value);
    else
      ink_jinja_fail(in, "only a namespace's attributes can be set, not those of a %s",
                     ink_kind_name(object));
  }
}

/* ---- Bodies ---- */

typedef enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE } flow;

static flow run_body(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node);

/* The text that a body writes, in a scope of its own. */
static flow capture(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *body,
                    ink_value *text) {
  ink_task_buffer inner = {0}, *outer = in->out;
  in->out = &inner;
  flow f = run_body(in, scope, body);
  in->out = outer;
  *text = ink_task_buffer_value(&inner);
  return f;
}

static flow capture_in_new_scope(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *body,
                                 ink_value *text) {
  ink_jinja_scope *inner = ink_task_allocate(in->task, sizeof *inner);
  *text = ink_text("", 0);
  if (!inner) return FLOW_NEXT;
  *inner = (ink_jinja_scope){.parent = scope};
  return capture(in, inner, body, text);
}

/* ---- Macros ---- */

typedef struct macro {
  const ink_jinja_node *node;
  ink_jinja_scope *scope; /* in which it was defined */
} macro;

static ink_value make_macro(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  macro *m = ink_task_allocate(in->task, sizeof *m);
  if (m) *m = (macro){node, scope};
  for (; scope; scope = scope->parent) scope->captured = true;
  return ink_object(INK_VALUE_MACRO, m);
}

/* Sets the parameters; returns how many there are. */
static uint32_t set_parameters(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                               const ink_jinja_args *args) {
  uint32_t n = 0;
  for (const ink_jinja_node *parameter = node->a; parameter; parameter = parameter->next, n++) {
    const ink_value *given = n < args->items.n ? &args->items.items[n] : NULL;
    const ink_value *named = ink_dict_get(in->task, &args->named, parameter->value);
    if (given && named) ink_jinja_fail(in, "an argument is given twice");
    if (!given) given = named;
    ink_value value = given          ? *given
                      : parameter->a ? ink_jinja_eval(in, scope, parameter->a)
                                     : ink_undefined(parameter->value);
    set_variable(in, scope, parameter->value, value);
  }
  return n;
}

static bool is_parameter(ink_jinja *in, const ink_jinja_node *node, ink_value name) {
  for (const ink_jinja_node *p = node->a; p; p = p->next) {
    if (ink_equal(in->task, name, p->value)) return true;
  }
  return false;
}

/* What no parameter takes goes to varargs, kwargs and caller, if the macro mentions these. */
static void set_rest(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                     const ink_jinja_args *args, uint32_t n_parameters) {
  ink_value caller_name = ink_text_z("caller"), caller = ink_undefined(caller_name);
  ink_value varargs = ink_list_new(in->task, INK_VALUE_TUPLE),
            kwargs = ink_dict_new(in->task, INK_VALUE_DICT);
  for (uint32_t i = n_parameters; i < args->items.n; i++)
    ink_list_push(in->task, varargs, args->items.items[i]);
  for (uint32_t i = 0; i < args->named.n; i++) {
    const ink_entry *entry = &args->named.entries[i];
    if (ink_equal(in->task, entry->key, caller_name))
      caller = entry->value;
    else if (!is_parameter(in, node, entry->key))
      ink_dict_set(in->task, kwargs, entry->key, entry->value);
  }
  if (in->task->status != INK_OK) return;
  if (node->uses_varargs) set_variable(in, scope, ink_text_z("varargs"), varargs);
  if (node->uses_kwargs) set_variable(in, scope, ink_text_z("kwargs"), kwargs);
  if (node->uses_caller) set_variable(in, scope, caller_name, caller);
  bool too_many = (!node->uses_varargs && varargs.as.list->n > 0) ||
                  (!node->uses_kwargs && kwargs.as.dict->n > 0) ||
                  (!node->uses_caller && caller.kind != INK_VALUE_UNDEFINED);
  if (too_many)
    ink_jinja_fail(in, "the macro '%.*s' does not take these arguments",
                   INK_VALUE_ARGS(node->value));
}

ink_value ink_jinja_call_macro(ink_jinja *in, ink_value callee, const ink_jinja_args *args) {
  const macro *m = callee.as.object;
  ink_jinja_scope *scope = ink_task_allocate(in->task, sizeof *scope);
  if (!scope || !ink_task_enter(in->task)) return callee;
  *scope = (ink_jinja_scope){.parent = m->scope};
  set_rest(in, scope, m->node, args, set_parameters(in, scope, m->node, args));
  ink_value text;
  capture(in, scope, m->node->b, &text);
  ink_task_leave(in->task);
  return text;
}

ink_value ink_jinja_macro_attribute(ink_jinja *in, ink_value self, ink_value name) {
  const macro *m = self.as.object;
  name.kind = INK_VALUE_STRING;
  if (ink_text_is(name, "name")) return m->node->value;
  if (ink_text_is(name, "catch_kwargs")) return ink_bool(m->node->uses_kwargs);
  if (ink_text_is(name, "catch_varargs")) return ink_bool(m->node->uses_varargs);
  if (ink_text_is(name, "caller")) return ink_bool(m->node->uses_caller);
  if (!ink_text_is(name, "arguments")) return ink_undefined(name);
  ink_value names = ink_list_new(in->task, INK_VALUE_TUPLE);
  for (const ink_jinja_node *p = m->node->a; p; p = p->next)
    ink_list_push(in->task, names, p->value);
  return names;
}

/* ---- Loops ---- */

/* What `loop` is. Items are looked at one ahead, as Jinja does: a filter may depend on what the
 * body has set. */
typedef struct loop {
  const ink_jinja_node *node;
  ink_jinja_scope *scope;       /* around it, where its filter is evaluated */
  int64_t depth0;               /* loops of a recursive one around this */
  const ink_jinja_node *filter; /* NULL: all items pass, or have passed */
  const ink_list *items;
  uint32_t next;  /* item to look at */
  int64_t index0; /* of the current turn */
  int64_t length; /* turns in all; -1: not known yet */
  bool has_after;
  ink_value previous, current, after, changed;
} loop;

static bool passes(ink_jinja *in, loop *l, ink_value item) {
  ink_jinja_scope scope = {.parent = l->scope};
  assign(in, &scope, l->node->a, item);
  return ink_truth(ink_jinja_eval(in, &scope, l->filter));
}

/* Whether there is another turn, whose item is l->after then. */
static bool look_ahead(ink_jinja *in, loop *l) {
  while (!l->has_after && l->next < l->items->n && ink_task_step(in->task, 1)) {
    l->after = l->items->items[l->next++];
    l->has_after = !l->filter || passes(in, l, l->after);
  }
  return l->has_after && in->task->status == INK_OK;
}

/* Turns in all; takes the rest through the filter at once. */
static int64_t loop_length(ink_jinja *in, loop *l) {
  ink_value rest = ink_list_new(in->task, INK_VALUE_LIST);
  if (l->length >= 0) return l->length;
  look_ahead(in, l);
  for (; l->next < l->items->n && ink_task_step(in->task, 1); l->next++) {
    if (passes(in, l, l->items->items[l->next]))
      ink_list_push(in->task, rest, l->items->items[l->next]);
  }
  if (in->task->status != INK_OK) return 0;
  l->filter = NULL;
  l->items = rest.as.list;
  l->next = 0;
  l->length = l->index0 + 1 + l->has_after + rest.as.list->n;
  return l->length;
}

static ink_value cycle(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  const loop *l = self.as.object;
  if (args->items.n == 0) return ink_jinja_fail(in, "loop.cycle() takes arguments");
  return args->items.items[l->index0 % args->items.n];
}

static ink_value changed(ink_jinja *in, ink_value self, const ink_jinja_args *args) {
  loop *l = self.as.object;
  ink_value now = ink_list_new(in->task, INK_VALUE_TUPLE);
  for (uint32_t i = 0; i < args->items.n; i++) ink_list_push(in->task, now, args->items.items[i]);
  if (in->task->status != INK_OK) return now;
  bool same = l->changed.kind == INK_VALUE_TUPLE && ink_equal(in->task, l->changed, now);
  l->changed = now;
  return ink_bool(!same);
}

static const ink_jinja_builtin loop_methods[] = {{"cycle", cycle}, {"changed", changed}};

ink_value ink_jinja_loop_attribute(ink_jinja *in, ink_value self, ink_value name) {
  loop *l = self.as.object;
  name.kind = INK_VALUE_STRING;
  if (ink_text_is(name, "index0")) return ink_int(l->index0);
  if (ink_text_is(name, "index")) return ink_int(l->index0 + 1);
  if (ink_text_is(name, "first")) return ink_bool(l->index0 == 0);
  if (ink_text_is(name, "last")) return ink_bool(!look_ahead(in, l));
  if (ink_text_is(name, "length")) return ink_int(loop_length(in, l));
  if (ink_text_is(name, "revindex")) return ink_int(loop_length(in, l) - l->index0);
  if (ink_text_is(name, "revindex0")) return ink_int(loop_length(in, l) - l->index0 - 1);
  if (ink_text_is(name, "depth")) return ink_int(l->depth0 + 1);
  if (ink_text_is(name, "depth0")) return ink_int(l->depth0);
  if (ink_text_is(name, "previtem")) return l->index0 > 0 ? l->previous : ink_undefined(name);
  if (ink_text_is(name, "nextitem")) return look_ahead(in, l) ? l->after : ink_undefined(name);
  const ink_jinja_builtin *method =
      ink_jinja_find(loop_methods, sizeof loop_methods / sizeof *loop_methods, name);
  ink_jinja_method *bound = method ? ink_task_allocate(in->task, sizeof *bound) : NULL;
  if (!bound) return ink_undefined(name);
  *bound = (ink_jinja_method){self, method};
  return ink_object(INK_VALUE_METHOD, bound);
}

/* The scope for another turn: the last one's, emptied, unless something still refers to it. */
static ink_jinja_scope *turn_scope(ink_jinja *in, ink_jinja_scope *outer, ink_jinja_scope *last) {
  if (last && !last->captured) {
    last->n = 0;
    return last;
  }
  ink_jinja_scope *scope = ink_task_allocate(in->task, sizeof *scope);
  if (scope) *scope = (ink_jinja_scope){.parent = outer};
  return scope;
}

static flow run_loop(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                     ink_value iterable, int64_t depth0) {
  in->task->line = node->line;
  loop *l = ink_task_allocate(in->task, sizeof *l);
  const ink_list *items = ink_iterate(in->task, iterable);
  if (!l || !items) return FLOW_NEXT;
  *l = (loop){.node = node,
              .scope = scope,
              .depth0 = depth0,
              .filter = node->c,
              .items = items,
              .index0 = -1,
              .length = node->c ? -1 : (int64_t)items->n};
  ink_jinja_scope *body = NULL;
  flow f = FLOW_NEXT;
  while (f != FLOW_BREAK && look_ahead(in, l)) {
    l->previous = l->current;
    l->current = l->after;
    l->has_after = false;
    l->index0++;
    body = turn_scope(in, scope, body);
    if (!body) return FLOW_NEXT;
    set_variable(in, body, ink_text_z("loop"), ink_object(INK_VALUE_LOOP, l));
    assign(in, body, node->a, l->current);
    f = run_body(in, body, node->d);
  }
  if (l->index0 >= 0 || !node->e || in->task->status != INK_OK) return FLOW_NEXT;
  body = turn_scope(in, scope, NULL);
  return body ? run_body(in, body, node->e) : FLOW_NEXT;
}

static flow run_for(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  return run_loop(in, scope, node, ink_jinja_eval(in, scope, node->b), 0);
}

/* The text of the same loop over other items, in the scope around the first. */
ink_value ink_jinja_call_loop(ink_jinja *in, ink_value callee, const ink_jinja_args *args) {
  const loop *l = callee.as.object;
  const ink_value *iterable;
  if (!l->node->is_recursive)
    return ink_jinja_fail(in, "only a loop marked 'recursive' can be called");
  if (!ink_jinja_bind(in, args, "iterable", 1, &iterable) || !ink_task_enter(in->task))
    return callee;
  ink_task_buffer text = {0}, *outer = in->out;
  in->out = &text;
  run_loop(in, l->scope, l->node, *iterable, l->depth0 + 1);
  in->out = outer;
  ink_task_leave(in->task);
  return ink_task_buffer_value(&text);
}

/* ---- Statements ---- */

static void print(ink_jinja *in, ink_value value) {
  if (in->task->status == INK_OK) ink_put_text(in->task, in->out, value);
}

static flow run_with(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_jinja_scope *inner = turn_scope(in, scope, NULL);
  if (!inner) return FLOW_NEXT;
  for (const ink_jinja_node *set = node->a; set; set = set->next) {
    assign(in, inner, set->a, ink_jinja_eval(in, scope, set->b));
  }
  return run_body(in, inner, node->b);
}

static void run_call_block(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value caller = make_macro(in, scope, node->b);
  print(in, ink_jinja_eval_call(in, scope, node->a, &caller));
}

/* A block sees what the template has set outside of loops, unless it is scoped. */
static void run_block(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value text;
  while (!node->is_scoped && scope->parent) scope = scope->parent;
  capture_in_new_scope(in, scope, node->b, &text);
  print(in, text);
}

static flow run_if(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  for (;;) {
    bool holds = ink_truth(ink_jinja_eval(in, scope, node->a));
    if (in->task->status != INK_OK) return FLOW_NEXT;
    if (holds) return run_body(in, scope, node->b);
    bool is_elif = node->c && node->c->kind == INK_JINJA_IF && !node->c->next;
    if (!is_elif) return run_body(in, scope, node->c);
    node = node->c;
  }
}

static flow run_statement(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  ink_value value;
  flow f;
  switch ((ink_jinja_node_kind)node->kind) {
  case INK_JINJA_TEXT:
    print(in, node->value);
    break;
  case INK_JINJA_PRINT:
    print(in, ink_jinja_eval(in, scope, node->a));
    break;
  case INK_JINJA_IF:
    return run_if(in, scope, node);
  case INK_JINJA_FOR:
    return run_for(in, scope, node);
  case INK_JINJA_SET:
    assign(in, scope, node->a, ink_jinja_eval(in, scope, node->b));
    break;
  case INK_JINJA_SET_BLOCK: /* a jump out of it takes its text along */
    if ((f = capture_in_new_scope(in, scope, node->b, &value)) != FLOW_NEXT) return f;
    assign(in, scope, node->a, ink_jinja_eval_filters(in, scope, node->c, value));
    break;
  case INK_JINJA_FILTER_BLOCK:
    if ((f = capture_in_new_scope(in, scope, node->b, &value)) != FLOW_NEXT) return f;
    print(in, ink_jinja_eval_filters(in, scope, node->c, value));
    break;
  case INK_JINJA_GENERATION:
    capture_in_new_scope(in, scope, node->b, &value);
    print(in, value);
    break;
  case INK_JINJA_MACRO:
    set_variable(in, scope, node->value, make_macro(in, scope, node));
    break;
  case INK_JINJA_CALL_BLOCK:
    run_call_block(in, scope, node);
    break;
  case INK_JINJA_WITH:
    return run_with(in, scope, node);
  case INK_JINJA_BLOCK:
    run_block(in, scope, node);
    break;
  case INK_JINJA_OTHER_TEMPLATE:
    ink_jinja_fail(in, "'%.*s' needs another template, and a chat template is one alone",
                   INK_VALUE_ARGS(node->value));
    break;
  case INK_JINJA_BREAK:
    return FLOW_BREAK;
  case INK_JINJA_CONTINUE:
    return FLOW_CONTINUE;
  default:
    break;
  }
  return FLOW_NEXT;
}

static flow run_body(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node) {
  flow f = FLOW_NEXT;
  if (!ink_task_enter(in->task)) return f;
  for (; node && f == FLOW_NEXT && ink_task_step(in->task, 1); node = node->next) {
    in->task->line = node->line;
    f = run_statement(in, scope, node);
  }
  ink_task_leave(in->task);
  return f;
}

ink_status ink_jinja_render(ink_task *task, ink_str source, ink_value variables, int64_t now,
                            ink_task_buffer *out) {
  const ink_jinja_node *body = ink_jinja_parse(task, source);
  ink_jinja in = {.task = task, .variables = variables.as.dict, .now = now, .out = out};
  ink_jinja_scope scope = {0};
  if (task->status == INK_OK) run_body(&in, &scope, body);
  return task->status;
}
