/* Products of weights and activations with AVX-VNNI, which processors have whose vectors end at 256
 * bits: four products of bytes, unsigned weights times signed activations, are added to a sum of 32
 * bits at once, of which each row has one. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_x86.h"

#include "kernels/products_words.h"

#define PRODUCTS_SIGNED 0
#define PRODUCTS_NIBBLES 0
#define WEIGHT_BYTES 16

#include "kernels/products_x86_256.h"

static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return _mm_dpbusd_avx_epi32(sums, w, x);
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w,
                                                wide_columns16 x) {
  return _mm256_dpbusd_avx_epi32(sums, w, x);
}

#include "kernels/products_x86_vnni.h"

static inline wide_i32 wide_i32_add_four_products(wide_i32 sums, wide_i32 fours,
                                                  const int8_t x[4]) {
  return _mm256_dpbusd_avx_epi32(sums, wide_i32_splat(load_word(x)), fours);
}
/* Of each lane, as f32x4_store_low_bytes(). */
static inline void wide_f32_store_low_bytes(int8_t *p, wide_f32 v) {
  f32x4_store_low_bytes(p, _mm256_castps256_ps128(v));
  f32x4_store_low_bytes(p + 4, _mm256_extractf128_ps(v, 1));
}

#endif
