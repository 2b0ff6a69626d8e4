/* Model families as data: what each one's tensors are and how its forward pass differs from the
 * plainest. Adding a family is adding a row to the table. */
#ifndef INK_MODEL_ARCHITECTURE_H
#define INK_MODEL_ARCHITECTURE_H

#include "model/hparams.h"
#include "model/weights.h"

/* What a tensor is for; binding.c knows each one's name in the file, place and shape. */
typedef enum ink_role {
  INK_TOKEN_EMBD,
  INK_POSITION_EMBD,
  INK_OUTPUT_NORM,
  INK_OUTPUT,
  INK_ROPE_FREQS,
  INK_ROPE_FACTORS_LONG,
  INK_ROPE_FACTORS_SHORT,
  INK_ATTN_NORM,
  INK_ATTN_NORM_2,
  INK_ATTN_QKV,
  INK_ATTN_Q,
  INK_ATTN_K,
  INK_ATTN_V,
  INK_ATTN_Q_NORM,
  INK_ATTN_K_NORM,
  INK_ATTN_OUT,
  INK_POST_ATTN_NORM,
  INK_FFN_NORM,
  INK_FFN_GATE_UP,
  INK_FFN_GATE,
  INK_FFN_UP,
  INK_FFN_DOWN,
  INK_FFN_ROUTER,
  INK_FFN_GATE_EXPS,
  INK_FFN_UP_EXPS,
  INK_FFN_DOWN_EXPS,
  INK_FFN_GATE_SHARED,
  INK_FFN_UP_SHARED,
  INK_FFN_DOWN_SHARED,
  INK_FFN_SHARED_WEIGHT,
  INK_POST_FFN_NORM,
  INK_ROLES
} ink_role;

typedef uint32_t ink_roles; /* a set: bit r for role r */

typedef enum ink_parallel {
  INK_SEQUENTIAL,
  INK_PARALLEL,
  INK_PARALLEL_BY_KEY,         /* use_parallel_residual */
  INK_PARALLEL_BY_NORM,        /* where there is no ffn_norm: files' keys can't be trusted */
} ink_parallel;

typedef struct ink_architecture {
  const char *name; /* general.architecture, and the prefix of its keys */

  /* Of a layer's optional tensors, layer 0 says for all of them whether they are there. Where the
   * file has the fused attn_qkv, attn_q, attn_k and attn_v are not expected; where it has experts,
   * the dense network's are not. */
  ink_roles required;
  ink_roles optional;
  ink_roles biased;          /* those with a bias too */
  ink_roles optional_biases;

  bool layer_norm;
  ink_activation activation;
  ink_parallel parallel;
  ink_qk_norm qk_norm;
  bool expert_weights_norm;
  bool embd_scale_sqrt;      /* embeddings are scaled by sqrt(n_embd) */
  float attn_softcap, logit_softcap;  /* where the file doesn't say */
  uint32_t attn_scale_by_width_layers; /* the size (told by its layers) whose scores are scaled by
                                          1 / sqrt(n_embd / n_head), not by the head's width */

  bool rope_halves;
  uint32_t nope_period;
  uint32_t n_swa;            /* where the file doesn't say */
  uint32_t swa_period;       /* every so manieth layer sees everything, in files that have a window;
                                0: none does */
  bool swa_own_rope;         /* sliding layers rotate by their own base, unscaled */
  float swa_rope_base;       /* where the file doesn't say; 0: the other layers' */
} ink_architecture;

/* The family that the file names, or INK_ERR_UNSUPPORTED_ARCHITECTURE. */
ink_status ink_architecture_find(const ink_gguf *gguf, const ink_architecture **architecture,
                                 ink_error *error);

#endif
