/* engine: layers with a sliding window. A llama stands in for the families that have some: its layers 0
 * and 2 are made to slide. */
#include "check.h"
#include "engine/session.h"
#include "fixtures.h"

enum {
  N = 400,
  WINDOW = 20,
  RING = (WINDOW - 1 + INK_BATCH + INK_KV_TILE - 1) / INK_KV_TILE * INK_KV_TILE
};

static ink_model *load_sliding(const char *name, const char *kernels) {
  ink_model *model = load_fixture(name, kernels);
  model->hparams.n_swa = WINDOW;
  model->hparams.sliding[0] = 5;
  model->hparams.rope_freq_base[INK_ROPE_SLIDING] = 5000.0f;
  return model;
}

static void make_tokens(ink_token *tokens, size_t n, uint32_t seed) {
  for (size_t i = 0; i < n; i++) tokens[i] = (ink_token)(next_random(&seed) % 500);
}

static void eval(ink_session *session, const ink_token *tokens, size_t n, size_t piece) {
  for (size_t at = 0; at < n; at += piece) {
    size_t count = n - at < piece ? n - at : piece;
    CHECK_STATUS(ink_session_eval(session, tokens + at, count, NULL), INK_OK);
  }
}

static bool same_logits(const ink_session *a, const ink_session *b) {
  size_t bytes = a->model->hparams.n_vocab * sizeof(float);
  return memcmp(ink_session_logits(a), ink_session_logits(b), bytes) == 0;
}

/* A ring gives the same bits as a cache of everything with the same window laid over it, at every
 * position and for every type. */
static void rings_lose_nothing_that_is_seen(void) {
  ink_token tokens[N];
  make_tokens(tokens, N, 1);
  for (int type = INK_KV_F32; type <= INK_KV_Q8_0; type++) {
    ink_model *model = load_sliding("tiny-q.gguf", NULL);
    ink_session_params params = {.n_ctx = N, .kv_type = (ink_kv_type)type};
    ink_session *ring = new_session_of(model, params);
    model->hparams.n_swa = 0; /* while memory is laid out */
    ink_session *whole = new_session_of(model, params);
    model->hparams.n_swa = WINDOW;
    CHECK_EQ(ring->kv.n_ring, RING);
    CHECK_EQ(whole->kv.n_ring, 0);
    CHECK(ring->memory_size < whole->memory_size);
    for (size_t at = 0; at < N; at += 9) {
      size_t n = N - at < 9 ? N - at : 9;
      eval(ring, tokens + at, n, n);
      eval(whole, tokens + at, n, n);
      CHECK(same_logits(ring, whole));
    }
    ink_session_free(ring);
    ink_session_free(whole);
    ink_model_free(model);
  }
}

static void windows_limit_what_is_seen(void) {
  ink_token tokens[N];
  make_tokens(tokens, N, 1);
  ink_model *model = load_sliding("tiny-q.gguf", NULL);
  model->hparams.sliding[0] = UINT32_MAX;
  uint32_t reach = model->hparams.n_layer * (WINDOW - 1); /* each layer looks back that far again */
  ink_session *a = new_session(model, N), *b = new_session(model, N);
  eval(a, tokens, N, 64);
  tokens[N - 1 - reach - 1] ^= 1;
  eval(b, tokens, N, 64);
  CHECK(same_logits(a, b));
  tokens[N - 1 - reach] ^= 1;
  ink_session_truncate(b, 0);
  eval(b, tokens, N, 64);
  CHECK(!same_logits(a, b));
  ink_session_free(a);
  ink_session_free(b);
  ink_model_free(model);
}

