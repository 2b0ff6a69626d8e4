#include "engine/tokens.h"

/* Elements that are worth a part of their own: they take several microseconds, and handing a part
 * over takes about one. */
#define MIN_PART_ELEMENTS 8192u

typedef struct token_job {
  ink_token_task task;
  void *context;
  uint32_t n_tokens;
} token_job;

static void do_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  (void)thread;
  const token_job *job = context;
  uint32_t n_tiles = (job->n_tokens + INK_TILE_TOKENS - 1u) / INK_TILE_TOKENS;
  uint32_t first = ink_pool_share(n_tiles, part, n_parts) * INK_TILE_TOKENS;
  uint32_t end = ink_pool_share(n_tiles, part + 1, n_parts) * INK_TILE_TOKENS;
  if (end > job->n_tokens) end = job->n_tokens;
  if (first < end) job->task(job->context, first, end - first);
}

void ink_for_tokens(const ink_session *session, uint32_t n_tokens, uint32_t width,
                    ink_token_task task, void *context) {
  token_job job = {task, context, n_tokens};
  uint64_t n_parts = (uint64_t)n_tokens * width / MIN_PART_ELEMENTS + 1;
  ink_pool_run(session->pool, ink_pool_parts(session->pool, n_parts), do_part, &job);
}
