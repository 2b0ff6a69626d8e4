/* What x86's sets share whose vectors hold two panels. vec_x86.h must be included before. */
#ifndef INK_KERNELS_PRODUCTS_X86_256_H
#define INK_KERNELS_PRODUCTS_X86_256_H

#define WIDE_PANELS 2u
#define WIDE(op) _mm256_##op
typedef __m256i wide_i32;
typedef __m256 wide_f32;

#include "kernels/products_x86.h"

/* The rows of the first n_panels panels. */
static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  if (n_panels == WIDE_PANELS) {
    _mm256_storeu_ps(p, v);
  } else {
    f32x4_store(p, _mm256_castps256_ps128(v));
  }
}

#endif
