#include "cli/gguf_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files.h"
#include "format/split.h"

static ink_status on_header(void *context, const ink_gguf *gguf, ink_error *error) {
  (void)context, (void)gguf, (void)error;
  return INK_OK;
}

static ink_status read_header(gguf_part *part, uint64_t size, ink_error *error) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_gguf_sink sink = {NULL, on_header, NULL, NULL};
  INK_TRY(ink_gguf_stream_begin(&part->stream, &allocator, size, sink, error));
  part->stream.header_only = true;
  while (!ink_gguf_stream_complete(&part->stream)) {
    uint8_t *ptr;
    size_t len;
    INK_TRY(ink_gguf_stream_buffer(&part->stream, &ptr, &len, error));
    errno = 0;
    size_t n = fread(ptr, 1, len, part->file);
    if (n == 0 && ferror(part->file)) {
      return ink_fail(error, INK_ERR_IO, "can't read it: %s", strerror(errno));
    }
    INK_TRY(ink_gguf_stream_commit(&part->stream, n, error));
  }
  return INK_OK;
}

static ink_status check_parts(const gguf_file *file, ink_error *error) {
  ink_split first, part;
  INK_TRY(ink_split_read(&file->parts[0].stream.gguf, &first, error));
  INK_TRY(model_parts_agree(&file->names, first.count, error));
  for (uint32_t i = 0; i < file->names.n; i++) {
    INK_TRY(ink_split_read(&file->parts[i].stream.gguf, &part, error));
    INK_TRY(ink_split_check(&first, &part, i, error));
  }
  return ink_split_check_tensors(&first, gguf_file_n_tensors(file), error);
}

static ink_status open_part(gguf_part *part, const model_part *name, ink_error *error) {
  part->path = name->path;
  part->file = model_part_open(name, error);
  if (!part->file) return error->code;
  return read_header(part, name->size, error) == INK_OK ? INK_OK : model_part_name(name, error);
}

static ink_status open_parts(gguf_file *file, ink_error *error) {
  file->parts = calloc(file->names.n, sizeof *file->parts);
  if (!file->parts) return ink_fail_memory(error, file->names.n * sizeof *file->parts, "headers");
  for (size_t i = 0; i < file->names.n; i++) {
    INK_TRY(open_part(&file->parts[i], &file->names.parts[i], error));
  }
  return check_parts(file, error);
}

bool gguf_file_open(gguf_file *file, const char *path) {
  *file = (gguf_file){0};
  ink_error error;
  if (!model_parts_find(&file->names, path)) return false;
  if (open_parts(file, &error) == INK_OK) return true;
  report(&error);
  gguf_file_close(file);
  return false;
}

void gguf_file_close(gguf_file *file) {
  for (size_t i = 0; i < file->names.n && file->parts; i++) {
    if (file->parts[i].stream.header) ink_gguf_stream_free(&file->parts[i].stream);
    if (file->parts[i].file) fclose(file->parts[i].file);
  }
  free(file->parts);
  file->parts = NULL;
  model_parts_free(&file->names);
}

size_t gguf_file_n_tensors(const gguf_file *file) {
  size_t n = 0;
  for (size_t i = 0; i < file->names.n; i++) n += file->parts[i].stream.gguf.n_tensors;
  return n;
}

const ink_gguf_tensor *gguf_file_tensor(const gguf_file *file, size_t i, gguf_part **part) {
  *part = file->parts;
  while (i >= (*part)->stream.gguf.n_tensors) i -= (*part)++->stream.gguf.n_tensors;
  return &(*part)->stream.gguf.tensors[i];
}

ink_status gguf_part_read(gguf_part *part, uint64_t offset, void *out, size_t len,
                          ink_error *error) {
  errno = 0;
  if (fseeko(part->file, (off_t)offset, SEEK_SET) == 0 && fread(out, 1, len, part->file) == len) {
    return INK_OK;
  }
  return ink_fail(error, INK_ERR_IO, "can't read '%s': %s", part->path,
                  errno ? strerror(errno) : "it became shorter");
}
