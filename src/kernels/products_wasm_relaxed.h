/* Products of weights and activations with relaxed SIMD's product of bytes. Weights are from 0 to 127
 * there, so that the result is the same on every machine; sums of 16 bits hold a few of them. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_wasm.h"

#include "kernels/products_pairs.h"

typedef v128_t weights16;  /* u8, at most 7 bits */
typedef v128_t columns16;  /* i8: 4 columns four times */
typedef v128_t products16; /* i16: two sums for each row */

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
static inline void weights_store(uint8_t *p, weights16 w) { wasm_v128_store(p, w); }
static inline weights16 weights_load(const uint8_t *p) { return wasm_v128_load(p); }
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

/* 8 columns of signed bytes, which take the product of 16 bits: adds to two sums for each row. */
static inline void add_signed(const u8x16 groups[2], const int8_t *q, v128_t *low, v128_t *high) {
  v128_t both = wasm_i16x8_load8x8(q);
  v128_t x[2] = {wasm_i64x2_shuffle(both, both, 0, 0), wasm_i64x2_shuffle(both, both, 1, 1)};
  v128_t w[4] = {wasm_i16x8_extend_low_i8x16(groups[0]), wasm_i16x8_extend_low_i8x16(groups[1]),
                 wasm_i16x8_extend_high_i8x16(groups[0]), wasm_i16x8_extend_high_i8x16(groups[1])};
  *low = wasm_i32x4_add(*low, wasm_i32x4_dot_i16x8(w[0], x[0]));
  *low = wasm_i32x4_add(*low, wasm_i32x4_dot_i16x8(w[1], x[1]));
  *high = wasm_i32x4_add(*high, wasm_i32x4_dot_i16x8(w[2], x[0]));
  *high = wasm_i32x4_add(*high, wasm_i32x4_dot_i16x8(w[3], x[1]));
}

/* 32 of them. Without a loop, so that no array is left. */
static inline i32x4 products_of_signed(const u8x16 groups[8], const int8_t *q) {
  v128_t low = wasm_i32x4_const_splat(0), high = low;
  add_signed(groups, q, &low, &high);
  add_signed(groups + 2, q + 8, &low, &high);
  add_signed(groups + 4, q + 16, &low, &high);
  add_signed(groups + 6, q + 24, &low, &high);
  return wasm_i32x4_add(wasm_i32x4_shuffle(low, high, 0, 2, 4, 6),
                        wasm_i32x4_shuffle(low, high, 1, 3, 5, 7));
}

#include "kernels/products_single.h"

#endif
