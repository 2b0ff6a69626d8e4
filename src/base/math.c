#include "base/math.h"

#include <stdint.h>
#include <string.h>

static const double ln2_high = 0x1.62e42fefa3800p-1; /* 11 trailing zeros: exact times an int */
static const double ln2_low = 0x1.ef35793c76730p-45;

static double scale_by_power_of_2(double x, int exponent) {
  uint64_t bits = (uint64_t)(exponent + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return x * power;
}

double ink_exp(double x) {
  if (x < -708.0) return 0.0;
  if (x > 709.0) return 1e308 * 10.0;
  if (x != x) return x;
  int n = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  double r = (x - n * ln2_high) - n * ln2_low; /* |r| <= 0.35 */
  /* Taylor to r^13: the next term is below 1e-17. */
  double sum = 1.0;
  for (int k = 13; k >= 1; k--) sum = 1.0 + sum * r / k;
  return scale_by_power_of_2(sum, n);
}

double ink_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 52 & 0x7FF) - 1023;
  bits = (bits & 0x000FFFFFFFFFFFFFull) | 0x3FF0000000000000ull;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  /* ln m = 2 artanh(t), t = (m - 1) / (m + 1), |t| <= 0.172 */
  double t = (m - 1.0) / (m + 1.0);
  double t2 = t * t;
  double sum = 0.0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * t2 + 1.0 / k;
  return exponent * ln2_high + (exponent * ln2_low + 2.0 * t * sum);
}

double ink_pow(double base, double exponent) { return ink_exp(exponent * ink_log(base)); }

void ink_sincos(double x, double *sine, double *cosine) {
  /* x = quadrant * pi/2 + r in three parts of pi/2 (Cody and Waite, 1980), |r| <= pi/4. */
  double quadrants = x * 0.6366197723675814;
  int64_t quadrant = (int64_t)(quadrants + (quadrants < 0 ? -0.5 : 0.5));
  double q = (double)quadrant;
  double r = ((x - q * 0x1.921fb54400000p+0) - q * 0x1.0b4611a600000p-34) - q * 0x1.3198a2e037073p-69;
  double r2 = r * r;
  double s = 1.0, c = 1.0;
  for (int k = 8; k >= 1; k--) {
    s = 1.0 - s * r2 / ((2 * k) * (2 * k + 1));
    c = 1.0 - c * r2 / ((2 * k - 1) * (2 * k));
  }
  s *= r;
  switch (quadrant & 3) {
  case 0: *sine = s, *cosine = c; break;
  case 1: *sine = c, *cosine = -s; break;
  case 2: *sine = -s, *cosine = -c; break;
  default: *sine = -c, *cosine = s; break;
  }
}
