/* Attention over one tile of keys and values, written once over the primitives of a vec_*.h and the
 * wide floats of a products_*.h. Each score is summed column by column and each value position by
 * position, in one lane, so that neither the width of vectors nor how many queries go together
 * changes a bit. Those in 8 bits are multiplied as integers, exactly, with queries and weights of 16
 * bits. What goes over all positions, sums and maxima, is kept in 16 lanes. */
#ifndef INK_KERNELS_ATTENTION_OPS_H
#define INK_KERNELS_ATTENTION_OPS_H

#include <string.h>

#include "kernels/float_ops.h"

#define EXP_VECTORS 4 /* at most, that 2^x is computed of at once */
#define VECTOR f32x4
#define V(op) f32x4_##op
#include "kernels/exp2_ops.h"
#undef VECTOR
#undef V

/* Vectors of the longest registers. */
#if WIDE_PANELS == 1u || defined(WIDE_IS_TWO_REGISTERS)
#define LONG_LANES 4u
typedef f32x4 long_f32;
typedef i32x4 long_i32;
#define LONG(op) f32x4_##op
#define LONG_INT(op) i32x4_##op
#define long_f32_of_i32 f32x4_of_i32x4
static inline void long_store(float *p, long_f32 v) { f32x4_store(p, v); }
#define LEVELS_TOGETHER 8u
#define levels_multiply levels_multiply8
#define SMALL __attribute__((noinline)) /* code counts more than calls: it may be downloaded */
#else
#define LONG_LANES (WIDE_PANELS * 4u)
typedef wide_f32 long_f32;
typedef wide_i32 long_i32;
#define LONG(op) wide_f32_##op
#define LONG_INT(op) wide_i32_##op
#define long_f32_of_i32 wide_f32_of_i32
#define VECTOR wide_f32
#define V(op) wide_f32_##op
#include "kernels/exp2_ops.h"
#undef VECTOR
#undef V
static inline void long_store(float *p, long_f32 v) { wide_f32_store(p, v, WIDE_PANELS); }
#define LEVELS_TOGETHER (2u * LONG_LANES)
#define levels_multiply wide_levels_multiply
#define SMALL inline
#endif
#define KEY_VECTORS (INK_KEY_GROUP / LONG_LANES)
#define SCORE_GROUPS (LONG_LANES / 4u) /* of keys that are handled together */
#define BLOCK_VECTORS (LONG_LANES < 8 ? 4 : INK_BLOCK / LONG_LANES)
#define LEAST_MAX 1e-30f /* what is no larger than this is taken for 0 */

/* Queries that share the loads of keys and values: the longest registers are 32, others 16. */
#define TOGETHER (LONG_LANES == 16 ? 4u : 2u)

typedef float tile_scores[TOGETHER][INK_KV_TILE];
typedef int16_t tile_levels[TOGETHER][INK_KV_TILE]; /* weights from 0 to 1, of which 1 is 32767 */

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

/* What sums of before this tile, and this tile's own, are multiplied with. */
typedef struct sum_factors {
  float before, own;
} sum_factors;

/* Of the 16 lanes of KEY_VECTORS vectors. */
static inline float largest_lane(const long_f32 *vectors) {
  float lanes[INK_KEY_GROUP];
  UNROLLED
  for (size_t v = 0; v < KEY_VECTORS; v++) long_store(lanes + v * LONG_LANES, vectors[v]);
  f32x4 low = f32x4_max(f32x4_load(lanes), f32x4_load(lanes + 4));
  f32x4 high = f32x4_max(f32x4_load(lanes + 8), f32x4_load(lanes + 12));
  return f32x4_lane_max(f32x4_max(low, high));
}

static inline float sum_of_lanes(const long_f32 *vectors) {
  float lanes[INK_KEY_GROUP];
  UNROLLED
  for (size_t v = 0; v < KEY_VECTORS; v++) long_store(lanes + v * LONG_LANES, vectors[v]);
  f32x4 low = f32x4_add(f32x4_load(lanes), f32x4_load(lanes + 4));
  f32x4 high = f32x4_add(f32x4_load(lanes + 8), f32x4_load(lanes + 12));
  return f32x4_lane_sum(f32x4_add(low, high));
}

/* Queries whose powers are computed at once: 4 vectors of scores. */
#define SOFTEN_TOGETHER SCORE_GROUPS

/* Scores of n queries become 2^(score - reference): of floats in place, and the reference is the
 * largest score of all tiles so far; of bytes as levels, and it is the largest of this tile, so
 * that they are as fine in each. Hidden positions get next to nothing. */
