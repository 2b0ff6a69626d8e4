/* Causal grouped-query attention over the KV cache (Ainslie et al., 2023), in some layers over a
 * sliding window of it (Beltagy et al., "Longformer", 2020). */
#ifndef INK_ENGINE_ATTENTION_H
#define INK_ENGINE_ATTENTION_H

#include "engine/session.h"

/* Of token t of the batch's n, which begins at the position `first`: scales its queries, puts them
 * into scratch.queries, and stores its keys and values. Reads scratch.q, k, v: queries and keys are
 * rotated already. */
void ink_attention_store(ink_session *session, uint32_t layer, uint32_t first, uint32_t n,
                         uint32_t t);

/* scratch.attended = softmax(q K^T) V for the batch, each token seeing itself and what is before,
 * as far as the layer's window reaches. */
void ink_attention_attend(ink_session *session, uint32_t layer, uint32_t first, uint32_t n);

#endif
