/* A thread that traps must not leave the others waiting for it: the caller of ink_pool_run() traps
 * too. */
#include "base/pool.h"

static void trap_elsewhere(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  (void)context, (void)part, (void)n_parts;
  if (thread != 0) __builtin_trap();
}

int main(void) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_pool *pool;
  if (ink_pool_create(&pool, &allocator, 2, NULL) != INK_OK) return 1;
  for (;;) ink_pool_run(pool, 100, trap_elsewhere, NULL); /* until the thread gets hold of a part */
}
