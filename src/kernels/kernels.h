/* The inner loops: one const table of functions for each instruction set.
 *
 * `ink_kernels_scalar` is plain C and defines what is correct. Every other table gives the same
 * bits, because
 *   - products of quantised weights and activations are summed as integers, exactly;
 *   - floating-point sums have a fixed order, in 4 lanes (see float_ops.h), on every machine;
 *   - no compiler may contract a * b + c (-ffp-contract=off).
 * No result depends on how many tokens are computed together. */
#ifndef INK_KERNELS_KERNELS_H
#define INK_KERNELS_KERNELS_H

#include "format/panel.h"

#define INK_TILE_TOKENS 4u /* tokens multiplied together with unpacked panels */
#define INK_GROUP_ROWS 16u /* rows that the widest vectors multiply together */
#define INK_KEY_GROUP 16u  /* positions whose keys stand together, column by column */
#define INK_KV_TILE 64u    /* positions of the KV cache that attention handles at a time */
#define INK_KV_SLACK 112u

/* 32 columns of a token, quantised to 8 bits: x = d * q, d = max |x| / 127, q from -127 to 127.
 *
 * Rounding to 8 bits loses most where a few columns are far larger than the rest. Parts whose max
 * |x| has more than 8 times the mean square of the token's therefore have a residual, x - d * q
 * quantised likewise, in a part of its own right behind. For SmolLM2-135M that is 1 part in 40, and
 * a quarter of the loss in perplexity is left. Fine activations have a residual in every part: 15
 * bits or so, at twice the work (see ink_type_traits on who needs them).
 *
 * A batch is a stretch of ink_q8_stride() for each token. Its tokens are grouped by fours, whose
 * parts of the same columns stand together as a tile, with a residual for all if one needs it; up
 * to 3 tokens left over stand alone. Tile or token begin at their first token's stretch. */
typedef struct ink_q8_part {
  _Alignas(16) int8_t q[INK_BLOCK];
  float d;
  float s;               /* d * (sums[0] + sums[1]), which minima are multiplied with */
  int16_t sums[2];       /* of q, over the first and the last 16 columns */
  uint32_t has_residual; /* 1: the next part is what is left of these columns */
} ink_q8_part;

/* 4 of them, field by field. */
typedef struct ink_q8_tile {
  /* Or, where tiles are rotated (tile_rotated.h), [INK_BLOCK / 4][INK_TILE_TOKENS][4 columns]. */
  _Alignas(16) int8_t q[INK_TILE_TOKENS][INK_BLOCK];
  float d[INK_TILE_TOKENS];
  float s[INK_TILE_TOKENS];
  int16_t sums[INK_TILE_TOKENS][2];
  uint32_t has_residual; /* of one of them */
} ink_q8_tile;

#define INK_RESIDUAL_RATIO 8u

/* In parts: of n_parts at most an eighth can be above 8 times the mean, and in a tile four times as
 * many. Of fine ones each has a residual. */
static inline uint32_t ink_q8_stride(uint32_t n_parts, bool fine) {
  return n_parts + (fine ? n_parts : INK_TILE_TOKENS * (n_parts / INK_RESIDUAL_RATIO));
}

/* 32 columns of up to INK_GROUP_ROWS rows of weights, ready for products with many tokens: what a
 * table's own matrix kernel makes of them. Fields that a type has no use for are left alone. */
typedef struct ink_unpacked_part {
  uint8_t q[INK_BLOCK * INK_GROUP_ROWS];
  float d[INK_GROUP_ROWS];
  float m[INK_GROUP_ROWS], m_low[INK_GROUP_ROWS];
  int32_t scales[2][INK_GROUP_ROWS];
  int32_t zeros[INK_GROUP_ROWS];
} ink_unpacked_part;

/* 32 columns of a token that stands alone, spread out as a table's products take them. */
#define INK_TOKEN_COLUMNS_BYTES (4u * INK_BLOCK)

/* What a product over n_parts parts needs: unpacked parts, and behind them the columns of the tokens
 * that fill no tile. */
static inline uint32_t ink_scratch_parts(uint32_t n_parts, bool fine) {
  uint32_t stride = ink_q8_stride(n_parts, fine);
  uint32_t columns = (INK_TILE_TOKENS - 1) * stride * INK_TOKEN_COLUMNS_BYTES;
  return n_parts + columns / (uint32_t)sizeof(ink_unpacked_part) + 1;
}

/* y[t][row] = sum over c of weights[row][c] * x[t][c], for rows first_row to end_row. */
typedef struct ink_matmul {
  const ink_tensor *weights;
  uint32_t first_row;     /* of a quantised tensor: a multiple of INK_PANEL_ROWS */
  uint32_t end_row;       /* of a quantised tensor: likewise, rounded up */
  uint32_t n_tokens;
  const ink_q8_part *x; /* for quantised weights */
  bool fine;              /* x is */
  const float *x_f32;     /* [n_tokens][n_cols], for F32, F16 and BF16 weights */
  float *y;               /* [n_tokens][y_stride], y_stride >= end_row */
  size_t y_stride;
  ink_unpacked_part *scratch; /* [ink_scratch_parts(n_cols / 32, fine)] */
} ink_matmul;

/* log2 e: queries and soft caps are multiplied with it, so that weights are powers of 2. */
#define INK_SCORE_UNIT 1.44269504f

/* Up to INK_KV_TILE positions of one head's keys and values, as floats or in 8 bits. Of 8 bits, runs
 * of `run` columns of a key or positions of a value stand side by side (the table's kv_run), and each
 * key and each value has a scale. Kernels read up to INK_KV_SLACK bytes past the last value. */
