/* The vector primitives of float_ops.h and unpack_ops.h on WebAssembly's fixed-width SIMD. */
#ifndef INK_KERNELS_VEC_H
#define INK_KERNELS_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wasm_simd128.h>

/* A constant that neither LLVM nor Binaryen know for one. V8 makes those that it sees anew at each
 * use, with three instructions; others it keeps in registers, like any value that a loop needs. */
static inline v128_t kept_i32x4(int32_t x) {
  int32_t no_memory; /* 0 */
  __asm__("memory.size 0\ni32.eqz\nlocal.set %0" : "=r"(no_memory));
  return wasm_i32x4_splat(x ^ no_memory);
}
static inline v128_t kept_i8x16(int x) { return kept_i32x4((x & 255) * 0x01010101); }
static inline v128_t kept_i16x8(int x) { return kept_i32x4((x & 0xFFFF) * 0x00010001); }

typedef v128_t f32x4;

static inline f32x4 f32x4_load(const float *p) { return wasm_v128_load(p); }
static inline void f32x4_store(float *p, f32x4 v) { wasm_v128_store(p, v); }
static inline f32x4 f32x4_splat(float x) { return wasm_f32x4_splat(x); }
static inline f32x4 f32x4_constant(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return kept_i32x4(bits);
}
static inline f32x4 f32x4_add(f32x4 a, f32x4 b) { return wasm_f32x4_add(a, b); }
static inline f32x4 f32x4_sub(f32x4 a, f32x4 b) { return wasm_f32x4_sub(a, b); }
static inline f32x4 f32x4_mul(f32x4 a, f32x4 b) { return wasm_f32x4_mul(a, b); }
static inline f32x4 f32x4_div(f32x4 a, f32x4 b) { return wasm_f32x4_div(a, b); }
static inline f32x4 f32x4_abs(f32x4 a) { return wasm_f32x4_abs(a); }
static inline f32x4 f32x4_max(f32x4 a, f32x4 b) { return wasm_f32x4_pmax(a, b); }
static inline f32x4 f32x4_min(f32x4 a, f32x4 b) { return wasm_f32x4_pmin(a, b); }
static inline f32x4 f32x4_power_of_2(f32x4 biased) {
  return wasm_i32x4_shl(wasm_i32x4_add(biased, wasm_i32x4_const_splat(127)), 23);
}
static inline f32x4 f32x4_times_power_of_2(f32x4 x, f32x4 biased) {
  return wasm_i32x4_add(x, wasm_i32x4_shl(biased, 23));
}
static inline void f32x4_store_low_bytes(int8_t *p, f32x4 v) {
  v128_t low = wasm_i8x16_shuffle(v, v, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
  wasm_v128_store32_lane(p, low, 0);
}
static inline void f32x4_store_low_halves(int16_t *p, f32x4 v) {
  v128_t low = wasm_i32x4_sub(v, kept_i32x4(0x4B400000)); /* a shuffle takes a constant */
  wasm_v128_store64_lane(p, wasm_i16x8_narrow_i32x4(low, low), 0);
}
/* Signs are extended, shifted to their place, and what is between them and the exponent cleared. */
static inline f32x4 f32x4_load_halves(const uint16_t *p) {
  v128_t bits = wasm_i32x4_shl(wasm_i32x4_load16x4((const int16_t *)p), 13);
  v128_t scaled = wasm_v128_and(bits, kept_i32x4((int32_t)0x8FFFE000));
  return wasm_f32x4_mul(scaled, kept_i32x4(0x77800000)); /* 2^112 */
}
static inline f32x4 f32x4_load_bf16(const uint16_t *p) {
  return wasm_i32x4_shl(wasm_u32x4_load16x4(p), 16);
}
static inline f32x4 f32x4_load_bytes(const int8_t *p) {
  v128_t bytes = wasm_v128_load32_zero(p);
  return wasm_f32x4_convert_i32x4(wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(bytes)));
}
static inline float f32x4_lane_sum(f32x4 v) {
  return (wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1)) +
         (wasm_f32x4_extract_lane(v, 2) + wasm_f32x4_extract_lane(v, 3));
}
static inline float f32x4_lane_max(f32x4 v) {
  v = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 1, 1, 3, 3));
  v = wasm_f32x4_pmax(v, wasm_i32x4_shuffle(v, v, 2, 2, 2, 2));
  return wasm_f32x4_extract_lane(v, 0);
}

