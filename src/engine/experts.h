/* Mixture of experts: a router chooses, for each token, a few of many feed-forward networks
 * (Shazeer et al., "Outrageously Large Neural Networks", 2017; Jiang et al., "Mixtral of Experts",
 * 2024). */
#ifndef INK_ENGINE_EXPERTS_H
#define INK_ENGINE_EXPERTS_H

#include "engine/matrix.h"

/* scratch.projected = what the layer's experts make of x [n][n_embd]. */
void ink_experts(ink_session *session, const ink_layer *layer, const float *x, uint32_t n);

#endif
