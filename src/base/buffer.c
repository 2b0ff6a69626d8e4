#include "base/buffer.h"

#include <string.h>

#include "base/utf8.h"

void ink_buffer_free(ink_buffer *buffer) {
  if (buffer->data) ink_release(buffer->allocator, buffer->data, buffer->capacity);
  *buffer = (ink_buffer){.allocator = buffer->allocator};
}

ink_status ink_buffer_reserve(ink_buffer *buffer, size_t more, ink_error *error) {
  if (more <= buffer->capacity - buffer->len) return INK_OK;
  uint64_t capacity = (uint64_t)buffer->capacity * 2;
  if (capacity < (uint64_t)buffer->len + more) capacity = (uint64_t)buffer->len + more;
  if (capacity < 256) capacity = 256;
  char *grown;
  INK_TRY(ink_allocate(buffer->allocator, capacity, "text", &grown, error));
  if (buffer->len > 0) memcpy(grown, buffer->data, buffer->len);
  if (buffer->data) ink_release(buffer->allocator, buffer->data, buffer->capacity);
  buffer->data = grown;
  buffer->capacity = (size_t)capacity;
  return INK_OK;
}

ink_status ink_buffer_append(ink_buffer *buffer, const char *bytes, size_t len, ink_error *error) {
  INK_TRY(ink_buffer_reserve(buffer, len, error));
  if (len > 0) memcpy(buffer->data + buffer->len, bytes, len);
  buffer->len += len;
  return INK_OK;
}

ink_status ink_buffer_append_code_point(ink_buffer *buffer, uint32_t code_point,
                                        ink_error *error) {
  INK_TRY(ink_buffer_reserve(buffer, 4, error));
  buffer->len += ink_utf8_encode(code_point, buffer->data + buffer->len);
  return INK_OK;
}
