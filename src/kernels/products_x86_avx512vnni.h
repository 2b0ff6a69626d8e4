/* Products of weights and activations with AVX512-VNNI: four products of bytes, unsigned weights times
 * signed activations, are added to a sum of 32 bits at once. */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/vec_x86.h"

#define PRODUCTS_SIGNED 0
#define PRODUCTS_NIBBLES 0
#define PRODUCTS_GROUPS 8
#define WEIGHT_BYTES 16

typedef __m128i weights16;  /* u8 */
typedef __m128i columns16;  /* i8: 4 columns four times */
typedef __m128i products16; /* i32: a sum for each row */

static inline uint32_t groups_per_sum(uint32_t bits) {
  (void)bits;
  return 8;
}
static inline weights16 weights_of_bytes(u8x16 q) { return q; }
static inline void weights_store(uint8_t *p, weights16 w) { i32x4_store((int32_t *)(void *)p, w); }
static inline void columns_load(const int8_t *q, columns16 *first, columns16 *second) {
  *first = _mm_set1_epi32(load_word(q));
  *second = _mm_set1_epi32(load_word(q + 4));
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return _mm_dpbusd_epi32(sums, w, x);
}
static inline products16 products_of(weights16 w, columns16 x) {
  return products_add(_mm_setzero_si128(), w, x);
}
static inline i32x4 products_rows(products16 sums) { return sums; }
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return _mm_mullo_epi32(sums, scale);
}
static inline i32x4 scale_lanes(i32x4 scale) { return scale; }

/* ---- Four panels ---- */

#define WIDE_PANELS 4u

typedef __m512i wide_weights16;
typedef __m512i wide_columns16;
typedef __m512i wide_products16;
typedef __m512i wide_i32;
typedef __m512 wide_f32;

static inline wide_i32 wide_i32_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void wide_i32_store(int32_t *p, wide_i32 v) { _mm512_storeu_si512(p, v); }
static inline wide_i32 wide_i32_splat(int32_t x) { return _mm512_set1_epi32(x); }
static inline wide_i32 wide_i32_add(wide_i32 a, wide_i32 b) { return _mm512_add_epi32(a, b); }
static inline wide_weights16 wide_weights_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
static inline void wide_columns_load(const int8_t *q, wide_columns16 *first, wide_columns16 *second) {
  *first = _mm512_set1_epi32(load_word(q));
  *second = _mm512_set1_epi32(load_word(q + 4));
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w, wide_columns16 x) {
  return _mm512_dpbusd_epi32(sums, w, x);
}
static inline wide_products16 wide_products_of(wide_weights16 w, wide_columns16 x) {
  return wide_products_add(_mm512_setzero_si512(), w, x);
}
static inline wide_i32 wide_products_rows(wide_products16 sums) { return sums; }
static inline wide_i32 wide_products_scaled(wide_products16 sums, wide_i32 scale) {
  return _mm512_mullo_epi32(sums, scale);
}
static inline wide_i32 wide_pair_products(wide_i32 pairs, const int16_t sums[2]) {
  return _mm512_madd_epi16(pairs, _mm512_set1_epi32(load_word(sums)));
}
static inline wide_f32 wide_f32_load(const float *p) { return _mm512_loadu_ps(p); }
static inline wide_f32 wide_f32_splat(float x) { return _mm512_set1_ps(x); }
static inline wide_f32 wide_f32_add(wide_f32 a, wide_f32 b) { return _mm512_add_ps(a, b); }
static inline wide_f32 wide_f32_mul(wide_f32 a, wide_f32 b) { return _mm512_mul_ps(a, b); }
static inline wide_f32 wide_f32_of_i32(wide_i32 v) { return _mm512_cvtepi32_ps(v); }
/* The rows of the first n_panels panels. */
static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << 4 * n_panels) - 1), v);
}

#endif
