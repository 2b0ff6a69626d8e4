/* A loaded model: immutable, shareable. */
#ifndef INK_MODEL_MODEL_H
#define INK_MODEL_MODEL_H

#include "kernels/kernels.h"
#include "model/architecture.h"
#include "text/vocab.h"

struct ink_model {
  ink_allocator allocator;
  const ink_kernels *kernels;
  const ink_architecture *architecture;
  ink_hparams hparams;
  ink_vocab vocab;
  ink_weights weights;
  ink_model_info info;
  char name[128];

  uint8_t *arena;     /* all tensors */
  uint64_t arena_size;
};

#endif
