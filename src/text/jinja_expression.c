/* Expressions, with the precedence of Jinja 3.1, which is not Python's everywhere: `~` binds
 * tighter than `+`, and a filter takes in a sign before its operand. */
#include <string.h>

#include "text/jinja.h"
#include "text/jinja_parser.h"

static ink_jinja_node *parse_unary(ink_jinja_parser *p, bool with_filter);

/* ---- Operands ---- */

static ink_jinja_node *constant(ink_jinja_parser *p, ink_value value) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_CONSTANT);
  if (node) node->value = value;
  return node;
}

static ink_jinja_node *parse_name(ink_jinja_parser *p) {
  static const struct {
    const char *name;
    ink_value_kind kind;
    bool boolean;
  } constants[] = {{"true", INK_VALUE_BOOL, true},   {"True", INK_VALUE_BOOL, true},
                   {"false", INK_VALUE_BOOL, false}, {"False", INK_VALUE_BOOL, false},
                   {"none", INK_VALUE_NONE, false},  {"None", INK_VALUE_NONE, false}};
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_VARIABLE);
  ink_value name = ink_jinja_expect_name(p);
  if (!node) return NULL;
  node->value = name;
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
    if (!ink_text_is(name, constants[i].name)) continue;
    node->kind = INK_JINJA_CONSTANT;
    node->value =
        (ink_value){.kind = (uint8_t)constants[i].kind, .as.boolean = constants[i].boolean};
  }
  if (p->macro && node->kind == INK_JINJA_VARIABLE) {
    if (ink_text_is(name, "caller")) p->macro->uses_caller = true;
    if (ink_text_is(name, "varargs")) p->macro->uses_varargs = true;
    if (ink_text_is(name, "kwargs")) p->macro->uses_kwargs = true;
  }
  return node;
}

/* Strings beside each other are one. */
static ink_jinja_node *parse_literal(ink_jinja_parser *p) {
  ink_value value = p->token.value;
  bool is_string = value.kind == INK_VALUE_STRING;
  ink_jinja_node *node = constant(p, value);
  ink_jinja_advance(p);
  while (is_string && p->token.kind == INK_JINJA_LITERAL &&
         p->token.value.kind == INK_VALUE_STRING) {
    value = ink_concatenate(p->task, value, p->token.value);
    ink_jinja_advance(p);
  }
  if (node) node->value = value;
  return node;
}

/* Expressions separated by commas up to a bracket, which is taken too. */
static ink_jinja_node *parse_items(ink_jinja_parser *p, int close, bool pairs) {
  ink_jinja_node *first = NULL, **last = &first;
  while (p->task->status == INK_OK && !ink_jinja_at_operator(p, close)) {
    if (first) {
      ink_jinja_expect_operator(p, ',', "a comma is missing");
      if (ink_jinja_at_operator(p, close)) break;
    }
    ink_jinja_node *item = ink_jinja_parse_expression(p, true);
    if (pairs) {
      ink_jinja_node *pair = ink_jinja_node_new(p, INK_JINJA_PAIR);
      ink_jinja_expect_operator(p, ':', "':' is missing after the key of a dict");
      if (!pair) return NULL;
      pair->a = item;
      pair->b = ink_jinja_parse_expression(p, true);
      item = pair;
    }
    if (!item) return NULL;
    *last = item;
    last = &item->next;
  }
  ink_jinja_expect_operator(p, close, "a bracket is not closed");
  return first;
}

static ink_jinja_node *parse_parenthesis(ink_jinja_parser *p) {
  ink_jinja_advance(p);
  if (ink_jinja_take_operator(p, ')')) return ink_jinja_node_new(p, INK_JINJA_TUPLE);
  ink_jinja_node *node = ink_jinja_parse_tuple(p, true);
  ink_jinja_expect_operator(p, ')', "')' is missing");
  return node;
}

