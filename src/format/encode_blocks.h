/* The encoders of the K types, and what all encoders write with. */
#ifndef INK_FORMAT_ENCODE_BLOCKS_H
#define INK_FORMAT_ENCODE_BLOCKS_H

#include "base/half.h"

/* A binary16 field of a block; returns what it stands for. */
static inline float ink_put_half(uint8_t *out, float value) {
  uint16_t half = ink_f16_of_f32(value);
  memcpy(out, &half, sizeof half);
  return ink_f32_of_f16(half);
}

/* As ink_encode_row(). */
void ink_encode_q4_k(const float *x, const float *importance, uint32_t n_cols, uint8_t *out);
void ink_encode_q5_k(const float *x, const float *importance, uint32_t n_cols, uint8_t *out);
void ink_encode_q6_k(const float *x, const float *importance, uint32_t n_cols, uint8_t *out);

#endif
