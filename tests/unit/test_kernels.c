/* kernels: scalar against arithmetic in double precision, every other table against scalar, bit for
 * bit. */
#include "base/half.h"
#include "check.h"
#include "fixtures.h"
#include "tile_elements.h"
#include "kernels/kernels.h"

#define MAX_ROWS 12u
#define MAX_COLS 512u
#define MAX_TOKENS 9u

static float random_float(uint32_t *state) {
  return (float)((int)(next_random(state) % 2001) - 1000) / 250.0f;
}

/* A scalar, or the scales of a block, such that weights are of ordinary size. */
static void set_scales(ink_type type, uint8_t *block, uint32_t *seed) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  float value = random_float(seed);
  if (type == INK_TYPE_F32) memcpy(block, &value, sizeof value);
  if (type == INK_TYPE_MXFP4) block[0] = (uint8_t)(118 + next_random(seed) % 8);
  uint16_t half = type == INK_TYPE_BF16 ? (uint16_t)(ink_bits_of_f32(value) >> 16)
                                        : ink_f16_of_f32(value);
  if (traits->block_bytes == sizeof half) memcpy(block, &half, sizeof half);
  for (uint32_t h = 0; h < traits->n_halves; h++) {
    half = ink_f16_of_f32(random_float(seed) / 64.0f);
    memcpy(block + traits->narrow_at + 2 * h, &half, sizeof half);
  }
}

/* A tensor of random blocks, repacked. */
static ink_tensor random_tensor(ink_type type, uint32_t n_rows, uint32_t n_cols, uint32_t seed) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  size_t bytes = (size_t)ink_tensor_bytes(type, n_rows, n_cols);
  uint8_t *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  uint8_t scratch[MAX_COLS / INK_BLOCK * 34 * 4];
  for (size_t at = 0; at < bytes; at += traits->block_bytes) {
    for (uint32_t i = 0; i < traits->block_bytes; i++) data[at + i] = (uint8_t)next_random(&seed);
    set_scales(type, data + at, &seed);
  }
  ink_tensor tensor = {{"t", 1}, type, n_rows, n_cols, data};
  if (ink_panel_repack(&tensor, scratch, NULL) != INK_OK) CHECK_FAILED("repacking failed");
  return tensor;
}

typedef struct run_buffers {
  ink_q8_part x[MAX_TOKENS * MAX_COLS / INK_BLOCK * 2];
  ink_unpacked_part panel[3 * MAX_COLS / INK_BLOCK]; /* ink_scratch_parts() */
  float y[MAX_TOKENS * MAX_ROWS];
} run_buffers;

static void multiply(const ink_kernels *kernels, const ink_tensor *weights, const float *x,
                     uint32_t n_tokens, bool fine, run_buffers *b) {
  memset(b, 0, sizeof *b);
  ink_matmul job = {.weights = weights,
                    .end_row = weights->n_rows,
                    .n_tokens = n_tokens,
                    .x = b->x,
                    .fine = fine,
                    .x_f32 = x,
                    .y = b->y,
                    .y_stride = MAX_ROWS,
                    .scratch = b->panel};
  if (weights->n_cols % INK_BLOCK == 0) {
    kernels->quantize(x, n_tokens, weights->n_cols, fine, b->x);
  }
  kernels->matmul(&job);
}

/* Activations are rounded to a multiple of their largest: at most `rounding` times it each. */
static void check_products(ink_type type, bool fine, double rounding) {
  static run_buffers b;
  float x[6 * INK_SUPER_BLOCK], row[INK_SUPER_BLOCK];
  uint32_t seed = 3;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = random_float(&seed);
  uint32_t block_columns = ink_type_get_traits(type)->block_columns;
  uint32_t n_cols = block_columns > 96 ? block_columns : 96;
  ink_tensor weights = random_tensor(type, 8, n_cols, 11);
  multiply(&ink_kernels_scalar, &weights, x, 6, fine, &b);
  for (uint32_t t = 0; t < 6; t++) {
    for (uint32_t r = 0; r < 8; r++) {
      double sum = 0.0, magnitude = 0.0;
      ink_tensor_dequantize_row(&weights, r, row);
      for (uint32_t c = 0; c < n_cols; c++) {
        sum += (double)row[c] * (double)x[t * n_cols + c];
        magnitude += fabs((double)row[c]) * 4.0;
      }
      CHECK(fabs((double)b.y[t * MAX_ROWS + r] - sum) <= rounding * magnitude);
    }
  }
  free(weights.data);
}

