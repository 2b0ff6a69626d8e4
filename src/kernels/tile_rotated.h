/* Tiles of 2 panels x 4 tokens for WebAssembly. A products_wasm_*.h must be included before.
 *
 * A vector has columns of 4 rows, another the same columns of 4 tokens: their product pairs row i
 * with token i, and with the tokens rotated by 1, 2 and 3 lanes every row meets every token. So 4
 * columns of 8 rows and 4 tokens are 3 loads, 3 rotations and 8 products of bytes. Their 8 sums
 * stay in registers, of which engines have 16: nothing is spilled, and no load splats, which takes
 * V8 two instructions on x86. The loop over columns is not unrolled here, since compilers would take
 * the products out of this order; V8 unrolls it. */
#ifndef INK_KERNELS_TILE_ROTATED_H
#define INK_KERNELS_TILE_ROTATED_H

#include "kernels/panel_job.h"

#define TOKENS INK_TILE_TOKENS
#define GROUP_COLUMNS (TOKENS * 4u) /* bytes of 4 columns of all tokens */

/* Lane i of [v][r]: row i of vector v of the weights times token (i + r) % 4. */
typedef v128_t rotated_sums[2][TOKENS];

static inline v128_t rotated(v128_t tokens) {
  return wasm_i32x4_shuffle(tokens, tokens, 1, 2, 3, 0);
}

/* Both say how weights are unpacked and multiplied. A class's spans are the columns that one sum
 * has room for, or that have a scale of their own: 1 of 32 or 2 of 16. Where a class is in planes,
 * each panel has two vectors of weights, of which each has a part of their bits. */
#if PRODUCTS_SIGNED
#include "kernels/rotated_words.h"
#else
#include "kernels/rotated_bytes.h"
#endif

/* `weights`: the first of a span's. */
SPECIALIZED void add_columns(rotated_sums sums, const uint8_t *weights, const int8_t *columns,
                             size_t n_groups) {
  const int8_t *end = columns + n_groups * GROUP_COLUMNS;
  __asm__("" : "+r"(end)); /* else LLVM counts the passes besides */
  A_PASS_AT_A_TIME
  do {
    add_group(sums, weights, columns);
    weights += GROUP_WEIGHTS;
    columns += GROUP_COLUMNS;
  } while (columns != end);
}

SPECIALIZED void span_products(integer_class k, const uint8_t *weights, const ink_q8_tile *x,
                               uint32_t span, rotated_sums sums) {
  size_t groups = GROUPS / spans_of(k), first = span * groups;
  v128_t start = start_of_span(k, x, span);
  UNROLLED
  for (size_t r = 0; r < TOKENS; r++, start = rotated(start)) {
    sums[0][r] = start;
    sums[1][r] = in_planes(k) ? wasm_i32x4_const_splat(0) : start;
  }
  add_columns(sums, weights + first * GROUP_WEIGHTS, x->q[0] + first * GROUP_COLUMNS, groups);
#if BYTE_PRODUCTS_VARY
  if (varies(k) && bytes_overflow()) {
    rotated_sums high = {0};
    add_columns(high, weights + GROUPS * GROUP_WEIGHTS, x->q[0], GROUPS);
    UNROLLED
    for (size_t i = 0; i < TOKENS * WIDE_PANELS; i++) {
      v128_t *sum = &sums[i % WIDE_PANELS][i / WIDE_PANELS];
      *sum = wasm_i32x4_add(*sum, high_rows(high[i % WIDE_PANELS][i / WIDE_PANELS]));
    }
  }
#endif
}

/* What tokens have besides columns. */
typedef struct tile_factors {
  v128_t d, s, s_low;
} tile_factors;

/* The term of add_part() in tile_ops.h for 4 rows and tokens. */
SPECIALIZED v128_t term_of_part(integer_class k, const ink_unpacked_part *part, size_t row,
                                const tile_factors *x, v128_t products) {
  v128_t scale = wasm_f32x4_mul(wasm_v128_load(part->d + row), x->d);
  v128_t term = wasm_f32x4_mul(scale, wasm_f32x4_convert_i32x4(products));
  if (k.n_minima) {
    term = wasm_f32x4_add(term, wasm_f32x4_mul(wasm_v128_load(part->m + row), x->s));
  }
  if (k.n_minima > 1) {
    term = wasm_f32x4_add(term, wasm_f32x4_mul(wasm_v128_load(part->m_low + row), x->s_low));
  }
  return term;
}

