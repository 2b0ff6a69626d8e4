/* kernels: scalar against arithmetic in double precision, every other table against scalar, bit for
 * bit. */
#include "base/half.h"
#include "check.h"
#include "fixtures.h"
#include "kernels/kernels.h"

#define MAX_ROWS 12u
#define MAX_COLS 192u
#define MAX_TOKENS 9u

static float random_float(uint32_t *state) {
  return (float)((int)(next_random(state) % 2001) - 1000) / 250.0f;
}

/* A tensor of random blocks, repacked. */
static ink_tensor random_tensor(ink_type type, uint32_t n_rows, uint32_t n_cols, uint32_t seed) {
  const ink_type_traits *traits = ink_type_get_traits(type);
  size_t bytes = (size_t)ink_tensor_bytes(type, n_rows, n_cols);
  uint8_t *data = aligned_alloc(64, (bytes + 63) / 64 * 64);
  uint8_t scratch[MAX_COLS / INK_BLOCK * 34 * 4];
  for (size_t at = 0; at < bytes; at += traits->block_bytes) {
    for (uint32_t i = 0; i < traits->block_bytes; i++) data[at + i] = (uint8_t)next_random(&seed);
    for (uint32_t h = 0; h < traits->n_halves; h++) {
      uint16_t half = ink_f16_of_f32(random_float(&seed) / 64.0f);
      memcpy(data + at + 2 * h, &half, sizeof half);
    }
    if (type == INK_TYPE_F32) {
      float value = random_float(&seed);
      memcpy(data + at, &value, sizeof value);
    } else if (type == INK_TYPE_F16) {
      uint16_t half = ink_f16_of_f32(random_float(&seed));
      memcpy(data + at, &half, sizeof half);
    }
  }
  ink_tensor tensor = {{"t", 1}, type, n_rows, n_cols, data};
  if (ink_panel_repack(&tensor, scratch, NULL) != INK_OK) CHECK_FAILED("repacking failed");
  return tensor;
}

typedef struct run_buffers {
  int16_t q[MAX_TOKENS * MAX_COLS];
  float d[MAX_TOKENS * MAX_COLS / INK_BLOCK];
  float s[MAX_TOKENS * MAX_COLS / INK_BLOCK];
  ink_unpacked_block panel[MAX_COLS / INK_BLOCK];
  float y[MAX_TOKENS * MAX_ROWS];
} run_buffers;

static void multiply(const ink_kernels *kernels, const ink_tensor *weights, const float *x,
                     uint32_t n_tokens, run_buffers *b) {
  memset(b, 0, sizeof *b);
  ink_matmul job = {.weights = weights,
                    .end_row = weights->n_rows,
                    .n_tokens = n_tokens,
                    .x = {b->q, b->d, b->s},
                    .x_f32 = x,
                    .y = b->y,
                    .y_stride = MAX_ROWS,
                    .scratch = b->panel};
  if (weights->n_cols % INK_BLOCK == 0) {
    kernels->quantize(x, n_tokens, weights->n_cols, &job.x);
  }
  ink_kernels_matmul(kernels, &job);
}

static const ink_type all_types[] = {INK_TYPE_F32, INK_TYPE_F16, INK_TYPE_Q4_0, INK_TYPE_Q4_1,
                                     INK_TYPE_Q8_0};

static void scalar_products_are_right(void) {
  static run_buffers b;
  float x[MAX_TOKENS * MAX_COLS], row[MAX_COLS];
  uint32_t seed = 3;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = random_float(&seed);
  for (size_t i = 0; i < 5; i++) {
    ink_tensor weights = random_tensor(all_types[i], 8, 96, 11);
    multiply(&ink_kernels_scalar, &weights, x, 6, &b);
    for (uint32_t t = 0; t < 6; t++) {
      for (uint32_t r = 0; r < 8; r++) {
        double sum = 0.0, magnitude = 0.0;
        ink_tensor_dequantize_row(&weights, r, row);
        for (uint32_t c = 0; c < 96; c++) {
          sum += (double)row[c] * (double)x[t * 96 + c];
          magnitude += fabs((double)row[c]) * 4.0;
        }
        /* Activations are rounded to 8 bits: at most half of 4 / 127 each. */
        double tolerance = all_types[i] <= INK_TYPE_F16 ? 1e-5 : 0.5 / 127.0;
        CHECK(fabs((double)b.y[t * MAX_ROWS + r] - sum) <= tolerance * magnitude);
      }
    }
    free(weights.data);
  }
}

