/* Attention's products with keys and values of 8 bits, which are exact, of integers: queries have 8 bits
 * too, and weights 7. As a tile may hold one that is a hundred times the others, they have up to 14 in the
 * group of positions that holds the largest. Keys and values come in runs of 4, of which each lane of a
 * vector has one, where an instruction multiplies and sums four bytes (KV_RUN), else in pairs that become
 * 16 bits. */
#ifndef INK_KERNELS_ATTENTION_BYTES_H
#define INK_KERNELS_ATTENTION_BYTES_H

#include <string.h>

#include "kernels/attention_softmax.h"

#define BLOCK_VECTORS (LONG_LANES < 8 ? 4 : INK_BLOCK / LONG_LANES)
#define LEAST_MAX 1e-30f /* what is no larger than this is taken for 0 */

/* ---- Runs ---- */

#if KV_RUN == 4u

/* Products take one operand for unsigned, of 7 bits. A query's levels, from -127 to 127, are
 * magnitudes followed by as many signs, 0 or -1; a tile's weights' are their bits 0 to 6, followed by
 * bits 7 to 13 of the top group's. */
typedef int8_t level;
#define LEVELS_OF_QUERY(head_dim) (2 * (size_t)(head_dim))
#define LEVELS_OF_TILE (INK_KV_TILE + INK_KEY_GROUP)
#define HAS_HIGH_LEVELS true

typedef int32_t long_words __attribute__((vector_size(4 * LONG_LANES)));

/* 7 bits of each, from bit `at` on */
static inline void store_weights(level *out, long_f32 v, int at) {
  long_words words;
  memcpy(&words, &v, sizeof words);
  words = words >> at & 127;
  memcpy(&v, &words, sizeof v);
  LONG(store_low_bytes)(out, v);
}
static inline long_i32 sums_of_high(long_i32 sums) { return (long_i32)((long_words)sums << 7); }
static inline void store_query_levels(level *out, f32x4 v) { f32x4_store_low_bytes(out, v); }

/* The bytes of n levels become magnitudes and signs. As k ^ -1 is -k - 1, products of magnitudes with
 * keys ^ signs lack a magnitude for each negative level: returns what all of these sum to. */
static int32_t split_levels(level *levels, uint32_t n) {
  int32_t negatives = 0;
  for (uint32_t c = 0; c < n; c += 4) {
    uint32_t bytes;
    memcpy(&bytes, levels + c, sizeof bytes);
    uint32_t ones = bytes >> 7 & 0x01010101u, signs = ones * 255u;
    bytes = (bytes ^ signs) + ones;
    memcpy(levels + c, &bytes, sizeof bytes);
    memcpy(levels + n + c, &signs, sizeof signs);
    bytes &= signs;
    uint32_t pairs = (bytes & 0x00FF00FFu) + (bytes >> 8 & 0x00FF00FFu);
    negatives += (int32_t)(pairs * 0x00010001u >> 16);
  }
  return negatives;
}

static inline long_i32 load_runs(bool wide, const int8_t *at) {
  (void)wide;
  return LONG_INT(load)((const int32_t *)(const void *)at);
}
static inline long_i32 add_run_products(long_i32 sums, long_i32 runs, const level *x,
                                        bool has_signs, size_t signs) {
  if (has_signs) runs = runs ^ LONG_INT(load_splat)(x + signs);
  return LONG_INT(add_four_products)(sums, runs, x);
}

static inline bool pays_to_widen(uint32_t n_queries) {
  (void)n_queries;
  return false;
}
static inline void widen_tile(const ink_kv_tile *tile) { (void)tile; }

#else

typedef int16_t level;
#define LEVELS_OF_QUERY(head_dim) ((size_t)(head_dim))
#define LEVELS_OF_TILE INK_KV_TILE
#define HAS_HIGH_LEVELS false

