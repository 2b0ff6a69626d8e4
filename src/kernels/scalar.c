/* The reference: quantised products straight from the definition of a block. */
#include "kernels/vec_scalar.h"

#include "kernels/activation_ops.h"
#include "kernels/float_ops.h"
#include "kernels/table.h"

/* Row r's part of an unpacked block: the scales of 16 columns go into the integers. */
static void set_row(const ink_columns *columns, uint32_t r, ink_unpacked_block *out) {
  out->d[r] = columns->d;
  out->m[r] = columns->m[1];
  out->m_low[r] = columns->m[0] - columns->m[1];
  for (uint32_t c = 0; c < INK_BLOCK; c++) {
    out->q[c / 4][r][c % 4] = (int16_t)(columns->scale[c / 16] * columns->q[c]);
  }
}

static void unpack_panel(const ink_tensor *weights, const uint8_t *panel, ink_unpacked_block *out) {
  const ink_type_traits *traits = ink_type_get_traits(weights->type);
  uint32_t n_parts = traits->block_columns / INK_BLOCK;
  for (uint32_t c = 0; c < weights->n_cols; c += traits->block_columns) {
    for (uint32_t r = 0; r < INK_PANEL_ROWS; r++) {
      uint8_t block[INK_MAX_BLOCK_BYTES];
      ink_panel_extract_block(weights->type, panel, r, block);
      for (uint32_t b = 0; b < n_parts; b++) {
        ink_columns columns;
        ink_block_unpack(weights->type, block, b, &columns);
        set_row(&columns, r, &out[b]);
      }
    }
    panel += traits->block_bytes * INK_PANEL_ROWS;
    out += n_parts;
  }
}

/* Row r of an unpacked panel times one token; x points at the token in its tile of `width`. */
static float dot_row(uint32_t n_minima, const ink_unpacked_block *block, uint32_t r,
                     uint32_t n_blocks, uint32_t width, ink_activations x) {
  float sum = 0.0f;
  for (uint32_t b = 0; b < n_blocks; b++, block++) {
    int32_t products = 0;
    for (uint32_t g = 0; g < INK_BLOCK / 4; g++, x.q += 4 * width) {
      for (uint32_t i = 0; i < 4; i++) products += block->q[g][r][i] * x.q[i];
    }
    float term = (block->d[r] * x.d[b * width]) * (float)products;
    if (n_minima) term = term + block->m[r] * x.s[b * width];
    if (n_minima > 1) term = term + block->m_low[r] * x.s_low[b * width];
    sum = sum + term;
  }
  return sum;
}

static void matmul(const ink_matmul *job) {
  if (matmul_floats(job)) return;
  uint32_t n_cols = job->weights->n_cols, n_blocks = n_cols / INK_BLOCK;
  uint32_t n_minima = ink_type_get_traits(job->weights->type)->n_minima;
  size_t panel_bytes = (size_t)ink_panel_bytes(job->weights->type, n_cols);
  for (uint32_t row = job->first_row; row < job->end_row; row += INK_PANEL_ROWS) {
    unpack_panel(job->weights, job->weights->data + row / INK_PANEL_ROWS * panel_bytes,
                 job->scratch);
    for (uint32_t token = 0; token < job->n_tokens; token++) {
      token_place at = place_of_token(token, job->n_tokens);
      uint32_t t = token - at.first;
      size_t first = (size_t)at.first * n_blocks + t;
      ink_activations x = {.q = job->x.q + (size_t)at.first * n_cols + 4 * t,
                           .d = job->x.d + first,
                           .s = job->x.s + first,
                           .s_low = job->x.s_low + first};
      for (uint32_t r = 0; r < INK_PANEL_ROWS; r++) {
        job->y[token * job->y_stride + row + r] =
            dot_row(n_minima, job->scratch, r, n_blocks, at.width, x);
      }
    }
  }
}

const ink_kernels ink_kernels_scalar = INK_KERNELS_TABLE("scalar");
