/* Embeddings: those of transformers, the same bits however they are computed, and what is refused.
 * tools/oracle/embeddings.py makes tests/data/embeddings. */
#include "check.h"
#include "fixtures.h"

enum { N_EMBD = 32, MOST_TOKENS = 200 };

static ink_token some_token(size_t i) { return (ink_token)(i * 37 % 77) + 3; }

/* ---- The truth ---- */

static double length_of(const double *values) {
  double squares = 0.0;
  for (size_t i = 0; i < N_EMBD; i++) squares += values[i] * values[i];
  return sqrt(squares);
}

/* The largest difference, by the largest value. */
static double difference(const float *actual, const double *expected, double divisor) {
  double worst = 0.0, largest = 0.0;
  for (size_t i = 0; i < N_EMBD; i++) {
    double e = expected[i] / divisor, d = fabs((double)actual[i] - e);
    if (!(d <= worst)) worst = d;
    if (fabs(e) > largest) largest = fabs(e);
  }
  return worst / largest;
}

static void compare(const char *name, ink_pooling pooling) {
  char path[128];
  snprintf(path, sizeof path, "embeddings/%s.gguf", name);
  ink_model *model = load_fixture(path, NULL);
  CHECK_EQ(ink_model_get_info(model)->pooling, pooling);
  ink_session *session =
      new_session_of(model, (ink_session_params){.n_ctx = MOST_TOKENS, .kv_type = INK_KV_F32});
  snprintf(path, sizeof path, "embeddings/%s.txt", name);
  golden g = golden_open(path);
  size_t n_texts = (size_t)golden_next(&g), n_tokens = 0;
  CHECK_EQ(golden_next(&g), N_EMBD);
  double worst = 0.0;
  for (size_t text = 0; text < n_texts; text++) {
    ink_token *tokens = golden_tokens(&g, &n_tokens);
    double expected[N_EMBD];
    float plain[N_EMBD], unit[N_EMBD], named[N_EMBD];
    for (size_t i = 0; i < N_EMBD; i++) expected[i] = golden_next(&g);
    ink_pooling as_said = INK_POOLING_UNSPECIFIED;
    CHECK_STATUS(ink_session_embed(session, tokens, n_tokens, as_said, false, plain, NULL), INK_OK);
    CHECK_STATUS(ink_session_embed(session, tokens, n_tokens, as_said, true, unit, NULL), INK_OK);
    CHECK_STATUS(ink_session_embed(session, tokens, n_tokens, pooling, true, named, NULL), INK_OK);
    CHECK(memcmp(unit, named, sizeof unit) == 0);
    double d = difference(plain, expected, 1.0), d_unit = difference(unit, expected, length_of(expected));
    if (!(d <= worst)) worst = d;
    if (!(d_unit <= worst)) worst = d_unit;
    free(tokens);
  }
  CHECK_EQ(n_texts, 5);
  CHECK_EQ(n_tokens > 2 * 64, 1); /* the last text takes several batches */
  printf("%-12s %.1e\n", name, worst);
  CHECK(worst <= 1e-4);
  golden_close(&g);
  ink_session_free(session);
  ink_model_free(model);
}

static void embeddings_are_those_of_transformers(void) {
  compare("qwen3-last", INK_POOLING_LAST);
  compare("llama-mean", INK_POOLING_MEAN);
}

/* What such a model asks for after a text is in its file. */
static void eos_is_added(void) {
  static const char text[] = "a small model of each kind";
  ink_model *model = load_fixture("embeddings/qwen3-last.gguf", NULL);
  golden g = golden_open("embeddings/qwen3-last.txt");
  golden_next(&g), golden_next(&g);
  ink_token tokens[64];
  size_t n, n_expected;
  ink_token *expected = golden_tokens(&g, &n_expected);
  uint32_t flags = INK_TOKENIZE_SPECIAL | INK_TOKENIZE_BOS;
  CHECK_STATUS(ink_tokenize(model, text, strlen(text), flags, tokens, 64, &n, NULL), INK_OK);
  CHECK_EQ(n, n_expected);
  CHECK(memcmp(tokens, expected, n * sizeof *tokens) == 0);
  CHECK(ink_token_is_end(model, tokens[n - 1]));
  free(expected);
  golden_close(&g);
  ink_model_free(model);
}

/* ---- Bits ---- */