static ink_jinja_node *parse_primary(ink_jinja_parser *p) {
  if (p->token.kind == INK_JINJA_NAME) return parse_name(p);
  if (p->token.kind == INK_JINJA_LITERAL) return parse_literal(p);
  if (ink_jinja_at_operator(p, '(')) return parse_parenthesis(p);
  bool is_list = ink_jinja_at_operator(p, '[');
  if (!is_list && !ink_jinja_at_operator(p, '{')) {
    ink_jinja_parse_fail(p, "an expression is missing");
    return NULL;
  }
  ink_jinja_node *node = ink_jinja_node_new(p, is_list ? INK_JINJA_LIST : INK_JINJA_DICT);
  ink_jinja_advance(p);
  if (node) node->a = parse_items(p, is_list ? ']' : '}', !is_list);
  return node;
}

/* ---- What follows an operand ---- */

static ink_jinja_node *parse_argument(ink_jinja_parser *p) {
  bool spread = ink_jinja_at_operator(p, '*') || ink_jinja_at_operator(p, INK_OP2('*', '*'));
  bool keyword =
      p->token.kind == INK_JINJA_NAME && p->ahead.kind == INK_JINJA_OPERATOR && p->ahead.op == '=';
  if (!spread && !keyword) return ink_jinja_parse_expression(p, true);
  ink_jinja_node *node = ink_jinja_node_new(p, spread ? INK_JINJA_SPREAD : INK_JINJA_KEYWORD);
  if (!node) return NULL;
  node->op = p->token.op;
  node->value = p->token.value;
  ink_jinja_advance(p);
  if (keyword) ink_jinja_advance(p);
  node->a = ink_jinja_parse_expression(p, true);
  return node;
}

/* (arguments), at the opening bracket. */
static ink_jinja_node *parse_arguments(ink_jinja_parser *p) {
  ink_jinja_node *first = NULL, **last = &first;
  bool named = false;
  ink_jinja_advance(p);
  while (p->task->status == INK_OK && !ink_jinja_at_operator(p, ')')) {
    if (first) {
      ink_jinja_expect_operator(p, ',', "a comma is missing between arguments");
      if (ink_jinja_at_operator(p, ')')) break;
    }
    ink_jinja_node *argument = parse_argument(p);
    if (!argument) return NULL;
    bool positional = argument->kind != INK_JINJA_KEYWORD && argument->kind != INK_JINJA_SPREAD;
    if (positional && named)
      ink_jinja_parse_fail(p, "an argument without a name follows one with a name");
    named |= !positional;
    *last = argument;
    last = &argument->next;
  }
  ink_jinja_expect_operator(p, ')', "')' is missing after the arguments");
  return first;
}

/* a[...], after the opening bracket. */
static ink_jinja_node *parse_subscript(ink_jinja_parser *p, ink_jinja_node *object) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_SUBSCRIPT);
  if (!node) return NULL;
  node->a = object;
  ink_jinja_node **parts[] = {&node->b, &node->c, &node->d};
  for (int i = 0; i < 3; i++) {
    if (!ink_jinja_at_operator(p, ':') && !ink_jinja_at_operator(p, ']')) {
      *parts[i] = ink_jinja_parse_expression(p, true);
    }
    if (i == 2 || !ink_jinja_take_operator(p, ':')) break;
    node->kind = INK_JINJA_SLICE;
  }
  if (node->kind == INK_JINJA_SUBSCRIPT && !node->b) ink_jinja_parse_fail(p, "an index is missing");
  ink_jinja_expect_operator(p, ']', "']' is missing");
  return node;
}

/* a.name or a.0, after the dot. */
static ink_jinja_node *parse_attribute(ink_jinja_parser *p, ink_jinja_node *object) {
  bool is_name = p->token.kind == INK_JINJA_NAME;
  ink_jinja_node *node = ink_jinja_node_new(p, is_name ? INK_JINJA_ATTRIBUTE : INK_JINJA_SUBSCRIPT);
  if (!is_name && !(p->token.kind == INK_JINJA_LITERAL && p->token.value.kind == INK_VALUE_INT)) {
    ink_jinja_parse_fail(p, "a name is missing after '.'");
  }
  if (!node) return NULL;
  node->a = object;
  node->value = p->token.value;
  if (!is_name) node->b = constant(p, p->token.value);
  ink_jinja_advance(p);
  return node;
}

