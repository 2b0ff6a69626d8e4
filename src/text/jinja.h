/* Jinja, as far as chat templates use it: the interpreter, and what its parts share.
 *
 *   jinja_lexer -> jinja_parser, jinja_expression -> jinja_run (statements),
 *   jinja_eval (expressions) -> jinja_operators, jinja_filters, jinja_text_filters, jinja_tests, jinja_methods,
 *   jinja_text_methods, jinja_globals -> jinja_format, jinja_printf
 *
 * The reference is jinja2 3.1 in the way that Hugging Face's transformers set it up: sandboxed and
 * immutable, trim_blocks, lstrip_blocks, loop controls, no escaping. What is not here fails with
 * its line: other templates (include, import, extends), autoescape, the filters pprint, random,
 * striptags, urlize and wordwrap, lipsum(), and the methods encode, isidentifier, isnumeric,
 * maketrans and translate of strings. */
#ifndef INK_TEXT_JINJA_H
#define INK_TEXT_JINJA_H

#include "text/jinja_ast.h"
#include "text/jinja_lexer.h"

/* Renders `source` with the entries of the dict `variables` into *out, all in the task's memory.
 * `now` is what strftime_now() shows: seconds since 1970 in local time; 0: there is no such
 * function. INK_ERR_TEMPLATE for everything that the template is to blame for. */
ink_status ink_jinja_render(ink_task *task, ink_str source, ink_value variables, int64_t now,
                            ink_task_buffer *out);

/* ---- Between the parts ---- */

typedef struct ink_jinja {
  ink_task *task;
  const ink_dict *variables;
  int64_t now;
  ink_task_buffer *out; /* where statements write */
} ink_jinja;

typedef struct ink_jinja_args {
  ink_list items; /* positional */
  ink_dict named;
} ink_jinja_args;

/* `self` is the filtered or tested value, the method's object, or undefined. */
typedef ink_value (*ink_jinja_function)(ink_jinja *in, ink_value self, const ink_jinja_args *args);

typedef struct ink_jinja_builtin {
  const char *name;
  ink_jinja_function call; /* NULL: a method that the sandbox forbids */
} ink_jinja_builtin;

/* What a METHOD's object points at. */
typedef struct ink_jinja_method {
  ink_value self;
  const ink_jinja_builtin *builtin;
} ink_jinja_method;

/* A function that jinja2 or Python has and that fails here, saying so. */
#define INK_JINJA_NOT_SUPPORTED(function, name)                                                    \
  static ink_value function(ink_jinja *in, ink_value self, const ink_jinja_args *args) {           \
    (void)self;                                                                                    \
    (void)args;                                                                                    \
    return ink_jinja_fail(in, "'%s' is not supported in chat templates here", name);               \
  }

const ink_jinja_builtin *ink_jinja_find(const ink_jinja_builtin *table, size_t n, ink_value name);
const ink_jinja_builtin *ink_jinja_find_filter(ink_value name);
/* Those of texts and numbers alone. */
const ink_jinja_builtin *ink_jinja_find_text_filter(ink_value name);
const ink_jinja_builtin *ink_jinja_find_test(ink_value name);
/* Those of strings that ask for kinds of characters, and lay out. */
const ink_jinja_builtin *ink_jinja_find_text_method(ink_value name);
const ink_jinja_builtin *ink_jinja_find_method(ink_value self, ink_value name);
const ink_jinja_builtin *ink_jinja_find_global(const ink_jinja *in, ink_value name);

/* That there is no such filter or test. */
void ink_jinja_fail_unknown(ink_task *task, const ink_jinja_node *node);

/* Points out[i] at the argument for the i-th of `names` (separated by spaces), or NULL where it
 * wasn't given. False after a failure: one of the first `n_required` is missing, or there are
 * others than these. */
bool ink_jinja_bind(ink_jinja *in, const ink_jinja_args *args, const char *names,
                    uint32_t n_required, const ink_value **out);

