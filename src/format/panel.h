/* Weights in memory: the file's blocks, regrouped in place so that vector code can eat them.
 *
 * A quantised tensor becomes panels of 4 rows. Within a panel the blocks of the 4 rows that cover
 * the same 32 columns stand together, and inside those the rows are interleaved by 4 columns, so
 * that a 16-byte vector holds 4 rows x 4 columns. r is the row in the panel, c the column in the
 * block, each entry one byte unless noted. No bit is added or lost.
 *
 *   Q4_0   72 bytes    | d[r0..r3] f16 | 4 groups g of 16 bytes |
 *                      group g, byte 4r + i:  low nibble (r, 4g + i), high nibble (r, 16 + 4g + i)
 *   Q4_1   80 bytes    | d[r0..r3] f16 | m[r0..r3] f16 | 4 groups as above |
 *   Q8_0  136 bytes    | d[r0..r3] f16 | 8 groups g of 16 bytes |
 *                      group g, byte 4r + i:  (r, 4g + i)
 *
 * Tensors whose rows 4 does not divide end in a panel padded with zeros. F32 and F16 tensors stay
 * as they are in the file, row after row. */
#ifndef INK_FORMAT_PANEL_H
#define INK_FORMAT_PANEL_H

#include "base/memory.h"
#include "format/block.h"

#define INK_PANEL_ROWS 4u

/* A two-dimensional tensor in memory; one-dimensional ones have one row. */
typedef struct ink_tensor {
  ink_str name;     /* while loading, for messages; in the file's header */
  ink_type type;
  uint32_t n_rows;
  uint32_t n_cols;
  uint8_t *data;    /* panels, or rows; aligned to INK_ALIGNMENT; NULL: the model has none */
} ink_tensor;

/* Bytes of a tensor in memory, padding rows included. */
uint64_t ink_tensor_bytes(ink_type type, uint32_t n_rows, uint32_t n_cols);

/* Turns rows of blocks, as read from the file, into panels, in place. `scratch` has room for one
 * panel. Fails with INK_ERR_BAD_MODEL when a scale or a scalar is not finite. */
ink_status ink_panel_repack(ink_tensor *tensor, uint8_t *scratch, ink_error *error);

/* Bytes of one panel: 4 rows of a quantised tensor, 0 for F32 and F16. */
uint64_t ink_panel_bytes(ink_type type, uint32_t n_cols);

/* Writes row `row` as n_cols floats: exactly the values that the file's blocks stand for. */
void ink_tensor_dequantize_row(const ink_tensor *tensor, uint32_t row, float *out);

#endif
