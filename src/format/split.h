/* Models in several files. The first part has the metadata, every part some of the tensors, and each
 * says in its own keys which one it is:
 *   split.no u16, from 0      split.count u16      split.tensors.count i32, of all parts together
 * (Source: llama.cpp's gguf-split.) */
#ifndef INK_FORMAT_SPLIT_H
#define INK_FORMAT_SPLIT_H

#include "format/gguf.h"

typedef struct ink_split {
  uint32_t number;    /* from 0 */
  uint32_t count;     /* 1: the model is in one file */
  uint32_t n_tensors; /* of all parts; 0: the file doesn't say */
} ink_split;

#define INK_MAX_PARTS_OF_MODEL 65535u

/* What the file says of itself; INK_ERR_BAD_MODEL when that can't be true. */
ink_status ink_split_read(const ink_gguf *gguf, ink_split *split, ink_error *error);

/* Whether `part` can be the one with that number of the model that begins with `first`, which may be
 * `part` itself; else INK_ERR_BAD_MODEL. */
ink_status ink_split_check(const ink_split *first, const ink_split *part, uint32_t number,
                           ink_error *error);

/* Whether the parts together have as many tensors as the first one says. */
ink_status ink_split_check_tensors(const ink_split *first, uint64_t n_tensors, ink_error *error);

#endif
