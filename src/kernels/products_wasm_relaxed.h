/* Products of weights and activations with relaxed SIMD's product of bytes. Weights are from 0 to 127
 * there, so that the result is the same on every machine; sums of 16 bits hold a few of them. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_wasm.h"

#include "kernels/products_pairs.h"

#define PRODUCTS_GROUPS 4

typedef v128_t weights16;  /* u8, at most 7 bits */
typedef v128_t columns16;  /* i8: 4 columns four times */
typedef v128_t products16; /* i16: two sums for each row */

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
static inline void weights_store(uint8_t *p, weights16 w) { wasm_v128_store(p, w); }
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  for (size_t g = 0; g < 4; g++) x[g] = wasm_v128_load32_splat(q + 4 * g);
}
static inline products16 products_of(weights16 w, columns16 x) {
  return wasm_i16x8_relaxed_dot_i8x16_i7x16(x, w);
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return wasm_i16x8_add(sums, products_of(w, x));
}
static inline i32x4 products_rows(products16 sums) {
  return wasm_i32x4_dot_i16x8(sums, kept_i16x8(1));
}
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return wasm_i32x4_dot_i16x8(sums, scale);
}

#include "kernels/token_columns.h"

/* ---- Signed bytes times one token, which take the product of 16 bits ---- */

/* 4 columns twice. */
static inline void signed_columns_store(token_columns *out, const int8_t *q) {
  for (size_t g = 0; g < 8; g++) {
    v128_t columns = wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(q + 4 * g));
    out->x[g] = wasm_i64x2_shuffle(columns, columns, 0, 0);
  }
}

typedef struct signed_sums {
  v128_t low, high; /* i32: two for each row */
} signed_sums;

static inline void signed_sums_add(signed_sums *sums, v128_t low, v128_t high, v128_t x) {
  sums->low = wasm_i32x4_add(sums->low, wasm_i32x4_dot_i16x8(low, x));
  sums->high = wasm_i32x4_add(sums->high, wasm_i32x4_dot_i16x8(high, x));
}
static inline void signed_sums_add_group(signed_sums *sums, u8x16 group, v128_t x) {
  v128_t low = wasm_i16x8_extend_low_i8x16(group), high = wasm_i16x8_extend_high_i8x16(group);
  signed_sums_add(sums, low, high, x);
}
static inline void signed_sums_add_bytes(signed_sums *sums, const uint8_t *group, v128_t x) {
  signed_sums_add(sums, wasm_i16x8_load8x8(group), wasm_i16x8_load8x8(group + 8), x);
}
static inline i32x4 signed_sums_rows(signed_sums sums) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(sums.low, sums.high, 0, 2, 4, 6),
                        wasm_i32x4_shuffle(sums.low, sums.high, 1, 3, 5, 7));
}

/* ---- Two panels: each vector of activations is loaded for both, 16 columns at a time ---- */

#define WIDE_PANELS 2u
#define WIDE_IS_TWO_REGISTERS 1

typedef struct wide_v128 {
  v128_t first, second; /* panels */
} wide_v128;
typedef wide_v128 wide_weights16;
typedef v128_t wide_columns16;
typedef wide_v128 wide_products16;
typedef wide_v128 wide_i32;
typedef wide_v128 wide_f32;

static inline wide_i32 wide_i32_load(const void *p) {
  return (wide_i32){wasm_v128_load(p), wasm_v128_load((const uint8_t *)p + 16)};
}
static inline wide_i32 wide_i32_splat(int32_t x) {
  v128_t v = i32x4_splat(x);
  return (wide_i32){v, v};
}
static inline wide_i32 wide_i32_add(wide_i32 a, wide_i32 b) {
  return (wide_i32){wasm_i32x4_add(a.first, b.first), wasm_i32x4_add(a.second, b.second)};
}
static inline wide_weights16 wide_weights_load(const uint8_t *p) { return wide_i32_load(p); }
#define wide_columns_load columns_load
static inline wide_products16 wide_products_of(wide_weights16 w, wide_columns16 x) {
  return (wide_products16){products_of(w.first, x), products_of(w.second, x)};
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w,
                                                wide_columns16 x) {
  return (wide_products16){products_add(sums.first, w.first, x),
                           products_add(sums.second, w.second, x)};
}
static inline wide_i32 wide_products_rows(wide_products16 sums) {
  return (wide_i32){products_rows(sums.first), products_rows(sums.second)};
}
static inline wide_i32 wide_products_scaled(wide_products16 sums, wide_i32 scale) {
  return (wide_i32){products_scaled(sums.first, scale.first),
                    products_scaled(sums.second, scale.second)};
}
static inline wide_i32 wide_pair_products(wide_i32 pairs, const int16_t sums[2]) {
  return (wide_i32){pair_products(pairs.first, sums), pair_products(pairs.second, sums)};
}
static inline wide_f32 wide_f32_load(const float *p) { return wide_i32_load(p); }
static inline wide_f32 wide_f32_splat(float x) {
  v128_t v = wasm_f32x4_splat(x);
  return (wide_f32){v, v};
}
static inline wide_f32 wide_f32_add(wide_f32 a, wide_f32 b) {
  return (wide_f32){wasm_f32x4_add(a.first, b.first), wasm_f32x4_add(a.second, b.second)};
}
static inline wide_f32 wide_f32_mul(wide_f32 a, wide_f32 b) {
  return (wide_f32){wasm_f32x4_mul(a.first, b.first), wasm_f32x4_mul(a.second, b.second)};
}
static inline wide_f32 wide_f32_of_i32(wide_i32 v) {
  return (wide_f32){f32x4_of_i32x4(v.first), f32x4_of_i32x4(v.second)};
}
/* The rows of the first n_panels panels. */
static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  wasm_v128_store(p, v.first);
  if (n_panels == WIDE_PANELS) wasm_v128_store(p + 4, v.second);
}

#endif
