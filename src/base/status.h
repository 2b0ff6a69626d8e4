/* Filling an ink_error: the one way by which every part of the core reports a failure. */
#ifndef INK_BASE_STATUS_H
#define INK_BASE_STATUS_H

#include "inkling.h"

#if defined(__GNUC__)
#define INK_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define INK_PRINTF(format_index, first)
#endif

/* Formats the message into *error (which may be NULL) and returns `code`. Bytes that are not UTF-8,
 * as names taken from a broken file may be, are shown as '?'. */
ink_status ink_fail(ink_error *error, ink_status code, const char *format, ...) INK_PRINTF(3, 4);

/* ink_fail() for an allocation of `size` bytes that was refused; `what` names its purpose. */
ink_status ink_fail_memory(ink_error *error, uint64_t size, const char *what);

/* A view of bytes owned by somebody else. */
typedef struct ink_str {
  const char *data;
  size_t len;
} ink_str;

/* `text` ends with a zero byte. */
bool ink_str_is(ink_str str, const char *text);

/* For "%.*s": length clipped so that a hostile name cannot crowd out the rest of a message. */
#define INK_STR_ARGS(str) (int)((str).len < 80 ? (str).len : 80), (str).data

#define INK_TRY(expression)                                                                        \
  do {                                                                                             \
    ink_status ink_try_status = (expression);                                                      \
    if (ink_try_status != INK_OK) return ink_try_status;                                           \
  } while (0)

#endif
