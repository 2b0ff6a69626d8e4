/* Reading a GGUF file as it arrives: first the header, then every tensor straight to its place. */
#ifndef INK_FORMAT_STREAM_H
#define INK_FORMAT_STREAM_H

#include "format/gguf.h"

/* What is to be done with the file's parts. */
typedef struct ink_gguf_sink {
  void *context;
  /* The header is complete. */
  ink_status (*on_header)(void *context, const ink_gguf *gguf, ink_error *error);
  /* All that is left of it are the tensors: set destinations[i], tensor i's place of
   * tensors[i].n_bytes, or leave NULL to skip it. n_released: bytes in one piece that have just been
   * given back to the allocator. Not called where no tensor is to be read. */
  ink_status (*on_places)(void *context, const ink_gguf *gguf, size_t n_released,
                          uint8_t **destinations, ink_error *error);
  /* All bytes of tensor i are at its destination. Called once per tensor that has one. */
  ink_status (*on_tensor)(void *context, size_t tensor, ink_error *error);
} ink_gguf_sink;

typedef struct ink_gguf_stream {
  ink_allocator allocator;
  ink_gguf_sink sink;
  uint64_t file_size; /* 0: not known */
  bool values_only;   /* to be set before the first bytes: the file ends, as it were, with its keys */
  bool header_only;   /* likewise: the file ends with its header */
  uint64_t position;  /* bytes of the file committed to tensors or skipped, once past the header */

  uint8_t *header; /* [header_capacity], owned; `gguf` points into it. Once it has been read: names of
                      tensors */
  size_t header_len;
  size_t header_capacity;
  ink_gguf gguf;
  bool has_header;

  uint32_t *order;        /* [n_tensors] tensors by offset */
  uint8_t **destinations; /* [n_tensors] */
  size_t next;            /* in `order`: the tensor being filled or awaited */
} ink_gguf_stream;

ink_status ink_gguf_stream_begin(ink_gguf_stream *stream, const ink_allocator *allocator,
                                 uint64_t file_size, ink_gguf_sink sink, ink_error *error);
void ink_gguf_stream_free(ink_gguf_stream *stream);

/* As ink_loader_buffer(), ink_loader_commit() and ink_loader_complete(). */
ink_status ink_gguf_stream_buffer(ink_gguf_stream *stream, uint8_t **ptr, size_t *len,
                                  ink_error *error);
ink_status ink_gguf_stream_commit(ink_gguf_stream *stream, size_t n, ink_error *error);
bool ink_gguf_stream_complete(const ink_gguf_stream *stream);

#endif