ALWAYS_INLINE void soften(uint32_t n, const ink_kv_tile *tile, float (*scores)[INK_KV_TILE],
                          int16_t (*levels)[INK_KV_TILE], ink_attention_state *states,
                          sum_factors *factors) {
  uint32_t begin = tile->first & ~(INK_KEY_GROUP - 1);
  uint32_t end = (tile->n + INK_KEY_GROUP - 1) & ~(INK_KEY_GROUP - 1);
  long_f32 largest[SOFTEN_TOGETHER][KEY_VECTORS], sums[SOFTEN_TOGETHER][KEY_VECTORS];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    if (tile->softcap > 0.0f) soft_cap(scores[i] + begin, tile->softcap, end - begin);
    for (uint32_t p = begin; p < tile->first; p++) scores[i][p] = -INFINITY;
    for (uint32_t p = tile->n; p < end; p++) scores[i][p] = -INFINITY;
    UNROLLED
    for (size_t v = 0; v < KEY_VECTORS; v++) {
      largest[i][v] = LONG(splat)(-INFINITY);
      sums[i][v] = LONG(splat)(0.0f);
    }
  }
  for (uint32_t p = begin; p < end; p += INK_KEY_GROUP) {
    UNROLLED
    for (size_t i = 0; i < n; i++) {
      UNROLLED
      for (size_t v = 0; v < KEY_VECTORS; v++) {
        long_f32 score = LONG(load)(scores[i] + p + v * LONG_LANES);
        largest[i][v] = LONG(max)(largest[i][v], score);
      }
    }
  }
  float max[SOFTEN_TOGETHER], reference[SOFTEN_TOGETHER], powers[2 * 4] = {0.0f};
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    float own = largest_lane(largest[i]);
    max[i] = states[i].max < own ? own : states[i].max;
    reference[i] = tile->keys ? max[i] : own;
    powers[2 * i] = states[i].max - max[i];
    powers[2 * i + 1] = reference[i] - max[i];
  }
  for (uint32_t p = begin; p < end; p += INK_KEY_GROUP) {
    long_f32 e[SOFTEN_TOGETHER * KEY_VECTORS];
    UNROLLED
    for (size_t v = 0; v < n * KEY_VECTORS; v++) {
      size_t i = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
      e[v] = LONG(sub)(LONG(load)(scores[i] + p + lane), LONG(splat)(reference[i]));
    }
    LONG(exp2)(e, n * KEY_VECTORS);
    UNROLLED
    for (size_t v = 0; v < n * KEY_VECTORS; v++) {
      size_t i = v / KEY_VECTORS, part = v % KEY_VECTORS, at = p + part * LONG_LANES;
      sums[i][part] = LONG(add)(sums[i][part], e[v]);
      if (tile->keys) {
        long_store(scores[i] + at, e[v]);
      } else {
        long_f32 level = LONG(mul)(e[v], LONG(constant)(32767.0f));
        LONG(store_low_halves)(levels[i] + at, LONG(add)(level, LONG(constant)(ROUND_BIAS)));
      }
    }
  }
  UNROLLED
  for (size_t i = 0; i < n; i += 2) {
    f32x4 pair = f32x4_load(powers + 2 * i);
    f32x4_exp2(&pair, 1);
    f32x4_store(powers + 2 * i, pair);
  }
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    factors[i] = (sum_factors){powers[2 * i], powers[2 * i + 1]};
    states[i].sum = states[i].sum * factors[i].before + sum_of_lanes(sums[i]) * factors[i].own;
    states[i].max = max[i];
  }
}

/* Once for all that have nothing to share. */
__attribute__((noinline)) static void soften_one(const ink_kv_tile *tile, float *scores,
                                                 int16_t *levels, ink_attention_state *state,
                                                 sum_factors *factors) {
  soften(1, tile, (float(*)[INK_KV_TILE])scores, (int16_t(*)[INK_KV_TILE])levels, state, factors);
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

/* ---- 8 bits: products and sums are exact, of integers, within a block ---- */

static float quantize_query(const float *x, uint32_t n, int16_t *out) {
  f32x4 largest = f32x4_splat(0.0f);
  for (uint32_t c = 0; c < n; c += 4) largest = f32x4_max(largest, f32x4_abs(f32x4_load(x + c)));
  float max = f32x4_lane_max(largest);
  f32x4 inverse = f32x4_splat(max > LEAST_MAX ? 32767.0f / max : 0.0f);
  for (uint32_t c = 0; c < n; c += 4) {
    f32x4 level = f32x4_mul(f32x4_load(x + c), inverse);
    f32x4_store_low_halves(out + c, f32x4_add(level, f32x4_splat(ROUND_BIAS)));
  }
  return max / 32767.0f;
}

static inline uint32_t n_blocks_of(const ink_kv_tile *tile) {
  return (tile->head_dim + INK_BLOCK - 1) / INK_BLOCK;
}

/* From so many queries on it pays to widen a tile's keys and values to 16 bits once, which takes
 * their unpacking out of the loops. The longest vectors have more queries to a load. */
#define WIDEN_QUERIES (LONG_LANES < 16 ? 8u : UINT32_MAX)

static void widen(int16_t *out, const int8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i += 2 * LONG_LANES) {
    LONG_INT(store)((int32_t *)(void *)(out + i), LONG_INT(load_byte_pairs)(bytes + i));
  }
}

