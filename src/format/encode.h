/* Encoding: rows of floats -> blocks, the inverse of dequantising. See block.h for the layouts. */
#ifndef INK_FORMAT_ENCODE_H
#define INK_FORMAT_ENCODE_H

#include <stdbool.h>

#include "format/block.h"

/* F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K. */
bool ink_can_encode(uint32_t type);

/* Writes one row. x: [n_cols], finite, n_cols a multiple of the type's block; importance: [n_cols]
 * how much an error in each column costs, none negative, or NULL: as much in all; out: the row's
 * blocks. The same bytes on every machine.
 *
 * Without importance, the 32-column types are encoded by the rule that defines them, so that files
 * agree byte for byte with llama.cpp's. Otherwise, and in the K types always, the scales are searched
 * for the least weighted squared error. */
void ink_encode_row(ink_type type, const float *x, const float *importance, uint32_t n_cols,
                    uint8_t *out);

#endif
