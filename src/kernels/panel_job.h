/* What the matrix kernels of panels share: panel_ops.h and its tiles. A vec_*.h and a products_*.h
 * must be included before. */
#ifndef INK_KERNELS_PANEL_JOB_H
#define INK_KERNELS_PANEL_JOB_H

#include "kernels/unpack_ops.h"

#ifndef BYTE_PRODUCTS_VARY
#define BYTE_PRODUCTS_VARY 0
#endif

#define HALF_GROUPS (GROUPS / 2)
#define WIDE_ROWS (WIDE_PANELS * INK_PANEL_ROWS)

/* Whether what products take them for is known at run time only. */
SPECIALIZED bool varies(integer_class k) { return BYTE_PRODUCTS_VARY && k.bits == 8; }

/* What is added to q. */
SPECIALIZED int zero_of(integer_class k) { return PRODUCTS_SIGNED || varies(k) ? 0 : k.zero; }

/* Whether weights have more bits than the products of bytes take. */
SPECIALIZED bool exceeds_products(integer_class k) { return PRODUCTS_NIBBLES && k.bits > 6; }

static inline u8x16 low_nibbles(u8x16 q) { return u8x16_bits(q, 0, 15); }
static inline u8x16 high_nibbles(u8x16 q) { return u8x16_bits(q, 4, 15); }

/* x twice in 16 bits: for pair_products(). */
static inline int32_t pair_of(int x) {
  return (int32_t)((uint32_t)x << 16 | ((uint32_t)x & 0xFFFFu));
}

/* The activations of a tile, and where their products go. */
typedef struct panel_job {
  const ink_q8_part *x;
  float *y;          /* first row of the first token */
  size_t y_stride;
  uint32_t n_parts;  /* of 32 columns */
  uint32_t n_panels; /* of those that are multiplied together */
  int32_t *halfway;  /* [INK_TILE_TOKENS * WIDE_ROWS] products of a part's first 16 columns */
  float *sums;       /* [INK_TILE_TOKENS * WIDE_ROWS] over the parts so far */
} panel_job;

/* The scales of both halves of a part, for the rows from `row` on. */
SPECIALIZED void store_scale_lanes(ink_unpacked_part *out, size_t row, const i32x4 scales[2]) {
  i32x4_store(out->scales[0] + row, scale_lanes(scales[0]));
  i32x4_store(out->scales[1] + row, scale_lanes(scales[1]));
}

#endif
