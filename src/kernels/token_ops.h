/* A single token times panels, straight from the packed bytes, over the primitives of a vec_*.h and a
 * products_*.h, which must be included before. */
#ifndef INK_KERNELS_TOKEN_OPS_H
#define INK_KERNELS_TOKEN_OPS_H

#include "kernels/panel_job.h"

/* Parts of a panel block that have code of their own, so that shifts and indices are constants. */
#ifndef UNROLLED_PARTS
#define UNROLLED_PARTS(type) 1u
#endif

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

#if BYTE_PRODUCTS_VARY
/* Signed bytes, as the host takes them. */
SPECIALIZED i32x4 panel_varying_products(integer_class k, u8x16 groups[GROUPS],
                                         const token_columns *columns, const ink_q8_part *x) {
  u8x16 flip = byte_flip();
  i32x4 sum = pair_products(byte_zeros(flip), x->sums);
  UNROLLED
  for (size_t g = 0; g < GROUPS; g++) groups[g] = wasm_v128_xor(groups[g], flip);
  if (bytes_overflow()) {
    u8x16 high[GROUPS];
    UNROLLED
    for (size_t g = 0; g < GROUPS; g++) {
      high[g] = high_nibbles(groups[g]);
      groups[g] = low_nibbles(groups[g]);
    }
    sum = i32x4_sum(sum, high_rows(panel_part_products(high, columns)));
  }
  i32x4 low = panel_half_products(k, groups, 0, columns, sum);
  return i32x4_sum(sum, i32x4_sum(low, panel_half_products(k, groups, 1, columns, sum)));
}
#endif

/* Part b of a panel block times one token's. */
SPECIALIZED i32x4 panel_part(ink_type type, const uint8_t *panel, const panel_header *header,
                             uint32_t b, const token_columns *columns, const ink_q8_part *x) {
#if PRODUCTS_NIBBLES
  if (exceeds_products(class_of(type))) return panel_signed_products(type, panel, b, columns);
#endif
  u8x16 groups[GROUPS];
  unpack_groups(type, panel, b, zero_of(class_of(type)), groups);
#if BYTE_PRODUCTS_VARY
  if (varies(class_of(type))) return panel_varying_products(class_of(type), groups, columns, x);
#endif
  return panel_products(type, header, b, groups, columns, x);
}

/* Where a token's product with a panel has come to. */
typedef struct token_product {
  f32x4 sum;
  const ink_q8_part *x;
  const token_columns *columns;
} token_product;

/* sum + (d * x_d) * products, and what minima add. */
SPECIALIZED f32x4 add_token_term(integer_class k, f32x4 sum, const part_scales *w,
                                 const ink_q8_part *x, i32x4 products) {
  f32x4 term = f32x4_mul(f32x4_mul(w->d, f32x4_splat(x->d)), f32x4_of_i32x4(products));
  if (k.n_minima) term = f32x4_add(term, f32x4_mul(w->m, f32x4_splat(x->s)));
  if (k.n_minima > 1) {
    f32x4 s_low = f32x4_splat(x->d * (float)x->sums[0]);
    term = f32x4_add(term, f32x4_mul(w->m_low, s_low));
  }
  return f32x4_add(sum, term);
}

/* Adds part b, and unpacks it again for a residual, which is rare, rather than keep the weights. */
SPECIALIZED token_product add_panel_part(ink_type type, const uint8_t *panel,
                                         const panel_header *header, uint32_t b,
                                         token_product y) {
  do {
    i32x4 products = panel_part(type, panel, header, b, y.columns++, y.x);
    part_scales w = scales_of_part(type, header, b);
    y.sum = add_token_term(class_of(type), y.sum, &w, y.x, products);
    hold_order();
  } while (y.x++->has_residual);
  return y;
}

SPECIALIZED token_product add_panel_block(ink_type type, const uint8_t *panel, size_t step,
                                          token_product y) {
  panel_header header;
  read_header(type, panel, &header);
  for (uint32_t first = 0; first < parts_of(type); first += UNROLLED_PARTS(type)) {
    UNROLLED
    for (uint32_t i = 0; i < UNROLLED_PARTS(type); i++) {
      fetch_part_ahead(type, panel, step, first + i);
      y = add_panel_part(type, panel, &header, first + i, y);
    }
  }
  return y;
}

/* Adds n_parts parts, which are whole blocks. */
SPECIALIZED void multiply_token(ink_type type, const uint8_t *panel, size_t step, uint32_t n_parts,
                                token_product *product) {
  token_product y = *product;
  for (; n_parts > 0; n_parts -= parts_of(type), panel += step) {
    y = add_panel_block(type, panel, step, y);
  }
  *product = y;
}

#endif
