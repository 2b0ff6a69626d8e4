/* format: repacking keeps what blocks mean. */
#include "base/half.h"
#include "check.h"
#include "fixtures.h"
#include "format/panel.h"

/* A block's value by the format's definition (format/block.h). */
static float value_of(ink_type type, const uint8_t *block, uint32_t c) {
  uint16_t halves[2];
  memcpy(halves, block, sizeof halves);
  float d = ink_f32_of_f16(halves[0]);
  if (type == INK_TYPE_Q8_0) return d * (float)(int8_t)block[2 + c];
  const uint8_t *q = block + (type == INK_TYPE_Q4_1 ? 4 : 2);
  int nibble = c < 16 ? q[c] & 15 : q[c - 16] >> 4;
  if (type == INK_TYPE_Q4_0) return d * (float)(nibble - 8);
  return d * (float)nibble + ink_f32_of_f16(halves[1]);
}

static void check_type(ink_type type, uint32_t n_rows, uint32_t n_cols) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  size_t row_bytes = n_cols / INK_BLOCK * traits->block_bytes;
  size_t bytes = (size_t)ink_tensor_bytes(type, n_rows, n_cols);
  uint8_t *rows = malloc(bytes), *data = malloc(bytes);
  uint8_t *scratch = malloc((size_t)ink_panel_bytes(type, n_cols));
  float *out = malloc(n_cols * sizeof *out);
  uint32_t random = 7;
  for (size_t i = 0; i < n_rows * row_bytes; i++) rows[i] = (uint8_t)next_random(&random);
  for (size_t b = 0; b < n_rows * row_bytes; b += traits->block_bytes) {
    for (uint32_t h = 0; h < traits->n_halves; h++) rows[b + 2 * h + 1] &= 0xBB; /* finite */
  }
  memcpy(data, rows, n_rows * row_bytes);
  ink_tensor tensor = {{"t", 1}, type, n_rows, n_cols, data};
  CHECK_STATUS(ink_panel_repack(&tensor, scratch, NULL), INK_OK);
  int wrong = 0;
  for (uint32_t r = 0; r < n_rows; r++) {
    ink_tensor_dequantize_row(&tensor, r, out);
    for (uint32_t c = 0; c < n_cols; c++) {
      const uint8_t *block = rows + r * row_bytes + c / INK_BLOCK * traits->block_bytes;
      wrong += out[c] != value_of(type, block, c % INK_BLOCK);
    }
  }
  CHECK_EQ(wrong, 0);
  rows[row_bytes + 1] = 0x7C; /* row 1's first scale becomes infinite or not a number */
  memcpy(data, rows, n_rows * row_bytes);
  ink_error error;
  CHECK_STATUS(ink_panel_repack(&tensor, scratch, &error), INK_ERR_BAD_MODEL);
  free(rows);
  free(data);
  free(scratch);
  free(out);
}

static void repacking_keeps_every_value(void) {
  static const ink_type types[] = {INK_TYPE_Q4_0, INK_TYPE_Q4_1, INK_TYPE_Q8_0};
  for (size_t i = 0; i < 3; i++) {
    check_type(types[i], 4, 32);
    check_type(types[i], 8, 96);
    check_type(types[i], 7, 64); /* a padded panel */
    check_type(types[i], 2, 32);
  }
}

static void unquantised_values_must_be_finite(void) {
  float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  ink_tensor tensor = {{"t", 1}, INK_TYPE_F32, 2, 4, (uint8_t *)values};
  float row[4];
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_OK);
  ink_tensor_dequantize_row(&tensor, 1, row);
  CHECK(row[0] == 5.0f && row[3] == 8.0f);
  values[6] = NAN;
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_ERR_BAD_MODEL);
  uint16_t halves[4] = {0x3C00, 0x4000, 0xC000, 0x7C00};
  tensor = (ink_tensor){{"t", 1}, INK_TYPE_F16, 1, 4, (uint8_t *)halves};
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_ERR_BAD_MODEL);
  halves[3] = 0;
  CHECK_STATUS(ink_panel_repack(&tensor, NULL, NULL), INK_OK);
  ink_tensor_dequantize_row(&tensor, 0, row);
  CHECK(row[0] == 1.0f && row[1] == 2.0f && row[2] == -2.0f && row[3] == 0.0f);
}

int main(void) {
  RUN(repacking_keeps_every_value);
  RUN(unquantised_values_must_be_finite);
  return check_result();
}
