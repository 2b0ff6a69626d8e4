/* engine: logits against float64 arithmetic on the dequantised weights, and their invariances. */
#include "base/index.h"
#include "check.h"
#include "fixtures.h"

/* The relative RMS error of all logits of the golden's positions. */
static double logit_error(const char *model_name, const char *golden_name, const char *kernels,
                          ink_kv_type kv_type) {
  ink_model *model = load_fixture(model_name, kernels);
  golden g = golden_open(golden_name);
  size_t n_tokens;
  ink_token *tokens = golden_tokens(&g, &n_tokens);
  size_t n_vocab = (size_t)golden_next(&g), n_positions = (size_t)golden_next(&g);
  CHECK_EQ(ink_model_get_info(model)->n_vocab, n_vocab);
  ink_session *session = new_session_of(
      model, (ink_session_params){.n_ctx = (uint32_t)n_tokens, .kv_type = kv_type});
  double error = 0.0, magnitude = 0.0;
  for (size_t i = 0; i < n_positions; i++) {
    size_t position = (size_t)golden_next(&g);
    size_t done = ink_session_length(session);
    CHECK_STATUS(ink_session_eval(session, tokens + done, position + 1 - done, NULL), INK_OK);
    const float *logits = ink_session_logits(session);
    for (size_t v = 0; v < n_vocab; v++) {
      double expected = golden_next(&g);
      error += ((double)logits[v] - expected) * ((double)logits[v] - expected);
      magnitude += expected * expected;
    }
  }
  double relative = sqrt(error / magnitude);
  printf("%s, %s, KV cache type %d: relative error of logits %.2g\n", model_name,
         kernels ? kernels : "auto", (int)kv_type, relative);
  ink_session_free(session);
  ink_model_free(model);
  golden_close(&g);
  free(tokens);
  return relative;
}

static void f32_model(void) {
  static const char *const truth = "golden/stories260K-logits.txt";
  CHECK(logit_error("stories260K.gguf", truth, NULL, INK_KV_F32) < 5e-6);
  CHECK(logit_error("stories260K.gguf", truth, "scalar", INK_KV_F32) < 5e-6);
}

/* Keys and values in fewer bits: each costs what its rounding does, and no more. */
static void kv_cache_types(void) {
  static const char *const truth = "golden/stories260K-logits.txt";
  CHECK(logit_error("stories260K.gguf", truth, NULL, INK_KV_F16) < 5e-4);
  CHECK(logit_error("stories260K.gguf", truth, NULL, INK_KV_BF16) < 3e-3);
  CHECK(logit_error("stories260K.gguf", truth, NULL, INK_KV_Q8_0) < 3e-2);
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session_params params = {.kv_type = (ink_kv_type)99};
  ink_session *session;
  CHECK_STATUS(ink_session_create(&session, model, &params, NULL), INK_ERR_INVALID_ARGUMENT);
  ink_model_free(model);
}

/* Random weights and activations of 8 bits; llama.cpp's own error on these is 0.032 to
 * 0.048. */
static void quantised_models(void) {
  CHECK(logit_error("tiny-q.gguf", "golden/tiny-q-logits.txt", NULL, INK_KV_DEFAULT) < 0.05);
  CHECK(logit_error("tiny-q2.gguf", "golden/tiny-q2-logits.txt", NULL, INK_KV_DEFAULT) < 0.05);
  /* Some of its matrices are ternary: all activations are fine. */
  CHECK(logit_error("tiny-k.gguf", "golden/tiny-k-logits.txt", NULL, INK_KV_F32) < 5e-4);
}

/* Logits after `n` tokens that come in pieces of `piece`; the session must be empty. */
static void eval_in_pieces(ink_session *session, const ink_token *tokens, size_t n, size_t piece,
                           float *logits) {
  size_t n_vocab = 515;
  for (size_t at = 0; at < n; at += piece) {
    size_t count = n - at < piece ? n - at : piece;
    CHECK_STATUS(ink_session_eval(session, tokens + at, count, NULL), INK_OK);
  }
  memcpy(logits, ink_session_logits(session), n_vocab * sizeof *logits);
}

static void check_batches(const char *model_name, ink_kv_type type) {
  enum { N = 150 };
  ink_token tokens[N];
  uint32_t seed = 1;
  for (int i = 0; i < N; i++) tokens[i] = (ink_token)(next_random(&seed) % 512);
  ink_model *model = load_fixture(model_name, NULL);
  ink_session *session = new_session_of(model, (ink_session_params){.n_ctx = N, .kv_type = type});
  float whole[515], pieces[515];
  eval_in_pieces(session, tokens, N, N, whole);
  for (size_t piece = 1; piece < 80; piece += 13) {
    ink_session_truncate(session, 0);
    CHECK(ink_session_logits(session) == NULL);
    eval_in_pieces(session, tokens, N, piece, pieces);
    CHECK(memcmp(whole, pieces, sizeof whole) == 0);
  }
  ink_session_truncate(session, 100); /* going back and on again changes nothing either */
  eval_in_pieces(session, tokens + 100, N - 100, 7, pieces);
  CHECK(memcmp(whole, pieces, sizeof whole) == 0);
  ink_session_free(session);
  ink_model_free(model);
}

