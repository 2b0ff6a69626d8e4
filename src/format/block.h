/* Tensor element types of GGUF: how many scalars make a block and what its bytes mean.
 *
 * All are little-endian. A block covers 32 neighbouring columns of one row, a super-block 256: 8
 * blocks b of 32 columns, most with small scales of their own. d, m and dmin are binary16.
 *
 *   F32     4 bytes    one scalar
 *   F16     2 bytes    one scalar, binary16
 *   BF16    2 bytes    one scalar, the upper half of binary32
 *
 * Blocks of 32 columns; q0 is column 0, a + b<<4 a byte of two nibbles.
 *
 *   Q4_0   18 bytes    | d | q0+q16<<4 | q1+q17<<4 | ... | q15+q31<<4 |       w = d * (q - 8)
 *                        0   2                                       17
 *   Q4_1   20 bytes    | d | m | q0+q16<<4 | ...         | q15+q31<<4 |       w = d * q + m
 *                        0   2   4                                   19
 *   Q5_0   22 bytes    | d | h | q0+q16<<4 | ...         | q15+q31<<4 |       w = d * (q - 16)
 *                        0   2   6                                   21
 *   Q5_1   24 bytes    | d | m | h | q0+q16<<4 | ...     | q15+q31<<4 |       w = d * q + m
 *                        0   2   4   8                               23
 *                      h: 32 bits, bit c is bit 4 of q of column c
 *   Q8_0   34 bytes    | d | q0 | q1 | ...                      | q31 |       w = d * q, q signed
 *                        0   2                                       33
 *   IQ4_NL 18 bytes    as Q4_0, but q is a place in a table of 16:            w = d * iq4[q]
 *   MXFP4  17 bytes    | e | q0+q16<<4 | ...             | q15+q31<<4 |   w = 2^(e-128) * e2m1[q]
 *                        0   1                                       16
 *
 * Super-blocks of 256 columns. Their planes hold the bits of several blocks: byte l of a plane is
 * about column l of each. "b: 2" means that block b stands in the bits from bit 2 on.
 *
 *   Q2_K   84 bytes    | s[16] | q[64] | d | dmin |   s: 4-bit scale, 4-bit minimum << 4
 *                        0       16      80  82       w = d * scale * q - dmin * minimum
 *                      Blocks 0 to 3 in q[0..31] (0: 0, 1: 2, 2: 4, 3: 6), 4 to 7 in q[32..63];
 *                      s[2b] is for the first 16 columns of block b, s[2b + 1] for the others.
 *   Q3_K  110 bytes    | h[32] | q[64] | s[12] | d |  w = d * (scale - 32) * (q - 4)
 *                        0       32      96      108
 *                      q as in Q2_K; bit b of h[l] is bit 2 of q in block b. Scale i of 16 columns:
 *                      low 4 bits in s[i % 8] (i < 8: 0, else: 4), high 2 in s[8 + i % 4] from bit
 *                      2 * (i / 4) on.
 *   Q4_K  144 bytes    | d | dmin | s[12] | q[128] |  w = d * scale * q - dmin * minimum
 *                        0   2      4       16
 *                      Blocks 2k (0) and 2k + 1 (4) in q[32k .. 32k + 31]. 6-bit scales and minima:
 *                      scale b, b < 4: s[b] & 63            minimum b: s[4 + b] & 63
 *                      scale b, b > 3: s[b + 4] & 15, and s[b - 4] >> 6 above it
 *                      minimum b:      s[b + 4] >> 4, and s[b] >> 6 above it
 *   Q5_K  176 bytes    | d | dmin | s[12] | h[32] | q[128] |   as Q4_K; bit b of h[l] is bit 4 of q
 *                        0   2      4       16      48
 *   Q6_K  210 bytes    | q[128] | h[64] | s[16] | d |   w = d * s * (q - 32), s signed
 *                        0        128     192     208
 *                      Blocks 0 (0) and 2 (4) in q[0..31], 1 and 3 in q[32..63], 4 and 6, 5 and 7
 *                      likewise from 64 on. Bits 4 and 5: blocks 0 to 3 in h[0..31] (0: 0, 1: 2,
 *                      2: 4, 3: 6), 4 to 7 in h[32..63]. s as in Q2_K.
 *   IQ4_XS 136 bytes   | d | t | s[4] | q[128] |        w = d * (scale - 32) * iq4[q]
 *                        0   2   4      8
 *                      Block b in q[16b .. 16b + 15] as in Q4_0. Scale b: low 4 bits in s[b / 2]
 *                      (even b: 0, odd: 4), high 2 in the 16 bits of t from bit 2b on.
 *   TQ1_0  54 bytes    | q[48] | h[4] | d |             w = d * (trit - 1)
 *                        0       48     52
 *                      A byte holds five digits of base 3, v * 256 / 243 rounded up: digit n, the
 *                      highest first, is (byte * 3^n mod 256) * 3 / 256. Blocks 0 to 4 are digits 0
 *                      to 4 of q[0..31]; the next 80 columns are digits 0 to 4 of q[32..47], 16
 *                      columns a digit; the last 16 are digits 0 to 3 of h, 4 columns a digit.
 *   TQ2_0  66 bytes    | q[64] | d |                    w = d * (q - 1), q as in Q2_K
 *                        0       64
 *
 * (Sources: ggml's quantised formats, as documented with the GGUF specification; OCP Microscaling
 * Formats specification 1.0 for MXFP4.) */
