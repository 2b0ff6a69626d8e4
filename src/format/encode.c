#include "format/encode.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "format/encode_blocks.h"
#include "format/encode_fit.h"

/* ---- Scalars ---- */

static void encode_f32(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  (void)importance;
  memcpy(out, x, n_cols * sizeof *x);
}

static void encode_f16(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  (void)importance;
  for (uint32_t c = 0; c < n_cols; c++) ink_put_half(out + 2 * c, x[c]);
}

/* The upper half of an f32, rounded to nearest, ties to even. */
static void encode_bf16(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  (void)importance;
  for (uint32_t c = 0; c < n_cols; c++) {
    uint32_t bits = ink_bits_of_f32(x[c]);
    uint16_t upper = (uint16_t)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
    memcpy(out + 2 * c, &upper, sizeof upper);
  }
}

/* ---- Blocks of 32 columns ---- */

/* Weights for a fit: importance, and more for large values, which move the result more. `mean_square`
 * is that of the whole row. */
static void weigh(const float *x, const float *importance, float mean_square, float *w) {
  for (uint32_t i = 0; i < INK_BLOCK; i++) w[i] = importance[i] * sqrtf(mean_square + x[i] * x[i]);
}

static float mean_square_of(const float *x, uint32_t n) {
  double sum = 0.0;
  for (uint32_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  return (float)(sum / n);
}

/* What f16 has no room for is 0, in the file too. */
static float inverse_of(float d) { return fabsf(d) > 1e-30f ? 1.0f / d : 0.0f; }

/* Levels 0..31 as nibbles, the lower half of the block in the low ones. */
static void put_nibbles(const uint8_t *levels, uint8_t *out) {
  for (uint32_t i = 0; i < INK_BLOCK / 2; i++) {
    out[i] = (uint8_t)((levels[i] & 15) | levels[i + INK_BLOCK / 2] << 4);
  }
}

static void put_fifth_bits(const uint8_t *levels, uint8_t *out) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < INK_BLOCK; i++) bits |= (uint32_t)(levels[i] >> 4) << i;
  memcpy(out, &bits, sizeof bits);
}

/* w = d * (q - half): the value that is largest without its sign becomes -half. Returns d. */
static float levels_by_extreme(const float *x, int32_t half, uint8_t *levels) {
  float extreme = 0.0f;
  for (uint32_t i = 0; i < INK_BLOCK; i++) {
    if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
  }
  float d = extreme / (float)-half;
  float inverse = inverse_of(d);
  for (uint32_t i = 0; i < INK_BLOCK; i++) {
    int32_t level = (int32_t)(x[i] * inverse + ((float)half + 0.5f));
    levels[i] = (uint8_t)ink_clamp(level, 0, 2 * half - 1);
  }
  return d;
}

static float signed_levels(const float *x, const float *importance, float mean_square, int32_t half,
                           uint8_t *levels) {
  if (!importance) return levels_by_extreme(x, half, levels);
  float w[INK_BLOCK];
  int8_t centred[INK_BLOCK];
  weigh(x, importance, mean_square, w);
  float d = ink_fit_scale(x, w, INK_BLOCK, half, centred);
  for (uint32_t i = 0; i < INK_BLOCK; i++) levels[i] = (uint8_t)(centred[i] + half);
  return d;
}

/* w = d * q + m: from the smallest value to the largest, or fitted. */
static ink_affine affine_levels(const float *x, const float *importance, float mean_square,
                                int32_t top, uint8_t *levels) {
  ink_affine fit;
  if (importance) {
    float w[INK_BLOCK];
    weigh(x, importance, mean_square, w);
    fit = ink_fit_affine(x, w, INK_BLOCK, top, true);
  } else {
    float low = x[0], high = x[0];
    for (uint32_t i = 1; i < INK_BLOCK; i++) {
      low = x[i] < low ? x[i] : low;
      high = x[i] > high ? x[i] : high;
    }
    fit = (ink_affine){(high - low) / (float)top, low};
  }
  float inverse = inverse_of(fit.d);
  for (uint32_t i = 0; i < INK_BLOCK; i++) {
    levels[i] = (uint8_t)ink_clamp((int32_t)((x[i] - fit.m) * inverse + 0.5f), 0, top);
  }
  return fit;
}

