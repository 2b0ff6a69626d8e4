/* Activations, norms and what else works on one vector, written once over the primitives of a
 * vec_*.h and exp_f32x4() of float_ops.h, which must be included before. Sums as there. */
#ifndef INK_KERNELS_ACTIVATION_OPS_H
#define INK_KERNELS_ACTIVATION_OPS_H

#include "kernels/float_ops.h"

static void multiply(float *x, const float *y, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4_store(x + i, f32x4_mul(f32x4_load(x + i), f32x4_load(y + i)));
  }
}

static void add_scaled(float *x, const float *y, float factor, uint32_t n) {
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 scaled = f32x4_mul(f32x4_load(y + i), f32x4_splat(factor));
    f32x4_store(x + i, f32x4_add(f32x4_load(x + i), scaled));
  }
}

/* Two passes: the variance is of what is left when the mean is gone. */
static void layer_norm(float *out, const float *x, const float *weight, const float *bias,
                       uint32_t n, float epsilon) {
  f32x4 sum = f32x4_splat(0.0f);
  for (uint32_t i = 0; i < n; i += 4) sum = f32x4_add(sum, f32x4_load(x + i));
  f32x4 mean = f32x4_splat(f32x4_lane_sum(sum) / (float)n);
  f32x4 squares = f32x4_splat(0.0f);
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 v = f32x4_sub(f32x4_load(x + i), mean);
    squares = f32x4_add(squares, f32x4_mul(v, v));
  }
  f32x4 factor = f32x4_splat(1.0f / sqrtf(f32x4_lane_sum(squares) / (float)n + epsilon));
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 v = f32x4_mul(f32x4_sub(f32x4_load(x + i), mean), factor);
    v = f32x4_mul(v, f32x4_load(weight + i));
    f32x4_store(out + i, bias ? f32x4_add(v, f32x4_load(bias + i)) : v);
  }
}

/* Pairs 1 and 2 apart are within a vector, all others in two. */
static void hadamard(float *x, uint32_t n, uint32_t size) {
  A_PASS_AT_A_TIME
  for (uint32_t i = 0; i < n; i += 4) {
    float a = x[i] + x[i + 1], b = x[i] - x[i + 1];
    float c = x[i + 2] + x[i + 3], d = x[i + 2] - x[i + 3];
    x[i] = a + c;
    x[i + 1] = b + d;
    x[i + 2] = a - c;
    x[i + 3] = b - d;
  }
  for (uint32_t half = 4; half < size; half *= 2) {
    for (uint32_t first = 0; first < n; first += 2 * half) {
      for (uint32_t i = first; i < first + half; i += 4) {
        f32x4 a = f32x4_load(x + i), b = f32x4_load(x + i + half);
        f32x4_store(x + i, f32x4_add(a, b));
        f32x4_store(x + i + half, f32x4_sub(a, b));
      }
    }
  }
  scale(x, 1.0f / sqrtf((float)size), n);
}

/* x (1 + tanh u) / 2 = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
static void gelu_tanh(float *x, uint32_t n) {
  f32x4 one = f32x4_splat(1.0f);
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 v = f32x4_load(x + i);
    f32x4 cubic = f32x4_mul(f32x4_splat(0.044715f), f32x4_mul(v, f32x4_mul(v, v)));
    f32x4 u = f32x4_mul(f32x4_splat(-1.5957691216f), f32x4_add(v, cubic));
    f32x4_store(x + i, f32x4_div(v, f32x4_add(one, exp_f32x4(u, f32x4_splat))));
  }
}

/* x (1 + erf(x / sqrt 2)) / 2 = max(x, 0) - |x| erfc(z) / 2 with z = |x| / sqrt 2 and
 * erfc(z) = e^(-z^2) t P(t), t = 1 / (1 + 0.42 z). P is fitted so that the relative error of erfc
 * stays below 1.7e-7 for z up to 9.5. */
static void gelu_erf(float *x, uint32_t n) {
  static const float p[] = {7.021667989e-2f, -3.201955166e-1f, 4.405660526e-1f, -1.304263562e-1f,
                            2.686885850e-1f, 1.947429043e-1f, 2.395830615e-1f, 2.368244206e-1f};
  f32x4 one = f32x4_splat(1.0f), zero = f32x4_splat(0.0f);
  for (uint32_t i = 0; i < n; i += 4) {
    f32x4 v = f32x4_load(x + i);
    f32x4 magnitude = f32x4_abs(v);
    f32x4 z = f32x4_mul(magnitude, f32x4_splat(0.70710678f));
    f32x4 t = f32x4_div(one, f32x4_add(one, f32x4_mul(f32x4_splat(0.42f), z)));
    f32x4 sum = f32x4_splat(p[0]);
    for (size_t k = 1; k < sizeof p / sizeof *p; k++) {
      sum = f32x4_add(f32x4_mul(sum, t), f32x4_splat(p[k]));
    }
    f32x4 e = exp_f32x4(f32x4_mul(f32x4_splat(-0.5f), f32x4_mul(v, v)), f32x4_splat);
    f32x4 half_erfc = f32x4_mul(f32x4_mul(f32x4_splat(0.5f), e), f32x4_mul(t, sum));
    f32x4_store(x + i, f32x4_sub(f32x4_max(v, zero), f32x4_mul(magnitude, half_erfc)));
  }
}

#endif
