/* A model's weights. Which of them a family has, its row in architecture.c says; the others have no
 * data. */
#ifndef INK_MODEL_WEIGHTS_H
#define INK_MODEL_WEIGHTS_H

#include "format/panel.h"

/* y = W x + b, W [rows][columns], b [rows]; or a norm's weight [columns] and bias [columns]. */
typedef struct ink_linear {
  ink_tensor weight;
  ink_tensor bias;
  uint32_t number; /* of a matrix that adapters may change: ink_matrix_number(); else 0 */
} ink_linear;

typedef struct ink_layer {
  ink_linear attn_norm;   /* [n_embd] */
  ink_linear attn_norm_2; /* [n_embd] only in the file: see ink_weights_finish() */
  ink_linear attn_qkv;    /* [queries, keys, values][n_embd] of which the three below are slices */
  ink_linear attn_q;      /* [n_head * n_embd_head][n_embd] */
  ink_linear attn_k;      /* [n_head_kv * n_embd_head][n_embd] */
  ink_linear attn_v;      /* [n_head_kv * n_embd_head][n_embd] */
  ink_linear attn_q_norm; /* shape: ink_qk_norm */
  ink_linear attn_k_norm;
  ink_linear attn_out;    /* [n_embd][n_head * n_embd_head] */
  ink_linear post_attn_norm; /* [n_embd] of what attention adds to the residual stream */

  ink_linear ffn_norm;    /* [n_embd] */
  ink_linear ffn_gate_up; /* [2 * n_ff][n_embd] of which the two below are slices */
  ink_linear ffn_gate;    /* [n_ff][n_embd] */
  ink_linear ffn_up;      /* [n_ff][n_embd] */
  ink_linear ffn_down;    /* [n_embd][n_ff] */
  ink_linear ffn_router;  /* [n_expert][n_embd] */
  ink_linear ffn_gate_exps; /* [n_expert * n_ff_expert][n_embd] one expert after another */
  ink_linear ffn_up_exps;   /* [n_expert * n_ff_expert][n_embd] */
  ink_linear ffn_down_exps; /* [n_expert * n_embd][n_ff_expert] */
  ink_linear ffn_gate_shared; /* [n_ff_shared][n_embd] */
  ink_linear ffn_up_shared;   /* [n_ff_shared][n_embd] */
  ink_linear ffn_down_shared; /* [n_embd][n_ff_shared] */
  ink_linear ffn_shared_weight; /* [n_embd] how much the shared expert counts, before the sigmoid */
  ink_linear post_ffn_norm; /* [n_embd] */
} ink_layer;

typedef struct ink_weights {
  ink_linear token_embd;  /* [n_vocab][n_embd] */
  ink_linear position_embd; /* [n_ctx_train][n_embd] */
  ink_linear output_norm; /* [n_embd] */
  ink_linear output;      /* [n_vocab][n_embd]; without data: token_embd serves */
  ink_linear rope_freqs;  /* [n_rot / 2] divisors of the rotary frequencies; without data: 1 */
  ink_linear rope_factors_long;  /* [n_rot / 2] the same, for contexts past the original one */
  ink_linear rope_factors_short; /* [n_rot / 2] and for others */
  ink_layer *layers;      /* [n_layer], owned */
} ink_weights;

/* Rows first_row .. first_row + n_rows - 1 of a tensor whose data is in place; of quantised ones
 * both are multiples of INK_PANEL_ROWS. */
ink_tensor ink_tensor_slice(const ink_tensor *tensor, uint32_t first_row, uint32_t n_rows);

#endif