static void scalar_products_are_right(void) {
  for (uint32_t type = 0; type < INK_TYPE_END; type++) {
    const ink_type_traits *traits = ink_type_get_traits(type);
    if (!traits) continue;
    bool in_8_bits = traits->block_columns > 1;
    double fine_rounding = in_8_bits ? 0.5 / 127.0 / 254.0 + 1e-6 : 1e-5;
    check_products((ink_type)type, false, in_8_bits ? 0.5 / 127.0 : 1e-5);
    check_products((ink_type)type, true, fine_rounding);
    bool ternary = type == INK_TYPE_TQ1_0 || type == INK_TYPE_TQ2_0;
    CHECK(traits->fine_activations == ternary); /* nobody else's are twice the work */
  }
}

/* So small that 127 / max overflows, in fine activations the residual alone. */
static void tiny_activations_are_finite(void) {
  static run_buffers b;
  float x[5 * INK_SUPER_BLOCK];
  uint32_t seed = 6;
  ink_tensor weights = random_tensor(INK_TYPE_Q4_1, 8, INK_SUPER_BLOCK, 13);
  for (int e = 0; e < 8; e++) {
    float size = ink_f32_of_bits((uint32_t)(1 + 3 * e) << 23); /* 2^-126 to 2^-105 */
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = random_float(&seed) * size;
    multiply(&ink_kernels_scalar, &weights, x, 5, e % 2, &b);
    for (uint32_t t = 0; t < 5; t++) {
      for (uint32_t r = 0; r < 8; r++) CHECK(fabsf(b.y[t * MAX_ROWS + r]) < 1e-25f);
    }
  }
  free(weights.data);
}

/* One column far larger than the others: these must not be rounded in steps of its size. */
static void outliers_leave_the_rest_exact(void) {
  enum { TOKENS = 6, COLS = 320, AT = 37 };
  static run_buffers b;
  float x[TOKENS * COLS], row[COLS];
  uint32_t seed = 4;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = random_float(&seed);
  x[AT] = 1000.0f;                          /* in a tile */
  x[2 * COLS + COLS - 1] = -1000.0f;        /* in the same one, elsewhere */
  x[5 * COLS + AT] = 1000.0f;               /* in a token that stands alone */
  ink_tensor weights = random_tensor(INK_TYPE_Q8_0, 8, COLS, 12);
  multiply(&ink_kernels_scalar, &weights, x, TOKENS, false, &b);
  for (uint32_t t = 0; t < TOKENS; t++) {
    for (uint32_t r = 0; r < 8; r++) {
      double sum = 0.0, magnitude = 0.0;
      ink_tensor_dequantize_row(&weights, r, row);
      for (uint32_t c = 0; c < COLS; c++) {
        sum += (double)row[c] * (double)x[t * COLS + c];
        magnitude += fabs((double)row[c]) * 4.0;
      }
      CHECK(fabs((double)b.y[t * MAX_ROWS + r] - sum) <= 0.5 / 127.0 * magnitude);
    }
  }
  free(weights.data);
}

static void compare_type(const ink_kernels *kernels, ink_type type, uint32_t n_tokens,
                         uint32_t n_cols, bool fine, const float *x) {
  static run_buffers expected, actual;
  bool is_quantised = ink_type_get_traits(type)->block_columns > 1;
  ink_tensor weights = random_tensor(type, is_quantised ? 12 : 11, n_cols, n_tokens);
  multiply(&ink_kernels_scalar, &weights, x, n_tokens, fine, &expected);
  multiply(kernels, &weights, x, n_tokens, fine, &actual);
  CHECK(memcmp(expected.y, actual.y, sizeof actual.y) == 0);
  if (n_tokens < INK_TILE_TOKENS) { /* how a tile's columns stand is each table's own */
    CHECK(memcmp(expected.x, actual.x, sizeof actual.x) == 0);
  }
  free(weights.data);
}

/* Sums of few bits meet the most that they have to hold: columns that weights of all bits or none
 * multiply, of one sign, or of the one for those that one of a row's sums has and of the other for
 * those that another has. */