/* The row's mean square, which only fits look at. */
static float row_energy(const float *x, const float *importance, uint32_t n_cols) {
  return importance ? mean_square_of(x, n_cols) : 0.0f;
}

static const float *at(const float *importance, uint32_t column) {
  return importance ? importance + column : NULL;
}

static void encode_q4_0(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  float energy = row_energy(x, importance, n_cols);
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK, out += 18) {
    uint8_t levels[INK_BLOCK];
    ink_put_half(out, signed_levels(x + c, at(importance, c), energy, 8, levels));
    put_nibbles(levels, out + 2);
  }
}

static void encode_q4_1(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  float energy = row_energy(x, importance, n_cols);
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK, out += 20) {
    uint8_t levels[INK_BLOCK];
    ink_affine fit = affine_levels(x + c, at(importance, c), energy, 15, levels);
    ink_put_half(out, fit.d);
    ink_put_half(out + 2, fit.m);
    put_nibbles(levels, out + 4);
  }
}

static void encode_q5_0(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  float energy = row_energy(x, importance, n_cols);
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK, out += 22) {
    uint8_t levels[INK_BLOCK];
    ink_put_half(out, signed_levels(x + c, at(importance, c), energy, 16, levels));
    put_fifth_bits(levels, out + 2);
    put_nibbles(levels, out + 6);
  }
}

static void encode_q5_1(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  float energy = row_energy(x, importance, n_cols);
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK, out += 24) {
    uint8_t levels[INK_BLOCK];
    ink_affine fit = affine_levels(x + c, at(importance, c), energy, 31, levels);
    ink_put_half(out, fit.d);
    ink_put_half(out + 2, fit.m);
    put_fifth_bits(levels, out + 4);
    put_nibbles(levels, out + 8);
  }
}

static void encode_q8_0(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  (void)importance; /* at 8 bits there is nothing to gain */
  for (uint32_t c = 0; c < n_cols; c += INK_BLOCK, out += 34) {
    float largest = 0.0f;
    for (uint32_t i = 0; i < INK_BLOCK; i++) {
      largest = fabsf(x[c + i]) > largest ? fabsf(x[c + i]) : largest;
    }
    float d = largest / 127.0f;
    float inverse = inverse_of(d);
    ink_put_half(out, d);
    for (uint32_t i = 0; i < INK_BLOCK; i++) out[2 + i] = (uint8_t)(int8_t)roundf(x[c + i] * inverse);
  }
}

/* ---- All of them ---- */

typedef void (*encoder)(const float *x, const float *importance, uint32_t n_cols, uint8_t *out);

static encoder find_encoder(uint32_t type) {
  switch (type) {
  case INK_TYPE_F32: return encode_f32;
  case INK_TYPE_F16: return encode_f16;
  case INK_TYPE_BF16: return encode_bf16;
  case INK_TYPE_Q4_0: return encode_q4_0;
  case INK_TYPE_Q4_1: return encode_q4_1;
  case INK_TYPE_Q5_0: return encode_q5_0;
  case INK_TYPE_Q5_1: return encode_q5_1;
  case INK_TYPE_Q8_0: return encode_q8_0;
  case INK_TYPE_Q4_K: return ink_encode_q4_k;
  case INK_TYPE_Q5_K: return ink_encode_q5_k;
  case INK_TYPE_Q6_K: return ink_encode_q6_k;
  default: return NULL;
  }
}

bool ink_can_encode(uint32_t type) { return find_encoder(type) != NULL; }

void ink_encode_row(ink_type type, const float *x, const float *importance, uint32_t n_cols,
                    uint8_t *out) {
  find_encoder(type)(x, importance, n_cols, out);
}
