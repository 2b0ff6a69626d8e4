/* Encoding: what comes back is near, exact where it can be, and nearer where it matters. */
#include "check.h"
#include "fixtures.h"
#include "format/decode.h"
#include "format/encode.h"
#include "format/gguf_write.h"
#include "format/requantize.h"
#include "model/recipe.h"

#define N_COLS 512u

/* Types with the largest error that a normal distribution may have, relative to its size. */
static const struct {
  ink_type type;
  double error;
} types[] = {
    {INK_TYPE_F32, 0},        {INK_TYPE_F16, 0.0003},   {INK_TYPE_BF16, 0.003},
    {INK_TYPE_Q4_0, 0.10},    {INK_TYPE_Q4_1, 0.09},    {INK_TYPE_Q5_0, 0.05},
    {INK_TYPE_Q5_1, 0.045},   {INK_TYPE_Q8_0, 0.007},   {INK_TYPE_Q4_K, 0.08},
    {INK_TYPE_Q5_K, 0.045},    {INK_TYPE_Q6_K, 0.025},
};
#define N_TYPES (sizeof types / sizeof types[0])

static float normal(uint32_t *seed) {
  double sum = 0;
  for (int i = 0; i < 12; i++) sum += (double)(next_random(seed) & 0xFFFFFFu) / 16777216.0;
  return (float)(sum - 6.0);
}

static void round_trip(ink_type type, const float *x, const float *importance, float *back) {
  uint8_t blocks[N_COLS * 4];
  ink_encode_row(type, x, importance, N_COLS, blocks);
  CHECK(ink_decode_row(type, blocks, N_COLS, back));
}

/* sum of w (x - back)^2 over sum of w x^2, its root */
static double error_of(const float *x, const float *back, const float *w) {
  double error = 0, size = 0;
  for (uint32_t c = 0; c < N_COLS; c++) {
    double weight = w ? (double)w[c] : 1.0, difference = (double)x[c] - (double)back[c];
    error += weight * difference * difference;
    size += weight * (double)x[c] * (double)x[c];
  }
  return sqrt(error / size);
}

static void errors_are_small(void) {
  uint32_t seed = 3;
  float x[N_COLS], back[N_COLS];
  for (int scale = -12; scale <= 8; scale += 4) {
    for (uint32_t c = 0; c < N_COLS; c++) x[c] = ldexpf(normal(&seed), scale);
    for (size_t i = 0; i < N_TYPES; i++) {
      round_trip(types[i].type, x, NULL, back);
      double error = error_of(x, back, NULL);
      CHECK(error <= types[i].error && error >= types[i].error * 0.4);
      if (error > types[i].error || error < types[i].error * 0.4) {
        printf("%s at 2^%d: %g\n", ink_type_name(types[i].type), scale, error);
      }
    }
  }
}

/* Multiples of a power of two that the levels reach, with the extreme where the rule puts it. */
static void what_fits_is_exact(void) {
  float x[N_COLS], back[N_COLS];
  for (uint32_t c = 0; c < N_COLS; c++) x[c] = 0.25f * (float)((int)(c * 7 % 16) - 8);
  for (size_t i = 0; i < N_TYPES; i++) {
    if (types[i].type == INK_TYPE_Q8_0 || types[i].type == INK_TYPE_Q5_1) continue; /* too fine */
    round_trip(types[i].type, x, NULL, back);
    bool affine_k = types[i].type == INK_TYPE_Q4_K || types[i].type == INK_TYPE_Q5_K;
    double error = error_of(x, back, NULL);
    CHECK(affine_k ? error < 0.001 : error == 0.0); /* d / 63 is rounded */
  }
}

static void odd_rows_are_finite(void) {
  static const float values[] = {0.0f, -0.0f, 1e-45f, 1e-38f, 1e-20f, 6e-8f, 1.0f, -65504.0f, 65504.0f};
  float x[N_COLS], w[N_COLS], back[N_COLS];
  uint32_t seed = 11;
  for (uint32_t trial = 0; trial < 400; trial++) {
    for (uint32_t c = 0; c < N_COLS; c++) {
      size_t pick = trial < 9 ? trial : next_random(&seed) % (trial % 2 ? 9 : 3);
      x[c] = values[pick];
      w[c] = trial % 3 ? values[next_random(&seed) % 2 ? 0 : 6] : 0.0f;
    }
    for (size_t i = 0; i < N_TYPES; i++) {
      round_trip(types[i].type, x, trial % 4 ? NULL : w, back);
      if (trial > 1) continue;
      for (uint32_t c = 0; c < N_COLS; c++) CHECK(back[c] == 0.0f);
    }
  }
}

