/* Rotary position embedding (Su et al., "RoFormer", 2021): pairs of a head's leading dimensions are
 * turned by angles that grow with the position. One object serves a session; layers differ in which
 * of its frequency sets they use, or use none. */
#ifndef INK_ENGINE_ROPE_H
#define INK_ENGINE_ROPE_H

#include "base/memory.h"
#include "model/hparams.h"
#include "model/weights.h"

typedef struct ink_rope {
  const ink_hparams *hparams;
  double *frequencies[INK_ROPE_SETS]; /* [n_rot / 2] radians a position */
  float magnitude[INK_ROPE_SETS];     /* of what is rotated: YaRN's and LongRoPE's factor */
  float *batch[INK_ROPE_SETS];        /* [max_batch][n_rot / 2][2] cosine, sine, times magnitude */
} ink_rope;

/* Lays the tables out, for batches of up to max_batch tokens. */
void ink_rope_carve(ink_rope *rope, const ink_hparams *h, uint32_t max_batch, ink_arena *arena);

/* Computes the frequencies, once per session. n_ctx chooses between LongRoPE's two sets of factors:
 * a choice that changed halfway would not fit the keys that the cache holds. */
void ink_rope_init(ink_rope *rope, const ink_hparams *h, const ink_weights *weights,
                   uint32_t n_ctx);

/* Angles of a batch's n tokens, at the positions first .. first + n - 1. */
void ink_rope_prepare(ink_rope *rope, uint32_t first, uint32_t n);

/* Turns n_heads queries or keys of the batch's token t, [n_heads][n_embd_head], by its position. */
void ink_rope_apply(const ink_rope *rope, uint32_t layer, uint32_t t, float *heads,
                    uint32_t n_heads);

/* For keys that are already in the cache and move by `delta` positions (negative: towards the
 * beginning): `turn` [n_embd_head] is filled for that layer, or false returned when its keys
 * don't depend on positions. Rotations add up, so no position needs to be known. */
bool ink_rope_make_turn(const ink_rope *rope, uint32_t layer, int64_t delta, float *turn);

/* Turns one cached key [n_embd_head]. */
void ink_rope_turn(const ink_rope *rope, const float *turn, float *key);

#endif
