#include "base/print.h"

#include <math.h>

#include "base/decimal.h"

typedef struct printer {
  char *at, *end; /* a zero byte fits at `end` */
  const char *format;
  va_list args;
} printer;

static void put(printer *p, const char *text, size_t len) {
  for (size_t i = 0; i < len && p->at < p->end; i++) *p->at++ = text[i];
}

/* Digits, or '*': an argument; 0 when there is neither. */
static int take_size(printer *p) {
  int size = 0;
  if (*p->format == '*') {
    p->format++;
    return va_arg(p->args, int);
  }
  for (; *p->format >= '0' && *p->format <= '9'; p->format++) size = size * 10 + (*p->format - '0');
  return size;
}

static void put_whole(printer *p, uint64_t number, bool negative, char type, char fill, int width) {
  char digits[24];
  size_t n = sizeof digits;
  unsigned base = type == 'x' || type == 'X' ? 16 : 10;
  do {
    digits[--n] = (type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[number % base];
    number /= base;
  } while (number > 0);
  int len = (int)(sizeof digits - n) + negative;
  if (negative && fill == '0') put(p, "-", 1);
  for (; len < width; len++) put(p, &fill, 1);
  if (negative && fill != '0') put(p, "-", 1);
  put(p, digits + n, sizeof digits - n);
}

static void put_decimal(printer *p, double number) {
  char digits[24];
  if (signbit(number)) put(p, "-", 1);
  if (!isfinite(number)) put(p, isnan(number) ? "nan" : "inf", 3);
  else put(p, digits, ink_decimal_print(digits, sizeof digits, number, 'g', false, 6));
}

/* After a '%'. */
static void put_conversion(printer *p) {
  char fill = ' ';
  if (*p->format == '0') {
    p->format++;
    fill = '0';
  }
  int width = take_size(p), precision = -1;
  if (*p->format == '.') {
    p->format++;
    precision = take_size(p);
  }
  bool is_size = *p->format == 'z';
  int longs = 0;
  p->format += is_size;
  for (; *p->format == 'l'; p->format++) longs++;
  char type = *p->format++;
  switch (type) {
  case 'd': {
    int64_t number = longs > 1 ? va_arg(p->args, long long)
                     : longs   ? va_arg(p->args, long)
                               : va_arg(p->args, int);
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    put_whole(p, magnitude, number < 0, type, fill, width);
    return;
  }
  case 'u':
  case 'x':
  case 'X': {
    uint64_t number = is_size     ? va_arg(p->args, size_t)
                      : longs > 1 ? va_arg(p->args, unsigned long long)
                      : longs     ? va_arg(p->args, unsigned long)
                                  : va_arg(p->args, unsigned);
    put_whole(p, number, false, type, fill, width);
    return;
  }
  case 's': {
    const char *text = va_arg(p->args, const char *);
    size_t len = 0;
    while (precision < 0 ? text[len] != '\0' : len < (size_t)precision && text[len]) len++;
    put(p, text, len);
    return;
  }
  case 'c': {
    char c = (char)va_arg(p->args, int);
    put(p, &c, 1);
    return;
  }
  case 'g': put_decimal(p, va_arg(p->args, double)); return;
  default: put(p, &type, 1); return;
  }
}

void ink_print_list(char *out, size_t size, const char *format, va_list args) {
  printer p = {.at = out, .end = out + size - 1, .format = format};
  va_copy(p.args, args);
  while (*p.format) {
    const char *begin = p.format;
    while (*p.format && *p.format != '%') p.format++;
    put(&p, begin, (size_t)(p.format - begin));
    if (*p.format == '%' && *++p.format) put_conversion(&p);
  }
  va_end(p.args);
  *p.at = '\0';
}

void ink_print(char *out, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  ink_print_list(out, size, format, args);
  va_end(args);
}
