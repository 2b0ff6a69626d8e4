/* e^x of n vectors at once, written for any kind of vector: before each inclusion, VECTOR is its
 * type and V(op) names its primitives. Several vectors share the constants, which V8 makes anew for
 * each use, and are under way together. */

/* e^x = 2^n (1 + rest): x = n ln 2 + r, |r| <= 0.35; minimax polynomial of degree 5 for
 * (e^r - 1 - r) / r^2 as in Cephes (S. Moshier). Relative error below 2e-7; x is clamped to
 * [-87.3, 88.3]. power = 2^n; neither may be x. */
ALWAYS_INLINE void V(exp_parts)(const VECTOR *x, size_t n, VECTOR *power, VECTOR *rest) {
  static const float coefficients[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                       4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  VECTOR least = V(splat)(-87.3f), most = V(splat)(88.3f), bias = V(splat)(ROUND_BIAS);
  VECTOR log2_e = V(splat)(1.44269504f);
  VECTOR ln2_high = V(splat)(0.693359375f), ln2_low = V(splat)(-2.12194440e-4f);
  VECTOR r[EXP_VECTORS];
  UNROLLED
  for (size_t i = 0; i < n; i++) {
    VECTOR clamped = V(min)(V(max)(x[i], least), most);
    VECTOR biased = V(add)(V(mul)(clamped, log2_e), bias);
    VECTOR whole = V(sub)(biased, bias);
    r[i] = V(sub)(V(sub)(clamped, V(mul)(whole, ln2_high)), V(mul)(whole, ln2_low));
    power[i] = V(power_of_2)(biased);
    rest[i] = V(splat)(coefficients[0]);
  }
  UNROLLED
  for (size_t k = 1; k < sizeof coefficients / sizeof *coefficients; k++) {
    VECTOR coefficient = V(splat)(coefficients[k]);
    UNROLLED
    for (size_t i = 0; i < n; i++) rest[i] = V(add)(V(mul)(rest[i], r[i]), coefficient);
  }
  UNROLLED
  for (size_t i = 0; i < n; i++) rest[i] = V(add)(V(mul)(rest[i], V(mul)(r[i], r[i])), r[i]);
}

ALWAYS_INLINE void V(exp)(VECTOR *x, size_t n) {
  VECTOR power[EXP_VECTORS], rest[EXP_VECTORS];
  V(exp_parts)(x, n, power, rest);
  UNROLLED
  for (size_t i = 0; i < n; i++) x[i] = V(mul)(V(add)(rest[i], V(splat)(1.0f)), power[i]);
}
