/* 2^x of n vectors at once, written for any kind of vector: before each inclusion, VECTOR is its
 * type and V(op) names its primitives. Several vectors share the constants, which V8 makes anew for
 * each use, and are under way together. */

/* For x <= 0, taken for -126 where it is less; 2^0 is exactly 1. x = n + r, |r| <= 1/2; 2^r is a
 * polynomial of degree 5 with the constant 1, fitted to the least relative error: below 2e-7. */
ALWAYS_INLINE void V(exp2)(VECTOR *x, size_t n) {
  static const float coefficients[] = {1.326472731e-3f, 9.671512991e-3f, 5.550733581e-2f,
                                       2.402224243e-1f, 6.931470037e-1f, 1.0f};
  VECTOR least = V(constant)(-126.0f), bias = V(constant)(ROUND_BIAS);
  VECTOR biased[EXP_VECTORS], r[EXP_VECTORS];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    VECTOR clamped = V(max)(x[i], least);
    biased[i] = V(add)(clamped, bias);
    r[i] = V(sub)(clamped, V(sub)(biased[i], bias));
    x[i] = V(constant)(coefficients[0]);
  }
  UNROLLED
  for (size_t k = 1; k < sizeof coefficients / sizeof *coefficients; k++) {
    VECTOR coefficient = V(constant)(coefficients[k]);
    UNROLLED
    for (size_t i = 0; i < n; i++) x[i] = V(add)(V(mul)(x[i], r[i]), coefficient);
  }
  UNROLLED
  for (size_t i = 0; i < n; i++) x[i] = V(times_power_of_2)(x[i], biased[i]);
}
