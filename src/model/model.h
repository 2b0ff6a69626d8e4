/* A loaded model: immutable, shareable. */
#ifndef INK_MODEL_MODEL_H
#define INK_MODEL_MODEL_H

#include "kernels/kernels.h"
#include "model/architecture.h"
#include "text/vocab.h"

/* The memory of the tensors that came in one file: what fits where its header was, and the rest. */
typedef struct ink_weights_part {
  uint8_t *arenas[2];
  uint64_t sizes[2];
} ink_weights_part;

struct ink_model {
  ink_allocator allocator;
  const ink_kernels *kernels;
  const ink_architecture *architecture;
  ink_hparams hparams;
  ink_vocab vocab;
  ink_weights weights;
  ink_model_info info;
  char name[128];

  ink_weights_part *parts; /* [n_parts], one for each of the model's files */
  uint32_t n_parts;
};

/* The model that is being loaded, described as far as its header has been read; NULL of an adapter's
 * loader. */
const ink_model *ink_loader_model(const ink_loader *loader);

#endif
