/* Floating-point kernels, written once over the primitives of a vec_*.h, which must be included
 * before. Sums run in 4 lanes, lane i taking elements i, i + 4, i + 8 ..., and end as
 * (lane 0 + lane 1) + (lane 2 + lane 3). */
#ifndef INK_KERNELS_FLOAT_OPS_H
#define INK_KERNELS_FLOAT_OPS_H

#include <math.h>

#include "base/half.h"
#include "kernels/kernels.h"
#include "kernels/prefetch.h"
#include "kernels/unrolled.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Adding it makes a float of at most 2^22 an integer, rounded to even, in the low bits. */
#define ROUND_BIAS 12582912.0f /* 1.5 * 2^23 */

/* e^x = 2^n (1 + rest): x = n ln 2 + r, |r| <= 0.35; minimax polynomial of degree 5 for
 * (e^r - 1 - r) / r^2 as in Cephes (S. Moshier). Relative error below 2e-7; x is clamped to
 * [-87.3, 88.3]. power = 2^n; neither may be x. `constant` is f32x4_splat, or, in loops that take
 * time, f32x4_constant, whose code is longer. */
ALWAYS_INLINE void exp_parts(f32x4 x, f32x4 (*constant)(float), f32x4 *power, f32x4 *rest) {
  static const float coefficients[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  f32x4 bias = constant(ROUND_BIAS);
  f32x4 clamped = f32x4_min(f32x4_max(x, constant(-87.3f)), constant(88.3f));
  f32x4 biased = f32x4_add(f32x4_mul(clamped, constant(1.44269504f)), bias);
  f32x4 whole = f32x4_sub(biased, bias);
  f32x4 r = f32x4_sub(clamped, f32x4_mul(whole, constant(0.693359375f)));
  r = f32x4_sub(r, f32x4_mul(whole, constant(-2.12194440e-4f)));
  f32x4 sum = constant(coefficients[0]);
  UNROLLED
  for (size_t k = 1; k < sizeof coefficients / sizeof *coefficients; k++) {
    sum = f32x4_add(f32x4_mul(sum, r), constant(coefficients[k]));
  }
  *power = f32x4_power_of_2(biased);
  *rest = f32x4_add(f32x4_mul(sum, f32x4_mul(r, r)), r);
}

ALWAYS_INLINE f32x4 exp_f32x4(f32x4 x, f32x4 (*constant)(float)) {
  f32x4 power, rest;
  exp_parts(x, constant, &power, &rest);
  return f32x4_mul(f32x4_add(rest, constant(1.0f)), power);
}

/* tanh x = m / (m + 2), m = e^2x - 1: exact to a few units of the last place near 0 too, since n is
 * 0 there and m is `rest`. */
static inline f32x4 tanh_f32x4(f32x4 x) {
  f32x4 power, rest;
  exp_parts(f32x4_add(x, x), f32x4_splat, &power, &rest);
  f32x4 m = f32x4_add(f32x4_mul(power, rest), f32x4_sub(power, f32x4_splat(1.0f)));
  return f32x4_div(m, f32x4_add(m, f32x4_splat(2.0f)));
}

static inline f32x4 load_weights(ink_type type, const uint8_t *weights, size_t at) {
  const uint16_t *halves = (const uint16_t *)(const void *)weights + at;
  if (type == INK_TYPE_F16) return f32x4_load_halves(halves);
  if (type == INK_TYPE_BF16) return f32x4_load_bf16(halves);
  return f32x4_load((const float *)(const void *)weights + at);
}

/* Products are summed over so many columns, then these sums: a third of the rounding error of one
 * long sum over 1536. */
#define SUM_COLUMNS 128u

/* Four rows at a time so that four sums are under way; past the last row it is taken again. */
static inline void multiply_rows(ink_type type, const ink_matmul *job) {
  size_t n_cols = job->weights->n_cols, bytes = type == INK_TYPE_F32 ? 4 : 2;
  for (uint32_t row = job->first_row; row < job->end_row; row += 4) {
    uint32_t rows = job->end_row - row < 4 ? job->end_row - row : 4;
    size_t at[4];
    for (uint32_t r = 0; r < 4; r++) at[r] = (row + (r < rows ? r : rows - 1)) * n_cols;
    for (uint32_t t = 0; t < job->n_tokens; t++) {
      const float *x = job->x_f32 + t * n_cols;
      f32x4 zero = f32x4_splat(0.0f), sums[4] = {zero, zero, zero, zero};
      for (size_t c = 0; c < n_cols;) {
        f32x4 parts[4] = {zero, zero, zero, zero};
        size_t end = n_cols - c < SUM_COLUMNS ? n_cols : c + SUM_COLUMNS;
        for (size_t r = 4; FETCH_AHEAD && r < 8; r++) { /* the same columns of the next rows */
          prefetch(job->weights->data + ((row + r) * n_cols + c) * bytes, (end - c) * bytes);
        }
        for (; c < end; c += 4) {
          f32x4 column = f32x4_load(x + c);
          UNROLLED
          for (uint32_t r = 0; r < 4; r++) {
            f32x4 w = load_weights(type, job->weights->data, at[r] + c);
            parts[r] = f32x4_add(parts[r], f32x4_mul(w, column));
          }
        }
        UNROLLED
        for (uint32_t r = 0; r < 4; r++) sums[r] = f32x4_add(sums[r], parts[r]);
      }
      for (uint32_t r = 0; r < rows; r++) {
        job->y[t * job->y_stride + row + r] = f32x4_lane_sum(sums[r]);
      }
    }
  }
}

/* The product with F32, F16 or BF16 weights; false for other types. */
COMPACT __attribute__((noinline)) static bool matmul_floats(const ink_matmul *job) {
  switch (job->weights->type) {
  case INK_TYPE_F32: multiply_rows(INK_TYPE_F32, job); return true;
  case INK_TYPE_F16: multiply_rows(INK_TYPE_F16, job); return true;
  case INK_TYPE_BF16: multiply_rows(INK_TYPE_BF16, job); return true;
  default: return false;
  }
}

static void rms_norm(float *out, const float *x, const float *weight, uint32_t n, float epsilon) {
  f32x4 squares = f32x4_splat(0.0f);
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 v = f32x4_load(x + i);
    squares = f32x4_add(squares, f32x4_mul(v, v));
  }
  f32x4 factor = f32x4_splat(1.0f / sqrtf(f32x4_lane_sum(squares) / (float)n + epsilon));
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 scaled = f32x4_mul(f32x4_load(x + i), factor);
    f32x4_store(out + i, f32x4_mul(scaled, f32x4_load(weight + i)));
  }
}

