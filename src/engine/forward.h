/* One forward pass for every architecture. */
#ifndef INK_ENGINE_FORWARD_H
#define INK_ENGINE_FORWARD_H

#include "engine/session.h"

/* Runs session->tokens[first .. first + n - 1], n <= INK_BATCH, through all layers: the tokens'
 * embeddings, then layer after layer. Adds their keys and values to the cache and leaves the residual
 * stream in scratch.x. Positions before `first` must have been done. */
void ink_forward_embed(ink_session *session, uint32_t first, uint32_t n);
void ink_forward_layer(ink_session *session, uint32_t index, uint32_t first, uint32_t n);

/* scratch.normed [count][n_embd] of the last batch's tokens from `at` on: the residual stream through the
 * model's last norm. */
void ink_forward_norm(ink_session *session, uint32_t at, uint32_t count);

/* scratch.logits of `count` <= INK_LOGIT_BATCH tokens of the last batch, from its token `at` on. */
void ink_forward_logits(ink_session *session, uint32_t at, uint32_t count);

#endif
