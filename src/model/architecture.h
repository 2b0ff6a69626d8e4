/* Model families as data: what a family's metadata keys and tensors are called, and how many rows
 * and columns each tensor has. Adding a family is adding a row to the table. */
#ifndef INK_MODEL_ARCHITECTURE_H
#define INK_MODEL_ARCHITECTURE_H

#include "format/gguf.h"
#include "format/panel.h"

#define INK_MAX_LAYERS 1024u

/* Layers with a sliding window may be rotated otherwise than those that see everything. */
typedef enum ink_rope_set {
  INK_ROPE_FULL,
  INK_ROPE_SLIDING,
  INK_ROPE_SETS,
  INK_ROPE_NONE = INK_ROPE_SETS, /* the layer's keys know nothing of positions */
} ink_rope_set;

/* Hyperparameters, under the names of GGUF's keys where there is one. */
typedef struct ink_hparams {
  uint32_t n_vocab;
  uint32_t n_ctx_train;
  uint32_t n_embd;
  uint32_t n_layer;
  uint32_t n_head;
  uint32_t n_head_kv;
  uint32_t n_embd_head;  /* width of one head */
  uint32_t n_ff;
  uint32_t n_swa;        /* tokens that a sliding-window layer sees, its own included; 0: no such */
  uint32_t sliding[INK_MAX_LAYERS / 32]; /* a bit for each layer: ink_layer_is_sliding() */
  uint32_t n_rot;        /* leading dimensions of a head that are rotated */
  bool rope_halves;      /* pairs are (i, i + n_rot / 2), not (2i, 2i + 1) */
  bool learned_positions; /* added to the embeddings: a cached key can't move to another position */
  float rope_freq_base[INK_ROPE_SETS];
  float attn_scale;      /* factor on query . key */
  float attn_softcap;    /* c: scores become c tanh(score / c), after attn_scale; 0: they don't */
  float rms_epsilon;
} ink_hparams;

/* One layer's weights; [rows][columns], y = W x. */
typedef struct ink_layer {
  ink_tensor attn_norm; /* [n_embd] */
  ink_tensor attn_q;    /* [n_head * n_embd_head][n_embd] */
  ink_tensor attn_k;    /* [n_head_kv * n_embd_head][n_embd] */
  ink_tensor attn_v;    /* [n_head_kv * n_embd_head][n_embd] */
  ink_tensor attn_out;  /* [n_embd][n_head * n_embd_head] */
  ink_tensor ffn_norm;  /* [n_embd] */
  ink_tensor ffn_gate;  /* [n_ff][n_embd] */
  ink_tensor ffn_up;    /* [n_ff][n_embd] */
  ink_tensor ffn_down;  /* [n_embd][n_ff] */
} ink_layer;

typedef struct ink_weights {
  ink_tensor token_embd;  /* [n_vocab][n_embd] */
  ink_tensor output_norm; /* [n_embd] */
  ink_tensor output;      /* [n_vocab][n_embd]; without data: token_embd serves */
  ink_tensor rope_freqs;  /* [n_rot / 2] divisors of the rotary frequencies; without data: 1 */
  ink_layer *layers;      /* [n_layer], owned */
} ink_weights;

typedef enum ink_dimension {
  INK_DIM_ONE,
  INK_DIM_VOCAB,
  INK_DIM_EMBD,
  INK_DIM_Q,        /* n_head * n_embd_head */
  INK_DIM_KV,       /* n_head_kv * n_embd_head */
  INK_DIM_FF,
  INK_DIM_ROT_HALF, /* n_rot / 2 */
} ink_dimension;

typedef struct ink_tensor_spec {
  const char *name;       /* "%u" is the layer, when it has one */
  size_t field;           /* offset of the ink_tensor in ink_layer or ink_weights */
  ink_dimension rows;     /* INK_DIM_ONE: a vector, always F32 */
  ink_dimension columns;
  bool in_layer;
  bool optional;
} ink_tensor_spec;

typedef struct ink_architecture {
  const char *name; /* general.architecture, and the prefix of its keys */
  const ink_tensor_spec *tensors;
  size_t n_tensors;
} ink_architecture;

/* The family that the file names, and its hyperparameters, checked for consistency. */
ink_status ink_architecture_read(const ink_gguf *gguf, const ink_architecture **architecture,
                                 ink_hparams *hparams, ink_error *error);

/* A query at position p sees the keys p - n_swa + 1 to p in such a layer, else 0 to p. */
bool ink_layer_is_sliding(const ink_hparams *h, uint32_t layer);

/* Which frequencies rotate the layer's queries and keys, and whether any layer uses a set. */
ink_rope_set ink_layer_rope_set(const ink_hparams *h, uint32_t layer);
bool ink_rope_set_is_used(const ink_hparams *h, ink_rope_set set);

uint32_t ink_architecture_dimension(const ink_hparams *hparams, ink_dimension dimension);

#endif