static void compare_largest_products(const ink_kernels *kernels, ink_type type) {
  static run_buffers expected, actual;
  static const uint8_t fills[] = {0x00, 0xFF, 0x0F, 0xF0, 0x7F, 0x80};
  const ink_type_traits *traits = ink_type_get_traits(type);
  uint32_t n_cols = traits->block_columns;
  float x[5 * INK_SUPER_BLOCK];
  for (uint32_t i = 0; i < sizeof fills / sizeof *fills * 4; i++) {
    uint32_t seed = i;
    ink_tensor weights = random_tensor(type, 8, n_cols, i);
    size_t bytes = (size_t)ink_tensor_bytes(type, 8, n_cols);
    uint8_t scratch[INK_MAX_BLOCK_BYTES * INK_PANEL_ROWS];
    for (size_t at = 0; at < bytes; at += traits->block_bytes) {
      memset(weights.data + at, fills[i / 4], traits->block_bytes);
      set_scales(type, weights.data + at, &seed);
    }
    if (ink_panel_repack(&weights, scratch, NULL) != INK_OK) CHECK_FAILED("repacking failed");
    for (uint32_t c = 0; c < 5 * n_cols; c++) {
      bool minus = i % 4 == 1 || (i % 4 > 1 && c % 4 / 2 == i % 4 - 2);
      x[c] = minus ? -3.0f : 3.0f;
    }
    multiply(&ink_kernels_scalar, &weights, x, 5, false, &expected);
    multiply(kernels, &weights, x, 5, false, &actual);
    CHECK(memcmp(expected.y, actual.y, sizeof actual.y) == 0);
    free(weights.data);
  }
}

static void compare_products(const ink_kernels *kernels) {
  static const uint32_t parts[] = {1, 3, 15};
  static float x[MAX_TOKENS * MAX_COLS];
  uint32_t seed = 5;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = random_float(&seed);
  for (uint32_t i = 0; i < 64; i++) x[i] = 0.0f; /* a block without a scale */
  for (size_t i = 90; i < sizeof x / sizeof *x; i += 577) x[i] = 90.0f; /* some with a residual */
  for (uint32_t type = 0; type < INK_TYPE_END; type++) {
    const ink_type_traits *traits = ink_type_get_traits(type);
    if (!traits) continue;
    if (traits->block_columns > 1) compare_largest_products(kernels, (ink_type)type);
    for (uint32_t n_tokens = 1; n_tokens <= MAX_TOKENS; n_tokens++) {
      for (uint32_t n = 1; n <= 3; n++) {
        uint32_t n_cols = traits->block_columns == INK_SUPER_BLOCK ? n * INK_SUPER_BLOCK
                          : traits->block_columns == 1             ? n * 52
                                                                   : parts[n - 1] * INK_BLOCK;
        if (n_cols > MAX_COLS) continue;
        compare_type(kernels, (ink_type)type, n_tokens, n_cols, false, x);
        compare_type(kernels, (ink_type)type, n_tokens, n_cols, true, x);
      }
    }
  }
}

static void compare_vectors(const ink_kernels *kernels) {
  enum { N = 100 };
  const ink_kernels *k[2] = {&ink_kernels_scalar, kernels};
  float x[N], y[N], w[N], out[2][7][N];
  float sums[2];
  uint16_t halves[N];
  uint32_t seed = 9;
  for (int i = 0; i < N; i++) {
    x[i] = random_float(&seed) * 20.0f;
    y[i] = random_float(&seed);
    w[i] = random_float(&seed);
    halves[i] = ink_f16_of_f32(x[i] * 1e-6f * (float)i);
  }
  for (int i = 0; i < 2; i++) {
    memset(out[i], 0, sizeof out[i]);
    for (int op = 0; op < 4; op++) memcpy(out[i][op], x, sizeof x);
    k[i]->add(out[i][0], y, N);
    k[i]->scale(out[i][1], 0.37f, N);
    k[i]->silu_multiply(out[i][2], y, N);
    k[i]->rms_norm(out[i][3], x, w, N, 1e-5f);
    k[i]->floats_of_halves(out[i][4], halves, N);
    k[i]->floats_of_bf16(out[i][5], halves, N);
    sums[i] = k[i]->exp_sum(x, N - 3, 80.0f);
  }
  CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
  CHECK(sums[0] == sums[1]);
  for (int i = 0; i < N; i++) {
    double silu = (double)x[i] / (1.0 + exp(-(double)x[i]));
    CHECK(fabs((double)out[1][2][i] - silu * (double)y[i]) <= 1e-5 * fabs(silu * (double)y[i]) + 1e-30);
  }
}

enum { WIDTH = 84 }; /* wide vectors, and what is left of them */
enum { QUERIES = 7 };            /* as many as go together, and fewer */

