/* Products of weights and activations with relaxed SIMD's dot product of bytes, which adds four of
 * them to a sum of 32 bits: one instruction where the processor has AVX-VNNI or ARM's dot product,
 * and about five elsewhere, so that products_wasm_relaxed.h is for those.
 *
 * Weights of up to 7 bits give the same result on every machine: operands mean the same signed or
 * unsigned, and where pairs are summed in 16 bits first, 2 * 127 * 128 fits. What a host makes of 8
 * bits is asked of it: that one instruction takes them for unsigned (x86) or for signed (ARM). */
#ifndef INK_KERNELS_PRODUCTS_H
#define INK_KERNELS_PRODUCTS_H

#include "kernels/products_wasm.h"

#define PRODUCTS_SIGNED 0
#define PRODUCTS_NIBBLES 0
#define BYTE_PRODUCTS_VARY 1

/* As many parts as have different shifts. The only one of these modules with room for that; see
 * BUDGET in web/test/package.test.mjs. */
#define UNROLLED_PARTS(type) ((type) == INK_TYPE_Q6_K ? 4u : (type) == INK_TYPE_Q4_K ? 2u : 1u)

typedef v128_t weights16;  /* u8, or of 8 bits what the host takes them for */
typedef v128_t columns16;  /* i8: 4 columns four times */
typedef v128_t products16; /* i32: a sum for each row */

/* Sums would hold all, but each product waits for the one before: a single token's 8 groups are
 * four times two, which is as fast as memory. */
static inline uint32_t groups_per_sum(uint32_t bits) {
  (void)bits;
  return 4;
}
static inline i32x4 scale_lanes(i32x4 scale) { return scale; }

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
/* One load and 4 shuffles, where V8 makes two instructions of each load32_splat. */
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  v128_t all = wasm_v128_load(q);
  x[0] = wasm_i32x4_shuffle(all, all, 0, 0, 0, 0);
  x[1] = wasm_i32x4_shuffle(all, all, 1, 1, 1, 1);
  x[2] = wasm_i32x4_shuffle(all, all, 2, 2, 2, 2);
  x[3] = wasm_i32x4_shuffle(all, all, 3, 3, 3, 3);
}
static inline products16 products_add(products16 sums, weights16 w, columns16 x) {
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(x, w, sums);
}
static inline products16 products_of(weights16 w, columns16 x) {
  return products_add(wasm_i32x4_const_splat(0), w, x);
}
static inline i32x4 products_rows(products16 sums) { return sums; }
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return wasm_i32x4_mul(sums, scale);
}

/* ---- Signed bytes of keys and values, a run for each lane, times a run of 7 bits ---- */

#define KV_RUN 4u

static inline i32x4 i32x4_load_splat(const int8_t x[4]) { return wasm_v128_load32_splat(x); }
static inline i32x4 i32x4_add_four_products(i32x4 sums, i32x4 fours, const int8_t x[4]) {
  return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(fours, i32x4_load_splat(x), sums);
}

/* ---- Weights of 8 bits ---- */

#define SIGNED_SUM (4 * 127 * -1)
#define UNSIGNED_SUM (4 * 127 * 255)

/* 255 times 127, or -1 times 127, or what is left of it in 16 bits. */
static inline products16 largest_products(void) {
  return products_of(kept_i8x16(255), kept_i8x16(127));
}
/* Signed bytes ^ this are weights as the host takes them. */
static inline u8x16 byte_flip(void) {
  v128_t are_signed = wasm_i32x4_eq(largest_products(), kept_i32x4(SIGNED_SUM));
  return wasm_v128_andnot(kept_i8x16(0x80), are_signed);
}
/* Such weights - these, as pairs for pair_products(), are signed. */
static inline i32x4 byte_zeros(u8x16 flip) {
  return wasm_i16x8_neg(wasm_v128_and(flip, kept_i16x8(0x80)));
}
/* The host has no room for such products: it has to be given 4 bits and 4 bits. */
static inline bool bytes_overflow(void) {
  int32_t sum = wasm_i32x4_extract_lane(largest_products(), 0);
  return sum != SIGNED_SUM && sum != UNSIGNED_SUM;
}
static inline i32x4 high_rows(products16 sums) { return wasm_i32x4_shl(sums, 4); }

/* ---- For rotated_bytes.h ---- */

static inline bool sums_hold_part(uint32_t bits) {
  (void)bits;
  return true;
}
static inline bool sums_hold_start(uint32_t bits) {
  (void)bits;
  return true;
}
static inline products16 products_start(i32x4 rows) { return rows; }
static inline products16 products_start_exact(int zero, const int8_t *columns, size_t n_groups) {
  (void)zero, (void)columns, (void)n_groups;
  return wasm_i32x4_const_splat(0);
}

#include "kernels/token_columns.h"

#endif
