/* Attention over one tile of keys and values, written once over the primitives of a vec_*.h and the
 * wide floats of a products_*.h. Each score is summed column by column and each value position by
 * position, in one lane, so that neither the width of vectors nor how many queries go together
 * changes a bit. Those in 8 bits are multiplied as integers, exactly, with queries and weights of 16
 * bits. */
#ifndef INK_KERNELS_ATTENTION_OPS_H
#define INK_KERNELS_ATTENTION_OPS_H

#include "kernels/float_ops.h"

/* Vectors of the longest registers. */
#if WIDE_PANELS == 1u || defined(WIDE_IS_TWO_REGISTERS)
#define LONG_LANES 4u
typedef f32x4 long_f32;
typedef i32x4 long_i32;
#define LONG(op) f32x4_##op
#define LONG_INT(op) i32x4_##op
#define long_f32_of_i32 f32x4_of_i32x4
static inline void long_store(float *p, long_f32 v) { f32x4_store(p, v); }
#else
#define LONG_LANES (WIDE_PANELS * 4u)
typedef wide_f32 long_f32;
typedef wide_i32 long_i32;
#define LONG(op) wide_f32_##op
#define LONG_INT(op) wide_i32_##op
#define long_f32_of_i32 wide_f32_of_i32
#define VECTOR wide_f32
#define V(op) wide_f32_##op
#include "kernels/exp_ops.h"
#undef VECTOR
#undef V
static inline void long_store(float *p, long_f32 v) { wide_f32_store(p, v, WIDE_PANELS); }
#endif
#define KEY_VECTORS (INK_KEY_GROUP / LONG_LANES)
#define SCORE_GROUPS (LONG_LANES / 4u) /* of keys that are handled together */
#define BLOCK_VECTORS (LONG_LANES < 8 ? 4 : INK_BLOCK / LONG_LANES)
#define LEAST_MAX 1e-30f /* what is no larger than this is taken for 0 */

/* scores[i][p] = query i . key p for n_groups groups of 16 positions from p and n = 1 or 2 queries,
 * which share the loads of keys. */
