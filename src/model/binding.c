#include "model/binding.h"

#include <string.h>

#include "base/print.h"

typedef enum dimension {
  ONE, /* as rows: a vector */
  VOCAB,
  CTX,
  EMBD,
  Q,          /* n_head * n_embd_head */
  KV,         /* n_head_kv * n_embd_head */
  QKV,        /* Q + 2 KV */
  Q_HEADS,    /* rows of the query norm's weights */
  KV_HEADS,
  Q_NORM,     /* its columns */
  K_NORM,
  ROT_HALF,   /* n_rot / 2 */
  FF,
  FF_TWICE,
  FF_EXPERT,
  FF_SHARED,
  N_EXPERT,
} dimension;

typedef enum place {
  IN_MODEL,
  IN_LAYER,
  IN_EXPERTS, /* of a layer, one matrix for each expert */
} place;

typedef struct tensor_spec {
  const char *name; /* in the file, before .weight or .bias; in a layer, blk.N. comes before */
  size_t field;     /* offset of the ink_linear in ink_weights or ink_layer */
  place place;
  dimension rows, columns;
} tensor_spec;

#define MODEL(field) offsetof(ink_weights, field), IN_MODEL
#define LAYER(field) offsetof(ink_layer, field), IN_LAYER
#define PER_EXPERT(field) offsetof(ink_layer, field), IN_EXPERTS

static const tensor_spec specs[INK_ROLES] = {
    [INK_TOKEN_EMBD] = {"token_embd", MODEL(token_embd), VOCAB, EMBD},
    [INK_POSITION_EMBD] = {"position_embd", MODEL(position_embd), CTX, EMBD},
    [INK_OUTPUT_NORM] = {"output_norm", MODEL(output_norm), ONE, EMBD},
    [INK_OUTPUT] = {"output", MODEL(output), VOCAB, EMBD},
    [INK_ROPE_FREQS] = {"rope_freqs", MODEL(rope_freqs), ONE, ROT_HALF},
    [INK_ROPE_FACTORS_LONG] = {"rope_factors_long", MODEL(rope_factors_long), ONE, ROT_HALF},
    [INK_ROPE_FACTORS_SHORT] = {"rope_factors_short", MODEL(rope_factors_short), ONE, ROT_HALF},
    [INK_ATTN_NORM] = {"attn_norm", LAYER(attn_norm), ONE, EMBD},
    [INK_ATTN_NORM_2] = {"attn_norm_2", LAYER(attn_norm_2), ONE, EMBD},
    [INK_ATTN_QKV] = {"attn_qkv", LAYER(attn_qkv), QKV, EMBD},
    [INK_ATTN_Q] = {"attn_q", LAYER(attn_q), Q, EMBD},
    [INK_ATTN_K] = {"attn_k", LAYER(attn_k), KV, EMBD},
    [INK_ATTN_V] = {"attn_v", LAYER(attn_v), KV, EMBD},
    [INK_ATTN_Q_NORM] = {"attn_q_norm", LAYER(attn_q_norm), Q_HEADS, Q_NORM},
    [INK_ATTN_K_NORM] = {"attn_k_norm", LAYER(attn_k_norm), KV_HEADS, K_NORM},
    [INK_ATTN_OUT] = {"attn_output", LAYER(attn_out), EMBD, Q},
    [INK_POST_ATTN_NORM] = {"post_attention_norm", LAYER(post_attn_norm), ONE, EMBD},
    [INK_FFN_NORM] = {"ffn_norm", LAYER(ffn_norm), ONE, EMBD},
    [INK_FFN_GATE_UP] = {"ffn_up", LAYER(ffn_gate_up), FF_TWICE, EMBD},
    [INK_FFN_GATE] = {"ffn_gate", LAYER(ffn_gate), FF, EMBD},
    [INK_FFN_UP] = {"ffn_up", LAYER(ffn_up), FF, EMBD},
    [INK_FFN_DOWN] = {"ffn_down", LAYER(ffn_down), EMBD, FF},
    [INK_FFN_ROUTER] = {"ffn_gate_inp", LAYER(ffn_router), N_EXPERT, EMBD},
    [INK_FFN_GATE_EXPS] = {"ffn_gate_exps", PER_EXPERT(ffn_gate_exps), FF_EXPERT, EMBD},
    [INK_FFN_UP_EXPS] = {"ffn_up_exps", PER_EXPERT(ffn_up_exps), FF_EXPERT, EMBD},
    [INK_FFN_DOWN_EXPS] = {"ffn_down_exps", PER_EXPERT(ffn_down_exps), EMBD, FF_EXPERT},
    [INK_FFN_GATE_SHARED] = {"ffn_gate_shexp", LAYER(ffn_gate_shared), FF_SHARED, EMBD},
    [INK_FFN_UP_SHARED] = {"ffn_up_shexp", LAYER(ffn_up_shared), FF_SHARED, EMBD},
    [INK_FFN_DOWN_SHARED] = {"ffn_down_shexp", LAYER(ffn_down_shared), EMBD, FF_SHARED},
    [INK_FFN_SHARED_WEIGHT] = {"ffn_gate_inp_shexp", LAYER(ffn_shared_weight), ONE, EMBD},
    [INK_POST_FFN_NORM] = {"post_ffw_norm", LAYER(post_ffn_norm), ONE, EMBD},
};

