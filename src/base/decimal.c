#include "base/decimal.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Room for every double and, when reading, for a digit more than halfway between two of them has:
 * 1074 and 1075 decimals. */
enum { WORD = 1000000000, WORD_DIGITS = 9, WHOLE = 35, WORDS = WHOLE + 122 };
enum { POINT = WHOLE * WORD_DIGITS, DIGITS = WORDS * WORD_DIGITS };
enum { MANTISSA_BITS = 53, LEAST_EXPONENT = -1074 };

/* A number not below 0 in base 10^9 with a fixed point, after words[WHOLE - 1]. */
typedef struct fixed {
  uint32_t words[WORDS];
  int first, end; /* all before words[first] and from words[end] on are 0 */
  bool more;      /* what lies beyond the last word is not 0 */
} fixed;

/* By 2^bits, at most 29; the product has to be below 10^POINT. */
static void multiply(fixed *x, int bits) {
  uint64_t carry = 0;
  for (int i = x->end; i-- > x->first;) {
    uint64_t value = ((uint64_t)x->words[i] << bits) + carry;
    x->words[i] = (uint32_t)(value % WORD);
    carry = value / WORD;
  }
  if (carry) x->words[--x->first] = (uint32_t)carry;
  while (x->end > x->first && x->words[x->end - 1] == 0) x->end--;
}

/* By 2^bits, at most 9, by which a word's base can be divided. */
static void divide(fixed *x, int bits) {
  uint32_t unit = WORD >> bits, rest = 0;
  for (int i = x->first; i < x->end; i++) {
    uint32_t word = x->words[i];
    x->words[i] = (word >> bits) + rest * unit;
    rest = word & ((1u << bits) - 1);
  }
  if (rest && x->end < WORDS) x->words[x->end++] = rest * unit;
  else if (rest) x->more = true;
  while (x->first < x->end && x->words[x->first] == 0) x->first++;
}

static void set_double(fixed *x, double number) {
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  int exponent = (int)(bits >> (MANTISSA_BITS - 1) & 0x7FF);
  uint64_t mantissa = bits & ((1ull << (MANTISSA_BITS - 1)) - 1);
  if (exponent) mantissa |= 1ull << (MANTISSA_BITS - 1);
  exponent += LEAST_EXPONENT - (exponent > 0);
  while (mantissa && !(mantissa & 1)) {
    mantissa >>= 1;
    exponent++;
  }
  memset(x, 0, sizeof *x);
  x->words[WHOLE - 2] = (uint32_t)(mantissa / WORD);
  x->words[WHOLE - 1] = (uint32_t)(mantissa % WORD);
  x->first = WHOLE - 2;
  x->end = WHOLE;
  if (mantissa == 0) exponent = 0;
  for (int n; exponent > 0; exponent -= n) multiply(x, n = exponent < 29 ? exponent : 29);
  for (int n; exponent < 0; exponent += n) divide(x, n = exponent > -9 ? -exponent : 9);
}

/* ---- Writing ---- */

typedef struct sink {
  char *out;
  size_t size, len;
} sink;

static void put(sink *to, char c) {
  if (to->len + 1 < to->size) to->out[to->len] = c;
  to->len++;
}

/* Rounds digits[0 .. last], of which the first is 0, by those that follow: half to even. */
static void round_at(char digits[DIGITS], int last) {
  if (last + 1 >= DIGITS || digits[last + 1] < '5') return;
  int i = last + 2;
  while (i < DIGITS && digits[i] == '0') i++;
  bool half = digits[last + 1] == '5' && i >= DIGITS;
  if (half && (digits[last] - '0') % 2 == 0) return;
  for (i = last; digits[i] == '9'; i--) digits[i] = '0';
  digits[i]++;
}

/* digits[begin .. last], with a point after digits[point]. */
static void put_digits(sink *to, const char digits[DIGITS], int begin, int point, int last,
                       bool alternate) {
  for (int i = begin; i <= last; i++) {
    put(to, (char)(i < DIGITS ? digits[i] : '0'));
    if (i == point && (last > point || alternate)) put(to, '.');
  }
}

size_t ink_decimal_print(char *out, size_t size, double number, char type, bool alternate,
                         int precision) {
  char digits[DIGITS];
  char small = (char)(type | 0x20);
  bool general = small == 'g', in_place = small == 'f';
  sink to = {.out = out, .size = size};
  fixed x;
  set_double(&x, number);
  memset(digits, '0', sizeof digits);
  for (int i = x.end * WORD_DIGITS; i-- > x.first * WORD_DIGITS; x.words[i / WORD_DIGITS] /= 10) {
    digits[i] = (char)('0' + x.words[i / WORD_DIGITS] % 10);
  }
  int first = 0; /* digit that is not 0; of 0 itself its only one */
  while (first < DIGITS && digits[first] == '0') first++;
  if (first == DIGITS) first = POINT - 1;
  if (general && precision > 0) precision--;
  int last = (in_place ? POINT - 1 : first) + precision;
  round_at(digits, last);
  if (digits[first - 1] != '0') {
    first--;
    if (!in_place) last--;
  }
  int exponent = POINT - 1 - first;
  if (general) in_place = exponent >= -4 && exponent <= precision;
  int point = in_place ? POINT - 1 : first;
  while (general && !alternate && last > point && (last >= DIGITS || digits[last] == '0')) last--;
  put_digits(&to, digits, first < point ? first : point, point, last, alternate);
  if (!in_place) {
    int power = exponent < 0 ? -exponent : exponent;
    put(&to, small == type ? 'e' : 'E');
    put(&to, exponent < 0 ? '-' : '+');
    if (power >= 100) put(&to, (char)('0' + power / 100));
    put(&to, (char)('0' + power / 10 % 10));
    put(&to, (char)('0' + power % 10));
  }
  if (size > 0) out[to.len < size ? to.len : size - 1] = '\0';
  return to.len;
}

