/* Products of weights and activations with relaxed SIMD's dot product of bytes, which adds four of
 * them to a sum of 32 bits: one instruction where the processor has AVX-VNNI or ARM's dot product,
 * and about five elsewhere, so that products_wasm_relaxed.h is for those.
 *
 * Weights are from 0 to 127. That makes the result the same on every machine: operands mean the
 * same signed or unsigned, and where pairs are summed in 16 bits first, 2 * 127 * 128 fits. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/products_wasm.h"

#define PRODUCTS_SIGNED 0
#define PRODUCTS_NIBBLES 1

typedef v128_t weights16;  /* u8, at most 7 bits */
typedef v128_t columns16;  /* i8: 4 columns four times */
typedef v128_t products16; /* i32: a sum for each row */

/* Sums would hold all, but each product waits for the one before: a single token's 8 groups are
 * four times two, which is as fast as memory. */
static inline uint32_t groups_per_sum(uint32_t bits) {
  (void)bits;
  return 4;
}
static inline i32x4 scale_lanes(i32x4 scale) { return scale; }

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
/* One load and 4 shuffles, where V8 makes two instructions of each load32_splat. */
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  v128_t all = wasm_v128_load(q);
  x[0] = wasm_i32x4_shuffle(all, all, 0, 0, 0, 0);
  x[1] = wasm_i32x4_shuffle(all, all, 1, 1, 1, 1);
  x[2] = wasm_i32x4_shuffle(all, all, 2, 2, 2, 2);
  x[3] = wasm_i32x4_shuffle(all, all, 3, 3, 3, 3);
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, w, sums);
}
static inline products16 products_of(weights16 w, columns16 x) {
  return products_add(wasm_i32x4_const_splat(0), w, x);
}
static inline i32x4 products_rows(products16 sums) { return sums; }
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return wasm_i32x4_mul(sums, scale);
}

static inline i32x4 high_rows(products16 sums) { return wasm_i32x4_shl(sums, 4); }

/* ---- For rotated_bytes.h ---- */

static inline bool sums_hold_part(uint32_t bits) { return bits < 8; }
static inline bool sums_hold_start(uint32_t bits) { return bits < 9; }
static inline products16 products_start(i32x4 rows) { return rows; }
static inline products16 products_start_exact(int zero, const int8_t *columns, size_t n_groups) {
  (void)zero, (void)columns, (void)n_groups;
  return wasm_i32x4_const_splat(0);
}

#include "kernels/token_columns.h"

#include "kernels/signed_columns_wasm.h"

#endif
