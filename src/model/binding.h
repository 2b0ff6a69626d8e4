/* Which tensor of a file is which of the model's. */
#ifndef INK_MODEL_BINDING_H
#define INK_MODEL_BINDING_H

#include "model/architecture.h"

/* Fills in the name, type and shape of every tensor of *weights that the file has, once for each of
 * a model's files, beginning with zeros; bound[i] becomes the place of the file's tensor i, or NULL
 * where the model needs none. INK_ERR_BAD_MODEL when one has another shape than the hyperparameters
 * tell, or is there already, INK_ERR_UNSUPPORTED_ARCHITECTURE for one that has no place. Messages
 * name the tensor. */
ink_status ink_weights_bind(ink_weights *weights, const ink_gguf *gguf,
                            const ink_architecture *architecture, const ink_hparams *h,
                            ink_tensor **bound, ink_error *error);

/* Whether all tensors are bound that have to be: INK_ERR_BAD_MODEL when one is missing,
 * INK_ERR_UNSUPPORTED_ARCHITECTURE for one beside which there is no use for it. Sets those of the
 * hyperparameters that only tensors tell. */
ink_status ink_weights_check(ink_weights *weights, const ink_architecture *architecture,
                             ink_hparams *h, ink_error *error);

/* When all data is in place: makes slices of fused tensors, gives each norm the block that it
 * stands before, and checks the rotary factors (INK_ERR_BAD_MODEL). */
ink_status ink_weights_finish(ink_weights *weights, const ink_hparams *h, ink_error *error);

#endif