static inline void store_weights(level *out, long_f32 v, int at) {
  (void)at; /* 0 */
  LONG(store_low_halves)(out, v);
}
static inline long_i32 sums_of_high(long_i32 sums) { return sums; }
static inline void store_query_levels(level *out, f32x4 v) { f32x4_store_low_halves(out, v); }
static inline int32_t split_levels(level *levels, uint32_t n) {
  (void)levels, (void)n;
  return 0;
}

static inline long_i32 load_runs(bool wide, const int8_t *at) {
  return wide ? LONG_INT(load)((const int32_t *)(const void *)at) : LONG_INT(load_byte_pairs)(at);
}
static inline long_i32 add_run_products(long_i32 sums, long_i32 runs, const level *x,
                                        bool has_signs, size_t signs) {
  (void)has_signs, (void)signs;
  return LONG_INT(add_pair_products)(sums, runs, x);
}

/* A tile's keys and values to 16 bits, once, which takes their unpacking out of the loops. */
static inline bool pays_to_widen(uint32_t n_queries) { return n_queries >= 8; }
static void widen(int16_t *out, const int8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i += 2 * LONG_LANES) {
    LONG_INT(store)((int32_t *)(void *)(out + i), LONG_INT(load_byte_pairs)(bytes + i));
  }
}
static void widen_tile(const ink_kv_tile *tile) {
  size_t n_positions = (tile->n + INK_KEY_GROUP - 1) / INK_KEY_GROUP * INK_KEY_GROUP;
  widen(tile->wide_keys, tile->byte_keys, n_positions * tile->head_dim);
  widen(tile->wide_values, tile->byte_values, n_positions * tile->head_dim);
}

#endif

typedef level tile_levels[TOGETHER][LEVELS_OF_TILE];

/* sums[i][v] += products of n_runs runs of x[i], which are x_step apart, with those of vector v
 * from `runs` on, `step` bytes after one another; of 16 columns group_step apart from the next.
 * They are bytes, or what those were widened to. Signs, where x has any, stand `signs` after it. */
ALWAYS_INLINE void add_products(bool wide, const int8_t *runs, size_t step, size_t group_step,
                                size_t n_runs, const level *x, size_t x_step, bool has_signs,
                                size_t signs, uint32_t n, uint32_t n_vectors,
                                long_i32 (*sums)[4]) {
  for (const level *end = x + KV_RUN * n_runs; x < end; x += KV_RUN, runs += step) {
    UNROLLED
    for (size_t i = 0; i < n; i++) {
      UNROLLED
      for (size_t v = 0; v < n_vectors; v++) {
        size_t group = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
        long_i32 all = load_runs(wide, runs + group * group_step + (wide ? 4 : KV_RUN) * lane);
        sums[i][v] = add_run_products(sums[i][v], all, x + i * x_step, has_signs, signs);
      }
      hold_order();
    }
  }
}

/* ---- Queries and keys ---- */

static void quantize_query(const float *x, uint32_t n, void *out, ink_attention_state *state) {
  f32x4 largest = f32x4_splat(0.0f);
  level *levels = out;
  for (uint32_t c = 0; c < n; c += 4) largest = f32x4_max(largest, f32x4_abs(f32x4_load(x + c)));
  float max = f32x4_lane_max(largest);
  f32x4 inverse = f32x4_splat(max > LEAST_MAX ? 127.0f / max : 0.0f);
  for (uint32_t c = 0; c < n; c += 4) {
    f32x4 x4 = f32x4_mul(f32x4_load(x + c), inverse);
    store_query_levels(levels + c, f32x4_add(x4, f32x4_splat(ROUND_BIAS)));
  }
  state->query_scale = max / 127.0f;
  state->query_offset = split_levels(levels, n);
}

