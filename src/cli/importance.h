/* Importance weights, as llama.cpp's llama-imatrix measures them: how large the inputs of each column
 * of a matrix are. The GGUF format: tensors NAME.in_sum2 (sums of squares, [n_cols][n_matrices]) and
 * NAME.counts (of how many inputs, [1][n_matrices]), F32. */
#ifndef INK_CLI_IMPORTANCE_H
#define INK_CLI_IMPORTANCE_H

#include "cli/gguf_file.h"

typedef struct importance {
  gguf_file file;
  size_t n_used; /* tensors of the model that it had weights for */
} importance;

/* False after report(). */
bool importance_open(importance *importance, const char *path);
void importance_close(importance *importance);

/* [dims[0]] mean squares for each matrix of the tensor, to be freed; NULL when the file has none for
 * it. INK_ERR_BAD_MODEL when they do not fit the tensor. */
ink_status importance_read(importance *importance, const ink_gguf_tensor *tensor, float **weights,
                           ink_error *error);

#endif
