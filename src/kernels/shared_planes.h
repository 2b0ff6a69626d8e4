/* The same as shared_columns.h, for types with super-blocks whose bits are in planes, on WebAssembly.
 * Four panels besides wait for memory at the same time, where there is no instruction to fetch what
 * comes next. */
#ifndef INK_KERNELS_SHARED_PLANES_H
#define INK_KERNELS_SHARED_PLANES_H

#include "kernels/shared_columns.h"

/* The bits of a part in a plane's bytes: those of `mask`, which times `factor` are the highest of each
 * byte. V8 makes four instructions of a shift by a variable, and two of these. */
typedef struct plane_bits {
  u8x16 mask, factor;
  uint32_t down; /* from there to their place in q */
} plane_bits;

SPECIALIZED plane_bits bits_of_plane(uint32_t shift, int mask, uint32_t up) {
  uint32_t highest = mask == 15 ? 4 : mask == 3 ? 6 : 7;
  return (plane_bits){.mask = wasm_i8x16_splat((int8_t)(mask << shift)),
                      .factor = wasm_i16x8_splat((int16_t)((1 << highest) >> shift)),
                      .down = highest - up};
}

SPECIALIZED u8x16 group_of_plane(const uint8_t *words, const plane_bits *bits) {
  v128_t highest = wasm_i16x8_mul(wasm_v128_and(wasm_v128_load(words), bits->mask), bits->factor);
  return wasm_u16x8_shr(highest, bits->down);
}

/* What a part of each panel has besides bits. */
typedef struct panel_scales {
  i32x4 lanes[2][STREAMS]; /* of each 16 columns, for classes with 2 */
  i32x4 zeros[STREAMS];    /* -zero * columns, scaled */
} panel_scales;

SPECIALIZED void scales_of_panels(ink_type type, const panel_header headers[STREAMS], uint32_t b,
                                  const ink_q8_part *x, panel_scales *out) {
  int zero = PRODUCTS_SIGNED ? 0 : class_of(type).zero;
  A_PASS_AT_A_TIME
  for (size_t i = 0; i < STREAMS; i++) {
    i32x4 zeros = i32x4_splat(pair_of(-zero));
    if (class_of(type).n_scales > 1) {
      i32x4 first = scale_of_half(type, &headers[i], b, 0);
      i32x4 second = scale_of_half(type, &headers[i], b, 1);
      out->lanes[0][i] = scale_lanes(first);
      out->lanes[1][i] = scale_lanes(second);
      zeros = pairs_of(i32x4_times(first, -zero), i32x4_times(second, -zero));
    }
    out->zeros[i] = zero ? pair_products(zeros, x->sums) : i32x4_splat(0);
    hold_order();
  }
}

/* The products of part b with each panel. Sums hold 32 columns of a class with one scale, and 8 of
 * one with two. */
SPECIALIZED void planes_of_panels(ink_type type, const uint8_t *const panels[STREAMS], uint32_t b,
                                  const panel_scales *scales, const token_columns *columns,
                                  i32x4 rows[STREAMS]) {
  integer_class k = class_of(type);
  bit_planes planes[STREAMS];
  products16 sums[STREAMS];
  UNROLLED
  for (size_t i = 0; i < STREAMS; i++) {
    planes[i] = planes_of(type, panels[i], b);
    rows[i] = scales->zeros[i];
    sums[i] = (products16){0};
  }
  bit_planes p = planes[0];
  plane_bits low = bits_of_plane(p.low_shift, p.low_mask, 0);
  plane_bits high = bits_of_plane(p.high_shift, p.high_mask, p.up);
  A_PASS_AT_A_TIME
  for (size_t g = 0; g < GROUPS; g += 2) {
    columns16 x[2] = {token_column(columns, g), token_column(columns, g + 1)};
    UNROLLED
    for (size_t i = 0; i < STREAMS; i++) {
      UNROLLED
      for (size_t n = 0; n < 2; n++) {
        u8x16 q = group_of_plane(planes[i].low + 16 * (g + n), &low);
        if (p.high_mask) q = u8x16_or(q, group_of_plane(planes[i].high + 16 * (g + n), &high));
        weights16 w = weights_of_bytes(shifted(q, zero_of(k) - plane_offset(type)));
        bool starts = n == 0 && k.n_scales > 1;
        sums[i] = starts ? products_of(w, x[n]) : products_add(sums[i], w, x[n]);
      }
      if (k.n_scales > 1) {
        i32x4 lanes = scales->lanes[g / HALF_GROUPS][i];
        rows[i] = i32x4_sum(rows[i], products_scaled(sums[i], lanes));
      }
      hold_order();
    }
  }
  if (k.n_scales > 1) return;
  UNROLLED
  for (size_t i = 0; i < STREAMS; i++) rows[i] = i32x4_sum(rows[i], products_rows(sums[i]));
}

SPECIALIZED void multiply_planes(ink_type type, size_t step, uint32_t n_parts, token_products *y) {
  for (; n_parts > 0; n_parts -= parts_of(type)) {
    panel_header headers[STREAMS];
    A_PASS_AT_A_TIME
    for (size_t i = 0; i < STREAMS; i++) {
      read_header(type, y->panels[i], &headers[i]);
      hold_order();
    }
    A_PASS_AT_A_TIME
    for (uint32_t b = 0; b < parts_of(type); y->columns++) {
      panel_scales scales;
      i32x4 rows[STREAMS];
      scales_of_panels(type, headers, b, y->x, &scales);
      planes_of_panels(type, y->panels, b, &scales, y->columns, rows);
      A_PASS_AT_A_TIME
      for (size_t i = 0; i < STREAMS; i++) {
        part_scales w = scales_of_part(type, &headers[i], b);
        y->sums[i] = add_token_term(class_of(type), y->sums[i], &w, y->x, rows[i]);
        hold_order();
      }
      b += !y->x++->has_residual;
    }
    A_PASS_AT_A_TIME
    for (size_t i = 0; i < STREAMS; i++) y->panels[i] += step;
  }
}

#endif
