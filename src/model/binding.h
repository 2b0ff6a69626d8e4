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
 * stands before, numbers the matrices, and checks the rotary factors (INK_ERR_BAD_MODEL). */
ink_status ink_weights_finish(ink_weights *weights, const ink_hparams *h, ink_error *error);

/* Matrices by number, from 1 up to but not with ink_matrix_numbers(); `layer` is ignored for those outside
 * the layers. */
uint32_t ink_matrix_number(ink_role role, uint32_t layer);
uint32_t ink_matrix_numbers(uint32_t n_layer);

/* The matrix of that number, whose data need not be in place, and its name in the file; NULL when the
 * file has none, or when it is no single matrix that vectors are multiplied with or tokens looked up in. */
const ink_linear *ink_weights_matrix(const ink_weights *weights,
                                     const ink_architecture *architecture, uint32_t number,
                                     char name[64]);

#endif
