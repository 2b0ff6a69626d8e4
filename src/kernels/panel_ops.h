/* Matrix kernels for quantised panels, written once over the integer primitives of a vec_*.h, which
 * must be included before. A panel is unpacked once and used for every tile of 4 tokens; a single
 * token multiplies straight from the packed bytes. */
#ifndef INK_KERNELS_PANEL_OPS_H
#define INK_KERNELS_PANEL_OPS_H

#include "kernels/kernels.h"

#define GROUPS (INK_BLOCK / 4)

/* Q4_0 and Q4_1 hold 2 groups in 16 bytes: g and g + 4. */
static inline size_t packed_scales(ink_type type) { return type == INK_TYPE_Q4_1 ? 16 : 8; }
static inline size_t packed_bytes(ink_type type) {
  return packed_scales(type) + (type == INK_TYPE_Q8_0 ? 128 : 64);
}

static inline void unpack_groups(ink_type type, const uint8_t *block, i16x16 groups[GROUPS]) {
  const uint8_t *bytes = block + packed_scales(type);
  if (type == INK_TYPE_Q8_0) {
    for (size_t g = 0; g < GROUPS; g++) groups[g] = i16x16_load_bytes(bytes + 16 * g);
  } else {
    int offset = type == INK_TYPE_Q4_0 ? 8 : 0;
    for (size_t g = 0; g < GROUPS / 2; g++) {
      i16x16_load_nibbles(bytes + 16 * g, offset, &groups[g], &groups[g + GROUPS / 2]);
    }
  }
}

static inline f32x4 load_scales(const uint8_t *block, size_t field) {
  return f32x4_load_halves((const uint16_t *)(const void *)(block + 8 * field));
}

/* sum + (d * x_d) * row_sums, and for Q4_1 + m * x_s. */
static inline f32x4 add_block(ink_type type, f32x4 sum, f32x4 d, f32x4 m, float x_d, float x_s,
                              i32x8 products) {
  f32x4 term = f32x4_mul(f32x4_mul(d, f32x4_splat(x_d)), f32x4_of_row_sums(products));
  if (type == INK_TYPE_Q4_1) term = f32x4_add(term, f32x4_mul(m, f32x4_splat(x_s)));
  return f32x4_add(sum, term);
}

static inline void unpack_panel(ink_type type, const uint8_t *panel, uint32_t n_blocks,
                                ink_unpacked_block *out) {
  for (uint32_t b = 0; b < n_blocks; b++, panel += packed_bytes(type), out++) {
    i16x16 groups[GROUPS];
    unpack_groups(type, panel, groups);
    for (size_t g = 0; g < GROUPS; g++) i16x16_store(out->q[g][0], groups[g]);
    f32x4_store(out->d, load_scales(panel, 0));
    if (type == INK_TYPE_Q4_1) f32x4_store(out->m, load_scales(panel, 1));
  }
}

/* 4 rows x 4 tokens. q, d and s are the tile's; y points at the first row of the first token. */
static inline void multiply_tile(ink_type type, const ink_unpacked_block *block, uint32_t n_blocks,
                                 const int16_t *q, const float *d, const float *s, float *y,
                                 size_t y_stride) {
  f32x4 sum0 = f32x4_splat(0.0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (uint32_t b = 0; b < n_blocks; b++, block++, q += GROUPS * 16, d += 4, s += 4) {
    i32x8 p0 = i32x8_zero(), p1 = p0, p2 = p0, p3 = p0;
    for (size_t g = 0; g < GROUPS; g++) {
      i16x16 weights = i16x16_load(block->q[g][0]);
      p0 = i32x8_add_products(p0, weights, q + 16 * g);
      p1 = i32x8_add_products(p1, weights, q + 16 * g + 4);
      p2 = i32x8_add_products(p2, weights, q + 16 * g + 8);
      p3 = i32x8_add_products(p3, weights, q + 16 * g + 12);
    }
    f32x4 scales = f32x4_load(block->d), minima = f32x4_load(block->m);
    sum0 = add_block(type, sum0, scales, minima, d[0], s[0], p0);
    sum1 = add_block(type, sum1, scales, minima, d[1], s[1], p1);
    sum2 = add_block(type, sum2, scales, minima, d[2], s[2], p2);
    sum3 = add_block(type, sum3, scales, minima, d[3], s[3], p3);
  }
  f32x4_store(y, sum0);
  f32x4_store(y + y_stride, sum1);
  f32x4_store(y + 2 * y_stride, sum2);
  f32x4_store(y + 3 * y_stride, sum3);
}

static inline void multiply_token(ink_type type, const uint8_t *panel, uint32_t n_blocks,
                                  const int16_t *q, const float *d, const float *s, float *y) {
  f32x4 sum = f32x4_splat(0.0f);
  for (uint32_t b = 0; b < n_blocks; b++, panel += packed_bytes(type), q += INK_BLOCK) {
    i16x16 groups[GROUPS];
    unpack_groups(type, panel, groups);
    i32x8 even = i32x8_zero(), odd = even;
    for (size_t g = 0; g < GROUPS; g += 2) {
      even = i32x8_add_products(even, groups[g], q + 4 * g);
      odd = i32x8_add_products(odd, groups[g + 1], q + 4 * g + 4);
    }
    f32x4 minima = type == INK_TYPE_Q4_1 ? load_scales(panel, 1) : f32x4_splat(0.0f);
    sum = add_block(type, sum, load_scales(panel, 0), minima, d[b], s[b], i32x8_add(even, odd));
  }
  f32x4_store(y, sum);
}

static inline void matmul_panels(ink_type type, const ink_matmul *job) {
  uint32_t n_cols = job->weights->n_cols;
  uint32_t n_blocks = n_cols / INK_BLOCK;
  uint32_t tiled = job->n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS;
  size_t panel_bytes = n_blocks * packed_bytes(type);
  const uint8_t *panel = job->weights->data + job->first_row / INK_PANEL_ROWS * panel_bytes;
  for (uint32_t row = job->first_row; row < job->end_row;
       row += INK_PANEL_ROWS, panel += panel_bytes) {
    uint32_t t = 0;
    if (tiled) unpack_panel(type, panel, n_blocks, job->scratch);
    for (; t < tiled; t += INK_TILE_TOKENS) {
      multiply_tile(type, job->scratch, n_blocks, job->x.q + (size_t)t * n_cols,
                    job->x.d + (size_t)t * n_blocks, job->x.s + (size_t)t * n_blocks,
                    job->y + t * job->y_stride + row, job->y_stride);
    }
    for (; t < job->n_tokens; t++) {
      multiply_token(type, panel, n_blocks, job->x.q + (size_t)t * n_cols,
                     job->x.d + (size_t)t * n_blocks, job->x.s + (size_t)t * n_blocks,
                     job->y + t * job->y_stride + row);
    }
  }
}

static void matmul_q4_0(const ink_matmul *job) { matmul_panels(INK_TYPE_Q4_0, job); }
static void matmul_q4_1(const ink_matmul *job) { matmul_panels(INK_TYPE_Q4_1, job); }
static void matmul_q8_0(const ink_matmul *job) { matmul_panels(INK_TYPE_Q8_0, job); }

#undef GROUPS

#endif
