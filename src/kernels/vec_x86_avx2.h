/* The vector primitives of float_ops.h and panel_ops.h on AVX2 with F16C; floats stay in 4 lanes,
 * so that sums have the same order as everywhere. */
#ifndef INK_KERNELS_VEC_H
#define INK_KERNELS_VEC_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

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
  return _mm_cvtph_ps(_mm_loadl_epi64((const __m128i *)(const void *)p));
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
static inline i16x16 i16x16_splat(int x) { return _mm256_set1_epi16((int16_t)x); }
static inline i16x16 i16x16_mul(i16x16 a, i16x16 b) { return _mm256_mullo_epi16(a, b); }
static inline i16x16 i16x16_add(i16x16 a, i16x16 b) { return _mm256_add_epi16(a, b); }
static inline i16x16 i16x16_upper_bytes(i16x16 v) { return _mm256_srli_epi16(v, 8); }
/* Adds the products with the token's 4 columns, by pairs: two partial sums for each row. */
static inline i32x8 i32x8_add_products(i32x8 sums, i16x16 weights, const int16_t *token) {
  __m256i columns = _mm256_set1_epi64x(*(const int64_t *)(const void *)token);
  return _mm256_add_epi32(sums, _mm256_madd_epi16(weights, columns));
}
static inline f32x4 f32x4_of_row_sums(i32x8 sums) {
  __m128i rows = _mm_hadd_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  return _mm_cvtepi32_ps(rows);
}

/* ---- Unpacking: 16 bytes, 4 of each row, and numbers of which each row has one ---- */

typedef __m256i u8x16; /* in lanes of 16 bits from the start, so that nothing is left to widen */
typedef __m128i i32x4;

static inline u8x16 u8x16_load(const uint8_t *p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline u8x16 u8x16_or(u8x16 a, u8x16 b) { return _mm256_or_si256(a, b); }
/* The bits `mask` of each byte, shifted down; they must all come from that byte. */
static inline u8x16 u8x16_bits(u8x16 v, uint32_t shift, int mask) {
  if (shift) v = _mm256_srli_epi16(v, (int)shift);
  return _mm256_and_si256(v, _mm256_set1_epi16((int16_t)mask));
}
/* Shifts bytes up that have no bits to lose. */
static inline u8x16 u8x16_up(u8x16 v, uint32_t shift) {
  return _mm256_slli_epi16(v, (int)shift);
}
static inline i16x16 i16x16_of_bytes(u8x16 v) { return v; }
/* v - offset, for v < 128. */
static inline i16x16 i16x16_of_bytes_less(u8x16 v, int offset) {
  return _mm256_sub_epi16(v, _mm256_set1_epi16((int16_t)offset));
}
/* 16 bytes to values[low nibble] and values[high nibble]. */
static inline void i16x16_look_up_nibbles(const uint8_t *p, const int8_t *values, i16x16 *low,
                                          i16x16 *high) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i table = _mm_loadu_si128((const __m128i *)(const void *)values);
  __m128i mask = _mm_set1_epi8(15);
  __m128i upper = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask);
  *low = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(table, _mm_and_si128(bytes, mask)));
  *high = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(table, upper));
}
static inline i32x4 i32x4_load(const uint8_t *p) {
  return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline i32x4 i32x4_load_u16(const uint8_t *p) {
  return _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}
static inline i32x4 i32x4_load_u8(const uint8_t *p) {
  int32_t bytes;
  memcpy(&bytes, p, sizeof bytes);
  return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
}
static inline i32x4 i32x4_or(i32x4 a, i32x4 b) { return _mm_or_si128(a, b); }
static inline i32x4 i32x4_add(i32x4 v, int x) { return _mm_add_epi32(v, _mm_set1_epi32(x)); }
static inline i32x4 i32x4_bits(i32x4 v, uint32_t shift, int mask) {
  return _mm_and_si128(_mm_srli_epi32(v, (int)shift), _mm_set1_epi32(mask));
}
static inline i32x4 i32x4_up(i32x4 v, uint32_t shift) {
  return _mm_slli_epi32(v, (int)shift);
}
/* Byte `at` of each lane, signed. */
static inline i32x4 i32x4_signed_byte(i32x4 v, uint32_t at) {
  return _mm_srai_epi32(i32x4_up(v, 24 - 8 * at), 24);
}
static inline f32x4 f32x4_of_i32x4(i32x4 v) { return _mm_cvtepi32_ps(v); }
static inline f32x4 f32x4_of_bits(i32x4 v) { return _mm_castsi128_ps(v); }
/* Each row's number, which fits 16 bits, for its 4 columns. */
static inline i16x16 i16x16_of_rows(i32x4 v) {
  __m256i order = _mm256_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5,
                                   8, 9, 8, 9, 8, 9, 8, 9, 12, 13, 12, 13, 12, 13, 12, 13);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(v), order);
}

#endif
