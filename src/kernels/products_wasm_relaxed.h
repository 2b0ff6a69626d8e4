/* Products of weights and activations with relaxed SIMD's product of bytes. Weights are from 0 to 127
 * there, so that the result is the same on every machine; sums of 16 bits hold a few of them. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/products_wasm.h"

#include "kernels/products_pairs.h"

#define PANELS_SHARE_COLUMNS 1

typedef v128_t weights16;  /* u8, at most 7 bits */
typedef v128_t columns16;  /* i8: 4 columns four times */
typedef v128_t products16; /* i16: two sums for each row */

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  UNROLLED
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

static inline i32x4 high_rows(products16 sums) {
  return wasm_i32x4_dot_i16x8(sums, kept_i16x8(16));
}

/* ---- For rotated_bytes.h ---- */

static inline bool sums_hold_part(uint32_t bits) { return bits == 4; }
/* Sums that start with a span's -zero * columns need not hold those of q + zero, only those of q:
 * what goes over 16 bits meanwhile comes back. So they hold 8 columns of 6 bits. Of fewer bits they
 * do even where one of a row's two starts with both's. */
static inline bool sums_hold_start(uint32_t bits) { return bits != 6; }
static inline products16 products_start(i32x4 rows) { return wasm_i32x4_shl(rows, 16); }
static inline products16 products_start_exact(int zero, const int8_t *columns, size_t n_groups) {
  products16 sums = wasm_i32x4_const_splat(0);
  A_PASS_AT_A_TIME
  for (size_t g = 0; g < n_groups; g++) {
    sums = products_add(sums, kept_i8x16(1), wasm_v128_load(columns + 16 * g));
  }
  return wasm_i16x8_mul(sums, kept_i16x8(-zero));
}

#define KV_RUN 2u /* of 16 bits, which is as fast as of bytes here */

#include "kernels/token_columns.h"

#include "kernels/signed_columns_wasm.h"

#endif