/* sums[i][v] += products of n_pairs pairs of x[i], which are x_step apart, with those of vector v
 * from `pairs` on, `step` bytes after one another; of 16 columns group_step apart from the next.
 * They are bytes, or what those were widened to. */
ALWAYS_INLINE void add_products(bool wide, const int8_t *pairs, size_t step, size_t group_step,
                                size_t n_pairs, const int16_t *x, size_t x_step, uint32_t n,
                                uint32_t n_vectors, long_i32 (*sums)[4]) {
  for (const int16_t *end = x + 2 * n_pairs; x < end; x += 2, pairs += step) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      size_t group = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
      const int8_t *at = pairs + group * group_step + (wide ? 4 : 2) * lane;
      long_i32 both = wide ? LONG_INT(load)((const int32_t *)(const void *)at)
                           : LONG_INT(load_byte_pairs)(at);
      UNROLLED
      for (size_t i = 0; i < n; i++) {
        sums[i][v] = LONG_INT(add_pair_products)(sums[i][v], both, x + i * x_step);
      }
    }
  }
}

/* As score_groups(). While it computes, as much of the next tile's keys is on its way. */
ALWAYS_INLINE void score_byte_groups(const ink_kv_tile *tile, const int16_t *queries,
                                     const ink_attention_state *states, uint32_t n, bool wide,
                                     uint32_t n_groups, uint32_t p, const int8_t *next,
                                     tile_scores scores) {
  size_t head_dim = tile->head_dim, n_blocks = n_blocks_of(tile);
  size_t n_vectors = n_groups * KEY_VECTORS;
  const float *scale = tile->key_scales + p * n_blocks;
  for (size_t c = 0; c < head_dim; scale += INK_KEY_GROUP) {
    bool is_first = c == 0;
    long_i32 sums[TOGETHER][4];
    UNROLLED
    for (size_t i = 0; i < n; i++) {
      UNROLLED
      for (size_t v = 0; v < n_vectors; v++) sums[i][v] = LONG_INT(splat)(0);
    }
    size_t end = head_dim - c < INK_BLOCK ? head_dim : c + INK_BLOCK;
    size_t n_bytes = (end - c) * n_groups * INK_KEY_GROUP;
    if (next) prefetch(next + p * head_dim + c * n_groups * INK_KEY_GROUP, n_bytes);
    size_t at = p * head_dim + c * INK_KEY_GROUP, n_pairs = (end - c) / 2;
    const int8_t *bytes = tile->byte_keys + at;
    const int8_t *halves = (const int8_t *)(tile->wide_keys + at);
    size_t group_step = head_dim * INK_KEY_GROUP;
    if (wide) {
      add_products(true, halves, 4 * INK_KEY_GROUP, 2 * group_step, n_pairs, queries + c, head_dim,
                   n, (uint32_t)n_vectors, sums);
    } else {
      add_products(false, bytes, 2 * INK_KEY_GROUP, group_step, n_pairs, queries + c, head_dim, n,
                   (uint32_t)n_vectors, sums);
    }
    c = end;
    UNROLLED
    for (size_t i = 0; i < n; i++) {
      long_f32 query_scale = LONG(splat)(states[i].query_scale);
      UNROLLED
      for (size_t v = 0; v < n_vectors; v++) {
        size_t group = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
        long_f32 key_scale = LONG(load)(scale + group * n_blocks * INK_KEY_GROUP + lane);
        long_f32 term = LONG(mul)(long_f32_of_i32(sums[i][v]), LONG(mul)(key_scale, query_scale));
        float *score = scores[i] + p + v * LONG_LANES;
        long_store(score, is_first ? term : LONG(add)(LONG(load)(score), term));
      }
    }
  }
}

/* In a block a position's weight is multiplied with its value's scale, that is with a ratio and the
 * step. */
