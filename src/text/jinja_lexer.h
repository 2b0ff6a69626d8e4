/* A template's source, as tokens. */
#ifndef INK_TEXT_JINJA_LEXER_H
#define INK_TEXT_JINJA_LEXER_H

#include "text/value.h"

typedef enum ink_jinja_token_kind {
  INK_JINJA_END,
  INK_JINJA_DATA,        /* text outside of tags: `value` */
  INK_JINJA_BLOCK_BEGIN, /* {% */
  INK_JINJA_BLOCK_END,
  INK_JINJA_PRINT_BEGIN, /* {{ */
  INK_JINJA_PRINT_END,
  INK_JINJA_NAME,     /* `value`, a string */
  INK_JINJA_LITERAL,  /* a string or a number: `value` */
  INK_JINJA_OPERATOR, /* `op` */
} ink_jinja_token_kind;

/* An operator's one or two characters as a number. */
#define INK_OP1(a) (a)
#define INK_OP2(a, b) ((a) | (b) << 8)

typedef struct ink_jinja_token {
  ink_jinja_token_kind kind;
  int op;
  uint32_t line;
  ink_value value;
} ink_jinja_token;

typedef struct ink_jinja_lexer {
  ink_task *task;
  const char *source; /* [len] line breaks are \n */
  size_t len, at;
  uint32_t line;
  uint32_t nesting; /* open brackets inside the tag */
  enum { INK_JINJA_OUTSIDE, INK_JINJA_IN_BLOCK, INK_JINJA_IN_PRINT } state;
} ink_jinja_lexer;

/* White space as Python's str.isspace() sees it. */
bool ink_is_space(uint32_t code_point);

/* The text without its white space at the beginning and at the end, as asked. */
ink_value ink_strip_space(ink_value text, bool left, bool right);

void ink_jinja_lexer_begin(ink_jinja_lexer *lexer, ink_task *task, ink_str source);
ink_jinja_token ink_jinja_lexer_next(ink_jinja_lexer *lexer);

#endif
