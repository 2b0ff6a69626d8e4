#include "format/gguf_write.h"

#include <string.h>

#define GGUF_VERSION 3u
#define COUNTS_OFFSET 8u /* of n_tensors and n_values, known only at the end */

static void store_u64(char *out, uint64_t value) {
  for (uint32_t i = 0; i < 8; i++) out[i] = (char)(value >> 8 * i & 0xFFu);
}

static ink_status put_u32(ink_gguf_writer *w, uint32_t value, ink_error *error) {
  char bytes[8];
  store_u64(bytes, value);
  return ink_buffer_append(&w->bytes, bytes, 4, error);
}

static ink_status put_u64(ink_gguf_writer *w, uint64_t value, ink_error *error) {
  char bytes[8];
  store_u64(bytes, value);
  return ink_buffer_append(&w->bytes, bytes, 8, error);
}

static ink_status put_str(ink_gguf_writer *w, ink_str value, ink_error *error) {
  INK_TRY(put_u64(w, value.len, error));
  return ink_buffer_append(&w->bytes, value.data, value.len, error);
}

static ink_status put_key(ink_gguf_writer *w, ink_str key, uint32_t type, ink_error *error) {
  w->n_values++;
  INK_TRY(put_str(w, key, error));
  return put_u32(w, type, error);
}

ink_status ink_gguf_writer_begin(ink_gguf_writer *w, const ink_allocator *allocator,
                                 uint32_t alignment, ink_error *error) {
  *w = (ink_gguf_writer){.bytes = {.allocator = allocator}, .alignment = alignment};
  INK_TRY(ink_buffer_append(&w->bytes, "GGUF", 4, error));
  INK_TRY(put_u32(w, GGUF_VERSION, error));
  INK_TRY(put_u64(w, 0, error));
  return put_u64(w, 0, error);
}

void ink_gguf_writer_free(ink_gguf_writer *w) { ink_buffer_free(&w->bytes); }

ink_status ink_gguf_writer_copy(ink_gguf_writer *w, const ink_gguf_value *value, ink_error *error) {
  INK_TRY(put_key(w, value->key, value->type, error));
  if (value->type == INK_GGUF_ARRAY) {
    INK_TRY(put_u32(w, value->element_type, error));
    INK_TRY(put_u64(w, value->count, error));
  }
  return ink_buffer_append(&w->bytes, (const char *)value->data, value->n_bytes, error);
}

ink_status ink_gguf_writer_put_u32(ink_gguf_writer *w, const char *key, uint32_t value,
                                   ink_error *error) {
  INK_TRY(put_key(w, (ink_str){key, strlen(key)}, INK_GGUF_U32, error));
  return put_u32(w, value, error);
}

ink_status ink_gguf_writer_put_string(ink_gguf_writer *w, const char *key, ink_str value,
                                      ink_error *error) {
  INK_TRY(put_key(w, (ink_str){key, strlen(key)}, INK_GGUF_STRING, error));
  return put_str(w, value, error);
}

static uint64_t padded(const ink_gguf_writer *w, uint64_t size) {
  return (size + w->alignment - 1) / w->alignment * w->alignment;
}

ink_status ink_gguf_writer_put_tensor(ink_gguf_writer *w, ink_gguf_tensor *tensor,
                                      ink_error *error) {
  const ink_type_traits *traits = ink_type_get_traits(tensor->type);
  uint64_t scalars = tensor->dims[0] * tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
  tensor->n_bytes = scalars / traits->block_columns * traits->block_bytes;
  tensor->offset = w->data_size;
  w->data_size += padded(w, tensor->n_bytes);
  w->n_tensors++;
  INK_TRY(put_str(w, tensor->name, error));
  INK_TRY(put_u32(w, tensor->n_dims, error));
  for (uint32_t d = 0; d < tensor->n_dims; d++) INK_TRY(put_u64(w, tensor->dims[d], error));
  INK_TRY(put_u32(w, tensor->type, error));
  return put_u64(w, tensor->offset, error);
}

ink_status ink_gguf_writer_end(ink_gguf_writer *w, ink_error *error) {
  size_t padding = (size_t)(padded(w, w->bytes.len) - w->bytes.len);
  INK_TRY(ink_buffer_reserve(&w->bytes, padding, error));
  memset(w->bytes.data + w->bytes.len, 0, padding);
  w->bytes.len += padding;
  store_u64(w->bytes.data + COUNTS_OFFSET, w->n_tensors);
  store_u64(w->bytes.data + COUNTS_OFFSET + 8, w->n_values);
  return INK_OK;
}
