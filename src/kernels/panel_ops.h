/* Matrix kernels for quantised panels, written once over the integer primitives of a vec_*.h, which
 * must be included before. A panel is unpacked once and used for every tile of 4 tokens; a single
 * token multiplies straight from the packed bytes. */
#ifndef INK_KERNELS_PANEL_OPS_H
#define INK_KERNELS_PANEL_OPS_H

#include "kernels/unpack_ops.h"

/* What ink_type_traits says too, but constant: parts of 32 columns in a panel block, and minima in
 * each. */
INLINE uint32_t parts_of(ink_type type) {
  return type == INK_TYPE_Q2_K || type == INK_TYPE_Q3_K || type == INK_TYPE_Q4_K ||
                 type == INK_TYPE_Q5_K || type == INK_TYPE_Q6_K || type == INK_TYPE_IQ4_XS ||
                 type == INK_TYPE_TQ1_0 || type == INK_TYPE_TQ2_0
             ? INK_SUPER_BLOCK / INK_BLOCK
             : 1;
}

INLINE uint32_t minima_of(ink_type type) {
  if (type == INK_TYPE_Q2_K) return 2;
  return type == INK_TYPE_Q4_1 || type == INK_TYPE_Q5_1 || type == INK_TYPE_Q4_K ||
         type == INK_TYPE_Q5_K;
}

/* sum + (d * x_d) * products, and for types with minima + m * x_s, + m_low * x_s_low. */
INLINE f32x4 add_part(uint32_t n_minima, f32x4 sum, part_scales w, float x_d, float x_s,
                      float x_s_low, i32x8 products) {
  f32x4 term = f32x4_mul(f32x4_mul(w.d, f32x4_splat(x_d)), f32x4_of_row_sums(products));
  if (n_minima) term = f32x4_add(term, f32x4_mul(w.m, f32x4_splat(x_s)));
  if (n_minima > 1) term = f32x4_add(term, f32x4_mul(w.m_low, f32x4_splat(x_s_low)));
  return f32x4_add(sum, term);
}

/* Those of the tile that begins at a token. */
INLINE ink_activations activations_from(const ink_matmul *job, uint32_t token) {
  size_t n_cols = job->weights->n_cols, n_parts = n_cols / INK_BLOCK;
  return (ink_activations){.q = job->x.q + token * n_cols,
                           .d = job->x.d + token * n_parts,
                           .s = job->x.s + token * n_parts,
                           .s_low = job->x.s_low + token * n_parts};
}

/* ---- 4 rows x 4 tokens ---- */

/* y points at the first row of the first token. */
INLINE void multiply_tile(uint32_t n_minima, const ink_unpacked_block *block, uint32_t n_parts,
                          ink_activations x, float *y, size_t y_stride) {
  const int16_t *q = x.q;
  const float *d = x.d, *s = x.s, *s_low = x.s_low;
  f32x4 sum0 = f32x4_splat(0.0f), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (; n_parts > 0; n_parts--, block++, q += GROUPS * 16, d += 4, s += 4, s_low += 4) {
    i32x8 p0 = i32x8_zero(), p1 = p0, p2 = p0, p3 = p0;
    KEEP_LOOP
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
  }
  f32x4_store(y, sum0);
  f32x4_store(y + y_stride, sum1);
  f32x4_store(y + 2 * y_stride, sum2);
  f32x4_store(y + 3 * y_stride, sum3);
}

static void multiply_tile_0(const ink_unpacked_block *blocks, uint32_t n_parts, ink_activations x,
                            float *y, size_t y_stride) {
  multiply_tile(0, blocks, n_parts, x, y, y_stride);
}
static void multiply_tile_1(const ink_unpacked_block *blocks, uint32_t n_parts, ink_activations x,
                            float *y, size_t y_stride) {
  multiply_tile(1, blocks, n_parts, x, y, y_stride);
}
static void multiply_tile_2(const ink_unpacked_block *blocks, uint32_t n_parts, ink_activations x,
                            float *y, size_t y_stride) {
  multiply_tile(2, blocks, n_parts, x, y, y_stride);
}

/* By the number of minima in 32 columns. */
static void (*const multiply_tile_with[])(const ink_unpacked_block *blocks, uint32_t n_parts,
                                          ink_activations x, float *y, size_t y_stride) = {
    multiply_tile_0, multiply_tile_1, multiply_tile_2};

/* ---- Panels of each type ---- */

