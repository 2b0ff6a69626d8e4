/* Signed bytes times one token with WebAssembly's product of 16 bits, for sets whose own products
 * take no such weights. vec_wasm.h and token_columns.h must come before. */
#ifndef INK_KERNELS_SIGNED_COLUMNS_WASM_H
#define INK_KERNELS_SIGNED_COLUMNS_WASM_H

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

#endif
