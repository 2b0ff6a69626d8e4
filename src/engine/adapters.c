#include "engine/adapters.h"

#include <string.h>

#include "engine/matrix.h"
#include "model/binding.h"

/* scratch.adapted of a thread: A x of some tokens, and behind it B A x of these and some rows of B. */
#define PRODUCTS INK_MAX_RANK

static float *scratch_of(const ink_session *session, uint32_t thread) {
  return session->scratch.adapted + (size_t)thread * 2 * PRODUCTS;
}

/* y[t] += B h[t] for n tokens; h [n][R], y [n][y_stride]. */
static void add_products(const ink_session *session, const ink_tensor *b, const float *h, uint32_t n,
                         float *y, size_t y_stride, float *products) {
  const ink_kernels *kernels = session->model->kernels;
  uint32_t max_rows = PRODUCTS / n / INK_PANEL_ROWS * INK_PANEL_ROWS;
  for (uint32_t row = 0; row < b->n_rows; row += max_rows) {
    uint32_t rows = b->n_rows - row < max_rows ? b->n_rows - row : max_rows;
    ink_tensor part = *b;
    part.n_rows = rows;
    part.data += (size_t)row * b->n_cols * ink_type_get_traits(b->type)->block_bytes;
    kernels->matmul(&(ink_matmul){.weights = &part,
                                  .end_row = rows,
                                  .n_tokens = n,
                                  .x_f32 = h,
                                  .y = products,
                                  .y_stride = max_rows});
    for (uint32_t t = 0; t < n; t++) {
      kernels->add(y + t * y_stride + row, products + (size_t)t * max_rows, rows);
    }
  }
}

typedef struct adapter_job {
  const ink_session *session;
  const ink_adapter_pair *pair;
  float scale;
  const float *x; /* [n_tokens][columns] */
  uint32_t n_tokens;
  float *y;
  size_t y_stride;
} adapter_job;

/* A part is some of the tokens. */
static void multiply_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  const adapter_job *job = context;
  const ink_kernels *kernels = job->session->model->kernels;
  const ink_tensor *a = &job->pair->a, *b = &job->pair->b;
  float *h = scratch_of(job->session, thread);
  uint32_t rank = b->n_cols, end = ink_pool_share(job->n_tokens, part + 1, n_parts);
  uint32_t most = PRODUCTS / rank;
  for (uint32_t t = ink_pool_share(job->n_tokens, part, n_parts); t < end; t += most) {
    uint32_t n = end - t < most ? end - t : most;
    memset(h, 0, (size_t)n * rank * sizeof *h); /* a has no rows for what rounds up the rank */
    kernels->matmul(&(ink_matmul){.weights = a,
                                  .end_row = a->n_rows,
                                  .n_tokens = n,
                                  .x_f32 = job->x + (size_t)t * a->n_cols,
                                  .y = h,
                                  .y_stride = rank});
    kernels->scale(h, job->scale, n * rank);
    add_products(job->session, b, h, n, job->y + t * job->y_stride, job->y_stride, h + PRODUCTS);
  }
}

void ink_adapters_multiply(ink_session *session, uint32_t number, const float *x,
                           uint32_t n_tokens, float *y, size_t y_stride) {
  for (size_t i = 0; i < session->n_adapters; i++) {
    const ink_adapter_use *use = &session->adapters[i];
    const ink_adapter_pair *pair = &use->adapter->pairs[number];
    if (!pair->b.data) continue;
    adapter_job job = {session, pair, use->scale * pair->scale, x, n_tokens, y, y_stride};
    uint64_t work = ((uint64_t)pair->a.n_cols + pair->b.n_rows) * pair->b.n_cols * n_tokens;
    uint32_t n_parts = ink_matrix_parts(session, work);
    ink_pool_run(session->pool, n_parts < n_tokens ? n_parts : n_tokens, multiply_part, &job);
  }
}

void ink_adapters_embed(ink_session *session, ink_token token, float *x) {
  uint32_t number = ink_matrix_number(INK_TOKEN_EMBD, 0);
  float *h = scratch_of(session, 0);
  for (size_t i = 0; i < session->n_adapters; i++) {
    const ink_adapter_use *use = &session->adapters[i];
    const ink_adapter_pair *pair = &use->adapter->pairs[number];
    if (!pair->b.data) continue;
    ink_tensor_dequantize_row(&pair->a, (uint32_t)token, h);
    session->model->kernels->scale(h, use->scale * pair->scale, pair->b.n_cols);
    add_products(session, &pair->b, h, 1, x, 0, h + PRODUCTS);
  }
}
