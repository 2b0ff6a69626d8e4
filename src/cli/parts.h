/* The files of a model: one, or the parts NAME-00001-of-00003.gguf and so on. */
#ifndef INK_CLI_PARTS_H
#define INK_CLI_PARTS_H

#include <stdio.h>

#include "inkling.h"

typedef struct model_part {
  char *path; /* owned */
  uint64_t size;
} model_part;

typedef struct model_parts {
  model_part *parts; /* [n], in order */
  size_t n;
  uint64_t size; /* of all */
} model_parts;

/* Finds all parts beside any one of them. False after report(): a part is missing. */
bool model_parts_find(model_parts *parts, const char *path);
void model_parts_free(model_parts *parts);

/* For reading, from the beginning; NULL with the error filled, which names it, also for an empty one. */
FILE *model_part_open(const model_part *part, ink_error *error);

/* Puts the part's name before what the error says; returns its code. */
ink_status model_part_name(const model_part *part, ink_error *error);

/* Whether a file that says it is one of `count` parts is so by its name; else INK_ERR_BAD_MODEL. */
ink_status model_parts_agree(const model_parts *parts, uint32_t count, ink_error *error);

#endif