static ink_kv_tile float_tile(const float *keys, const float *values, uint32_t first, uint32_t n,
                              float softcap) {
  return (ink_kv_tile){.keys = keys, .values = values, .first = first, .n = n,
                       .head_dim = WIDTH, .softcap = softcap};
}

/* One pass in double precision over two tiles. */
static void attend_exactly(const ink_kv_tile tiles[2], const float *query, double *out) {
  double score[2][INK_KV_TILE], max = -1e30, sum = 0.0;
  for (int i = 0; i < 2; i++) {
    for (uint32_t p = tiles[i].first; p < tiles[i].n; p++) {
      double dot = 0.0, cap = (double)tiles[i].softcap;
      for (uint32_t c = 0; c < WIDTH; c++) {
        dot += (double)query[c] * (double)tiles[i].keys[p / 16 * 16 * WIDTH + 16 * c + p % 16];
      }
      score[i][p] = cap > 0.0 ? cap * tanh(dot / cap) : dot;
      max = score[i][p] > max ? score[i][p] : max;
    }
  }
  memset(out, 0, WIDTH * sizeof *out);
  for (int i = 0; i < 2; i++) {
    for (uint32_t p = tiles[i].first; p < tiles[i].n; p++) {
      double weight = exp2(score[i][p] - max);
      sum += weight;
      for (uint32_t c = 0; c < WIDTH; c++) {
        out[c] += weight * (double)tiles[i].values[p * WIDTH + c];
      }
    }
  }
  for (uint32_t c = 0; c < WIDTH; c++) out[c] /= sum;
}

/* What a function of one number should be, in double precision. */
static double exact(int op, double x) {
  switch (op) {
  case 0: return 0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
  case 1: return 0.5 * x * erfc(-x / sqrt(2.0));
  default: return 30.0 * tanh(x / 30.0);
  }
}

static void apply(const ink_kernels *kernels, int op, float *x, uint32_t n) {
  switch (op) {
  case 0: kernels->gelu_tanh(x, n); break;
  case 1: kernels->gelu_erf(x, n); break;
  default: kernels->soft_cap(x, 30.0f, n); break;
  }
}

static void compare_activations(const ink_kernels *kernels) {
  enum { N = 4000 };
  static float x[N], out[2][N];
  for (int op = 0; op < 3; op++) {
    for (int i = 0; i < N; i++) x[i] = (float)(i - N / 2) / (i % 7 ? 400.0f : 20.0f);
    x[0] = 1e-6f, x[1] = -3e-4f, x[2] = 1e30f, x[3] = -1e30f, x[4] = 90.0f, x[5] = -90.0f;
    x[6] = -0.0f;
    for (int i = 0; i < 2; i++) {
      memcpy(out[i], x, sizeof x);
      apply(i ? kernels : &ink_kernels_scalar, op, out[i], N);
    }
    CHECK(memcmp(out[0], out[1], sizeof x) == 0);
    for (int i = 0; i < N; i++) {
      double expected = exact(op, (double)x[i]);
      double tolerance = 1e-6 * fabs(expected) + 2e-7 * (op < 2 && x[i] < 0.0f);
      CHECK(fabs((double)out[1][i] - expected) <= tolerance);
    }
  }
}

static void compare_layer_norms(const ink_kernels *kernels) {
  enum { N = 52 };
  float x[N], w[N], b[N], out[2][2][N];
  uint32_t seed = 21;
  double mean = 0.0, variance = 0.0;
  for (int i = 0; i < N; i++) {
    x[i] = 100.0f + random_float(&seed);
    w[i] = random_float(&seed);
    b[i] = random_float(&seed);
    mean += (double)x[i] / (double)N;
  }
  for (int i = 0; i < N; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)N;
  const ink_kernels *k[2] = {&ink_kernels_scalar, kernels};
  for (int i = 0; i < 2; i++) {
    k[i]->layer_norm(out[i][0], x, w, b, N, 1e-5f);
    k[i]->layer_norm(out[i][1], x, w, NULL, N, 1e-5f);
    k[i]->multiply(out[i][1], b, N);
    k[i]->add_scaled(out[i][1], x, 0.25f, N);
  }
  CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
  for (int i = 0; i < N; i++) {
    double scaled = ((double)x[i] - mean) / sqrt(variance + 1e-5) * (double)w[i];
    CHECK(fabs((double)out[1][0][i] - (scaled + (double)b[i])) < 1e-4);
    CHECK(fabs((double)out[1][1][i] - (scaled * (double)b[i] + 0.25 * (double)x[i])) < 1e-3);
  }
}

