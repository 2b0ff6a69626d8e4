/* What the matrix kernels of panels share: panel_ops.h, its tiles and token_ops.h. A vec_*.h and a
 * products_*.h must be included before. */
#ifndef INK_KERNELS_PANEL_JOB_H
#define INK_KERNELS_PANEL_JOB_H

#include "kernels/unpack_ops.h"

#ifndef BYTE_PRODUCTS_VARY
#define BYTE_PRODUCTS_VARY 0
#endif

/* Whether the panels that are multiplied with one token share its columns. */
#ifndef PANELS_SHARE_COLUMNS
#define PANELS_SHARE_COLUMNS 0
#endif

#define HALF_GROUPS (GROUPS / 2)
#define WIDE_ROWS (WIDE_PANELS * INK_PANEL_ROWS)

/* Panels that are multiplied with one token at a time: those of INK_GROUP_ROWS. */
#define STREAMS 4u

/* Parts of 32 columns in a panel block. */
SPECIALIZED uint32_t parts_of(ink_type type) {
  return type == INK_TYPE_Q2_K || type == INK_TYPE_Q3_K || type == INK_TYPE_Q4_K ||
                 type == INK_TYPE_Q5_K || type == INK_TYPE_Q6_K || type == INK_TYPE_IQ4_XS ||
                 type == INK_TYPE_TQ1_0 || type == INK_TYPE_TQ2_0
             ? INK_SUPER_BLOCK / INK_BLOCK
             : 1;
}

/* Types of which most files are made. The code that unpacks others for tiles is short:
 * a loop over the groups of a part stays a loop. */
SPECIALIZED bool is_common(ink_type type) {
  return type == INK_TYPE_Q4_0 || type == INK_TYPE_Q4_1 || type == INK_TYPE_Q5_0 ||
         type == INK_TYPE_Q8_0 || type == INK_TYPE_Q4_K || type == INK_TYPE_Q6_K;
}

/* Asks for as many bytes FETCH_AHEAD of the panel block as part b's share of it is: with all of a
 * block's at once, loads would wait for them. */
SPECIALIZED void fetch_part_ahead(ink_type type, const uint8_t *panel, size_t step, uint32_t b) {
  size_t share = step / parts_of(type);
  if (FETCH_AHEAD) prefetch(panel + FETCH_AHEAD + b * share, share);
}

/* Whether weights are bytes that the host's products may take for signed or for unsigned. */
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
