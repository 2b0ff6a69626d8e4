/* Python's format specifications, which str.format() and printf-style formatting share. */
#ifndef INK_TEXT_JINJA_FORMAT_H
#define INK_TEXT_JINJA_FORMAT_H

#include "text/jinja.h"

typedef struct ink_jinja_spec {
  ink_value fill;    /* one character */
  char align;        /* '<', '>', '^', '=' (after the sign); 0: as usual for the type */
  char sign;         /* '+', ' ' or '-'; 0: not given */
  char grouping;     /* ',' or '_'; 0: none */
  char type;         /* 0: not given */
  bool alternate;    /* '#' */
  int32_t width;     /* characters; 0: any */
  int32_t precision; /* -1: not given */
} ink_jinja_spec;

/* The widest field, and the most decimals: as many as any number has. */
enum { INK_JINJA_MAX_WIDTH = 1 << 20, INK_JINJA_MAX_PRECISION = 1100 };

/* Append a string cut to the precision, a whole number in base 2, 8, 10 or 16 (`digits`: at least
 * so many), or a number of type e, f, g, % (0: as repr() does); padded to the width. */
void ink_jinja_put_padded(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                          ink_value text);
void ink_jinja_put_whole(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                         ink_value number, int32_t digits);
void ink_jinja_put_decimal(ink_jinja *in, ink_task_buffer *out, const ink_jinja_spec *spec,
                           double number);

/* self.format(*args), with the named ones of `named`. */
ink_value ink_jinja_format(ink_jinja *in, ink_value self, const ink_list *args,
                           const ink_dict *named);

/* self % args: jinja_printf.c */
ink_value ink_jinja_printf(ink_jinja *in, ink_value self, ink_value args);

#endif