static void results_do_not_depend_on_batches(void) {
  check_batches("tiny-q.gguf", INK_KV_DEFAULT);
  check_batches("tiny-q.gguf", INK_KV_F16);
  check_batches("tiny-k.gguf", INK_KV_DEFAULT);
}

static void check_threads(const char *model_name) {
  ink_token tokens[70];
  for (int t = 0; t < 70; t++) tokens[t] = (ink_token)(t * 37 % 500);
  ink_model *model = load_fixture(model_name, NULL);
  float expected[515], actual[515];
  for (uint32_t n_threads = 1; n_threads <= 4; n_threads++) {
    ink_session_params params = {.n_ctx = 80, .n_threads = n_threads};
    ink_session *session;
    CHECK_STATUS(ink_session_create(&session, model, &params, NULL), INK_OK);
    eval_in_pieces(session, tokens, 70, 61, n_threads == 1 ? expected : actual);
    if (n_threads > 1) CHECK(memcmp(expected, actual, sizeof actual) == 0);
    ink_session_free(session);
  }
  ink_model_free(model);
}

static void results_do_not_depend_on_threads(void) {
  check_threads("tiny-q.gguf");
  check_threads("tiny-k.gguf");
}

static void tables_give_the_same_bits(void) {
  static const char *const models[] = {"tiny-q.gguf", "tiny-q2.gguf", "tiny-k.gguf",
                                       "stories260K.gguf"};
  const char *name;
  for (size_t m = 0; m < 4; m++) {
    float expected[515] = {0}, actual[515] = {0};
    for (size_t i = 0; (name = ink_kernels_name(i)) != NULL; i++) {
      ink_model *model = load_fixture(models[m], name);
      ink_session *session = new_session(model, 100);
      size_t n_vocab = ink_model_get_info(model)->n_vocab;
      ink_token tokens[90];
      for (int t = 0; t < 90; t++) tokens[t] = (ink_token)(t * 37 % 500);
      CHECK_STATUS(ink_session_eval(session, tokens, 90, NULL), INK_OK);
      memcpy(i == 0 ? expected : actual, ink_session_logits(session), n_vocab * sizeof(float));
      if (i > 0) CHECK(memcmp(expected, actual, sizeof actual) == 0);
      ink_session_free(session);
      ink_model_free(model);
    }
  }
}

/* Not only tables: every engine and processor gives these bits (-ffp-contract=off, own functions,
 * fixed order of sums). Whoever changes that order on purpose writes the new hashes here. */
static void engines_give_the_same_bits(void) {
  static const struct {
    const char *model;
    uint64_t hash;
    ink_kv_type kv_type;
  } expected[] = {{"tiny-q.gguf", 0xa1ace9904bcff653, INK_KV_F16},
                  {"tiny-q.gguf", 0xcafdf3cf0afbc3a5, INK_KV_Q8_0},
                  {"tiny-q2.gguf", 0xeac3e478a1fca634, INK_KV_F16},
                  {"tiny-k.gguf", 0xcd9f85562960f003, INK_KV_F16},
                  {"stories260K.gguf", 0x063963918a08c897, INK_KV_F16},
                  {"stories260K.gguf", 0x04608b4fcb50151e, INK_KV_Q8_0}};
  for (size_t m = 0; m < sizeof expected / sizeof *expected; m++) {
    ink_model *model = load_fixture(expected[m].model, "scalar");
    ink_session_params params = {.n_ctx = 100, .kv_type = expected[m].kv_type};
    ink_session *session = new_session_of(model, params);
    ink_token tokens[90];
    for (int t = 0; t < 90; t++) tokens[t] = (ink_token)(t * 37 % 500);
    CHECK_STATUS(ink_session_eval(session, tokens, 90, NULL), INK_OK);
    size_t n_bytes = ink_model_get_info(model)->n_vocab * sizeof(float);
    uint64_t hash = ink_hash(ink_session_logits(session), n_bytes);
    CHECK(hash == expected[m].hash);
    if (hash != expected[m].hash) {
      printf("%s: 0x%016llx\n", expected[m].model, (unsigned long long)hash);
    }
    ink_session_free(session);
    ink_model_free(model);
  }
}

