/* Tiles of weights of at most 7 bits, q + zero, times 4 columns: q is
 * [8 groups][2 panels][4 rows][4 columns]. Those of 8 bits are in planes of 4 bits, the high one
 * first: [2 panels][8 groups][2 planes][4 rows][4 columns]. Where products of 8 bits vary, they are
 * like the others, or if these overflow, low ones and behind them high ones. */
#ifndef INK_KERNELS_ROTATED_BYTES_H
#define INK_KERNELS_ROTATED_BYTES_H

#define GROUP_WEIGHTS 32u

SPECIALIZED bool in_planes(integer_class k) { return exceeds_products(k); }
SPECIALIZED uint32_t spans_of(integer_class k) {
  return k.n_scales == 1 && sums_hold_part(in_planes(k) ? 4 : k.bits) ? 1 : 2;
}

SPECIALIZED void add_group(rotated_sums sums, const uint8_t *weights, const int8_t *columns) {
  v128_t first = wasm_v128_load(weights), second = wasm_v128_load(weights + 16);
  v128_t tokens = wasm_v128_load(columns);
  UNROLLED
  for (size_t r = 0; r < TOKENS; r++) {
    sums[0][r] = products_add(sums[0][r], first, tokens);
    sums[1][r] = products_add(sums[1][r], second, tokens);
    if (r + 1 < TOKENS) tokens = rotated(tokens);
  }
}

static inline i32x4 pair_products_of_tokens(const ink_q8_tile *x, i32x4 pairs) {
  return wasm_i32x4_dot_i16x8(wasm_v128_load(x->sums), pairs);
}
/* -zero * the sum of a span's columns: so that in the end the sums are those of q. */
SPECIALIZED v128_t start_of_span(integer_class k, const ink_q8_tile *x, uint32_t span) {
#if BYTE_PRODUCTS_VARY
  if (varies(k)) return pair_products_of_tokens(x, byte_zeros(byte_flip()));
#endif
  int zero = in_planes(k) ? k.zero / 16 : k.zero;
  if (!zero) return wasm_i32x4_const_splat(0);
  if (!sums_hold_start(k.bits)) {
    size_t groups = GROUPS / spans_of(k);
    return products_start_exact(zero, x->q[0] + span * groups * GROUP_COLUMNS, groups);
  }
  int32_t pair = pair_of(-zero);
  if (spans_of(k) > 1) pair &= span ? (int32_t)0xFFFF0000 : 0xFFFF;
  return products_start(pair_products_of_tokens(x, kept_i32x4(pair)));
}

SPECIALIZED v128_t rows_of_span(integer_class k, const int32_t *scales, v128_t sums) {
  return k.n_scales == 1 ? products_rows(sums) : products_scaled(sums, wasm_v128_load(scales));
}
SPECIALIZED v128_t rows_of_planes(v128_t high, v128_t low) {
  return wasm_i32x4_add(high_rows(high), products_rows(low));
}

SPECIALIZED void store_group(integer_class k, ink_unpacked_part *out, uint32_t panel, size_t g,
                             u8x16 group, i32x4 scale) {
  uint8_t *q = out->q + g * GROUP_WEIGHTS;
#if BYTE_PRODUCTS_VARY
  if (varies(k)) {
    q += panel * GROUP_WEIGHTS / 2;
    group = wasm_v128_xor(group, byte_flip());
    wasm_v128_store(q, bytes_overflow() ? low_nibbles(group) : group);
    if (bytes_overflow()) wasm_v128_store(q + GROUPS * GROUP_WEIGHTS, high_nibbles(group));
    return;
  }
#endif
  q += panel * (in_planes(k) ? GROUPS * GROUP_WEIGHTS : GROUP_WEIGHTS / 2);
  wasm_v128_store(q, in_planes(k) ? high_nibbles(group) : group);
  if (in_planes(k)) wasm_v128_store(q + GROUP_WEIGHTS / 2, low_nibbles(group));
  (void)scale;
}

SPECIALIZED void store_scales(integer_class k, ink_unpacked_part *out, uint32_t panel,
                              const i32x4 scales[2]) {
  if (k.n_scales > 1) store_scale_lanes(out, panel * INK_PANEL_ROWS, scales);
}

#endif
