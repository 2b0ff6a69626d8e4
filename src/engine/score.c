/* Scoring: how well the model predicts a text. */
#include "base/math.h"
#include "engine/forward.h"

ink_status ink_score_begin(ink_session *session, const ink_token *tokens, size_t n,
                           ink_error *error) {
  if (n < 2) return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "scoring takes two tokens or more");
  INK_TRY(ink_session_set_text(session, tokens, n, error));
  session->score = (ink_score_run){true, 0.0};
  return INK_OK;
}

/* -ln softmax(logits)[token] */
static double surprise(const ink_session *session, const float *logits, ink_token token) {
  uint32_t n_vocab = session->model->hparams.n_vocab;
  float max = logits[0];
  for (uint32_t i = 1; i < n_vocab; i++) max = max < logits[i] ? logits[i] : max;
  float sum = session->model->kernels->exp_sum(logits, n_vocab, max);
  return ink_log((double)sum) - ((double)logits[token] - (double)max);
}

/* Adds up what the batch that ended with the last cached token predicted. */
static void add_surprises(ink_session *session, uint32_t batch) {
  uint32_t stride = (session->model->hparams.n_vocab + 3) / 4 * 4;
  size_t first = session->n_cached - batch;
  for (uint32_t at = 0; at < batch; at += INK_LOGIT_BATCH) {
    uint32_t count = batch - at < INK_LOGIT_BATCH ? batch - at : INK_LOGIT_BATCH;
    ink_forward_logits(session, at, count);
    for (uint32_t i = 0; i < count && first + at + i + 1 < session->n_tokens; i++) {
      const float *logits = session->scratch.logits + (size_t)i * stride;
      session->score.nll += surprise(session, logits, session->tokens[first + at + i + 1]);
    }
  }
}

ink_status ink_score_step(ink_session *session, uint32_t max_tokens, ink_score *score,
                          ink_error *error) {
  if (!session->score.under_way) {
    return ink_fail(error, INK_ERR_WRONG_STATE, "nothing is being scored; begin first");
  }
  size_t left = session->n_tokens - session->n_cached;
  if (max_tokens && left > max_tokens) left = max_tokens;
  while (left > 0) {
    uint32_t batch = left < INK_BATCH ? (uint32_t)left : INK_BATCH;
    ink_session_eval_batch(session, batch, 0);
    add_surprises(session, batch);
    left -= batch;
  }
  session->score.under_way = session->n_cached < session->n_tokens;
  *score = (ink_score){session->n_cached, session->n_tokens, session->score.nll};
  return INK_OK;
}

ink_status ink_session_score(ink_session *session, const ink_token *tokens, size_t n, double *nll,
                             ink_error *error) {
  ink_score score;
  *nll = 0.0;
  INK_TRY(ink_score_begin(session, tokens, n, error));
  INK_TRY(ink_score_step(session, 0, &score, error));
  *nll = score.nll;
  return INK_OK;
}
