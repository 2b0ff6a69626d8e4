/* A tensor's rows, from one type to another. */
#ifndef INK_FORMAT_REQUANTIZE_H
#define INK_FORMAT_REQUANTIZE_H

#include "base/pool.h"
#include "format/gguf.h"

/* A matrix of low rank: of row r and column c, the sum over i of scale * left[r][i] * right[i][c]. */
typedef struct ink_low_rank {
  const float *left;  /* [rows][rank] */
  const float *right; /* [rank][n_cols] */
  uint32_t rank;
  float scale;
} ink_low_rank;

typedef struct ink_requantize {
  const ink_gguf_tensor *tensor; /* as it is: its type, columns and name */
  ink_type type;                 /* as it is to be; one that can be encoded */
  const float *importance;       /* [n_cols] of each matrix of dims[1] rows, [dims[2]] of them; or NULL:
                                    see ink_encode_row() */
  const ink_low_rank *added;     /* [n_added] what is added to the tensor before, if that is one matrix */
  size_t n_added;
  float *scratch;                /* [ink_pool_size()][2][n_cols] */
} ink_requantize;

/* Bytes of a row of n_cols columns, which the type's block divides. */
uint64_t ink_row_bytes(uint32_t type, uint64_t n_cols);

/* Rows `first` to first + n - 1, counted over all of the tensor's matrices: `in` has their blocks, `out`
 * room for the new ones. INK_ERR_BAD_MODEL when a value is not finite, or too large for the new type. */
ink_status ink_requantize_rows(const ink_requantize *job, ink_pool *pool, uint64_t first, uint64_t n,
                               const uint8_t *in, uint8_t *out, ink_error *error);

#endif
