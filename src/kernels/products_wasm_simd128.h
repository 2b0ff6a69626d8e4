/* Products of weights and activations on WebAssembly's fixed-width SIMD: of 16 bits, since it has
 * none of bytes. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/products_wasm.h"

#include "kernels/products_words.h"

#define PRODUCTS_SIGNED 1
#define PRODUCTS_NIBBLES 0
#define PANELS_SHARE_COLUMNS 1

typedef struct weights16 {
  v128_t low, high; /* i16: rows 0 and 1, rows 2 and 3 */
} weights16;
typedef v128_t columns16; /* i16: 4 columns twice */
typedef struct products16 {
  v128_t low, high; /* i32: two sums for each row */
} products16;

static inline weights16 weights_of_bytes(u8x16 q) {
  return (weights16){wasm_i16x8_extend_low_i8x16(q), wasm_i16x8_extend_high_i8x16(q)};
}
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  UNROLLED
  for (size_t g = 0; g < 4; g += 2) {
    v128_t both = wasm_i16x8_load8x8(q + 4 * g);
    x[g] = wasm_i32x4_shuffle(both, both, 0, 1, 0, 1);
    x[g + 1] = wasm_i32x4_shuffle(both, both, 2, 3, 2, 3);
  }
}
static inline products16 products_of(weights16 w, columns16 x) {
  return (products16){wasm_i32x4_dot_i16x8(w.low, x), wasm_i32x4_dot_i16x8(w.high, x)};
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return (products16){wasm_i32x4_add(sums.low, wasm_i32x4_dot_i16x8(w.low, x)),
                    wasm_i32x4_add(sums.high, wasm_i32x4_dot_i16x8(w.high, x))};
}
static inline i32x4 products_rows(products16 sums) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(sums.low, sums.high, 0, 2, 4, 6),
                        wasm_i32x4_shuffle(sums.low, sums.high, 1, 3, 5, 7));
}
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return wasm_i32x4_mul(products_rows(sums), scale);
}

#define KV_RUN 2u

#include "kernels/token_columns.h"

#endif
