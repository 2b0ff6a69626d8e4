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
static inline void columns_load(const int8_t *q, columns16 *first, columns16 *second) {
  *first = wasm_v128_load32_splat(q);
  *second = wasm_v128_load32_splat(q + 4);
}
static inline products16 products_of(weights16 w, columns16 x) {
  return wasm_i16x8_relaxed_dot_i8x16_i7x16(x, w);
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return wasm_i16x8_add(sums, products_of(w, x));
}
static inline i32x4 products_rows(products16 sums) {
  return wasm_i32x4_extadd_pairwise_i16x8(sums);
}
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return wasm_i32x4_dot_i16x8(sums, scale);
}

#include "kernels/products_single.h"

#endif