/* The whole number that was given, or `otherwise`: nothing was, or None. */
int64_t ink_jinja_whole_of(ink_jinja *in, const ink_value *value, int64_t otherwise);
static inline bool ink_jinja_truth_of(const ink_value *value) {
  return value && ink_truth(*value);
}
/* A string argument, or a failure and an empty string. */
ink_value ink_jinja_string_of(ink_jinja *in, const ink_value *value);

/* Adds a positional argument. */
void ink_jinja_push_arg(ink_jinja *in, ink_jinja_args *args, ink_value item);

/* Fails, and returns undefined. */
ink_value ink_jinja_fail(ink_jinja *in, const char *format, ...) INK_PRINTF(2, 3);
ink_value ink_jinja_fail_undefined(ink_jinja *in, ink_value undefined);

/* Calls a macro, function or method. */
ink_value ink_jinja_call(ink_jinja *in, ink_value callee, const ink_jinja_args *args);

/* Operators: jinja_operators.c. */
ink_value ink_jinja_binary(ink_jinja *in, int op, ink_value a, ink_value b);
ink_value ink_jinja_negative(ink_jinja *in, ink_value a);
bool ink_jinja_compare(ink_jinja *in, int op, ink_value a, ink_value b);
bool ink_jinja_contains(ink_jinja *in, ink_value container, ink_value item);
ink_value ink_jinja_attribute(ink_jinja *in, ink_value object, ink_value name); /* a.name */
ink_value ink_jinja_subscript(ink_jinja *in, ink_value object, ink_value key);  /* a[key] */
ink_value ink_jinja_slice(ink_jinja *in, ink_value object, const ink_value bounds[3]);
/* Where `text` contains `part`, from byte `from` on; -1: nowhere. */
int64_t ink_jinja_search(ink_jinja *in, ink_value text, ink_value part, uint32_t from);

/* Texts: jinja_methods.c. */
typedef enum ink_jinja_case {
  INK_JINJA_LOWER,
  INK_JINJA_UPPER,
  INK_JINJA_CAPITALIZE, /* the first character upper, the others lower */
  INK_JINJA_TITLE,      /* the first letter of each run of letters upper, the others lower */
  INK_JINJA_SWAP,       /* upper and lower */
  INK_JINJA_FOLD,       /* for comparing without regard to case */
} ink_jinja_case;
ink_value ink_jinja_change_case(ink_jinja *in, ink_value text, ink_jinja_case which);
ink_value ink_jinja_replace(ink_jinja *in, ink_value text, ink_value from, ink_value to,
                            int64_t count);
ink_value ink_jinja_strip(ink_jinja *in, ink_value text, const ink_value *characters, bool left,
                          bool right);
ink_value ink_jinja_split_lines(ink_jinja *in, ink_value text);
ink_value ink_jinja_join(ink_jinja *in, ink_value separator, const ink_list *items);

/* A variable scope: of the template, a loop's turn, a macro's call or a block. */
typedef struct ink_jinja_scope ink_jinja_scope;
ink_value ink_jinja_look_up(ink_jinja *in, const ink_jinja_scope *scope, ink_value name);
ink_value ink_jinja_eval(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node);
/* A filter of a block's text, which stands where the innermost filter has no operand. */
ink_value ink_jinja_eval_filters(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                                 ink_value inner);
ink_value ink_jinja_eval_call(ink_jinja *in, ink_jinja_scope *scope, const ink_jinja_node *node,
                              const ink_value *caller);
ink_value ink_jinja_loop_attribute(ink_jinja *in, ink_value loop, ink_value name);
ink_value ink_jinja_call_macro(ink_jinja *in, ink_value macro, const ink_jinja_args *args);
ink_value ink_jinja_macro_attribute(ink_jinja *in, ink_value macro, ink_value name);
ink_value ink_jinja_call_loop(ink_jinja *in, ink_value loop, const ink_jinja_args *args);

#endif
