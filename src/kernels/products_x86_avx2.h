/* Products of weights and activations with AVX2's product of bytes, unsigned weights times signed
 * activations: pairs are summed in 16 bits, which hold a few of them. So weights have at most 7
 * bits, and products are two sums of 16 bits for each row. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_x86.h"

#include "kernels/products_pairs.h"

#include "kernels/products_x86_256.h"

static inline products16 products_of(weights16 w, columns16 x) { return _mm_maddubs_epi16(w, x); }
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return _mm_add_epi16(sums, products_of(w, x));
}
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return _mm_madd_epi16(sums, scale);
}
static inline i32x4 products_rows(products16 sums) {
  return _mm_madd_epi16(sums, _mm_set1_epi16(1));
}

/* ---- Signed bytes times one token, which take the product of 16 bits ---- */

/* 4 columns twice. */
static inline void signed_columns_store(token_columns *out, const int8_t *q) {
  for (size_t g = 0; g < 8; g++) {
    __m128i columns = _mm_cvtepi8_epi16(_mm_cvtsi32_si128(load_word(q + 4 * g)));
    out->x[g] = _mm_unpacklo_epi64(columns, columns);
  }
}

typedef __m256i signed_sums; /* i32: two for each row */

static inline void signed_sums_add_group(signed_sums *sums, u8x16 group, __m128i x) {
  __m256i weights = _mm256_cvtepi8_epi16(group);
  *sums = _mm256_add_epi32(*sums, _mm256_madd_epi16(weights, _mm256_broadcastsi128_si256(x)));
}
static inline void signed_sums_add_bytes(signed_sums *sums, const uint8_t *group, __m128i x) {
  signed_sums_add_group(sums, u8x16_load(group), x);
}
static inline i32x4 signed_sums_rows(signed_sums sums) {
  return _mm_hadd_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

/* ---- Two panels ---- */

static inline wide_products16 wide_products_of(wide_weights16 w, wide_columns16 x) {
  return _mm256_maddubs_epi16(w, x);
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w,
                                                wide_columns16 x) {
  return _mm256_add_epi16(sums, wide_products_of(w, x));
}
static inline wide_i32 wide_products_scaled(wide_products16 sums, wide_i32 scale) {
  return _mm256_madd_epi16(sums, scale);
}
static inline wide_i32 wide_products_rows(wide_products16 sums) {
  return _mm256_madd_epi16(sums, _mm256_set1_epi16(1));
}
static inline wide_i32 wide_high_rows(wide_products16 sums) {
  return _mm256_madd_epi16(sums, _mm256_set1_epi16(16));
}

/* ---- Signed bytes, a pair for each lane, times a pair of 16 bits ---- */

#define KV_RUN 2u

static inline wide_i32 wide_i32_load_byte_pairs(const int8_t *p) {
  return _mm256_cvtepi8_epi16(i32x4_load(p));
}
static inline wide_i32 wide_i32_add_pair_products(wide_i32 sums, wide_i32 pairs,
                                                  const int16_t x[2]) {
  return wide_i32_add(sums, wide_pair_products(pairs, x));
}
/* Of each lane, as f32x4_store_low_halves(). */
static inline void wide_f32_store_low_halves(int16_t *p, wide_f32 v) {
  f32x4_store_low_halves(p, _mm256_castps256_ps128(v));
  f32x4_store_low_halves(p + 4, _mm256_extractf128_ps(v, 1));
}

#endif
