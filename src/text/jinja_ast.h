/* A parsed template. One shape serves every node; what its fields hold stands beside each kind. */
#ifndef INK_TEXT_JINJA_AST_H
#define INK_TEXT_JINJA_AST_H

#include "text/value.h"

typedef enum ink_jinja_node_kind {
  /* Expressions. Lists of nodes are linked through `next`. */
  INK_JINJA_CONSTANT,  /* value */
  INK_JINJA_VARIABLE,  /* value: its name */
  INK_JINJA_LIST,      /* a: items */
  INK_JINJA_TUPLE,     /* a: items */
  INK_JINJA_DICT,      /* a: PAIRs */
  INK_JINJA_PAIR,      /* a: key, b: value */
  INK_JINJA_NOT,       /* a */
  INK_JINJA_NEGATIVE,  /* a */
  INK_JINJA_POSITIVE,  /* a */
  INK_JINJA_BINARY,    /* a op b, op: + - * / // % ** ~ */
  INK_JINJA_AND,       /* a, b */
  INK_JINJA_OR,        /* a, b */
  INK_JINJA_COMPARE,   /* a, then b: OPERANDs */
  INK_JINJA_OPERAND,   /* op: == != < <= > >= or INK_JINJA_OP_IN, _NOT_IN; a */
  INK_JINJA_IF_ELSE,   /* a if b else c (c may be NULL) */
  INK_JINJA_ATTRIBUTE, /* a.value */
  INK_JINJA_SUBSCRIPT, /* a[b] */
  INK_JINJA_SLICE,     /* a[b:c:d], each of the last three may be NULL */
  INK_JINJA_CALL,      /* a(b: arguments) */
  INK_JINJA_FILTER,    /* a | value(b: arguments); a may be NULL: a block's text; function */
  INK_JINJA_TEST,      /* a is value(b: arguments); function */
  INK_JINJA_KEYWORD,   /* an argument value=a */
  INK_JINJA_SPREAD,    /* an argument *a, or **a when op is '*' twice */

  /* Statements. Bodies are linked through `next`. */
  INK_JINJA_TEXT,           /* value */
  INK_JINJA_PRINT,          /* a */
  INK_JINJA_IF,             /* a: condition, b: body, c: what else, statements */
  INK_JINJA_FOR,            /* a: target, b: iterable, c: filter, d: body, e: else; is_recursive */
  INK_JINJA_SET,            /* a: target, b: expression */
  INK_JINJA_SET_BLOCK,      /* a: target, b: body, c: FILTERs around a NULL, or NULL */
  INK_JINJA_MACRO,          /* value: name, a: PARAMETERs, b: body; uses_* */
  INK_JINJA_PARAMETER,      /* value: name, a: default or NULL */
  INK_JINJA_CALL_BLOCK,     /* a: CALL, b: the caller, a MACRO */
  INK_JINJA_FILTER_BLOCK,   /* b: body, c: FILTERs */
  INK_JINJA_WITH,           /* a: SETs, b: body */
  INK_JINJA_GENERATION,     /* b: body; HF's mark of what the assistant wrote */
  INK_JINJA_BLOCK,          /* b: body; is_scoped */
  INK_JINJA_OTHER_TEMPLATE, /* value: the name of a tag that needs one */
  INK_JINJA_BREAK,
  INK_JINJA_CONTINUE,
} ink_jinja_node_kind;

enum { INK_JINJA_OP_IN = 'i', INK_JINJA_OP_NOT_IN = 'n' };

typedef struct ink_jinja_node ink_jinja_node;
struct ink_jinja_node {
  uint8_t kind;
  bool uses_caller, uses_varargs, uses_kwargs; /* MACRO: its body mentions them */
  bool is_recursive, is_scoped;
  int op;
  uint32_t line;
  const void *function; /* FILTER, TEST: row of its table, NULL: there is none of that name */
  ink_value value;
  ink_jinja_node *next;
  ink_jinja_node *a, *b, *c, *d, *e;
};

#endif
