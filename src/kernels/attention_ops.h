/* Attention over one tile of keys and values, written once over the primitives of a vec_*.h and the
 * wide floats of a products_*.h. Each score is summed column by column and each value position by
 * position, in one lane, so that neither the width of vectors nor how many queries go together
 * changes a bit. */
#ifndef INK_KERNELS_ATTENTION_OPS_H
#define INK_KERNELS_ATTENTION_OPS_H

#include "kernels/float_ops.h"

#define WIDE_LANES (WIDE_PANELS * 4u)
#define KEY_VECTORS (INK_KEY_GROUP / WIDE_LANES)
#define INLINE static inline __attribute__((always_inline))

/* scores[i][p] = query i . key p for the group of 16 positions from p and n = 1 or 2 queries, which
 * share the loads of keys. */
INLINE void score_group(const ink_kv_tile *tile, const float *query, uint32_t n, uint32_t p,
                        float scores[2][INK_KV_TILE]) {
  uint32_t head_dim = tile->head_dim;
  const float *key = tile->keys + (size_t)p * head_dim, *other = query + head_dim;
  wide_f32 sums[2][KEY_VECTORS];
  for (size_t v = 0; v < KEY_VECTORS; v++) sums[0][v] = sums[1][v] = wide_f32_splat(0.0f);
  for (uint32_t c = 0; c < head_dim; c++, key += INK_KEY_GROUP) {
    wide_f32 first = wide_f32_splat(query[c]), second = n > 1 ? wide_f32_splat(other[c]) : first;
    for (size_t v = 0; v < KEY_VECTORS; v++) {
      wide_f32 keys = wide_f32_load(key + v * WIDE_LANES);
      sums[0][v] = wide_f32_add(sums[0][v], wide_f32_mul(first, keys));
      if (n > 1) sums[1][v] = wide_f32_add(sums[1][v], wide_f32_mul(second, keys));
    }
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t v = 0; v < KEY_VECTORS; v++) {
      wide_f32_store(scores[i] + p + v * WIDE_LANES, sums[i][v], WIDE_PANELS);
    }
  }
}

/* Scores become e^(score - max); returns what the sums before this tile are to be multiplied with. */
static inline float soften(const ink_kv_tile *tile, float *scores, ink_attention_state *state) {
  uint32_t first = tile->first, n = tile->n;
  uint32_t begin = first & ~3u, end = (n + 3) & ~3u; /* whole fours around first .. n - 1 */
  if (tile->softcap > 0.0f) soft_cap(scores + begin, tile->softcap, end - begin);
  for (uint32_t p = begin; p < first; p++) scores[p] = -INFINITY;
  for (uint32_t p = n; p < end; p++) scores[p] = -INFINITY;

  f32x4 largest = f32x4_splat(state->max);
  for (uint32_t p = begin; p < end; p += 4) largest = f32x4_max(largest, f32x4_load(scores + p));
  float max = f32x4_lane_max(largest);
  f32x4 sum = f32x4_splat(0.0f);
  for (uint32_t p = begin; p < end; p += 4) {
    f32x4 e = exp_f32x4(f32x4_sub(f32x4_load(scores + p), f32x4_splat(max)));
    sum = f32x4_add(sum, e);
    f32x4_store(scores + p, e);
  }
  float before[4] = {state->max - max, 0.0f, 0.0f, 0.0f};
  float rescale[4];
  f32x4_store(rescale, exp_f32x4(f32x4_load(before)));
  state->sum = state->sum * rescale[0] + f32x4_lane_sum(sum);
  state->max = max;
  return rescale[0];
}

/* The sums of n = 1 or 2 queries in n_vectors vectors of columns from c, which share the loads of
 * values. */
INLINE void add_values(const ink_kv_tile *tile, float scores[2][INK_KV_TILE], const float *rescale,
                       uint32_t n, uint32_t n_vectors, uint32_t c, float *out) {
  size_t head_dim = tile->head_dim;
  wide_f32 sums[2][4];
  for (size_t i = 0; i < n; i++) {
    for (size_t v = 0; v < n_vectors; v++) {
      wide_f32 before = wide_f32_load(out + i * head_dim + c + v * WIDE_LANES);
      sums[i][v] = wide_f32_mul(before, wide_f32_splat(rescale[i]));
    }
  }
  const float *value = tile->values + tile->first * head_dim + c;
  for (uint32_t p = tile->first; p < tile->n; p++, value += head_dim) {
    wide_f32 first = wide_f32_splat(scores[0][p]), second = first;
    if (n > 1) second = wide_f32_splat(scores[1][p]);
    for (size_t v = 0; v < n_vectors; v++) {
      wide_f32 values = wide_f32_load(value + v * WIDE_LANES);
      sums[0][v] = wide_f32_add(sums[0][v], wide_f32_mul(first, values));
      if (n > 1) sums[1][v] = wide_f32_add(sums[1][v], wide_f32_mul(second, values));
    }
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t v = 0; v < n_vectors; v++) {
      wide_f32_store(out + i * head_dim + c + v * WIDE_LANES, sums[i][v], WIDE_PANELS);
    }
  }
}

/* The last columns, fewer than a wide vector has lanes. */
static inline void add_last_values(const ink_kv_tile *tile, const float *scores, float rescale,
                                   uint32_t c, float *out) {
  for (; c < tile->head_dim; c += 4) {
    f32x4 sum = f32x4_mul(f32x4_load(out + c), f32x4_splat(rescale));
    const float *value = tile->values + (size_t)tile->first * tile->head_dim + c;
    for (uint32_t p = tile->first; p < tile->n; p++, value += tile->head_dim) {
      sum = f32x4_add(sum, f32x4_mul(f32x4_splat(scores[p]), f32x4_load(value)));
    }
    f32x4_store(out + c, sum);
  }
}

INLINE void attend_together(uint32_t n, const ink_kv_tile *tile, const float *queries,
                            ink_attention_state *states, float *out) {
  float scores[2][INK_KV_TILE], rescale[2];
  for (uint32_t p = tile->first & ~(INK_KEY_GROUP - 1); p < tile->n; p += INK_KEY_GROUP) {
    score_group(tile, queries, n, p, scores);
  }
  for (size_t i = 0; i < n; i++) rescale[i] = soften(tile, scores[i], &states[i]);
  uint32_t c = 0;
  for (; c + 4 * WIDE_LANES <= tile->head_dim; c += 4 * WIDE_LANES) {
    add_values(tile, scores, rescale, n, 4, c, out);
  }
  for (; c + WIDE_LANES <= tile->head_dim; c += WIDE_LANES) {
    add_values(tile, scores, rescale, n, 1, c, out);
  }
  for (size_t i = 0; i < n; i++) {
    add_last_values(tile, scores[i], rescale[i], c, out + i * tile->head_dim);
  }
}

static void attend(const ink_kv_tile *tile, const float *queries, uint32_t n,
                   ink_attention_state *states, float *out) {
  size_t step = tile->head_dim;
  for (; n > 1; n -= 2, queries += 2 * step, states += 2, out += 2 * step) {
    attend_together(2, tile, queries, states, out);
  }
  if (n) attend_together(1, tile, queries, states, out);
}

#undef INLINE

#endif
