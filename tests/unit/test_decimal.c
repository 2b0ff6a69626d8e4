/* base: decimal digits and printing, beside the C library. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/print.h"
#include "check.h"
#include "fixtures.h"

/* Numbers of all sizes, halves, short decimals, and the least and the largest. */
static double some_number(uint32_t *state) {
  static const uint64_t ends[] = {0, 1, 2, (1ull << 52) - 1,
                                  1ull << 52, 0x7FEFFFFFFFFFFFFF, 0x3FF0000000000000};
  uint64_t bits = (uint64_t)next_random(state) << 40 | (uint64_t)next_random(state) << 20;
  bits ^= next_random(state);
  uint32_t kind = next_random(state);
  switch (kind % 5) {
  case 0: bits = ends[(kind >> 4) % 7]; break;
  case 1: return (double)(bits % 1000000) / 1000.0;
  case 2: return (double)(bits % 100000) / (double)(1 << (kind >> 4) % 12);
  case 3: bits &= ~0ull << 44; break; /* a short fraction */
  default: break;
  }
  double number;
  bits &= ~0ull >> 1;
  memcpy(&number, &bits, sizeof number);
  return isfinite(number) ? number : 1.0;
}

static void digits_are_the_c_librarys(void) {
  uint32_t state = 1;
  char expected[2000], actual[2000], format[16];
  for (int i = 0; i < 20000; i++) {
    double number = some_number(&state);
    uint32_t how = next_random(&state);
    bool alternate = how % 4 == 0;
    int precision = (int)(i % 50 ? (how >> 4) % 25 : (how >> 4) % 1101);
    char type = "eEfFgG"[(how >> 16) % 6];
    snprintf(format, sizeof format, "%%%s.*%c", alternate ? "#" : "", type);
    int len = snprintf(expected, sizeof expected, format, precision, number);
    size_t printed = ink_decimal_print(actual, sizeof actual, number, type, alternate, precision);
    if (printed != (size_t)len || strcmp(actual, expected) != 0) CHECK_FAILED("digits differ");
  }
  CHECK_EQ(ink_decimal_print(actual, 4, 123456.0, 'f', false, 0), 6);
  CHECK(strcmp(actual, "123") == 0);
}

static void check_parsed(const char *text) {
  double number = -1.0, expected = strtod(text, NULL);
  if (!ink_decimal_parse(text, strlen(text), &number) || memcmp(&number, &expected, 8) != 0) {
    CHECK_FAILED("a number was misread");
  }
}

static void texts_are_read_exactly(void) {
  static const char *const texts[] = {
      "1", "1.", ".5", "+.5", "-0.0", "1.e3", "1e400", "-1e400", "1e-400", "0000000001.50",
      "0e99999999999999999999", "1e99999999999999999999", "1e-99999999999999999999",
      "2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623158e308",
      "1.7976931348623159e308", "9007199254740993", "9007199254740995",
      "9007199254740993.00000000000000000000000000000000000000000000001"};
  static const char *const refused[] = {"",   "-",  ".",  "+.",   "1e",  "1e+",
                                        "e5", "1 ", " 1", "0x10", "nan", "1.2.3"};
  uint32_t state = 2;
  char text[2400];
  double number;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_parsed(texts[i]);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    CHECK(!ink_decimal_parse(refused[i], strlen(refused[i]), &number));
  }
  for (int i = 0; i < 20000; i++) {
    number = some_number(&state);
    uint32_t how = next_random(&state);
    int small = (int)(how >> 4) % 20, power = (int)(how >> 4) % 700 - 350;
    unsigned high = next_random(&state), low = next_random(&state);
    if (how % 2) snprintf(text, sizeof text, "%.*e", small, number);
    else snprintf(text, sizeof text, "%u%05ue%d", high, low, power);
    check_parsed(text);
  }
  /* Exactly between two numbers, and a little more: a tie goes to even. */
  for (int i = 0; i < 200; i++) {
    int len = snprintf(text, sizeof text, "%.1076f", ldexp(2 * i + 1, -1074));
    for (int at = 0, rest = 0; at < len; at++) { /* in place: half of it */
      if (text[at] == '.') continue;
      int digit = text[at] - '0' + rest;
      text[at] = (char)('0' + digit / 2);
      rest = digit % 2 ? 10 : 0;
    }
    check_parsed(text);
    snprintf(text + len, sizeof text - (size_t)len, "%040d1", 0);
    check_parsed(text);
  }
}

#define CHECK_PRINTED(...)                                                                         \
  do {                                                                                             \
    snprintf(expected, sizeof expected, __VA_ARGS__);                                              \
    ink_print(actual, sizeof actual, __VA_ARGS__);                                                 \
    CHECK(strcmp(actual, expected) == 0);                                                          \
  } while (0)

static void messages_are_the_c_librarys(void) {
  char expected[80], actual[80];
  CHECK_PRINTED("%d %d %d %u%%", 0, -7, INT32_MIN, UINT32_MAX);
  CHECK_PRINTED("%lld|%llu|%zu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX, (size_t)12);
  CHECK_PRINTED("%ld %lu", -3l, 4ul);
  CHECK_PRINTED("%04x %X %02X \\u%04x", 0xABu, 0xABu, 1u, 0x12345u);
  CHECK_PRINTED("%05d|%5d|%0*lld|%*lld", -42, -42, 3, 7ll, 3, 7ll);
  CHECK_PRINTED("%s.%.*s.%.2s|%c", "ab", 3, "cdefg", "hij", 'k');
  CHECK_PRINTED("%g %g %g %g", 0.5, -1e-7, 1234567.0, 100000.0);
  CHECK_PRINTED("%g %g", (double)INFINITY, -(double)INFINITY);
  ink_print(actual, 6, "%s %d", "abcd", 1234);
  CHECK(strcmp(actual, "abcd ") == 0);
}

int main(void) {
  RUN(digits_are_the_c_librarys);
  RUN(texts_are_read_exactly);
  RUN(messages_are_the_c_librarys);
  return check_result();
}
