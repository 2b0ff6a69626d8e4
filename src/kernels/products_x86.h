/* What the products of x86's sets share: all but the instructions that multiply. Before it come
 * vec_x86.h, WIDE_PANELS and, for vectors of so many panels, the types wide_i32 and wide_f32 and
 * WIDE(op), which names their intrinsics. */
#ifndef INK_KERNELS_PRODUCTS_X86_H
#define INK_KERNELS_PRODUCTS_X86_H

#define UNROLLED_PARTS(type) parts_of(type)

/* ---- One panel ---- */

typedef __m128i weights16;  /* u8 */
typedef __m128i columns16;  /* i8: 4 columns four times */
typedef __m128i products16; /* sums for each row */

static inline weights16 weights_of_bytes(u8x16 q) { return q; }
static inline void weights_store(uint8_t *p, weights16 w) { i32x4_store((int32_t *)(void *)p, w); }
static inline void columns_load(const int8_t *q, columns16 x[4]) {
  for (size_t g = 0; g < 4; g++) x[g] = i32x4_splat(load_word(q + 4 * g));
}

#include "kernels/token_columns.h"

/* ---- WIDE_PANELS panels ---- */

typedef wide_i32 wide_weights16;
typedef wide_i32 wide_columns16;
typedef wide_i32 wide_products16;

static inline wide_i32 wide_i32_load(const void *p) {
  wide_i32 v;
  memcpy(&v, p, sizeof v);
  return v;
}
static inline void wide_i32_store(int32_t *p, wide_i32 v) { memcpy(p, &v, sizeof v); }
static inline wide_i32 wide_i32_splat(int32_t x) { return WIDE(set1_epi32)(x); }
static inline wide_i32 wide_i32_add(wide_i32 a, wide_i32 b) { return WIDE(add_epi32)(a, b); }
static inline wide_weights16 wide_weights_load(const uint8_t *p) { return wide_i32_load(p); }
static inline void wide_columns_load(const int8_t *q, wide_columns16 x[4]) {
  for (size_t g = 0; g < 4; g++) x[g] = wide_i32_splat(load_word(q + 4 * g));
}
static inline wide_i32 wide_pair_products(wide_i32 pairs, const int16_t sums[2]) {
  return WIDE(madd_epi16)(pairs, wide_i32_splat(load_word(sums)));
}
static inline wide_f32 wide_f32_load(const float *p) { return WIDE(loadu_ps)(p); }
static inline wide_f32 wide_f32_splat(float x) { return WIDE(set1_ps)(x); }
#define wide_f32_constant wide_f32_splat
static inline wide_f32 wide_f32_add(wide_f32 a, wide_f32 b) { return WIDE(add_ps)(a, b); }
static inline wide_f32 wide_f32_mul(wide_f32 a, wide_f32 b) { return WIDE(mul_ps)(a, b); }
static inline wide_f32 wide_f32_sub(wide_f32 a, wide_f32 b) { return WIDE(sub_ps)(a, b); }
static inline wide_f32 wide_f32_max(wide_f32 a, wide_f32 b) { return WIDE(max_ps)(b, a); }
static inline wide_f32 wide_f32_times_power_of_2(wide_f32 x, wide_f32 biased) {
  wide_i32 bits = wide_i32_load(&biased), of_x = wide_i32_load(&x);
  of_x = wide_i32_add(of_x, WIDE(slli_epi32)(bits, 23));
  memcpy(&x, &of_x, sizeof x);
  return x;
}
static inline wide_f32 wide_f32_of_i32(wide_i32 v) { return WIDE(cvtepi32_ps)(v); }

#endif