/* Tensors that files of these families carry and no computation needs: what they would say about
 * rotation, the metadata says too. */
static const char *const unneeded[] = {
    ".attn_rot_embd.weight", ".attn_rot_embd", ".rotary_emb.inv_freq", ".attn.bias",
    ".attn.masked_bias",
};

static uint32_t dimension_of(const ink_hparams *h, dimension d) {
  bool heads = h->qk_norm == INK_QK_NORM_HEADS, width = h->qk_norm == INK_QK_NORM_WIDTH;
  uint32_t q = h->n_head * h->n_embd_head, kv = h->n_head_kv * h->n_embd_head;
  switch (d) {
  case ONE: return 1;
  case VOCAB: return h->n_vocab;
  case CTX: return h->n_ctx_train;
  case EMBD: return h->n_embd;
  case Q: return q;
  case KV: return kv;
  case QKV: return q + 2 * kv;
  case Q_HEADS: return heads ? h->n_head : 1;
  case KV_HEADS: return heads ? h->n_head_kv : 1;
  case Q_NORM: return width ? q : h->n_embd_head;
  case K_NORM: return width ? kv : h->n_embd_head;
  case ROT_HALF: return h->n_rot / 2;
  case FF: return h->n_ff;
  case FF_TWICE: return 2 * h->n_ff;
  case FF_EXPERT: return h->n_ff_expert;
  case FF_SHARED: return h->n_ff_shared;
  case N_EXPERT: return h->n_expert;
  }
  return 1;
}

typedef struct binder {
  ink_weights *weights;
  const ink_gguf *gguf;
  const ink_architecture *architecture;
  const ink_hparams *h;
  ink_tensor **bound;
  ink_roles required, optional;
  ink_roles unwanted; /* of those, beside others that are there */
} binder;

static bool has(ink_roles roles, ink_role role) { return roles >> role & 1u; }

static void write_name(char name[64], const tensor_spec *spec, uint32_t layer, bool bias) {
  const char *suffix = bias ? "bias" : "weight";
  if (spec->place == IN_MODEL) {
    ink_print(name, 64, "%s.%s", spec->name, suffix);
  } else {
    ink_print(name, 64, "blk.%u.%s.%s", (unsigned)layer, spec->name, suffix);
  }
}

static ink_linear *linear_of(const ink_weights *weights, const tensor_spec *spec, uint32_t layer) {
  uint8_t *owner = (uint8_t *)(uintptr_t)weights;
  if (spec->place != IN_MODEL) owner = (uint8_t *)&weights->layers[layer];
  return (ink_linear *)(void *)(owner + spec->field);
}

static bool is_bound(const ink_tensor *tensor) { return tensor->n_cols > 0; }

/* What the hyperparameters decide: experts or one feed-forward network for all. */
static void settle_roles(binder *b) {
  const ink_roles dense = 1u << INK_FFN_GATE | 1u << INK_FFN_UP | 1u << INK_FFN_DOWN;
  const ink_roles experts = 1u << INK_FFN_ROUTER | 1u << INK_FFN_GATE_EXPS |
                            1u << INK_FFN_UP_EXPS | 1u << INK_FFN_DOWN_EXPS;
  b->required = b->architecture->required;
  b->optional = b->architecture->optional;
  if (b->h->n_expert > 0) {
    b->required = (b->required & ~dense) | experts;
  } else {
    b->optional &= ~experts;
  }
}

