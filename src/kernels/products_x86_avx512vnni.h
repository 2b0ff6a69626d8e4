/* Products of weights and activations with AVX512-VNNI: four products of bytes, unsigned weights
 * times signed activations, are added to a sum of 32 bits at once, of which each row has one. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_x86.h"

#include "kernels/products_words.h"

#define PRODUCTS_SIGNED 0
#define PRODUCTS_NIBBLES 0
#define WEIGHT_BYTES 16

#define WIDE_PANELS 4u
#define WIDE(op) _mm512_##op
typedef __m512i wide_i32;
typedef __m512 wide_f32;

#include "kernels/products_x86.h"

static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return _mm_dpbusd_epi32(sums, w, x);
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w,
                                                wide_columns16 x) {
  return _mm512_dpbusd_epi32(sums, w, x);
}

#include "kernels/products_x86_vnni.h"

/* Of each lane, as f32x4_store_low_bytes(). */
static inline void wide_f32_store_low_bytes(int8_t *p, wide_f32 v) {
  _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_castps_si512(v)));
}

static inline wide_i32 wide_i32_add_four_products(wide_i32 sums, wide_i32 fours,
                                                  const int8_t x[4]) {
  /* GCC moves sums to and fro around the intrinsic, where there are many. */
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(wide_i32_load_splat(x)), "v"(fours));
  return sums;
}
/* The rows of the first n_panels panels. */
static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << 4 * n_panels) - 1), v);
}

#endif
