/* The vector primitives of float_ops.h and panel_ops.h on WebAssembly's fixed-width SIMD. */
#ifndef INK_KERNELS_VEC_H
#define INK_KERNELS_VEC_H

#include <stdint.h>
#include <wasm_simd128.h>

typedef v128_t f32x4;

static inline f32x4 f32x4_load(const float *p) { return wasm_v128_load(p); }
static inline void f32x4_store(float *p, f32x4 v) { wasm_v128_store(p, v); }
static inline f32x4 f32x4_splat(float x) { return wasm_f32x4_splat(x); }
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
static inline void f32x4_store_low_bits(int16_t *p, f32x4 v) {
  v128_t low = wasm_i8x16_shuffle(v, v, 0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13);
  wasm_v128_store64_lane(p, low, 0);
}
static inline f32x4 f32x4_load_halves(const uint16_t *p) {
  v128_t half = wasm_u32x4_load16x4(p);
  v128_t magnitude = wasm_i32x4_shl(wasm_v128_and(half, wasm_i32x4_const_splat(0x7FFF)), 13);
  v128_t sign = wasm_i32x4_shl(wasm_v128_and(half, wasm_i32x4_const_splat(0x8000)), 16);
  return wasm_v128_or(wasm_f32x4_mul(magnitude, wasm_f32x4_const_splat(0x1p112f)), sign);
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

/* ---- Integers: 4 rows x 4 columns of weights against 4 columns of a token ---- */

typedef struct i16x16 {
  v128_t low, high; /* rows 0 and 1, rows 2 and 3 */
} i16x16;
typedef struct i32x8 {
  v128_t low, high;
} i32x8;

static inline i32x8 i32x8_zero(void) {
  return (i32x8){wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0)};
}
static inline i32x8 i32x8_add(i32x8 a, i32x8 b) {
  return (i32x8){wasm_i32x4_add(a.low, b.low), wasm_i32x4_add(a.high, b.high)};
}
static inline i16x16 i16x16_load(const int16_t *p) {
  return (i16x16){wasm_v128_load(p), wasm_v128_load(p + 8)};
}
static inline void i16x16_store(int16_t *p, i16x16 v) {
  wasm_v128_store(p, v.low);
  wasm_v128_store(p + 8, v.high);
}
static inline i16x16 i16x16_load_bytes(const uint8_t *p) { /* signed */
  return (i16x16){wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8)};
}
/* 16 bytes to their low and their high nibbles, less `offset`. */
static inline void i16x16_load_nibbles(const uint8_t *p, int offset, i16x16 *low, i16x16 *high) {
  v128_t bytes = wasm_v128_load(p);
  v128_t minus = wasm_i8x16_splat((int8_t)offset);
  v128_t l = wasm_i8x16_sub(wasm_v128_and(bytes, wasm_i8x16_const_splat(15)), minus);
  v128_t h = wasm_i8x16_sub(wasm_u8x16_shr(bytes, 4), minus);
  *low = (i16x16){wasm_i16x8_extend_low_i8x16(l), wasm_i16x8_extend_high_i8x16(l)};
  *high = (i16x16){wasm_i16x8_extend_low_i8x16(h), wasm_i16x8_extend_high_i8x16(h)};
}
static inline i16x16 i16x16_splat(int x) {
  return (i16x16){wasm_i16x8_splat((int16_t)x), wasm_i16x8_splat((int16_t)x)};
}
static inline i16x16 i16x16_mul(i16x16 a, i16x16 b) {
  return (i16x16){wasm_i16x8_mul(a.low, b.low), wasm_i16x8_mul(a.high, b.high)};
}
static inline i16x16 i16x16_add(i16x16 a, i16x16 b) {
  return (i16x16){wasm_i16x8_add(a.low, b.low), wasm_i16x8_add(a.high, b.high)};
}
static inline i16x16 i16x16_upper_bytes(i16x16 v) { /* unsigned */
  return (i16x16){wasm_u16x8_shr(v.low, 8), wasm_u16x8_shr(v.high, 8)};
}
/* Adds the products with the token's 4 columns, by pairs: two partial sums for each row. */
static inline i32x8 i32x8_add_products(i32x8 sums, i16x16 weights, const int16_t *token) {
  v128_t columns = wasm_v128_load64_splat(token);
  return (i32x8){wasm_i32x4_add(sums.low, wasm_i32x4_dot_i16x8(weights.low, columns)),
                 wasm_i32x4_add(sums.high, wasm_i32x4_dot_i16x8(weights.high, columns))};
}
static inline f32x4 f32x4_of_row_sums(i32x8 sums) {
  v128_t even = wasm_i32x4_shuffle(sums.low, sums.high, 0, 2, 4, 6);
  v128_t odd = wasm_i32x4_shuffle(sums.low, sums.high, 1, 3, 5, 7);
  return wasm_f32x4_convert_i32x4(wasm_i32x4_add(even, odd));
}

