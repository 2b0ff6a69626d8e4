#include "format/encode_fit.h"

#include <math.h>

#include "base/half.h"

/* Adding 1.5 * 2^23 leaves no bits for a fraction; the sum's low bits are the number. */
int32_t ink_round(float x) {
  return (int32_t)(ink_bits_of_f32(x + 12582912.0f) & 0x007FFFFFu) - 0x00400000;
}

/* A value that is no number of levels away from the others: the whole range is noise to f32. */
#define TINY_RANGE 1e-15f

/* ---- x ~ d * level ---- */

/* The grid: the level given to the largest value goes from half - 0.9 to half + 0.9. */
#define SCALE_STEPS 9
#define SCALE_STEP 0.1f

typedef struct scale_fit {
  float xq; /* sum of w x level */
  float qq; /* sum of w level^2 */
} scale_fit;

static scale_fit try_scale(const float *x, const float *w, uint32_t n, int32_t half, float inverse) {
  scale_fit fit = {0.0f, 0.0f};
  for (uint32_t i = 0; i < n; i++) {
    float level = (float)ink_clamp(ink_round(inverse * x[i]), -half, half - 1);
    fit.xq += w[i] * x[i] * level;
    fit.qq += w[i] * level * level;
  }
  return fit;
}

float ink_fit_scale(const float *x, const float *w, uint32_t n, int32_t half, int8_t *levels) {
  float extreme = 0.0f;
  for (uint32_t i = 0; i < n; i++) {
    if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
  }
  float best_inverse = 0.0f, best_d = 0.0f, best_gain = 0.0f;
  if (fabsf(extreme) >= TINY_RANGE) {
    /* The extreme gets the level -half, which has no positive counterpart. */
    best_inverse = -(float)half / extreme;
    best_d = 1.0f / best_inverse;
    for (int32_t step = -SCALE_STEPS; step <= SCALE_STEPS; step++) {
      float inverse = -((float)half + SCALE_STEP * (float)step) / extreme;
      scale_fit fit = try_scale(x, w, n, half, inverse);
      /* The error is sum(w x^2) - xq^2 / qq. */
      if (fit.qq <= 0.0f || fit.xq * fit.xq <= best_gain * fit.qq) continue;
      best_gain = fit.xq * fit.xq / fit.qq;
      best_inverse = inverse;
      best_d = fit.xq / fit.qq;
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    levels[i] = (int8_t)ink_clamp(ink_round(best_inverse * x[i]), -half, half - 1);
  }
  return best_d;
}

/* ---- x ~ d * level + m ---- */

/* The grid: the range is divided into top - 1 to top + 1 levels. */
#define AFFINE_STEPS 10
#define AFFINE_STEP 0.1f

typedef struct sums {
  double w, x, xx, q, qq, xq; /* sums of w, w x, w x^2, w q, w q^2, w x q; q the level */
} sums;

/* The best d and m for the levels that went into the sums; false when there is no good one. */
static bool solve(const sums *s, bool any_sign, ink_affine *fit, double *error) {
  double determinant = s->w * s->qq - s->q * s->q;
  if (!(determinant > 0.0)) return false;
  double d = (s->w * s->xq - s->x * s->q) / determinant;
  double m = (s->qq * s->x - s->q * s->xq) / determinant;
  if (m > 0.0 && !any_sign) {
    m = 0.0;
    d = s->xq / s->qq;
  }
  if (!(d > 0.0)) return false;
  *fit = (ink_affine){(float)d, (float)m};
  *error = s->xx - d * s->xq - m * s->x; /* at a least-squares solution */
  return true;
}

ink_affine ink_fit_affine(const float *x, const float *w, uint32_t n, int32_t top, bool any_sign) {
  float low = x[0], high = x[0];
  sums s = {0};
  for (uint32_t i = 0; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    s.w += (double)w[i];
    s.x += (double)(w[i] * x[i]);
    s.xx += (double)(w[i] * x[i]) * (double)x[i];
  }
  if (low > 0.0f && !any_sign) low = 0.0f;
  float range = high - low;
  if (!(range > TINY_RANGE)) return (ink_affine){0.0f, low};

  ink_affine best = {range / (float)top, low}, fit;
  double best_error = (double)INFINITY, error;
  for (int32_t step = -AFFINE_STEPS; step <= AFFINE_STEPS; step++) {
    float inverse = ((float)top + AFFINE_STEP * (float)step) / range;
    float q = 0.0f, qq = 0.0f, xq = 0.0f;
    for (uint32_t i = 0; i < n; i++) {
      float level = (float)ink_clamp(ink_round(inverse * (x[i] - low)), 0, top);
      q += w[i] * level;
      qq += w[i] * level * level;
      xq += w[i] * level * x[i];
    }
    s.q = (double)q, s.qq = (double)qq, s.xq = (double)xq;
    if (!solve(&s, any_sign, &fit, &error) || error >= best_error) continue;
    best_error = error;
    best = fit;
  }
  return best;
}
