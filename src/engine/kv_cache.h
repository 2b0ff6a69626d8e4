/* Keys and values of past positions: where they lie, how they are stored, and how attention gets a
 * tile of them back.
 *
 * Layers that see everything keep everything. A layer with a sliding window keeps a ring: as many
 * positions as the window and a batch together span, rounded up to whole tiles, so that a tile of
 * 64 positions lies in one piece there too, and begins at a multiple of 64 like every other. */
#ifndef INK_ENGINE_KV_CACHE_H
#define INK_ENGINE_KV_CACHE_H

#include "base/memory.h"
#include "engine/rope.h"
#include "kernels/kernels.h"
#include "model/architecture.h"

/* The keys or the values of all positions, layer after layer, each with n_positions of its own:
 *
 *   keys    [n_head_kv][n_positions / 16][n_embd_head][16 positions]
 *   values  [n_head_kv][n_positions][n_embd_head]
 *
 * Keys are transposed by sixteens (INK_KEY_GROUP) so that a query is multiplied with as many of them
 * at once as vectors have lanes. `elements` are of the cache's type, or 8-bit integers for Q8_0, in
 * runs of as many as the kernels multiply at once, 2 or 4:
 *
 *   keys    [n_head_kv][n_positions / 16][n_embd_head / run][16 positions][run dimensions]
 *   values  [n_head_kv][n_positions / run][n_embd_head][run positions]
 *   scales  [n_head_kv][n_positions], binary16, of either */
typedef struct ink_kv_plane {
  uint8_t *elements;
  uint16_t *scales;
} ink_kv_plane;

typedef struct ink_kv_layer {
  size_t first;         /* vectors of the layers before, in either plane */
  uint32_t n_positions; /* a multiple of INK_KV_TILE */
  bool is_ring;         /* position p is in slot (p + ring_offset) % n_positions; else in slot p */
} ink_kv_layer;

typedef struct ink_kv_cache {
  ink_kv_type type;     /* not INK_KV_DEFAULT */
  uint32_t n_head_kv;
  uint32_t n_embd_head;
  uint32_t run;         /* of 8-bit elements; 1: of others */
  ink_kv_plane keys, values;
  ink_kv_layer *layers; /* [n_layer] */
  uint32_t n_ring;      /* positions that rings hold; 0: there are none */
  uint32_t n_window;    /* positions that a token sees there, its own included */
  uint32_t ring_offset; /* a multiple of INK_KV_TILE */
  size_t ring_first;    /* rings hold the positions from here on */
} ink_kv_cache;

/* Where a thread converts tiles to, or the scales of 8-bit ones. */
typedef struct ink_kv_scratch {
  float *keys;   /* [INK_KV_TILE / 16][n_embd_head][16] */
  float *values; /* [INK_KV_TILE][n_embd_head] */
} ink_kv_scratch;

/* INK_KV_DEFAULT resolved; INK_ERR_INVALID_ARGUMENT for what is no type. */
ink_status ink_kv_resolve_type(ink_kv_type *type, ink_error *error);

/* Lays a cache of n_ctx positions out, to be filled by batches of up to max_batch and read by kernels
 * of that kv_run. */
void ink_kv_carve(ink_kv_cache *kv, const ink_hparams *h, ink_kv_type type, uint32_t kv_run,
                  uint32_t n_ctx, uint32_t max_batch, ink_arena *arena);

/* Queries and keys of 8-bit caches, [n][n_embd_head], go through a Hadamard transform of each run of as
 * many elements as the largest power of 2 that divides n_embd_head: orthonormal, and its own inverse.
 * Products stay as they are, and a key's few dimensions that are far larger than the others become a
 * little more in all of them, which 8 bits hold better (Ashkboos et al., "QuaRot", 2024). Those of other
 * caches stay as they are. */
void ink_kv_mix(const ink_kv_cache *kv, const ink_kernels *kernels, float *heads, uint32_t n);

/* key, value: [n_embd_head], the key rotated and mixed already. */
void ink_kv_store(ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t position,
                  const float *key, const float *value);

/* How keys are turned when they move, or NULLs where they aren't. */
typedef struct ink_kv_turn {
  const ink_kernels *kernels;
  const ink_rope *rope;
  const float *angles; /* from ink_rope_make_turn(); NULL: keys stay as they are */
  float *scratch;      /* [n_embd_head] */
} ink_kv_turn;

/* Moves n keys and values of a layer and head from the position `from` to `to` <= from, first to last.
 * In a ring `to` is `from`: keys are turned where they are. */
void ink_kv_move(ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t from, uint32_t to,
                 uint32_t n, ink_kv_turn turn);

/* What rings hold at position p is at p - delta from now on, delta being a multiple of INK_KV_TILE;
 * afterwards they hold the positions from `first` on. */
void ink_kv_shift_rings(ink_kv_cache *kv, uint32_t delta, size_t first);

/* All layers have stored the positions before n: rings have lost what these displaced. */
void ink_kv_advance(ink_kv_cache *kv, size_t n);

/* How many of the first n stored positions can be gone on from: n, or 0 when rings have lost a part
 * of the window of the position after them. What is beyond is given up. */
size_t ink_kv_truncate(ink_kv_cache *kv, size_t n);

/* Makes `to`, carved as `from` was, hold what that holds of n_layer layers' positions before n. */
void ink_kv_copy(ink_kv_cache *to, const ink_kv_cache *from, uint32_t n_layer, size_t n);

/* The tile of positions from `start`, a multiple of INK_KV_TILE, of which n have been stored. What
 * it points to stands in the scratch, or in the cache itself where that holds it as it is. Its `n`
 * is n and its `first` 0; in a ring, positions out of the window may hold anything. */
ink_kv_tile ink_kv_load(const ink_kv_cache *kv, const ink_kernels *kernels, uint32_t layer,
                        uint32_t head, uint32_t start, uint32_t n, ink_kv_scratch scratch);

/* Tells a tile of the one whose turn is next. */
void ink_kv_announce(const ink_kv_cache *kv, uint32_t layer, uint32_t head, uint32_t start,
                     ink_kv_tile *tile);

#endif