/* ---- One tensor ---- */

static ink_status check_tensor(const binder *b, const tensor_spec *spec, bool bias,
                               const ink_gguf_tensor *tensor, ink_error *error) {
  uint32_t rows = dimension_of(b->h, spec->rows), columns = dimension_of(b->h, spec->columns);
  uint32_t experts = spec->place == IN_EXPERTS ? b->h->n_expert : 1;
  if (bias) {
    if (spec->rows != ONE) columns = rows;
    rows = 1;
  }
  if (tensor->dims[0] != columns || tensor->dims[1] != rows || tensor->dims[2] != experts ||
      tensor->dims[3] != 1) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "tensor '%.*s' is %llu x %llu x %llu, but the model's description makes it "
                    "%u x %u x %u (columns x rows x experts)",
                    INK_STR_ARGS(tensor->name), (unsigned long long)tensor->dims[0],
                    (unsigned long long)tensor->dims[1], (unsigned long long)tensor->dims[2],
                    (unsigned)columns, (unsigned)rows, (unsigned)experts);
  }
  bool is_norm = spec->columns == Q_NORM || spec->columns == K_NORM;
  bool fits = rows == 1 ? ink_type_get_traits(tensor->type)->block_columns == 1
                        : !is_norm || tensor->type == INK_TYPE_F32;
  if (!fits) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_TYPE,
                    "tensor '%.*s' is of type %s; %s supported for vectors",
                    INK_STR_ARGS(tensor->name), ink_type_name(tensor->type),
                    rows == 1 ? "F32, F16 and BF16 are" : "only F32 is");
  }
  if ((uint64_t)rows * experts > UINT32_MAX / 2) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "tensor '%.*s' has too many rows: %u for each of %u experts",
                    INK_STR_ARGS(tensor->name), (unsigned)rows, (unsigned)experts);
  }
  return INK_OK;
}

/* Binds the tensor if this file has it. */
static ink_status bind(binder *b, ink_role role, uint32_t layer, bool bias, ink_error *error) {
  const tensor_spec *spec = &specs[role];
  char name[64];
  write_name(name, spec, layer, bias);
  uint32_t i = ink_gguf_find_tensor(b->gguf, name);
  if (i == INK_INDEX_NONE) return INK_OK;
  const ink_gguf_tensor *source = &b->gguf->tensors[i];
  INK_TRY(check_tensor(b, spec, bias, source, error));
  ink_linear *linear = linear_of(b->weights, spec, layer);
  ink_tensor *tensor = bias ? &linear->bias : &linear->weight;
  if (is_bound(tensor)) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "tensor '%s' is in two parts of the model", name);
  }
  *tensor = (ink_tensor){source->name, (ink_type)source->type,
                         (uint32_t)(source->dims[1] * source->dims[2]), (uint32_t)source->dims[0],
                         NULL};
  b->bound[i] = tensor;
  return INK_OK;
}

/* ---- All of them ---- */

static bool is_unneeded(ink_str name) {
  for (size_t i = 0; i < sizeof unneeded / sizeof unneeded[0]; i++) {
    size_t len = strlen(unneeded[i]);
    if (name.len >= len && memcmp(name.data + name.len - len, unneeded[i], len) == 0) return true;
  }
  return false;
}

static ink_status check_all_have_a_place(const binder *b, ink_error *error) {
  for (size_t i = 0; i < b->gguf->n_tensors; i++) {
    ink_str name = b->gguf->tensors[i].name;
    if (b->bound[i] || is_unneeded(name)) continue;
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "tensor '%.*s' has no place in a '%s' model as this engine computes it",
                    INK_STR_ARGS(name), b->architecture->name);
  }
  return INK_OK;
}

ink_status ink_weights_bind(ink_weights *weights, const ink_gguf *gguf,
                            const ink_architecture *architecture, const ink_hparams *h,
                            ink_tensor **bound, ink_error *error) {
  binder b = {.weights = weights,
              .gguf = gguf,
              .architecture = architecture,
              .h = h,
              .bound = bound};
  ink_roles biased = architecture->biased | architecture->optional_biases;
  settle_roles(&b);
  for (size_t i = 0; i < gguf->n_tensors; i++) bound[i] = NULL;
  for (ink_role role = 0; role < INK_ROLES; role++) {
    if (!has(b.required | b.optional, role)) continue;
    uint32_t n = specs[role].place == IN_MODEL ? 1 : h->n_layer;
    for (uint32_t layer = 0; layer < n; layer++) {
      INK_TRY(bind(&b, role, layer, false, error));
      if (has(biased, role)) INK_TRY(bind(&b, role, layer, true, error));
    }
  }
  return check_all_have_a_place(&b, error);
}

