/* What is in a model's files: their keys and tensors, as text or JSON. */
#ifndef INK_CLI_LISTING_H
#define INK_CLI_LISTING_H

#include "cli/gguf_file.h"

/* One line: how many files and bytes, and how many tensors of each block type. */
void listing_print_summary(const gguf_file *file);

/* A line a key: its name, and its value or, of arrays, what they hold. */
void listing_print_metadata(const gguf_file *file);

/* A line a tensor: its name, shape (columns first), block type and bytes. */
void listing_print_tensors(const gguf_file *file);

/* "file":{…},"metadata":{…},"tensors":[…]. In the metadata, an array is an object of its element type
 * and count; a tensor's offset is its first byte's in its part. */
void listing_print_json(const gguf_file *file);

#endif
