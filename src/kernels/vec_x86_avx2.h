/* The vector primitives of float_ops.h and panel_ops.h on AVX2; floats stay in 4 lanes, so that sums
 * have the same order as everywhere. */
#ifndef INK_KERNELS_VEC_H
#define INK_KERNELS_VEC_H

#include <immintrin.h>
#include <stdint.h>

typedef __m128 f32x4;

static inline f32x4 f32x4_load(const float *p) { return _mm_loadu_ps(p); }
static inline void f32x4_store(float *p, f32x4 v) { _mm_storeu_ps(p, v); }
static inline f32x4 f32x4_splat(float x) { return _mm_set1_ps(x); }
static inline f32x4 f32x4_add(f32x4 a, f32x4 b) { return _mm_add_ps(a, b); }
static inline f32x4 f32x4_sub(f32x4 a, f32x4 b) { return _mm_sub_ps(a, b); }
static inline f32x4 f32x4_mul(f32x4 a, f32x4 b) { return _mm_mul_ps(a, b); }
static inline f32x4 f32x4_div(f32x4 a, f32x4 b) { return _mm_div_ps(a, b); }
static inline f32x4 f32x4_abs(f32x4 a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }
/* maxps and minps return their second operand where the comparison fails. */
static inline f32x4 f32x4_max(f32x4 a, f32x4 b) { return _mm_max_ps(b, a); }
static inline f32x4 f32x4_min(f32x4 a, f32x4 b) { return _mm_min_ps(b, a); }
static inline f32x4 f32x4_power_of_2(f32x4 biased) {
  return _mm_castsi128_ps(
      _mm_slli_epi32(_mm_add_epi32(_mm_castps_si128(biased), _mm_set1_epi32(127)), 23));
}
static inline void f32x4_store_low_bits(int16_t *p, f32x4 v) {
  __m128i order = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
  _mm_storel_epi64((__m128i *)(void *)p, _mm_shuffle_epi8(_mm_castps_si128(v), order));
}
static inline f32x4 f32x4_load_halves(const uint16_t *p) {
  __m128i half = _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
  __m128i magnitude = _mm_slli_epi32(_mm_and_si128(half, _mm_set1_epi32(0x7FFF)), 13);
  __m128i sign = _mm_slli_epi32(_mm_and_si128(half, _mm_set1_epi32(0x8000)), 16);
  __m128 scaled = _mm_mul_ps(_mm_castsi128_ps(magnitude), _mm_set1_ps(0x1p112f));
  return _mm_or_ps(scaled, _mm_castsi128_ps(sign));
}
static inline f32x4 f32x4_load_bf16(const uint16_t *p) {
  __m128i bits = _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
  return _mm_castsi128_ps(_mm_slli_epi32(bits, 16));
}
static inline f32x4 f32x4_load_bytes(const int8_t *p) {
  return _mm_cvtepi32_ps(_mm_cvtepi8_epi32(_mm_loadu_si32(p)));
}
static inline float f32x4_lane_sum(f32x4 v) {
  __m128 pairs = _mm_add_ps(v, _mm_shuffle_ps(v, v, _MM_SHUFFLE(3, 3, 1, 1)));
  return _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehl_ps(pairs, pairs)));
}
static inline float f32x4_lane_max(f32x4 v) {
  v = f32x4_max(v, _mm_shuffle_ps(v, v, _MM_SHUFFLE(3, 3, 1, 1)));
  return _mm_cvtss_f32(f32x4_max(v, _mm_movehl_ps(v, v)));
}

/* ---- Integers: 4 rows x 4 columns of weights against 4 columns of a token ---- */

typedef __m256i i16x16; /* rows 0, 1 | rows 2, 3 */
typedef __m256i i32x8;

static inline i32x8 i32x8_zero(void) { return _mm256_setzero_si256(); }
static inline i32x8 i32x8_add(i32x8 a, i32x8 b) { return _mm256_add_epi32(a, b); }
static inline i16x16 i16x16_load(const int16_t *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static inline void i16x16_store(int16_t *p, i16x16 v) {
  _mm256_storeu_si256((__m256i *)(void *)p, v);
}
static inline i16x16 i16x16_load_bytes(const uint8_t *p) { /* signed */
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
/* 16 bytes to their low and their high nibbles, less `offset`. */
static inline void i16x16_load_nibbles(const uint8_t *p, int offset, i16x16 *low, i16x16 *high) {
  __m256i bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
  __m256i minus = _mm256_set1_epi16((int16_t)offset);
  *low = _mm256_sub_epi16(_mm256_and_si256(bytes, _mm256_set1_epi16(15)), minus);
  *high = _mm256_sub_epi16(_mm256_srli_epi16(bytes, 4), minus);
}
/* Adds the products with the token's 4 columns, by pairs: two partial sums for each row. */
static inline i32x8 i32x8_add_products(i32x8 sums, i16x16 weights, const int16_t *token) {
  __m256i columns = _mm256_set1_epi64x(*(const int64_t *)(const void *)token);
  return _mm256_add_epi32(sums, _mm256_madd_epi16(weights, columns));
}
static inline f32x4 f32x4_of_row_sums(i32x8 sums) {
  __m128i rows = _mm_hadd_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return _mm_cvtepi32_ps(rows);
}

#endif
