#include "engine/rope.h"

#include <math.h>

#include "base/math.h"

void ink_rope_carve(ink_rope *rope, const ink_hparams *h, uint32_t max_batch, ink_arena *arena) {
  for (uint32_t set = 0; set < INK_ROPE_SETS; set++) {
    uint64_t half = ink_rope_set_is_used(h, set) ? h->n_rot / 2 : 0;
    rope->frequencies[set] = ink_carve(arena, half, sizeof(double));
    rope->batch[set] = ink_carve(arena, max_batch * half * 2, sizeof(float));
  }
}

/* The divisors of the frequencies that the file holds, or NULL. */
static const float *file_factors(const ink_hparams *h, const ink_weights *weights, uint32_t n_ctx) {
  const ink_linear *factors = &weights->rope_freqs; /* Llama 3's */
  if (h->rope_scaling == INK_ROPE_SCALING_LONGROPE) {
    factors = n_ctx > h->rope_n_ctx_orig ? &weights->rope_factors_long
                                         : &weights->rope_factors_short;
  }
  return (const float *)(const void *)factors->weight.data;
}

/* The pair, as a real number, that makes `turns` turns over the original context. */
static double pair_of_turns(const ink_hparams *h, double turns) {
  const double two_pi = 6.283185307179586;
  double base = (double)h->rope_freq_base[INK_ROPE_FULL];
  return h->n_rot * ink_log(h->rope_n_ctx_orig / (turns * two_pi)) / (2.0 * ink_log(base));
}

/* YaRN: how much of pair i's frequency is divided, from 0 for fast pairs to 1 for slow ones. */
static double yarn_divided(const ink_hparams *h, uint32_t i) {
  double low = floor(pair_of_turns(h, (double)h->yarn_beta_fast));
  double high = ceil(pair_of_turns(h, (double)h->yarn_beta_slow));
  if (low < 0.0) low = 0.0;
  if (high > h->n_rot - 1.0) high = h->n_rot - 1.0;
  if (low == high) high += 0.001;
  double ramp = (i - low) / (high - low);
  return ramp < 0.0 ? 0.0 : ramp > 1.0 ? 1.0 : ramp;
}

static double frequency(const ink_hparams *h, ink_rope_set set, const float *factors, uint32_t i) {
  double plain = ink_pow((double)h->rope_freq_base[set], -2.0 * i / h->n_rot);
  if (set == INK_ROPE_SLIDING) return plain;
  if (factors) plain /= (double)factors[i];
  if (h->rope_scaling == INK_ROPE_SCALING_LINEAR) plain /= (double)h->rope_scaling_factor;
  if (h->rope_scaling == INK_ROPE_SCALING_YARN) {
    double divided = yarn_divided(h, i);
    plain = plain / (double)h->rope_scaling_factor * divided + plain * (1.0 - divided);
  }
  return plain;
}

void ink_rope_init(ink_rope *rope, const ink_hparams *h, const ink_weights *weights,
                   uint32_t n_ctx) {
  const float *factors = file_factors(h, weights, n_ctx);
  rope->hparams = h;
  for (uint32_t set = 0; set < INK_ROPE_SETS; set++) {
    rope->magnitude[set] = set == INK_ROPE_FULL ? h->rope_attn_factor : 1.0f;
    if (!ink_rope_set_is_used(h, set)) continue;
    for (uint32_t i = 0; i < h->n_rot / 2; i++) {
      rope->frequencies[set][i] = frequency(h, set, factors, i);
    }
  }
}

/* cosine, sine of n_rot / 2 angles */
static void set_angles(const ink_rope *rope, uint32_t set, double position, double magnitude,
                       float *out) {
  for (uint32_t i = 0; i < rope->hparams->n_rot / 2; i++, out += 2) {
    double sine, cosine;
    ink_sincos(position * rope->frequencies[set][i], &sine, &cosine);
    out[0] = (float)(cosine * magnitude);
    out[1] = (float)(sine * magnitude);
  }
}

void ink_rope_prepare(ink_rope *rope, uint32_t first, uint32_t n) {
  for (uint32_t set = 0; set < INK_ROPE_SETS; set++) {
    if (!ink_rope_set_is_used(rope->hparams, set)) continue;
    for (uint32_t t = 0; t < n; t++) {
      set_angles(rope, set, first + t, (double)rope->magnitude[set],
                 rope->batch[set] + (size_t)t * rope->hparams->n_rot);
    }
  }
}

static void rotate(const ink_hparams *h, const float *angles, float *head) {
  uint32_t half = h->n_rot / 2;
  /* Pair i is (i, i + half) or (2i, 2i + 1). */
  uint32_t step = h->rope_halves ? 1 : 2, apart = h->rope_halves ? half : 1;
  for (uint32_t i = 0; i < half; i++, angles += 2, head += step) {
    float x = head[0], y = head[apart], cosine = angles[0], sine = angles[1];
    head[0] = x * cosine - y * sine;
    head[apart] = x * sine + y * cosine;
  }
}

void ink_rope_apply(const ink_rope *rope, uint32_t layer, uint32_t t, float *heads,
                    uint32_t n_heads) {
  const ink_hparams *h = rope->hparams;
  uint32_t set = ink_layer_rope_set(h, layer);
  if (set == INK_ROPE_NONE) return;
  const float *angles = rope->batch[set] + (size_t)t * h->n_rot;
  for (uint32_t i = 0; i < n_heads; i++) rotate(h, angles, heads + (size_t)i * h->n_embd_head);
}

bool ink_rope_make_turn(const ink_rope *rope, uint32_t layer, int64_t delta, float *turn) {
  uint32_t set = ink_layer_rope_set(rope->hparams, layer);
  if (set == INK_ROPE_NONE) return false;
  set_angles(rope, set, (double)delta, 1.0, turn);
  return true;
}

void ink_rope_turn(const ink_rope *rope, const float *turn, float *key) {
  rotate(rope->hparams, turn, key);
}
