/* Hyperparameters: everything that tells one decoder from another but its weights. Read from a
 * file's metadata with the family's defaults, checked, and all that the forward pass looks at. */
#ifndef INK_MODEL_HPARAMS_H
#define INK_MODEL_HPARAMS_H

#include "format/gguf.h"

#define INK_MAX_LAYERS 1024u
#define INK_MAX_EXPERTS 512u

/* The least that rotary frequencies, 1 radian a token at most, may be divided by: angles stay in
 * ink_sincos()'s range. */
#define INK_MIN_ROPE_FACTOR 0.01f

typedef enum ink_activation {
  INK_SILU,      /* x / (1 + e^-x) */
  INK_GELU_TANH, /* GELU's tanh approximation */
  INK_GELU_ERF,  /* GELU as defined */
} ink_activation;

/* What a norm of queries and keys runs over, where there is one. */
typedef enum ink_qk_norm {
  INK_QK_NORM_HEAD,  /* each head, weights [n_embd_head] shared by them */
  INK_QK_NORM_HEADS, /* each head with weights of its own, [heads][n_embd_head] */
  INK_QK_NORM_WIDTH, /* all heads together, weights [heads * n_embd_head] */
} ink_qk_norm;

/* How positions past the original context are made to look like known ones. */
typedef enum ink_rope_scaling {
  INK_ROPE_SCALING_NONE,
  INK_ROPE_SCALING_LINEAR,   /* frequencies divided by a factor (Chen et al., 2023) */
  INK_ROPE_SCALING_YARN,     /* only the slow ones (Peng et al., "YaRN", 2023) */
  INK_ROPE_SCALING_LONGROPE, /* divisors from the file (Ding et al., "LongRoPE", 2024) */
} ink_rope_scaling;

/* Layers with a sliding window may be rotated otherwise than those that see everything. */
typedef enum ink_rope_set {
  INK_ROPE_FULL,
  INK_ROPE_SLIDING,
  INK_ROPE_SETS,
  INK_ROPE_NONE = INK_ROPE_SETS, /* the layer's keys know nothing of positions */
} ink_rope_set;

/* Named like GGUF's keys where there is one. */
typedef struct ink_hparams {
  uint32_t n_vocab;
  uint32_t n_ctx_train;
  uint32_t n_embd;
  uint32_t n_layer;
  float embd_scale;      /* of the token embeddings */
  float residual_scale;  /* of what a block adds to the residual stream */
  float logit_scale;
  float logit_softcap;   /* c: logits become c tanh(logit / c); 0: they don't */
  bool layer_norm;       /* norms are LayerNorms, not RMSNorms */
  float norm_epsilon;

  uint32_t n_head;
  uint32_t n_head_kv;
  uint32_t n_embd_head;  /* width of one head */
  ink_qk_norm qk_norm;
  float attn_scale;      /* factor on query . key */
  float attn_softcap;    /* scores become c tanh(score / c), after attn_scale; 0: they don't */
  uint32_t n_swa;        /* tokens that a sliding-window layer sees, its own included; 0: no such */
  uint32_t sliding[INK_MAX_LAYERS / 32]; /* a bit for each layer: ink_layer_is_sliding() */

  bool learned_positions; /* added to the embeddings: a cached key can't move to another position */
  uint32_t n_rot;        /* leading dimensions of a head that are rotated */
  bool rope_halves;      /* pairs are (i, i + n_rot / 2), not (2i, 2i + 1) */
  uint32_t nope_period;  /* every so manieth layer rotates nothing; 0: all do */
  float rope_freq_base[INK_ROPE_SETS]; /* of INK_ROPE_SLIDING: 0 where all layers rotate alike */
  ink_rope_scaling rope_scaling; /* of INK_ROPE_FULL; sliding layers see too little to need any */
  float rope_scaling_factor;
  float rope_attn_factor; /* magnitude of rotated queries and keys; 0 until it is settled */
  uint32_t rope_n_ctx_orig; /* the context before scaling */
  float yarn_beta_fast;  /* turns over the original context from which a frequency is kept ... */
  float yarn_beta_slow;  /* ... and below which it is divided */

  uint32_t pooling;      /* ink_pooling, or a number that is none */
  bool parallel;         /* attention and feed-forward network read the same residual stream */
  ink_activation activation;
  uint32_t n_ff;
  uint32_t n_expert;     /* 0: one dense network of width n_ff */
  uint32_t n_expert_used; /* for each token */
  uint32_t n_ff_expert;
  uint32_t n_ff_shared;  /* of the expert that every token uses; 0: none */
  bool expert_weights_norm; /* those of the experts used add up to 1 */

  bool fine_activations; /* of all matrices, for some are of a type that needs it */
} ink_hparams;

struct ink_architecture;

/* Reads and checks the metadata; n_vocab, which the vocabulary tells, is left at 0, and see below.
 * INK_ERR_BAD_MODEL and INK_ERR_UNSUPPORTED_ARCHITECTURE name the key. */
ink_status ink_hparams_read(const ink_gguf *gguf, const struct ink_architecture *architecture,
                            ink_hparams *h, ink_error *error);

/* Completes what only tensors tell: whether the file has LongRoPE's factors, and layers a norm before
 * the feed-forward network. */
void ink_hparams_settle(ink_hparams *h, const struct ink_architecture *architecture,
                        bool has_rope_factors, bool has_ffn_norm);

/* A query at position p sees the keys p - n_swa + 1 to p in such a layer, else 0 to p. */
bool ink_layer_is_sliding(const ink_hparams *h, uint32_t layer);

/* Which frequencies rotate the layer's queries and keys, and whether any layer uses a set. */
ink_rope_set ink_layer_rope_set(const ink_hparams *h, uint32_t layer);
bool ink_rope_set_is_used(const ink_hparams *h, ink_rope_set set);

#endif
