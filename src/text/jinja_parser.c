#include "text/jinja_parser.h"

#include <string.h>

/* ---- Tokens ---- */

void ink_jinja_parse_fail(ink_jinja_parser *p, const char *what) {
  p->task->line = p->token.line;
  ink_task_fail(p->task, INK_ERR_TEMPLATE, "%s", what);
}

void ink_jinja_advance(ink_jinja_parser *p) {
  p->token = p->ahead;
  p->ahead = ink_jinja_lexer_next(&p->lexer);
}

bool ink_jinja_at_operator(const ink_jinja_parser *p, int op) {
  return p->token.kind == INK_JINJA_OPERATOR && p->token.op == op;
}

bool ink_jinja_at_name(const ink_jinja_parser *p, const char *name) {
  return p->token.kind == INK_JINJA_NAME && ink_text_is(p->token.value, name);
}

bool ink_jinja_take_operator(ink_jinja_parser *p, int op) {
  if (p->task->status != INK_OK || !ink_jinja_at_operator(p, op)) return false;
  ink_jinja_advance(p);
  return true;
}

bool ink_jinja_take_name(ink_jinja_parser *p, const char *name) {
  if (p->task->status != INK_OK || !ink_jinja_at_name(p, name)) return false;
  ink_jinja_advance(p);
  return true;
}

void ink_jinja_expect_operator(ink_jinja_parser *p, int op, const char *what) {
  if (!ink_jinja_take_operator(p, op)) ink_jinja_parse_fail(p, what);
}

ink_value ink_jinja_expect_name(ink_jinja_parser *p) {
  ink_value name = p->token.value;
  if (p->token.kind != INK_JINJA_NAME) {
    ink_jinja_parse_fail(p, "a name is missing");
    return ink_text("", 0);
  }
  ink_jinja_advance(p);
  return name;
}

ink_jinja_node *ink_jinja_node_new(ink_jinja_parser *p, ink_jinja_node_kind kind) {
  ink_jinja_node *node = ink_task_allocate(p->task, sizeof *node);
  if (!node) return NULL;
  memset(node, 0, sizeof *node);
  node->kind = (uint8_t)kind;
  node->line = p->token.line;
  return node;
}

static bool at_any(const ink_jinja_parser *p, const char *const *names) {
  for (; *names; names++) {
    if (ink_jinja_at_name(p, *names)) return true;
  }
  return false;
}

/* ---- Statements ---- */

static ink_jinja_node *parse_body(ink_jinja_parser *p, const char *const *ends);

static void expect_tag_end(ink_jinja_parser *p) {
  if (p->token.kind == INK_JINJA_BLOCK_END)
    ink_jinja_advance(p);
  else
    ink_jinja_parse_fail(p, "the tag should end here");
}

/* The tag's end, statements, and a closing tag of that name. */
static ink_jinja_node *parse_to(ink_jinja_parser *p, const char *end) {
  expect_tag_end(p);
  ink_jinja_node *body = parse_body(p, (const char *const[]){end, NULL});
  ink_jinja_take_name(p, end);
  expect_tag_end(p);
  return body;
}

/* After `if` or `elif`. An `elif` is an `if` in the `else` of the one before. */
static ink_jinja_node *parse_if(ink_jinja_parser *p) {
  static const char *const ends[] = {"elif", "else", "endif", NULL};
  ink_jinja_node *first = NULL, **place = &first;
  p->branches++;
  while (p->task->status == INK_OK) {
    ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_IF);
    if (!node) break;
    *place = node;
    place = &node->c;
    node->a = ink_jinja_parse_tuple(p, false);
    expect_tag_end(p);
    node->b = parse_body(p, ends);
    if (ink_jinja_take_name(p, "elif")) continue;
    if (ink_jinja_take_name(p, "else")) {
      node->c = parse_to(p, "endif");
    } else {
      ink_jinja_take_name(p, "endif");
      expect_tag_end(p);
    }
    break;
  }
  p->branches--;
  return first;
}

static ink_jinja_node *parse_for(ink_jinja_parser *p) {
  static const char *const ends[] = {"else", "endfor", NULL};
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_FOR);
  if (!node) return NULL;
  node->a = ink_jinja_parse_target(p, false);
  if (!ink_jinja_take_name(p, "in")) ink_jinja_parse_fail(p, "'in' is missing in a loop");
  node->b = ink_jinja_parse_tuple(p, false);
  if (ink_jinja_take_name(p, "if")) node->c = ink_jinja_parse_expression(p, true);
  node->is_recursive = ink_jinja_take_name(p, "recursive");
  expect_tag_end(p);
  p->loops++;
  node->d = parse_body(p, ends);
  p->loops--;
  if (ink_jinja_take_name(p, "else")) {
    node->e = parse_to(p, "endfor");
  } else {
    ink_jinja_take_name(p, "endfor");
    expect_tag_end(p);
  }
  return node;
}

