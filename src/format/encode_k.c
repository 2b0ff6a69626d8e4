/* The K types: 256 columns share f16 scales for the scales of their sub-blocks. */
#include <math.h>
#include <string.h>

#include "format/encode_blocks.h"
#include "format/encode_fit.h"
#include "format/encode.h"

#define SUPER 256u /* columns in a super-block */

/* ---- Q4_K and Q5_K: 8 sub-blocks of 32, w = d * scale * q - dmin * min, scale and min 0..63 ---- */

#define N_SUB 8u
#define SUB 32u
#define TOP_SCALE 63

/* How much an error in each of 32 columns costs: with importance as for the other types, without it
 * more for large values. */
static void weigh(const float *x, const float *importance, float mean_square, float *w) {
  if (importance) {
    for (uint32_t i = 0; i < SUB; i++) w[i] = importance[i] * sqrtf(mean_square + x[i] * x[i]);
    return;
  }
  float sum = 0.0f;
  for (uint32_t i = 0; i < SUB; i++) sum += x[i] * x[i];
  float typical = sqrtf(sum / (float)SUB);
  for (uint32_t i = 0; i < SUB; i++) w[i] = typical + fabsf(x[i]);
}

static float mean_square_of(const float *x, uint32_t n) {
  float sum = 0.0f;
  for (uint32_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sum / (float)n;
}

/* 8 scales and 8 minimums of 6 bits in 12 bytes. */
static void pack_scales(const uint8_t *scales, const uint8_t *mins, uint8_t *out) {
  for (uint32_t j = 0; j < 4; j++) {
    out[j] = (uint8_t)(scales[j] | scales[j + 4] >> 4 << 6);
    out[j + 4] = (uint8_t)(mins[j] | mins[j + 4] >> 4 << 6);
    out[j + 8] = (uint8_t)((scales[j + 4] & 15) | (mins[j + 4] & 15) << 4);
  }
}

/* The block's first 16 bytes (d, dmin, scales and minimums), and its levels. */
static void encode_affine(const float *x, const float *importance, int32_t top, uint8_t *head,
                          uint8_t *levels) {
  float d[N_SUB], m[N_SUB], largest_d = 0.0f, largest_m = 0.0f;
  float mean_square = 2.0f * mean_square_of(x, SUPER);
  for (uint32_t j = 0; j < N_SUB; j++) {
    float w[SUB];
    weigh(x + j * SUB, importance ? importance + j * SUB : NULL, mean_square, w);
    ink_affine fit = ink_fit_affine(x + j * SUB, w, SUB, top, false);
    d[j] = fit.d;
    m[j] = -fit.m;
    largest_d = d[j] > largest_d ? d[j] : largest_d;
    largest_m = m[j] > largest_m ? m[j] : largest_m;
  }
  float d_step = ink_put_half(head, largest_d / (float)TOP_SCALE);
  float m_step = ink_put_half(head + 2, largest_m / (float)TOP_SCALE);
  float d_inverse = largest_d > 0.0f ? (float)TOP_SCALE / largest_d : 0.0f;
  float m_inverse = largest_m > 0.0f ? (float)TOP_SCALE / largest_m : 0.0f;
  uint8_t scales[N_SUB], mins[N_SUB];
  for (uint32_t j = 0; j < N_SUB; j++) {
    scales[j] = (uint8_t)ink_clamp(ink_round(d_inverse * d[j]), 0, TOP_SCALE);
    mins[j] = (uint8_t)ink_clamp(ink_round(m_inverse * m[j]), 0, TOP_SCALE);
    /* Levels by the scales as they will be read. */
    float scale = d_step * (float)scales[j], min = m_step * (float)mins[j];
    float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
    for (uint32_t i = 0; i < SUB; i++) {
      float level = (x[j * SUB + i] + min) * inverse;
      level = level < 0.0f ? 0.0f : level > (float)top ? (float)top : level;
      levels[j * SUB + i] = (uint8_t)ink_round(level);
    }
  }
  pack_scales(scales, mins, head + 4);
}

/* Sub-blocks 2g and 2g + 1 share 32 bytes: low nibbles the first, high ones the second. */
static void put_nibbles(const uint8_t *levels, uint8_t *out) {
  for (uint32_t g = 0; g < SUPER / 64; g++) {
    for (uint32_t i = 0; i < 32; i++) {
      out[32 * g + i] = (uint8_t)((levels[64 * g + i] & 15) | levels[64 * g + 32 + i] << 4);
    }
  }
}

void ink_encode_q4_k(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  for (uint32_t c = 0; c < n_cols; c += SUPER, out += 144) {
    uint8_t levels[SUPER];
    encode_affine(x + c, importance ? importance + c : NULL, 15, out, levels);
    put_nibbles(levels, out + 16);
  }
}

void ink_encode_q5_k(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  for (uint32_t c = 0; c < n_cols; c += SUPER, out += 176) {
    uint8_t levels[SUPER];
    encode_affine(x + c, importance ? importance + c : NULL, 31, out, levels);
    for (uint32_t i = 0; i < SUB; i++) { /* bit j of byte i: column i of sub-block j */
      uint32_t bits = 0;
      for (uint32_t j = 0; j < N_SUB; j++) bits |= (uint32_t)(levels[j * SUB + i] >> 4) << j;
      out[16 + i] = (uint8_t)bits;
    }
    put_nibbles(levels, out + 48);
  }
}

/* ---- Q6_K: 16 sub-blocks of 16, w = d * scale * (q - 32), scale -128..127 ---- */

#define N_SUB6 16u
#define SUB6 16u

static void weigh6(const float *x, const float *importance, float *w) {
  for (uint32_t i = 0; i < SUB6; i++) w[i] = importance ? importance[i] : x[i] * x[i];
}

/* Four columns that are 32 apart share the bits of three bytes. */
static void put_q6(const uint8_t *levels, uint8_t *low, uint8_t *high) {
  for (uint32_t half = 0; half < 2; half++) {
    for (uint32_t i = 0; i < 32; i++) {
      const uint8_t *q = levels + 128 * half + i;
      low[64 * half + i] = (uint8_t)((q[0] & 15) | q[64] << 4);
      low[64 * half + 32 + i] = (uint8_t)((q[32] & 15) | q[96] << 4);
      high[32 * half + i] =
          (uint8_t)(q[0] >> 4 | q[32] >> 4 << 2 | q[64] >> 4 << 4 | q[96] >> 4 << 6);
    }
  }
}

static void encode_block_q6_k(const float *x, const float *importance, uint8_t *out) {
  float d[N_SUB6], extreme = 0.0f, w[SUB6];
  for (uint32_t j = 0; j < N_SUB6; j++) {
    int8_t ignored[SUB6];
    weigh6(x + j * SUB6, importance ? importance + j * SUB6 : NULL, w);
    d[j] = ink_fit_scale(x + j * SUB6, w, SUB6, 32, ignored);
    if (fabsf(d[j]) > fabsf(extreme)) extreme = d[j];
  }
  float inverse = extreme != 0.0f ? -128.0f / extreme : 0.0f;
  float step = ink_put_half(out + 208, extreme / -128.0f);
  uint8_t levels[SUPER];
  for (uint32_t j = 0; j < N_SUB6; j++) {
    int32_t scale = ink_clamp(ink_round(inverse * d[j]), -128, 127);
    out[192 + j] = (uint8_t)(int8_t)scale;
    float unit = step * (float)scale;
    float unit_inverse = unit != 0.0f ? 1.0f / unit : 0.0f;
    for (uint32_t i = 0; i < SUB6; i++) {
      float level = x[j * SUB6 + i] * unit_inverse;
      level = level < -32.0f ? -32.0f : level > 31.0f ? 31.0f : level;
      levels[j * SUB6 + i] = (uint8_t)(ink_round(level) + 32);
    }
  }
  put_q6(levels, out, out + 128);
}

void ink_encode_q6_k(const float *x, const float *importance, uint32_t n_cols, uint8_t *out) {
  for (uint32_t c = 0; c < n_cols; c += SUPER, out += 210) {
    encode_block_q6_k(x + c, importance ? importance + c : NULL, out);
  }
}
