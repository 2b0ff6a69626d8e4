/* A few threads that stay: they share out one piece of work after another. Where there are no
 * threads (WebAssembly without them) a pool is one thread, the caller's. */
#ifndef INK_BASE_POOL_H
#define INK_BASE_POOL_H

#include "base/memory.h"

typedef struct ink_pool ink_pool;

/* Does part `part` of `n_parts`, each exactly once, at the same time as others. `thread` is below
 * ink_pool_size() and tells the threads apart: it may be used to choose scratch memory. It must not
 * allocate: in WebAssembly only the caller's thread may. */
typedef void (*ink_pool_task)(void *context, uint32_t part, uint32_t n_parts, uint32_t thread);

#define INK_MAX_THREADS 64u
#define INK_MAX_PARTS 65535u

/* n_threads counts the caller: 1 starts none. INK_ERR_OUT_OF_MEMORY when a thread can't be
 * started. */
ink_status ink_pool_create(ink_pool **pool, const ink_allocator *allocator, uint32_t n_threads,
                           ink_error *error);
void ink_pool_free(ink_pool *pool); /* NULL is fine */

/* How many threads there are, and how many of them work; at first all do. */
uint32_t ink_pool_size(const ink_pool *pool);
uint32_t ink_pool_active(ink_pool *pool);

/* 1 to ink_pool_size(): the others sleep until there are to be more. */
void ink_pool_set_active(ink_pool *pool, uint32_t n_active);

/* The size of a pool that is created with n_threads, and the bytes that a pool of that size allocates. */
uint32_t ink_pool_threads(uint32_t n_threads);
size_t ink_pool_bytes(uint32_t n_threads);

/* How many parts to make of work of which so many are worthwhile, 1 or more: several for each
 * thread, and as many for one as for another, or some would wait for the rest. */
uint32_t ink_pool_parts(ink_pool *pool, uint64_t worthwhile);

/* Where a part of n elements begins, which is where the one before it ends. */
uint32_t ink_pool_share(uint32_t n, uint32_t part, uint32_t n_parts);

/* Does all parts, at most INK_MAX_PARTS, on whatever threads are free, the caller's among them,
 * and returns when they are done. A thread that the system does not let run holds nobody up:
 * others take its parts. */
void ink_pool_run(ink_pool *pool, uint32_t n_parts, ink_pool_task task, void *context);

#endif
