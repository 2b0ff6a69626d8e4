/* What sets share whose products are summed in 32 bits, which hold those of any weights. A vec_*.h
 * must be included before. */
#ifndef INK_KERNELS_PRODUCTS_WORDS_H
#define INK_KERNELS_PRODUCTS_WORDS_H

static inline uint32_t groups_per_sum(uint32_t bits) {
  (void)bits;
  return 8;
}
static inline i32x4 scale_lanes(i32x4 scale) { return scale; }

#endif
