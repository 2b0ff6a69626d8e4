/* base: every part of every round is done exactly once, on however many threads. */
#include "base/pool.h"
#include "check.h"

enum { MAX_PARTS = 200 };

typedef struct rounds {
  int done[MAX_PARTS]; /* each written by the thread that has the part alone */
  uint32_t n_parts;
  uint32_t n_threads;
  int wrong;
} rounds;

static void do_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  rounds *r = context;
  if (part >= n_parts || n_parts != r->n_parts || thread >= r->n_threads) r->wrong++;
  r->done[part]++;
}

static void run_rounds(uint32_t n_threads) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_pool *pool;
  CHECK_STATUS(ink_pool_create(&pool, &allocator, n_threads, NULL), INK_OK);
  CHECK(ink_pool_size(pool) == n_threads || ink_pool_size(pool) == 1);
  int wrong = 0;
  for (uint32_t round = 0; round < 3000; round++) {
    rounds r = {.n_parts = 1 + round * 7 % MAX_PARTS, .n_threads = ink_pool_size(pool)};
    ink_pool_run(pool, r.n_parts, do_part, &r);
    for (uint32_t i = 0; i < r.n_parts; i++) wrong += r.done[i] != 1;
    wrong += r.wrong;
  }
  CHECK_EQ(wrong, 0);
  ink_pool_free(pool);
}

static void every_part_is_done_once(void) {
  run_rounds(1);
  run_rounds(2);
  run_rounds(5);
}

/* Whether threads come, go or stay: every part is still done once. */
static void threads_can_rest(void) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_pool *pool;
  CHECK_STATUS(ink_pool_create(&pool, &allocator, 4, NULL), INK_OK);
  CHECK_EQ(ink_pool_active(pool), ink_pool_size(pool));
  int wrong = 0;
  for (uint32_t round = 0; round < 2000 && ink_pool_size(pool) == 4; round++) {
    uint32_t n_active = 1 + round / 3 % 4;
    if (round % 3 == 0) ink_pool_set_active(pool, n_active);
    rounds r = {.n_parts = 40, .n_threads = 4};
    ink_pool_run(pool, r.n_parts, do_part, &r);
    for (uint32_t i = 0; i < r.n_parts; i++) wrong += r.done[i] != 1;
    wrong += r.wrong;
    wrong += ink_pool_active(pool) != n_active;
  }
  CHECK_EQ(wrong, 0);
  ink_pool_free(pool);
}

#define MOST 8 /* parts for a thread */

/* As many parts for one thread as for another, no more than are worthwhile, and nothing left out. */
static void parts_are_even(void) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  for (uint32_t n_threads = 1; n_threads <= 5; n_threads++) {
    ink_pool *pool;
    CHECK_STATUS(ink_pool_create(&pool, &allocator, n_threads, NULL), INK_OK);
    uint32_t active = ink_pool_active(pool);
    for (uint32_t worthwhile = 1; worthwhile < 100; worthwhile++) {
      uint32_t n_parts = ink_pool_parts(pool, worthwhile), begin = 0;
      CHECK(n_parts >= 1 && n_parts <= worthwhile);
      CHECK(n_parts % active == 0 || (worthwhile < active && n_parts == worthwhile));
      CHECK(active > 1 || n_parts == 1);
      CHECK(active == 1 || worthwhile < MOST * active || n_parts == MOST * active);
      for (uint32_t part = 0; part < n_parts; part++) {
        CHECK_EQ(ink_pool_share(1000, part, n_parts), begin);
        begin = ink_pool_share(1000, part + 1, n_parts);
        CHECK(begin - ink_pool_share(1000, part, n_parts) <= 1000 / n_parts + 1);
      }
      CHECK_EQ(begin, 1000);
    }
    CHECK_EQ(ink_pool_parts(pool, UINT64_MAX), active == 1 ? 1 : MOST * active);
    ink_pool_free(pool);
  }
  CHECK_EQ(ink_pool_share(UINT32_MAX, 3, 3), UINT32_MAX);
}

static void too_many_threads(void) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_pool *pool;
  ink_status status = ink_pool_create(&pool, &allocator, INK_MAX_THREADS + 1, NULL);
  CHECK(status == INK_ERR_INVALID_ARGUMENT || ink_pool_size(pool) == 1);
  ink_pool_free(pool);
}

int main(void) {
  RUN(every_part_is_done_once);
  RUN(threads_can_rest);
  RUN(parts_are_even);
  RUN(too_many_threads);
  return check_result();
}
