/* Matrices times a batch of vectors, shared between the session's threads. */
#ifndef INK_ENGINE_MATRIX_H
#define INK_ENGINE_MATRIX_H

#include "engine/session.h"

/* Vectors that several matrices are multiplied with, in both forms that kernels take: as they are,
 * and quantised in scratch.activations, where they stay until the next ones are prepared. */
typedef struct ink_input {
  const float *x; /* [n_tokens][columns] */
  uint32_t n_tokens;
} ink_input;

/* Parts that the session's threads are to share so many multiplications out into, if they can be. */
uint32_t ink_matrix_parts(const ink_session *session, uint64_t work);

ink_input ink_prepare(ink_session *session, const float *x, uint32_t n_tokens, uint32_t n_cols);

/* y[t] = W x[t] + b, with what adapters add to W; y's rows are as long as the matrix has rows, rounded
 * up to a panel. */
typedef struct ink_product {
  const ink_linear *linear;
  float *y;
} ink_product;

/* n matrices times the same vectors; at once, so that threads meet once. */
void ink_multiply(ink_session *session, const ink_product *products, uint32_t n, ink_input in);

#endif
