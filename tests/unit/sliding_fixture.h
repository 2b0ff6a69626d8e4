/* A small model whose layers are given sliding windows. */
#ifndef SLIDING_FIXTURE_H
#define SLIDING_FIXTURE_H

#include "fixtures.h"
#include "model/model.h"

/* Layers 0 and 2 slide; `window` 0: none do. */
static inline ink_model *load_sliding(const char *kernels, uint32_t window) {
  ink_model *model = load_fixture("tiny-q.gguf", kernels);
  model->hparams.n_swa = window;
  model->hparams.sliding[0] = window ? 5 : 0;
  model->hparams.rope_freq_base[INK_ROPE_SLIDING] = 5000.0f;
  return model;
}

#endif
