/* The allocator hook, and arenas that are sized before they are used. */
#ifndef INK_BASE_MEMORY_H
#define INK_BASE_MEMORY_H

#include "base/status.h"

/* Alignment of every block handed out: a cache line, and any vector. */
#define INK_ALIGNMENT 64u

/* A copy of *allocator, or malloc and free when it is NULL. */
ink_allocator ink_allocator_or_default(const ink_allocator *allocator);

/* NULL when refused; `size` may be 0. `what` appears in the error's message. */
ink_status ink_allocate(const ink_allocator *allocator, uint64_t size, const char *what,
                        void *pointer_out, ink_error *error);
void ink_release(const ink_allocator *allocator, void *pointer, size_t size);

/* A hint that the cache line will be read soon: for loops whose time is spent waiting for memory. */
static inline void ink_prefetch(const void *pointer) {
#if defined(__GNUC__)
  __builtin_prefetch(pointer);
#else
  (void)pointer;
#endif
}

/* Rounds up to INK_ALIGNMENT; saturates rather than wraps. */
uint64_t ink_align_up(uint64_t size);

/* An arena is laid out by a function that runs twice: once with base == NULL, when ink_carve() only
 * adds up, and once over a block of that size, when it hands out. So a size can't be forgotten. */
typedef struct ink_arena {
  uint8_t *base;
  uint64_t used;
} ink_arena;

/* `count` elements of `size` bytes, uninitialised; NULL in the first of the two runs. */
void *ink_carve(ink_arena *arena, uint64_t count, uint64_t size);

#endif
