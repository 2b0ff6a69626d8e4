/* Matrix kernels for quantised panels, written once over the integer primitives of a vec_*.h, which
 * must be included before. A panel is unpacked once and used for every tile of 4 tokens; a single
 * token multiplies straight from the packed bytes. */
#ifndef INK_KERNELS_PANEL_OPS_H
#define INK_KERNELS_PANEL_OPS_H

#include "kernels/unpack_ops.h"

/* Parts of 32 columns in a panel block. */
static inline uint32_t parts_of(ink_type type) {
  return type == INK_TYPE_Q2_K || type == INK_TYPE_Q3_K || type == INK_TYPE_Q4_K ||
                 type == INK_TYPE_Q5_K || type == INK_TYPE_Q6_K || type == INK_TYPE_IQ4_XS ||
                 type == INK_TYPE_TQ1_0 || type == INK_TYPE_TQ2_0
             ? INK_SUPER_BLOCK / INK_BLOCK
             : 1;
}

static inline uint32_t minima_of(ink_type type) {
  if (type == INK_TYPE_Q2_K) return 2;
  return type == INK_TYPE_Q4_1 || type == INK_TYPE_Q5_1 || type == INK_TYPE_Q4_K ||
         type == INK_TYPE_Q5_K;
}

/* sum + (d * x_d) * products, and for types with minima + m * x_s, + m_low * x_s_low. */
static inline f32x4 add_part(uint32_t n_minima, f32x4 sum, part_scales w, float x_d, float x_s,
                             float x_s_low, i32x8 products) {
  f32x4 term = f32x4_mul(f32x4_mul(w.d, f32x4_splat(x_d)), f32x4_of_row_sums(products));
  if (n_minima) term = f32x4_add(term, f32x4_mul(w.m, f32x4_splat(x_s)));
  if (n_minima > 1) term = f32x4_add(term, f32x4_mul(w.m_low, f32x4_splat(x_s_low)));
  return f32x4_add(sum, term);
}

/* The activations of one tile, and where its products go. */
typedef struct tile_job {
  const int16_t *q;
  const float *d, *s, *s_low;
  float *y; /* first row of the first token */
  size_t y_stride;
  uint32_t n_parts; /* of 32 columns */
} tile_job;

/* ---- 4 rows x 4 tokens ---- */

static inline void multiply_tile(uint32_t n_minima, const ink_unpacked_block *block,
                                 const tile_job *job) {
  const int16_t *q = job->q;
  const float *d = job->d, *s = job->s, *s_low = job->s_low;
  f32x4 sum0 = f32x4_splat(0.0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (uint32_t n = job->n_parts; n > 0; n--, block++, q += GROUPS * 16, d += 4, s += 4) {
    i32x8 p0 = i32x8_zero(), p1 = p0, p2 = p0, p3 = p0;
    for (size_t g = 0; g < GROUPS; g++) {
      i16x16 weights = i16x16_load(block->q[g][0]);
      p0 = i32x8_add_products(p0, weights, q + 16 * g);
      p1 = i32x8_add_products(p1, weights, q + 16 * g + 4);
      p2 = i32x8_add_products(p2, weights, q + 16 * g + 8);
      p3 = i32x8_add_products(p3, weights, q + 16 * g + 12);
    }
    part_scales w = {f32x4_load(block->d), f32x4_load(block->m), f32x4_load(block->m_low)};
    sum0 = add_part(n_minima, sum0, w, d[0], s[0], s_low[0], p0);
    sum1 = add_part(n_minima, sum1, w, d[1], s[1], s_low[1], p1);
    sum2 = add_part(n_minima, sum2, w, d[2], s[2], s_low[2], p2);
    sum3 = add_part(n_minima, sum3, w, d[3], s[3], s_low[3], p3);
    s_low += 4;
  }
  f32x4_store(job->y, sum0);
  f32x4_store(job->y + job->y_stride, sum1);
  f32x4_store(job->y + 2 * job->y_stride, sum2);
  f32x4_store(job->y + 3 * job->y_stride, sum3);
}

static void multiply_tile_0(const ink_unpacked_block *block, const tile_job *job) {
  multiply_tile(0, block, job);
}
static void multiply_tile_1(const ink_unpacked_block *block, const tile_job *job) {
  multiply_tile(1, block, job);
}
static void multiply_tile_2(const ink_unpacked_block *block, const tile_job *job) {
  multiply_tile(2, block, job);
}

/* ---- Panels of each type ---- */

static inline void unpack_panel(ink_type type, const uint8_t *panel, size_t step, uint32_t n_parts,
                                ink_unpacked_block *out) {
  for (; n_parts > 0; n_parts -= parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b++, out++) {
      i16x16 groups[GROUPS];
      unpack_groups(type, panel, &header, b, groups);
      for (size_t g = 0; g < GROUPS; g++) i16x16_store(out->q[g][0], groups[g]);
      part_scales w = scales_of_part(type, &header, b);
      f32x4_store(out->d, w.d);
      if (minima_of(type)) f32x4_store(out->m, w.m);
      if (minima_of(type) > 1) f32x4_store(out->m_low, w.m_low);
    }
  }
}