static void importance_moves_the_error(void) {
  uint32_t seed = 5;
  float x[N_COLS], w[N_COLS], plain[N_COLS], weighted[N_COLS];
  for (uint32_t c = 0; c < N_COLS; c++) {
    x[c] = normal(&seed);
    w[c] = c % 5 == 0 ? 100.0f : 0.01f;
  }
  for (size_t i = 0; i < N_TYPES; i++) {
    round_trip(types[i].type, x, NULL, plain);
    round_trip(types[i].type, x, w, weighted);
    double before = error_of(x, plain, w), after = error_of(x, weighted, w);
    bool fitted = types[i].type >= INK_TYPE_Q4_0 && types[i].type < INK_TYPE_BF16 &&
                  types[i].type != INK_TYPE_Q8_0;
    CHECK(fitted ? after < 0.9 * before : memcmp(plain, weighted, sizeof plain) == 0);
  }
}

/* ---- Tensors ---- */

#define N_ROWS 50u

static ink_status requantize(const float *rows, uint32_t n_threads, ink_type type, uint8_t *out,
                             ink_error *error) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_gguf_tensor tensor = {
      .name = {"a.weight", 8}, .type = INK_TYPE_F32, .n_dims = 2, .dims = {N_COLS, N_ROWS, 1, 1}};
  ink_pool *pool;
  CHECK_STATUS(ink_pool_create(&pool, &allocator, n_threads, NULL), INK_OK);
  float *scratch = malloc(ink_pool_size(pool) * 2 * N_COLS * sizeof *scratch);
  ink_requantize job = {.tensor = &tensor, .type = type, .scratch = scratch};
  ink_status status = ink_requantize_rows(&job, pool, 0, N_ROWS, (const uint8_t *)rows, out, error);
  free(scratch);
  ink_pool_free(pool);
  return status;
}

static void rows_are_independent(void) {
  uint32_t seed = 9;
  size_t row_bytes = (size_t)ink_row_bytes(INK_TYPE_Q4_K, N_COLS);
  float *rows = malloc(N_ROWS * N_COLS * sizeof *rows);
  uint8_t *one = malloc(N_ROWS * N_COLS * sizeof *rows), *many = malloc(N_ROWS * N_COLS * sizeof *rows);
  ink_error error;
  for (uint32_t i = 0; i < N_ROWS * N_COLS; i++) rows[i] = normal(&seed);
  CHECK_STATUS(requantize(rows, 1, INK_TYPE_Q4_K, one, &error), INK_OK);
  CHECK_STATUS(requantize(rows, 3, INK_TYPE_Q4_K, many, &error), INK_OK);
  CHECK(memcmp(one, many, N_ROWS * row_bytes) == 0);

  rows[17 * N_COLS + 300] = 70000.0f;
  CHECK_STATUS(requantize(rows, 3, INK_TYPE_Q4_K, many, &error), INK_ERR_BAD_MODEL);
  CHECK(strstr(error.message, "'a.weight'") && strstr(error.message, "row 17"));
  rows[4 * N_COLS] = INFINITY;
  CHECK_STATUS(requantize(rows, 3, INK_TYPE_BF16, many, &error), INK_ERR_BAD_MODEL);
  CHECK(strstr(error.message, "not a number in row 4"));
  free(rows);
  free(one);
  free(many);
}

static void headers_are_read_back(void) {
  ink_allocator allocator = ink_allocator_or_default(NULL);
  ink_gguf_writer w;
  ink_error error;
  ink_gguf_tensor tensors[] = {
      {.name = {"a", 1}, .type = INK_TYPE_Q6_K, .n_dims = 3, .dims = {256, 3, 2, 1}},
      {.name = {"b", 1}, .type = INK_TYPE_F32, .n_dims = 1, .dims = {5, 1, 1, 1}},
      {.name = {"c", 1}, .type = INK_TYPE_Q8_0, .n_dims = 2, .dims = {32, 7, 1, 1}},
  };
  CHECK_STATUS(ink_gguf_writer_begin(&w, &allocator, 32, &error), INK_OK);
  CHECK_STATUS(ink_gguf_writer_put_u32(&w, "number", 4000000000u, &error), INK_OK);
  CHECK_STATUS(ink_gguf_writer_put_string(&w, "text", (ink_str){"abc", 3}, &error), INK_OK);
  for (size_t i = 0; i < 3; i++) {
    CHECK_STATUS(ink_gguf_writer_put_tensor(&w, &tensors[i], &error), INK_OK);
  }
  CHECK_STATUS(ink_gguf_writer_end(&w, &error), INK_OK);
  ink_gguf gguf;
  bool complete;
  CHECK_STATUS(ink_gguf_parse(&gguf, &allocator, (const uint8_t *)w.bytes.data, w.bytes.len,
                              w.bytes.len + w.data_size, &complete, &error),
               INK_OK);
  CHECK(complete && gguf.n_tensors == 3 && gguf.data_offset == w.bytes.len);
  for (size_t i = 0; i < 3 && complete; i++) {
    CHECK_EQ(gguf.tensors[i].offset, gguf.data_offset + tensors[i].offset);
    CHECK_EQ(gguf.tensors[i].n_bytes, tensors[i].n_bytes);
    CHECK(memcmp(gguf.tensors[i].dims, tensors[i].dims, sizeof tensors[i].dims) == 0);
  }
  uint32_t number;
  CHECK_STATUS(ink_gguf_get_u32(&gguf, "number", 0, &number, &error), INK_OK);
  CHECK_EQ(number, 4000000000u);
  ink_gguf_free(&gguf);
  ink_gguf_writer_free(&w);
}

