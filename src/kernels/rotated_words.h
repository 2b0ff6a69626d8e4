/* Tiles of weights of 16 bits, their integer scales included, times pairs of columns, which any
 * class's sums of 32 bits hold: q is [8 groups][2 pairs][2 panels][4 rows][2 columns]. */
#ifndef INK_KERNELS_ROTATED_WORDS_H
#define INK_KERNELS_ROTATED_WORDS_H

#define GROUP_WEIGHTS 64u

SPECIALIZED bool in_planes(integer_class k) {
  (void)k;
  return false;
}
SPECIALIZED uint32_t spans_of(integer_class k) {
  (void)k;
  return 1;
}

SPECIALIZED void add_pairs(rotated_sums sums, const uint8_t *weights, v128_t columns) {
  v128_t first = wasm_v128_load(weights), second = wasm_v128_load(weights + 16);
  UNROLLED
  for (size_t r = 0; r < TOKENS; r++) {
    sums[0][r] = wasm_i32x4_add(sums[0][r], wasm_i32x4_dot_i16x8(columns, first));
    sums[1][r] = wasm_i32x4_add(sums[1][r], wasm_i32x4_dot_i16x8(columns, second));
    if (r + 1 < TOKENS) columns = rotated(columns);
  }
}
SPECIALIZED void add_group(rotated_sums sums, const uint8_t *weights, const int8_t *columns) {
  v128_t low = wasm_i16x8_load8x8(columns), high = wasm_i16x8_load8x8(columns + 8);
  add_pairs(sums, weights, wasm_i32x4_shuffle(low, high, 0, 2, 4, 6));
  add_pairs(sums, weights + 32, wasm_i32x4_shuffle(low, high, 1, 3, 5, 7));
}

SPECIALIZED v128_t start_of_span(integer_class k, const ink_q8_tile *x, uint32_t span) {
  (void)k, (void)x, (void)span;
  return wasm_i32x4_const_splat(0);
}
SPECIALIZED v128_t rows_of_span(integer_class k, const int32_t *scales, v128_t sums) {
  (void)k, (void)scales;
  return sums;
}
SPECIALIZED v128_t rows_of_planes(v128_t high, v128_t low) { return wasm_i32x4_add(high, low); }

SPECIALIZED void store_group(integer_class k, ink_unpacked_part *out, uint32_t panel, size_t g,
                             u8x16 group, i32x4 scale) {
  v128_t v = wasm_i8x16_shuffle(group, group, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
  v128_t low = wasm_i16x8_extend_low_i8x16(v), high = wasm_i16x8_extend_high_i8x16(v);
  if (k.n_scales > 1) {
    i32x4 pair = pairs_of(scale, scale);
    low = wasm_i16x8_mul(low, pair);
    high = wasm_i16x8_mul(high, pair);
  }
  uint8_t *q = out->q + g * GROUP_WEIGHTS + panel * 16;
  wasm_v128_store(q, low);
  wasm_v128_store(q + GROUP_WEIGHTS / 2, high);
}

/* They are in the weights. */
SPECIALIZED void store_scales(integer_class k, ink_unpacked_part *out, uint32_t panel,
                              const i32x4 scales[2]) {
  (void)k, (void)out, (void)panel, (void)scales;
}

#endif
