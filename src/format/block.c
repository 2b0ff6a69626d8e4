#include "format/block.h"

#include <stddef.h>
#include <string.h>

#include "base/half.h"

/* ---- What types are ---- */

static const ink_type_traits traits[INK_TYPE_END] = {
    [INK_TYPE_F32] = {"F32", 1, 4, 0, 0, 0, 0, 0, false},
    [INK_TYPE_F16] = {"F16", 1, 2, 0, 0, 0, 0, 0, false},
    [INK_TYPE_BF16] = {"BF16", 1, 2, 0, 0, 0, 0, 0, false},
    [INK_TYPE_Q4_0] = {"Q4_0", INK_BLOCK, 18, 0, 2, 1, 1, 0, false},
    [INK_TYPE_Q4_1] = {"Q4_1", INK_BLOCK, 20, 0, 2, 2, 2, 1, false},
    [INK_TYPE_Q5_0] = {"Q5_0", INK_BLOCK, 22, 0, 2, 1, 1, 0, false},
    [INK_TYPE_Q5_1] = {"Q5_1", INK_BLOCK, 24, 0, 2, 2, 2, 1, false},
    [INK_TYPE_Q8_0] = {"Q8_0", INK_BLOCK, 34, 0, 2, 1, 1, 0, false},
    [INK_TYPE_IQ4_NL] = {"IQ4_NL", INK_BLOCK, 18, 0, 2, 1, 1, 0, false},
    [INK_TYPE_MXFP4] = {"MXFP4", INK_BLOCK, 17, 0, 1, 1, 0, 0, false},
    [INK_TYPE_Q2_K] = {"Q2_K", INK_SUPER_BLOCK, 84, 80, 2, 2, 2, 2, false},
    [INK_TYPE_Q3_K] = {"Q3_K", INK_SUPER_BLOCK, 110, 108, 2, 1, 1, 0, false},
    [INK_TYPE_Q4_K] = {"Q4_K", INK_SUPER_BLOCK, 144, 0, 2, 2, 2, 1, false},
    [INK_TYPE_Q5_K] = {"Q5_K", INK_SUPER_BLOCK, 176, 0, 2, 2, 2, 1, false},
    [INK_TYPE_Q6_K] = {"Q6_K", INK_SUPER_BLOCK, 210, 208, 2, 1, 1, 0, false},
    [INK_TYPE_IQ4_XS] = {"IQ4_XS", INK_SUPER_BLOCK, 136, 0, 2, 2, 1, 0, false},
    [INK_TYPE_TQ1_0] = {"TQ1_0", INK_SUPER_BLOCK, 54, 52, 2, 1, 1, 0, true},
    [INK_TYPE_TQ2_0] = {"TQ2_0", INK_SUPER_BLOCK, 66, 64, 2, 1, 1, 0, true},
};

const ink_type_traits *ink_type_get_traits(uint32_t type) {
  if (type >= INK_TYPE_END || !traits[type].name) return NULL;
  return &traits[type];
}

const char *ink_type_name(uint32_t type) {
  static const char *const names[] = {
      "F32",     "F16",   "Q4_0",    "Q4_1",    "Q4_2",  "Q4_3",    "Q5_0",    "Q5_1",
      "Q8_0",    "Q8_1",  "Q2_K",    "Q3_K",    "Q4_K",  "Q5_K",    "Q6_K",    "Q8_K",
      "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S",  "IQ4_NL", "IQ3_S",  "IQ2_S",   "IQ4_XS",
      "I8",      "I16",   "I32",     "I64",     "F64",   "IQ1_M",   "BF16",    "Q4_0_4_4",
      "Q4_0_4_8", "Q4_0_8_8", "TQ1_0", "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4",
  };
  return type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}

/* ---- What their bytes mean ---- */

const int8_t ink_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                   1,    13,   25,  38,  53,  69,  89,  113};
const int8_t ink_e2m1_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static float half_at(const uint8_t *p) {
  uint16_t half;
  memcpy(&half, p, sizeof half);
  return ink_f32_of_f16(half);
}

/* q = the bits `mask` of 32 bytes, shifted down. */
static void take_plane(const uint8_t *plane, uint32_t shift, uint32_t mask, int8_t *q) {
  for (uint32_t c = 0; c < INK_BLOCK; c++) q[c] = (int8_t)(plane[c] >> shift & mask);
}