/* The panels that have weights from `weights` on: both, or of a class in planes one. */
SPECIALIZED void tile_panels(integer_class k, const ink_unpacked_part *part, uint32_t first,
                             const ink_q8_tile *x, int32_t *halfway, float *all_sums) {
  const uint8_t *weights = part->q + first * GROUPS * GROUP_WEIGHTS;
  uint32_t n_panels = in_planes(k) ? 1 : 2, last = spans_of(k) - 1;
  rotated_sums sums;
  if (last) {
    span_products(k, weights, x, 0, sums);
    UNROLLED
    for (size_t i = 0; i < TOKENS * WIDE_PANELS; i++) {
      size_t panel = i % WIDE_PANELS, row = panel * INK_PANEL_ROWS;
      v128_t rows = rows_of_span(k, part->scales[0] + row, sums[panel][i / WIDE_PANELS]);
      wasm_v128_store(halfway + i * INK_PANEL_ROWS, rows);
    }
    hold_order(); /* there they are no longer in registers */
  }
  span_products(k, weights, x, last, sums);
  v128_t sums_low = wasm_i32x4_shr(wasm_i32x4_shl(wasm_v128_load(x->sums), 16), 16);
  tile_factors factors = {.d = wasm_v128_load(x->d), .s = wasm_v128_load(x->s)};
  factors.s_low = wasm_f32x4_mul(factors.d, wasm_f32x4_convert_i32x4(sums_low));
  UNROLLED
  for (size_t r = 0; r < TOKENS; r++) {
    UNROLLED
    for (uint32_t p = 0; p < n_panels; p++) {
      size_t row = (first + p) * INK_PANEL_ROWS, at = r * WIDE_ROWS + row;
      v128_t rows = in_planes(k) ? rows_of_planes(sums[0][r], sums[1][r])
                                 : rows_of_span(k, part->scales[last] + row, sums[p][r]);
      if (last) rows = wasm_i32x4_add(rows, wasm_v128_load(halfway + at));
      v128_t term = term_of_part(k, part, row, &factors, rows);
      wasm_v128_store(all_sums + at, wasm_f32x4_add(wasm_v128_load(all_sums + at), term));
      hold_order();
    }
    factors.d = rotated(factors.d);
    factors.s = rotated(factors.s);
    factors.s_low = rotated(factors.s_low);
  }
}

__attribute__((noinline)) static void clear_sums(float *sums) {
  for (size_t i = 0; i < TOKENS * WIDE_ROWS; i += 4) {
    wasm_v128_store(sums + i, wasm_i32x4_const_splat(0));
    hold_order(); /* or this is a call of memset() */
  }
}

/* Lanes of the same token come together again. */
__attribute__((noinline)) static void store_sums(const float *sums, float *y, size_t y_stride,
                                                 uint32_t n_panels) {
  for (; n_panels > 0; n_panels--, sums += INK_PANEL_ROWS, y += INK_PANEL_ROWS) {
    const float *from = sums;
    for (uint32_t r = 0; r < TOKENS; r++, from += WIDE_ROWS) {
      v128_t v = wasm_v128_load(from);
      wasm_v128_store32_lane(y + r * y_stride, v, 0);
      wasm_v128_store32_lane(y + (r + 1) % TOKENS * y_stride + 1, v, 1);
      wasm_v128_store32_lane(y + (r + 2) % TOKENS * y_stride + 2, v, 2);
      wasm_v128_store32_lane(y + (r + 3) % TOKENS * y_stride + 3, v, 3);
    }
  }
}

SPECIALIZED void multiply_tile(integer_class k, const ink_unpacked_part *part,
                               const panel_job *job) {
  const ink_q8_tile *x = (const ink_q8_tile *)(const void *)job->x;
  int32_t *halfway = job->halfway;
  float *sums = job->sums;
  clear_sums(sums);
  for (uint32_t n = job->n_parts; n > 0; x++) {
    A_PASS_AT_A_TIME
    for (uint32_t first = 0; first < (in_planes(k) ? WIDE_PANELS : 1); first++) {
      tile_panels(k, part, first, x, halfway, sums);
    }
    part += !x->has_residual;
    n -= !x->has_residual;
  }
  store_sums(sums, job->y, job->y_stride, job->n_panels);
}

#endif