/* As score_groups(). While it computes, as much of the next tile's keys is on its way. */
ALWAYS_INLINE void score_byte_groups(const ink_kv_tile *tile, const level *queries,
                                     const ink_attention_state *states, uint32_t n, bool wide,
                                     uint32_t n_groups, uint32_t p, const int8_t *next,
                                     tile_scores scores) {
  size_t head_dim = tile->head_dim, n_vectors = n_groups * KEY_VECTORS;
  size_t group_step = head_dim * INK_KEY_GROUP, x_step = LEVELS_OF_QUERY(head_dim);
  long_i32 sums[TOGETHER][4];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) sums[i][v] = LONG_INT(splat)(states[i].query_offset);
  }
  if (next) prefetch(next + p * head_dim, n_groups * group_step);
  const int8_t *bytes = tile->byte_keys + p * head_dim;
  const int8_t *halves = (const int8_t *)(tile->wide_keys + p * head_dim);
  if (wide) {
    add_products(true, halves, 4 * INK_KEY_GROUP, 2 * group_step, head_dim / KV_RUN, queries,
                 x_step, false, 0, n, (uint32_t)n_vectors, sums);
  } else {
    add_products(false, bytes, KV_RUN * INK_KEY_GROUP, group_step, head_dim / KV_RUN, queries,
                 x_step, true, head_dim, n, (uint32_t)n_vectors, sums);
  }
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    long_f32 query_scale = LONG(splat)(states[i].query_scale);
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) {
      size_t at = p + v * LONG_LANES;
      long_f32 scale = LONG(mul)(LONG(load)(tile->key_scales + at), query_scale);
      long_store(scores[i] + at, LONG(mul)(long_f32_of_i32(sums[i][v]), scale));
    }
  }
}

/* ---- Weights and values ---- */

/* Of the positions that queries see; those of others are 0. */
static void copy_value_scales(const ink_kv_tile *tile, float *scales) {
  uint32_t begin = tile->first & ~(INK_KEY_GROUP - 1);
  uint32_t end = (tile->n + INK_KEY_GROUP - 1) & ~(INK_KEY_GROUP - 1);
  for (uint32_t p = begin; p < end; p += LONG_LANES) {
    long_store(scales + p, LONG(load)(tile->value_scales + p));
  }
  for (uint32_t p = begin; p < tile->first; p++) scales[p] = 0.0f;
  for (uint32_t p = tile->n; p < end; p++) scales[p] = 0.0f;
}

/* Weights become levels of at most 127, those of the top group of at most 16383; returns what one is. */
SMALL static float quantize_weights(const ink_kv_tile *tile, const float *weights,
                                    weight_range range, level *out) {
  float unit = range.largest * (1.0f / 16383.0f), unit_of_rest = range.rest * (1.0f / 127.0f);
  unit = unit < unit_of_rest ? unit_of_rest : unit;
  long_f32 inverse = LONG(splat)(range.largest > LEAST_MAX ? 1.0f / unit : 0.0f);
  long_f32 bias = LONG(constant)(ROUND_BIAS);
  uint32_t p = tile->first & ~(INK_KEY_GROUP - 1);
  for (; p < tile->n; p += LONG_LANES) {
    store_weights(out + p, LONG(add)(LONG(mul)(LONG(load)(weights + p), inverse), bias), 0);
  }
  const float *top = weights + INK_KEY_GROUP * range.top;
  for (p = 0; HAS_HIGH_LEVELS && p < INK_KEY_GROUP; p += LONG_LANES) {
    long_f32 x = LONG(mul)(LONG(load)(top + p), inverse);
    store_weights(out + INK_KV_TILE + p, LONG(add)(x, bias), 7);
  }
  return unit;
}

