/* The vector primitives of float_ops.h and unpack_ops.h on ARM's Advanced SIMD. */
#ifndef INK_KERNELS_VEC_H
#define INK_KERNELS_VEC_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

typedef float32x4_t f32x4;

static inline f32x4 f32x4_load(const float *p) { return vld1q_f32(p); }
static inline void f32x4_store(float *p, f32x4 v) { vst1q_f32(p, v); }
static inline f32x4 f32x4_splat(float x) { return vdupq_n_f32(x); }
#define f32x4_constant f32x4_splat
static inline f32x4 f32x4_add(f32x4 a, f32x4 b) { return vaddq_f32(a, b); }
static inline f32x4 f32x4_sub(f32x4 a, f32x4 b) { return vsubq_f32(a, b); }
static inline f32x4 f32x4_mul(f32x4 a, f32x4 b) { return vmulq_f32(a, b); }
static inline f32x4 f32x4_div(f32x4 a, f32x4 b) { return vdivq_f32(a, b); }
static inline f32x4 f32x4_abs(f32x4 a) { return vabsq_f32(a); }
/* fmax and fmin give NaN where either is one, and know 0 from -0; these do neither. */
static inline f32x4 f32x4_max(f32x4 a, f32x4 b) { return vbslq_f32(vcltq_f32(a, b), b, a); }
static inline f32x4 f32x4_min(f32x4 a, f32x4 b) { return vbslq_f32(vcltq_f32(b, a), b, a); }
static inline f32x4 f32x4_power_of_2(f32x4 biased) {
  uint32x4_t exponent = vaddq_u32(vreinterpretq_u32_f32(biased), vdupq_n_u32(127));
  return vreinterpretq_f32_u32(vshlq_n_u32(exponent, 23));
}
static inline f32x4 f32x4_times_power_of_2(f32x4 x, f32x4 biased) {
  uint32x4_t exponents = vshlq_n_u32(vreinterpretq_u32_f32(biased), 23);
  return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(x), exponents));
}
static inline void f32x4_store_low_bytes(int8_t *p, f32x4 v) {
  uint16x4_t halves = vmovn_u32(vreinterpretq_u32_f32(v));
  uint8x8_t bytes = vmovn_u16(vcombine_u16(halves, halves));
  uint32_t word = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
  memcpy(p, &word, sizeof word);
}
static inline f32x4 f32x4_load_halves(const uint16_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline f32x4 f32x4_load_bf16(const uint16_t *p) {
  return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}
/* 4 bytes, and 4 zeros. */
static inline uint8x8_t load_word(const void *p) {
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return vcreate_u8(word);
}
static inline f32x4 f32x4_load_bytes(const int8_t *p) {
  int16x8_t wide = vmovl_s8(vreinterpret_s8_u8(load_word(p)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}
static inline float f32x4_lane_sum(f32x4 v) { return vpadds_f32(vget_low_f32(vpaddq_f32(v, v))); }
static inline float f32x4_lane_max(f32x4 v) {
  v = f32x4_max(v, vtrn2q_f32(v, v));
  return vgetq_lane_f32(f32x4_max(v, vdupq_laneq_f32(v, 2)), 0);
}

/* ---- Unpacking: 16 bytes, 4 of each row, and numbers of which each row has one ---- */

typedef uint8x16_t u8x16;
typedef int32x4_t i32x4;

static inline u8x16 u8x16_load(const uint8_t *p) { return vld1q_u8(p); }
static inline u8x16 u8x16_or(u8x16 a, u8x16 b) { return vorrq_u8(a, b); }
static inline u8x16 u8x16_add(u8x16 a, u8x16 b) { return vaddq_u8(a, b); }
static inline u8x16 u8x16_plus(u8x16 v, int x) { return vaddq_u8(v, vdupq_n_u8((uint8_t)x)); }
/* v > x ? 1 : 0 */
static inline u8x16 u8x16_above(u8x16 v, int x) {
  return vshrq_n_u8(vcgtq_u8(v, vdupq_n_u8((uint8_t)x)), 7);
}
/* The bits `mask` of each byte, shifted down. An operator takes counts that are constant only after
 * inlining as immediates, which the intrinsics do not; where the shift leaves no other bits, there
 * is nothing to mask. */
static inline u8x16 u8x16_bits(u8x16 v, uint32_t shift, int mask) {
  u8x16 down = v >> (uint8_t)shift;
  if (__builtin_constant_p(shift) && mask == 255 >> shift) return down;
  return vandq_u8(down, vdupq_n_u8((uint8_t)mask));
}
/* Shifts bytes up that have no bits to lose. */
static inline u8x16 u8x16_up(u8x16 v, uint32_t shift) { return v << (uint8_t)shift; }
/* values[v]; 0 <= v < 16 */
static inline u8x16 u8x16_look_up(const int8_t *values, u8x16 v) {
  return vqtbl1q_u8(vreinterpretq_u8_s8(vld1q_s8(values)), v);
}
static inline i32x4 i32x4_load(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
static inline i32x4 i32x4_load_u16(const uint8_t *p) {
  return vreinterpretq_s32_u32(vmovl_u16(vreinterpret_u16_u8(vld1_u8(p))));
}
static inline i32x4 i32x4_load_u8(const uint8_t *p) {
  return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(load_word(p)))));
}
static inline i32x4 i32x4_or(i32x4 a, i32x4 b) { return vorrq_s32(a, b); }
static inline i32x4 i32x4_splat(int32_t x) { return vdupq_n_s32(x); }
static inline i32x4 i32x4_sum(i32x4 a, i32x4 b) { return vaddq_s32(a, b); }
static inline i32x4 i32x4_add(i32x4 v, int x) { return vaddq_s32(v, vdupq_n_s32(x)); }
static inline i32x4 i32x4_times(i32x4 v, int32_t x) { return vmulq_n_s32(v, x); }
static inline i32x4 i32x4_bits(i32x4 v, uint32_t shift, int mask) {
  return vandq_s32(vreinterpretq_s32_u32(vreinterpretq_u32_s32(v) >> shift), vdupq_n_s32(mask));
}
static inline i32x4 i32x4_up(i32x4 v, uint32_t shift) {
  return vreinterpretq_s32_u32(vreinterpretq_u32_s32(v) << shift);
}
/* Byte `at` of each lane, signed. */
static inline i32x4 i32x4_signed_byte(i32x4 v, uint32_t at) {
  return vshrq_n_s32(i32x4_up(v, 24 - 8 * at), 24);
}
static inline void i32x4_store(int32_t *p, i32x4 v) { vst1q_s32(p, v); }
static inline f32x4 f32x4_of_i32x4(i32x4 v) { return vcvtq_f32_s32(v); }
static inline f32x4 f32x4_of_bits(i32x4 v) { return vreinterpretq_f32_s32(v); }
/* pairs[row][0] * sums[0] + pairs[row][1] * sums[1], of 16 bits each */
static inline i32x4 pair_products(i32x4 pairs, const int16_t sums[2]) {
  i32x4 first = vshrq_n_s32(vshlq_n_s32(pairs, 16), 16), second = vshrq_n_s32(pairs, 16);
  return vmlaq_n_s32(vmulq_n_s32(first, sums[0]), second, sums[1]);
}

#define KV_RUN 4u

static inline i32x4 i32x4_load_splat(const int8_t x[4]) {
  int32_t word;
  memcpy(&word, x, sizeof word);
  return vdupq_n_s32(word);
}
static inline i32x4 i32x4_add_four_products(i32x4 sums, i32x4 fours, const int8_t x[4]) {
  int8x16_t all = vreinterpretq_s8_s32(i32x4_load_splat(x));
  return vdotq_s32(sums, vreinterpretq_s8_s32(fours), all);
}
/* A pair for each row. */
static inline i32x4 pairs_of(i32x4 first, i32x4 second) {
  return vorrq_s32(vshlq_n_s32(second, 16), vandq_s32(first, vdupq_n_s32(0xFFFF)));
}
static inline void hold_order(void) {} /* these compilers know their registers */

#endif
