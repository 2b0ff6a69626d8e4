#include "format/stream.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_HEADER_CAPACITY 65536u

/* Bytes of gaps between tensors, and of tensors that are skipped, are read into the end of the
 * header's buffer and forgotten. */
#define GAP_BUFFER 4096u

ink_status ink_gguf_stream_begin(ink_gguf_stream *stream, const ink_allocator *allocator,
                                 uint64_t file_size, ink_gguf_sink sink, ink_error *error) {
  *stream = (ink_gguf_stream){.allocator = *allocator, .sink = sink, .file_size = file_size};
  stream->header_capacity = FIRST_HEADER_CAPACITY;
  return ink_allocate(allocator, stream->header_capacity + GAP_BUFFER, "the file's header",
                      &stream->header, error);
}

void ink_gguf_stream_free(ink_gguf_stream *stream) {
  size_t n_tensors = stream->gguf.n_tensors;
  ink_release(&stream->allocator, stream->order, n_tensors * sizeof *stream->order);
  ink_release(&stream->allocator, stream->destinations, n_tensors * sizeof *stream->destinations);
  ink_gguf_free(&stream->gguf);
  ink_release(&stream->allocator, stream->header, stream->header_capacity + GAP_BUFFER);
  stream->header = NULL;
}

bool ink_gguf_stream_complete(const ink_gguf_stream *stream) {
  if (!stream->has_header) return false;
  return stream->header_only || stream->next == stream->gguf.n_tensors;
}

static const ink_gguf_tensor *next_tensor(const ink_gguf_stream *stream) {
  return &stream->gguf.tensors[stream->order[stream->next]];
}

ink_status ink_gguf_stream_buffer(ink_gguf_stream *stream, uint8_t **ptr, size_t *len,
                                  ink_error *error) {
  if (ink_gguf_stream_complete(stream)) {
    return ink_fail(error, INK_ERR_WRONG_STATE, "the file is complete; no more bytes are needed");
  }
  if (!stream->has_header) {
    *ptr = stream->header + stream->header_len;
    *len = stream->header_capacity - stream->header_len;
    return INK_OK;
  }
  const ink_gguf_tensor *tensor = next_tensor(stream);
  uint8_t *destination = stream->destinations[stream->order[stream->next]];
  if (stream->position >= tensor->offset && destination) {
    *ptr = destination + (stream->position - tensor->offset);
    *len = (size_t)(tensor->offset + tensor->n_bytes - stream->position);
    return INK_OK;
  }
  uint64_t gap = stream->position < tensor->offset
                     ? tensor->offset - stream->position
                     : tensor->offset + tensor->n_bytes - stream->position;
  *ptr = stream->header + stream->header_capacity;
  *len = gap < GAP_BUFFER ? (size_t)gap : GAP_BUFFER;
  return INK_OK;
}

/* Reports tensors that are complete, among them those that were never to be filled. */
static ink_status finish_tensors(ink_gguf_stream *stream, ink_error *error) {
  while (!ink_gguf_stream_complete(stream)) {
    const ink_gguf_tensor *tensor = next_tensor(stream);
    if (stream->position < tensor->offset + tensor->n_bytes) break;
    uint32_t i = stream->order[stream->next++];
    if (stream->destinations[i]) INK_TRY(stream->sink.on_tensor(stream->sink.context, i, error));
  }
  return INK_OK;
}

typedef struct placed {
  uint64_t offset;
  uint32_t tensor;
} placed;

static int by_offset(const void *a, const void *b) {
  const placed *x = a, *y = b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return x->tensor < y->tensor ? -1 : 1;
}

static ink_status order_tensors(ink_gguf_stream *stream, ink_error *error) {
  const ink_gguf *gguf = &stream->gguf;
  placed *list;
  INK_TRY(ink_allocate(&stream->allocator, gguf->n_tensors * sizeof *list, "tensor order", &list,
                       error));
  for (uint32_t i = 0; i < gguf->n_tensors; i++) list[i] = (placed){gguf->tensors[i].offset, i};
  qsort(list, gguf->n_tensors, sizeof *list, by_offset);
  ink_status status = INK_OK;
  for (size_t i = 0; i < gguf->n_tensors; i++) {
    stream->order[i] = list[i].tensor;
    if (i == 0) continue;
    const ink_gguf_tensor *before = &gguf->tensors[list[i - 1].tensor];
    const ink_gguf_tensor *tensor = &gguf->tensors[list[i].tensor];
    if (before->offset + before->n_bytes > tensor->offset) {
      status = ink_fail(error, INK_ERR_CORRUPT,
                        "tensors '%.*s' and '%.*s' overlap at byte %llu of the file",
                        INK_STR_ARGS(before->name), INK_STR_ARGS(tensor->name),
                        (unsigned long long)tensor->offset);
      break;
    }
  }
  ink_release(&stream->allocator, list, gguf->n_tensors * sizeof *list);
  return status;
}

/* Keeps names, and the bytes that came after the header. Memory that can only grow should be able to
 * have weights where it was. */
