#include "engine/mlp.h"

/* x = act(x), times `up` where there is one. SiLU always has one. */
static void activate(const ink_session *session, float *x, const float *up, uint32_t n) {
  const ink_kernels *kernels = session->model->kernels;
  switch (session->model->hparams.activation) {
  case INK_SILU: kernels->silu_multiply(x, up, n); return;
  case INK_GELU_TANH: kernels->gelu_tanh(x, n); break;
  case INK_GELU_ERF: kernels->gelu_erf(x, n); break;
  }
  if (up) kernels->multiply(x, up, n);
}

void ink_mlp_run(ink_session *session, const ink_mlp *mlp, const float *x, uint32_t n, float *out) {
  ink_scratch *s = &session->scratch;
  ink_input in = ink_prepare(session, x, n, session->model->hparams.n_embd);
  float *inner = s->up;
  ink_multiply(session, mlp->up, in, s->up);
  if (mlp->gate->weight.data) {
    inner = s->gate;
    ink_multiply(session, mlp->gate, in, s->gate);
    activate(session, s->gate, s->up, n * mlp->n_ff);
  } else {
    activate(session, s->up, NULL, n * mlp->n_ff);
  }
  in = ink_prepare(session, inner, n, mlp->n_ff);
  ink_multiply(session, mlp->down, in, out);
}
