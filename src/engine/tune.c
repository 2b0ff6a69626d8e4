/* How many threads to compute with, found out by trying. */
#include "engine/forward.h"

#define MAX_CHOICES 8u    /* 1, 2, 4, ..., INK_MAX_THREADS, and a number between two of these */
#define REPETITIONS 5u    /* of each choice, in turns */
#define TRIAL_MS 3.0      /* about what a trial takes with one thread */
#define MAX_TRIAL 512u    /* layers in a trial; tiny models' are done in less than TRIAL_MS */
#define WORTHWHILE 0.95   /* more threads must take at most this share of the time of fewer */

typedef struct trials {
  ink_session *session;
  double (*now_ms)(void *context);
  void *clock_context;
  uint32_t layer; /* the next one: going on rather than repeating keeps weights out of the cache */
} trials;

/* Milliseconds that `count` layers take for one token, which is when threads have least to do. */
static double time_layers(trials *t, uint32_t count) {
  double start = t->now_ms(t->clock_context);
  for (uint32_t i = 0; i < count; i++) {
    ink_forward_layer(t->session, t->layer, 0, 1);
    t->layer = (t->layer + 1) % t->session->model->hparams.n_layer;
  }
  return t->now_ms(t->clock_context) - start;
}

/* How many layers make a trial. */
static uint32_t measure_layers(trials *t) {
  uint32_t count = 1;
  for (;;) {
    double ms = time_layers(t, count);
    if (ms * 2.0 > TRIAL_MS || count * 2 > MAX_TRIAL) return count;
    count *= 2;
  }
}

static double median(double *values) {
  for (uint32_t i = 1; i < REPETITIONS; i++) {
    for (uint32_t j = i; j > 0 && values[j - 1] > values[j]; j--) {
      double swap = values[j];
      values[j] = values[j - 1];
      values[j - 1] = swap;
    }
  }
  return values[REPETITIONS / 2];
}

static uint32_t list_choices(uint32_t n_threads, uint32_t choices[MAX_CHOICES]) {
  uint32_t n = 0;
  for (uint32_t choice = 1; choice < n_threads; choice *= 2) choices[n++] = choice;
  choices[n++] = n_threads;
  return n;
}

ink_status ink_session_choose_threads(ink_session *session, double (*now_ms)(void *context),
                                      void *clock_context, ink_error *error) {
  if (session->n_tokens > 0) {
    return ink_fail(error, INK_ERR_WRONG_STATE, "threads are chosen while the context is empty");
  }
  uint32_t choices[MAX_CHOICES];
  uint32_t n_choices = list_choices(ink_pool_size(session->pool), choices);
  if (n_choices == 1) return INK_OK;
  trials t = {session, now_ms, clock_context, 0};
  session->tokens[0] = 0;
  ink_forward_embed(session, 0, 1);
  ink_pool_set_active(session->pool, 1);
  uint32_t count = measure_layers(&t);
  double ms[MAX_CHOICES][REPETITIONS];
  for (uint32_t r = 0; r < REPETITIONS; r++) {
    for (uint32_t i = 0; i < n_choices; i++) {
      ink_pool_set_active(session->pool, choices[i]);
      ms[i][r] = time_layers(&t, count);
    }
  }
  uint32_t best = 0;
  double best_ms = median(ms[0]);
  for (uint32_t i = 1; i < n_choices; i++) {
    double choice_ms = median(ms[i]);
    if (choice_ms > WORTHWHILE * best_ms) continue;
    best = i;
    best_ms = choice_ms;
  }
  ink_pool_set_active(session->pool, choices[best]);
  return INK_OK;
}

uint32_t ink_session_threads(const ink_session *session) {
  return ink_pool_active(session->pool);
}
