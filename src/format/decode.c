#include "format/decode.h"

#include "base/half.h"

static bool is_finite(float value) {
  return (ink_bits_of_f32(value) & 0x7F800000u) != 0x7F800000u;
}

static bool decode_f32(const uint8_t *bytes, uint32_t n, float *out) {
  bool finite = true;
  memcpy(out, bytes, n * sizeof *out);
  for (uint32_t c = 0; c < n; c++) finite &= is_finite(out[c]);
  return finite;
}

static bool decode_f16(const uint8_t *bytes, uint32_t n, float *out) {
  bool finite = true;
  for (uint32_t c = 0; c < n; c++) {
    uint16_t half;
    memcpy(&half, bytes + 2 * c, sizeof half);
    finite &= ink_f16_is_finite(half) != 0;
    out[c] = ink_f32_of_f16(half);
  }
  return finite;
}

static bool decode_bf16(const uint8_t *bytes, uint32_t n, float *out) {
  bool finite = true;
  for (uint32_t c = 0; c < n; c++) {
    uint16_t upper;
    memcpy(&upper, bytes + 2 * c, sizeof upper);
    out[c] = ink_f32_of_bits((uint32_t)upper << 16);
    finite &= is_finite(out[c]);
  }
  return finite;
}

bool ink_decode_row(ink_type type, const uint8_t *blocks, uint32_t n_cols, float *out) {
  if (type == INK_TYPE_F32) return decode_f32(blocks, n_cols, out);
  if (type == INK_TYPE_F16) return decode_f16(blocks, n_cols, out);
  if (type == INK_TYPE_BF16) return decode_bf16(blocks, n_cols, out);
  const ink_type_traits *traits = ink_type_get_traits(type);
  bool finite = true;
  for (uint32_t c = 0; c < n_cols; c += traits->block_columns, blocks += traits->block_bytes) {
    finite &= ink_block_is_finite(type, blocks);
    for (uint32_t b = 0; b < traits->block_columns / INK_BLOCK; b++) {
      ink_columns columns;
      ink_block_unpack(type, blocks, b, &columns);
      ink_columns_dequantize(type, &columns, out + c + b * INK_BLOCK);
    }
  }
  return finite;
}
