/* What is done to each token of a batch by itself, shared between the session's threads. */
#ifndef INK_ENGINE_TOKENS_H
#define INK_ENGINE_TOKENS_H

#include "engine/session.h"

/* Does tokens first to first + n - 1, in whatever order and on whichever thread. */
typedef void (*ink_token_task)(void *context, uint32_t first, uint32_t n);

/* Parts begin at multiples of INK_TILE_TOKENS. `width`: elements of a token that the task reads. */
void ink_for_tokens(const ink_session *session, uint32_t n_tokens, uint32_t width,
                    ink_token_task task, void *context);

#endif
