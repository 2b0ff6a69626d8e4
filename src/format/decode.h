/* Decoding: rows of a file's blocks -> floats. */
#ifndef INK_FORMAT_DECODE_H
#define INK_FORMAT_DECODE_H

#include "format/block.h"

/* Writes the n_cols values that a row's blocks stand for. n_cols is a multiple of the type's block.
 * False when one of them is infinite or not a number. */
bool ink_decode_row(ink_type type, const uint8_t *blocks, uint32_t n_cols, float *out);

#endif