static void add(float *x, const float *y, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4_store(x + i, f32x4_add(f32x4_load(x + i), f32x4_load(y + i)));
  }
}

static void scale(float *x, float factor, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4_store(x + i, f32x4_mul(f32x4_load(x + i), f32x4_splat(factor)));
  }
}

static void silu_multiply(float *gate, const float *up, uint32_t n) {
  f32x4 one = f32x4_constant(1.0f);
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 x = f32x4_load(gate + i);
    f32x4 e = exp_f32x4(f32x4_sub(f32x4_splat(0.0f), x), f32x4_constant);
    f32x4 silu = f32x4_div(x, f32x4_add(one, e));
    f32x4_store(gate + i, f32x4_mul(silu, f32x4_load(up + i)));
  }
}

static void floats_of_halves(float *out, const uint16_t *halves, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) f32x4_store(out + i, f32x4_load_halves(halves + i));
}

static void floats_of_bf16(float *out, const uint16_t *bits, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) f32x4_store(out + i, f32x4_load_bf16(bits + i));
}

static float exp_sum(const float *x, uint32_t n, float max) {
  f32x4 sum = f32x4_splat(0.0f);
  uint32_t i = 0;
  for (; i + 4 <= n; i += 4) {
    sum = f32x4_add(sum, exp_f32x4(f32x4_sub(f32x4_load(x + i), f32x4_splat(max)), f32x4_splat));
  }
  float rest[4] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
  for (uint32_t j = 0; i + j < n; j++) rest[j] = x[i + j] - max;
  if (i < n) sum = f32x4_add(sum, exp_f32x4(f32x4_load(rest), f32x4_splat));
  return f32x4_lane_sum(sum);
}

__attribute__((noinline)) static void soft_cap(float *x, float cap, uint32_t n) {
  f32x4 inverse = f32x4_splat(1.0f / cap);
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 v = tanh_f32x4(f32x4_mul(f32x4_load(x + i), inverse));
    f32x4_store(x + i, f32x4_mul(f32x4_splat(cap), v));
  }
}

#endif
