/* The vector primitives in plain C: what the other vec_*.h must equal, bit for bit. */
#ifndef INK_KERNELS_VEC_H
#define INK_KERNELS_VEC_H

#include <math.h>
#include <stdint.h>

#include "base/half.h"

#define VECTORS_ARE_ARRAYS

typedef struct f32x4 {
  float lane[4];
} f32x4;

#define INK_LANES(expression)                                                                      \
  f32x4 result;                                                                                    \
  for (int i = 0; i < 4; i++) result.lane[i] = (expression);                                       \
  return result

static inline f32x4 f32x4_load(const float *p) { INK_LANES(p[i]); }
static inline f32x4 f32x4_load_halves(const uint16_t *p) { INK_LANES(ink_f32_of_f16(p[i])); }
static inline f32x4 f32x4_load_bf16(const uint16_t *p) { INK_LANES(ink_f32_of_bf16(p[i])); }
static inline f32x4 f32x4_load_bytes(const int8_t *p) { INK_LANES((float)p[i]); }
static inline void f32x4_store(float *p, f32x4 v) {
  for (int i = 0; i < 4; i++) p[i] = v.lane[i];
}
static inline f32x4 f32x4_splat(float x) { INK_LANES(x); }
#define f32x4_constant f32x4_splat
static inline f32x4 f32x4_add(f32x4 a, f32x4 b) { INK_LANES(a.lane[i] + b.lane[i]); }
static inline f32x4 f32x4_sub(f32x4 a, f32x4 b) { INK_LANES(a.lane[i] - b.lane[i]); }
static inline f32x4 f32x4_mul(f32x4 a, f32x4 b) { INK_LANES(a.lane[i] * b.lane[i]); }
static inline f32x4 f32x4_div(f32x4 a, f32x4 b) { INK_LANES(a.lane[i] / b.lane[i]); }
static inline f32x4 f32x4_abs(f32x4 a) { INK_LANES(fabsf(a.lane[i])); }
/* b where a < b, else a: so NaN in either gives a. */
static inline f32x4 f32x4_max(f32x4 a, f32x4 b) {
  INK_LANES(a.lane[i] < b.lane[i] ? b.lane[i] : a.lane[i]);
}
/* b where b < a, else a. */
static inline f32x4 f32x4_min(f32x4 a, f32x4 b) {
  INK_LANES(b.lane[i] < a.lane[i] ? b.lane[i] : a.lane[i]);
}
/* 2^n where `biased` holds the float n + 1.5 * 2^23; -126 <= n <= 127. */
static inline f32x4 f32x4_power_of_2(f32x4 biased) {
  INK_LANES(ink_f32_of_bits((ink_bits_of_f32(biased.lane[i]) + 127u) << 23));
}
/* x * 2^n, x from 1/2 to 2, by adding n to its exponent. */
static inline f32x4 f32x4_times_power_of_2(f32x4 x, f32x4 biased) {
  INK_LANES(ink_f32_of_bits(ink_bits_of_f32(x.lane[i]) + (ink_bits_of_f32(biased.lane[i]) << 23)));
}
/* The low byte of each lane's representation. */
static inline void f32x4_store_low_bytes(int8_t *p, f32x4 v) {
  for (int i = 0; i < 4; i++) p[i] = (int8_t)(uint8_t)ink_bits_of_f32(v.lane[i]);
}
static inline void f32x4_store_low_halves(int16_t *p, f32x4 v) {
  for (int i = 0; i < 4; i++) p[i] = (int16_t)(uint16_t)ink_bits_of_f32(v.lane[i]);
}
static inline float f32x4_lane_sum(f32x4 v) {
  return (v.lane[0] + v.lane[1]) + (v.lane[2] + v.lane[3]);
}
static inline float f32x4_lane_max(f32x4 v) {
  float a = v.lane[0] < v.lane[1] ? v.lane[1] : v.lane[0];
  float b = v.lane[2] < v.lane[3] ? v.lane[3] : v.lane[2];
  return a < b ? b : a;
}

typedef struct i32x4 {
  int32_t lane[4];
} i32x4;

static inline i32x4 i32x4_splat(int32_t x) { return (i32x4){{x, x, x, x}}; }
static inline i32x4 i32x4_load(const int32_t *p) { return (i32x4){{p[0], p[1], p[2], p[3]}}; }
static inline void i32x4_store(int32_t *p, i32x4 v) {
  for (int i = 0; i < 4; i++) p[i] = v.lane[i];
}
static inline f32x4 f32x4_of_i32x4(i32x4 v) { INK_LANES((float)v.lane[i]); }

#define KV_RUN 2u

/* A pair of 16 bits for each lane. */
static inline i32x4 i32x4_load_byte_pairs(const int8_t *p) {
  i32x4 pairs;
  for (int i = 0; i < 4; i++) {
    pairs.lane[i] = (int32_t)((uint32_t)p[2 * i + 1] << 16 | (uint16_t)p[2 * i]);
  }
  return pairs;
}
/* sums + pairs[lane][0] * x[0] + pairs[lane][1] * x[1] */
static inline i32x4 i32x4_add_pair_products(i32x4 sums, i32x4 pairs, const int16_t x[2]) {
  for (int i = 0; i < 4; i++) {
    uint32_t pair = (uint32_t)pairs.lane[i];
    sums.lane[i] += (int16_t)(uint16_t)pair * x[0] + (int16_t)(uint16_t)(pair >> 16) * x[1];
  }
  return sums;
}

static inline void hold_order(void) {}

#undef INK_LANES

/* ---- Wide floats: the same as the narrow ones ---- */

#define WIDE_PANELS 1u

typedef f32x4 wide_f32;

#define wide_f32_load f32x4_load
#define wide_f32_splat f32x4_splat
#define wide_f32_add f32x4_add
#define wide_f32_mul f32x4_mul

static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  (void)n_panels;
  f32x4_store(p, v);
}

#endif
