/* Products of weights and activations with ARM's dot product: four products of signed bytes are
 * added to a sum of 32 bits at once, and the activations of all rows are one lane of a register. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_neon.h"

#include "kernels/products_words.h"

#define PRODUCTS_SIGNED 1
#define PRODUCTS_NIBBLES 0
#define WEIGHT_BYTES 16

typedef int8x16_t weights16;
/* 4 columns: the lane is constant wherever this is inlined, and so part of the instruction. */
typedef struct columns16 {
  int8x16_t all;
  int lane;
} columns16;
typedef int32x4_t products16; /* a sum for each row */

static inline weights16 weights_of_bytes(u8x16 q) { return vreinterpretq_s8_u8(q); }
static inline void weights_store(uint8_t *p, weights16 w) { vst1q_u8(p, vreinterpretq_u8_s8(w)); }
static inline weights16 weights_load(const uint8_t *p) { return vreinterpretq_s8_u8(vld1q_u8(p)); }
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  int8x16_t all = vld1q_s8(q);
  for (int g = 0; g < 4; g++) x[g] = (columns16){all, g};
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  switch (x.lane) {
  case 0: return vdotq_laneq_s32(sums, w, x.all, 0);
  case 1: return vdotq_laneq_s32(sums, w, x.all, 1);
  case 2: return vdotq_laneq_s32(sums, w, x.all, 2);
  default: return vdotq_laneq_s32(sums, w, x.all, 3);
  }
}
static inline products16 products_of(weights16 w, columns16 x) {
  return products_add(vdupq_n_s32(0), w, x);
}
static inline i32x4 products_rows(products16 sums) { return sums; }
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return vmulq_s32(sums, scale);
}

/* A lane is as good as a vector: a token's columns stay as they are. */
typedef struct token_columns {
  int8_t q[32];
} token_columns;
static inline void token_columns_store(token_columns *out, const int8_t *q) {
  memcpy(out->q, q, sizeof out->q);
}
static inline columns16 token_column(const token_columns *columns, size_t g) {
  return (columns16){vld1q_s8(columns->q + g / 4 * 16), (int)(g % 4)};
}

#include "kernels/products_single.h"

#endif