/* ---- Reading ---- */

static bool is_digit(const char *at, const char *end) {
  return at < end && *at >= '0' && *at <= '9';
}

/* A whole number with or without a sign, of which a very large one stays very large. */
static const char *parse_exponent(const char *at, const char *end, int64_t *out) {
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  int64_t value = 0;
  if (!is_digit(at, end)) return NULL;
  for (; is_digit(at, end); at++) {
    if (value < (int64_t)1 << 40) value = value * 10 + (*at - '0');
  }
  *out = negative ? -value : value;
  return at;
}

/* The number's whole part, or 2^63 for one of 10^18 and more. */
static uint64_t whole_part(const fixed *x) {
  if (x->first < WHOLE - 2) return 1ull << 63;
  return (uint64_t)x->words[WHOLE - 2] * WORD + x->words[WHOLE - 1];
}

static int bits_of(uint64_t value) {
  int n = 0;
  for (; value; value >>= 1) n++;
  return n;
}

static double double_of(fixed *x) {
  int exponent = 0, n; /* the number is *x times 2^exponent */
  while ((n = bits_of(whole_part(x)) - MANTISSA_BITS) > 0) {
    n = n < 9 ? n : 9;
    divide(x, n);
    exponent += n;
  }
  while (x->first < x->end && exponent > LEAST_EXPONENT &&
         (n = MANTISSA_BITS - bits_of(whole_part(x))) > 0) {
    n = n < 29 ? n : 29;
    if (n > exponent - LEAST_EXPONENT) n = exponent - LEAST_EXPONENT;
    multiply(x, n);
    exponent -= n;
  }
  uint64_t bits = whole_part(x);
  bool beyond = x->more || x->end > WHOLE + 1;
  uint32_t part = x->words[WHOLE];
  if (part > WORD / 2 || (part == WORD / 2 && (beyond || bits % 2))) bits++;
  /* The mantissa's highest bit is no part of the format, and so adds 1 to the exponent's field. */
  uint64_t infinite = 0x7FFull << (MANTISSA_BITS - 1);
  if (bits >> (MANTISSA_BITS - 1))
    bits += (uint64_t)(exponent - LEAST_EXPONENT) << (MANTISSA_BITS - 1);
  if (bits > infinite) bits = infinite;
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/* The digits at `text`, and perhaps a point among them; the first, not 0, stands for 10^power. */
static void set_digits(fixed *x, const char *text, const char *end, int64_t power) {
  memset(x, 0, sizeof *x);
  x->first = x->end = WHOLE;
  for (const char *at = text; at < end; at++) {
    if (*at == '.') continue;
    int64_t place = POINT - 1 - power--;
    if (*at == '0') continue;
    if (place >= DIGITS) {
      x->more = true;
      return;
    }
    uint32_t unit = WORD / 10;
    for (int64_t i = place % WORD_DIGITS; i > 0; i--) unit /= 10;
    int word = (int)(place / WORD_DIGITS);
    x->words[word] += unit * (uint32_t)(*at - '0');
    if (at == text) x->first = word; /* which is not 0 */
    x->end = word + 1;
  }
}

bool ink_decimal_parse(const char *text, size_t len, double *out) {
  const char *at = text, *end = text + len;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  const char *begin = at;
  while (is_digit(at, end)) at++;
  int64_t power = at - begin, exponent = 0;
  bool any = at > begin;
  if (at < end && *at == '.') {
    any |= is_digit(++at, end);
    while (is_digit(at, end)) at++;
  }
  const char *digits_end = at;
  if (!any) return false;
  if (at < end && (*at == 'e' || *at == 'E')) at = parse_exponent(at + 1, end, &exponent);
  if (at != end) return false;
  /* Leading zeros say nothing, and what follows them may be anywhere. */
  for (; begin < digits_end && (*begin == '0' || *begin == '.'); begin++) power -= *begin == '0';
  power += exponent - 1;
  fixed x;
  if (begin == digits_end) *out = 0.0;
  else if (power >= POINT - 1) *out = (double)INFINITY;
  else {
    set_digits(&x, begin, digits_end, power);
    *out = double_of(&x);
  }
  if (negative) *out = -*out;
  return true;
}
