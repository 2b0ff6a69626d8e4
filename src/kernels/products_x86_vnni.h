/* What x86's sets share whose products_add() and wide_products_add() sum four products of bytes in 32
 * bits. They must be defined before. */
#ifndef INK_KERNELS_PRODUCTS_X86_VNNI_H
#define INK_KERNELS_PRODUCTS_X86_VNNI_H

#define KV_RUN 4u

static inline wide_i32 wide_i32_load_splat(const int8_t x[4]) {
  return wide_i32_splat(load_word(x));
}

static inline products16 products_of(weights16 w, columns16 x) {
  return products_add(_mm_setzero_si128(), w, x);
}
static inline i32x4 products_rows(products16 sums) { return sums; }
static inline i32x4 products_scaled(products16 sums, i32x4 scale) {
  return _mm_mullo_epi32(sums, scale);
}

static inline wide_products16 wide_products_of(wide_weights16 w, wide_columns16 x) {
  return wide_products_add(wide_i32_splat(0), w, x);
}
static inline wide_i32 wide_products_rows(wide_products16 sums) { return sums; }
static inline wide_i32 wide_products_scaled(wide_products16 sums, wide_i32 scale) {
  return WIDE(mullo_epi32)(sums, scale);
}

#endif