static void scores_add_up(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 128);
  const char *text = "Once upon a time, there was a little girl named Lily. She loved to play.";
  ink_token tokens[128];
  size_t n;
  CHECK_STATUS(ink_tokenize(model, text, strlen(text), INK_TOKENIZE_BOS, tokens, 128, &n, NULL),
               INK_OK);
  double nll, sum = 0.0;
  CHECK_STATUS(ink_session_score(session, tokens, n, &nll, NULL), INK_OK);
  ink_session_truncate(session, 0);
  for (size_t i = 0; i + 1 < n; i++) {
    ink_session_eval(session, tokens + i, 1, NULL);
    const float *logits = ink_session_logits(session);
    double total = 0.0;
    for (int v = 0; v < 512; v++) total += exp((double)logits[v]);
    sum += log(total) - (double)logits[tokens[i + 1]];
  }
  CHECK(fabs(nll - sum) < 1e-4 * sum);
  CHECK_STATUS(ink_session_score(session, tokens, 1, &nll, NULL), INK_ERR_INVALID_ARGUMENT);
  ink_session_free(session);
  ink_model_free(model);
}

static void scores_in_steps(void) {
  enum { N = 150 };
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, N);
  ink_token tokens[N];
  for (int t = 0; t < N; t++) tokens[t] = (ink_token)(t * 37 % 500);
  double expected;
  CHECK_STATUS(ink_session_score(session, tokens, N, &expected, NULL), INK_OK);
  ink_score score;
  ink_error error;
  CHECK_STATUS(ink_score_step(session, 0, &score, &error), INK_ERR_WRONG_STATE);
  static const uint32_t steps[] = {1, 7, 64, 100, 0};
  for (size_t i = 0; i < 5; i++) {
    size_t n_steps = 0, done = 0;
    CHECK_STATUS(ink_score_begin(session, tokens, N, NULL), INK_OK);
    do {
      CHECK_STATUS(ink_score_step(session, steps[i], &score, NULL), INK_OK);
      CHECK(score.n_done > done && (steps[i] == 0 || score.n_done <= done + steps[i]));
      done = score.n_done;
      n_steps++;
    } while (score.n_done < score.n_total);
    CHECK_EQ(n_steps, steps[i] ? (N + steps[i] - 1) / steps[i] : 1);
    CHECK(score.nll == expected);
    CHECK_STATUS(ink_score_step(session, 0, &score, &error), INK_ERR_WRONG_STATE);
  }
  /* Another use of the session gives the score up, and is not disturbed by it. */
  CHECK_STATUS(ink_score_begin(session, tokens, N, NULL), INK_OK);
  CHECK_STATUS(ink_score_step(session, 70, &score, NULL), INK_OK);
  ink_session_truncate(session, 90);
  CHECK_STATUS(ink_score_step(session, 1, &score, &error), INK_ERR_WRONG_STATE);
  CHECK_STATUS(ink_session_eval(session, tokens + 90, 10, NULL), INK_OK);
  float logits[512];
  memcpy(logits, ink_session_logits(session), sizeof logits);
  ink_session_truncate(session, 0);
  CHECK_STATUS(ink_session_eval(session, tokens, 100, NULL), INK_OK);
  CHECK(memcmp(logits, ink_session_logits(session), sizeof logits) == 0);
  ink_session_free(session);
  ink_model_free(model);
}

static void the_context_is_bounded(void) {
  ink_model *model = load_fixture("stories260K.gguf", NULL);
  ink_session *session = new_session(model, 10);
  ink_token tokens[11] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, bad[] = {512};
  ink_error error;
  CHECK_STATUS(ink_session_eval(session, tokens, 11, &error), INK_ERR_CONTEXT_FULL);
  CHECK_EQ(ink_session_length(session), 0);
  CHECK_STATUS(ink_session_eval(session, tokens, 10, &error), INK_OK);
  CHECK_STATUS(ink_session_eval(session, tokens, 1, &error), INK_ERR_CONTEXT_FULL);
  CHECK_STATUS(ink_session_eval(session, bad, 1, &error), INK_ERR_INVALID_ARGUMENT);
  CHECK_EQ(ink_session_length(session), 10);
  ink_session_free(session);
  ink_model_free(model);
}

int main(void) {
  RUN(f32_model);
  RUN(kv_cache_types);
  RUN(quantised_models);
  RUN(results_do_not_depend_on_batches);
  RUN(results_do_not_depend_on_threads);
  RUN(tables_give_the_same_bits);
  RUN(engines_give_the_same_bits);
  RUN(scores_add_up);
  RUN(scores_in_steps);
  RUN(the_context_is_bounded);
  return check_result();
}
