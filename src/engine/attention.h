/* Causal grouped-query attention over the KV cache (Ainslie et al., 2023). */
#ifndef INK_ENGINE_ATTENTION_H
#define INK_ENGINE_ATTENTION_H

#include "engine/session.h"

/* Rotates queries and keys of the batch's n tokens by their positions (Su et al., "RoFormer", 2021;
 * neighbouring dimensions are pairs), scales queries by 1 / sqrt(head width), and stores keys and
 * values of the positions from `first` on. Reads scratch.q, k, v. */
void ink_attention_store(ink_session *session, uint32_t layer, uint32_t first, uint32_t n);

/* scratch.attended = softmax(q K^T) V for the batch, each token seeing itself and what is before. */
void ink_attention_attend(ink_session *session, uint32_t layer, uint32_t first, uint32_t n);

/* scratch.rotation for the positions first .. first + n - 1. */
void ink_attention_set_rotation(ink_session *session, uint32_t first, uint32_t n);

#endif
