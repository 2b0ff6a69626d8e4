/* engine: the number of threads that a session settles on. */
#include "check.h"
#include "fixtures.h"

/* A clock that goes by as much, for each trial, as the number of threads is said to take. */
typedef struct slow_clock {
  ink_session *session;
  const double *ms; /* [threads - 1] */
  double now;
} slow_clock;

static double now_ms(void *context) {
  slow_clock *clock = context;
  return clock->now += clock->ms[ink_session_threads(clock->session) - 1];
}

static uint32_t choice(const ink_model *model, uint32_t n_threads, const double *ms) {
  ink_session_params params = {.n_ctx = 8, .n_threads = n_threads};
  ink_session *session;
  CHECK_STATUS(ink_session_create(&session, model, &params, NULL), INK_OK);
  slow_clock clock = {session, ms, 0.0};
  CHECK_STATUS(ink_session_choose_threads(session, now_ms, &clock, NULL), INK_OK);
  CHECK_EQ(ink_session_length(session), 0);
  uint32_t chosen = ink_session_threads(session);
  ink_session_free(session);
  return chosen;
}

static void the_fewest_of_the_fastest(void) {
  ink_model *model = load_fixture("tiny-q.gguf", NULL);
  ink_session_params params = {.n_ctx = 8, .n_threads = 2};
  ink_session *session;
  CHECK_STATUS(ink_session_create(&session, model, &params, NULL), INK_OK);
  bool has_threads = ink_session_threads(session) == 2;
  ink_session_free(session);
  const double better[] = {9, 5, 4, 3, 2.9}, worse[] = {9, 10, 11, 12, 13};
  const double uneven[] = {9, 5, 4, 6, 2};
  CHECK_EQ(choice(model, 1, better), 1);
  CHECK_EQ(choice(model, 3, better), has_threads ? 3 : 1);
  CHECK_EQ(choice(model, 5, better), has_threads ? 4 : 1); /* five are hardly faster */
  CHECK_EQ(choice(model, 5, worse), 1);
  CHECK_EQ(choice(model, 5, uneven), has_threads ? 5 : 1);
  ink_model_free(model);
}

static void only_while_empty(void) {
  ink_model *model = load_fixture("tiny-q.gguf", NULL);
  ink_session *session;
  CHECK_STATUS(ink_session_create(&session, model, NULL, NULL), INK_OK);
  CHECK_EQ(ink_session_threads(session), 1);
  ink_token token = 1;
  CHECK_STATUS(ink_session_eval(session, &token, 1, NULL), INK_OK);
  ink_error error;
  CHECK_STATUS(ink_session_choose_threads(session, now_ms, NULL, &error), INK_ERR_WRONG_STATE);
  ink_session_free(session);
  ink_model_free(model);
}

int main(void) {
  RUN(the_fewest_of_the_fastest);
  RUN(only_while_empty);
  return check_result();
}
