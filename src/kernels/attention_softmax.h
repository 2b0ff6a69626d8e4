/* The softmax of attention over one tile, and the vectors of the longest registers that all of
 * attention is written over: the wide floats of a products_*.h, or the primitives of a vec_*.h. What
 * goes over all positions, sums and maxima, is kept in 16 lanes, so that the width of vectors changes
 * no bit. */
#ifndef INK_KERNELS_ATTENTION_SOFTMAX_H
#define INK_KERNELS_ATTENTION_SOFTMAX_H

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
#define SMALL inline
#endif
#define KEY_VECTORS (INK_KEY_GROUP / LONG_LANES)
#define SCORE_GROUPS (LONG_LANES / 4u) /* of keys that are handled together */

#define KV_GROUPS (INK_KV_TILE / INK_KEY_GROUP)

/* Queries that share the loads of keys and values: the longest registers are 32, others 16. */
#define TOGETHER (LONG_LANES == 16 ? 4u : 2u)

typedef float tile_scores[TOGETHER][INK_KV_TILE];

/* Of a query's weights in a tile: which group of positions holds the largest, that, and the largest
 * of the other groups. They are what levels are derived from, and may be a millionth off. */
typedef struct weight_range {
  uint32_t top;
  float largest, rest;
} weight_range;

/* What sums of before this tile, and this tile's own, are multiplied with. */
typedef struct sum_factors {
  float before, own;
} sum_factors;

/* The 16 lanes of KEY_VECTORS vectors. */
static inline void store_lanes(float *lanes, const long_f32 *vectors) {
  UNROLLED
  for (size_t v = 0; v < KEY_VECTORS; v++) long_store(lanes + v * LONG_LANES, vectors[v]);
}

static inline float largest_lane(const long_f32 *vectors) {
  float lanes[INK_KEY_GROUP];
  store_lanes(lanes, vectors);
  f32x4 low = f32x4_max(f32x4_load(lanes), f32x4_load(lanes + 4));
  f32x4 high = f32x4_max(f32x4_load(lanes + 8), f32x4_load(lanes + 12));
  return f32x4_lane_max(f32x4_max(low, high));
}

/* Of the largest weight of each group, none negative, so that floats compare as their bits do. The
 * last bits are the group's number: a minimum or a maximum is a move under a condition, not a branch. */
static inline weight_range range_of(float (*peaks)[LONG_LANES], uint32_t first, uint32_t end) {
  uint32_t keys[KV_GROUPS] = {0};
  for (uint32_t g = first; g < end; g++) {
    f32x4 peak = f32x4_load(peaks[g]);
    for (size_t lane = 4; lane < LONG_LANES; lane += 4) {
      peak = f32x4_max(peak, f32x4_load(peaks[g] + lane));
    }
    float largest = f32x4_lane_max(peak);
    memcpy(&keys[g], &largest, sizeof largest);
    keys[g] = (keys[g] & ~(KV_GROUPS - 1)) | g;
  }
  uint32_t top = 0, rest = 0;
  for (uint32_t g = 0; g < KV_GROUPS; g++) {
    uint32_t less = top < keys[g] ? top : keys[g];
    rest = rest < less ? less : rest;
    top = top < keys[g] ? keys[g] : top;
  }
  weight_range range = {.top = top & (KV_GROUPS - 1)};
  memcpy(&range.largest, &top, sizeof top);
  memcpy(&range.rest, &rest, sizeof rest);
  return range;
}

static inline float sum_of_lanes(const long_f32 *vectors) {
  float lanes[INK_KEY_GROUP];
  store_lanes(lanes, vectors);
  f32x4 low = f32x4_add(f32x4_load(lanes), f32x4_load(lanes + 4));
  f32x4 high = f32x4_add(f32x4_load(lanes + 8), f32x4_load(lanes + 12));
  return f32x4_lane_sum(f32x4_add(low, high));
}

/* Queries whose powers are computed at once: 4 vectors of scores. */
#define SOFTEN_TOGETHER SCORE_GROUPS

/* Scores of n queries become 2^(score - reference), the reference being the largest score of all
 * tiles so far; hidden positions get next to nothing.
 *
 * Where values have scales, the reference is the largest score of this tile, so that weights are as
 * fine in each, and they are multiplied with their value's scale: `ranges` are those of that. */
ALWAYS_INLINE void soften(uint32_t n, const ink_kv_tile *tile, const float *scales,
                          float (*scores)[INK_KV_TILE], ink_attention_state *states,
                          sum_factors *factors, weight_range *ranges) {
  float peaks[SOFTEN_TOGETHER][KV_GROUPS][LONG_LANES];
  uint32_t begin = tile->first & ~(INK_KEY_GROUP - 1);
  uint32_t end = (tile->n + INK_KEY_GROUP - 1) & ~(INK_KEY_GROUP - 1);
  long_f32 maxima[SOFTEN_TOGETHER][KEY_VECTORS], sums[SOFTEN_TOGETHER][KEY_VECTORS];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    if (tile->softcap > 0.0f) soft_cap(scores[i] + begin, tile->softcap, end - begin);
    for (uint32_t p = begin; p < tile->first; p++) scores[i][p] = -INFINITY;
    for (uint32_t p = tile->n; p < end; p++) scores[i][p] = -INFINITY;
    UNROLLED
    for (size_t v = 0; v < KEY_VECTORS; v++) {
      maxima[i][v] = LONG(splat)(-INFINITY);
      sums[i][v] = LONG(splat)(0.0f);
    }
  }
  for (uint32_t p = begin; p < end; p += INK_KEY_GROUP) {
    UNROLLED
    for (size_t i = 0; i < n; i++) {
      UNROLLED
      for (size_t v = 0; v < KEY_VECTORS; v++) {
        long_f32 score = LONG(load)(scores[i] + p + v * LONG_LANES);
        maxima[i][v] = LONG(max)(maxima[i][v], score);
      }
    }
  }
  float max[SOFTEN_TOGETHER], reference[SOFTEN_TOGETHER], powers[2 * 4] = {0.0f};
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    float own = largest_lane(maxima[i]);
    max[i] = states[i].max < own ? own : states[i].max;
    reference[i] = scales ? own : max[i];
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
    for (size_t i = 0; i < n; i++) {
      long_f32 peak = LONG(splat)(0.0f);
      UNROLLED
      for (size_t part = 0; part < KEY_VECTORS; part++) {
        long_f32 *power = &e[i * KEY_VECTORS + part];
        sums[i][part] = LONG(add)(sums[i][part], *power);
        if (scales) {
          *power = LONG(mul)(*power, LONG(load)(scales + p + part * LONG_LANES));
          peak = LONG(max)(peak, *power);
        }
        long_store(scores[i] + p + part * LONG_LANES, *power);
      }
      if (scales) long_store(peaks[i][p / INK_KEY_GROUP], peak);
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
    if (scales) ranges[i] = range_of(peaks[i], begin / INK_KEY_GROUP, end / INK_KEY_GROUP);
  }
}

/* Once for all that have nothing to share. */
__attribute__((noinline)) static void soften_one(const ink_kv_tile *tile, const float *scales,
                                                 float *scores, ink_attention_state *state,
                                                 sum_factors *factors, weight_range *range) {
  soften(1, tile, scales, (float(*)[INK_KV_TILE])scores, state, factors, range);
}

#endif
