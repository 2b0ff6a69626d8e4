#include "base/pool.h"

#include "base/thread.h"

typedef struct worker {
  struct ink_pool *pool;
  uint32_t index; /* of the thread; the caller's is 0 */
  ink_thread thread;
} worker;

struct ink_pool {
  ink_allocator allocator;
  uint32_t n_threads;
  uint32_t n_started;
  /* The round under way: written before `ticket`, and not again before all its parts are done. What
   * follows lies in cache lines of its own: some threads write while others look. */
  ink_pool_task task;
  void *context;
  /* Round << 32 | n_parts << 16 | the next part to be taken. A part is taken by adding one to all
   * of it at once, so a thread that comes late can't take a part of a round it has not seen. */
  _Alignas(INK_ALIGNMENT) atomic_ullong ticket;
  _Alignas(INK_ALIGNMENT) atomic_uint n_done;
  _Alignas(INK_ALIGNMENT) ink_gate round;    /* the round whose ticket is out */
  _Alignas(INK_ALIGNMENT) ink_gate finished; /* the last round all of whose parts are done */
  _Alignas(INK_ALIGNMENT) ink_gate active;   /* threads that work; 0: they all leave */
  worker workers[INK_MAX_THREADS];
}; /* and behind it the stacks: [n_threads - 1][INK_THREAD_STACK] */

size_t ink_pool_bytes(uint32_t n_threads) {
  return (size_t)ink_align_up(sizeof(ink_pool)) + (size_t)(n_threads - 1) * INK_THREAD_STACK;
}

/* Does parts of the round until none is left. */
static void take_parts(ink_pool *pool, uint32_t round, uint32_t thread) {
  unsigned long long ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  for (;;) {
    uint32_t part = ticket & 0xFFFF, n_parts = ticket >> 16 & 0xFFFF;
    if ((uint32_t)(ticket >> 32) != round || part >= n_parts) return;
    if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1)) continue;
    pool->task(pool->context, part, n_parts, thread);
    if (atomic_fetch_add(&pool->n_done, 1) + 1 == n_parts) ink_gate_set(&pool->finished, round);
    ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  }
}

static void work(void *context) {
  worker *self = context;
  ink_pool *pool = self->pool;
  uint32_t round = 0, active;
  while ((active = ink_gate_value(&pool->active)) != 0) {
    if (self->index >= active) {
      ink_gate_await(&pool->active, active);
    } else {
      round = ink_gate_await(&pool->round, round);
      take_parts(pool, round, self->index);
    }
  }
}

/* Lets the threads have a round's parts. */
static uint32_t open_round(ink_pool *pool, uint32_t n_parts) {
  uint32_t round = ink_gate_value(&pool->round) + 1;
  atomic_store(&pool->ticket, (unsigned long long)round << 32 | n_parts << 16);
  ink_gate_set(&pool->round, round);
  return round;
}

static bool start_worker(ink_pool *pool, uint32_t index) {
  worker *w = &pool->workers[index];
  *w = (worker){.pool = pool, .index = index};
  w->thread.run = work;
  w->thread.context = w;
  w->thread.awaited = &pool->finished;
  w->thread.stack = (uint8_t *)pool + ink_pool_bytes(index);
  return ink_thread_start(&w->thread);
}

ink_status ink_pool_create(ink_pool **out, const ink_allocator *allocator, uint32_t n_threads,
                           ink_error *error) {
  *out = NULL;
  if (n_threads < 1 || n_threads > INK_MAX_THREADS) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "%u threads; it must be 1 to %u",
                    (unsigned)n_threads, (unsigned)INK_MAX_THREADS);
  }
  n_threads = ink_pool_threads(n_threads);
  ink_pool *pool;
  INK_TRY(ink_allocate(allocator, ink_pool_bytes(n_threads), "threads", &pool, error));
  *pool = (ink_pool){.allocator = *allocator, .n_threads = n_threads};
  ink_gate_init(&pool->round, 0);
  ink_gate_init(&pool->finished, 0);
  ink_gate_init(&pool->active, n_threads);
  ink_status status = INK_OK;
  for (uint32_t i = 1; i < n_threads && status == INK_OK; i++) {
    if (!start_worker(pool, i)) {
      status = ink_fail(error, INK_ERR_OUT_OF_MEMORY, "thread %u of %u can't be started",
                        (unsigned)i + 1, (unsigned)n_threads);
    } else {
      pool->n_started++;
    }
  }
  if (status == INK_OK) *out = pool;
  else ink_pool_free(pool);
  return status;
}

void ink_pool_free(ink_pool *pool) {
  if (!pool) return;
  ink_gate_set(&pool->active, 0);
  open_round(pool, 0);
  for (uint32_t i = 1; i <= pool->n_started; i++) ink_thread_join(&pool->workers[i].thread);
  ink_gate_destroy(&pool->active);
  ink_gate_destroy(&pool->finished);
  ink_gate_destroy(&pool->round);
  ink_allocator allocator = pool->allocator;
  ink_release(&allocator, pool, ink_pool_bytes(pool->n_threads));
}

uint32_t ink_pool_size(const ink_pool *pool) { return pool->n_threads; }

uint32_t ink_pool_active(ink_pool *pool) { return ink_gate_value(&pool->active); }

void ink_pool_set_active(ink_pool *pool, uint32_t n_active) {
  ink_gate_set(&pool->active, n_active);
  open_round(pool, 0); /* those that are not to work any more stop waiting for one that has work */
}

uint32_t ink_pool_threads(uint32_t n_threads) { return INK_HAS_THREADS ? n_threads : 1; }

/* More than one for each thread: one that starts late or runs slowly takes fewer. */
#define PARTS_PER_THREAD 8u

uint32_t ink_pool_parts(ink_pool *pool, uint64_t worthwhile) {
  uint32_t n_threads = ink_pool_active(pool);
  uint32_t n_parts = n_threads == 1 ? 1 : n_threads * PARTS_PER_THREAD;
  while (n_parts > n_threads && n_parts > worthwhile) n_parts -= n_threads;
  return n_parts < worthwhile ? n_parts : (uint32_t)worthwhile;
}

uint32_t ink_pool_share(uint32_t n, uint32_t part, uint32_t n_parts) {
  return (uint32_t)((uint64_t)n * part / n_parts);
}

void ink_pool_run(ink_pool *pool, uint32_t n_parts, ink_pool_task task, void *context) {
  if (ink_pool_active(pool) == 1 || n_parts == 1) {
    for (uint32_t part = 0; part < n_parts; part++) task(context, part, n_parts, 0);
    return;
  }
  pool->task = task;
  pool->context = context;
  atomic_store(&pool->n_done, 0);
  uint32_t round = open_round(pool, n_parts);
  take_parts(pool, round, 0);
  for (uint32_t done; (done = ink_gate_value(&pool->finished)) != round;) {
    ink_gate_await(&pool->finished, done);
  }
}
