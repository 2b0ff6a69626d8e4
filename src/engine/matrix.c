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
/* More parts than threads: one that starts late or runs slowly takes fewer. */
#define PARTS_PER_THREAD 2u

uint32_t ink_matrix_parts(const ink_session *session, uint64_t work) {
  uint64_t worthwhile = work / MIN_PART_WORK + 1;
  uint32_t n_threads = ink_pool_active(session->pool);
  uint32_t n_parts = n_threads == 1 ? 1 : n_threads * PARTS_PER_THREAD;
  return worthwhile < n_parts ? (uint32_t)worthwhile : n_parts;
}

typedef struct shared_matmul {
  const ink_session *session;
  ink_matmul job;
} shared_matmul;

/* Parts begin where kernels begin a group of rows, so that none is left with a part of one. */
static void multiply_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  const shared_matmul *shared = context;
  ink_matmul job = shared->job;
  uint64_t n_groups = ((uint64_t)job.end_row + INK_GROUP_ROWS - 1u) / INK_GROUP_ROWS;
  uint32_t end = (uint32_t)(n_groups * (part + 1) / n_parts) * INK_GROUP_ROWS;
  job.first_row = (uint32_t)(n_groups * part / n_parts) * INK_GROUP_ROWS;
  job.end_row = end < job.end_row ? end : job.end_row;
  job.scratch += (size_t)thread * shared->session->scratch.panel_parts;
  shared->session->model->kernels->matmul(&job);
}

void ink_multiply(ink_session *session, const ink_linear *linear, ink_input in, float *y) {
  const ink_tensor *weights = &linear->weight;
  ink_matmul job = {.weights = weights,
                    .end_row = weights->n_rows,
                    .n_tokens = in.n_tokens,
                    .x = session->scratch.activations,
                    .fine = session->model->hparams.fine_activations,
                    .x_f32 = in.x,
                    .y = y,
                    .y_stride = (weights->n_rows + INK_PANEL_ROWS - 1u) & ~(INK_PANEL_ROWS - 1u),
                    .scratch = session->scratch.panel};
  if (ink_type_get_traits(weights->type)->block_columns > 1) {
    job.end_row = (uint32_t)job.y_stride;
  }
  shared_matmul shared = {session, job};
  uint64_t work = (uint64_t)weights->n_rows * weights->n_cols * in.n_tokens;
  ink_pool_run(session->pool, ink_matrix_parts(session, work), multiply_part, &shared);
  if (session->n_adapters && linear->number) {
    ink_adapters_multiply(session, linear->number, in.x, in.n_tokens, y, job.y_stride);
  }
  if (!linear->bias.data) return;
  const float *bias = (const float *)(const void *)linear->bias.data;
  for (uint32_t t = 0; t < in.n_tokens; t++) {
    session->model->kernels->add(y + t * job.y_stride, bias, weights->n_rows);
  }
}
