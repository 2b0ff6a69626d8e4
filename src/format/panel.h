/* Weights in memory: the file's blocks, regrouped in place so that vector code can eat them.
 *
 * A quantised tensor becomes panels of 4 rows r0 to r3. Within a panel the blocks of the 4 rows
 * that cover the same columns stand together as a panel block, 4 times as long: what the file's
 * block has, in its order, but taken from 4 rows at once, in words of 4 bytes. So a 16-byte vector holds the
 * same 4 bytes of each row, row r's in its 32-bit lane r. Fields narrower than a word (binary16, or
 * MXFP4's exponent) are taken from 4 rows one by one. No bit is added or lost.
 *
 *   Q4_0   72 bytes    | d[r0..r3] | 4 words of nibbles |
 *                      word g, byte 4r + i:  low nibble (r, 4g + i), high nibble (r, 16 + 4g + i)
 *   Q4_1   80 bytes    | d[r0..r3] | m[r0..r3] | 4 words as above |
 *   Q5_0   88 bytes    | d[r0..r3] | h | 4 words as above |
 *                      h, byte 4r + i: bit g is bit 4 of (r, 4g + i), g from 0 to 7 (the one place
 *                      where bits move: in the file bit c is column c's)
 *   Q5_1   96 bytes    | d[r0..r3] | m[r0..r3] | h | 4 words |
 *   Q8_0  136 bytes    | d[r0..r3] | 8 words |     word g, byte 4r + i:  (r, 4g + i)
 *   IQ4_NL 72 bytes    as Q4_0
 *   MXFP4  68 bytes    | e[r0..r3] bytes | 4 words as Q4_0 |
 *
 *   Q2_K   336 bytes   | 4 words s | 16 words q | d[r0..r3] | dmin[r0..r3] |
 *   Q3_K   440 bytes   | 8 words h | 16 words q | 3 words s | d[r0..r3] |
 *   Q4_K   576 bytes   | d[r0..r3] | dmin[r0..r3] | 3 words s | 32 words q |
 *   Q5_K   704 bytes   | d[r0..r3] | dmin[r0..r3] | 3 words s | 8 words h | 32 words q |
 *   Q6_K   840 bytes   | 32 words q | 16 words h | 4 words s | d[r0..r3] |
 *   IQ4_XS 544 bytes   | d[r0..r3] | t[r0..r3] | 1 word s | 32 words q |
 *   TQ1_0  216 bytes   | 12 words q | 1 word h | d[r0..r3] |
 *   TQ2_0  264 bytes   | 16 words q | d[r0..r3] |
 *                      byte 4r + i of word w of a field is byte 4w + i of row r's (format/block.h)
 *
 * Tensors whose rows 4 does not divide end in a panel padded with zeros. F32, F16 and BF16 tensors
 * stay as they are in the file, row after row, but vectors of 16 bits become F32, for what works on
 * vectors knows no other type. */
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

/* Bytes of a tensor in memory, padding rows and a vector's widening included. */
uint64_t ink_tensor_bytes(ink_type type, uint32_t n_rows, uint32_t n_cols);

/* Turns rows of blocks, as read from the file, into panels, in place. `scratch` has room for one
 * panel. A vector of F16 or BF16 is F32 afterwards, tensor->type too. Fails with INK_ERR_BAD_MODEL
 * when a scale or a scalar is not finite. */
ink_status ink_panel_repack(ink_tensor *tensor, uint8_t *scratch, ink_error *error);

/* Bytes of one panel: 4 rows of a quantised tensor, 0 for F32, F16 and BF16. */
uint64_t ink_panel_bytes(ink_type type, uint32_t n_cols);

/* Writes row r's block, as it was in the file, from a panel block. */
void ink_panel_extract_block(ink_type type, const uint8_t *panel_block, uint32_t r, uint8_t *block);

/* Writes row `row` as n_cols floats: exactly the values that the file's blocks stand for. */
void ink_tensor_dequantize_row(const ink_tensor *tensor, uint32_t row, float *out);

#endif
