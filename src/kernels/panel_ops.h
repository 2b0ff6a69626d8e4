/* Matrix kernels for quantised panels, written once over the primitives of a vec_*.h and a
 * products_*.h, which must be included before. Panels are unpacked once, WIDE_PANELS at a time, and
 * used for every tile of 4 tokens; a single token multiplies straight from the packed bytes.
 *
 * What decides in a browser is that the weights of 32 columns stay in registers while token after
 * token goes over them: a token's columns are then the only loads. */
#ifndef INK_KERNELS_PANEL_OPS_H
#define INK_KERNELS_PANEL_OPS_H

#include "kernels/unpack_ops.h"

#define HALF_GROUPS (GROUPS / 2)

/* Parts of 32 columns in a panel block. */
SPECIALIZED uint32_t parts_of(ink_type type) {
  return type == INK_TYPE_Q2_K || type == INK_TYPE_Q3_K || type == INK_TYPE_Q4_K ||
                 type == INK_TYPE_Q5_K || type == INK_TYPE_Q6_K || type == INK_TYPE_IQ4_XS ||
                 type == INK_TYPE_TQ1_0 || type == INK_TYPE_TQ2_0
             ? INK_SUPER_BLOCK / INK_BLOCK
             : 1;
}

/* What is added to q. */
SPECIALIZED int zero_of(integer_class k) { return PRODUCTS_SIGNED ? 0 : k.zero; }

/* Bytes that the products of a tile take as two nibbles: q = low + 16 * high; those of a single
 * token, for which unpacking them would take longest, as they are. */
SPECIALIZED bool in_nibbles(integer_class k) { return PRODUCTS_NIBBLES && k.bits > 6; }

static inline u8x16 low_nibbles(u8x16 q) { return u8x16_bits(q, 0, 15); }
static inline u8x16 high_nibbles(u8x16 q) { return u8x16_bits(q, 4, 15); }

/* x twice in 16 bits: for pair_products(). */
static inline int32_t pair_of(int x) {
  return (int32_t)((uint32_t)x << 16 | ((uint32_t)x & 0xFFFFu));
}

typedef union halfway_sums {
  wide_products16 products; /* where these have room for the other columns */
  wide_i32 rows;
} halfway_sums;

/* The activations of a tile or a token, and where their products go. */
typedef struct panel_job {
  const ink_q8_part *x;
  const token_columns *columns; /* of a token, part by part */
  float *y;          /* first row of the first token */
  size_t y_stride;
  uint32_t n_parts;  /* of 32 columns */
  uint32_t n_panels; /* of those that are multiplied together */
  halfway_sums *halfway; /* [INK_TILE_TOKENS] of the first 16 columns of a part */
  float *sums;       /* [INK_TILE_TOKENS][WIDE_PANELS * 4] over the parts so far */
} panel_job;

/* ---- WIDE_PANELS panels x 4 tokens ---- */

