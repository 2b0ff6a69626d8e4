/* Matrix kernels for quantised panels, written once over the primitives of a vec_*.h and a
 * products_*.h, which must be included before. Panels are unpacked once, WIDE_PANELS at a time, and
 * used for every tile of 4 tokens (tile_ops.h, or on WebAssembly tile_rotated.h); a single token
 * multiplies straight from the packed bytes. */
#ifndef INK_KERNELS_PANEL_OPS_H
#define INK_KERNELS_PANEL_OPS_H

#if TILES_ARE_ROTATED
#include "kernels/tile_rotated.h"
#else
#include "kernels/tile_ops.h"
#endif

/* Parts of 32 columns in a panel block. */
SPECIALIZED uint32_t parts_of(ink_type type) {
  return type == INK_TYPE_Q2_K || type == INK_TYPE_Q3_K || type == INK_TYPE_Q4_K ||
                 type == INK_TYPE_Q5_K || type == INK_TYPE_Q6_K || type == INK_TYPE_IQ4_XS ||
                 type == INK_TYPE_TQ1_0 || type == INK_TYPE_TQ2_0
             ? INK_SUPER_BLOCK / INK_BLOCK
             : 1;
}

/* Types of which most files are made. Where code has to be downloaded that of others is short:
 * loops over parts and their groups stay loops. */
SPECIALIZED bool is_common(ink_type type) {
  return type == INK_TYPE_Q4_0 || type == INK_TYPE_Q4_1 || type == INK_TYPE_Q5_0 ||
         type == INK_TYPE_Q8_0 || type == INK_TYPE_Q4_K || type == INK_TYPE_Q6_K;
}

/* Part b's share of a panel block, so that the block's lines are not all asked for at once. */
SPECIALIZED void fetch_part_ahead(ink_type type, const uint8_t *panel, size_t step, uint32_t b) {
  size_t share = step / parts_of(type);
  fetch_ahead(panel + b * share, share);
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

/* Adds part b, and unpacks it again for a residual, which is rare, rather than keep the weights. */
SPECIALIZED token_product add_panel_part(ink_type type, const uint8_t *panel,
                                         const panel_header *header, uint32_t b,
                                         token_product y) {
  integer_class k = class_of(type);
  do {
    i32x4 products = panel_part(type, panel, header, b, y.columns++, y.x);
    part_scales w = scales_of_part(type, header, b);
    f32x4 term = f32x4_mul(f32x4_mul(w.d, f32x4_splat(y.x->d)), f32x4_of_i32x4(products));
    if (k.n_minima) term = f32x4_add(term, f32x4_mul(w.m, f32x4_splat(y.x->s)));
    if (k.n_minima > 1) {
      f32x4 s_low = f32x4_splat(y.x->d * (float)y.x->sums[0]);
      term = f32x4_add(term, f32x4_mul(w.m_low, s_low));
    }
    y.sum = f32x4_add(y.sum, term);
    hold_order();
  } while (y.x++->has_residual);
  return y;
}

/* Loops over parts are unrolled because their shifts and indices become constants. */
SPECIALIZED void multiply_token(ink_type type, const uint8_t *panel, size_t step,
                                const panel_job *job) {
  token_product y = {.sum = f32x4_splat(0.0f), .x = job->x, .columns = job->columns};
  for (uint32_t n = job->n_parts; n > 0; n -= parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    if (is_common(type)) {
      UNROLLED_BY_4
      for (uint32_t b = 0; b < parts_of(type); b++) {
        fetch_part_ahead(type, panel, step, b);
        y = add_panel_part(type, panel, &header, b, y);
      }
    } else {
      UNROLLED_IF_ROOM
      for (uint32_t b = 0; b < parts_of(type); b++) {
        fetch_part_ahead(type, panel, step, b);
        y = add_panel_part(type, panel, &header, b, y);
      }
    }
  }
  f32x4_store(job->y, y.sum);
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
      fetch_part_ahead(type, panel, step, b);
      u8x16 groups[GROUPS];
      unpack_groups(type, panel, b, zero_of(k), groups);
      part_scales w = scales_of_part(type, &header, b);
      size_t row = at * INK_PANEL_ROWS;
      f32x4_store(out->d + row, w.d);
      if (k.n_minima) f32x4_store(out->m + row, w.m);
      if (k.n_minima > 1) f32x4_store(out->m_low + row, w.m_low);
      i32x4 scales[2] = {i32x4_splat(1), i32x4_splat(1)};
      if (k.n_scales > 1) {
        scales[0] = scale_of_half(type, &header, b, 0);
        scales[1] = scale_of_half(type, &header, b, 1);
      }
      if (is_common(type)) {
        UNROLLED
        for (size_t g = 0; g < GROUPS; g++) {
          store_group(k, out, at, g, groups[g], scales[g / HALF_GROUPS]);
        }
      } else {
        for (size_t g = 0; g < GROUPS; g++) {
          store_group(k, out, at, g, groups[g], scales[g / HALF_GROUPS]);
        }
      }
      store_scales(k, out, at, scales);
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
    if (exceeds_products(class_of(type))) {
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
  _Alignas(16) int32_t halfway[INK_TILE_TOKENS * WIDE_ROWS];
  _Alignas(16) float sums[INK_TILE_TOKENS * WIDE_ROWS];
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
