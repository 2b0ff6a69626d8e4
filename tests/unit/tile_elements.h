/* What a tile of keys and values means, as floats or in 8 bits. */
#ifndef INK_TESTS_TILE_ELEMENTS_H
#define INK_TESTS_TILE_ELEMENTS_H

#include "kernels/kernels.h"

/* Of each 16 positions' scales. */
static inline size_t tile_scale(const ink_kv_tile *tile, size_t p, size_t c) {
  size_t n_blocks = (tile->head_dim + INK_BLOCK - 1) / INK_BLOCK;
  return p / 16 * 16 * n_blocks + c / INK_BLOCK * 16 + p % 16;
}

static inline float tile_key(const ink_kv_tile *tile, size_t p, size_t c) {
  size_t group = p / 16 * 16 * tile->head_dim;
  if (tile->keys) return tile->keys[group + 16 * c + p % 16];
  return tile->key_scales[tile_scale(tile, p, c)] *
         (float)tile->byte_keys[group + c / 2 * 32 + p % 16 * 2 + c % 2];
}

static inline float tile_value(const ink_kv_tile *tile, size_t p, size_t c) {
  if (tile->values) return tile->values[p * tile->head_dim + c];
  return tile->value_scales[tile_scale(tile, p, c)] *
         (float)tile->byte_values[p / 2 * 2 * tile->head_dim + c * 2 + p % 2];
}

#endif