static ink_jinja_node *parse_set(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_SET);
  if (!node) return NULL;
  node->a = ink_jinja_parse_target(p, true);
  if (ink_jinja_take_operator(p, '=')) {
    node->b = ink_jinja_parse_tuple(p, true);
    expect_tag_end(p);
    return node;
  }
  node->kind = INK_JINJA_SET_BLOCK;
  node->c = ink_jinja_parse_filters(p, NULL, false);
  node->b = parse_to(p, "endset");
  return node;
}

/* (name, name=default), at the opening bracket. */
static ink_jinja_node *parse_parameters(ink_jinja_parser *p) {
  ink_jinja_node *first = NULL, **last = &first;
  ink_jinja_expect_operator(p, '(', "'(' is missing");
  while (p->task->status == INK_OK && !ink_jinja_at_operator(p, ')')) {
    if (first) ink_jinja_expect_operator(p, ',', "a comma is missing between parameters");
    ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_PARAMETER);
    if (!node) return NULL;
    node->value = ink_jinja_expect_name(p);
    if (ink_jinja_take_operator(p, '=')) node->a = ink_jinja_parse_expression(p, true);
    *last = node;
    last = &node->next;
  }
  ink_jinja_expect_operator(p, ')', "')' is missing");
  return first;
}

/* The macro's body up to the tag `end`; a loop around it is none of its own. */
static void parse_macro_body(ink_jinja_parser *p, ink_jinja_node *macro, const char *end) {
  ink_jinja_node *outer = p->macro;
  uint32_t outer_loops = p->loops;
  p->macro = macro;
  p->loops = 0;
  macro->b = parse_to(p, end);
  p->macro = outer;
  p->loops = outer_loops;
}

static ink_jinja_node *parse_macro(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_MACRO);
  if (!node) return NULL;
  node->value = ink_jinja_expect_name(p);
  node->a = parse_parameters(p);
  parse_macro_body(p, node, "endmacro");
  return node;
}

/* {% call(parameters) macro(arguments) %} what caller() writes {% endcall %} */
static ink_jinja_node *parse_call_block(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_CALL_BLOCK);
  ink_jinja_node *caller = ink_jinja_node_new(p, INK_JINJA_MACRO);
  if (!node || !caller) return NULL;
  caller->value = ink_text_z("caller");
  if (ink_jinja_at_operator(p, '(')) caller->a = parse_parameters(p);
  node->a = ink_jinja_parse_expression(p, true);
  if (node->a && node->a->kind != INK_JINJA_CALL) ink_jinja_parse_fail(p, "a call is missing");
  node->b = caller;
  parse_macro_body(p, caller, "endcall");
  return node;
}

/* {% generation %}: to Jinja a call, whose body is a caller. */
static ink_jinja_node *parse_generation(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_GENERATION);
  if (node) parse_macro_body(p, node, "endgeneration");
  return node;
}

static ink_jinja_node *parse_with(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_WITH);
  if (!node) return NULL;
  ink_jinja_node **last = &node->a;
  while (p->task->status == INK_OK && p->token.kind != INK_JINJA_BLOCK_END) {
    if (node->a) ink_jinja_expect_operator(p, ',', "a comma is missing");
    ink_jinja_node *set = ink_jinja_node_new(p, INK_JINJA_SET);
    if (!set) return NULL;
    set->a = ink_jinja_parse_target(p, false);
    ink_jinja_expect_operator(p, '=', "'=' is missing");
    set->b = ink_jinja_parse_expression(p, true);
    *last = set;
    last = &set->next;
  }
  node->b = parse_to(p, "endwith");
  return node;
}

static ink_jinja_node *parse_filter_block(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_FILTER_BLOCK);
  if (!node) return NULL;
  node->c = ink_jinja_parse_filters(p, NULL, true);
  node->b = parse_to(p, "endfilter");
  return node;
}

/* {% block name %}: a template that extends this one could replace it, and there is none. */
static ink_jinja_node *parse_block(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_BLOCK);
  if (!node) return NULL;
  ink_value name = ink_jinja_expect_name(p);
  node->is_scoped = ink_jinja_take_name(p, "scoped");
  expect_tag_end(p);
  uint32_t outer_loops = p->loops;
  p->loops = 0;
  node->b = parse_body(p, (const char *const[]){"endblock", NULL});
  p->loops = outer_loops;
  ink_jinja_take_name(p, "endblock");
  if (p->token.kind == INK_JINJA_NAME && ink_equal(p->task, p->token.value, name))
    ink_jinja_advance(p);
  expect_tag_end(p);
  return node;
}

