/* The wide primitives of sets whose vectors hold one panel's 4 rows: the narrow ones. */
#ifndef INK_KERNELS_PRODUCTS_SINGLE_H
#define INK_KERNELS_PRODUCTS_SINGLE_H

#define WIDE_PANELS 1u

typedef weights16 wide_weights16;
typedef columns16 wide_columns16;
typedef products16 wide_products16;
typedef i32x4 wide_i32;
typedef f32x4 wide_f32;

#define wide_weights_load weights_load
#define wide_columns_load columns_load
#define wide_products_of products_of
#define wide_products_add products_add
#define wide_products_rows products_rows
#define wide_products_scaled products_scaled
#define wide_i32_load i32x4_load
#define wide_i32_store i32x4_store
#define wide_i32_splat i32x4_splat
#define wide_i32_add i32x4_sum
#define wide_pair_products pair_products
#define wide_f32_load f32x4_load
#define wide_f32_splat f32x4_splat
#define wide_f32_add f32x4_add
#define wide_f32_mul f32x4_mul
#define wide_f32_of_i32 f32x4_of_i32x4

static inline void wide_f32_store(float *p, wide_f32 v, uint32_t n_panels) {
  (void)n_panels;
  f32x4_store(p, v);
}

#endif