/* ---- Whether that is a whole model ---- */

static ink_status check_presence(const binder *b, const ink_tensor *tensor, ink_role role,
                                 uint32_t layer, bool bias, bool expected, ink_error *error) {
  if (is_bound(tensor) == expected) return INK_OK;
  char name[64];
  write_name(name, &specs[role], layer, bias);
  if (expected) return ink_fail(error, INK_ERR_BAD_MODEL, "the file has no tensor '%s'", name);
  return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                  "tensor '%s' has no place in a '%s' model as this engine computes it", name,
                  b->architecture->name);
}

/* What may or may not be there is in all layers or in none: the first decides. */
static ink_status check_role(const binder *b, ink_role role, ink_error *error) {
  const ink_architecture *a = b->architecture;
  const tensor_spec *spec = &specs[role];
  const ink_linear *first = linear_of(b->weights, spec, 0);
  bool required = has(b->required, role);
  if (spec->place == IN_MODEL) {
    if (!required) return INK_OK;
    INK_TRY(check_presence(b, &first->weight, role, 0, false, true, error));
    if (!has(a->biased, role)) return INK_OK;
    return check_presence(b, &first->bias, role, 0, true, true, error);
  }
  bool expected = required || (is_bound(&first->weight) && !has(b->unwanted, role));
  bool bias_expected = expected && (has(a->biased, role) || is_bound(&first->bias));
  for (uint32_t layer = 0; layer < b->h->n_layer; layer++) {
    const ink_linear *linear = linear_of(b->weights, spec, layer);
    INK_TRY(check_presence(b, &linear->weight, role, layer, false, expected, error));
    INK_TRY(check_presence(b, &linear->bias, role, layer, true, bias_expected, error));
  }
  return INK_OK;
}

ink_status ink_weights_check(ink_weights *weights, const ink_architecture *architecture,
                             ink_hparams *h, ink_error *error) {
  const ink_roles long_rope = 1u << INK_ROPE_FACTORS_LONG | 1u << INK_ROPE_FACTORS_SHORT;
  binder b = {.weights = weights, .architecture = architecture, .h = h};
  ink_hparams_settle(h, architecture, is_bound(&weights->rope_factors_long.weight),
                     is_bound(&weights->layers[0].ffn_norm.weight));
  settle_roles(&b);
  if (h->rope_scaling == INK_ROPE_SCALING_LONGROPE) b.required |= long_rope;
  if (has(b.required, INK_ATTN_QKV) || is_bound(&weights->layers[0].attn_qkv.weight)) {
    b.unwanted = 1u << INK_ATTN_Q | 1u << INK_ATTN_K | 1u << INK_ATTN_V;
    b.optional |= b.required & b.unwanted;
    b.required &= ~b.unwanted;
  }
  for (ink_role role = 0; role < INK_ROLES; role++) {
    if (has(b.required | b.optional, role)) INK_TRY(check_role(&b, role, error));
  }
  return INK_OK;
}

/* ---- Matrices by number ---- */

uint32_t ink_matrix_number(ink_role role, uint32_t layer) {
  return 1 + (uint32_t)role + (specs[role].place == IN_MODEL ? 0 : (layer + 1) * INK_ROLES);
}

uint32_t ink_matrix_numbers(uint32_t n_layer) { return 1 + (n_layer + 1) * INK_ROLES; }

static bool is_matrix(const tensor_spec *spec) {
  return spec->place != IN_EXPERTS && spec->rows != ONE && spec->rows != CTX &&
         spec->columns != Q_NORM && spec->columns != K_NORM;
}

