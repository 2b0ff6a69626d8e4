#include "engine/matrix.h"

#include "engine/adapters.h"
#include "engine/tokens.h"

typedef struct quantize_job {
  const ink_session *session;
  const float *x;
  uint32_t n_cols;
} quantize_job;

static void quantize_tokens(void *context, uint32_t first, uint32_t n) {
  const quantize_job *job = context;
  bool fine = job->session->model->hparams.fine_activations;
  const float *x = job->x + (size_t)first * job->n_cols;
  size_t at = (size_t)first * ink_q8_stride(job->n_cols / INK_BLOCK, fine);
  ink_q8_part *out = job->session->scratch.activations + at;
  job->session->model->kernels->quantize(x, n, job->n_cols, fine, out);
}

ink_input ink_prepare(ink_session *session, const float *x, uint32_t n_tokens, uint32_t n_cols) {
  quantize_job job = {session, x, n_cols};
  if (n_cols % INK_BLOCK == 0) { /* else no quantised matrix takes it */
    ink_for_tokens(session, n_tokens, n_cols, quantize_tokens, &job);
  }
  return (ink_input){x, n_tokens};
}

/* Multiplications that are worth a part of their own: handing one over takes about a microsecond. */
#define MIN_PART_WORK 131072u

uint32_t ink_matrix_parts(const ink_session *session, uint64_t work) {
  return ink_pool_parts(session->pool, work / MIN_PART_WORK + 1);
}

/* Of a product's results. */
static uint32_t stride_of(const ink_tensor *weights) {
  return (weights->n_rows + INK_PANEL_ROWS - 1u) & ~(INK_PANEL_ROWS - 1u);
}

typedef struct shared_products {
  const ink_session *session;
  const ink_product *products;
  uint32_t n;
  ink_input in;
} shared_products;

/* A part is some of a product's rows. Parts begin where kernels begin a group of rows, so that none
 * is left with a part of one. */
static void multiply_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  const shared_products *shared = context;
  const ink_session *session = shared->session;
  uint32_t n_cuts = n_parts / shared->n, cut = part % n_cuts;
  const ink_product *product = &shared->products[part / n_cuts];
  const ink_tensor *weights = &product->linear->weight;
  uint32_t stride = stride_of(weights), end = weights->n_rows;
  if (ink_type_get_traits(weights->type)->block_columns > 1) end = stride;
  uint32_t n_groups = (uint32_t)(((uint64_t)end + INK_GROUP_ROWS - 1u) / INK_GROUP_ROWS);
  uint32_t next = ink_pool_share(n_groups, cut + 1, n_cuts) * INK_GROUP_ROWS;
  ink_matmul job = {
      .weights = weights,
      .first_row = ink_pool_share(n_groups, cut, n_cuts) * INK_GROUP_ROWS,
      .end_row = next < end ? next : end,
      .n_tokens = shared->in.n_tokens,
      .x = session->scratch.activations,
      .fine = session->model->hparams.fine_activations,
      .x_f32 = shared->in.x,
      .y = product->y,
      .y_stride = stride,
      .scratch = session->scratch.panel + (size_t)thread * session->scratch.panel_parts};
  session->model->kernels->matmul(&job);
}

void ink_multiply(ink_session *session, const ink_product *products, uint32_t n, ink_input in) {
  shared_products shared = {session, products, n, in};
  const ink_tensor *first = &products->linear->weight;
  uint64_t work = (uint64_t)first->n_rows * first->n_cols * in.n_tokens;
  ink_pool_run(session->pool, ink_matrix_parts(session, work) * n, multiply_part, &shared);
  for (const ink_product *end = products + n; products < end; products++) {
    const ink_linear *linear = products->linear;
    size_t stride = stride_of(&linear->weight);
    if (session->n_adapters && linear->number) {
      ink_adapters_multiply(session, linear->number, in.x, in.n_tokens, products->y, stride);
    }
    const float *bias = (const float *)(const void *)linear->bias.data;
    for (uint32_t t = 0; bias && t < in.n_tokens; t++) {
      session->model->kernels->add(products->y + t * stride, bias, linear->weight.n_rows);
    }
  }
}
