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
  if (traits->block_columns == 1) {
    uint64_t scalar_bytes = n_rows == 1 ? sizeof(float) : traits->block_bytes;
    return n_rows * scalar_bytes * n_cols;
  }
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
      uint16_t infinite = tensor->type == INK_TYPE_F16 ? 0x7C00u : 0x7F80u;
      const uint16_t *values = (const uint16_t *)(const void *)tensor->data + row * tensor->n_cols;
      for (uint32_t c = 0; c < tensor->n_cols; c++) finite &= (values[c] & infinite) != infinite;
    }
    if (!finite) return not_finite(tensor, row, error);
  }
  return INK_OK;
}

static float widen(ink_type type, uint16_t half) {
  return type == INK_TYPE_F16 ? ink_f32_of_f16(half) : ink_f32_of_bits((uint32_t)half << 16);
}

/* In place, from the last scalar on: what is written over has been read. */
static void widen_vector(ink_tensor *tensor) {
  for (uint32_t c = tensor->n_cols; c-- > 0;) {
    uint16_t half;
    memcpy(&half, tensor->data + c * sizeof half, sizeof half);
    float value = widen(tensor->type, half);
    memcpy(tensor->data + c * sizeof value, &value, sizeof value);
  }
  tensor->type = INK_TYPE_F32;
}

/* ---- Blocks of 4 rows ---- */

/* Copies between a block and its places in a panel block, in units of `unit` bytes: the unit at
 * `offset` of row r's block stands at 4 * offset + r * unit. */
typedef struct byte_run {
  size_t offset;
  size_t n_bytes;
  size_t unit;
} byte_run;

/* A block's bytes in the file's order: words, narrow fields, words. */
static size_t list_runs(const ink_type_traits *traits, byte_run runs[3]) {
  size_t n = 0, after = traits->narrow_at + (size_t)traits->narrow_bytes * traits->n_narrow;
  if (traits->narrow_at) runs[n++] = (byte_run){0, traits->narrow_at, 4};
  if (traits->n_narrow) {
    runs[n++] = (byte_run){traits->narrow_at, after - traits->narrow_at, traits->narrow_bytes};
  }
  if (after < traits->block_bytes) runs[n++] = (byte_run){after, traits->block_bytes - after, 4};
  return n;
}

/* Bit 4g + i goes to bit g of byte i. As places have 5 bits, which this rotates by 3, doing it five
 * times changes nothing. */
static uint32_t regroup_bits(uint32_t bits) {
  uint32_t out = 0;
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t b = bits >> i & 0x11111111u;
    b = (b | b >> 3) & 0x03030303u;
    b = (b | b >> 6) & 0x000F000Fu;
    out |= ((b | b >> 12) & 0xFFu) << 8 * i;
  }
  return out;
}

static bool has_bit_word(ink_type type) { return type == INK_TYPE_Q5_0 || type == INK_TYPE_Q5_1; }

/* Does so `times` times to the word of high bits of each row of a panel block. */
static void regroup_bit_words(uint8_t *words, size_t n_rows, int times) {
  for (size_t r = 0; r < n_rows; r++) {
    uint32_t bits;
    memcpy(&bits, words + 4 * r, sizeof bits);
    for (int i = 0; i < times; i++) bits = regroup_bits(bits);
    memcpy(words + 4 * r, &bits, sizeof bits);
  }
}

/* Offset in a block of what follows the narrow fields that it begins with. */
static size_t words_at(const ink_type_traits *traits) {
  return (size_t)traits->narrow_bytes * traits->n_narrow;
}

/* Copies of known size are a load and a store each. */
static inline void copy_unit(uint8_t *to, const uint8_t *from, size_t unit) {
  if (unit == 4) {
    memcpy(to, from, 4);
  } else if (unit == 2) {
    memcpy(to, from, 2);
  } else {
    *to = *from;
  }
}