ALWAYS_INLINE void score_groups(const ink_kv_tile *tile, const float *query, uint32_t n,
                                uint32_t n_groups, uint32_t p, float scores[2][INK_KV_TILE]) {
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

/* Scores become e^(score - max); returns what the sums before this tile are to be multiplied
 * with. */
__attribute__((noinline)) static float soften(const ink_kv_tile *tile, float *scores,
                                              ink_attention_state *state) {
  uint32_t first = tile->first, n = tile->n;
  uint32_t begin = first & ~(INK_KEY_GROUP - 1);
  uint32_t end = (n + INK_KEY_GROUP - 1) & ~(INK_KEY_GROUP - 1);
  if (tile->softcap > 0.0f) soft_cap(scores + begin, tile->softcap, end - begin);
  for (uint32_t p = begin; p < first; p++) scores[p] = -INFINITY;
  for (uint32_t p = n; p < end; p++) scores[p] = -INFINITY;

  f32x4 largest = f32x4_splat(state->max), sum = f32x4_splat(0.0f);
  for (uint32_t p = begin; p < end; p += 4) largest = f32x4_max(largest, f32x4_load(scores + p));
  float max = f32x4_lane_max(largest);
  for (uint32_t p = begin; p < end; p += INK_KEY_GROUP) {
    long_f32 e[KEY_VECTORS];
    UNROLLED
    for (size_t v = 0; v < KEY_VECTORS; v++) {
      e[v] = LONG(sub)(LONG(load)(scores + p + v * LONG_LANES), LONG(splat)(max));
    }
    LONG(exp)(e, KEY_VECTORS);
    UNROLLED
    for (size_t v = 0; v < KEY_VECTORS; v++) long_store(scores + p + v * LONG_LANES, e[v]);
    UNROLLED
    for (size_t i = 0; i < INK_KEY_GROUP; i += 4) sum = f32x4_add(sum, f32x4_load(scores + p + i));
  }
  float rescale[4] = {1.0f};
  if (max != state->max) {
    rescale[0] = state->max - max;
    f32x4_store(rescale, exp_f32x4(f32x4_load(rescale)));
  }
  state->sum = state->sum * rescale[0] + f32x4_lane_sum(sum);
  state->max = max;
  return rescale[0];
}

/* The sums of n = 1 or 2 queries in n_vectors vectors of columns from c, which share the loads of
 * values. */
ALWAYS_INLINE void add_values(const ink_kv_tile *tile, float scores[2][INK_KV_TILE],
                              const float *rescale, uint32_t n, uint32_t n_vectors, uint32_t c,
                              float *out) {
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

ALWAYS_INLINE void add_all_values(const ink_kv_tile *tile, float scores[2][INK_KV_TILE],
                                  const float *rescale, uint32_t n, float *out) {
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

/* As score_groups(). */
ALWAYS_INLINE void score_byte_groups(const ink_kv_tile *tile, const int16_t *query,
                                     const ink_attention_state *states, uint32_t n, uint32_t n_groups,
                                     uint32_t p, float scores[2][INK_KV_TILE]) {
  size_t head_dim = tile->head_dim, n_blocks = n_blocks_of(tile);
  size_t n_vectors = n_groups * KEY_VECTORS;
  const int8_t *key = tile->byte_keys + p * head_dim;
  const float *scale = tile->key_scales + p * n_blocks;
  const int16_t *other = query + head_dim;
  for (size_t c = 0; c < head_dim; scale += INK_KEY_GROUP) {
    bool is_first = c == 0;
    long_i32 sums[2][4];
    UNROLLED
    for (size_t v = 0; v < n_vectors; v++) sums[0][v] = sums[1][v] = LONG_INT(splat)(0);
    size_t end = head_dim - c < INK_BLOCK ? head_dim : c + INK_BLOCK;
    for (; c < end; c += 2, key += 2 * INK_KEY_GROUP) {
      UNROLLED
      for (size_t v = 0; v < n_vectors; v++) {
        size_t group = v / KEY_VECTORS, lane = v % KEY_VECTORS * LONG_LANES;
        long_i32 pairs =
            LONG_INT(load_byte_pairs)(key + group * head_dim * INK_KEY_GROUP + 2 * lane);
        sums[0][v] = LONG_INT(add_pair_products)(sums[0][v], pairs, query + c);
        if (n > 1) sums[1][v] = LONG_INT(add_pair_products)(sums[1][v], pairs, other + c);
      }
    }
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

/* 16 bits of each position's weight times its value's scale in a block: weights = step * out.
 * Returns the step. */
__attribute__((noinline)) static float quantize_weights(const ink_kv_tile *tile, uint32_t block,
                                                        const float *weights, int16_t *out) {
  uint32_t first = tile->first, n = tile->n, n_blocks = n_blocks_of(tile);
  uint32_t begin = first & ~3u, end = (n + 3) & ~3u;
  float products[INK_KV_TILE];
  uint32_t group = first & ~(INK_KEY_GROUP - 1);
  const float *scales = tile->value_scales + group * n_blocks + block * INK_KEY_GROUP;
  for (uint32_t p = group; p < n; p += INK_KEY_GROUP, scales += n_blocks * INK_KEY_GROUP) {
    UNROLLED
    for (size_t v = 0; v < INK_KEY_GROUP; v += LONG_LANES) {
      long_store(products + p + v, LONG(mul)(LONG(load)(weights + p + v), LONG(load)(scales + v)));
    }
  }
  for (uint32_t p = begin; p < first; p++) products[p] = 0.0f;
  for (uint32_t p = n; p < end; p++) products[p] = 0.0f;
  f32x4 largest = f32x4_splat(0.0f);
  for (uint32_t p = begin; p < end; p += 4) largest = f32x4_max(largest, f32x4_load(products + p));
  float max = f32x4_lane_max(largest);
  long_f32 inverse = LONG(splat)(max > LEAST_MAX ? 32767.0f / max : 0.0f);
  for (uint32_t p = group; p < n; p += INK_KEY_GROUP) {
    UNROLLED
    for (size_t v = 0; v < INK_KEY_GROUP; v += LONG_LANES) {
      long_f32 level = LONG(mul)(LONG(load)(products + p + v), inverse);
      LONG(store_low_halves)(out + p + v, LONG(add)(level, LONG(splat)(ROUND_BIAS)));
    }
  }
  return max / 32767.0f;
}

/* sums of n = 1 or 2 queries in BLOCK_VECTORS vectors of columns from c */
ALWAYS_INLINE void sum_byte_values(const ink_kv_tile *tile, int16_t weights[2][INK_KV_TILE],
                                   uint32_t n, uint32_t c, int32_t *first_out,
                                   int32_t *second_out) {
  long_i32 sums[2][BLOCK_VECTORS];
  UNROLLED
  for (size_t v = 0; v < BLOCK_VECTORS; v++) sums[0][v] = sums[1][v] = LONG_INT(splat)(0);
  uint32_t p = tile->first & ~1u;
  const int8_t *value = tile->byte_values + (size_t)p * tile->head_dim + 2 * (size_t)c;
  for (; p < tile->n; p += 2, value += 2 * (size_t)tile->head_dim) {
    UNROLLED
    for (size_t v = 0; v < BLOCK_VECTORS; v++) {
      long_i32 pairs = LONG_INT(load_byte_pairs)(value + 2 * v * LONG_LANES);
      sums[0][v] = LONG_INT(add_pair_products)(sums[0][v], pairs, weights[0] + p);
      if (n > 1) sums[1][v] = LONG_INT(add_pair_products)(sums[1][v], pairs, weights[1] + p);
    }
  }
  UNROLLED
  for (size_t v = 0; v < BLOCK_VECTORS; v++) {
    LONG_INT(store)(first_out + v * LONG_LANES, sums[0][v]);
    if (n > 1) LONG_INT(store)(second_out + v * LONG_LANES, sums[1][v]);
  }
}

ALWAYS_INLINE void add_byte_values(const ink_kv_tile *tile, float scores[2][INK_KV_TILE],
                                   const float *rescale, uint32_t n, float *out) {
  for (uint32_t block = 0; block < n_blocks_of(tile); block++) {
    int16_t weights[2][INK_KV_TILE];
    int32_t sums[2][INK_BLOCK];
    float step[2];
    uint32_t c = block * INK_BLOCK;
    uint32_t n_columns = tile->head_dim - c < INK_BLOCK ? tile->head_dim - c : INK_BLOCK;
    for (size_t i = 0; i < n; i++) step[i] = quantize_weights(tile, block, scores[i], weights[i]);
    for (uint32_t at = 0; at < INK_BLOCK; at += BLOCK_VECTORS * LONG_LANES) {
      sum_byte_values(tile, weights, n, c + at, sums[0] + at, sums[1] + at);
    }
    for (size_t i = 0; i < n; i++) {
      float *y = out + i * tile->head_dim + c;
      for (uint32_t at = 0; at < n_columns; at += 4) {
        f32x4 sum = f32x4_mul(f32x4_of_i32x4(i32x4_load(sums[i] + at)), f32x4_splat(step[i]));
        f32x4_store(y + at, f32x4_add(f32x4_mul(f32x4_load(y + at), f32x4_splat(rescale[i])), sum));
      }
    }
  }
}

/* ---- Either ---- */

ALWAYS_INLINE void attend_together(uint32_t n, const ink_kv_tile *tile, const void *queries,
                                   ink_attention_state *states, float *out) {
  float scores[2][INK_KV_TILE], rescale[2];
  bool bytes = tile->keys == NULL;
  uint32_t p = tile->first & ~(INK_KEY_GROUP - 1);
  /* So many groups at a time that eight sums are under way: an addition takes that long. */
  for (; p < tile->n;) {
    bool many = SCORE_GROUPS > 1 && p + (SCORE_GROUPS - 1) * INK_KEY_GROUP < tile->n;
    if (many && bytes) score_byte_groups(tile, queries, states, n, SCORE_GROUPS, p, scores);
    else if (bytes) score_byte_groups(tile, queries, states, n, 1, p, scores);
    else if (many) score_groups(tile, queries, n, SCORE_GROUPS, p, scores);
    else score_groups(tile, queries, n, 1, p, scores);
    p += many ? SCORE_GROUPS * INK_KEY_GROUP : INK_KEY_GROUP;
  }
  for (size_t i = 0; i < n; i++) rescale[i] = soften(tile, scores[i], &states[i]);
  if (bytes) add_byte_values(tile, scores, rescale, n, out);
  else add_all_values(tile, scores, rescale, n, out);
}

static void attend(const ink_kv_tile *tile, const void *queries, uint32_t n,
                   ink_attention_state *states, float *out) {
  size_t step = tile->head_dim, query_bytes = step * (tile->keys ? sizeof(float) : sizeof(int16_t));
  const uint8_t *query = queries;
  for (; n > 1; n -= 2, query += 2 * query_bytes, states += 2, out += 2 * step) {
    attend_together(2, tile, query, states, out);
  }
  if (n) attend_together(1, tile, query, states, out);
}

#undef LONG
#undef LONG_INT

#endif
