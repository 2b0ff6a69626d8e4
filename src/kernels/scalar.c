/* The reference: quantised products straight from the definition of a block. */
#include "kernels/vec_scalar.h"

#include "kernels/activation_ops.h"
#include "kernels/attention_ops.h"
#include "kernels/float_ops.h"
#include "kernels/quantize_ops.h"
#include "kernels/table.h"

/* 32 columns of 4 rows: w = d * q + m, and in the first 16 columns + m_low. Scales of 16 columns
 * are integers, and already in q. */
typedef struct rows_part {
  float d[INK_PANEL_ROWS], m[INK_PANEL_ROWS], m_low[INK_PANEL_ROWS];
  int16_t q[INK_PANEL_ROWS][INK_BLOCK];
} rows_part;

_Static_assert(sizeof(rows_part) <= sizeof(ink_unpacked_part), "it is kept in a job's scratch");

static void set_row(const ink_columns *columns, uint32_t r, rows_part *out) {
  out->d[r] = columns->d;
  out->m[r] = columns->m[1];
  out->m_low[r] = columns->m[0] - columns->m[1];
  for (uint32_t c = 0; c < INK_BLOCK; c++) {
    out->q[r][c] = (int16_t)(columns->scale[c / 16] * columns->q[c]);
  }
}

static void unpack_panel(const ink_tensor *weights, const uint8_t *panel, rows_part *out) {
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

/* Row r of an unpacked panel times one token. */
static float dot_row(uint32_t n_minima, const rows_part *part, uint32_t r, uint32_t n_parts,
                     token_place x) {
  float sum = 0.0f;
  for (; n_parts > 0; next_part(&x)) {
    int32_t products = 0;
    for (uint32_t c = 0; c < INK_BLOCK; c++) products += part->q[r][c] * x.q[c];
    float term = (part->d[r] * *x.d) * (float)products;
    if (n_minima) term = term + part->m[r] * *x.s;
    if (n_minima > 1) term = term + part->m_low[r] * (*x.d * (float)x.sums[0]);
    sum = sum + term;
    part += !*x.has_residual;
    n_parts -= !*x.has_residual;
  }
  return sum;
}

static void matmul(const ink_matmul *job) {
  if (matmul_floats(job)) return;
  uint32_t n_cols = job->weights->n_cols, n_parts = n_cols / INK_BLOCK;
  uint32_t n_minima = ink_type_get_traits(job->weights->type)->n_minima;
  size_t panel_bytes = (size_t)ink_panel_bytes(job->weights->type, n_cols);
  size_t x_stride = ink_q8_stride(n_parts, job->fine);
  rows_part *panel = (rows_part *)(void *)job->scratch;
  for (uint32_t row = job->first_row; row < job->end_row; row += INK_PANEL_ROWS) {
    unpack_panel(job->weights, job->weights->data + row / INK_PANEL_ROWS * panel_bytes, panel);
    for (uint32_t token = 0; token < job->n_tokens; token++) {
      token_place x = place_of_token((ink_q8_part *)job->x, x_stride, job->n_tokens, token);
      for (uint32_t r = 0; r < INK_PANEL_ROWS; r++) {
        job->y[token * job->y_stride + row + r] = dot_row(n_minima, panel, r, n_parts, x);
      }
    }
  }
}

const ink_kernels ink_kernels_scalar = INK_KERNELS_TABLE("scalar", 0.85f, 0.37f, 0.07f);
