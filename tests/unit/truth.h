/* Logits of a whole text that somebody else computed, and how far a session's are from them. */
#ifndef INK_TESTS_TRUTH_H
#define INK_TESTS_TRUTH_H

#include "check.h"
#include "fixtures.h"

typedef struct truth {
  ink_token *tokens;
  size_t n_tokens, n_vocab, n_positions;
  size_t positions[16];
  double *logits; /* [n_positions][n_vocab] */
  double largest;
} truth;

static inline truth read_truth(const char *name) {
  truth t = {0};
  golden g = golden_open(name);
  t.tokens = golden_tokens(&g, &t.n_tokens);
  t.n_vocab = (size_t)golden_next(&g);
  t.n_positions = (size_t)golden_next(&g);
  if (t.n_positions > 16) exit(1);
  t.logits = malloc(t.n_positions * t.n_vocab * sizeof *t.logits);
  for (size_t i = 0; i < t.n_positions; i++) {
    t.positions[i] = (size_t)golden_next(&g);
    for (size_t v = 0; v < t.n_vocab; v++) {
      double logit = golden_next(&g);
      t.logits[i * t.n_vocab + v] = logit;
      if (fabs(logit) > t.largest) t.largest = fabs(logit);
    }
  }
  golden_close(&g);
  return t;
}

static inline void free_truth(truth *t) {
  free(t->tokens);
  free(t->logits);
}

/* Between the session's logits and those of the position number i. */
static inline double difference(const ink_session *session, const truth *t, size_t i) {
  const float *logits = ink_session_logits(session);
  double worst = 0.0;
  for (size_t v = 0; v < t->n_vocab; v++) {
    double d = fabs((double)logits[v] - t->logits[i * t->n_vocab + v]);
    if (!(d <= worst)) worst = d;
  }
  return worst;
}

/* The largest difference, by the largest logit: tokens go in as pieces of the sizes given, over and
 * over, cut where logits are known. */
static inline double error_of(ink_session *session, const truth *t, const size_t *sizes, size_t n_sizes) {
  double worst = 0.0;
  size_t at = 0, k = 0;
  ink_session_truncate(session, 0);
  for (size_t i = 0; i < t->n_positions; i++) {
    size_t end = t->positions[i] + 1;
    while (at < end) {
      size_t n = sizes[k++ % n_sizes];
      if (n > end - at) n = end - at;
      CHECK_STATUS(ink_session_eval(session, t->tokens + at, n, NULL), INK_OK);
      at += n;
    }
    double d = difference(session, t, i);
    if (!(d <= worst)) worst = d;
  }
  return worst / t->largest;
}

/* The same for the last logits known, all tokens up to there going in at once. */
static inline double error_at_once(ink_session *session, const truth *t) {
  size_t last = t->n_positions - 1;
  ink_session_truncate(session, 0);
  CHECK_STATUS(ink_session_eval(session, t->tokens, t->positions[last] + 1, NULL), INK_OK);
  return difference(session, t, last) / t->largest;
}

/* However the tokens are cut into batches, the logits are the truth's to within 1e-4 of the largest,
 * and the last ones the same bits. */
static inline void check_truth(ink_session *session, const truth *t, const char *name) {
  static const size_t one[] = {1}, some[] = {3, 1, 6, 2, 13};
  float whole[128];
  size_t size = t->n_vocab * sizeof *whole;
  if (size > sizeof whole) exit(1);
  double prefill = error_at_once(session, t);
  memcpy(whole, ink_session_logits(session), size);
  double decode = error_of(session, t, one, 1);
  CHECK(memcmp(whole, ink_session_logits(session), size) == 0);
  double split = error_of(session, t, some, 5);
  CHECK(memcmp(whole, ink_session_logits(session), size) == 0);
  printf("%-20s prefill %.1e, decode %.1e, split %.1e\n", name, prefill, decode, split);
  CHECK(prefill <= 1e-4);
  CHECK(decode <= 1e-4);
  CHECK(split <= 1e-4);
}

#endif
