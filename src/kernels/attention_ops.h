/* Attention over one tile of keys and values, of floats or of 8 bits. */
#ifndef INK_KERNELS_ATTENTION_OPS_H
#define INK_KERNELS_ATTENTION_OPS_H

#include "kernels/attention_bytes.h"
#include "kernels/attention_floats.h"
#include "kernels/prefetch.h"

/* `first`: the tile's first queries, which fetch the next tile; `wide`: it was widened. */
ALWAYS_INLINE void attend_together(uint32_t n, bool wide, bool first, const ink_kv_tile *tile,
                                   const float *scales, const void *queries,
                                   ink_attention_state *states, float *out) {
  tile_scores scores;
  sum_factors factors[TOGETHER];
  weight_range ranges[TOGETHER];
  bool bytes = wide || scales;
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
  if (n > 1 && SOFTEN_TOGETHER >= n) soften(n, tile, scales, scores, states, factors, ranges);
  else
    for (size_t i = 0; i < n; i++) {
      soften_one(tile, scales, scores[i], &states[i], &factors[i], &ranges[i]);
    }
  if (bytes) add_byte_values(tile, scores, ranges, factors, n, wide, next_values, out);
  else add_all_values(tile, scores, factors, n, out);
}

static void attend(const ink_kv_tile *tile, const void *queries, uint32_t n,
                   ink_attention_state *states, float *out) {
  size_t step = tile->head_dim, query_bytes = step * (tile->keys ? sizeof(float) : sizeof(int16_t));
  const uint8_t *query = queries;
  float of_values[INK_KV_TILE], *scales = tile->keys ? NULL : of_values;
  if (scales) copy_value_scales(tile, scales);
  bool first = true, wide = scales && pays_to_widen(n) && tile->head_dim % INK_BLOCK == 0;
  if (wide) widen_tile(tile);
  for (uint32_t now; n > 0; n -= now) {
    now = n < TOGETHER ? n : TOGETHER;
    if (TOGETHER > 2 && now == 4) {
      attend_together(4, false, first, tile, scales, query, states, out);
    } else if (TOGETHER > 2 && now == 3) {
      attend_together(3, false, first, tile, scales, query, states, out);
    } else if (now == 2) {
      attend_together(2, wide, first, tile, scales, query, states, out);
    } else {
      attend_together(1, false, first, tile, scales, query, states, out);
    }
    query += now * query_bytes;
    states += now;
    out += now * step;
    first = false;
  }
}

#undef LONG
#undef LONG_INT

#endif
