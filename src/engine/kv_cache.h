/* Keys and values of past positions: where they lie, how they are stored, and how attention gets a
 * tile of them back. */
#ifndef INK_ENGINE_KV_CACHE_H
#define INK_ENGINE_KV_CACHE_H

#include "base/memory.h"
#include "kernels/kernels.h"
#include "model/architecture.h"

/* The keys or the values of all positions. `elements` are of the cache's type (8-bit integers for
 * Q8_0), `scales` are binary16, for Q8_0 alone: one for each position's block of up to 32
 * dimensions. With p the position, c the dimension, b the block:
 *
 *   keys    elements [n_layer][n_head_kv][n_positions / 4][n_embd_head][4 positions]
 *           scales   [n_layer][n_head_kv][n_positions / 4][n_blocks][4 positions]
 *   values  elements [n_layer][n_head_kv][n_positions][n_embd_head]
 *           scales   [n_layer][n_head_kv][n_positions][n_blocks]
 *
 * Keys are transposed by fours so that a query is multiplied with 4 of them at once. */
typedef struct ink_kv_plane {
  uint8_t *elements;
  uint16_t *scales;
} ink_kv_plane;

typedef struct ink_kv_cache {
  ink_kv_type type;     /* not INK_KV_DEFAULT */
  uint32_t n_head_kv;
  uint32_t n_embd_head;
  uint32_t n_blocks;    /* of a key or value */
  uint32_t n_positions; /* n_ctx rounded up to INK_KV_TILE */
  ink_kv_plane keys, values;
} ink_kv_cache;

/* Where a thread converts tiles to. */
typedef struct ink_kv_scratch {
  float *keys;   /* [INK_KV_TILE / 4][n_embd_head][4] */
  float *values; /* [INK_KV_TILE][n_embd_head] */
} ink_kv_scratch;

/* INK_KV_DEFAULT resolved; INK_ERR_INVALID_ARGUMENT for what is no type. */
ink_status ink_kv_resolve_type(ink_kv_type *type, ink_error *error);

/* Lays a cache of n_ctx positions out. */
void ink_kv_carve(ink_kv_cache *kv, const ink_hparams *h, ink_kv_type type, uint32_t n_ctx,
                  ink_arena *arena);

/* key, value: [n_embd_head], the key rotated already. */
void ink_kv_store(ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t position,
                  const float *key, const float *value);

/* The tile of positions from `start`, a multiple of INK_KV_TILE, of which n have been stored. Its
 * floats stand in the scratch, or in the cache itself where that holds floats. tile->n is n. */
ink_kv_tile ink_kv_load(const ink_kv_cache *kv, const ink_kernels *kernels, uint32_t layer,
                        uint32_t head, uint32_t start, uint32_t n, ink_kv_scratch scratch);

#endif