/* A tag that names another template fails when it is run: like Jinja without a loader. */
static ink_jinja_node *parse_other_template(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_OTHER_TEMPLATE);
  if (!node) return NULL;
  node->value = p->token.value;
  while (p->task->status == INK_OK && p->token.kind != INK_JINJA_BLOCK_END &&
         p->token.kind != INK_JINJA_END) {
    ink_jinja_advance(p);
  }
  expect_tag_end(p);
  return node;
}

static ink_jinja_node *parse_jump(ink_jinja_parser *p, ink_jinja_node_kind kind) {
  ink_jinja_node *node = ink_jinja_node_new(p, kind);
  if (p->loops == 0) ink_jinja_parse_fail(p, "'break' or 'continue' stands outside of a loop");
  expect_tag_end(p);
  return node;
}

/* After the beginning of a tag. */
static ink_jinja_node *parse_statement(ink_jinja_parser *p) {
  if (ink_jinja_take_name(p, "if")) return parse_if(p);
  if (ink_jinja_take_name(p, "for")) return parse_for(p);
  if (ink_jinja_take_name(p, "set")) return parse_set(p);
  if (ink_jinja_take_name(p, "macro")) return parse_macro(p);
  if (ink_jinja_take_name(p, "call")) return parse_call_block(p);
  if (ink_jinja_take_name(p, "filter")) return parse_filter_block(p);
  if (ink_jinja_take_name(p, "with")) return parse_with(p);
  if (ink_jinja_take_name(p, "generation")) return parse_generation(p);
  if (ink_jinja_take_name(p, "break")) return parse_jump(p, INK_JINJA_BREAK);
  if (ink_jinja_take_name(p, "continue")) return parse_jump(p, INK_JINJA_CONTINUE);
  if (ink_jinja_take_name(p, "block")) return parse_block(p);
  if (at_any(p, (const char *const[]){"include", "import", "from", "extends", NULL})) {
    return parse_other_template(p);
  }
  p->task->line = p->token.line;
  ink_value name = p->token.kind == INK_JINJA_NAME ? p->token.value : ink_text("?", 1);
  ink_task_fail(p->task, INK_ERR_TEMPLATE, "the tag '%.*s' is not known or not expected here",
                INK_VALUE_ARGS(name));
  return NULL;
}

static ink_jinja_node *parse_print(ink_jinja_parser *p) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_PRINT);
  if (node) node->a = ink_jinja_parse_tuple(p, true);
  if (p->token.kind == INK_JINJA_PRINT_END)
    ink_jinja_advance(p);
  else
    ink_jinja_parse_fail(p, "'}}' is missing");
  return node;
}

/* Statements up to a tag whose name is one of `ends`, at that name; or to the template's end when
 * `ends` is empty. */
static ink_jinja_node *parse_body(ink_jinja_parser *p, const char *const *ends) {
  ink_jinja_node *first = NULL, **last = &first;
  if (!ink_task_enter(p->task)) return NULL;
  while (p->task->status == INK_OK) {
    ink_jinja_node *node = NULL;
    if (p->token.kind == INK_JINJA_END) {
      if (*ends) {
        p->task->line = p->token.line;
        ink_task_fail(p->task, INK_ERR_TEMPLATE, "the template ends where {%% %s %%} is missing",
                      *ends);
      }
      break;
    }
    if (p->token.kind == INK_JINJA_DATA) {
      node = ink_jinja_node_new(p, INK_JINJA_TEXT);
      if (node) node->value = p->token.value;
      ink_jinja_advance(p);
    } else if (p->token.kind == INK_JINJA_PRINT_BEGIN) {
      ink_jinja_advance(p);
      node = parse_print(p);
    } else {
      ink_jinja_advance(p);
      if (at_any(p, ends)) break;
      node = parse_statement(p);
    }
    if (!node) break;
    *last = node;
    last = &node->next;
  }
  ink_task_leave(p->task);
  return first;
}

ink_jinja_node *ink_jinja_parse(ink_task *task, ink_str source) {
  ink_jinja_parser p = {.task = task};
  ink_jinja_lexer_begin(&p.lexer, task, source);
  ink_jinja_advance(&p);
  ink_jinja_advance(&p);
  ink_jinja_node *body = parse_body(&p, (const char *const[]){NULL});
  task->line = 0;
  return task->status == INK_OK ? body : NULL;
}
