#include "engine/experts.h"

#include <string.h>

#include "base/math.h"
#include "engine/mlp.h"

/* probabilities = softmax(logits), in double precision: there are few, and a tie must be broken in
 * the same way everywhere. */
static void softmax(const float *logits, uint32_t n, float *probabilities) {
  double max = (double)logits[0], sum = 0.0;
  for (uint32_t i = 1; i < n; i++) max = (double)logits[i] > max ? (double)logits[i] : max;
  for (uint32_t i = 0; i < n; i++) sum += ink_exp((double)logits[i] - max);
  for (uint32_t i = 0; i < n; i++) {
    probabilities[i] = (float)(ink_exp((double)logits[i] - max) / sum);
  }
}

/* Leaves the weights of the experts that the token uses in place of its logits, 0 elsewhere. Of
 * equals the first is chosen; what is not a number is never more than another. */
static void choose(const ink_hparams *h, float *logits, float *weights) {
  softmax(logits, h->n_expert, weights);
  for (uint32_t i = 0; i < h->n_expert; i++) logits[i] = 0.0f;
  float sum = 0.0f;
  for (uint32_t k = 0; k < h->n_expert_used; k++) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < h->n_expert; i++) best = weights[i] > weights[best] ? i : best;
    logits[best] = weights[best];
    sum += weights[best];
    weights[best] = -1.0f;
  }
  if (!h->expert_weights_norm) return;
  for (uint32_t i = 0; i < h->n_expert; i++) logits[i] = logits[i] / sum;
}

/* One expert, for all tokens that use it together. */
static void run_expert(ink_session *session, const ink_layer *layer, uint32_t expert,
                       const float *x, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  const ink_kernels *kernels = session->model->kernels;
  ink_scratch *s = &session->scratch;
  uint32_t n_embd = h->n_embd, n_tokens = 0;
  for (uint32_t t = 0; t < n; t++) {
    if (s->expert_weights[(size_t)t * s->expert_stride + expert] == 0.0f) continue;
    memcpy(s->expert_in + (size_t)n_tokens * n_embd, x + (size_t)t * n_embd,
           n_embd * sizeof(float));
    n_tokens++;
  }
  if (n_tokens == 0) return;
  uint32_t n_ff = h->n_ff_expert;
  ink_linear gate = {.weight = ink_tensor_slice(&layer->ffn_gate_exps.weight, expert * n_ff, n_ff)};
  ink_linear up = {.weight = ink_tensor_slice(&layer->ffn_up_exps.weight, expert * n_ff, n_ff)};
  ink_linear down = {
      .weight = ink_tensor_slice(&layer->ffn_down_exps.weight, expert * n_embd, n_embd)};
  ink_mlp mlp = {&gate, &up, &down, n_ff};
  ink_mlp_run(session, &mlp, s->expert_in, n_tokens, s->expert_out);
  const float *out = s->expert_out;
  for (uint32_t t = 0; t < n; t++) {
    float weight = s->expert_weights[(size_t)t * s->expert_stride + expert];
    if (weight == 0.0f) continue;
    kernels->add_scaled(s->projected + (size_t)t * n_embd, out, weight, n_embd);
    out += n_embd;
  }
}

static float dot(const float *a, const float *b, uint32_t n) {
  float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  for (uint32_t i = 0; i < n; i++) sums[i % 4] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The expert that every token uses; some models weigh it for each. */
static void run_shared_expert(ink_session *session, const ink_layer *layer, const float *x,
                              uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  ink_mlp mlp = {&layer->ffn_gate_shared, &layer->ffn_up_shared, &layer->ffn_down_shared,
                 h->n_ff_shared};
  ink_mlp_run(session, &mlp, x, n, s->expert_out);
  const float *gate = (const float *)(const void *)layer->ffn_shared_weight.weight.data;
  for (uint32_t t = 0; t < n; t++) {
    size_t at = (size_t)t * h->n_embd;
    float weight = 1.0f;
    if (gate) {
      weight = (float)(1.0 / (1.0 + ink_exp(-(double)dot(x + at, gate, h->n_embd))));
    }
    session->model->kernels->add_scaled(s->projected + at, s->expert_out + at, weight, h->n_embd);
  }
}

/* Experts add up in their order, and an expert's products with a token don't depend on the others
 * that it is given: so results are the same however a text is cut into batches. */
void ink_experts(ink_session *session, const ink_layer *layer, const float *x, uint32_t n) {
  const ink_hparams *h = &session->model->hparams;
  ink_scratch *s = &session->scratch;
  ink_input in = ink_prepare(session, x, n, h->n_embd);
  ink_multiply(session, &(ink_product){&layer->ffn_router, s->expert_weights}, 1, in);
  for (uint32_t t = 0; t < n; t++) {
    choose(h, s->expert_weights + (size_t)t * s->expert_stride, s->expert_choice);
  }
  memset(s->projected, 0, (size_t)n * h->n_embd * sizeof(float));
  for (uint32_t i = 0; i < h->n_expert; i++) run_expert(session, layer, i, x, n);
  if (layer->ffn_up_shared.weight.data) run_shared_expert(session, layer, x, n);
}
