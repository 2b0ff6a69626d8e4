/* The reference: quantised products straight from the definition of a block, one row and one token
 * at a time. */
#include "kernels/vec_scalar.h"

#include <string.h>

#include "kernels/float_ops.h"
#include "kernels/table.h"

static float half_at(const uint8_t *p) {
  uint16_t half;
  memcpy(&half, p, sizeof half);
  return ink_f32_of_f16(half);
}

/* The integer weight of row r, column c in a block of a panel (format/panel.h). */
static inline int32_t weight_at(ink_type type, const uint8_t *block, uint32_t r, uint32_t c) {
  switch (type) {
  case INK_TYPE_Q4_0:
  case INK_TYPE_Q4_1: {
    const uint8_t *groups = block + (type == INK_TYPE_Q4_1 ? 16 : 8);
    uint32_t low = c % 16;
    uint8_t byte = groups[low / 4 * 16 + 4 * r + low % 4];
    int32_t nibble = c < 16 ? byte & 15 : byte >> 4;
    return type == INK_TYPE_Q4_0 ? nibble - 8 : nibble;
  }
  default: return ((const int8_t *)block)[8 + c / 4 * 16 + 4 * r + c % 4]; /* Q8_0 */
  }
}

static inline float dot_row(ink_type type, const ink_matmul *job, uint32_t row, uint32_t token) {
  uint32_t n_cols = job->weights->n_cols;
  size_t block_bytes = ink_type_get_traits(type)->block_bytes * INK_PANEL_ROWS;
  const uint8_t *block =
      job->weights->data + row / INK_PANEL_ROWS * ink_panel_bytes(type, n_cols);
  uint32_t r = row % INK_PANEL_ROWS;
  token_place at = place_of_token(token, job->n_tokens);
  uint32_t t = token - at.first;
  const int16_t *q = job->x.q + (size_t)at.first * n_cols + 4 * t;
  const float *d = job->x.d + (size_t)at.first * (n_cols / INK_BLOCK) + t;
  const float *s = job->x.s + (size_t)at.first * (n_cols / INK_BLOCK) + t;
  float sum = 0.0f;
  for (uint32_t b = 0; b < n_cols / INK_BLOCK; b++, block += block_bytes) {
    int32_t products = 0;
    for (uint32_t c = 0; c < INK_BLOCK; c++) {
      products += weight_at(type, block, r, c) * q[c / 4 * 4 * at.width + c % 4];
    }
    float term = (half_at(block + 2 * r) * *d) * (float)products;
    if (type == INK_TYPE_Q4_1) term = term + half_at(block + 8 + 2 * r) * *s;
    sum = sum + term;
    q += INK_BLOCK * at.width;
    d += at.width;
    s += at.width;
  }
  return sum;
}

static inline void matmul_blocks(ink_type type, const ink_matmul *job) {
  for (uint32_t row = job->first_row; row < job->end_row; row++) {
    for (uint32_t t = 0; t < job->n_tokens; t++) {
      job->y[t * job->y_stride + row] = dot_row(type, job, row, t);
    }
  }
}

static void matmul_q4_0(const ink_matmul *job) { matmul_blocks(INK_TYPE_Q4_0, job); }
static void matmul_q4_1(const ink_matmul *job) { matmul_blocks(INK_TYPE_Q4_1, job); }
static void matmul_q8_0(const ink_matmul *job) { matmul_blocks(INK_TYPE_Q8_0, job); }

const ink_kernels ink_kernels_scalar = INK_KERNELS_TABLE("scalar");