static ink_jinja_node *parse_call(ink_jinja_parser *p, ink_jinja_node *callee) {
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_CALL);
  if (!node) return NULL;
  node->a = callee;
  node->b = parse_arguments(p);
  return node;
}

static ink_jinja_node *parse_postfix(ink_jinja_parser *p, ink_jinja_node *node) {
  while (p->task->status == INK_OK) {
    if (ink_jinja_take_operator(p, '.'))
      node = parse_attribute(p, node);
    else if (ink_jinja_take_operator(p, '['))
      node = parse_subscript(p, node);
    else if (ink_jinja_at_operator(p, '('))
      node = parse_call(p, node);
    else
      break;
  }
  return node;
}

/* The name of a filter or test: `a.b` is one name to Jinja, but none has such a name here. */
static ink_jinja_node *named_node(ink_jinja_parser *p, ink_jinja_node_kind kind,
                                  ink_jinja_node *inner) {
  ink_jinja_node *node = ink_jinja_node_new(p, kind);
  ink_value name = ink_jinja_expect_name(p);
  if (!node || p->task->status != INK_OK) return NULL;
  node->a = inner;
  node->value = name;
  node->function = kind == INK_JINJA_FILTER ? (const void *)ink_jinja_find_filter(name)
                                            : (const void *)ink_jinja_find_test(name);
  if (!node->function && p->branches == 0) ink_jinja_fail_unknown(p->task, node);
  return node;
}

ink_jinja_node *ink_jinja_parse_filters(ink_jinja_parser *p, ink_jinja_node *node, bool bare) {
  for (; bare || ink_jinja_take_operator(p, '|'); bare = false) {
    node = named_node(p, INK_JINJA_FILTER, node);
    if (node && ink_jinja_at_operator(p, '(')) node->b = parse_arguments(p);
  }
  return node;
}

/* After `is`. The argument may stand without brackets: `x is divisibleby 3`. */
static ink_jinja_node *parse_test(ink_jinja_parser *p, ink_jinja_node *inner) {
  bool negated = ink_jinja_take_name(p, "not");
  ink_jinja_node *node = named_node(p, INK_JINJA_TEST, inner);
  if (!node) return NULL;
  bool is_word = p->token.kind == INK_JINJA_NAME && !ink_jinja_at_name(p, "else") &&
                 !ink_jinja_at_name(p, "or") && !ink_jinja_at_name(p, "and") &&
                 !ink_jinja_at_name(p, "if");
  if (ink_jinja_at_name(p, "is"))
    ink_jinja_parse_fail(p, "two tests with 'is' can't follow each other");
  if (ink_jinja_at_operator(p, '(')) {
    node->b = parse_arguments(p);
  } else if (is_word || p->token.kind == INK_JINJA_LITERAL || ink_jinja_at_operator(p, '[') ||
             ink_jinja_at_operator(p, '{')) {
    node->b = parse_postfix(p, parse_primary(p));
  }
  if (!negated) return node;
  ink_jinja_node *not_node = ink_jinja_node_new(p, INK_JINJA_NOT);
  if (not_node) not_node->a = node;
  return not_node;
}

static ink_jinja_node *parse_filters_and_tests(ink_jinja_parser *p, ink_jinja_node *node) {
  while (p->task->status == INK_OK) {
    if (ink_jinja_at_operator(p, '|'))
      node = ink_jinja_parse_filters(p, node, false);
    else if (ink_jinja_take_name(p, "is"))
      node = parse_test(p, node);
    else if (ink_jinja_at_operator(p, '('))
      node = parse_call(p, node);
    else
      break;
  }
  return node;
}