INLINE void store_scales(ink_type type, part_scales w, ink_unpacked_block *out) {
  f32x4_store(out->d, w.d);
  if (minima_of(type)) f32x4_store(out->m, w.m);
  if (minima_of(type) > 1) f32x4_store(out->m_low, w.m_low);
}

/* The words of a part, or of those that share them, in runs of one set of integer scales; a word
 * holds so many vectors. */
INLINE uint32_t words_of_part(ink_type type) {
  return parts_of_word(type) == 1 || has_integer_scales(type) ? GROUPS / 2 : GROUPS;
}
INLINE uint32_t runs_of_part(ink_type type) { return has_integer_scales(type) ? 2 : 1; }
INLINE uint32_t vectors_of_word(ink_type type) {
  return parts_of_word(type) == 1 ? 2 : parts_of_word(type);
}

INLINE void read_integer_scales(ink_type type, const panel_header *header, uint32_t b, uint32_t h,
                                i16x16 scales[4]) {
  if (!has_integer_scales(type)) return;
  for (uint32_t i = 0; i < parts_of_word(type); i++) {
    scales[i] = integer_scale(type, header, b + i, h);
  }
}

INLINE void unpack_scaled_word(ink_type type, const uint8_t *block, uint32_t b, uint32_t g,
                               const i16x16 scales[4], i16x16 out[4]) {
  unpack_word(type, block, b, g, out);
  if (!has_integer_scales(type)) return;
  for (uint32_t i = 0; i < parts_of_word(type); i++) out[i] = i16x16_mul(out[i], scales[i]);
}

/* The integers of the parts from b on that share words. */
INLINE void unpack_parts(ink_type type, const uint8_t *block, const panel_header *header,
                         uint32_t b, ink_unpacked_block *out) {
  bool is_shared = parts_of_word(type) > 1;
  for (uint32_t h = 0; h < runs_of_part(type); h++) {
    i16x16 scales[4], q[4];
    read_integer_scales(type, header, b, h, scales);
    KEEP_LOOP
    for (uint32_t w = 0; w < words_of_part(type); w++) {
      uint32_t g = h * words_of_part(type) + w;
      unpack_scaled_word(type, block, b, g, scales, q);
      for (uint32_t i = 0; i < vectors_of_word(type); i++) {
        i16x16_store(is_shared ? out[i].q[g][0] : out->q[g + GROUPS / 2 * i][0], q[i]);
      }
    }
  }
}

INLINE void unpack_panel(ink_type type, const uint8_t *panel, size_t step, uint32_t n_parts,
                         ink_unpacked_block *out) {
  for (; n_parts > 0; n_parts -= parts_of(type), panel += step) {
    panel_header header;
    read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b += parts_of_word(type)) {
      unpack_parts(type, panel, &header, b, out);
      for (uint32_t i = 0; i < parts_of_word(type); i++, out++) {
        store_scales(type, scales_of_part(type, &header, b + i), out);
      }
    }
  }
}

/* The products of the parts from b on that share words with the token's columns q. */
INLINE void multiply_parts(ink_type type, const uint8_t *block, const panel_header *header,
                           uint32_t b, const int16_t *q, i32x8 sums[4]) {
  const uint32_t distance = parts_of_word(type) > 1 ? INK_BLOCK : INK_BLOCK / 2; /* of vectors */
  for (uint32_t i = 0; i < vectors_of_word(type); i++) sums[i] = i32x8_zero();
  for (uint32_t h = 0; h < runs_of_part(type); h++) {
    i16x16 scales[4], w[4];
    read_integer_scales(type, header, b, h, scales);
    KEEP_LOOP
    for (uint32_t n = 0; n < words_of_part(type); n++) {
      uint32_t g = h * words_of_part(type) + n;
      unpack_scaled_word(type, block, b, g, scales, w);
      for (uint32_t i = 0; i < vectors_of_word(type); i++) {
        sums[i] = i32x8_add_products(sums[i], w[i], q + distance * i + 4 * g);
      }
    }
  }
  if (parts_of_word(type) == 1) sums[0] = i32x8_add(sums[0], sums[1]);
}

