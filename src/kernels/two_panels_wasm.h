/* Vectors of two panels' rows, side by side: each vector of activations is loaded for both, 16
 * columns at a time. vec_wasm.h and, for one panel, weights16, columns16 and products16 with their
 * functions must come before. */
#ifndef INK_KERNELS_TWO_PANELS_WASM_H
#define INK_KERNELS_TWO_PANELS_WASM_H

#define WIDE_PANELS 2u
#define WIDE_IS_TWO_REGISTERS 1

typedef struct wide_v128 {
  v128_t first, second; /* panels */
} wide_v128;
typedef wide_v128 wide_weights16;
typedef v128_t wide_columns16;
typedef wide_v128 wide_products16;
typedef wide_v128 wide_i32;
typedef wide_v128 wide_f32;

static inline wide_i32 wide_i32_load(const void *p) {
  return (wide_i32){wasm_v128_load(p), wasm_v128_load((const uint8_t *)p + 16)};
}
static inline wide_i32 wide_i32_splat(int32_t x) {
  v128_t v = i32x4_splat(x);
  return (wide_i32){v, v};
}
static inline wide_i32 wide_i32_add(wide_i32 a, wide_i32 b) {
  return (wide_i32){wasm_i32x4_add(a.first, b.first), wasm_i32x4_add(a.second, b.second)};
}
static inline wide_weights16 wide_weights_load(const uint8_t *p) { return wide_i32_load(p); }
#define wide_columns_load columns_load
static inline wide_products16 wide_products_of(wide_weights16 w, wide_columns16 x) {
  return (wide_products16){products_of(w.first, x), products_of(w.second, x)};
}
static inline wide_products16 wide_products_add(wide_products16 sums, wide_weights16 w,
                                                wide_columns16 x) {
  return (wide_products16){products_add(sums.first, w.first, x),
                           products_add(sums.second, w.second, x)};
}
static inline wide_i32 wide_products_rows(wide_products16 sums) {
  return (wide_i32){products_rows(sums.first), products_rows(sums.second)};
}
static inline wide_i32 wide_products_scaled(wide_products16 sums, wide_i32 scale) {
  return (wide_i32){products_scaled(sums.first, scale.first),
                    products_scaled(sums.second, scale.second)};
}
static inline wide_i32 wide_high_rows(wide_products16 sums) {
  return (wide_i32){high_rows(sums.first), high_rows(sums.second)};
}
static inline wide_i32 wide_pair_products(wide_i32 pairs, const int16_t sums[2]) {
  return (wide_i32){pair_products(pairs.first, sums), pair_products(pairs.second, sums)};
}
static inline wide_f32 wide_f32_load(const float *p) { return wide_i32_load(p); }
static inline wide_f32 wide_f32_splat(float x) {
  v128_t v = wasm_f32x4_splat(x);
  return (wide_f32){v, v};
}
static inline wide_f32 wide_f32_add(wide_f32 a, wide_f32 b) {
  return (wide_f32){wasm_f32x4_add(a.first, b.first), wasm_f32x4_add(a.second, b.second)};
}
static inline wide_f32 wide_f32_mul(wide_f32 a, wide_f32 b) {
  return (wide_f32){wasm_f32x4_mul(a.first, b.first), wasm_f32x4_mul(a.second, b.second)};
}
static inline wide_f32 wide_f32_of_i32(wide_i32 v) {
  return (wide_f32){f32x4_of_i32x4(v.first), f32x4_of_i32x4(v.second)};
}
/* The rows of the first n_panels panels. */
static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  wasm_v128_store(p, v.first);
  if (n_panels == WIDE_PANELS) wasm_v128_store(p + 4, v.second);
}

#endif