const ink_linear *ink_weights_matrix(const ink_weights *weights,
                                     const ink_architecture *architecture, uint32_t number,
                                     char name[64]) {
  const ink_roles of_qkv = 1u << INK_ATTN_Q | 1u << INK_ATTN_K | 1u << INK_ATTN_V;
  uint32_t role = (number - 1) % INK_ROLES, owner = (number - 1) / INK_ROLES;
  const tensor_spec *spec = &specs[role];
  if (!has(architecture->required | architecture->optional, (ink_role)role)) return NULL;
  if (!is_matrix(spec) || (spec->place == IN_MODEL) != (owner == 0)) return NULL;
  uint32_t layer = owner ? owner - 1 : 0;
  const ink_linear *linear = linear_of(weights, spec, layer);
  bool is_slice = has(of_qkv, (ink_role)role) && is_bound(&weights->layers[layer].attn_qkv.weight);
  if (!is_bound(&linear->weight) || is_slice) return NULL;
  write_name(name, spec, layer, false);
  return linear;
}

/* ---- After loading ---- */

ink_tensor ink_tensor_slice(const ink_tensor *tensor, uint32_t first_row, uint32_t n_rows) {
  ink_tensor slice = *tensor;
  slice.name = (ink_str){"", 0}; /* the header, which held it, doesn't stay */
  slice.n_rows = n_rows;
  slice.data += ink_tensor_bytes(tensor->type, first_row, tensor->n_cols);
  return slice;
}

static ink_linear slice_linear(const ink_linear *linear, uint32_t first_row, uint32_t n_rows) {
  ink_linear slice = {.weight = ink_tensor_slice(&linear->weight, first_row, n_rows)};
  if (linear->bias.data) {
    slice.bias = linear->bias;
    slice.bias.name = (ink_str){"", 0};
    slice.bias.n_cols = n_rows;
    slice.bias.data += first_row * sizeof(float);
  }
  return slice;
}

static ink_status check_factors(const ink_linear *factors, ink_role role, ink_error *error) {
  const float *values = (const float *)(const void *)factors->weight.data;
  for (uint32_t i = 0; values && i < factors->weight.n_cols; i++) {
    if (values[i] >= INK_MIN_ROPE_FACTOR) continue;
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "factor %u of tensor '%s.weight' is %g; it must be %g or more",
                    (unsigned)i, specs[role].name, (double)values[i], (double)INK_MIN_ROPE_FACTOR);
  }
  return INK_OK;
}

/* token_embd, where it serves as the output, is not the matrix that tokens are looked up in. */
static void number_matrices(ink_weights *weights, uint32_t n_layer) {
  for (ink_role role = INK_TOKEN_EMBD + 1; role < INK_ROLES; role++) {
    if (!is_matrix(&specs[role])) continue;
    uint32_t n = specs[role].place == IN_MODEL ? 1 : n_layer;
    for (uint32_t layer = 0; layer < n; layer++) {
      linear_of(weights, &specs[role], layer)->number = ink_matrix_number(role, layer);
    }
  }
}

ink_status ink_weights_finish(ink_weights *weights, const ink_hparams *h, ink_error *error) {
  INK_TRY(check_factors(&weights->rope_freqs, INK_ROPE_FREQS, error));
  INK_TRY(check_factors(&weights->rope_factors_long, INK_ROPE_FACTORS_LONG, error));
  INK_TRY(check_factors(&weights->rope_factors_short, INK_ROPE_FACTORS_SHORT, error));
  uint32_t q = h->n_head * h->n_embd_head, kv = h->n_head_kv * h->n_embd_head;
  for (uint32_t i = 0; i < h->n_layer; i++) {
    ink_layer *layer = &weights->layers[i];
    if (layer->attn_qkv.weight.data) {
      layer->attn_q = slice_linear(&layer->attn_qkv, 0, q);
      layer->attn_k = slice_linear(&layer->attn_qkv, q, kv);
      layer->attn_v = slice_linear(&layer->attn_qkv, q + kv, kv);
    }
    if (layer->ffn_gate_up.weight.data) {
      layer->ffn_gate = slice_linear(&layer->ffn_gate_up, 0, h->n_ff);
      layer->ffn_up = slice_linear(&layer->ffn_gate_up, h->n_ff, h->n_ff);
    }
    if (layer->attn_norm_2.weight.data) { /* so a larger Falcon calls the norm before attention */
      layer->ffn_norm = layer->attn_norm;
      layer->attn_norm = layer->attn_norm_2;
    }
  }
  number_matrices(weights, h->n_layer);
  return INK_OK;
}
