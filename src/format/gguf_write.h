/* Writing a GGUF header, version 3. First the values, then the tensors, then their data: each at its
 * `offset`, with zeros in between. See gguf.h for the layout. */
#ifndef INK_FORMAT_GGUF_WRITE_H
#define INK_FORMAT_GGUF_WRITE_H

#include "base/buffer.h"
#include "format/gguf.h"

typedef struct ink_gguf_writer {
  ink_buffer bytes;    /* the header so far; whole after ink_gguf_writer_end() */
  uint32_t alignment;  /* of the tensors' data: what general.alignment says, or 32 */
  uint64_t data_size;  /* of the tensors so far, padding included */
  uint64_t n_values;
  uint64_t n_tensors;
} ink_gguf_writer;

/* alignment: a power of two. ink_gguf_writer_free() has to follow, whatever is returned. */
ink_status ink_gguf_writer_begin(ink_gguf_writer *writer, const ink_allocator *allocator,
                                 uint32_t alignment, ink_error *error);
void ink_gguf_writer_free(ink_gguf_writer *writer);

/* A value as it stands in another file. */
ink_status ink_gguf_writer_copy(ink_gguf_writer *writer, const ink_gguf_value *value,
                                ink_error *error);
ink_status ink_gguf_writer_put_u32(ink_gguf_writer *writer, const char *key, uint32_t value,
                                   ink_error *error);
ink_status ink_gguf_writer_put_string(ink_gguf_writer *writer, const char *key, ink_str value,
                                      ink_error *error);

/* By name, type and dimensions; sets n_bytes, and offset to where its data stands after those of the
 * tensors before, from the first tensor's data on. */
ink_status ink_gguf_writer_put_tensor(ink_gguf_writer *writer, ink_gguf_tensor *tensor,
                                      ink_error *error);

/* Pads the header: the first tensor's data follows it. */
ink_status ink_gguf_writer_end(ink_gguf_writer *writer, ink_error *error);

#endif
