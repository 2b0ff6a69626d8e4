#include "engine/forward.h"

#include "engine/attention.h"

/* n vectors that several matrices are multiplied with, in both forms that kernels take. */
typedef struct input {
  const float *x;
  uint32_t n_tokens;
} input;

static input prepare(ink_session *session, const float *x, uint32_t n_tokens, uint32_t n_cols) {
  if (n_cols % INK_BLOCK == 0) { /* else no quantised matrix takes it */
    session->model->kernels->quantize(x, n_tokens, n_cols, &session->scratch.activations);
  }
  return (input){x, n_tokens};
}

/* Multiplications that are worth a part of their own: handing one over costs about a microsecond. */
#define MIN_PART_WORK 131072u
/* More parts than threads: one that starts late or runs slowly takes fewer. */
#define PARTS_PER_THREAD 2u

typedef struct shared_matmul {
  const ink_session *session;
  ink_matmul job;
} shared_matmul;

/* Parts begin at whole panels, so that a row is computed in the same way whoever does it. */
static void multiply_part(void *context, uint32_t part, uint32_t n_parts, uint32_t thread) {
  const shared_matmul *shared = context;
  ink_matmul job = shared->job;
  uint64_t n_panels = (job.end_row + INK_PANEL_ROWS - 1u) / INK_PANEL_ROWS;
  uint32_t end = (uint32_t)(n_panels * (part + 1) / n_parts) * INK_PANEL_ROWS;
  job.first_row = (uint32_t)(n_panels * part / n_parts) * INK_PANEL_ROWS;
  job.end_row = end < job.end_row ? end : job.end_row;
  job.scratch += (size_t)thread * shared->session->scratch.panel_blocks;
  ink_kernels_matmul(shared->session->model->kernels, &job);
}

/* y[t] = weights x[t]; y's rows are as long as the matrix has rows, rounded up to a panel. */
static void multiply(ink_session *session, const ink_tensor *weights, input in, float *y) {
  ink_matmul job = {.weights = weights,
                    .end_row = weights->n_rows,
                    .n_tokens = in.n_tokens,
                    .x = session->scratch.activations,
                    .x_f32 = in.x,
                    .y = y,
                    .y_stride = (weights->n_rows + INK_PANEL_ROWS - 1u) & ~(INK_PANEL_ROWS - 1u),
                    .scratch = session->scratch.panel};
  if (weights->type != INK_TYPE_F32 && weights->type != INK_TYPE_F16) {
    job.end_row = (uint32_t)job.y_stride;
  }
  shared_matmul shared = {session, job};
  uint64_t work = (uint64_t)weights->n_rows * weights->n_cols * in.n_tokens;
  uint64_t worthwhile = work / MIN_PART_WORK + 1;
  uint32_t n_threads = ink_pool_active(session->pool);
  uint32_t n_parts = n_threads == 1 ? 1 : n_threads * PARTS_PER_THREAD;
  if (worthwhile < n_parts) n_parts = (uint32_t)worthwhile;
  ink_pool_run(session->pool, n_parts, multiply_part, &shared);
}

static void norm(ink_session *session, const float *x, const ink_tensor *weight, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  for (uint32_t t = 0; t < n; t++) {
    session->model->kernels->rms_norm(session->scratch.normed + (size_t)t * h->n_embd,
                                      x + (size_t)t * h->n_embd,
                                      (const float *)(const void *)weight->data, h->n_embd,
                                      h->rms_epsilon);
  }
}

static void attention_block(ink_session *session, const ink_layer *layer, uint32_t index,
                            uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  norm(session, s->x, &layer->attn_norm, n);
  input in = prepare(session, s->normed, n, h->n_embd);
  multiply(session, &layer->attn_q, in, s->q);
  multiply(session, &layer->attn_k, in, s->k);
  multiply(session, &layer->attn_v, in, s->v);
  ink_attention_store(session, index, first, n);
  ink_attention_attend(session, index, first, n);
  in = prepare(session, s->attended, n, h->n_head * h->n_embd_head);
  multiply(session, &layer->attn_out, in, s->projected);
  session->model->kernels->add(s->x, s->projected, n * h->n_embd);
}

/* SwiGLU (Shazeer, 2020). */
static void feed_forward_block(ink_session *session, const ink_layer *layer, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  norm(session, s->x, &layer->ffn_norm, n);
  input in = prepare(session, s->normed, n, h->n_embd);
  multiply(session, &layer->ffn_gate, in, s->gate);
  multiply(session, &layer->ffn_up, in, s->up);
  session->model->kernels->silu_multiply(s->gate, s->up, n * h->n_ff);
  in = prepare(session, s->gate, n, h->n_ff);
  multiply(session, &layer->ffn_down, in, s->projected);
  session->model->kernels->add(s->x, s->projected, n * h->n_embd);
}

void ink_forward_embed(ink_session *session, uint32_t first, uint32_t n) {
  const ink_model *model = session->model;
  uint32_t n_embd = model->hparams.n_embd;
  session->has_logits = false;
  for (uint32_t t = 0; t < n; t++) {
    ink_tensor_dequantize_row(&model->weights.token_embd, (uint32_t)session->tokens[first + t],
                              session->scratch.x + (size_t)t * n_embd);
  }
  ink_attention_set_rotation(session, first, n);
}

void ink_forward_layer(ink_session *session, uint32_t index, uint32_t first, uint32_t n) {
  const ink_layer *layer = &session->model->weights.layers[index];
  attention_block(session, layer, index, first, n);
  feed_forward_block(session, layer, n);
}

void ink_forward(ink_session *session, uint32_t first, uint32_t n) {
  ink_forward_embed(session, first, n);
  for (uint32_t i = 0; i < session->model->hparams.n_layer; i++) {
    ink_forward_layer(session, i, first, n);
  }
}

void ink_forward_logits(ink_session *session, uint32_t at, uint32_t count) {
  const ink_weights *weights = &session->model->weights;
  uint32_t n_embd = session->model->hparams.n_embd;
  norm(session, session->scratch.x + (size_t)at * n_embd, &weights->output_norm, count);
  input in = prepare(session, session->scratch.normed, count, n_embd);
  const ink_tensor *output = weights->output.data ? &weights->output : &weights->token_embd;
  multiply(session, output, in, session->scratch.logits);
}