/* q += (the bits `mask` of 32 bytes, shifted down) * 2^up. */
static void add_plane(const uint8_t *plane, uint32_t shift, uint32_t mask, uint32_t up, int8_t *q) {
  for (uint32_t c = 0; c < INK_BLOCK; c++) {
    q[c] = (int8_t)(q[c] + (int)((plane[c] >> shift & mask) << up));
  }
}

static void take_nibbles(const uint8_t *bytes, int8_t *q) {
  for (uint32_t c = 0; c < INK_BLOCK / 2; c++) {
    q[c] = (int8_t)(bytes[c] & 15);
    q[c + 16] = (int8_t)(bytes[c] >> 4);
  }
}

static void add_bits(const uint8_t *bits, int8_t *q) {
  for (uint32_t c = 0; c < INK_BLOCK; c++) {
    q[c] = (int8_t)(q[c] + ((bits[c / 8] >> c % 8 & 1) << 4));
  }
}

static void subtract(int offset, int8_t *q) {
  for (uint32_t c = 0; c < INK_BLOCK; c++) q[c] = (int8_t)(q[c] - offset);
}

static void look_up(const int8_t *values, int8_t *q) {
  for (uint32_t c = 0; c < INK_BLOCK; c++) q[c] = values[q[c]];
}

/* Scale and minimum b of Q4_K and Q5_K. */
static void take_k_scale(const uint8_t *block, uint32_t b, ink_columns *out) {
  const uint8_t *s = block + 4;
  int scale = s[b] & 63, minimum = s[b + 4] & 63;
  if (b > 3) {
    scale = (s[b + 4] & 15) | s[b - 4] >> 6 << 4;
    minimum = s[b + 4] >> 4 | s[b] >> 6 << 4;
  }
  out->d = half_at(block) * (float)scale;
  out->m[0] = out->m[1] = -(half_at(block + 2) * (float)minimum);
}

static void unpack_q2_k(const uint8_t *block, uint32_t b, ink_columns *out) {
  out->d = half_at(block + 80);
  for (uint32_t h = 0; h < 2; h++) {
    uint8_t s = block[2 * b + h];
    out->scale[h] = (int8_t)(s & 15);
    out->m[h] = -(half_at(block + 82) * (float)(s >> 4));
  }
  take_plane(block + 16 + b / 4 * 32, b % 4 * 2, 3, out->q);
}

static void unpack_q3_k(const uint8_t *block, uint32_t b, ink_columns *out) {
  const uint8_t *s = block + 96;
  out->d = half_at(block + 108);
  for (uint32_t h = 0; h < 2; h++) {
    uint32_t i = 2 * b + h;
    int low = s[i % 8] >> i / 8 * 4 & 15, high = s[8 + i % 4] >> i / 4 * 2 & 3;
    out->scale[h] = (int8_t)((low | high << 4) - 32);
  }
  take_plane(block + 32 + b / 4 * 32, b % 4 * 2, 3, out->q);
  add_plane(block, b, 1, 2, out->q);
  subtract(4, out->q);
}

static void unpack_q6_k(const uint8_t *block, uint32_t b, ink_columns *out) {
  out->d = half_at(block + 208);
  memcpy(out->scale, block + 192 + 2 * b, 2);
  take_plane(block + b / 4 * 64 + b % 2 * 32, b % 4 / 2 * 4, 15, out->q);
  add_plane(block + 128 + b / 4 * 32, b % 4 * 2, 3, 4, out->q);
  subtract(32, out->q);
}

static void unpack_iq4_xs(const uint8_t *block, uint32_t b, ink_columns *out) {
  uint32_t high = block[2 + b / 4] >> b % 4 * 2 & 3;
  uint32_t low = block[4 + b / 2] >> b % 2 * 4 & 15;
  out->d = half_at(block) * (float)((int)(low | high << 4) - 32);
  take_nibbles(block + 8 + 16 * b, out->q);
  look_up(ink_iq4_values, out->q);
}

/* Digit n of a byte of five digits in base 3. */
static int8_t trit(uint8_t byte, uint32_t n) {
  static const uint8_t powers[] = {1, 3, 9, 27, 81};
  return (int8_t)((uint8_t)(byte * powers[n]) * 3 >> 8);
}