INLINE f32x4 multiply_token(ink_type type, const uint8_t *panel, size_t step, uint32_t n_parts,
                            ink_activations x) {
  f32x4 sum = f32x4_splat(0.0f);
  for (uint32_t at = 0; at < n_parts; at += parts_of(type), panel += step) {
    panel_header header;
    if (parts_of(type) > 1) read_header(type, panel, &header);
    for (uint32_t b = 0; b < parts_of(type); b += parts_of_word(type)) {
      i32x8 sums[4];
      multiply_parts(type, panel, &header, b, x.q + (size_t)(at + b) * INK_BLOCK, sums);
      if (parts_of(type) == 1) read_header(type, panel, &header); /* 3 % faster than before them */
      for (uint32_t i = b; i < b + parts_of_word(type); i++) {
        sum = add_part(minima_of(type), sum, scales_of_part(type, &header, i), x.d[at + i],
                       x.s[at + i], x.s_low[at + i], sums[i - b]);
      }
    }
  }
  return sum;
}

/* All rows of a job times its tokens from `first` on, which stand in tiles of their own. */
INLINE void multiply_tokens(ink_type type, const ink_matmul *job, uint32_t first) {
  uint32_t n_cols = job->weights->n_cols, n_parts = n_cols / INK_BLOCK;
  size_t panel_bytes = (size_t)ink_panel_bytes(type, n_cols);
  size_t step = panel_bytes / n_parts * parts_of(type);
  const uint8_t *panel = job->weights->data + job->first_row / INK_PANEL_ROWS * panel_bytes;
  for (uint32_t row = job->first_row; row < job->end_row; row += INK_PANEL_ROWS) {
    for (uint32_t t = first; t < job->n_tokens; t++) {
      ink_activations x = activations_from(job, t);
      f32x4_store(job->y + t * job->y_stride + row,
                  multiply_token(type, panel, step, n_parts, x));
    }
    panel += panel_bytes;
  }
}

/* The functions of one type; `step` is a panel block's bytes. */
typedef struct panel_kernel {
  void (*unpack)(const uint8_t *panel, size_t step, uint32_t n_parts, ink_unpacked_block *out);
  void (*multiply_tokens)(const ink_matmul *job, uint32_t first);
} panel_kernel;

#define PANEL_KERNEL(NAME)                                                                         \
  static void unpack_##NAME(const uint8_t *panel, size_t step, uint32_t n_parts,                   \
                            ink_unpacked_block *out) {                                             \
    unpack_panel(INK_TYPE_##NAME, panel, step, n_parts, out);                                      \
  }                                                                                                \
  static void multiply_tokens_##NAME(const ink_matmul *job, uint32_t first) {                      \
    multiply_tokens(INK_TYPE_##NAME, job, first);                                                  \
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

#define ENTRY(NAME) [INK_TYPE_##NAME] = {unpack_##NAME, multiply_tokens_##NAME}

static const panel_kernel panel_kernels[INK_TYPE_END] = {
    ENTRY(Q4_0),   ENTRY(Q4_1),   ENTRY(Q5_0),  ENTRY(Q5_1),  ENTRY(Q8_0),
    ENTRY(Q2_K),   ENTRY(Q3_K),   ENTRY(Q4_K),  ENTRY(Q5_K),  ENTRY(Q6_K),
    ENTRY(IQ4_NL), ENTRY(IQ4_XS), ENTRY(TQ1_0), ENTRY(TQ2_0), ENTRY(MXFP4),
};

#undef ENTRY
#undef PANEL_KERNEL

static void matmul(const ink_matmul *job) {
  if (matmul_floats(job)) return;
  const ink_tensor *weights = job->weights;
  const panel_kernel *kernel = &panel_kernels[weights->type];
  const ink_type_traits *traits = ink_type_get_traits(weights->type);
  size_t step = (size_t)traits->block_bytes * INK_PANEL_ROWS;
  size_t panel_bytes = (size_t)ink_panel_bytes(weights->type, weights->n_cols);
  uint32_t n_parts = weights->n_cols / INK_BLOCK;
  uint32_t tiled = job->n_tokens / INK_TILE_TOKENS * INK_TILE_TOKENS;
  for (uint32_t row = job->first_row; tiled && row < job->end_row; row += INK_PANEL_ROWS) {
    kernel->unpack(weights->data + row / INK_PANEL_ROWS * panel_bytes, step, n_parts,
                   job->scratch);
    for (uint32_t t = 0; t < tiled; t += INK_TILE_TOKENS) {
      multiply_tile_with[traits->n_minima](job->scratch, n_parts, activations_from(job, t),
                                           job->y + t * job->y_stride + row, job->y_stride);
    }
  }
  if (tiled < job->n_tokens) kernel->multiply_tokens(job, tiled);
}

#undef INLINE
#undef KEEP_LOOP
#undef GROUPS

#endif