static void in_steps(ink_session *session, const ink_token *tokens, size_t n, uint32_t max_tokens,
                     uint32_t max_layers, float *out) {
  ink_embedding step = {0};
  size_t n_steps = 0;
  CHECK_STATUS(ink_embed_begin(session, tokens, n, INK_POOLING_UNSPECIFIED, true, NULL), INK_OK);
  while (!step.values && n_steps++ < 2 * MOST_TOKENS) {
    size_t before = step.n_done;
    CHECK_STATUS(ink_embed_step(session, max_tokens, max_layers, &step, NULL), INK_OK);
    CHECK_EQ(step.n_total, n);
    CHECK(step.n_done <= before + (max_tokens ? max_tokens : n));
    CHECK_EQ(step.values != NULL, step.n_done == n);
  }
  CHECK(step.values != NULL);
  if (step.values) memcpy(out, step.values, N_EMBD * sizeof *out);
}

/* Whatever the kernels, the threads, and the cut into batches and layers. */
static void bits_are_the_same(const char *name) {
  static const uint32_t cuts[][2] = {{0, 0}, {1, 0}, {7, 1}, {64, 1}, {0, 1}, {50, 0}};
  ink_token tokens[MOST_TOKENS];
  float expected[N_EMBD], actual[N_EMBD];
  const char *kernels;
  for (size_t i = 0; i < MOST_TOKENS; i++) tokens[i] = some_token(i);
  for (size_t k = 0; (kernels = ink_kernels_name(k)) != NULL; k++) {
    ink_model *model = load_fixture(name, kernels);
    ink_session *session =
        new_session_of(model, (ink_session_params){.n_ctx = MOST_TOKENS, .n_threads = 1 + (uint32_t)k});
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
      in_steps(session, tokens, MOST_TOKENS, cuts[i][0], cuts[i][1], actual);
      if (k == 0 && i == 0) memcpy(expected, actual, sizeof expected);
      CHECK(memcmp(expected, actual, sizeof expected) == 0);
    }
    ink_session_free(session);
    ink_model_free(model);
  }
}

static void no_cut_shows(void) {
  bits_are_the_same("embeddings/qwen3-last.gguf");
  bits_are_the_same("embeddings/llama-mean.gguf");
}

/* The mean is of all tokens, each behind the ones before it: another order is another embedding, and
 * the last token's is not it. */
static void poolings_differ(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 128);
  uint32_t n_embd = ink_model_get_info(model)->n_embd;
  ink_token tokens[] = {5, 6, 7}, turned[] = {7, 6, 5};
  float mean[64], last[64], other[64];
  CHECK_EQ(n_embd, 64);
  CHECK_STATUS(ink_session_embed(session, tokens, 3, INK_POOLING_MEAN, true, mean, NULL), INK_OK);
  CHECK_STATUS(ink_session_embed(session, tokens, 3, INK_POOLING_LAST, true, last, NULL), INK_OK);
  CHECK(memcmp(mean, last, sizeof mean) != 0);
  CHECK_STATUS(ink_session_embed(session, turned, 3, INK_POOLING_MEAN, true, other, NULL), INK_OK);
  CHECK(memcmp(mean, other, sizeof mean) != 0);
  /* Of one token they are the same. */
  CHECK_STATUS(ink_session_embed(session, tokens, 1, INK_POOLING_MEAN, true, mean, NULL), INK_OK);
  CHECK_STATUS(ink_session_embed(session, tokens, 1, INK_POOLING_LAST, true, last, NULL), INK_OK);
  CHECK(memcmp(mean, last, sizeof mean) == 0);
  ink_session_free(session);
  ink_model_free(model);
}

/* ---- A session between its uses ---- */

