/* The feed-forward network of a layer, or of one expert. */
#ifndef INK_ENGINE_MLP_H
#define INK_ENGINE_MLP_H

#include "engine/matrix.h"

/* down(act(gate x) * (up x)) (Shazeer, "GLU Variants Improve Transformer", 2020), or without a gate
 * down(act(up x)). */
typedef struct ink_mlp {
  const ink_linear *gate; /* [n_ff][n_embd]; without data: none */
  const ink_linear *up;   /* [n_ff][n_embd] */
  const ink_linear *down; /* [n_embd][n_ff] */
  uint32_t n_ff;
} ink_mlp;

/* out [n][n_embd], of x [n][n_embd]; uses scratch.gate and scratch.up. */
void ink_mlp_run(ink_session *session, const ink_mlp *mlp, const float *x, uint32_t n, float *out);

#endif
