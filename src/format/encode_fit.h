/* The search for scales: which levels and which scale give the least weighted squared error.
 *
 * For a fixed choice of levels the best scale is a least-squares fit in closed form; so scales on a
 * grid around the obvious one choose the levels, each choice is fitted, and the best is kept.
 * (Source: the method of k-quants by I. Kawrakow, llama.cpp pull request 1684.) */
#ifndef INK_FORMAT_ENCODE_FIT_H
#define INK_FORMAT_ENCODE_FIT_H

#include <stdbool.h>
#include <stdint.h>

#define INK_FIT_MAX 32u /* values fitted at a time */

/* x[i] ~ d * level[i], level in -half..half-1; returns d, which may be negative, or 0 when all levels
 * are. w: [n] weights, at least 0. */
float ink_fit_scale(const float *x, const float *w, uint32_t n, int32_t half, int8_t *levels);

typedef struct ink_affine {
  float d; /* at least 0 */
  float m;
} ink_affine;

/* x[i] ~ d * level + m, level in 0..top. m is at most 0 unless `any_sign`. */
ink_affine ink_fit_affine(const float *x, const float *w, uint32_t n, int32_t top, bool any_sign);

/* To the nearest whole number, ties to even; |x| < 2^22. */
int32_t ink_round(float x);

static inline int32_t ink_clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

#endif
