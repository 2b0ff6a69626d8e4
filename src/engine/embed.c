/* Embeddings: a text as one vector, to be compared with others'. */
#include <math.h>
#include <string.h>

#include "engine/forward.h"

ink_status ink_embed_begin(ink_session *session, const ink_token *tokens, size_t n,
                           ink_pooling pooling, bool normalize, ink_error *error) {
  if (pooling == INK_POOLING_UNSPECIFIED) pooling = session->model->info.pooling;
  if (pooling != INK_POOLING_MEAN && pooling != INK_POOLING_LAST) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_EMBEDDINGS,
                    "pooling is %d (0: none), which gives no embeddings here; take a model whose "
                    "pooling_type is 1 (mean) or 3 (last), or ask for one of these",
                    (int)pooling);
  }
  if (n == 0) {
    return ink_fail(error, INK_ERR_INVALID_ARGUMENT, "the text is empty: it has no tokens");
  }
  INK_TRY(ink_session_set_text(session, tokens, n, error));
  session->embed = (ink_embed_run){true, pooling, normalize};
  memset(session->scratch.embedding, 0, session->model->hparams.n_embd * sizeof(float));
  return INK_OK;
}

/* Adds the batch that was evaluated last, token after token: sums don't depend on how a text is cut. */
static void add_batch(ink_session *session) {
  uint32_t n_embd = session->model->hparams.n_embd, at = 0, n = session->pass.n;
  const ink_scratch *s = &session->scratch;
  if (session->embed.pooling == INK_POOLING_LAST) {
    if (session->n_cached < session->n_tokens) return;
    at = n - 1;
    n = 1;
  }
  ink_forward_norm(session, at, n);
  for (uint32_t t = 0; t < n; t++) {
    session->model->kernels->add(s->embedding, s->normed + (size_t)t * n_embd, n_embd);
  }
}

static void finish(ink_session *session) {
  float *x = session->scratch.embedding;
  uint32_t n_embd = session->model->hparams.n_embd;
  double scale = session->embed.pooling == INK_POOLING_MEAN ? 1.0 / (double)session->n_tokens : 1.0;
  if (session->embed.normalize) {
    double squares = 0.0;
    for (uint32_t i = 0; i < n_embd; i++) squares += (double)x[i] * (double)x[i];
    scale = squares > 0.0 ? 1.0 / sqrt(squares) : 0.0;
  }
  session->model->kernels->scale(x, (float)scale, n_embd);
}

ink_status ink_embed_step(ink_session *session, uint32_t max_tokens, uint32_t max_layers,
                          ink_embedding *embedding, ink_error *error) {
  if (!session->embed.under_way) {
    return ink_fail(error, INK_ERR_WRONG_STATE, "no embedding is under way; begin first");
  }
  size_t left = session->n_tokens - session->n_cached;
  if (max_tokens && left > max_tokens) left = max_tokens;
  while (left > 0) {
    uint32_t batch = left < INK_BATCH ? (uint32_t)left : INK_BATCH;
    if (ink_session_eval_batch(session, batch, max_layers)) add_batch(session);
    left = max_layers ? 0 : left - batch;
  }
  *embedding = (ink_embedding){session->n_cached, session->n_tokens, NULL};
  if (session->n_cached < session->n_tokens) return INK_OK;
  finish(session);
  session->embed.under_way = false;
  embedding->values = session->scratch.embedding;
  return INK_OK;
}

ink_status ink_session_embed(ink_session *session, const ink_token *tokens, size_t n,
                             ink_pooling pooling, bool normalize, float *embedding,
                             ink_error *error) {
  ink_embedding done;
  INK_TRY(ink_embed_begin(session, tokens, n, pooling, normalize, error));
  INK_TRY(ink_embed_step(session, 0, 0, &done, error));
  memcpy(embedding, done.values, session->model->hparams.n_embd * sizeof *embedding);
  return INK_OK;
}
