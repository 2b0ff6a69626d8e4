#include "engine/forward.h"

#include "engine/adapters.h"
#include "engine/attention.h"
#include "engine/experts.h"
#include "engine/mlp.h"
#include "engine/tokens.h"

static const float *floats(const ink_tensor *tensor) {
  return (const float *)(const void *)tensor->data;
}

/* out = norm(x), `width` elements each */
static void norm_vector(const ink_session *session, const float *x, const float *weight,
                        const float *bias, uint32_t width, float *out) {
  const ink_kernels *kernels = session->model->kernels;
  const ink_hparams *h = &session->model->hparams;
  if (h->layer_norm) {
    kernels->layer_norm(out, x, weight, bias, width, h->norm_epsilon);
  } else {
    kernels->rms_norm(out, x, weight, width, h->norm_epsilon);
  }
}

typedef struct norm_job {
  const ink_session *session;
  const ink_linear *weights;
  const float *x;
  float *out;
} norm_job;

static void norm_tokens(void *context, uint32_t first, uint32_t n) {
  const norm_job *job = context;
  const float *weight = floats(&job->weights->weight), *bias = floats(&job->weights->bias);
  uint32_t width = job->session->model->hparams.n_embd;
  for (size_t t = first; t < (size_t)first + n; t++) {
    norm_vector(job->session, job->x + t * width, weight, bias, width, job->out + t * width);
  }
}

/* n token vectors; out may be x. */
static void norm(const ink_session *session, const ink_linear *weights, const float *x, uint32_t n,
                 float *out) {
  norm_job job = {session, weights, x, out};
  ink_for_tokens(session, n, session->model->hparams.n_embd, norm_tokens, &job);
}

/* Queries or keys of one token, in place. */
static void norm_heads(const ink_session *session, const ink_linear *weights, float *heads,
                       uint32_t n_heads) {
  const ink_hparams *h = &session->model->hparams;
  uint32_t width = h->n_embd_head, step = 0;
  if (h->qk_norm == INK_QK_NORM_HEADS) step = width;
  if (h->qk_norm == INK_QK_NORM_WIDTH) width *= n_heads, n_heads = 1;
  for (uint32_t i = 0; i < n_heads; i++) {
    float *head = heads + (size_t)i * width;
    norm_vector(session, head, floats(&weights->weight) + (size_t)i * step, NULL, width, head);
  }
}

static void add_tokens(void *context, uint32_t first, uint32_t n) {
  const ink_session *session = context;
  const ink_hparams *h = &session->model->hparams;
  const ink_kernels *kernels = session->model->kernels;
  size_t at = (size_t)first * h->n_embd;
  float *x = session->scratch.x + at;
  const float *y = session->scratch.projected + at;
  if (h->residual_scale == 1.0f) {
    kernels->add(x, y, n * h->n_embd);
  } else {
    kernels->add_scaled(x, y, h->residual_scale, n * h->n_embd);
  }
}

/* Adds what a block computed, scratch.projected, to the residual stream. */
static void add_to_stream(ink_session *session, const ink_linear *post_norm, uint32_t n) {
  const ink_scratch *s = &session->scratch;
  if (post_norm->weight.data) norm(session, post_norm, s->projected, n, s->projected);
  ink_for_tokens(session, n, session->model->hparams.n_embd, add_tokens, session);
}

typedef struct heads_job {
  ink_session *session;
  uint32_t layer, first, n; /* of a batch of n tokens from the position `first` */
} heads_job;

/* Norms and rotates queries and keys, and has them and the values stored. */
static void store_tokens(void *context, uint32_t t, uint32_t n) {
  const heads_job *job = context;
  ink_session *session = job->session;
  const ink_hparams *h = &session->model->hparams;
  const ink_layer *layer = &session->model->weights.layers[job->layer];
  const ink_linear *q_norm = &layer->attn_q_norm, *k_norm = &layer->attn_k_norm;
  for (uint32_t end = t + n; t < end; t++) {
    float *q = session->scratch.q + (size_t)t * h->n_head * h->n_embd_head;
    float *k = session->scratch.k + (size_t)t * h->n_head_kv * h->n_embd_head;
    if (q_norm->weight.data) norm_heads(session, q_norm, q, h->n_head);
    if (k_norm->weight.data) norm_heads(session, k_norm, k, h->n_head_kv);
    ink_rope_apply(&session->rope, job->layer, t, q, h->n_head);
    ink_rope_apply(&session->rope, job->layer, t, k, h->n_head_kv);
    ink_attention_store(session, job->layer, job->first, job->n, t);
  }
}