/* ---- Unpacking: 16 bytes, 4 of each row, and numbers of which each row has one ---- */

typedef v128_t u8x16;
typedef v128_t i32x4;

static inline u8x16 u8x16_load(const uint8_t *p) { return wasm_v128_load(p); }
static inline u8x16 u8x16_or(u8x16 a, u8x16 b) { return wasm_v128_or(a, b); }
/* The bits `mask` of each byte, shifted down; they must all come from that byte. */
static inline u8x16 u8x16_bits(u8x16 v, uint32_t shift, int mask) {
  return wasm_v128_and(wasm_u16x8_shr(v, shift), wasm_i8x16_splat((int8_t)mask));
}
/* Shifts bytes up that have no bits to lose. */
static inline u8x16 u8x16_up(u8x16 v, uint32_t shift) { return wasm_i16x8_shl(v, shift); }
static inline i16x16 i16x16_of_bytes(u8x16 v) {
  return (i16x16){wasm_u16x8_extend_low_u8x16(v), wasm_u16x8_extend_high_u8x16(v)};
}
/* v - offset, for v < 128. */
static inline i16x16 i16x16_of_bytes_less(u8x16 v, int offset) {
  v = wasm_i8x16_sub(v, wasm_i8x16_splat((int8_t)offset));
  return (i16x16){wasm_i16x8_extend_low_i8x16(v), wasm_i16x8_extend_high_i8x16(v)};
}
/* 16 bytes to values[low nibble] and values[high nibble]. */
static inline void i16x16_look_up_nibbles(const uint8_t *p, const int8_t *values, i16x16 *low,
                                          i16x16 *high) {
  v128_t bytes = wasm_v128_load(p), table = wasm_v128_load(values);
  v128_t l = wasm_i8x16_swizzle(table, wasm_v128_and(bytes, wasm_i8x16_const_splat(15)));
  v128_t h = wasm_i8x16_swizzle(table, wasm_u8x16_shr(bytes, 4));
  *low = (i16x16){wasm_i16x8_extend_low_i8x16(l), wasm_i16x8_extend_high_i8x16(l)};
  *high = (i16x16){wasm_i16x8_extend_low_i8x16(h), wasm_i16x8_extend_high_i8x16(h)};
}
static inline i32x4 i32x4_load(const uint8_t *p) { return wasm_v128_load(p); }
static inline i32x4 i32x4_load_u16(const uint8_t *p) { return wasm_u32x4_load16x4(p); }
static inline i32x4 i32x4_load_u8(const uint8_t *p) {
  return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
}
static inline i32x4 i32x4_or(i32x4 a, i32x4 b) { return wasm_v128_or(a, b); }
static inline i32x4 i32x4_add(i32x4 v, int x) { return wasm_i32x4_add(v, wasm_i32x4_splat(x)); }
static inline i32x4 i32x4_bits(i32x4 v, uint32_t shift, int mask) {
  return wasm_v128_and(wasm_u32x4_shr(v, shift), wasm_i32x4_splat(mask));
}
static inline i32x4 i32x4_up(i32x4 v, uint32_t shift) { return wasm_i32x4_shl(v, shift); }
/* Byte `at` of each lane, signed. */
static inline i32x4 i32x4_signed_byte(i32x4 v, uint32_t at) {
  return wasm_i32x4_shr(wasm_i32x4_shl(v, 24 - 8 * at), 24);
}
static inline f32x4 f32x4_of_i32x4(i32x4 v) { return wasm_f32x4_convert_i32x4(v); }
static inline f32x4 f32x4_of_bits(i32x4 v) { return v; }
/* Each row's number, which fits 16 bits, for its 4 columns. */
static inline i16x16 i16x16_of_rows(i32x4 v) {
  return (i16x16){wasm_i8x16_shuffle(v, v, 0, 1, 0, 1, 0, 1, 0, 1, 4, 5, 4, 5, 4, 5, 4, 5),
                  wasm_i8x16_shuffle(v, v, 8, 9, 8, 9, 8, 9, 8, 9, 12, 13, 12, 13, 12, 13, 12, 13)};
}

#endif
