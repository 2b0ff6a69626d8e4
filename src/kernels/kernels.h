/* The inner loops: one const table of functions for each instruction set.
 *
 * `ink_kernels_scalar` is plain C and defines what is correct. A table for a 128-bit or 256-bit
 * instruction set without fused multiply-add gives the same bits, because
 *   - products of quantised weights and activations are summed as integers, exactly;
 *   - floating-point sums have a fixed order, in 4 lanes (see float_ops.h), on every machine;
 *   - no compiler may contract a * b + c (-ffp-contract=off).
 * No result depends on how many tokens are computed together. */
#ifndef INK_KERNELS_KERNELS_H
#define INK_KERNELS_KERNELS_H

#include "format/panel.h"

#define INK_TILE_TOKENS 4u /* tokens multiplied together with one unpacked panel */
#define INK_KV_TILE 64u    /* positions of the KV cache that attention handles at a time */

/* 32 columns of a token, quantised to 8 bits: x = d * q, d = max |x| / 127, q from -127 to 127.
 *
 * A batch is n_cols / 32 of them for each token. Its tokens are grouped by fours, whose parts of the
 * same columns stand together as a tile; up to 3 tokens left over stand alone. So, for a tile or a
 * token that begins at token `first`, part b stands at first * n_cols / 32 + b * (4 or 1). */
typedef struct ink_activation {
  int8_t q[INK_BLOCK];
  float d;
  int16_t sums[2]; /* of q, over the first and the last 16 columns */
  float s;         /* d * (sums[0] + sums[1]), which minima are multiplied with */
  float s_low;     /* d * sums[0], for minima of 16 columns */
} ink_activation;

/* 4 of them, field by field. */
typedef struct ink_activation_tile {
  int8_t q[INK_TILE_TOKENS][INK_BLOCK];
  float d[INK_TILE_TOKENS];
  int16_t sums[INK_TILE_TOKENS][2];
  float s[INK_TILE_TOKENS];
  float s_low[INK_TILE_TOKENS];
} ink_activation_tile;

/* 32 columns of up to 16 rows of weights, ready for products with many tokens: what a table's own
 * matrix kernel makes of them. Fields that a type has no use for are left alone. */
typedef struct ink_unpacked_part {
  uint8_t q[INK_BLOCK * 16];
  float d[16];
  float m[16], m_low[16];
  int32_t scales[2][16];
  int32_t zeros[16];
} ink_unpacked_part;

/* y[t][row] = sum over c of weights[row][c] * x[t][c], for rows first_row to end_row. */
typedef struct ink_matmul {
  const ink_tensor *weights;
  uint32_t first_row;     /* of a quantised tensor: a multiple of INK_PANEL_ROWS */
  uint32_t end_row;       /* of a quantised tensor: likewise, rounded up */
  uint32_t n_tokens;
  const ink_activation *x; /* for quantised weights */
  const float *x_f32;     /* [n_tokens][n_cols], for F32, F16 and BF16 weights */
  float *y;               /* [n_tokens][y_stride], y_stride >= end_row */
  size_t y_stride;
  ink_unpacked_part *scratch; /* [n_cols / 32] */
} ink_matmul;

/* Up to INK_KV_TILE positions of one head's keys and values. */
typedef struct ink_kv_tile {
  const float *keys;   /* [positions / 4][head_dim][4 positions] */
  const float *values; /* [positions][head_dim] */
  uint32_t n;          /* positions that the query may see, >= 1 */
  uint32_t head_dim;   /* a multiple of 4 */
} ink_kv_tile;

/* Softmax over tiles, one after the other (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018): start with max = -INFINITY, sum = 0, out = 0; in the end divide out by sum. */
typedef struct ink_attention_state {
  float max;
  float sum;
} ink_attention_state;

typedef struct ink_kernels {
  const char *name;

  /* x: [n_tokens][n_cols], n_cols a multiple of 32. */
  void (*quantize)(const float *x, uint32_t n_tokens, uint32_t n_cols, ink_activation *out);

  /* For weights of any type; n_cols of F32, F16 and BF16 a multiple of 4. */
  void (*matmul)(const ink_matmul *job);

  /* The vectors below have n elements, a multiple of 4. */

  /* out = x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich, 2019). */
  void (*rms_norm)(float *out, const float *x, const float *weight, uint32_t n, float epsilon);
  void (*add)(float *x, const float *y, uint32_t n);                  /* x += y */
  void (*scale)(float *x, float factor, uint32_t n);                  /* x *= factor */
  void (*silu_multiply)(float *gate, const float *up, uint32_t n);    /* gate = silu(gate) * up */
  void (*floats_of_halves)(float *out, const uint16_t *halves, uint32_t n);
  float (*exp_sum)(const float *x, uint32_t n, float max); /* sum of e^(x - max), any n */

  /* Adds a tile to the weighted sum of values `out` [head_dim]; `query` is already scaled. */
  void (*attend)(const ink_kv_tile *tile, const float *query, ink_attention_state *state,
                 float *out);
} ink_kernels;

extern const ink_kernels ink_kernels_scalar;
extern const ink_kernels ink_kernels_wasm_simd128;
extern const ink_kernels ink_kernels_wasm_relaxed;
extern const ink_kernels ink_kernels_x86_avx2;
extern const ink_kernels ink_kernels_x86_avx512vnni;

/* The table of that name ("auto" or NULL: the fastest here; "simd": the fastest that is not
 * scalar), or NULL when this build or this processor has none. */
const ink_kernels *ink_kernels_select(const char *name);

#endif
