/* IEEE 754 binary16, by integer arithmetic: the same bits on every machine. */
#ifndef INK_BASE_HALF_H
#define INK_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t ink_bits_of_f32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float ink_f32_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Exact for finite values, subnormals too (the multiplication moves the exponent's bias). Infinity
 * and NaN come out as 65536 and more: weights hold neither, they are refused while loading. */
static inline float ink_f32_of_f16(uint16_t half) {
  uint32_t magnitude = (uint32_t)(half & 0x7FFFu) << 13;
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  float scaled = ink_f32_of_bits(magnitude) * 0x1p112f;
  return ink_f32_of_bits(ink_bits_of_f32(scaled) | sign);
}

static inline int ink_f16_is_finite(uint16_t half) { return (half & 0x7C00u) != 0x7C00u; }

/* Exact, subnormals too. */
static inline float ink_f32_of_bf16(uint16_t bits) { return ink_f32_of_bits((uint32_t)bits << 16); }

/* Rounds finite values to nearest, ties to even; what is too large becomes the largest finite one. */
static inline uint16_t ink_bf16_of_f32(float value) {
  uint32_t bits = ink_bits_of_f32(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
  uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude >= 0x7F7F8000u) return sign | 0x7F7Fu;
  return sign | (uint16_t)((magnitude + 0x7FFFu + (magnitude >> 16 & 1u)) >> 16);
}

/* Rounds to nearest, ties to even; what is too large becomes the largest finite value, so that one
 * outlier in a KV cache can't turn a whole attention row into NaN. */
static inline uint16_t ink_f16_of_f32(float value) {
  uint32_t bits = ink_bits_of_f32(value);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
  uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude >= 0x477FF000u) return sign | 0x7BFFu;
  if (magnitude < 0x38800000u) { /* subnormal: adding 0.5 aligns the bits to be kept */
    float shifted = ink_f32_of_bits(magnitude) + 0.5f;
    return sign | (uint16_t)(ink_bits_of_f32(shifted) - 0x3F000000u);
  }
  uint32_t odd = magnitude >> 13 & 1u;
  return sign | (uint16_t)((magnitude - 0x38000000u + 0xFFFu + odd) >> 13);
}

#endif
