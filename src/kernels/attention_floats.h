/* Attention's products with keys and values of floats. Each score is summed column by column and each
 * value position by position, in one lane, so that neither the width of vectors nor how many queries
 * go together changes a bit. */
#ifndef INK_KERNELS_ATTENTION_FLOATS_H
#define INK_KERNELS_ATTENTION_FLOATS_H

#include "kernels/attention_softmax.h"

/* scores[i][p] = query i . key p for n_groups groups of 16 positions from p and n queries. */
ALWAYS_INLINE void score_groups(const ink_kv_tile *tile, const float *queries, uint32_t n,
                                uint32_t n_groups, uint32_t p, tile_scores scores) {
  size_t head_dim = tile->head_dim, n_vectors = n_groups * KEY_VECTORS;
  const float *key = tile->keys + p * head_dim;
  long_f32 sums[TOGETHER][4]; /* [n][n_vectors] */
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) sums[i][v] = LONG(splat)(0.0f);
  }
  for (uint32_t c = 0; c < head_dim; c++, key += INK_KEY_GROUP) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      size_t group = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
      long_f32 keys = LONG(load)(key + group * head_dim * INK_KEY_GROUP + lane);
      UNROLLED
      for (size_t i = 0; i < n; i++) {
        long_f32 query = LONG(splat)(queries[i * head_dim + c]);
        sums[i][v] = LONG(add)(sums[i][v], LONG(mul)(query, keys));
      }
    }
  }
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      long_store(scores[i] + p + v * LONG_LANES, sums[i][v]);
    }
  }
}

/* The sums of n queries in n_vectors vectors of columns from c. */
ALWAYS_INLINE void add_values(const ink_kv_tile *tile, tile_scores scores,
                              const sum_factors *factors, uint32_t n, uint32_t n_vectors,
                              uint32_t c, float *out) {
  size_t head_dim = tile->head_dim;
  long_f32 sums[TOGETHER][4];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      long_f32 before = LONG(load)(out + i * head_dim + c + v * LONG_LANES);
      sums[i][v] = LONG(mul)(before, LONG(splat)(factors[i].before));
    }
  }
  const float *value = tile->values + tile->first * head_dim + c;
  for (uint32_t p = tile->first; p < tile->n; p++, value += head_dim) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      long_f32 values = LONG(load)(value + v * LONG_LANES);
      UNROLLED
      for (size_t i = 0; i < n; i++) {
        long_f32 weight = LONG(splat)(scores[i][p]);
        sums[i][v] = LONG(add)(sums[i][v], LONG(mul)(weight, values));
      }
    }
  }
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      long_store(out + i * head_dim + c + v * LONG_LANES, sums[i][v]);
    }
  }
}

/* The last columns, fewer than a wide vector or 4 short ones have lanes. */
static inline void add_last_values(const ink_kv_tile *tile, const float *scores, float before,
                                   uint32_t c, float *out) {
  for (; c < tile->head_dim; c += 4) {
    f32x4 sum = f32x4_mul(f32x4_load(out + c), f32x4_splat(before));
    const float *value = tile->values + (size_t)tile->first * tile->head_dim + c;
    for (uint32_t p = tile->first; p < tile->n; p++, value += tile->head_dim) {
      sum = f32x4_add(sum, f32x4_mul(f32x4_splat(scores[p]), f32x4_load(value)));
    }
    f32x4_store(out + c, sum);
  }
}

ALWAYS_INLINE void add_all_values(const ink_kv_tile *tile, tile_scores scores,
                                  const sum_factors *factors, uint32_t n, float *out) {
  uint32_t c = 0;
  for (; c + 4 * LONG_LANES <= tile->head_dim; c += 4 * LONG_LANES) {
    add_values(tile, scores, factors, n, 4, c, out);
  }
  for (; LONG_LANES > 4 && c + LONG_LANES <= tile->head_dim; c += LONG_LANES) {
    add_values(tile, scores, factors, n, 1, c, out);
  }
  for (size_t i = 0; i < n; i++) {
    add_last_values(tile, scores[i], factors[i].before, c, out + i * tile->head_dim);
  }
}

#endif