static void compare_hadamard(const ink_kernels *kernels) {
  static const uint32_t sizes[] = {4, 8, 64, 256};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    uint32_t n = 768, seed = 40;
    float out[2][768];
    for (uint32_t i = 0; i < n; i++) out[0][i] = out[1][i] = random_float(&seed);
    ink_kernels_scalar.hadamard(out[0], n, sizes[s]);
    kernels->hadamard(out[1], n, sizes[s]);
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
  }
}

static void compare_attention(const ink_kernels *kernels) {
  static float keys[INK_KV_TILE * WIDTH], values[INK_KV_TILE * WIDTH], queries[QUERIES * WIDTH];
  uint32_t seed = 13;
  for (size_t i = 0; i < INK_KV_TILE * WIDTH; i++) {
    keys[i] = random_float(&seed);
    values[i] = random_float(&seed);
  }
  for (size_t i = 0; i < QUERIES * WIDTH; i++) queries[i] = random_float(&seed) / 8.0f;
  for (uint32_t n = 1; n <= INK_KV_TILE; n++) {
    float softcap = n % 3 == 0 ? 5.0f : 0.0f;
    uint32_t first = n > 8 ? n * 5 % (n - 3) : 0; /* a window begins within the tile */
    ink_kv_tile tiles[2] = {float_tile(keys, values, first, n, softcap),
                            float_tile(values, keys, 0, (n + 5) % INK_KV_TILE + 1, softcap)};
    float out[2][QUERIES * WIDTH] = {{0}};
    ink_attention_state states[2][QUERIES];
    uint32_t n_queries = n % QUERIES + 1;
    const ink_kernels *k[2] = {&ink_kernels_scalar, kernels};
    for (int i = 0; i < 2; i++) {
      for (int q = 0; q < QUERIES; q++) states[i][q] = (ink_attention_state){.max = -INFINITY};
      k[i]->attend(&tiles[0], queries, n_queries, states[i], out[i]);
      k[i]->attend(&tiles[1], queries, n_queries, states[i], out[i]);
    }
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    CHECK(memcmp(states[0], states[1], sizeof states[0]) == 0);
    for (uint32_t q = 0; q < n_queries; q++) {
      double expected[WIDTH];
      attend_exactly(tiles, queries + q * WIDTH, expected);
      for (int c = 0; c < WIDTH; c++) {
        double actual = (double)out[1][q * WIDTH + c] / (double)states[1][q].sum;
        CHECK(fabs(actual - expected[c]) < 1e-4);
      }
    }
  }
}

/* Two heads' worth of 8-bit keys and values as kernels of that kv_run take them, and the floats they
 * mean. */
typedef struct byte_tiles {
  int8_t keys[INK_KV_TILE * WIDTH], values[INK_KV_TILE * WIDTH + INK_KV_SLACK];
  float key_scales[INK_KV_TILE], value_scales[INK_KV_TILE];
  float float_keys[INK_KV_TILE * WIDTH], float_values[INK_KV_TILE * WIDTH];
} byte_tiles;

static int8_t random_level(uint32_t *seed) {
  return (int8_t)((int)(next_random(seed) % 255) - 127);
}

static void make_byte_tiles(byte_tiles *t, uint32_t run, uint32_t seed) {
  memset(t, 0, sizeof *t);
  for (size_t p = 0; p < INK_KV_TILE; p++) {
    t->key_scales[p] = fabsf(random_float(&seed)) / 127.0f;
    t->value_scales[p] = fabsf(random_float(&seed)) / 127.0f;
    for (size_t c = 0; c < WIDTH; c++) {
      int8_t key = random_level(&seed), value = random_level(&seed);
      t->keys[byte_key_at(WIDTH, run, p, c)] = key;
      t->values[byte_value_at(WIDTH, run, p, c)] = value;
      t->float_keys[p / 16 * 16 * WIDTH + c * 16 + p % 16] = (float)key * t->key_scales[p];
      t->float_values[p * WIDTH + c] = (float)value * t->value_scales[p];
    }
  }
}

static ink_kv_tile byte_tile(const byte_tiles *t, uint32_t first, uint32_t n, float softcap) {
  return (ink_kv_tile){.first = first, .n = n, .head_dim = WIDTH, .softcap = softcap,
                       .byte_keys = t->keys, .byte_values = t->values,
                       .key_scales = t->key_scales, .value_scales = t->value_scales};
}