static void results_do_not_depend_on_batches_or_tables(void) {
  ink_token tokens[N];
  make_tokens(tokens, N, 2);
  ink_model *model = load_sliding("tiny-q.gguf", "scalar");
  ink_session *expected = new_session(model, N);
  eval(expected, tokens, N, N);
  const char *name;
  for (size_t i = 0; (name = ink_kernels_name(i)) != NULL; i++) {
    ink_model *other = load_sliding("tiny-q.gguf", name);
    for (size_t piece = 1; piece < 150; piece += 37) {
      ink_session *session = new_session_of(other, (ink_session_params){.n_ctx = N, .n_threads = 2});
      eval(session, tokens, N, piece);
      CHECK(same_logits(expected, session));
      ink_session_free(session);
    }
    ink_model_free(other);
  }
  ink_session_free(expected);
  ink_model_free(model);
}

/* Going back: to where the window is whole nothing is computed again, else all of it. */
static void truncation(void) {
  enum { DONE = 300, LAST = DONE - RING + WINDOW - 1 }; /* the first position that can be gone on from */
  static const size_t lengths[] = {DONE - 1, LAST, LAST - 1, 3, 0};
  static const size_t cached[] = {DONE - 1, LAST, 0, 0, 0};
  ink_token tokens[N], wrong[40];
  make_tokens(tokens, N, 3);
  make_tokens(wrong, 40, 77);
  ink_model *model = load_sliding("tiny-q.gguf", NULL);
  ink_session *expected = new_session(model, N);
  eval(expected, tokens, N, 64);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    ink_session *session = new_session(model, N);
    eval(session, tokens, DONE, 64);
    for (int again = 0; again < 2; again++) {
      ink_session_truncate(session, lengths[i]);
      CHECK_EQ(ink_session_length(session), lengths[i]);
      if (again == 0) CHECK_EQ(session->n_cached, cached[i]);
      if (again == 0) eval(session, wrong, 40, 40); /* so that something is in the way */
    }
    eval(session, tokens + lengths[i], N - lengths[i], 23);
    CHECK(same_logits(expected, session));
    ink_session_free(session);
  }
  ink_session_free(expected);
  ink_model_free(model);
}

/* A conversation that grows, is cut and is changed: each turn is as if it were the first. */
static void turns_equal_fresh_evaluations(void) {
  ink_token prompt[N];
  make_tokens(prompt, N, 4);
  ink_model *model = load_sliding("tiny-q.gguf", NULL);
  ink_session *session = new_session(model, N);
  ink_generation params = {.sampling = ink_sampling_default(), .max_tokens = 30, .ignore_end = true};
  params.sampling.temperature = 0.0f;
  size_t reused = 0;
  static const size_t lengths[] = {50, 120, 190, 340, 150, 200, 345, 60};
  for (size_t turn = 0; turn < sizeof lengths / sizeof *lengths; turn++) {
    ink_session *fresh = new_session(model, N);
    ink_session *sessions[2] = {session, fresh};
    ink_token answers[2][30];
    for (int i = 0; i < 2; i++) {
      ink_step step = {0};
      CHECK_STATUS(ink_generation_begin(sessions[i], &params, prompt, lengths[turn], NULL), INK_OK);
      if (i == 0) reused += ink_session_length(session) > 0;
      if (i == 1) CHECK_EQ(ink_session_length(fresh), 0);
      while (step.kind != INK_STEP_DONE) {
        CHECK_STATUS(ink_generation_step(sessions[i], 50, &step, NULL), INK_OK);
        if (step.token >= 0) answers[i][step.n_generated - 1] = step.token;
      }
      CHECK_EQ(step.n_generated, 30);
    }
    CHECK(memcmp(answers[0], answers[1], sizeof answers[0]) == 0);
    /* The answer becomes part of the conversation. */
    memcpy(prompt + lengths[turn], answers[0], sizeof answers[0]);
    ink_session_free(fresh);
  }
  CHECK(reused >= 3 && reused < 7);
  ink_session_free(session);
  ink_model_free(model);
}

int main(void) {
  RUN(rings_lose_nothing_that_is_seen);
  RUN(windows_limit_what_is_seen);
  RUN(results_do_not_depend_on_batches_or_tables);
  RUN(truncation);
  RUN(turns_equal_fresh_evaluations);
  return check_result();
}
