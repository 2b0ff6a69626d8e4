/* The vector primitives of float_ops.h and unpack_ops.h on AVX2 with F16C; floats stay in 4 lanes,
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
#define f32x4_constant f32x4_splat
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
static inline f32x4 f32x4_times_power_of_2(f32x4 x, f32x4 biased) {
  __m128i exponents = _mm_slli_epi32(_mm_castps_si128(biased), 23);
  return _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(x), exponents));
}
static inline void f32x4_store_low_bytes(int8_t *p, f32x4 v) {
  __m128i order = _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  int32_t bytes = _mm_cvtsi128_si32(_mm_shuffle_epi8(_mm_castps_si128(v), order));
  memcpy(p, &bytes, sizeof bytes);
}
static inline void f32x4_store_low_halves(int16_t *p, f32x4 v) {
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

/* ---- Unpacking: 16 bytes, 4 of each row, and numbers of which each row has one ---- */

typedef __m128i u8x16;
typedef __m128i i32x4;

static inline u8x16 u8x16_load(const uint8_t *p) {
  return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline u8x16 u8x16_or(u8x16 a, u8x16 b) { return _mm_or_si128(a, b); }
static inline u8x16 u8x16_add(u8x16 a, u8x16 b) { return _mm_add_epi8(a, b); }
static inline u8x16 u8x16_plus(u8x16 v, int x) { return _mm_add_epi8(v, _mm_set1_epi8((int8_t)x)); }
/* v > x ? 1 : 0 */
static inline u8x16 u8x16_above(u8x16 v, int x) {
  return _mm_min_epu8(_mm_subs_epu8(v, _mm_set1_epi8((int8_t)x)), _mm_set1_epi8(1));
}
/* The bits `mask` of each byte, shifted down; they must all come from that byte. */
static inline u8x16 u8x16_bits(u8x16 v, uint32_t shift, int mask) {
  return _mm_and_si128(_mm_srli_epi16(v, (int)shift),
                       _mm_set1_epi8((int8_t)mask));
}
/* Shifts bytes up that have no bits to lose. */
static inline u8x16 u8x16_up(u8x16 v, uint32_t shift) {
  return _mm_slli_epi16(v, (int)shift);
}
/* values[v]; 0 <= v < 16 */
static inline u8x16 u8x16_look_up(const int8_t *values, u8x16 v) {
  return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)values), v);
}
static inline i32x4 i32x4_load(const void *p) { return u8x16_load(p); }
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
static inline i32x4 i32x4_splat(int32_t x) { return _mm_set1_epi32(x); }
static inline i32x4 i32x4_sum(i32x4 a, i32x4 b) { return _mm_add_epi32(a, b); }
static inline void i32x4_store(int32_t *p, i32x4 v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
static inline int32_t load_word(const void *p) {
  int32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}
/* pairs[row][0] * sums[0] + pairs[row][1] * sums[1], of 16 bits each */
static inline i32x4 pair_products(i32x4 pairs, const int16_t sums[2]) {
  return _mm_madd_epi16(pairs, _mm_set1_epi32(load_word(sums)));
}
/* A pair for each row. */
static inline i32x4 pairs_of(i32x4 first, i32x4 second) {
  return _mm_or_si128(_mm_slli_epi32(second, 16), _mm_and_si128(first, _mm_set1_epi32(0xFFFF)));
}
static inline i32x4 i32x4_times(i32x4 v, int32_t x) {
  return _mm_mullo_epi32(v, _mm_set1_epi32(x));
}
static inline void hold_order(void) {} /* these compilers know their registers */

#endif
