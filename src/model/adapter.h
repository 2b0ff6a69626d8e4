/* Adapters: low-rank changes to a model's matrices (Hu et al., "LoRA", 2021). While its file arrives, the
 * loader (load.c) calls bind, settles each tensor, and finishes. */
#ifndef INK_MODEL_ADAPTER_H
#define INK_MODEL_ADAPTER_H

#include "model/model.h"

/* W changes by scale * B A. R: the rank, rounded up to 4 with zeros. Tensors are F32, F16 or BF16. */
typedef struct ink_adapter_pair {
  ink_tensor a; /* [rank][columns of W]; of token_embd: [n_vocab][R] */
  ink_tensor b; /* [rows of W][R]; of token_embd: [n_embd][R] */
  float scale;  /* alpha / rank, or 1 */
} ink_adapter_pair;

#define INK_MAX_RANK 2048u

struct ink_adapter {
  ink_allocator allocator;
  const ink_model *model;
  ink_adapter_info info;
  ink_adapter_pair *pairs; /* [ink_matrix_numbers(n_layer)] by ink_matrix_number(); without data: none */
  uint8_t *arena;          /* the tensors */
  uint64_t arena_size;
};

/* Without tensors. The model's weights need not be in place, only described. */
ink_status ink_adapter_create(ink_adapter **adapter, const ink_model *model, ink_error *error);

/* Checks the header: bound[i] is the file's tensor i, which has exactly one place. */
ink_status ink_adapter_bind(ink_adapter *adapter, const ink_gguf *gguf, ink_tensor **bound,
                            ink_error *error);

/* Gives each its place, destinations[i]. */
ink_status ink_adapter_place(ink_adapter *adapter, const ink_gguf *gguf, ink_tensor **bound,
                             uint8_t **destinations, ink_error *error);

/* A tensor is at its destination: it becomes what it is in memory. `row` has room for source->dims[0]
 * floats. INK_ERR_BAD_ADAPTER for values that are not finite. */
ink_status ink_adapter_settle(ink_tensor *tensor, const ink_gguf_tensor *source, float *row,
                              ink_error *error);

/* When all data is in place: makes slices for those of fused tensors. */
void ink_adapter_finish(ink_adapter *adapter);

#endif
