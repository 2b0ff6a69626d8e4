/* From tokens to the tree: statements in jinja_parser.c, expressions in jinja_expression.c. */
#ifndef INK_TEXT_JINJA_PARSER_H
#define INK_TEXT_JINJA_PARSER_H

#include "text/jinja_ast.h"
#include "text/jinja_lexer.h"

typedef struct ink_jinja_parser {
  ink_task *task;
  ink_jinja_lexer lexer;
  ink_jinja_token token, ahead; /* the current one, and the one after it */
  ink_jinja_node *macro;        /* being parsed; NULL: none */
  uint32_t branches;            /* if's around this place: unknown filters may be there */
  uint32_t loops;               /* for's around this place, in the same macro */
} ink_jinja_parser;

/* The template's statements. NULL for an empty template, and after a failure. */
ink_jinja_node *ink_jinja_parse(ink_task *task, ink_str source);

/* ---- What both parts use ---- */

void ink_jinja_parse_fail(ink_jinja_parser *p, const char *what);
void ink_jinja_advance(ink_jinja_parser *p);
ink_jinja_node *ink_jinja_node_new(ink_jinja_parser *p, ink_jinja_node_kind kind);

bool ink_jinja_at_operator(const ink_jinja_parser *p, int op);
bool ink_jinja_at_name(const ink_jinja_parser *p, const char *name);
bool ink_jinja_take_operator(ink_jinja_parser *p, int op);
bool ink_jinja_take_name(ink_jinja_parser *p, const char *name);
void ink_jinja_expect_operator(ink_jinja_parser *p, int op, const char *what);
ink_value ink_jinja_expect_name(ink_jinja_parser *p); /* any name */

/* `a if b else c` only where `with_condition`. */
ink_jinja_node *ink_jinja_parse_expression(ink_jinja_parser *p, bool with_condition);
/* One expression, or several separated by commas: a tuple. */
ink_jinja_node *ink_jinja_parse_tuple(ink_jinja_parser *p, bool with_condition);
/* `| name(arguments)` and more of them, around `inner`; `bare`: the first has no `|`. */
ink_jinja_node *ink_jinja_parse_filters(ink_jinja_parser *p, ink_jinja_node *inner, bool bare);
/* What can be assigned to. */
ink_jinja_node *ink_jinja_parse_target(ink_jinja_parser *p, bool with_attribute);

#endif