__attribute__((noinline)) static void set_ratios(const ink_kv_tile *tile, uint32_t block) {
  uint32_t begin = tile->first & ~(INK_KEY_GROUP - 1), n_blocks = n_blocks_of(tile);
  uint32_t end = (tile->n + INK_KEY_GROUP - 1) & ~(INK_KEY_GROUP - 1);
  ink_kv_ratios *ratios = &tile->ratios[block];
  float scales[INK_KV_TILE];
  for (uint32_t p = begin; p < end; p += INK_KEY_GROUP) {
    const float *group = tile->value_scales + p * n_blocks + block * INK_KEY_GROUP;
    memcpy(scales + p, group, INK_KEY_GROUP * sizeof *group);
  }
  for (uint32_t p = begin; p < tile->first; p++) scales[p] = 0.0f;
  for (uint32_t p = tile->n; p < end; p++) scales[p] = 0.0f;
  f32x4 largest = f32x4_splat(0.0f);
  for (uint32_t p = begin; p < end; p += 4) largest = f32x4_max(largest, f32x4_load(scales + p));
  float max = f32x4_lane_max(largest);
  f32x4 inverse = f32x4_splat(max > LEAST_MAX ? 32767.0f / max : 0.0f);
  for (uint32_t p = begin; p < end; p += 4) {
    f32x4 level = f32x4_mul(f32x4_load(scales + p), inverse);
    f32x4_store_low_halves(ratios->of + p, f32x4_add(level, f32x4_splat(ROUND_BIAS)));
  }
  ratios->step = max * 3.05194409e-5f; /* 2^15 / 32767^2: products are shifted by 15 */
}

SMALL static void multiply_levels(const ink_kv_tile *tile, const int16_t *levels,
                                  const int16_t *ratios, int16_t *out) {
  for (uint32_t p = tile->first & ~(LEVELS_TOGETHER - 1); p < tile->n; p += LEVELS_TOGETHER) {
    levels_multiply(out + p, levels + p, ratios + p);
  }
}

/* sums[i] of n queries in BLOCK_VECTORS vectors of columns from c */
ALWAYS_INLINE void sum_byte_values(const ink_kv_tile *tile, tile_levels weights, uint32_t n,
                                   bool wide, uint32_t c, long_i32 (*sums)[4]) {
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < BLOCK_VECTORS; v++) sums[i][v] = LONG_INT(splat)(0);
  }
  uint32_t p = tile->first & ~1u;
  size_t step = 2 * (size_t)tile->head_dim, n_pairs = (tile->n - p + 1) / 2;
  size_t at = (size_t)p * tile->head_dim + 2 * (size_t)c, group = 2 * INK_KEY_GROUP;
  const int8_t *halves = (const int8_t *)(tile->wide_values + at);
  if (wide) {
    add_products(true, halves, 2 * step, 2 * group, n_pairs, weights[0] + p, INK_KV_TILE, n,
                 BLOCK_VECTORS, sums);
  } else {
    add_products(false, tile->byte_values + at, step, group, n_pairs, weights[0] + p, INK_KV_TILE,
                 n, BLOCK_VECTORS, sums);
  }
}

/* y = y * before + sums * step, BLOCK_VECTORS vectors */
ALWAYS_INLINE void add_sum_vectors(float *y, const long_i32 *sums, float before, float step) {
  UNROLLED
  for (size_t v = 0; v < BLOCK_VECTORS; v++, y += LONG_LANES) {
    long_f32 sum = LONG(mul)(long_f32_of_i32(sums[v]), LONG(splat)(step));
    long_store(y, LONG(add)(LONG(mul)(LONG(load)(y), LONG(splat)(before)), sum));
  }
}

/* The same, of n elements. */
__attribute__((noinline)) static void add_sums(float *y, const int32_t *sums, float before,
                                               float step, uint32_t n) {
  for (uint32_t at = 0; at < n; at += 4) {
    f32x4 sum = f32x4_mul(f32x4_of_i32x4(i32x4_load(sums + at)), f32x4_splat(step));
    f32x4_store(y + at, f32x4_add(f32x4_mul(f32x4_load(y + at), f32x4_splat(before)), sum));
  }
}

