/* Activations in 8 bits, written once over the primitives of a vec_*.h, which must be included
 * before. */
#ifndef INK_KERNELS_QUANTIZE_OPS_H
#define INK_KERNELS_QUANTIZE_OPS_H

#include "kernels/float_ops.h"

/* Where the parts of a token stand, field by field; see ink_q8_part. */
typedef struct token_place {
  int8_t *q;
  float *d;
  int16_t *sums;
  float *s;
  uint32_t *has_residual;
  size_t group_step; /* from 4 columns to the next: bytes */
  size_t step;       /* from part to part */
} token_place;

/* `stride`: ink_q8_stride() */
static inline token_place place_of_token(ink_q8_part *all, size_t stride, uint32_t n_tokens,
                                         uint32_t token) {
  uint32_t tiled = n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS, t = token % INK_TILE_TOKENS;
  if (token >= tiled) {
    ink_q8_part *a = all + token * stride;
    return (token_place){a->q, &a->d, a->sums, &a->s, &a->has_residual, 4, sizeof *a};
  }
  ink_q8_tile *tile = (ink_q8_tile *)(void *)(all + (token - t) * stride);
#if TILES_ARE_ROTATED
  int8_t *q = tile->q[0] + 4 * t;
  size_t group_step = 4 * INK_TILE_TOKENS;
#else
  int8_t *q = tile->q[t];
  size_t group_step = 4;
#endif
  return (token_place){q,           &tile->d[t],         tile->sums[t],
                       &tile->s[t], &tile->has_residual, group_step, sizeof *tile};
}

static inline void next_part(token_place *at) {
  at->q += at->step;
  at->d += at->step / sizeof *at->d;
  at->sums += at->step / sizeof *at->sums;
  at->s += at->step / sizeof *at->s;
  at->has_residual += at->step / sizeof *at->has_residual;
}

/* max |x| of 32 columns */
static inline float largest_of_part(const float *x) {
  f32x4 even = f32x4_splat(0.0f), odd = even; /* two: each waits for its last */
  for (uint32_t i = 0; i < INK_BLOCK; i += 8) {
    even = f32x4_max(even, f32x4_abs(f32x4_load(x + i)));
    odd = f32x4_max(odd, f32x4_abs(f32x4_load(x + i + 4)));
  }
  return f32x4_lane_max(f32x4_max(even, odd));
}

/* Up to which max |x| is as good as 0; 127 over less overflows. */
#define TINY 0x1p-120f

__attribute__((noinline)) static void quantize_part(const float *x, float max, const token_place *at) {
  f32x4 inverse = f32x4_splat(max > TINY ? 127.0f / max : 0.0f);
  f32x4 bias = f32x4_constant(ROUND_BIAS);
  f32x4 sums[2];
  UNROLLED
  for (uint32_t half = 0; half < 2; half++) {
    sums[half] = f32x4_splat(0.0f);
    for (uint32_t i = 16 * half; i < 16 * half + 16; i += 4) {
      f32x4 rounded = f32x4_add(f32x4_mul(f32x4_load(x + i), inverse), bias);
      sums[half] = f32x4_add(sums[half], f32x4_sub(rounded, bias)); /* small integers: exact */
      f32x4_store_low_bytes(at->q + i / 4 * at->group_step, rounded);
    }
  }
  float scale = max / 127.0f;
  float sum_low = f32x4_lane_sum(sums[0]), sum_high = f32x4_lane_sum(sums[1]);
  *at->d = scale;
  at->sums[0] = (int16_t)sum_low;
  at->sums[1] = (int16_t)sum_high;
  *at->s = scale * (sum_low + sum_high);
}

/* out = x - d * q, 32 columns */
static inline void take_residual(const float *x, const token_place *part, float *out) {
  for (uint32_t i = 0; i < INK_BLOCK; i += 4) {
    f32x4 q = f32x4_load_bytes(part->q + i / 4 * part->group_step);
    f32x4 rounded = f32x4_mul(f32x4_splat(*part->d), q);
    f32x4_store(out + i, f32x4_sub(f32x4_load(x + i), rounded));
  }
}

/* Parts whose max |x| has a larger square get a residual. In double precision, in which the sum is
 * exact enough for the bound of ink_q8_stride() at any length. */
static inline double residual_limit(const float *x, uint32_t n_cols) {
  double sum = 0.0;
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK) {
    double max = (double)largest_of_part(x + c);
    sum += max * max;
  }
  return sum * (INK_RESIDUAL_RATIO * INK_BLOCK) / n_cols;
}

/* n = 1 or 4 tokens whose parts stand together; where one of them has a residual all do, of which
 * those that are not needed are 0 and change no sum. */
static inline void quantize_tokens(const float *x, uint32_t n, uint32_t n_cols, bool fine,
                                   token_place *at) {
  double limit[INK_TILE_TOKENS];
  for (uint32_t t = 0; t < n; t++) {
    limit[t] = fine ? -1.0 : residual_limit(x + (size_t)t * n_cols, n_cols);
  }
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK) {
    uint32_t residuals = 0; /* a bit for each token */
    for (uint32_t t = 0; t < n; t++) {
      const float *part = x + (size_t)t * n_cols + c;
      float max = largest_of_part(part);
      quantize_part(part, max, &at[t]);
      residuals |= (uint32_t)((double)max * (double)max > limit[t]) << t;
    }
    *at->has_residual = residuals != 0;
    for (uint32_t t = 0; residuals && t < n; t++) {
      float residual[INK_BLOCK] = {0};
      if (residuals >> t & 1) take_residual(x + (size_t)t * n_cols + c, &at[t], residual);
      next_part(&at[t]);
      quantize_part(residual, largest_of_part(residual), &at[t]);
    }
    if (residuals) *at->has_residual = 0;
    for (uint32_t t = 0; t < n; t++) next_part(&at[t]);
  }
}

static void quantize(const float *x, uint32_t n_tokens, uint32_t n_cols, bool fine,
                     ink_q8_part *out) {
  size_t stride = ink_q8_stride(n_cols / INK_BLOCK, fine);
  uint32_t tiled = n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS;
  for (uint32_t token = 0; token < n_tokens;) {
    uint32_t n = token < tiled ? INK_TILE_TOKENS : 1;
    token_place at[INK_TILE_TOKENS];
    for (uint32_t t = 0; t < n; t++) at[t] = place_of_token(out, stride, n_tokens, token + t);
    quantize_tokens(x + (size_t)token * n_cols, n, n_cols, fine, at);
    token += n;
  }
}

#endif