static void compare_products(const ink_kernels *kernels) {
  static run_buffers expected, actual;
  float x[MAX_TOKENS * MAX_COLS];
  uint32_t seed = 5;
  for (size_t i = 0; i < sizeof x / sizeof *x; i++) x[i] = random_float(&seed);
  for (uint32_t i = 0; i < 64; i++) x[i] = 0.0f; /* a block without a scale */
  for (size_t i = 0; i < 5; i++) {
    for (uint32_t n_tokens = 1; n_tokens <= MAX_TOKENS; n_tokens++) {
      for (uint32_t n_cols = 32; n_cols <= MAX_COLS; n_cols += 80) {
        uint32_t cols = all_types[i] <= INK_TYPE_F16 ? n_cols - 4 : n_cols / 32 * 32;
        uint32_t rows = all_types[i] <= INK_TYPE_F16 ? 11 : 12;
        ink_tensor weights = random_tensor(all_types[i], rows, cols, n_tokens);
        multiply(&ink_kernels_scalar, &weights, x, n_tokens, &expected);
        multiply(kernels, &weights, x, n_tokens, &actual);
        CHECK(memcmp(expected.y, actual.y, sizeof actual.y) == 0);
        CHECK(memcmp(expected.q, actual.q, sizeof actual.q) == 0);
        CHECK(memcmp(expected.s, actual.s, sizeof actual.s) == 0);
        free(weights.data);
      }
    }
  }
}

static void compare_vectors(const ink_kernels *kernels) {
  enum { N = 100 };
  const ink_kernels *k[2] = {&ink_kernels_scalar, kernels};
  float x[N], y[N], w[N], out[2][6][N];
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
    sums[i] = k[i]->exp_sum(x, N - 3, 80.0f);
  }
  CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
  CHECK(sums[0] == sums[1]);
  for (int i = 0; i < N; i++) {
    double silu = (double)x[i] / (1.0 + exp(-(double)x[i]));
    CHECK(fabs((double)out[1][2][i] - silu * (double)y[i]) <= 1e-5 * fabs(silu * (double)y[i]) + 1e-30);
  }
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
    mean += (double)x[i] / N;
  }
  for (int i = 0; i < N; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / N;
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

static void compare_attention(const ink_kernels *kernels) {
  enum { WIDTH = 12 };
  float keys[INK_KV_TILE * WIDTH], values[INK_KV_TILE * WIDTH], query[WIDTH];
  uint32_t seed = 13;
  for (size_t i = 0; i < INK_KV_TILE * WIDTH; i++) {
    keys[i] = random_float(&seed);
    values[i] = random_float(&seed);
  }
  for (size_t i = 0; i < WIDTH; i++) query[i] = random_float(&seed);
  for (uint32_t n = 1; n <= INK_KV_TILE; n++) {
    float out[2][WIDTH] = {{0}};
    ink_attention_state states[2] = {{-INFINITY, 0.0f}, {-INFINITY, 0.0f}};
    ink_kv_tile tile = {keys, values, n, WIDTH};
    ink_kv_tile second = {values, keys, (n + 5) % INK_KV_TILE + 1, WIDTH};
    const ink_kernels *k[2] = {&ink_kernels_scalar, kernels};
    for (int i = 0; i < 2; i++) {
      k[i]->attend(&tile, query, &states[i], out[i]);
      k[i]->attend(&second, query, &states[i], out[i]);
    }
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    CHECK(states[0].sum == states[1].sum && states[0].max == states[1].max);

    /* One pass in double precision over both tiles. */
    double score[2 * INK_KV_TILE], max = -1e30, sum = 0.0, exact[WIDTH] = {0};
    uint32_t total = n + second.n;
    for (uint32_t p = 0; p < total; p++) {
      const ink_kv_tile *t = p < n ? &tile : &second;
      uint32_t at = p < n ? p : p - n;
      score[p] = 0.0;
      for (uint32_t c = 0; c < WIDTH; c++) {
        score[p] += (double)query[c] * (double)t->keys[at / 4 * 4 * WIDTH + 4 * c + at % 4];
      }
      max = score[p] > max ? score[p] : max;
    }
    for (uint32_t p = 0; p < total; p++) {
      const ink_kv_tile *t = p < n ? &tile : &second;
      double weight = exp(score[p] - max);
      sum += weight;
      for (uint32_t c = 0; c < WIDTH; c++) {
        exact[c] += weight * (double)t->values[(p < n ? p : p - n) * WIDTH + c];
      }
    }
    for (uint32_t c = 0; c < WIDTH; c++) {
      CHECK(fabs((double)(out[1][c] / states[1].sum) - exact[c] / sum) < 1e-4);
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
    compare_attention(kernels);
  }
}

static void names_select_tables(void) {
  CHECK(ink_kernels_select("no such kernels") == NULL);
  CHECK(ink_kernels_select("scalar") == &ink_kernels_scalar);
  CHECK(ink_kernels_select(NULL) == ink_kernels_select("auto"));
#if defined(__wasm__)
  CHECK(ink_kernels_select("simd") == &ink_kernels_wasm_simd128);
#endif
}

int main(void) {
  RUN(scalar_products_are_right);
  RUN(tables_equal_scalar);
  RUN(names_select_tables);
  return check_result();
}