/* scratch.projected = attention over `x` [n][n_embd] */
static void attention_block(ink_session *session, uint32_t index, const float *x, uint32_t first,
                            uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  const ink_layer *layer = &session->model->weights.layers[index];
  ink_scratch *s = &session->scratch;
  uint32_t n_q = h->n_head * h->n_embd_head;
  ink_input in = ink_prepare(session, x, n, h->n_embd);
  ink_product products[] = {
      {&layer->attn_q, s->q}, {&layer->attn_k, s->k}, {&layer->attn_v, s->v}};
  ink_multiply(session, products, 3, in);
  heads_job job = {session, index, first, n};
  ink_for_tokens(session, n, n_q, store_tokens, &job);
  ink_attention_attend(session, index, first, n);
  in = ink_prepare(session, s->attended, n, n_q);
  ink_multiply(session, &(ink_product){&layer->attn_out, s->projected}, 1, in);
}

/* scratch.projected = the layer's network or experts over x [n][n_embd] */
static void feed_forward_block(ink_session *session, const ink_layer *layer, const float *x,
                               uint32_t n) {
  if (layer->ffn_router.weight.data) {
    ink_experts(session, layer, x, n);
    return;
  }
  ink_mlp mlp = {&layer->ffn_gate, &layer->ffn_up, &layer->ffn_down,
                 session->model->hparams.n_ff};
  ink_mlp_run(session, &mlp, x, n, session->scratch.projected);
}

/* A block reads the residual stream through its norm where it has one before it (most families), or
 * as it is where its norm comes after (OLMo 2). */
static const float *block_input(const ink_session *session, const ink_linear *weights, uint32_t n) {
  const ink_scratch *s = &session->scratch;
  if (!weights->weight.data) return s->x;
  norm(session, weights, s->x, n, s->normed);
  return s->normed;
}

void ink_forward_layer(ink_session *session, uint32_t index, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  const ink_layer *layer = &session->model->weights.layers[index];
  const float *x = block_input(session, &layer->attn_norm, n);
  attention_block(session, index, x, first, n);
  if (h->parallel) {
    /* The second block's input is taken before the first one's output is added. */
    if (layer->ffn_norm.weight.data) x = block_input(session, &layer->ffn_norm, n);
    add_to_stream(session, &layer->post_attn_norm, n);
  } else {
    add_to_stream(session, &layer->post_attn_norm, n);
    x = block_input(session, &layer->ffn_norm, n);
  }
  feed_forward_block(session, layer, x, n);
  add_to_stream(session, &layer->post_ffn_norm, n);
}

static void embed(ink_session *session, uint32_t first, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  const ink_weights *weights = &session->model->weights;
  const ink_kernels *kernels = session->model->kernels;
  for (uint32_t t = 0; t < n; t++) {
    float *x = session->scratch.x + (size_t)t * h->n_embd;
    ink_tensor_dequantize_row(&weights->token_embd.weight, (uint32_t)session->tokens[first + t], x);
    ink_adapters_embed(session, session->tokens[first + t], x);
    if (h->embd_scale != 1.0f) kernels->scale(x, h->embd_scale, h->n_embd);
    if (weights->position_embd.weight.data) {
      float *position = session->scratch.normed;
      ink_tensor_dequantize_row(&weights->position_embd.weight, first + t, position);
      kernels->add(x, position, h->n_embd);
    }
  }
}

void ink_forward_embed(ink_session *session, uint32_t first, uint32_t n) {
  session->logits = NULL;
  embed(session, first, n);
  ink_rope_prepare(&session->rope, first, n);
}

void ink_forward_norm(ink_session *session, uint32_t at, uint32_t count) {
  const float *x = session->scratch.x + (size_t)at * session->model->hparams.n_embd;
  norm(session, &session->model->weights.output_norm, x, count, session->scratch.normed);
}

void ink_forward_logits(ink_session *session, uint32_t at, uint32_t count) {
  const ink_weights *weights = &session->model->weights;
  const ink_hparams *h = &session->model->hparams;
  const ink_kernels *kernels = session->model->kernels;
  ink_scratch *s = &session->scratch;
  ink_forward_norm(session, at, count);
  ink_input in = ink_prepare(session, s->normed, count, h->n_embd);
  bool tied = !weights->output.weight.data;
  const ink_linear *output = tied ? &weights->token_embd : &weights->output;
  ink_multiply(session, &(ink_product){output, s->logits}, 1, in);
  uint32_t n = count * ((h->n_vocab + 3) / 4 * 4);
  if (h->logit_scale != 1.0f) kernels->scale(s->logits, h->logit_scale, n);
  if (h->logit_softcap > 0.0f) kernels->soft_cap(s->logits, h->logit_softcap, n);
}