static ink_status release_header(ink_gguf_stream *stream, size_t excess, size_t *n_released,
                                 ink_error *error) {
  size_t n_names = ink_gguf_name_bytes(&stream->gguf), capacity = n_names + excess;
  uint8_t *kept;
  INK_TRY(ink_allocate(&stream->allocator, (uint64_t)capacity + GAP_BUFFER, "names of tensors", &kept,
                       error));
  ink_gguf_keep_tensors(&stream->gguf, kept);
  memcpy(kept + n_names, stream->header + stream->header_len - excess, excess);
  *n_released = stream->header_capacity + GAP_BUFFER;
  ink_release(&stream->allocator, stream->header, *n_released);
  stream->header = kept;
  stream->header_capacity = stream->header_len = capacity;
  return INK_OK;
}

static ink_status begin_tensors(ink_gguf_stream *stream, ink_error *error) {
  size_t n = stream->gguf.n_tensors;
  INK_TRY(ink_allocate(&stream->allocator, n * sizeof *stream->order, "tensor order",
                       &stream->order, error));
  INK_TRY(ink_allocate(&stream->allocator, n * sizeof *stream->destinations, "tensor places",
                       &stream->destinations, error));
  for (size_t i = 0; i < n; i++) stream->destinations[i] = NULL;
  INK_TRY(order_tensors(stream, error));
  INK_TRY(stream->sink.on_header(stream->sink.context, &stream->gguf, error));
  size_t header_len = stream->header_len, data_offset = (size_t)stream->gguf.data_offset;
  size_t excess = header_len > data_offset ? header_len - data_offset : 0;
  stream->position = excess ? data_offset : header_len;
  if (n > 0 && !stream->header_only) {
    size_t n_released;
    INK_TRY(release_header(stream, excess, &n_released, error));
    INK_TRY(stream->sink.on_places(stream->sink.context, &stream->gguf, n_released,
                                   stream->destinations, error));
  }
  stream->has_header = true;
  INK_TRY(finish_tensors(stream, error));

  /* The buffer was filled past the header: those bytes go where they belong. */
  const uint8_t *source = stream->header + stream->header_len - excess;
  while (excess > 0 && !ink_gguf_stream_complete(stream)) {
    uint8_t *ptr;
    size_t len;
    INK_TRY(ink_gguf_stream_buffer(stream, &ptr, &len, error));
    if (len > excess) len = (size_t)excess;
    memmove(ptr, source, len);
    source += len;
    excess -= len;
    stream->position += len;
    INK_TRY(finish_tensors(stream, error));
  }
  return INK_OK;
}

static ink_status grow_header(ink_gguf_stream *stream, ink_error *error) {
  size_t capacity = stream->header_capacity * 2;
  uint8_t *grown;
  INK_TRY(ink_allocate(&stream->allocator, (uint64_t)capacity + GAP_BUFFER, "the file's header",
                       &grown, error));
  memcpy(grown, stream->header, stream->header_len);
  ink_release(&stream->allocator, stream->header, stream->header_capacity + GAP_BUFFER);
  stream->header = grown;
  stream->header_capacity = capacity;
  return INK_OK;
}

static ink_status truncated(uint64_t at, ink_error *error) {
  return ink_fail(error, INK_ERR_TRUNCATED,
                  "the file ends at byte %llu, before its tensors do; download it again",
                  (unsigned long long)at);
}

/* The header is parsed from its start whenever the buffer is full, so in all at most twice over. */
static ink_status commit_header(ink_gguf_stream *stream, size_t n, ink_error *error) {
  bool ended = n == 0 || stream->header_len + n == stream->file_size;
  stream->header_len += n;
  if (stream->header_len == 0) {
    return ink_fail(error, INK_ERR_NOT_GGUF, "the file is empty");
  }
  /* Besides, a first look at what is no GGUF at all. */
  bool first_look = stream->header_len == n;
  if (stream->header_len < stream->header_capacity && !ended && !first_look) return INK_OK;
  bool complete;
  INK_TRY((stream->values_only ? ink_gguf_parse_values : ink_gguf_parse)(
      &stream->gguf, &stream->allocator, stream->header, stream->header_len, stream->file_size,
      &complete, error));
  if (complete) {
    INK_TRY(begin_tensors(stream, error));
    if (n == 0 && !ink_gguf_stream_complete(stream)) return truncated(stream->header_len, error);
    return INK_OK;
  }
  if (ended) {
    return ink_fail(error, INK_ERR_TRUNCATED,
                    "the file ends at byte %llu, inside its header; download it again",
                    (unsigned long long)stream->header_len);
  }
  return stream->header_len == stream->header_capacity ? grow_header(stream, error) : INK_OK;
}

ink_status ink_gguf_stream_commit(ink_gguf_stream *stream, size_t n, ink_error *error) {
  if (!stream->has_header) return commit_header(stream, n, error);
  if (ink_gguf_stream_complete(stream)) {
    return ink_fail(error, INK_ERR_WRONG_STATE, "the file is complete; no more bytes are needed");
  }
  if (n == 0) return truncated(stream->position, error);
  stream->position += n;
  return finish_tensors(stream, error);
}
