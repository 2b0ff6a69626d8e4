/* Tensor element types of GGUF: how many scalars make a block and what its bytes mean.
 *
 * All are little-endian. A block covers 32 neighbouring columns of one row; d and m are binary16.
 *
 *   F32     4 bytes    one scalar
 *   F16     2 bytes    one scalar
 *
 *   Q4_0   18 bytes    | d | q0+q16<<4 | q1+q17<<4 | ... | q15+q31<<4 |       w = d * (q - 8)
 *                        0   2                                       17
 *   Q4_1   20 bytes    | d | m | q0+q16<<4 | ...         | q15+q31<<4 |       w = d * q + m
 *                        0   2   4                                   19
 *   Q8_0   34 bytes    | d | q0 | q1 | ...                      | q31 |       w = d * q, q signed
 *                        0   2                                       33
 *
 * (Source: ggml's quantised formats, as documented with the GGUF specification.) */
#ifndef INK_FORMAT_BLOCK_H
#define INK_FORMAT_BLOCK_H

#include <stdint.h>

/* GGUF's own numbers. */
typedef enum ink_type {
  INK_TYPE_F32 = 0,
  INK_TYPE_F16 = 1,
  INK_TYPE_Q4_0 = 2,
  INK_TYPE_Q4_1 = 3,
  INK_TYPE_Q8_0 = 8,
} ink_type;

#define INK_BLOCK 32u /* columns in a quantised block */

typedef struct ink_type_traits {
  const char *name;
  uint32_t block_columns; /* scalars in a block: 1 or INK_BLOCK */
  uint32_t block_bytes;
  uint32_t n_halves; /* binary16 fields at the start of a quantised block: d, or d and m */
} ink_type_traits;

/* NULL for a type that this engine does not read. */
const ink_type_traits *ink_type_get_traits(uint32_t type);

/* The name of any GGUF type number, for messages; "unknown" past the known ones. */
const char *ink_type_name(uint32_t type);

#endif
