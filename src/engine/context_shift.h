/* Going on when the context is full: the first tokens stay, the older half of the others goes.
 *
 * Attention leans on the very first tokens whatever they say ("attention sinks"); a window that slides
 * past them ruins the text, one that keeps some of them doesn't (Xiao et al., "Efficient Streaming
 * Language Models with Attention Sinks", StreamingLLM, 2023). Positions count within the context, as
 * there: what stays moves towards the beginning, and its cached keys are turned by the difference.
 * Half the context goes at once, so that this happens rarely.
 *
 * Where keys can't be moved, the tokens that stay are evaluated again, which takes as long as reading
 * a prompt of that length: with learned positions, and where a sliding window would come to see the
 * first tokens, which its ring no longer holds. */
#ifndef INK_ENGINE_CONTEXT_SHIFT_H
#define INK_ENGINE_CONTEXT_SHIFT_H

#include "engine/session.h"

/* How many tokens stay at the beginning of n_ctx when n_keep are asked for: at least the four sinks
 * that the paper found enough, at most half. */
uint32_t ink_context_shift_keep(uint32_t n_keep, uint32_t n_ctx);

/* How many tokens a prompt loses, after the first `keep`, to fit n_ctx with room for a new one: a
 * multiple of half of what doesn't stay, so that a prompt that grows begins alike for long. */
size_t ink_context_shift_excess(size_t n_prompt, uint32_t keep, uint32_t n_ctx);

/* Begins to shift a full context; its tokens all have to be cached. Another use of the session may
 * come between at any point: then keys that were being moved are given up. */
void ink_context_shift_begin(ink_session *session, uint32_t keep);

/* A bounded piece of the work, evaluating at most max_tokens and max_layers of them (0: all) where that is
 * needed. True when it is done, and the session has room and the last token's logits stand as they were,
 * or again. */
bool ink_context_shift_step(ink_session *session, uint32_t max_tokens, uint32_t max_layers);

#endif