/* A query's levels, as its table holds them. */
static ink_attention_state quantized(const ink_kernels *kernels, const float *query, uint32_t n,
                                     int16_t *levels) {
  ink_attention_state state = {.max = -INFINITY};
  kernels->quantize_query(query, n, levels, &state);
  return state;
}

/* What the levels of quantize_query() stand for. */
static void round_query(const float *query, float *rounded) {
  float largest = 0.0f;
  for (uint32_t c = 0; c < WIDTH; c++) largest = fmaxf(largest, fabsf(query[c]));
  for (uint32_t c = 0; c < WIDTH; c++) {
    rounded[c] = rintf(query[c] * (127.0f / largest)) * (largest / 127.0f);
  }
}

static bool same_state(const ink_attention_state *a, const ink_attention_state *b) {
  return a->max == b->max && a->sum == b->sum && a->query_scale == b->query_scale;
}

static void compare_byte_attention(const ink_kernels *kernels) {
  static byte_tiles bytes[2][2]; /* [table][tile] */
  const ink_kernels *k[2] = {&ink_kernels_scalar, kernels};
  float queries[QUERIES * WIDTH];
  int16_t levels[QUERIES * WIDTH];
  uint32_t seed = 31;
  for (size_t i = 0; i < QUERIES * WIDTH; i++) queries[i] = random_float(&seed) / 8.0f;
  for (uint32_t i = 0; i < 4; i++) make_byte_tiles(&bytes[i / 2][i % 2], k[i / 2]->kv_run, 33 + i % 2);
  for (uint32_t n = 1; n <= INK_KV_TILE; n++) {
    float softcap = n % 3 == 0 ? 5.0f : 0.0f;
    uint32_t first = n > 8 ? n * 5 % (n - 3) : 0, next = (n + 5) % INK_KV_TILE + 1;
    ink_kv_tile floats[2] = {
        float_tile(bytes[0][0].float_keys, bytes[0][0].float_values, first, n, softcap),
        float_tile(bytes[0][1].float_keys, bytes[0][1].float_values, 0, next, softcap)};
    float out[2][QUERIES * WIDTH] = {{0}};
    ink_attention_state states[2][QUERIES];
    uint32_t n_queries = n % QUERIES + 1;
    for (int i = 0; i < 2; i++) {
      ink_kv_tile tiles[2] = {byte_tile(&bytes[i][0], first, n, softcap),
                              byte_tile(&bytes[i][1], 0, next, softcap)};
      for (int q = 0; q < QUERIES; q++) {
        states[i][q] = quantized(k[i], queries + q * WIDTH, WIDTH, levels + q * WIDTH);
      }
      k[i]->attend(&tiles[0], levels, n_queries, states[i], out[i]);
      k[i]->attend(&tiles[1], levels, n_queries, states[i], out[i]);
    }
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    for (int q = 0; q < QUERIES; q++) CHECK(same_state(&states[0][q], &states[1][q]));
    for (uint32_t q = 0; q < n_queries; q++) {
      float query[WIDTH];
      double expected[WIDTH];
      round_query(queries + q * WIDTH, query);
      attend_exactly(floats, query, expected);
      for (int c = 0; c < WIDTH; c++) {
        double actual = (double)out[1][q * WIDTH + c] / (double)states[1][q].sum;
        CHECK(fabs(actual - expected[c]) < 1.2e-2); /* of 4: most weights have 7 bits */
      }
    }
  }
}

/* A tile's bytes may be made ready once for many queries: none gets other sums than alone. */
static void compare_many_queries(const ink_kernels *kernels) {
  enum { MANY = 11, COLUMNS = 64 };
  int8_t keys[INK_KV_TILE * COLUMNS], values[INK_KV_TILE * COLUMNS + INK_KV_SLACK] = {0};
  int16_t wide[2][INK_KV_TILE * COLUMNS + INK_KV_SLACK], levels[MANY][COLUMNS];
  float key_scales[INK_KV_TILE], value_scales[INK_KV_TILE], query[COLUMNS];
  float out[2][MANY][COLUMNS] = {{{0}}};
  ink_attention_state states[2][MANY];
  uint32_t seed = 39;
  for (size_t i = 0; i < INK_KV_TILE * COLUMNS; i++) {
    keys[i] = random_level(&seed);
    values[i] = random_level(&seed);
  }
  for (size_t i = 0; i < INK_KV_TILE; i++) {
    key_scales[i] = fabsf(random_float(&seed)) / 127.0f;
    value_scales[i] = fabsf(random_float(&seed)) / 127.0f;
  }
  ink_kv_tile tile = {.first = 3, .n = 61, .head_dim = COLUMNS, .byte_keys = keys,
                      .byte_values = values, .key_scales = key_scales,
                      .value_scales = value_scales, .wide_keys = wide[0], .wide_values = wide[1]};
  for (uint32_t q = 0; q < MANY; q++) {
    for (size_t c = 0; c < COLUMNS; c++) query[c] = random_float(&seed) / 8.0f;
    states[0][q] = states[1][q] = quantized(kernels, query, COLUMNS, levels[q]);
    kernels->attend(&tile, levels[q], 1, &states[0][q], out[0][q]);
  }
  kernels->attend(&tile, levels, MANY, states[1], out[1][0]);
  CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
  CHECK(memcmp(states[0], states[1], sizeof states[0]) == 0);
}

