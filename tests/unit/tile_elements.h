/* What a tile of keys and values means, as floats or in 8 bits. */
#ifndef INK_TESTS_TILE_ELEMENTS_H
#define INK_TESTS_TILE_ELEMENTS_H

#include "kernels/kernels.h"

/* Where bytes stand that kernels of that kv_run read. */
static inline size_t byte_key_at(size_t head_dim, size_t run, size_t p, size_t c) {
  return p / 16 * 16 * head_dim + c / run * 16 * run + p % 16 * run + c % run;
}
static inline size_t byte_value_at(size_t head_dim, size_t run, size_t p, size_t c) {
  return p / run * run * head_dim + c * run + p % run;
}

static inline float tile_key(const ink_kv_tile *tile, size_t run, size_t p, size_t c) {
  if (tile->keys) return tile->keys[p / 16 * 16 * tile->head_dim + 16 * c + p % 16];
  return tile->key_scales[p] * (float)tile->byte_keys[byte_key_at(tile->head_dim, run, p, c)];
}

static inline float tile_value(const ink_kv_tile *tile, size_t run, size_t p, size_t c) {
  if (tile->values) return tile->values[p * tile->head_dim + c];
  return tile->value_scales[p] * (float)tile->byte_values[byte_value_at(tile->head_dim, run, p, c)];
}

#endif