/* ---- Unpacking: 16 bytes, 4 of each row, and numbers of which each row has one ---- */

typedef v128_t u8x16;
typedef v128_t i32x4;

static inline u8x16 u8x16_load(const uint8_t *p) { return wasm_v128_load(p); }
static inline u8x16 u8x16_or(u8x16 a, u8x16 b) { return wasm_v128_or(a, b); }
static inline u8x16 u8x16_add(u8x16 a, u8x16 b) { return wasm_i8x16_add(a, b); }
static inline u8x16 u8x16_plus(u8x16 v, int x) {
  return wasm_i8x16_add(v, kept_i8x16(x));
}
/* v > x ? 1 : 0 */
static inline u8x16 u8x16_above(u8x16 v, int x) {
  u8x16 excess = wasm_u8x16_sub_sat(v, kept_i8x16(x));
  return wasm_u8x16_min(excess, kept_i8x16(1));
}
/* The bits `mask` of each byte, shifted down; they must all come from that byte. */
static inline u8x16 u8x16_bits(u8x16 v, uint32_t shift, int mask) {
  return wasm_v128_and(wasm_u16x8_shr(v, shift), kept_i8x16(mask));
}
/* Shifts bytes up that have no bits to lose. */
static inline u8x16 u8x16_up(u8x16 v, uint32_t shift) { return wasm_i16x8_shl(v, shift); }
/* values[v]; 0 <= v < 16 */
static inline u8x16 u8x16_look_up(const int8_t *values, u8x16 v) {
  return wasm_i8x16_swizzle(wasm_v128_load(values), v);
}
static inline i32x4 i32x4_load(const void *p) { return wasm_v128_load(p); }
static inline i32x4 i32x4_load_u16(const uint8_t *p) { return wasm_u32x4_load16x4(p); }
static inline i32x4 i32x4_load_u8(const uint8_t *p) {
  return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
}
static inline i32x4 i32x4_or(i32x4 a, i32x4 b) { return wasm_v128_or(a, b); }
static inline i32x4 i32x4_add(i32x4 v, int x) { return wasm_i32x4_add(v, kept_i32x4(x)); }
static inline i32x4 i32x4_bits(i32x4 v, uint32_t shift, int mask) {
  return wasm_v128_and(wasm_u32x4_shr(v, shift), kept_i32x4(mask));
}
static inline i32x4 i32x4_up(i32x4 v, uint32_t shift) { return wasm_i32x4_shl(v, shift); }
/* Byte `at` of each lane, signed. */
static inline i32x4 i32x4_signed_byte(i32x4 v, uint32_t at) {
  return wasm_i32x4_shr(wasm_i32x4_shl(v, 24 - 8 * at), 24);
}
static inline f32x4 f32x4_of_i32x4(i32x4 v) { return wasm_f32x4_convert_i32x4(v); }
static inline f32x4 f32x4_of_bits(i32x4 v) { return v; }
static inline i32x4 i32x4_splat(int32_t x) { return kept_i32x4(x); }
static inline i32x4 i32x4_sum(i32x4 a, i32x4 b) { return wasm_i32x4_add(a, b); }
static inline void i32x4_store(int32_t *p, i32x4 v) { wasm_v128_store(p, v); }
/* pairs[row][0] * sums[0] + pairs[row][1] * sums[1], of 16 bits each */
static inline i32x4 pair_products(i32x4 pairs, const int16_t sums[2]) {
  return wasm_i32x4_dot_i16x8(pairs, wasm_v128_load32_splat(sums));
}
/* A pair of 16 bits for each lane. */
static inline i32x4 i32x4_load_byte_pairs(const int8_t *p) { return wasm_i16x8_load8x8(p); }
static inline i32x4 i32x4_add_pair_products(i32x4 sums, i32x4 pairs, const int16_t x[2]) {
  return wasm_i32x4_add(sums, pair_products(pairs, x));
}
/* A pair for each row. */
static inline i32x4 pairs_of(i32x4 first, i32x4 second) {
  return wasm_v128_or(wasm_i32x4_shl(second, 16), wasm_v128_and(first, wasm_i32x4_splat(0xFFFF)));
}
static inline i32x4 i32x4_times(i32x4 v, int32_t x) {
  return wasm_i32x4_mul(v, wasm_i32x4_splat(x));
}
/* Keeps compilers from moving loads up past this point, where they would be held in registers that
 * there are not, that is on the stack. */
static inline void hold_order(void) { __asm__ volatile("" ::: "memory"); }

#endif
