#include "format/panel.h"

#include <string.h>

#include "base/half.h"

uint64_t ink_panel_bytes(ink_type type, uint32_t n_cols) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  if (traits->block_columns == 1) return 0;
  return (uint64_t)n_cols / traits->block_columns * traits->block_bytes * INK_PANEL_ROWS;
}

uint64_t ink_tensor_bytes(ink_type type, uint32_t n_rows, uint32_t n_cols) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  if (traits->block_columns == 1) return (uint64_t)n_rows * n_cols * traits->block_bytes;
  uint64_t panels = ((uint64_t)n_rows + INK_PANEL_ROWS - 1) / INK_PANEL_ROWS;
  return panels * ink_panel_bytes(type, n_cols);
}

static ink_status not_finite(const ink_tensor *tensor, uint64_t row, ink_error *error) {
  return ink_fail(error, INK_ERR_BAD_MODEL,
                  "tensor '%.*s' holds a value that is infinite or not a number in row %llu; the "
                  "file is damaged",
                  INK_STR_ARGS(tensor->name), (unsigned long long)row);
}

static ink_status check_scalars(const ink_tensor *tensor, ink_error *error) {
  for (uint64_t row = 0; row < tensor->n_rows; row++) {
    bool finite = true;
    if (tensor->type == INK_TYPE_F32) {
      const float *values = (const float *)(const void *)tensor->data + row * tensor->n_cols;
      for (uint32_t c = 0; c < tensor->n_cols; c++) {
        finite &= (ink_bits_of_f32(values[c]) & 0x7F800000u) != 0x7F800000u;
      }
    } else {
      const uint16_t *values = (const uint16_t *)(const void *)tensor->data + row * tensor->n_cols;
      for (uint32_t c = 0; c < tensor->n_cols; c++) finite &= ink_f16_is_finite(values[c]);
    }
    if (!finite) return not_finite(tensor, row, error);
  }
  return INK_OK;
}

/* Regroups the blocks of 4 rows that cover the same columns: `rows` are row_bytes apart. */
static bool interleave_blocks(const ink_type_traits *traits, const uint8_t *rows, size_t row_bytes,
                              uint8_t *out) {
  size_t halves = traits->n_halves * sizeof(uint16_t);
  size_t groups = (traits->block_bytes - halves) / 4;
  bool finite = true;
  for (size_t h = 0; h < traits->n_halves; h++) {
    for (size_t r = 0; r < INK_PANEL_ROWS; r++) {
      uint16_t half;
      memcpy(&half, rows + r * row_bytes + h * sizeof half, sizeof half);
      finite &= ink_f16_is_finite(half);
      memcpy(out, &half, sizeof half);
      out += sizeof half;
    }
  }
  for (size_t g = 0; g < groups; g++) {
    for (size_t r = 0; r < INK_PANEL_ROWS; r++) {
      memcpy(out, rows + r * row_bytes + halves + 4 * g, 4);
      out += 4;
    }
  }
  return finite;
}

ink_status ink_panel_repack(ink_tensor *tensor, uint8_t *scratch, ink_error *error) {
  const ink_type_traits *traits = ink_type_get_traits(tensor->type);
  if (traits->block_columns == 1) return check_scalars(tensor, error);

  size_t panel_bytes = (size_t)ink_panel_bytes(tensor->type, tensor->n_cols);
  size_t row_bytes = panel_bytes / INK_PANEL_ROWS;
  size_t file_bytes = row_bytes * tensor->n_rows;
  size_t bytes = (size_t)ink_tensor_bytes(tensor->type, tensor->n_rows, tensor->n_cols);
  memset(tensor->data + file_bytes, 0, bytes - file_bytes);
  for (size_t at = 0; at < bytes; at += panel_bytes) {
    bool finite = true;
    memcpy(scratch, tensor->data + at, panel_bytes);
    for (size_t b = 0; b < row_bytes; b += traits->block_bytes) {
      finite &= interleave_blocks(traits, scratch + b, row_bytes,
                                  tensor->data + at + b * INK_PANEL_ROWS);
    }
    if (!finite) return not_finite(tensor, at / row_bytes, error);
  }
  return INK_OK;
}

static float load_half(const uint8_t *p) {
  uint16_t half;
  memcpy(&half, p, sizeof half);
  return ink_f32_of_f16(half);
}

static void dequantize_block(ink_type type, const uint8_t *block, uint32_t r, float *out) {
  float d = load_half(block + 2 * r);
  switch (type) {
  case INK_TYPE_Q4_0:
  case INK_TYPE_Q4_1: {
    bool has_min = type == INK_TYPE_Q4_1;
    float m = has_min ? load_half(block + 8 + 2 * r) : -8.0f * d;
    const uint8_t *groups = block + (has_min ? 16 : 8);
    for (uint32_t c = 0; c < INK_BLOCK / 2; c++) {
      uint8_t byte = groups[c / 4 * 16 + 4 * r + c % 4];
      out[c] = d * (float)(byte & 15) + m;
      out[c + 16] = d * (float)(byte >> 4) + m;
    }
    break;
  }
  case INK_TYPE_Q8_0: {
    const int8_t *groups = (const int8_t *)block + 8;
    for (uint32_t c = 0; c < INK_BLOCK; c++) out[c] = d * groups[c / 4 * 16 + 4 * r + c % 4];
    break;
  }
  case INK_TYPE_F32:
  case INK_TYPE_F16: break; /* no blocks */
  }
}

void ink_tensor_dequantize_row(const ink_tensor *tensor, uint32_t row, float *out) {
  uint64_t first = (uint64_t)row * tensor->n_cols;
  if (tensor->type == INK_TYPE_F32) {
    memcpy(out, (const float *)(const void *)tensor->data + first, tensor->n_cols * sizeof *out);
    return;
  }
  if (tensor->type == INK_TYPE_F16) {
    const uint16_t *halves = (const uint16_t *)(const void *)tensor->data + first;
    for (uint32_t c = 0; c < tensor->n_cols; c++) out[c] = ink_f32_of_f16(halves[c]);
    return;
  }
  size_t block_bytes = ink_type_get_traits(tensor->type)->block_bytes * INK_PANEL_ROWS;
  const uint8_t *block =
      tensor->data + row / INK_PANEL_ROWS * ink_panel_bytes(tensor->type, tensor->n_cols);
  for (uint32_t c = 0; c < tensor->n_cols; c += INK_BLOCK, block += block_bytes) {
    dequantize_block(tensor->type, block, row % INK_PANEL_ROWS, out + c);
  }
}
