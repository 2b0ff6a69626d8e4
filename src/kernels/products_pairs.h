/* What sets share whose product of bytes, unsigned weights times signed activations, sums pairs in
 * 16 bits. A vec_*.h must be included before. */
#ifndef INK_KERNELS_PRODUCTS_PAIRS_H
#define INK_KERNELS_PRODUCTS_PAIRS_H

#define PRODUCTS_SIGNED 0
#define PRODUCTS_NIBBLES 1
#define WEIGHT_BYTES 16

/* A sum takes two products a group, each of up to 127 times the largest weight. */
static inline uint32_t groups_per_sum(uint32_t bits) { return bits == 4 ? 8 : bits == 5 ? 4 : 2; }

/* For both of a row's sums. */
static inline i32x4 scale_lanes(i32x4 scale) { return pairs_of(scale, scale); }

#endif
