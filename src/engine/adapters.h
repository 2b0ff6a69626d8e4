/* What a session's adapters add to products with the model's matrices. */
#ifndef INK_ENGINE_ADAPTERS_H
#define INK_ENGINE_ADAPTERS_H

#include "engine/session.h"

/* y[t] += scale B (A x[t]) for each adapter that has a pair for the matrix of that number. */
void ink_adapters_multiply(ink_session *session, uint32_t number, const float *x,
                           uint32_t n_tokens, float *y, size_t y_stride);

/* Adds the row that they give the token to x [n_embd], its row of token_embd. */
void ink_adapters_embed(ink_session *session, ink_token token, float *x);

#endif