static ink_jinja_node *parse_signed(ink_jinja_parser *p, ink_jinja_node_kind kind) {
  ink_jinja_node *node = ink_jinja_node_new(p, kind);
  ink_jinja_advance(p);
  if (!node || !ink_task_enter(p->task)) return NULL;
  node->a = parse_unary(p, false);
  ink_task_leave(p->task);
  return node;
}

static ink_jinja_node *parse_unary(ink_jinja_parser *p, bool with_filter) {
  ink_jinja_node *node = ink_jinja_at_operator(p, '-')   ? parse_signed(p, INK_JINJA_NEGATIVE)
                         : ink_jinja_at_operator(p, '+') ? parse_signed(p, INK_JINJA_POSITIVE)
                                                         : parse_primary(p);
  node = parse_postfix(p, node);
  return with_filter ? parse_filters_and_tests(p, node) : node;
}

/* ---- Binary operators ---- */

/* Higher binds tighter; all group from the left. 0: no such operator. */
static int precedence(const ink_jinja_parser *p) {
  if (p->token.kind != INK_JINJA_OPERATOR) return 0;
  switch (p->token.op) {
  case '+':
  case '-':
    return 1;
  case '~':
    return 2;
  case '*':
  case '/':
  case INK_OP2('/', '/'):
  case '%':
    return 3;
  case INK_OP2('*', '*'):
    return 4;
  default:
    return 0;
  }
}

static ink_jinja_node *parse_arithmetic(ink_jinja_parser *p, int lowest) {
  ink_jinja_node *left = parse_unary(p, true);
  for (int level; p->task->status == INK_OK && (level = precedence(p)) >= lowest && level > 0;) {
    ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_BINARY);
    if (!node) return NULL;
    node->op = p->token.op;
    ink_jinja_advance(p);
    node->a = left;
    node->b = parse_arithmetic(p, level + 1);
    left = node;
  }
  return left;
}

/* Takes a comparison's operator; 0: there is none. */
static int take_comparison(ink_jinja_parser *p) {
  static const int ops[] = {
      INK_OP2('=', '='), INK_OP2('!', '='), INK_OP2('<', '='), INK_OP2('>', '='), '<', '>'};
  for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
    if (ink_jinja_take_operator(p, ops[i])) return ops[i];
  }
  if (ink_jinja_take_name(p, "in")) return INK_JINJA_OP_IN;
  bool not_in = ink_jinja_at_name(p, "not") && p->ahead.kind == INK_JINJA_NAME &&
                ink_text_is(p->ahead.value, "in");
  if (!not_in) return 0;
  ink_jinja_advance(p);
  ink_jinja_advance(p);
  return INK_JINJA_OP_NOT_IN;
}

static ink_jinja_node *parse_comparison(ink_jinja_parser *p) {
  ink_jinja_node *first = parse_arithmetic(p, 1), *node = NULL, **last = NULL;
  for (int op; p->task->status == INK_OK && (op = take_comparison(p)) != 0;) {
    if (!node) {
      node = ink_jinja_node_new(p, INK_JINJA_COMPARE);
      if (!node) return NULL;
      node->a = first;
      last = &node->b;
    }
    ink_jinja_node *operand = ink_jinja_node_new(p, INK_JINJA_OPERAND);
    if (!operand) return NULL;
    operand->op = op;
    operand->a = parse_arithmetic(p, 1);
    *last = operand;
    last = &operand->next;
  }
  return node ? node : first;
}

static ink_jinja_node *parse_not(ink_jinja_parser *p) {
  if (!ink_jinja_at_name(p, "not")) return parse_comparison(p);
  ink_jinja_node *node = ink_jinja_node_new(p, INK_JINJA_NOT);
  ink_jinja_advance(p);
  if (!node || !ink_task_enter(p->task)) return NULL;
  node->a = parse_not(p);
  ink_task_leave(p->task);
  return node;
}

