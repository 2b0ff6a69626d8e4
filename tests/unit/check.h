/* The few assertions that the C tests need. A test program lists its tests in main() with RUN() and
 * returns check_result(); a failed check is reported and counted, and the test goes on. */
#ifndef INK_TESTS_CHECK_H
#define INK_TESTS_CHECK_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "inkling.h"

static int check_failures;
static int check_count;

#define CHECK(condition)                                                                           \
  (check_count++, (condition) ? (void)0                                                            \
                              : (check_failures++, (void)printf("%s:%d: failed: %s\n", __FILE__,   \
                                                                __LINE__, #condition)))

#define CHECK_FAILED(what)                                                                         \
  (check_count++, check_failures++, (void)printf("%s:%d: %s\n", __FILE__, __LINE__, what))

#define CHECK_EQ(actual, expected)                                                                 \
  do {                                                                                             \
    long long check_a = (long long)(actual), check_e = (long long)(expected);                      \
    check_count++;                                                                                 \
    if (check_a == check_e) break;                                                                 \
    check_failures++;                                                                              \
    printf("%s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #actual, check_a, check_e);   \
  } while (0)

#define CHECK_STATUS(actual, expected)                                                             \
  do {                                                                                             \
    ink_status check_a = (actual), check_e = (expected);                                           \
    check_count++;                                                                                 \
    if (check_a == check_e) break;                                                                 \
    check_failures++;                                                                              \
    printf("%s:%d: %s is %s, expected %s\n", __FILE__, __LINE__, #actual,                          \
           ink_status_name(check_a), ink_status_name(check_e));                                    \
  } while (0)

#define RUN(test)                                                                                  \
  do {                                                                                             \
    int check_before = check_failures;                                                             \
    test();                                                                                        \
    printf("%s %s\n", check_failures == check_before ? "ok  " : "FAIL", #test);                    \
  } while (0)

/* The program's exit status: a run that checked nothing has failed too. */
static inline int check_result(void) {
  printf("%d checks, %d failed\n", check_count, check_failures);
  return check_failures > 0 || check_count == 0;
}

#endif
