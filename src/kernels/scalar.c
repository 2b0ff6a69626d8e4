/* The reference: quantised products straight from the definition of a block. */
#include "kernels/vec_scalar.h"

#include <string.h>

#include "kernels/activation_ops.h"
#include "kernels/float_ops.h"
#include "kernels/table.h"

static float half_at(const uint8_t *p) {
  uint16_t half;
  memcpy(&half, p, sizeof half);
  return ink_f32_of_f16(half);
}

/* A packed block has the order of an unpacked one: byte k of group g is row k / 4, column k % 4. */
static inline void unpack_block(ink_type type, const uint8_t *block, ink_unpacked_block *out) {
  const uint8_t *bytes = block + (type == INK_TYPE_Q4_1 ? 16 : 8);
  for (uint32_t r = 0; r < INK_PANEL_ROWS; r++) {
    out->d[r] = half_at(block + 2 * r);
    out->m[r] = type == INK_TYPE_Q4_1 ? half_at(block + 8 + 2 * r) : 0.0f;
  }
  for (uint32_t g = 0; g < INK_BLOCK / 8; g++) {
    for (uint32_t k = 0; k < 16; k++) {
      if (type == INK_TYPE_Q8_0) {
        out->q[g][k / 4][k % 4] = (int8_t)bytes[16 * g + k];
        out->q[g + 4][k / 4][k % 4] = (int8_t)bytes[16 * (g + 4) + k];
      } else {
        int offset = type == INK_TYPE_Q4_0 ? 8 : 0;
        out->q[g][k / 4][k % 4] = (int16_t)((bytes[16 * g + k] & 15) - offset);
        out->q[g + 4][k / 4][k % 4] = (int16_t)((bytes[16 * g + k] >> 4) - offset);
      }
    }
  }
}

/* Row r of an unpacked panel times one token; q, d and s point at the token in its tile. */
static inline float dot_row(ink_type type, const ink_unpacked_block *block, uint32_t r,
                            uint32_t n_blocks, uint32_t width, const int16_t *q, const float *d,
                            const float *s) {
  float sum = 0.0f;
  for (uint32_t b = 0; b < n_blocks; b++, block++, d += width, s += width) {
    int32_t products = 0;
    for (uint32_t g = 0; g < INK_BLOCK / 4; g++, q += 4 * width) {
      for (uint32_t i = 0; i < 4; i++) products += block->q[g][r][i] * q[i];
    }
    float term = (block->d[r] * *d) * (float)products;
    if (type == INK_TYPE_Q4_1) term = term + block->m[r] * *s;
    sum = sum + term;
  }
  return sum;
}

static inline void matmul_blocks(ink_type type, const ink_matmul *job) {
  uint32_t n_cols = job->weights->n_cols, n_blocks = n_cols / INK_BLOCK;
  size_t block_bytes = ink_type_get_traits(type)->block_bytes * INK_PANEL_ROWS;
  for (uint32_t row = job->first_row; row < job->end_row; row += INK_PANEL_ROWS) {
    const uint8_t *panel = job->weights->data + row / INK_PANEL_ROWS * n_blocks * block_bytes;
    for (uint32_t b = 0; b < n_blocks; b++) {
      unpack_block(type, panel + b * block_bytes, &job->scratch[b]);
    }
    for (uint32_t token = 0; token < job->n_tokens; token++) {
      token_place at = place_of_token(token, job->n_tokens);
      uint32_t t = token - at.first;
      const int16_t *q = job->x.q + (size_t)at.first * n_cols + 4 * t;
      const float *d = job->x.d + (size_t)at.first * n_blocks + t;
      const float *s = job->x.s + (size_t)at.first * n_blocks + t;
      for (uint32_t r = 0; r < INK_PANEL_ROWS; r++) {
        job->y[token * job->y_stride + row + r] =
            dot_row(type, job->scratch, r, n_blocks, at.width, q, d, s);
      }
    }
  }
}

static void matmul_q4_0(const ink_matmul *job) { matmul_blocks(INK_TYPE_Q4_0, job); }
static void matmul_q4_1(const ink_matmul *job) { matmul_blocks(INK_TYPE_Q4_1, job); }
static void matmul_q8_0(const ink_matmul *job) { matmul_blocks(INK_TYPE_Q8_0, job); }

const ink_kernels ink_kernels_scalar = INK_KERNELS_TABLE("scalar");
