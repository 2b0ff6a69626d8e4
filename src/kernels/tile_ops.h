/* Tiles of WIDE_PANELS panels x 4 tokens, whose weights stay in registers while token after token
 * goes over them. A vec_*.h and a products_*.h must be included before. */
#ifndef INK_KERNELS_TILE_OPS_H
#define INK_KERNELS_TILE_OPS_H

#include "kernels/panel_job.h"

#define WIDE_BYTES (WIDE_PANELS * WEIGHT_BYTES)

_Static_assert(GROUPS * WIDE_BYTES * (1 + PRODUCTS_NIBBLES) <= sizeof(((ink_unpacked_part *)0)->q),
               "an unpacked part has room for its integers");

/* 16 columns: groups 0 to 3, then, for nibbles, their upper halves. */
typedef struct half_weights {
  wide_weights16 low[HALF_GROUPS], high[HALF_GROUPS];
} half_weights;

SPECIALIZED half_weights load_half(integer_class k, const ink_unpacked_part *part, size_t half) {
  half_weights w;
  const uint8_t *q = part->q + half * HALF_GROUPS * WIDE_BYTES;
  w.low[0] = wide_weights_load(q);
  w.low[1] = wide_weights_load(q + WIDE_BYTES);
  w.low[2] = wide_weights_load(q + 2 * WIDE_BYTES);
  w.low[3] = wide_weights_load(q + 3 * WIDE_BYTES);
  if (exceeds_products(k)) {
    q += GROUPS * WIDE_BYTES;
    w.high[0] = wide_weights_load(q);
    w.high[1] = wide_weights_load(q + WIDE_BYTES);
    w.high[2] = wide_weights_load(q + 2 * WIDE_BYTES);
    w.high[3] = wide_weights_load(q + 3 * WIDE_BYTES);
  }
  return w;
}

SPECIALIZED wide_i32 rows_of(integer_class k, wide_products16 sums, wide_i32 scale) {
  return k.n_scales == 1 ? wide_products_rows(sums) : wide_products_scaled(sums, scale);
}

/* Sums with room for all 32 columns of a part. */
SPECIALIZED bool sums_hold_part(integer_class k) {
  return k.n_scales == 1 && groups_per_sum(k.bits) >= GROUPS && !exceeds_products(k);
}

/* sums + the products with 16 columns of a token. */
SPECIALIZED wide_products16 add_half(wide_products16 sums, const wide_weights16 w[HALF_GROUPS],
                                     const wide_columns16 x[HALF_GROUPS]) {
  sums = wide_products_add(wide_products_add(sums, w[0], x[0]), w[1], x[1]);
  return wide_products_add(wide_products_add(sums, w[2], x[2]), w[3], x[3]);
}
SPECIALIZED wide_products16 first_half(const wide_weights16 w[HALF_GROUPS],
                                       const wide_columns16 x[HALF_GROUPS]) {
  wide_products16 sums = wide_products_add(wide_products_of(w[0], x[0]), w[1], x[1]);
  return wide_products_add(wide_products_add(sums, w[2], x[2]), w[3], x[3]);
}

/* The products with 16 columns of a token, multiplied by the scale of these columns if they have
 * one. */
SPECIALIZED wide_i32 half_products(integer_class k, const half_weights *w, const int8_t *q,
                                   wide_i32 scale) {
  wide_columns16 x[HALF_GROUPS];
  wide_columns_load(q, x);
#if PRODUCTS_NIBBLES
  if (exceeds_products(k)) {
    wide_i32 high = wide_high_rows(first_half(w->high, x));
    return wide_i32_add(wide_products_rows(first_half(w->low, x)), high);
  }
#endif
  if (groups_per_sum(k.bits) >= HALF_GROUPS) return rows_of(k, first_half(w->low, x), scale);
  wide_products16 sums = wide_products_add(wide_products_of(w->low[0], x[0]), w->low[1], x[1]);
  wide_products16 others = wide_products_add(wide_products_of(w->low[2], x[2]), w->low[3], x[3]);
  return wide_i32_add(rows_of(k, sums, scale), rows_of(k, others, scale));
}