static ink_jinja_node *parse_logic(ink_jinja_parser *p, ink_jinja_node_kind kind) {
  bool is_or = kind == INK_JINJA_OR;
  ink_jinja_node *left = is_or ? parse_logic(p, INK_JINJA_AND) : parse_not(p);
  while (p->task->status == INK_OK && ink_jinja_take_name(p, is_or ? "or" : "and")) {
    ink_jinja_node *node = ink_jinja_node_new(p, kind);
    if (!node) return NULL;
    node->a = left;
    node->b = is_or ? parse_logic(p, INK_JINJA_AND) : parse_not(p);
    left = node;
  }
  return left;
}

ink_jinja_node *ink_jinja_parse_expression(ink_jinja_parser *p, bool with_condition) {
  if (!ink_task_enter(p->task)) return NULL;
  ink_jinja_node *node = parse_logic(p, INK_JINJA_OR);
  while (with_condition && p->task->status == INK_OK && ink_jinja_take_name(p, "if")) {
    ink_jinja_node *condition = ink_jinja_node_new(p, INK_JINJA_IF_ELSE);
    if (!condition) break;
    condition->a = node;
    p->branches++;
    condition->b = parse_logic(p, INK_JINJA_OR);
    if (ink_jinja_take_name(p, "else")) condition->c = ink_jinja_parse_expression(p, true);
    p->branches--;
    node = condition;
  }
  ink_task_leave(p->task);
  return node;
}

ink_jinja_node *ink_jinja_parse_tuple(ink_jinja_parser *p, bool with_condition) {
  ink_jinja_node *node = ink_jinja_parse_expression(p, with_condition);
  if (!node || !ink_jinja_at_operator(p, ',')) return node;
  ink_jinja_node *tuple = ink_jinja_node_new(p, INK_JINJA_TUPLE), **last = &node->next;
  if (!tuple) return NULL;
  tuple->a = node;
  while (p->task->status == INK_OK && ink_jinja_take_operator(p, ',')) {
    bool ends = p->token.kind == INK_JINJA_BLOCK_END || p->token.kind == INK_JINJA_PRINT_END ||
                ink_jinja_at_operator(p, ')');
    if (ends) break;
    ink_jinja_node *item = ink_jinja_parse_expression(p, with_condition);
    if (!item) return NULL;
    *last = item;
    last = &item->next;
  }
  return tuple;
}

/* ---- Targets ---- */

static ink_jinja_node *parse_one_target(ink_jinja_parser *p, bool with_attribute) {
  if (ink_jinja_take_operator(p, '(')) {
    ink_jinja_node *inner = ink_jinja_parse_target(p, false);
    ink_jinja_expect_operator(p, ')', "')' is missing");
    return inner;
  }
  ink_jinja_node *node = parse_name(p);
  if (node && node->kind != INK_JINJA_VARIABLE)
    ink_jinja_parse_fail(p, "a constant can't be assigned to");
  if (with_attribute && ink_jinja_take_operator(p, '.')) node = parse_attribute(p, node);
  if (node && node->kind == INK_JINJA_SUBSCRIPT)
    ink_jinja_parse_fail(p, "an item can't be assigned to");
  return node;
}

ink_jinja_node *ink_jinja_parse_target(ink_jinja_parser *p, bool with_attribute) {
  if (!ink_task_enter(p->task)) return NULL;
  ink_jinja_node *node = parse_one_target(p, with_attribute);
  if (node && ink_jinja_at_operator(p, ',')) {
    ink_jinja_node *tuple = ink_jinja_node_new(p, INK_JINJA_TUPLE), **last = &node->next;
    if (tuple) tuple->a = node;
    while (ink_jinja_take_operator(p, ',') && p->token.kind == INK_JINJA_NAME &&
           !ink_jinja_at_name(p, "in")) {
      ink_jinja_node *item = parse_one_target(p, with_attribute);
      if (!item) break;
      *last = item;
      last = &item->next;
    }
    node = tuple;
  }
  ink_task_leave(p->task);
  return node;
}