/* One position's weight is 2,000 times each other's, which still add up to what they should. */
static void a_large_weight_leaves_the_others(void) {
  enum { TOP = 21 };
  static byte_tiles bytes;
  const char *name;
  for (size_t k = 0; (name = ink_kernels_name(k)) != NULL; k++) {
    const ink_kernels *kernels = ink_kernels_select(name);
    memset(&bytes, 0, sizeof bytes);
    for (size_t p = 0; p < INK_KV_TILE; p++) {
      bytes.key_scales[p] = bytes.value_scales[p] = 1.0f / 127.0f;
      for (size_t c = 0; c < WIDTH; c++) {
        bytes.keys[byte_key_at(WIDTH, kernels->kv_run, p, c)] = p == TOP ? 127 : 0;
        bytes.values[byte_value_at(WIDTH, kernels->kv_run, p, c)] = p == TOP ? 0 : 127;
      }
    }
    float query[WIDTH], out[WIDTH] = {0};
    int16_t levels[WIDTH];
    for (size_t c = 0; c < WIDTH; c++) query[c] = 10.97f / (float)WIDTH;
    ink_attention_state state = quantized(kernels, query, WIDTH, levels);
    ink_kv_tile tile = byte_tile(&bytes, 0, INK_KV_TILE, 0.0f);
    kernels->attend(&tile, levels, 1, &state, out);
    float expected = (INK_KV_TILE - 1) * exp2f(-10.97f);
    for (size_t c = 0; c < WIDTH; c++) CHECK(fabsf(out[c] / expected - 1.0f) < 0.03f); /* of 8 levels */
  }
}

/* The largest integers there are, of either sign: no sum overflows. */
static void byte_sums_hold_the_largest(void) {
  static byte_tiles bytes;
  const char *name;
  for (size_t k = 0; (name = ink_kernels_name(k)) != NULL; k++) {
    const ink_kernels *kernels = ink_kernels_select(name);
    for (int sign = -1; sign <= 1; sign += 2) {
      float sum_of_weights = 0.0f; /* a group's are so much larger that their levels are the largest */
      memset(bytes.keys, 127, sizeof bytes.keys);
      memset(bytes.values, -127, sizeof bytes.values);
      for (size_t p = 0; p < INK_KV_TILE; p++) {
        float weight = p / INK_KEY_GROUP == 2 ? 129.0f : 1.0f;
        bytes.key_scales[p] = 1.0f / 127.0f;
        bytes.value_scales[p] = weight / 127.0f;
        sum_of_weights += weight;
      }
      float query[WIDTH], out[WIDTH] = {0};
      int16_t levels[WIDTH];
      for (size_t c = 0; c < WIDTH; c++) query[c] = (float)sign;
      ink_attention_state state = quantized(kernels, query, WIDTH, levels);
      ink_kv_tile tile = byte_tile(&bytes, 0, INK_KV_TILE, 0.0f);
      kernels->attend(&tile, levels, 1, &state, out);
      CHECK(fabsf(state.max - (float)(sign * WIDTH)) < 1e-3f);
      CHECK(fabsf(state.sum - (float)INK_KV_TILE) < 1e-3f);
      for (size_t c = 0; c < WIDTH; c++) CHECK(fabsf(out[c] / sum_of_weights + 1.0f) < 1e-5f);
    }
  }
}