/* The same with all 32 columns. */
SPECIALIZED wide_i32 part_products(integer_class k, const half_weights w[2], const int8_t *q,
                                     const wide_i32 scales[2]) {
  if (!sums_hold_part(k)) {
    return wide_i32_add(half_products(k, &w[0], q, scales[0]),
                        half_products(k, &w[1], q + 16, scales[1]));
  }
  wide_columns16 x[HALF_GROUPS];
  wide_columns_load(q, x);
  wide_products16 sums = first_half(w[0].low, x);
  wide_columns_load(q + 16, x);
  sums = add_half(sums, w[1].low, x);
  return wide_products_rows(sums);
}

/* sum + (d * x_d) * products, and for types with minima + m * x_s, + m_low * (x_d * x_sums[0]). */
SPECIALIZED wide_f32 add_part(integer_class k, wide_f32 sum, const ink_unpacked_part *part,
                                const ink_q8_tile *x, size_t t, wide_i32 products) {
  if (!PRODUCTS_SIGNED && k.zero) {
    wide_i32 zeros = k.n_scales == 1 ? wide_i32_splat(pair_of(-k.zero))
                                     : wide_i32_load(part->zeros);
    products = wide_i32_add(products, wide_pair_products(zeros, x->sums[t]));
  }
  wide_f32 scale = wide_f32_mul(wide_f32_load(part->d), wide_f32_splat(x->d[t]));
  wide_f32 term = wide_f32_mul(scale, wide_f32_of_i32(products));
  if (k.n_minima) {
    term = wide_f32_add(term, wide_f32_mul(wide_f32_load(part->m), wide_f32_splat(x->s[t])));
  }
  if (k.n_minima > 1) {
    wide_f32 m_low = wide_f32_load(part->m_low);
    float s_low = x->d[t] * (float)x->sums[t][0];
    term = wide_f32_add(term, wide_f32_mul(m_low, wide_f32_splat(s_low)));
  }
  return wide_f32_add(sum, term);
}

/* With the weights of all 32 columns in registers. */
SPECIALIZED wide_f32 token_part(integer_class k, wide_f32 sum, const ink_unpacked_part *part,
                                  const half_weights w[2], const wide_i32 scales[2],
                                  const ink_q8_tile *x, size_t t) {
  sum = add_part(k, sum, part, x, t, part_products(k, w, x->q[t], scales));
  hold_order();
  return sum;
}

/* With those of 16 columns, as nibbles: first the one half and then the other, and at last what is
 * done for each row. So that no step needs more than its own registers, sums go through memory
 * between them. */
SPECIALIZED void token_first_half(integer_class k, const half_weights *w, const int8_t *q,
                                  int32_t *halfway) {
  wide_i32_store(halfway, half_products(k, w, q, wide_i32_splat(0)));
  hold_order();
}
SPECIALIZED void token_second_half(integer_class k, const half_weights *w, const int8_t *q,
                                   int32_t *halfway) {
  wide_i32 rows = half_products(k, w, q, wide_i32_splat(0));
  wide_i32_store(halfway, wide_i32_add(wide_i32_load(halfway), rows));
  hold_order();
}
SPECIALIZED void token_rows(integer_class k, const ink_unpacked_part *part, const ink_q8_tile *x,
                            size_t t, const int32_t *halfway, float *sum) {
  wide_f32 sums = add_part(k, wide_f32_load(sum), part, x, t, wide_i32_load(halfway));
  wide_f32_store(sum, sums, WIDE_PANELS);
  hold_order();
}

