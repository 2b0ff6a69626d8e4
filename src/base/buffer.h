/* Bytes that grow. */
#ifndef INK_BASE_BUFFER_H
#define INK_BASE_BUFFER_H

#include "base/memory.h"

/* Initialise with {.allocator = a}; free with ink_buffer_free(). */
typedef struct ink_buffer {
  const ink_allocator *allocator;
  char *data; /* [capacity] of which len are in use */
  size_t len;
  size_t capacity;
} ink_buffer;

void ink_buffer_free(ink_buffer *buffer);

/* Room for `more` bytes past len; capacity at least doubles when it grows. */
ink_status ink_buffer_reserve(ink_buffer *buffer, size_t more, ink_error *error);
ink_status ink_buffer_append(ink_buffer *buffer, const char *bytes, size_t len, ink_error *error);

/* Appends a code point as UTF-8. */
ink_status ink_buffer_append_code_point(ink_buffer *buffer, uint32_t code_point, ink_error *error);

#endif