/* As hidden_positions_do_not_matter(). */
static void hidden_bytes_do_not_matter(void) {
  static byte_tiles bytes[2];
  float query[WIDTH], out[2][WIDTH];
  int16_t levels[WIDTH];
  uint32_t seed = 35;
  for (size_t c = 0; c < WIDTH; c++) query[c] = random_float(&seed);
  const char *name;
  for (size_t k = 0; (name = ink_kernels_name(k)) != NULL; k++) {
    const ink_kernels *kernels = ink_kernels_select(name);
    make_byte_tiles(&bytes[0], kernels->kv_run, 37);
    memset(&bytes[1], -1, sizeof bytes[1]); /* NaN as a scale */
    for (size_t p = 19; p < 42; p++) {
      bytes[1].key_scales[p] = bytes[0].key_scales[p];
      bytes[1].value_scales[p] = bytes[0].value_scales[p];
      for (size_t c = 0; c < WIDTH; c++) {
        size_t key = byte_key_at(WIDTH, kernels->kv_run, p, c);
        size_t value = byte_value_at(WIDTH, kernels->kv_run, p, c);
        bytes[1].keys[key] = bytes[0].keys[key];
        bytes[1].values[value] = bytes[0].values[value];
      }
    }
    for (int i = 0; i < 2; i++) {
      ink_attention_state state = quantized(kernels, query, WIDTH, levels);
      ink_kv_tile tile = byte_tile(&bytes[i], 19, 42, 30.0f);
      memset(out[i], 0, sizeof out[i]);
      kernels->attend(&tile, levels, 1, &state, out[i]);
    }
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
  }
}

/* Whatever stands in places that a query doesn't see, NaN too, changes nothing. */
static void hidden_positions_do_not_matter(void) {
  float keys[INK_KV_TILE * WIDTH], values[INK_KV_TILE * WIDTH], query[WIDTH], out[2][WIDTH];
  uint32_t seed = 21;
  for (size_t c = 0; c < WIDTH; c++) query[c] = random_float(&seed);
  for (int i = 0; i < 2; i++) {
    seed = 22;
    for (uint32_t p = 0; p < INK_KV_TILE; p++) {
      bool seen = p >= 19 && p < 42;
      for (uint32_t c = 0; c < WIDTH; c++) {
        float key = random_float(&seed), value = random_float(&seed);
        keys[p / 16 * 16 * WIDTH + 16 * c + p % 16] = seen || i == 0 ? key : NAN;
        values[p * WIDTH + c] = seen || i == 0 ? value : NAN;
      }
    }
    const char *name;
    for (size_t k = 0; (name = ink_kernels_name(k)) != NULL; k++) {
      ink_attention_state state = {.max = -INFINITY};
      ink_kv_tile tile = float_tile(keys, values, 19, 42, 30.0f);
      memset(out[i], 0, sizeof out[i]);
      ink_kernels_select(name)->attend(&tile, query, 1, &state, out[i]);
      if (i > 0) CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    }
  }
}

static void tables_equal_scalar(void) {
  const char *name;
  for (size_t i = 0; (name = ink_kernels_name(i)) != NULL; i++) {
    const ink_kernels *kernels = ink_kernels_select(name);
    CHECK(kernels && strcmp(kernels->name, name) == 0);
    compare_products(kernels);
    compare_vectors(kernels);
    compare_activations(kernels);
    compare_layer_norms(kernels);
    compare_hadamard(kernels);
    compare_attention(kernels);
    compare_byte_attention(kernels);
    compare_many_queries(kernels);
  }
}

static void names_select_tables(void) {
  CHECK(ink_kernels_select("no such kernels") == NULL);
  CHECK(ink_kernels_select("scalar") == &ink_kernels_scalar);
  CHECK(ink_kernels_select(NULL) == ink_kernels_select("auto"));
#if defined(__wasm_relaxed_simd__)
  CHECK(ink_kernels_select("simd") == &ink_kernels_wasm_relaxed);
  CHECK(ink_kernels_select("wasm_relaxed_dot") == &ink_kernels_wasm_relaxed_dot);
#elif defined(__wasm__)
  CHECK(ink_kernels_select("simd") == &ink_kernels_wasm_simd128);
#endif
}

int main(void) {
  RUN(scalar_products_are_right);
  RUN(outliers_leave_the_rest_exact);
  RUN(tiny_activations_are_finite);
  RUN(tables_equal_scalar);
  RUN(hidden_positions_do_not_matter);
  RUN(a_large_weight_leaves_the_others);
  RUN(byte_sums_hold_the_largest);
  RUN(hidden_bytes_do_not_matter);
  RUN(names_select_tables);
  return check_result();
}