static void generation_goes_on_afterwards(void) {
  ink_model *model = load_fixture("embeddings/qwen3-last.gguf", NULL);
  ink_session *session = new_session(model, 64), *fresh = new_session(model, 64);
  ink_token tokens[20];
  float embedding[N_EMBD], again[N_EMBD];
  ink_embedding step;
  for (size_t i = 0; i < 20; i++) tokens[i] = some_token(i);
  ink_pooling pooling = INK_POOLING_LAST;
  CHECK_STATUS(ink_session_embed(session, tokens, 10, pooling, true, embedding, NULL), INK_OK);
  CHECK(ink_session_logits(session) == NULL);
  CHECK_EQ(ink_session_length(session), 10);
  CHECK_STATUS(ink_session_eval(session, tokens + 10, 10, NULL), INK_OK);
  CHECK_STATUS(ink_session_eval(fresh, tokens, 20, NULL), INK_OK);
  size_t size = ink_model_get_info(model)->n_vocab * sizeof(float);
  CHECK(memcmp(ink_session_logits(session), ink_session_logits(fresh), size) == 0);

  CHECK_STATUS(ink_embed_begin(session, tokens, 20, pooling, true, NULL), INK_OK);
  CHECK_STATUS(ink_embed_step(session, 4, 1, &step, NULL), INK_OK);
  CHECK_STATUS(ink_session_eval(session, tokens, 1, NULL), INK_OK); /* gives it up */
  CHECK_STATUS(ink_embed_step(session, 4, 1, &step, NULL), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_embed_begin(session, tokens, 20, pooling, true, NULL), INK_OK);
  CHECK_STATUS(ink_embed_step(session, 4, 1, &step, NULL), INK_OK);
  CHECK_STATUS(ink_session_embed(session, tokens, 10, pooling, true, again, NULL), INK_OK);
  CHECK(memcmp(embedding, again, sizeof embedding) == 0);
  ink_session_free(fresh);
  ink_session_free(session);
  ink_model_free(model);
}

/* ---- What is refused ---- */

static void refusals(void) {
  ink_model *plain = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(plain, 16);
  ink_token tokens[17] = {1, 2, 3, 512};
  float embedding[64];
  ink_error error;
  CHECK_EQ(ink_model_get_info(plain)->pooling, INK_POOLING_NONE);
  static const ink_pooling not_computed[] = {INK_POOLING_UNSPECIFIED, INK_POOLING_NONE,
                                             INK_POOLING_CLS, INK_POOLING_RANK, (ink_pooling)7};
  for (size_t i = 0; i < sizeof not_computed / sizeof *not_computed; i++) {
    CHECK_STATUS(ink_session_embed(session, tokens, 3, not_computed[i], true, embedding, &error),
                 INK_ERR_UNSUPPORTED_EMBEDDINGS);
    CHECK(strstr(error.message, "pooling_type") != NULL);
  }
  ink_pooling mean = INK_POOLING_MEAN;
  CHECK_STATUS(ink_session_embed(session, tokens, 0, mean, true, embedding, &error),
               INK_ERR_INVALID_ARGUMENT);
  CHECK_STATUS(ink_session_embed(session, tokens, 4, mean, true, embedding, &error),
               INK_ERR_INVALID_ARGUMENT);
  tokens[3] = 4;
  CHECK_STATUS(ink_session_embed(session, tokens, 17, mean, true, embedding, &error),
               INK_ERR_CONTEXT_FULL);
  CHECK(strstr(error.message, "17 tokens") != NULL);
  CHECK_STATUS(ink_embed_step(session, 0, 0, &(ink_embedding){0}, &error), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_session_embed(session, tokens, 16, mean, true, embedding, &error), INK_OK);
  ink_session_free(session);
  ink_model_free(plain);
}

/* A number that no pooling has does not keep a model from generating. */
static void unknown_poolings_load(void) {
  static const uint32_t numbers[] = {INK_POOLING_CLS, INK_POOLING_RANK, 7, UINT32_MAX};
  static const char key[] = "qwen3.pooling_type";
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    size_t len, at = 0;
    uint8_t *bytes = read_file("embeddings/qwen3-last.gguf", &len);
    while (at + sizeof key < len && memcmp(bytes + at, key, sizeof key - 1) != 0) at++;
    uint8_t *value = bytes + at + sizeof key - 1 + 4; /* after its type */
    for (int k = 0; k < 4; k++) value[k] = (uint8_t)(numbers[i] >> 8 * k);
    ink_model *model;
    CHECK_STATUS(load_bytes(bytes, len, len, len, NULL, &model, NULL), INK_OK);
    ink_session *session = new_session(model, 16);
    ink_token tokens[] = {3, 4};
    float embedding[N_EMBD];
    CHECK_STATUS(ink_session_embed(session, tokens, 2, INK_POOLING_UNSPECIFIED, true, embedding, NULL),
                 INK_ERR_UNSUPPORTED_EMBEDDINGS);
    CHECK_STATUS(ink_session_embed(session, tokens, 2, INK_POOLING_LAST, true, embedding, NULL), INK_OK);
    ink_session_free(session);
    ink_model_free(model);
    free(bytes);
  }
}

int main(void) {
  RUN(embeddings_are_those_of_transformers);
  RUN(eos_is_added);
  RUN(no_cut_shows);
  RUN(poolings_differ);
  RUN(generation_goes_on_afterwards);
  RUN(refusals);
  RUN(unknown_poolings_load);
  return check_result();
}
