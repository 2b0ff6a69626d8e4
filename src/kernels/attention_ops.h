/* Attention over one tile of keys and values, written once over the primitives of a vec_*.h and the
 * wide floats of a products_*.h. Each score is summed column by column and each value position by
 * position, in one lane, so that neither the width of vectors nor how many queries go together
 * changes a bit. */
#ifndef INK_KERNELS_ATTENTION_OPS_H
#define INK_KERNELS_ATTENTION_OPS_H

#include "kernels/float_ops.h"

/* Vectors of the longest registers. */
#if WIDE_IS_TWO_REGISTERS
#define LONG_LANES 4u
typedef f32x4 long_f32;
#define LONG(op) f32x4_##op
#else
#define LONG_LANES (WIDE_PANELS * 4u)
typedef wide_f32 long_f32;
#define LONG(op) wide_f32_##op
#endif
#define KEY_VECTORS (INK_KEY_GROUP / LONG_LANES)
#define SCORE_GROUPS (LONG_LANES / 4u) /* of keys that are handled together */
#define INLINE static inline __attribute__((always_inline))

/* For loops over arrays of vectors, which are registers only when no index is left. */
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif

static inline void long_store(float *p, long_f32 v) {
#if WIDE_IS_TWO_REGISTERS
  f32x4_store(p, v);
#else
  wide_f32_store(p, v, WIDE_PANELS);
#endif
}

/* scores[i][p] = query i . key p for n_groups groups of 16 positions from p and n = 1 or 2 queries,
 * which share the loads of keys. */
INLINE void score_groups(const ink_kv_tile *tile, const float *query, uint32_t n, uint32_t n_groups,
                         uint32_t p, float scores[2][INK_KV_TILE]) {
  size_t head_dim = tile->head_dim, n_vectors = n_groups * KEY_VECTORS;
  const float *key = tile->keys + p * head_dim, *other = query + head_dim;
  long_f32 sums[2][4]; /* [n_groups * KEY_VECTORS] */
  UNROLLED
  for (size_t v = 0; v < n_vectors; v++) sums[0][v] = sums[1][v] = LONG(splat)(0.0f);
  for (uint32_t c = 0; c < head_dim; c++, key += INK_KEY_GROUP) {
    long_f32 first = LONG(splat)(query[c]), second = n > 1 ? LONG(splat)(other[c]) : first;
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      size_t group = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
      long_f32 keys = LONG(load)(key + group * head_dim * INK_KEY_GROUP + lane);
      sums[0][v] = LONG(add)(sums[0][v], LONG(mul)(first, keys));
      if (n > 1) sums[1][v] = LONG(add)(sums[1][v], LONG(mul)(second, keys));
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

/* So many groups at a time that eight sums are under way: an addition takes that long. */
INLINE void score_tile(const ink_kv_tile *tile, const float *query, uint32_t n,
                       float scores[2][INK_KV_TILE]) {
  uint32_t p = tile->first & ~(INK_KEY_GROUP - 1);
  for (; p + (SCORE_GROUPS - 1) * INK_KEY_GROUP < tile->n; p += SCORE_GROUPS * INK_KEY_GROUP) {
    score_groups(tile, query, n, SCORE_GROUPS, p, scores);
  }
  if (SCORE_GROUPS == 1) return;
  for (; p < tile->n; p += INK_KEY_GROUP) score_groups(tile, query, n, 1, p, scores);
}

/* Scores become e^(score - max); returns what the sums before this tile are to be multiplied with. */
__attribute__((noinline)) static float soften(const ink_kv_tile *tile, float *scores,
                                              ink_attention_state *state) {
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
  long_f32 sums[2][4];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      long_f32 before = LONG(load)(out + i * head_dim + c + v * LONG_LANES);
      sums[i][v] = LONG(mul)(before, LONG(splat)(rescale[i]));
    }
  }
  const float *value = tile->values + tile->first * head_dim + c;
  for (uint32_t p = tile->first; p < tile->n; p++, value += head_dim) {
    long_f32 first = LONG(splat)(scores[0][p]), second = first;
    if (n > 1) second = LONG(splat)(scores[1][p]);
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      long_f32 values = LONG(load)(value + v * LONG_LANES);
      sums[0][v] = LONG(add)(sums[0][v], LONG(mul)(first, values));
      if (n > 1) sums[1][v] = LONG(add)(sums[1][v], LONG(mul)(second, values));
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
  score_tile(tile, queries, n, scores);
  for (size_t i = 0; i < n; i++) rescale[i] = soften(tile, scores[i], &states[i]);
  uint32_t c = 0;
  for (; c + 4 * LONG_LANES <= tile->head_dim; c += 4 * LONG_LANES) {
    add_values(tile, scores, rescale, n, 4, c, out);
  }
  for (; c + LONG_LANES <= tile->head_dim; c += LONG_LANES) {
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
#undef LONG
#undef UNROLLED

#endif
