/* JSON as RFC 8259 has it: nothing more is taken, and nothing else is written. */
#ifndef INK_TEXT_JSON_H
#define INK_TEXT_JSON_H

#include "text/value.h"

/* The value that `text` is. Strings without escapes aren't copied: `text` must live as long as the
 * value. INK_ERR_INVALID_JSON names the line, counted from
 * task->line or 1; nesting is limited by the task. Of equal keys the last
 * one counts. Undefined after a failure. */
ink_value ink_json_parse(ink_task *task, ink_str text);

typedef struct ink_json_style { /* as json.dumps() of Python */
  bool ensure_ascii;
  bool sort_keys;
  bool lines;              /* one item a line, indented by `indent` */
  ink_value indent;        /* strings */
  ink_value item_separator;
  ink_value key_separator;
} ink_json_style;

/* ", " and ": ", all on one line. */
ink_json_style ink_json_style_default(void);

/* Fails for what JSON can't express. */
void ink_json_put(ink_task *task, ink_task_buffer *out, ink_value value, const ink_json_style *style);

#endif