SPECIALIZED void tile_part_in_halves(integer_class k, const ink_unpacked_part *part,
                                     const ink_q8_tile *x, int32_t *halfway, float *sums) {
  half_weights w = load_half(k, part, 0);
  token_first_half(k, &w, x->q[0], halfway);
  token_first_half(k, &w, x->q[1], halfway + WIDE_ROWS);
  token_first_half(k, &w, x->q[2], halfway + 2 * WIDE_ROWS);
  token_first_half(k, &w, x->q[3], halfway + 3 * WIDE_ROWS);
  w = load_half(k, part, 1);
  token_second_half(k, &w, x->q[0] + 16, halfway);
  token_second_half(k, &w, x->q[1] + 16, halfway + WIDE_ROWS);
  token_second_half(k, &w, x->q[2] + 16, halfway + 2 * WIDE_ROWS);
  token_second_half(k, &w, x->q[3] + 16, halfway + 3 * WIDE_ROWS);
  token_rows(k, part, x, 0, halfway, sums);
  token_rows(k, part, x, 1, halfway + WIDE_ROWS, sums + WIDE_ROWS);
  token_rows(k, part, x, 2, halfway + 2 * WIDE_ROWS, sums + 2 * WIDE_ROWS);
  token_rows(k, part, x, 3, halfway + 3 * WIDE_ROWS, sums + 3 * WIDE_ROWS);
}

SPECIALIZED void multiply_tile(integer_class k, const ink_unpacked_part *part,
                               const panel_job *job) {
  const ink_q8_tile *x = (const ink_q8_tile *)(const void *)job->x;
  bool halves = exceeds_products(k);
  wide_f32 sum0 = wide_f32_splat(0.0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (size_t t = 0; halves && t < INK_TILE_TOKENS; t++) {
    wide_f32_store(job->sums + t * WIDE_ROWS, sum0, WIDE_PANELS);
  }
  for (uint32_t n = job->n_parts; n > 0; x++) {
    if (halves) {
      tile_part_in_halves(k, part, x, job->halfway, job->sums);
    } else {
      wide_i32 scales[2] = {wide_i32_splat(0), wide_i32_splat(0)};
      if (k.n_scales > 1) {
        scales[0] = wide_i32_load(part->scales[0]);
        scales[1] = wide_i32_load(part->scales[1]);
      }
      half_weights w[2] = {load_half(k, part, 0), load_half(k, part, 1)};
      sum0 = token_part(k, sum0, part, w, scales, x, 0);
      sum1 = token_part(k, sum1, part, w, scales, x, 1);
      sum2 = token_part(k, sum2, part, w, scales, x, 2);
      sum3 = token_part(k, sum3, part, w, scales, x, 3);
    }
    part += !x->has_residual;
    n -= !x->has_residual;
  }
  if (halves) {
    sum0 = wide_f32_load(job->sums);
    sum1 = wide_f32_load(job->sums + WIDE_ROWS);
    sum2 = wide_f32_load(job->sums + 2 * WIDE_ROWS);
    sum3 = wide_f32_load(job->sums + 3 * WIDE_ROWS);
  }
  wide_f32_store(job->y, sum0, job->n_panels);
  wide_f32_store(job->y + job->y_stride, sum1, job->n_panels);
  wide_f32_store(job->y + 2 * job->y_stride, sum2, job->n_panels);
  wide_f32_store(job->y + 3 * job->y_stride, sum3, job->n_panels);
}

/* ---- What is unpacked for it ---- */

SPECIALIZED void store_group(integer_class k, ink_unpacked_part *out, uint32_t panel, size_t g,
                             u8x16 group, i32x4 scale) {
  uint8_t *q = out->q + g * WIDE_BYTES + panel * WEIGHT_BYTES;
  weights_store(q, weights_of_bytes(exceeds_products(k) ? low_nibbles(group) : group));
  if (exceeds_products(k)) {
    weights_store(q + GROUPS * WIDE_BYTES, weights_of_bytes(high_nibbles(group)));
  }
  (void)scale;
}

SPECIALIZED void store_scales(integer_class k, ink_unpacked_part *out, uint32_t panel,
                              const i32x4 scales[2]) {
  if (k.n_scales == 1) return;
  size_t row = panel * INK_PANEL_ROWS;
  store_scale_lanes(out, row, scales);
  i32x4 zeros = pairs_of(i32x4_times(scales[0], -k.zero), i32x4_times(scales[1], -k.zero));
  i32x4_store(out->zeros + row, zeros);
}

#endif