static void unpack_tq1_0(const uint8_t *block, uint32_t b, ink_columns *out) {
  out->d = half_at(block + 52);
  for (uint32_t i = 0; i < INK_BLOCK; i++) {
    uint32_t c = b * INK_BLOCK + i;
    if (c < 160) {
      out->q[i] = trit(block[c % 32], c / 32);
    } else if (c < 240) {
      out->q[i] = trit(block[32 + c % 16], (c - 160) / 16);
    } else {
      out->q[i] = trit(block[48 + c % 4], (c - 240) / 4);
    }
  }
  subtract(1, out->q);
}

void ink_block_unpack(ink_type type, const uint8_t *block, uint32_t b, ink_columns *out) {
  *out = (ink_columns){.scale = {1, 1}};
  switch (type) {
  case INK_TYPE_F32:
  case INK_TYPE_F16:
  case INK_TYPE_BF16: break; /* no blocks */
  case INK_TYPE_Q4_0:
    out->d = half_at(block);
    take_nibbles(block + 2, out->q);
    subtract(8, out->q);
    break;
  case INK_TYPE_Q4_1:
    out->d = half_at(block);
    out->m[0] = out->m[1] = half_at(block + 2);
    take_nibbles(block + 4, out->q);
    break;
  case INK_TYPE_Q5_0:
    out->d = half_at(block);
    take_nibbles(block + 6, out->q);
    add_bits(block + 2, out->q);
    subtract(16, out->q);
    break;
  case INK_TYPE_Q5_1:
    out->d = half_at(block);
    out->m[0] = out->m[1] = half_at(block + 2);
    take_nibbles(block + 8, out->q);
    add_bits(block + 4, out->q);
    break;
  case INK_TYPE_Q8_0:
    out->d = half_at(block);
    memcpy(out->q, block + 2, INK_BLOCK);
    break;
  case INK_TYPE_IQ4_NL:
    out->d = half_at(block);
    take_nibbles(block + 2, out->q);
    look_up(ink_iq4_values, out->q);
    break;
  case INK_TYPE_MXFP4: /* in two steps, for 2^-128 is subnormal */
    out->d = ink_f32_of_bits((uint32_t)(block[0] + 1) << 23) * 0.25f;
    take_nibbles(block + 1, out->q);
    look_up(ink_e2m1_values, out->q);
    break;
  case INK_TYPE_Q2_K: unpack_q2_k(block, b, out); break;
  case INK_TYPE_Q3_K: unpack_q3_k(block, b, out); break;
  case INK_TYPE_Q4_K:
    take_k_scale(block, b, out);
    take_plane(block + 16 + b / 2 * 32, b % 2 * 4, 15, out->q);
    break;
  case INK_TYPE_Q5_K:
    take_k_scale(block, b, out);
    take_plane(block + 48 + b / 2 * 32, b % 2 * 4, 15, out->q);
    add_plane(block + 16, b, 1, 4, out->q);
    break;
  case INK_TYPE_Q6_K: unpack_q6_k(block, b, out); break;
  case INK_TYPE_IQ4_XS: unpack_iq4_xs(block, b, out); break;
  case INK_TYPE_TQ1_0: unpack_tq1_0(block, b, out); break;
  case INK_TYPE_TQ2_0:
    out->d = half_at(block + 64);
    take_plane(block + b / 4 * 32, b % 4 * 2, 3, out->q);
    subtract(1, out->q);
    break;
  }
}

bool ink_block_is_finite(ink_type type, const uint8_t *block) {
  if (type == INK_TYPE_MXFP4) return block[0] <= 252; /* 255: NaN; above 252 12 * d is too large */
  bool finite = true;
  for (uint32_t i = 0; i < traits[type].n_halves; i++) {
    uint16_t half;
    memcpy(&half, block + traits[type].narrow_at + 2 * i, sizeof half);
    finite &= ink_f16_is_finite(half);
  }
  return finite;
}

void ink_columns_dequantize(ink_type type, const ink_columns *columns, float *out) {
  bool has_minima = traits[type].n_minima > 0; /* adding 0 would turn -0 into 0 */
  for (uint32_t c = 0; c < INK_BLOCK; c++) {
    uint32_t h = c / 16;
    float w = columns->d * columns->scale[h] * columns->q[c];
    out[c] = has_minima ? w + columns->m[h] : w;
  }
}
