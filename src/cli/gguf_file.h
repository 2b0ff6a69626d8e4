/* GGUF files on disk, in one part or several: their headers, and their tensors' bytes on request. */
#ifndef INK_CLI_GGUF_FILE_H
#define INK_CLI_GGUF_FILE_H

#include <stdio.h>

#include "cli/parts.h"
#include "format/stream.h"

typedef struct gguf_part {
  FILE *file;
  const char *path;
  ink_gguf_stream stream; /* stopped after the header, which stream.gguf describes */
} gguf_part;

typedef struct gguf_file {
  model_parts names;
  gguf_part *parts; /* [names.n]; the first has the metadata */
} gguf_file;

/* Opens the file, and all others of a model in parts, and reads and checks their headers. False after
 * report(). */
bool gguf_file_open(gguf_file *file, const char *path);
void gguf_file_close(gguf_file *file);

/* The number of tensors in all parts, and tensor i of them. */
size_t gguf_file_n_tensors(const gguf_file *file);
const ink_gguf_tensor *gguf_file_tensor(const gguf_file *file, size_t i, gguf_part **part);

/* len bytes at `offset` of the part; INK_ERR_IO. */
ink_status gguf_part_read(gguf_part *part, uint64_t offset, void *out, size_t len, ink_error *error);

#endif