typedef struct ink_kv_tile {
  const float *keys;   /* [positions / 16][head_dim][16 positions]; NULL: 8 bits */
  const float *values; /* [positions][head_dim] */
  uint32_t first;      /* the first position that the query may see */
  uint32_t n;          /* the last one + 1; first < n */
  uint32_t head_dim;   /* a multiple of 4 */
  float softcap;       /* c: scores become c tanh(score / c); 0: they don't */
  const int8_t *byte_keys;   /* [positions / 16][head_dim / run][16 positions][run columns] */
  const int8_t *byte_values; /* [positions / run][head_dim][run positions] */
  const float *key_scales;   /* [positions], in whole groups of 16 */
  const float *value_scales; /* likewise */
  const int8_t *next_keys;   /* of the tile whose turn is next, likewise, to be fetched in time; */
  const int8_t *next_values; /* NULL: there is none */
  /* Room for attend(), where they are bytes: */
  int16_t *wide_keys;   /* as byte_keys */
  int16_t *wide_values; /* as byte_values */
} ink_kv_tile;

/* Softmax over tiles, one after the other (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018): start with max = -INFINITY, sum = 0, out = 0; in the end divide out by
 * sum. */
typedef struct ink_attention_state {
  float max;
  float sum;
  float query_scale;    /* for keys of 8 bits: the query is its integers times this, */
  int32_t query_offset; /* and this what sums of products with it start from */
} ink_attention_state;

/* How long a batch of n tokens takes, all their logits included, where one token takes 1:
 * tile * (n / 4) + rest * (n % 4), and `fixed` for unpacking the weights. Less than a tile:
 * 1 + rest * (n - 1). Rounded from what SmolLM2-135M Q4_1 took at depth 200; whether drafts pay
 * depends on little else. */
typedef struct ink_batch_cost {
  float fixed, tile, rest;
} ink_batch_cost;

typedef struct ink_kernels {
  const char *name;
  uint32_t kv_run; /* columns of 8-bit keys and positions of values that are multiplied at once */
  ink_batch_cost batch_cost;

  /* x: [n_tokens][n_cols], n_cols a multiple of 32. */
  void (*quantize)(const float *x, uint32_t n_tokens, uint32_t n_cols, bool fine,
                   ink_q8_part *out);

  /* For weights of any type; n_cols of F32, F16 and BF16 a multiple of 4. */
  void (*matmul)(const ink_matmul *job);

  /* The vectors below have n elements, a multiple of 4. */

  /* out = x / sqrt(mean(x^2) + epsilon) * weight (Zhang and Sennrich, 2019). */
  void (*rms_norm)(float *out, const float *x, const float *weight, uint32_t n, float epsilon);
  void (*add)(float *x, const float *y, uint32_t n);                  /* x += y */
  void (*scale)(float *x, float factor, uint32_t n);                  /* x *= factor */
  void (*silu_multiply)(float *gate, const float *up, uint32_t n);    /* gate = silu(gate) * up */
  void (*multiply)(float *x, const float *y, uint32_t n);             /* x *= y */
  void (*add_scaled)(float *x, const float *y, float factor, uint32_t n); /* x += factor * y */
  /* out = (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al., 2016); bias may be
   * NULL. */
  void (*layer_norm)(float *out, const float *x, const float *weight, const float *bias, uint32_t n,
                     float epsilon);
  /* GELU (Hendrycks and Gimpel, 2016), by its tanh approximation and as it is defined. */
  void (*gelu_tanh)(float *x, uint32_t n);
  void (*gelu_erf)(float *x, uint32_t n);
  void (*soft_cap)(float *x, float cap, uint32_t n); /* x = cap tanh(x / cap) */
  void (*floats_of_halves)(float *out, const uint16_t *halves, uint32_t n);
  void (*floats_of_bf16)(float *out, const uint16_t *bits, uint32_t n);

  float (*exp_sum)(const float *x, uint32_t n, float max); /* sum of e^(x - max), any n */

  /* A Hadamard transform of each run of `size` elements, a power of 2 from 4 on that divides n:
   * orthonormal, and its own inverse. */
  void (*hadamard)(float *x, uint32_t n, uint32_t size);

  /* A query for keys of 8 bits, to within 1/2 of its scale, which is a 127th of the largest |x|: fills
   * 2 * n bytes that attend() understands, and the state's query_scale and query_offset. */
  void (*quantize_query)(const float *x, uint32_t n, void *out, ink_attention_state *state);

  /* For n queries that see the same positions: adds a tile to their weighted sums of values, out
   * [n][head_dim]. queries [n][head_dim], floats or what quantize_query() made, are already
   * scaled, by INK_SCORE_UNIT too. */
  void (*attend)(const ink_kv_tile *tile, const void *queries, uint32_t n,
                 ink_attention_state *states, float *out);
} ink_kernels;

extern const ink_kernels ink_kernels_scalar;
extern const ink_kernels ink_kernels_wasm_simd128;
extern const ink_kernels ink_kernels_wasm_relaxed;
extern const ink_kernels ink_kernels_wasm_relaxed_dot;
extern const ink_kernels ink_kernels_x86_avx2;
extern const ink_kernels ink_kernels_x86_avxvnni;
extern const ink_kernels ink_kernels_x86_avx512vnni;
extern const ink_kernels ink_kernels_arm_neon;

/* The table of that name ("auto" or NULL: the fastest here; "simd": the fastest that is not
 * scalar), or NULL when this build or this processor has none. */
const ink_kernels *ink_kernels_select(const char *name);

#endif