/* ---- Recipes ---- */

static ink_type choose(const char *recipe, const ink_recipe_model *model, const char *name,
                       uint64_t columns) {
  ink_gguf_tensor tensor = {.name = {name, strlen(name)},
                            .type = INK_TYPE_F32,
                            .n_dims = 2,
                            .dims = {columns, 64, 1, 1}};
  return ink_recipe_choose(ink_recipe_find(recipe), model, &tensor);
}

static void recipes_choose(void) {
  const ink_recipe_model tied = {.n_layer = 32}, separate = {.n_layer = 32, .has_output = true};
  const ink_recipe_model moe = {.n_layer = 32, .n_expert = 8, .has_output = true};
  const ink_recipe_model important = {.n_layer = 32, .has_importance = true, .has_output = true};
  CHECK(ink_recipe_find("q4_K_m") && ink_recipe_find("q4_K_m") == ink_recipe_find("Q4_K"));
  CHECK(!ink_recipe_find("q4_k_x") && !ink_recipe_find("") && !ink_recipe_find("q4"));
  for (size_t i = 0; ink_recipe_name(i); i++) CHECK(ink_recipe_find(ink_recipe_name(i)) != NULL);

  CHECK_EQ(choose("Q4_K_M", &tied, "token_embd.weight", 256), INK_TYPE_Q6_K);
  CHECK_EQ(choose("Q4_K_M", &separate, "token_embd.weight", 256), INK_TYPE_Q4_K);
  CHECK_EQ(choose("Q4_K_M", &separate, "output.weight", 256), INK_TYPE_Q6_K);
  CHECK_EQ(choose("Q4_K_M", &separate, "output.weight", 96), INK_TYPE_Q8_0);
  CHECK_EQ(choose("Q8_0", &separate, "output.weight", 96), INK_TYPE_Q8_0);
  CHECK_EQ(choose("Q4_K_M", &tied, "blk.0.attn_v.weight", 256), INK_TYPE_Q6_K);
  CHECK_EQ(choose("Q4_K_M", &tied, "blk.4.attn_v.weight", 256), INK_TYPE_Q4_K);
  CHECK_EQ(choose("Q4_K_M", &tied, "blk.6.ffn_down.weight", 256), INK_TYPE_Q6_K);
  CHECK_EQ(choose("Q4_K_M", &tied, "blk.28.ffn_down.weight", 256), INK_TYPE_Q6_K);
  CHECK_EQ(choose("Q4_K_M", &tied, "blk.5.attn_q.weight", 96), INK_TYPE_Q5_0);
  CHECK_EQ(choose("Q4_K_M", &tied, "blk.5.attn_qkv.weight", 256), INK_TYPE_Q5_K);
  CHECK_EQ(choose("Q4_K_S", &tied, "blk.3.attn_v.weight", 96), INK_TYPE_Q5_1);
  CHECK_EQ(choose("Q4_K_M", &moe, "blk.9.attn_k.weight", 256), INK_TYPE_Q8_0);
  CHECK_EQ(choose("Q4_0", &important, "blk.0.ffn_down.weight", 256), INK_TYPE_Q4_1);
  CHECK_EQ(choose("Q6_K", &tied, "blk.0.ffn_up.weight", 100), INK_TYPE_F16);
  CHECK_EQ(choose("Q4_0", &tied, "blk.0.attn_norm.weight", 256), INK_TYPE_F32);
  CHECK_EQ(choose("Q4_0", &tied, "blk.0.ffn_gate_inp.weight", 256), INK_TYPE_F32);
  CHECK_EQ(choose("Q4_0", &tied, "blk.0.attn_q.bias", 256), INK_TYPE_F32);
  CHECK_EQ(choose("Q4_0", &tied, "blk.99999999999.attn_v.weight", 256), INK_TYPE_Q4_0);
}

int main(void) {
  RUN(errors_are_small);
  RUN(what_fits_is_exact);
  RUN(odd_rows_are_finite);
  RUN(importance_moves_the_error);
  RUN(rows_are_independent);
  RUN(headers_are_read_back);
  RUN(recipes_choose);
  return check_result();
}
