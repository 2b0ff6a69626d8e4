#include "base/pool.h"

#if defined(__wasm__) && !defined(__EMSCRIPTEN_PTHREADS__)

struct ink_pool {
  ink_allocator allocator;
};

ink_status ink_pool_create(ink_pool **out, const ink_allocator *allocator, uint32_t n_threads,
                           ink_error *error) {
  (void)n_threads;
  INK_TRY(ink_allocate(allocator, sizeof **out, "threads", out, error));
  **out = (ink_pool){*allocator};
  return INK_OK;
}

void ink_pool_free(ink_pool *pool) {
  if (!pool) return;
  ink_allocator allocator = pool->allocator;
  ink_release(&allocator, pool, sizeof *pool);
}

uint32_t ink_pool_size(const ink_pool *pool) {
  (void)pool;
  return 1;
}

uint32_t ink_pool_threads(uint32_t n_threads) {
  (void)n_threads;
  return 1;
}

uint64_t ink_pool_bytes(void) { return sizeof(ink_pool); }

void ink_pool_run(ink_pool *pool, uint32_t n_parts, ink_pool_task task, void *context) {
  (void)pool;
  for (uint32_t part = 0; part < n_parts; part++) task(context, part, n_parts, 0);
}

#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* How often a thread looks for work before it sleeps: some ten microseconds, about what waking one
 * costs and more than lies between two matrices of a pass. */
#define SPINS 5000

typedef struct worker {
  struct ink_pool *pool;
  uint32_t index; /* of the thread; the caller's is 0 */
  pthread_t thread;
} worker;

struct ink_pool {
  ink_allocator allocator;
  uint32_t n_threads;
  uint32_t n_started;
  /* The round under way: written before `ticket` is, and not again before all its parts are done. */
  ink_pool_task task;
  void *context;
  /* Round << 32 | n_parts << 16 | the next part to be taken. A part is taken by adding one to all of
   * it at once, so a thread that comes late can't take a part of a round it has not seen. */
  atomic_ullong ticket;
  atomic_uint n_done;
  atomic_uint n_asleep;
  atomic_bool stopping;
  pthread_mutex_t mutex;
  pthread_cond_t started; /* `ticket` or `stopping` changed */
  worker workers[INK_MAX_THREADS];
};

static inline void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/* Does parts of the round until none is left. */
static void take_parts(ink_pool *pool, uint32_t round, uint32_t thread) {
  unsigned long long ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  for (;;) {
    uint32_t part = ticket & 0xFFFF, n_parts = ticket >> 16 & 0xFFFF;
    if ((uint32_t)(ticket >> 32) != round || part >= n_parts) return;
    if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1)) continue;
    pool->task(pool->context, part, n_parts, thread);
    atomic_fetch_add_explicit(&pool->n_done, 1, memory_order_acq_rel);
    ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  }
}

static uint32_t current_round(ink_pool *pool) {
  return (uint32_t)(atomic_load_explicit(&pool->ticket, memory_order_acquire) >> 32);
}

/* A round other than `seen`, or `seen` when the pool is stopping. */
static uint32_t await_round(ink_pool *pool, uint32_t seen) {
  for (int i = 0; i < SPINS; i++) {
    if (current_round(pool) != seen || atomic_load(&pool->stopping)) return current_round(pool);
    pause_briefly();
  }
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->n_asleep, 1);
  while (current_round(pool) == seen && !atomic_load(&pool->stopping)) {
    pthread_cond_wait(&pool->started, &pool->mutex);
  }
  atomic_fetch_sub(&pool->n_asleep, 1);
  pthread_mutex_unlock(&pool->mutex);
  return current_round(pool);
}

static void *work(void *context) {
  worker *self = context;
  ink_pool *pool = self->pool;
  uint32_t round = 0;
  while (!atomic_load(&pool->stopping)) {
    round = await_round(pool, round);
    take_parts(pool, round, self->index);
  }
  return NULL;
}

static void wake(ink_pool *pool) {
  if (atomic_load(&pool->n_asleep) == 0) return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->started);
  pthread_mutex_unlock(&pool->mutex);
}

ink_status ink_pool_create(ink_pool **out, const ink_allocator *allocator, uint32_t n_threads,
                           ink_error *error) {
  *out = NULL;
  if (n_threads < 1 || n_threads > INK_MAX_THREADS) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "%u threads; it must be 1 to %u",
                    (unsigned)n_threads, (unsigned)INK_MAX_THREADS);
  }
  ink_pool *pool;
  INK_TRY(ink_allocate(allocator, sizeof *pool, "threads", &pool, error));
  *pool = (ink_pool){.allocator = *allocator, .n_threads = n_threads};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->started, NULL);
  for (uint32_t i = 1; i < n_threads; i++) {
    worker *w = &pool->workers[i];
    *w = (worker){.pool = pool, .index = i};
    if (pthread_create(&w->thread, NULL, work, w) != 0) {
      ink_pool_free(pool);
      return ink_fail(error, INK_ERR_OUT_OF_MEMORY, "thread %u of %u can't be started",
                      (unsigned)i + 1, (unsigned)n_threads);
    }
    pool->n_started++;
  }
  *out = pool;
  return INK_OK;
}

void ink_pool_free(ink_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stopping, true);
  pthread_cond_broadcast(&pool->started);
  pthread_mutex_unlock(&pool->mutex);
  for (uint32_t i = 1; i <= pool->n_started; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->started);
  pthread_mutex_destroy(&pool->mutex);
  ink_allocator allocator = pool->allocator;
  ink_release(&allocator, pool, sizeof *pool);
}

uint32_t ink_pool_size(const ink_pool *pool) { return pool->n_threads; }

uint32_t ink_pool_threads(uint32_t n_threads) { return n_threads; }

uint64_t ink_pool_bytes(void) { return sizeof(ink_pool); }

void ink_pool_run(ink_pool *pool, uint32_t n_parts, ink_pool_task task, void *context) {
  if (pool->n_threads == 1 || n_parts == 1) {
    for (uint32_t part = 0; part < n_parts; part++) task(context, part, n_parts, 0);
    return;
  }
  uint32_t round = current_round(pool) + 1;
  pool->task = task;
  pool->context = context;
  atomic_store(&pool->n_done, 0);
  atomic_store(&pool->ticket, (unsigned long long)round << 32 | n_parts << 16);
  wake(pool);
  take_parts(pool, round, 0);
  for (int i = 0; atomic_load_explicit(&pool->n_done, memory_order_acquire) < n_parts; i++) {
    if (i < SPINS) pause_briefly();
    else sched_yield(); /* a thread with a part was taken off its core: let it on */
  }
}

#endif
