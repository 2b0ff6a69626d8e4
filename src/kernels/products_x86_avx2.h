/* Products of weights and activations with AVX2's product of bytes, unsigned weights times signed
 * activations: pairs are summed in 16 bits, which hold a few of them. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_x86.h"

#include "kernels/products_pairs.h"

typedef __m128i weights16;  /* u8, at most 7 bits */
typedef __m128i columns16;  /* i8: 4 columns four times */
typedef __m128i products16; /* i16: two sums for each row */

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
static inline void weights_store(uint8_t *p, weights16 w) { i32x4_store((int32_t *)(void *)p, w); }
static inline void columns_load(const int8_t *q, columns16 *first, columns16 *second) {
  *first = _mm_set1_epi32(load_word(q));
  *second = _mm_set1_epi32(load_word(q + 4));
}
static inline products16 products_of(weights16 w, columns16 x) { return _mm_maddubs_epi16(w, x); }
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return _mm_add_epi16(sums, products_of(w, x));
}
static inline i32x4 products_rows(products16 sums) {
  return _mm_madd_epi16(sums, _mm_set1_epi16(1));
}
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return _mm_madd_epi16(sums, scale);
}

/* ---- Two panels ---- */

#define WIDE_PANELS 2u

typedef __m256i wide_weights16;
typedef __m256i wide_columns16;
typedef __m256i wide_products16;
typedef __m256i wide_i32;
typedef __m256 wide_f32;

static inline wide_i32 wide_i32_load(const void *p) {
  return _mm256_loadu_si256((const __m256i *)p);
}
static inline void wide_i32_store(int32_t *p, wide_i32 v) {
  _mm256_storeu_si256((__m256i *)(void *)p, v);
}
static inline wide_i32 wide_i32_splat(int32_t x) { return _mm256_set1_epi32(x); }
static inline wide_i32 wide_i32_add(wide_i32 a, wide_i32 b) { return _mm256_add_epi32(a, b); }
static inline wide_weights16 wide_weights_load(const uint8_t *p) { return wide_i32_load(p); }
static inline void wide_columns_load(const int8_t *q, wide_columns16 *first, wide_columns16 *second) {
  *first = _mm256_set1_epi32(load_word(q));
  *second = _mm256_set1_epi32(load_word(q + 4));
}
static inline wide_products16 wide_products_of(wide_weights16 w, wide_columns16 x) {
  return _mm256_maddubs_epi16(w, x);
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w, wide_columns16 x) {
  return _mm256_add_epi16(sums, wide_products_of(w, x));
}
static inline wide_i32 wide_products_rows(wide_products16 sums) {
  return _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
}
static inline wide_i32 wide_products_scaled(wide_products16 sums, wide_i32 scale) {
  return _mm256_madd_epi16(sums, scale);
}
static inline wide_i32 wide_pair_products(wide_i32 pairs, const int16_t sums[2]) {
  return _mm256_madd_epi16(pairs, _mm256_set1_epi32(load_word(sums)));
}
static inline wide_f32 wide_f32_load(const float *p) { return _mm256_loadu_ps(p); }
static inline wide_f32 wide_f32_splat(float x) { return _mm256_set1_ps(x); }
static inline wide_f32 wide_f32_add(wide_f32 a, wide_f32 b) { return _mm256_add_ps(a, b); }
static inline wide_f32 wide_f32_mul(wide_f32 a, wide_f32 b) { return _mm256_mul_ps(a, b); }
static inline wide_f32 wide_f32_of_i32(wide_i32 v) { return _mm256_cvtepi32_ps(v); }
/* The rows of the first n_panels panels. */
static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  if (n_panels == WIDE_PANELS) {
    _mm256_storeu_ps(p, v);
  } else {
    f32x4_store(p, _mm256_castps256_ps128(v));
  }
}

#endif
