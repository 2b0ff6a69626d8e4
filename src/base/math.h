/* Elementary functions in double precision from +, -, * and / alone.
 *
 * libm's differ in the last bit between C libraries, and rotary angles or a sampler's weights that
 * differ in one bit can change a token. These are the same on every engine. Error below 2 ulp of a
 * double over the ranges stated, which the single-precision users never see. */
#ifndef INK_BASE_MATH_H
#define INK_BASE_MATH_H

double ink_exp(double x);                            /* 0 below -708, infinity above 709 */
double ink_log(double x);                            /* x > 0 */
double ink_pow(double base, double exponent);        /* base > 0 */
void ink_sincos(double x, double *sine, double *cosine); /* |x| < 2^31 */

#endif