/* Regroups the blocks of 4 rows that cover the same columns: `rows` are row_bytes apart. */
static void interleave_blocks(ink_type type, const byte_run *runs, size_t n_runs,
                              const uint8_t *rows, size_t row_bytes, uint8_t *out) {
  for (const byte_run *run = runs; run < runs + n_runs; run++) {
    uint8_t *to = out + run->offset * INK_PANEL_ROWS;
    for (size_t at = 0; at < run->n_bytes; at += run->unit) {
      const uint8_t *from = rows + run->offset + at;
      for (size_t r = 0; r < INK_PANEL_ROWS; r++, from += row_bytes, to += run->unit) {
        copy_unit(to, from, run->unit);
      }
    }
  }
  if (has_bit_word(type)) {
    size_t at = words_at(ink_type_get_traits(type));
    regroup_bit_words(out + at * INK_PANEL_ROWS, INK_PANEL_ROWS, 1);
  }
}

void ink_panel_extract_block(ink_type type, const uint8_t *panel_block, uint32_t r,
                             uint8_t *block) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  byte_run runs[3];
  size_t n_runs = list_runs(traits, runs);
  for (size_t i = 0; i < n_runs; i++) {
    size_t unit = runs[i].unit;
    const uint8_t *source = panel_block + 4 * runs[i].offset + r * unit;
    for (size_t b = 0; b < runs[i].n_bytes; b += unit) {
      memcpy(block + runs[i].offset + b, source + 4 * b, unit);
    }
  }
  if (has_bit_word(type)) regroup_bit_words(block + words_at(traits), 1, 4);
}

ink_status ink_panel_repack(ink_tensor *tensor, uint8_t *scratch, ink_error *error) {
  const ink_type_traits *traits = ink_type_get_traits(tensor->type);
  if (traits->block_columns == 1) {
    INK_TRY(check_scalars(tensor, error));
    if (tensor->n_rows == 1 && tensor->type != INK_TYPE_F32) widen_vector(tensor);
    return INK_OK;
  }

  size_t panel_bytes = (size_t)ink_panel_bytes(tensor->type, tensor->n_cols);
  size_t row_bytes = panel_bytes / INK_PANEL_ROWS;
  size_t file_bytes = row_bytes * tensor->n_rows;
  size_t bytes = (size_t)ink_tensor_bytes(tensor->type, tensor->n_rows, tensor->n_cols);
  memset(tensor->data + file_bytes, 0, bytes - file_bytes);
  byte_run runs[3];
  size_t n_runs = list_runs(traits, runs);
  for (size_t at = 0; at < bytes; at += panel_bytes) {
    memcpy(scratch, tensor->data + at, panel_bytes);
    for (size_t b = 0; b < panel_bytes; b += traits->block_bytes) {
      if (!ink_block_is_finite(tensor->type, scratch + b)) {
        return not_finite(tensor, (at + b) / row_bytes, error);
      }
    }
    for (size_t b = 0; b < row_bytes; b += traits->block_bytes) {
      interleave_blocks(tensor->type, runs, n_runs, scratch + b, row_bytes,
                        tensor->data + at + b * INK_PANEL_ROWS);
    }
  }
  return INK_OK;
}

void ink_tensor_dequantize_row(const ink_tensor *tensor, uint32_t row, float *out) {
  uint64_t first = (uint64_t)row * tensor->n_cols;
  const ink_type_traits *traits = ink_type_get_traits(tensor->type);
  if (tensor->type == INK_TYPE_F32) {
    memcpy(out, (const float *)(const void *)tensor->data + first, tensor->n_cols * sizeof *out);
    return;
  }
  if (traits->block_columns == 1) {
    const uint16_t *halves = (const uint16_t *)(const void *)tensor->data + first;
    for (uint32_t c = 0; c < tensor->n_cols; c++) out[c] = widen(tensor->type, halves[c]);
    return;
  }
  const uint8_t *panel_block =
      tensor->data + row / INK_PANEL_ROWS * ink_panel_bytes(tensor->type, tensor->n_cols);
  for (uint32_t c = 0; c < tensor->n_cols; panel_block += traits->block_bytes * INK_PANEL_ROWS) {
    uint8_t block[INK_MAX_BLOCK_BYTES];
    ink_panel_extract_block(tensor->type, panel_block, row % INK_PANEL_ROWS, block);
    for (uint32_t b = 0; b < traits->block_columns / INK_BLOCK; b++, c += INK_BLOCK) {
      ink_columns columns;
      ink_block_unpack(tensor->type, block, b, &columns);
      ink_columns_dequantize(tensor->type, &columns, out + c);
    }
  }
}
