#include "engine/mlp.h"

#include "engine/tokens.h"

typedef struct activation_job {
  const ink_session *session;
  float *x;        /* [n_tokens][n_ff] */
  const float *up; /* likewise, or NULL */
  uint32_t n_ff;
} activation_job;

/* x = act(x), times `up` where there is one. SiLU always has one. */
static void activate_tokens(void *context, uint32_t first, uint32_t n_tokens) {
  const activation_job *job = context;
  const ink_model *model = job->session->model;
  const ink_kernels *kernels = model->kernels;
  size_t at = (size_t)first * job->n_ff;
  float *x = job->x + at;
  const float *up = job->up ? job->up + at : NULL;
  uint32_t n = n_tokens * job->n_ff;
  switch (model->hparams.activation) {
  case INK_SILU: kernels->silu_multiply(x, up, n); return;
  case INK_GELU_TANH: kernels->gelu_tanh(x, n); break;
  case INK_GELU_ERF: kernels->gelu_erf(x, n); break;
  }
  if (up) kernels->multiply(x, up, n);
}

void ink_mlp_run(ink_session *session, const ink_mlp *mlp, const float *x, uint32_t n, float *out) {
  ink_scratch *s = &session->scratch;
  ink_input in = ink_prepare(session, x, n, session->model->hparams.n_embd);
  activation_job activation = {session, s->up, NULL, mlp->n_ff};
  bool gated = mlp->gate->weight.data != NULL;
  ink_product products[] = {{mlp->up, s->up}, {mlp->gate, s->gate}};
  ink_multiply(session, products, gated ? 2 : 1, in);
  if (gated) {
    activation.x = s->gate;
    activation.up = s->up;
  }
  ink_for_tokens(session, n, mlp->n_ff, activate_tokens, &activation);
  in = ink_prepare(session, activation.x, n, mlp->n_ff);
  ink_multiply(session, &(ink_product){mlp->down, out}, 1, in);
}