/* sums[i] of n queries in BLOCK_VECTORS vectors of columns from c */
ALWAYS_INLINE void sum_byte_values(const ink_kv_tile *tile, tile_levels weights,
                                   const weight_range *ranges, uint32_t n, bool wide, uint32_t c,
                                   long_i32 (*sums)[4]) {
  size_t step = KV_RUN * (size_t)tile->head_dim, group = KV_RUN * INK_KEY_GROUP;
  const int8_t *values = tile->byte_values + KV_RUN * (size_t)c;
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    UNROLLED
    for (size_t v = 0; v < BLOCK_VECTORS; v++) sums[i][v] = LONG_INT(splat)(0);
    if (!HAS_HIGH_LEVELS) continue;
    const int8_t *top = values + (size_t)INK_KEY_GROUP * ranges[i].top * tile->head_dim;
    add_products(false, top, step, group, INK_KEY_GROUP / KV_RUN, weights[i] + INK_KV_TILE, 0,
                 false, 0, 1, BLOCK_VECTORS, &sums[i]);
    UNROLLED
    for (size_t v = 0; v < BLOCK_VECTORS; v++) sums[i][v] = sums_of_high(sums[i][v]);
  }
  uint32_t p = tile->first & ~(KV_RUN - 1);
  size_t n_runs = (tile->n - p + KV_RUN - 1) / KV_RUN, at = (size_t)p * tile->head_dim;
  const level *x = weights[0] + p;
  if (wide) {
    const int8_t *halves = (const int8_t *)(tile->wide_values + KV_RUN * (size_t)c + at);
    add_products(true, halves, 2 * step, 2 * group, n_runs, x, LEVELS_OF_TILE, false, 0, n,
                 BLOCK_VECTORS, sums);
  } else {
    add_products(false, values + at, step, group, n_runs, x, LEVELS_OF_TILE, false, 0, n,
                 BLOCK_VECTORS, sums);
  }
}

/* y = y * before + sums * own, BLOCK_VECTORS vectors */
ALWAYS_INLINE void add_sum_vectors(float *y, const long_i32 *sums, sum_factors factors) {
  UNROLLED
  for (size_t v = 0; v < BLOCK_VECTORS; v++, y += LONG_LANES) {
    long_f32 sum = LONG(mul)(long_f32_of_i32(sums[v]), LONG(splat)(factors.own));
    long_store(y, LONG(add)(LONG(mul)(LONG(load)(y), LONG(splat)(factors.before)), sum));
  }
}

/* The same, of n elements. */
__attribute__((noinline)) static void add_sums(float *y, const int32_t *sums,
                                               const sum_factors *factors, uint32_t n) {
  for (uint32_t at = 0; at < n; at += 4) {
    f32x4 sum = f32x4_mul(f32x4_of_i32x4(i32x4_load(sums + at)), f32x4_splat(factors->own));
    f32x4 before = f32x4_mul(f32x4_load(y + at), f32x4_splat(factors->before));
    f32x4_store(y + at, f32x4_add(before, sum));
  }
}

ALWAYS_INLINE void add_byte_values(const ink_kv_tile *tile, tile_scores weights,
                                   const weight_range *ranges, sum_factors *factors, uint32_t n,
                                   bool wide, const int8_t *next, float *out) {
  tile_levels levels;
  for (size_t i = 0; i < n; i++) {
    factors[i].own *= quantize_weights(tile, weights[i], ranges[i], levels[i]);
  }
  for (uint32_t c = 0; c < tile->head_dim; c += INK_BLOCK) {
    int32_t stored[TOGETHER][INK_BLOCK]; /* sums of a block that has fewer columns than others */
    uint32_t n_columns = tile->head_dim - c < INK_BLOCK ? tile->head_dim - c : INK_BLOCK;
    bool store = LONG_LANES == 4 || n_columns < INK_BLOCK;
    if (next) prefetch(next + c * INK_KV_TILE, n_columns * INK_KV_TILE);
    for (uint32_t at = 0; at < INK_BLOCK; at += BLOCK_VECTORS * LONG_LANES) {
      long_i32 sums[TOGETHER][4];
      sum_byte_values(tile, levels, ranges, n, wide, c + at, sums);
      UNROLLED
      for (size_t i = 0; i < n; i++) {
        if (!store) add_sum_vectors(out + i * tile->head_dim + c + at, sums[i], factors[i]);
        UNROLLED
        for (size_t v = 0; store && v < BLOCK_VECTORS; v++) {
          LONG_INT(store)(stored[i] + at + v * LONG_LANES, sums[i][v]);
        }
      }
    }
    for (size_t i = 0; store && i < n; i++) {
      add_sums(out + i * tile->head_dim + c, stored[i], &factors[i], n_columns);
    }
  }
}

#endif