#ifndef INK_FORMAT_BLOCK_H
#define INK_FORMAT_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* GGUF's own numbers. */
typedef enum ink_type {
  INK_TYPE_F32 = 0,
  INK_TYPE_F16 = 1,
  INK_TYPE_Q4_0 = 2,
  INK_TYPE_Q4_1 = 3,
  INK_TYPE_Q5_0 = 6,
  INK_TYPE_Q5_1 = 7,
  INK_TYPE_Q8_0 = 8,
  INK_TYPE_Q2_K = 10,
  INK_TYPE_Q3_K = 11,
  INK_TYPE_Q4_K = 12,
  INK_TYPE_Q5_K = 13,
  INK_TYPE_Q6_K = 14,
  INK_TYPE_IQ4_NL = 20,
  INK_TYPE_IQ4_XS = 23,
  INK_TYPE_BF16 = 30,
  INK_TYPE_TQ1_0 = 34,
  INK_TYPE_TQ2_0 = 35,
  INK_TYPE_MXFP4 = 39,
} ink_type;
#define INK_TYPE_END 40u /* past the last */

#define INK_BLOCK 32u        /* columns in a quantised block, and in what kernels handle at a time */
#define INK_SUPER_BLOCK 256u /* columns in a super-block */
#define INK_MAX_BLOCK_BYTES 210u

typedef struct ink_type_traits {
  const char *name;
  uint16_t block_columns; /* scalars in a block: 1, INK_BLOCK or INK_SUPER_BLOCK */
  uint16_t block_bytes;
  uint16_t narrow_at;     /* fields not cut into words of 4 bytes when rows are regrouped: */
  uint8_t narrow_bytes;   /*   their offset, the bytes of each, */
  uint8_t n_narrow;       /*   and how many there are, */
  uint8_t n_halves;       /*   the first n_halves of which are binary16 */
  uint8_t n_minima;       /* in 32 columns: 0, 1 or 2 */
  bool fine_activations;  /* a model with such matrices needs more than 8 bits in all its activations.
                             Ternary weights leave so little that rounding decides what comes out:
                             perplexity of SmolLM2-135M in TQ2_0 is 7 % from that of f32 arithmetic
                             with 8 bits, 1 % with more in ternary matrices alone, 0.2 % in all. */
} ink_type_traits;

/* 32 columns of one row, as integers: with h = column / 16,
 *   w = d * scale[h] * q + m[h]
 * where d * scale[h] is exact in binary32, so that the product may be taken in any order. */
typedef struct ink_columns {
  float d;
  float m[2];       /* 0, or for types with one minimum m[0] = m[1] */
  int8_t scale[2];  /* 1 where the block has one scale, which d contains */
  int8_t q[INK_BLOCK];
} ink_columns;

/* What the 4 bits of IQ4_NL and IQ4_XS stand for, and, doubled, those of MXFP4 (E2M1). */
extern const int8_t ink_iq4_values[16];
extern const int8_t ink_e2m1_values[16];

/* NULL for a type that this engine does not read. */
const ink_type_traits *ink_type_get_traits(uint32_t type);

/* The name of any GGUF type number, for messages; "unknown" past the known ones. */
const char *ink_type_name(uint32_t type);

/* Reads columns 32 * b to 32 * b + 31 of a block of a quantised type; b is 0 unless it is a
 * super-block. */
void ink_block_unpack(ink_type type, const uint8_t *block, uint32_t b, ink_columns *out);

/* Whether every value of a block of a quantised type is finite. */
bool ink_block_is_finite(ink_type type, const uint8_t *block);

/* The values of 32 columns: bit for bit what the reference dequantisers of ggml give. */
void ink_columns_dequantize(ink_type type, const ink_columns *columns, float *out);

#endif