ALWAYS_INLINE void add_byte_values(const ink_kv_tile *tile, tile_levels levels,
                                   const sum_factors *factors, uint32_t n, bool wide,
                                   const int8_t *next, float *out) {
  const ink_kv_ratios *ratios = tile->ratios;
  for (uint32_t c = 0; c < tile->head_dim; c += INK_BLOCK, ratios++) {
    tile_levels weights;
    int32_t stored[TOGETHER][INK_BLOCK]; /* sums of a block that has fewer columns than others */
    uint32_t n_columns = tile->head_dim - c < INK_BLOCK ? tile->head_dim - c : INK_BLOCK;
    bool store = LONG_LANES == 4 || n_columns < INK_BLOCK;
    if (next) prefetch(next + c * INK_KV_TILE, n_columns * INK_KV_TILE);
    for (size_t i = 0; i < n; i++) multiply_levels(tile, levels[i], ratios->of, weights[i]);
    for (uint32_t at = 0; at < INK_BLOCK; at += BLOCK_VECTORS * LONG_LANES) {
      long_i32 sums[TOGETHER][4];
      sum_byte_values(tile, weights, n, wide, c + at, sums);
      UNROLLED
      for (size_t i = 0; i < n; i++) {
        float step = ratios->step * factors[i].own;
        float *y = out + i * tile->head_dim + c + at;
        if (!store) add_sum_vectors(y, sums[i], factors[i].before, step);
        UNROLLED
        for (size_t v = 0; store && v < BLOCK_VECTORS; v++) {
          LONG_INT(store)(stored[i] + at + v * LONG_LANES, sums[i][v]);
        }
      }
    }
    for (size_t i = 0; store && i < n; i++) {
      float step = ratios->step * factors[i].own;
      add_sums(out + i * tile->head_dim + c, stored[i], factors[i].before, step, n_columns);
    }
  }
}

/* ---- Either ---- */

/* `first`: the tile's first queries, which fetch the next tile; `wide`: it was widened. */
ALWAYS_INLINE void attend_together(uint32_t n, bool wide, bool first, const ink_kv_tile *tile,
                                   const void *queries, ink_attention_state *states, float *out) {
  tile_scores scores;
  tile_levels levels;
  sum_factors factors[TOGETHER];
  bool bytes = wide || tile->keys == NULL;
  const int8_t *next_keys = first ? tile->next_keys : NULL;
  const int8_t *next_values = first ? tile->next_values : NULL;
  uint32_t p = tile->first & ~(INK_KEY_GROUP - 1);
  /* So many groups at a time that eight sums are under way: an addition takes that long. */
  for (; p < tile->n;) {
    bool many = SCORE_GROUPS > 1 && p + (SCORE_GROUPS - 1) * INK_KEY_GROUP < tile->n;
    if (many && bytes) {
      score_byte_groups(tile, queries, states, n, wide, SCORE_GROUPS, p, next_keys, scores);
    } else if (bytes) {
      score_byte_groups(tile, queries, states, n, wide, 1, p, next_keys, scores);
    } else if (many) {
      score_groups(tile, queries, n, SCORE_GROUPS, p, scores);
    } else {
      score_groups(tile, queries, n, 1, p, scores);
    }
    p += many ? SCORE_GROUPS * INK_KEY_GROUP : INK_KEY_GROUP;
  }
  if (n > 1 && SOFTEN_TOGETHER >= n) soften(n, tile, scores, levels, states, factors);
  else
    for (size_t i = 0; i < n; i++) {
      soften_one(tile, scores[i], levels[i], &states[i], &factors[i]);
    }
  if (bytes) add_byte_values(tile, levels, factors, n, wide, next_values, out);
  else add_all_values(tile, scores, factors, n, out);
}

static void attend(const ink_kv_tile *tile, const void *queries, uint32_t n,
                   ink_attention_state *states, float *out) {
  size_t step = tile->head_dim, query_bytes = step * (tile->keys ? sizeof(float) : sizeof(int16_t));
  const uint8_t *query = queries;
  for (uint32_t b = 0; !tile->keys && b < n_blocks_of(tile); b++) set_ratios(tile, b);
  bool first = true, wide = n >= WIDEN_QUERIES && !tile->keys && tile->head_dim % INK_BLOCK == 0;
  if (wide) {
    size_t n_elements = (tile->n + INK_KEY_GROUP - 1) / INK_KEY_GROUP * INK_KEY_GROUP * step;
    widen(tile->wide_keys, tile->byte_keys, n_elements);
    widen(tile->wide_values, tile->byte_values, n_elements);
  }
  for (uint32_t now; n > 0; n -= now) {
    now = n < TOGETHER ? n : TOGETHER;
    if (TOGETHER > 2 && now == 4) attend_together(4, false, first, tile, query, states, out);
    else if (TOGETHER > 2 && now == 3) attend_together(3, false, first, tile, query, states, out);
    else if (now == 2) attend_together(2, wide, first, tile, query, states, out);
    else attend_together(1, false, first, tile, query, states, out);
    query += now * query_bytes;
    states += now;
    out += now * step;
    first = false;
  }
}

#undef LONG
#undef LONG_INT

#endif