#define WIDE_ROWS (WIDE_PANELS * INK_PANEL_ROWS)
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
  if (in_nibbles(k)) {
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
  return k.n_scales == 1 && groups_per_sum(k.bits) >= GROUPS && !in_nibbles(k);
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
  if (in_nibbles(k)) {
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
    wide_i32 zeros = k.n_scales == 1 ? wide_i32_splat(pair_of(-k.zero)) : wide_i32_load(part->zeros);
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

/* With those of 16 columns, the first and then the second, and at last what is done for each row. So
 * that no step needs more than its own registers, sums go through memory between them. */
SPECIALIZED void token_first_half(integer_class k, const half_weights *w, wide_i32 scale,
                                  const int8_t *q, halfway_sums *halfway) {
  if (sums_hold_part(k)) {
    wide_columns16 columns[HALF_GROUPS];
    wide_columns_load(q, columns);
    halfway->products = first_half(w->low, columns);
  } else {
    halfway->rows = half_products(k, w, q, scale);
  }
  hold_order();
}
SPECIALIZED void token_second_half(integer_class k, const half_weights *w, wide_i32 scale,
                                   const int8_t *q, halfway_sums *halfway) {
  if (sums_hold_part(k)) {
    wide_columns16 columns[HALF_GROUPS];
    wide_columns_load(q, columns);
    halfway->products = add_half(halfway->products, w->low, columns);
  } else {
    halfway->rows = wide_i32_add(halfway->rows, half_products(k, w, q, scale));
  }
  hold_order();
}
SPECIALIZED void token_rows(integer_class k, const ink_unpacked_part *part, const ink_q8_tile *x,
                            size_t t, const halfway_sums *halfway, float *sum) {
  wide_i32 rows = sums_hold_part(k) ? wide_products_rows(halfway->products) : halfway->rows;
  wide_f32_store(sum, add_part(k, wide_f32_load(sum), part, x, t, rows), WIDE_PANELS);
  hold_order();
}

SPECIALIZED void tile_part_in_halves(integer_class k, const ink_unpacked_part *part,
                                     const wide_i32 scales[2], const ink_q8_tile *x,
                                     halfway_sums *halfway, float *sums) {
  half_weights w = load_half(k, part, 0);
  token_first_half(k, &w, scales[0], x->q[0], halfway);
  token_first_half(k, &w, scales[0], x->q[1], halfway + 1);
  token_first_half(k, &w, scales[0], x->q[2], halfway + 2);
  token_first_half(k, &w, scales[0], x->q[3], halfway + 3);
  w = load_half(k, part, 1);
  token_second_half(k, &w, scales[1], x->q[0] + 16, halfway);
  token_second_half(k, &w, scales[1], x->q[1] + 16, halfway + 1);
  token_second_half(k, &w, scales[1], x->q[2] + 16, halfway + 2);
  token_second_half(k, &w, scales[1], x->q[3] + 16, halfway + 3);
  token_rows(k, part, x, 0, halfway, sums);
  token_rows(k, part, x, 1, halfway + 1, sums + WIDE_ROWS);
  token_rows(k, part, x, 2, halfway + 2, sums + 2 * WIDE_ROWS);
  token_rows(k, part, x, 3, halfway + 3, sums + 3 * WIDE_ROWS);
}

SPECIALIZED void multiply_tile(integer_class k, const ink_unpacked_part *part,
                               const panel_job *job) {
  const ink_q8_tile *x = (const ink_q8_tile *)(const void *)job->x;
  bool halves = PRODUCTS_GROUPS < GROUPS || in_nibbles(k);
  wide_f32 sum0 = wide_f32_splat(0.0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (size_t t = 0; halves && t < INK_TILE_TOKENS; t++) {
    wide_f32_store(job->sums + t * WIDE_ROWS, sum0, WIDE_PANELS);
  }
  for (uint32_t n = job->n_parts; n > 0; x++) {
    wide_i32 scales[2] = {wide_i32_splat(0), wide_i32_splat(0)};
    if (k.n_scales > 1) {
      scales[0] = wide_i32_load(part->scales[0]);
      scales[1] = wide_i32_load(part->scales[1]);
    }
    if (halves) {
      tile_part_in_halves(k, part, scales, x, job->halfway, job->sums);
    } else {
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

/* ---- One panel x one token ---- */

SPECIALIZED i32x4 panel_half_products(integer_class k, const u8x16 groups[GROUPS], size_t half,
                                      const token_columns *x, i32x4 scale) {
  const u8x16 *w = groups + half * HALF_GROUPS;
  size_t g = half * HALF_GROUPS;
  products16 sums = products_of(weights_of_bytes(w[0]), token_column(x, g));
  products16 others = products_of(weights_of_bytes(w[2]), token_column(x, g + 2));
  sums = products_add(sums, weights_of_bytes(w[1]), token_column(x, g + 1));
  others = products_add(others, weights_of_bytes(w[3]), token_column(x, g + 3));
  if (k.n_scales == 1) return i32x4_sum(products_rows(sums), products_rows(others));
  return i32x4_sum(products_scaled(sums, scale), products_scaled(others, scale));
}

/* All 32 columns where a sum has room for them. */
SPECIALIZED i32x4 panel_part_products(const u8x16 groups[GROUPS], const token_columns *x) {
  products16 sums = products_of(weights_of_bytes(groups[0]), token_column(x, 0));
  sums = products_add(sums, weights_of_bytes(groups[1]), token_column(x, 1));
  sums = products_add(sums, weights_of_bytes(groups[2]), token_column(x, 2));
  sums = products_add(sums, weights_of_bytes(groups[3]), token_column(x, 3));
  sums = products_add(sums, weights_of_bytes(groups[4]), token_column(x, 4));
  sums = products_add(sums, weights_of_bytes(groups[5]), token_column(x, 5));
  sums = products_add(sums, weights_of_bytes(groups[6]), token_column(x, 6));
  sums = products_add(sums, weights_of_bytes(groups[7]), token_column(x, 7));
  return products_rows(sums);
}

SPECIALIZED i32x4 panel_products(ink_type type, const panel_header *header, uint32_t b,
                                 const u8x16 groups[GROUPS], const token_columns *columns,
                                 const ink_q8_part *x) {
  integer_class k = class_of(type);
  i32x4 scales[2] = {i32x4_splat(0), i32x4_splat(0)}, sum;
  if (k.n_scales > 1) {
    scales[0] = scale_of_half(type, header, b, 0);
    scales[1] = scale_of_half(type, header, b, 1);
  }
  if (k.n_scales == 1 && groups_per_sum(k.bits) >= GROUPS) {
    sum = panel_part_products(groups, columns);
  } else {
    i32x4 low = panel_half_products(k, groups, 0, columns, scale_lanes(scales[0]));
    i32x4 high = panel_half_products(k, groups, 1, columns, scale_lanes(scales[1]));
    sum = i32x4_sum(low, high);
  }
  if (PRODUCTS_SIGNED || !k.zero) return sum;
  i32x4 zeros = i32x4_splat(pair_of(-k.zero));
  if (k.n_scales > 1) {
    zeros = pairs_of(i32x4_times(scales[0], -k.zero), i32x4_times(scales[1], -k.zero));
  }
  return i32x4_sum(sum, pair_products(zeros, x->sums));
}

#if PRODUCTS_NIBBLES
/* Bytes, which these sets' products do not take, in 16 bits. */
SPECIALIZED i32x4 panel_signed_products(ink_type type, const uint8_t *panel, uint32_t b,
                                        const token_columns *columns) {
  signed_sums sums = {0};
  if (type == INK_TYPE_Q8_0) { /* straight from the block */
    panel += 8;
    signed_sums_add_bytes(&sums, panel, token_column(columns, 0));
    signed_sums_add_bytes(&sums, panel + 16, token_column(columns, 1));
    signed_sums_add_bytes(&sums, panel + 32, token_column(columns, 2));
    signed_sums_add_bytes(&sums, panel + 48, token_column(columns, 3));
    signed_sums_add_bytes(&sums, panel + 64, token_column(columns, 4));
    signed_sums_add_bytes(&sums, panel + 80, token_column(columns, 5));
    signed_sums_add_bytes(&sums, panel + 96, token_column(columns, 6));
    signed_sums_add_bytes(&sums, panel + 112, token_column(columns, 7));
    return signed_sums_rows(sums);
  }
  u8x16 groups[GROUPS];
  unpack_groups(type, panel, b, 0, groups);
  signed_sums_add_group(&sums, groups[0], token_column(columns, 0));
  signed_sums_add_group(&sums, groups[1], token_column(columns, 1));
  signed_sums_add_group(&sums, groups[2], token_column(columns, 2));
  signed_sums_add_group(&sums, groups[3], token_column(columns, 3));
  signed_sums_add_group(&sums, groups[4], token_column(columns, 4));
  signed_sums_add_group(&sums, groups[5], token_column(columns, 5));
  signed_sums_add_group(&sums, groups[6], token_column(columns, 6));
  signed_sums_add_group(&sums, groups[7], token_column(columns, 7));
  return signed_sums_rows(sums);
}
#endif

/* Part b of a panel block times one token's. */
SPECIALIZED i32x4 panel_part(ink_type type, const uint8_t *panel, const panel_header *header,
                             uint32_t b, const token_columns *columns, const ink_q8_part *x) {
#if PRODUCTS_NIBBLES
  if (in_nibbles(class_of(type))) return panel_signed_products(type, panel, b, columns);
#endif
  u8x16 groups[GROUPS];
  unpack_groups(type, panel, b, zero_of(class_of(type)), groups);
  return panel_products(type, header, b, groups, columns, x);
}

SPECIALIZED void multiply_token(ink_type type, const uint8_t *panel, size_t step,
                                  const panel_job *job) {
  integer_class k = class_of(type);
  f32x4 sum = f32x4_splat(0.0f);
  const ink_q8_part *x = job->x;
  const token_columns *columns = job->columns;
  for (uint32_t n = job->n_parts; n > 0; n -= parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b++) {
      do { /* unpacks again for a residual, which is rare, rather than keep the weights */
        i32x4 products = panel_part(type, panel, &header, b, columns++, x);
        part_scales w = scales_of_part(type, &header, b);
        f32x4 term = f32x4_mul(f32x4_mul(w.d, f32x4_splat(x->d)), f32x4_of_i32x4(products));
        if (k.n_minima) term = f32x4_add(term, f32x4_mul(w.m, f32x4_splat(x->s)));
        if (k.n_minima > 1) {
          f32x4 s_low = f32x4_splat(x->d * (float)x->sums[0]);
          term = f32x4_add(term, f32x4_mul(w.m_low, s_low));
        }
        sum = f32x4_add(sum, term);
        hold_order();
      } while (x++->has_residual);
    }
  }
  f32x4_store(job->y, sum);
}

_Static_assert(sizeof(token_columns) <= INK_TOKEN_COLUMNS_BYTES, "scratch has room for them");

/* ---- Unpacking panel `at` of those that are multiplied together ---- */

SPECIALIZED void unpack_panel(ink_type type, const uint8_t *panel, size_t step, uint32_t n_parts,
                                uint32_t at, ink_unpacked_part *out) {
  integer_class k = class_of(type);
  for (; n_parts > 0; n_parts -= parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b++, out++) {
      u8x16 groups[GROUPS];
      unpack_groups(type, panel, b, zero_of(k), groups);
      uint8_t *q = out->q + at * WEIGHT_BYTES;
      for (size_t g = 0; g < GROUPS; g++, q += WIDE_BYTES) {
        u8x16 first = in_nibbles(k) ? low_nibbles(groups[g]) : groups[g];
        weights_store(q, weights_of_bytes(first));
        if (!in_nibbles(k)) continue;
        weights_store(q + GROUPS * WIDE_BYTES, weights_of_bytes(high_nibbles(groups[g])));
      }
      part_scales w = scales_of_part(type, &header, b);
      size_t row = at * INK_PANEL_ROWS;
      f32x4_store(out->d + row, w.d);
      if (k.n_minima) f32x4_store(out->m + row, w.m);
      if (k.n_minima > 1) f32x4_store(out->m_low + row, w.m_low);
      if (k.n_scales == 1) continue;
      i32x4 low = scale_of_half(type, &header, b, 0), high = scale_of_half(type, &header, b, 1);
      i32x4_store(out->scales[0] + row, scale_lanes(low));
      i32x4_store(out->scales[1] + row, scale_lanes(high));
      i32x4 zeros = pairs_of(i32x4_times(low, -k.zero), i32x4_times(high, -k.zero));
      i32x4_store(out->zeros + row, zeros);
    }
  }
}

/* ---- The functions of each type; `step` is a panel block's bytes ---- */

typedef struct panel_kernel {
  void (*unpack)(const uint8_t *panel, size_t step, uint32_t n_parts, uint32_t at,
                 ink_unpacked_part *out);
  void (*multiply_token)(const uint8_t *panel, size_t step, const panel_job *job);
  void (*multiply_tile)(const ink_unpacked_part *parts, const panel_job *job);
} panel_kernel;

/* Types of one class share this. */
#define TILE_KERNEL(NAME, TYPE)                                                                    \
  static void multiply_tile_##NAME(const ink_unpacked_part *parts, const panel_job *job) {         \
    multiply_tile(class_of(INK_TYPE_##TYPE), parts, job);                                          \
  }

TILE_KERNEL(nibbles, Q4_0)
TILE_KERNEL(nibbles_and_minimum, Q4_1)
TILE_KERNEL(5_bits, Q5_0)
TILE_KERNEL(5_bits_and_minimum, Q5_1)
TILE_KERNEL(bytes, Q8_0)
TILE_KERNEL(two_bits, Q2_K)
TILE_KERNEL(6_bits, Q6_K)

#define PANEL_KERNEL(NAME)                                                                         \
  static void unpack_##NAME(const uint8_t *panel, size_t step, uint32_t n_parts, uint32_t at,      \
                            ink_unpacked_part *out) {                                              \
    unpack_panel(INK_TYPE_##NAME, panel, step, n_parts, at, out);                                  \
  }                                                                                                \
  static void multiply_token_##NAME(const uint8_t *panel, size_t step, const panel_job *job) {     \
    multiply_token(INK_TYPE_##NAME, panel, step, job);                                             \
  }

PANEL_KERNEL(Q4_0)
PANEL_KERNEL(Q4_1)
PANEL_KERNEL(Q5_0)
PANEL_KERNEL(Q5_1)
PANEL_KERNEL(Q8_0)
PANEL_KERNEL(Q2_K)
PANEL_KERNEL(Q3_K)
PANEL_KERNEL(Q4_K)
PANEL_KERNEL(Q5_K)
PANEL_KERNEL(Q6_K)
PANEL_KERNEL(IQ4_NL)
PANEL_KERNEL(IQ4_XS)
PANEL_KERNEL(TQ1_0)
PANEL_KERNEL(TQ2_0)
PANEL_KERNEL(MXFP4)

#define ENTRY(NAME, tile)                                                                          \
  [INK_TYPE_##NAME] = {unpack_##NAME, multiply_token_##NAME, multiply_tile_##tile}

static const panel_kernel panel_kernels[INK_TYPE_END] = {
    ENTRY(Q4_0, nibbles),
    ENTRY(TQ1_0, nibbles),
    ENTRY(TQ2_0, nibbles),
    ENTRY(Q4_1, nibbles_and_minimum),
    ENTRY(Q4_K, nibbles_and_minimum),
    ENTRY(Q5_0, 5_bits),
    ENTRY(MXFP4, 5_bits),
    ENTRY(Q5_1, 5_bits_and_minimum),
    ENTRY(Q5_K, 5_bits_and_minimum),
    ENTRY(Q8_0, bytes),
    ENTRY(IQ4_NL, bytes),
    ENTRY(IQ4_XS, bytes),
    ENTRY(Q2_K, two_bits),
    ENTRY(Q3_K, 6_bits),
    ENTRY(Q6_K, 6_bits),
};

#undef ENTRY
#undef PANEL_KERNEL
#undef TILE_KERNEL

static void spread_columns(ink_type type, const ink_q8_part *x, uint32_t n_parts,
                           token_columns *out) {
  for (; n_parts > 0; n_parts -= !x->has_residual, x++, out++) {
#if PRODUCTS_NIBBLES
    if (in_nibbles(class_of(type))) {
      signed_columns_store(out, x->q);
      continue;
    }
#endif
    token_columns_store(out, x->q);
  }
  (void)type;
}

static void matmul(const ink_matmul *job) {
  if (matmul_floats(job)) return;
  const panel_kernel *kernel = &panel_kernels[job->weights->type];
  size_t step = (size_t)ink_type_get_traits(job->weights->type)->block_bytes * INK_PANEL_ROWS;
  size_t panel_bytes = (size_t)ink_panel_bytes(job->weights->type, job->weights->n_cols);
  uint32_t n_parts = job->weights->n_cols / INK_BLOCK;
  uint32_t tiled = job->n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS;
  size_t x_stride = ink_q8_stride(n_parts, job->fine);
  halfway_sums halfway[INK_TILE_TOKENS];
  float sums[INK_TILE_TOKENS * WIDE_ROWS];
  token_columns *columns = (token_columns *)(void *)(job->scratch + n_parts);
  for (uint32_t t = tiled; t < job->n_tokens; t++) {
    spread_columns(job->weights->type, job->x + t * x_stride, n_parts,
                   columns + (t - tiled) * x_stride);
  }
  const uint8_t *panel = job->weights->data + job->first_row / INK_PANEL_ROWS * panel_bytes;
  for (uint32_t row = job->first_row; row < job->end_row; row += WIDE_ROWS) {
    uint32_t left = (job->end_row - row) / INK_PANEL_ROWS;
    panel_job part = {.y_stride = job->y_stride,
                      .n_parts = n_parts,
                      .n_panels = left < WIDE_PANELS ? left : WIDE_PANELS,
                      .halfway = halfway,
                      .sums = sums};
    for (uint32_t i = 0; tiled && i < part.n_panels; i++) {
      kernel->unpack(panel + i * panel_bytes, step, n_parts, i, job->scratch);
    }
    for (uint32_t t = 0; t < tiled; t += INK_TILE_TOKENS) {
      part.x = job->x + t * x_stride;
      part.y = job->y + t * job->y_stride + row;
      kernel->multiply_tile(job->scratch, &part);
    }
    for (uint32_t t = tiled; t < job->n_tokens; t++) {
      part.x = job->x + t * x_stride;
      part.columns = columns + (t - tiled) * x_stride;
      part.y = job->y + t * job->y_stride + row;
      for (uint32_t i = 0; i < part.n_panels; i++, part.y += INK_PANEL_ROWS) {
        kernel->multiply_token(panel + i * panel_bytes, step, &part);
      }
    }
    panel += part.n_panels * panel_bytes;
  }
}

#undef GROUPS
#undef HALF_GROUPS

#endif