static inline void multiply_token(ink_type type, const uint8_t *panel, size_t step,
                                  const tile_job *job) {
  f32x4 sum = f32x4_splat(0.0f);
  const int16_t *q = job->q;
  for (uint32_t at = 0; at < job->n_parts; at += parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b++, q += INK_BLOCK) {
      i16x16 groups[GROUPS];
      unpack_groups(type, panel, &header, b, groups);
      i32x8 even = i32x8_zero(), odd = even;
      for (size_t g = 0; g < GROUPS; g += 2) {
        even = i32x8_add_products(even, groups[g], q + 4 * g);
        odd = i32x8_add_products(odd, groups[g + 1], q + 4 * g + 4);
      }
      sum = add_part(minima_of(type), sum, scales_of_part(type, &header, b), job->d[at + b],
                     job->s[at + b], job->s_low[at + b], i32x8_add(even, odd));
    }
  }
  f32x4_store(job->y, sum);
}

/* The functions of one type; `step` is a panel block's bytes. */
typedef struct panel_kernel {
  void (*unpack)(const uint8_t *panel, size_t step, uint32_t n_parts, ink_unpacked_block *out);
  void (*multiply_token)(const uint8_t *panel, size_t step, const tile_job *job);
  void (*multiply_tile)(const ink_unpacked_block *blocks, const tile_job *job);
} panel_kernel;

#define PANEL_KERNEL(NAME)                                                                         \
  static void unpack_##NAME(const uint8_t *panel, size_t step, uint32_t n_parts,                   \
                            ink_unpacked_block *out) {                                             \
    unpack_panel(INK_TYPE_##NAME, panel, step, n_parts, out);                                      \
  }                                                                                                \
  static void multiply_token_##NAME(const uint8_t *panel, size_t step, const tile_job *job) {      \
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

#define ENTRY(NAME, n_minima)                                                                      \
  [INK_TYPE_##NAME] = {unpack_##NAME, multiply_token_##NAME, multiply_tile_##n_minima}

static const panel_kernel panel_kernels[INK_TYPE_END] = {
    ENTRY(Q4_0, 0),  ENTRY(Q4_1, 1), ENTRY(Q5_0, 0),   ENTRY(Q5_1, 1),   ENTRY(Q8_0, 0),
    ENTRY(Q2_K, 2),  ENTRY(Q3_K, 0), ENTRY(Q4_K, 1),   ENTRY(Q5_K, 1),   ENTRY(Q6_K, 0),
    ENTRY(TQ1_0, 0), ENTRY(TQ2_0, 0), ENTRY(IQ4_NL, 0), ENTRY(IQ4_XS, 0), ENTRY(MXFP4, 0),
};

#undef ENTRY
#undef PANEL_KERNEL

static void matmul(const ink_matmul *job) {
  if (matmul_floats(job)) return;
  const panel_kernel *kernel = &panel_kernels[job->weights->type];
  size_t step = (size_t)ink_type_get_traits(job->weights->type)->block_bytes * INK_PANEL_ROWS;
  size_t panel_bytes = (size_t)ink_panel_bytes(job->weights->type, job->weights->n_cols);
  uint32_t n_cols = job->weights->n_cols, n_parts = n_cols / INK_BLOCK;
  uint32_t tiled = job->n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS;
  const uint8_t *panel = job->weights->data + job->first_row / INK_PANEL_ROWS * panel_bytes;
  for (uint32_t row = job->first_row; row < job->end_row;
       row += INK_PANEL_ROWS, panel += panel_bytes) {
    if (tiled) kernel->unpack(panel, step, n_parts, job->scratch);
    for (uint32_t t = 0; t < job->n_tokens; t += t < tiled ? INK_TILE_TOKENS : 1) {
      tile_job tile = {.q = job->x.q + (size_t)t * n_cols,
                       .d = job->x.d + (size_t)t * n_parts,
                       .s = job->x.s + (size_t)t * n_parts,
                       .s_low = job->x.s_low + (size_t)t * n_parts,
                       .y = job->y + t * job->y_stride + row,
                       .y_stride = job->y_stride,
                       .n_parts = n_parts};
      if (t < tiled) {
        kernel->multiply_tile(job->scratch, &tile);
      } else {
        kernel->multiply_token(panel, step, &tile);
      }
    }
  }
}

#undef GROUPS

#endif
