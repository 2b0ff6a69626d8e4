#include "model/architecture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define IN_LAYER(name, field, rows, columns)                                                       \
  { "blk.%u." name ".weight", offsetof(ink_layer, field), rows, columns, true, false }
#define GLOBAL(name, rows, columns)                                                                \
  { #name ".weight", offsetof(ink_weights, name), rows, columns, false, false }
#define GLOBAL_OPTIONAL(name, rows, columns)                                                       \
  { #name ".weight", offsetof(ink_weights, name), rows, columns, false, true }

/* Touvron et al., "LLaMA", 2023; grouped-query attention: Ainslie et al., 2023. */
static const ink_tensor_spec llama_tensors[] = {
    GLOBAL(token_embd, INK_DIM_VOCAB, INK_DIM_EMBD),
    GLOBAL(output_norm, INK_DIM_ONE, INK_DIM_EMBD),
    GLOBAL_OPTIONAL(output, INK_DIM_VOCAB, INK_DIM_EMBD),
    GLOBAL_OPTIONAL(rope_freqs, INK_DIM_ONE, INK_DIM_ROT_HALF),
    IN_LAYER("attn_norm", attn_norm, INK_DIM_ONE, INK_DIM_EMBD),
    IN_LAYER("attn_q", attn_q, INK_DIM_Q, INK_DIM_EMBD),
    IN_LAYER("attn_k", attn_k, INK_DIM_KV, INK_DIM_EMBD),
    IN_LAYER("attn_v", attn_v, INK_DIM_KV, INK_DIM_EMBD),
    IN_LAYER("attn_output", attn_out, INK_DIM_EMBD, INK_DIM_Q),
    IN_LAYER("ffn_norm", ffn_norm, INK_DIM_ONE, INK_DIM_EMBD),
    IN_LAYER("ffn_gate", ffn_gate, INK_DIM_FF, INK_DIM_EMBD),
    IN_LAYER("ffn_up", ffn_up, INK_DIM_FF, INK_DIM_EMBD),
    IN_LAYER("ffn_down", ffn_down, INK_DIM_EMBD, INK_DIM_FF),
};

static const ink_architecture architectures[] = {
    {"llama", llama_tensors, sizeof llama_tensors / sizeof llama_tensors[0]},
};

uint32_t ink_architecture_dimension(const ink_hparams *h, ink_dimension dimension) {
  switch (dimension) {
  case INK_DIM_VOCAB: return h->n_vocab;
  case INK_DIM_EMBD: return h->n_embd;
  case INK_DIM_Q: return h->n_head * h->n_embd_head;
  case INK_DIM_KV: return h->n_head_kv * h->n_embd_head;
  case INK_DIM_FF: return h->n_ff;
  case INK_DIM_ROT_HALF: return h->n_rot / 2;
  case INK_DIM_ONE: break;
  }
  return 1;
}

bool ink_layer_is_sliding(const ink_hparams *h, uint32_t layer) {
  return h->sliding[layer / 32] >> layer % 32 & 1u;
}

ink_rope_set ink_layer_rope_set(const ink_hparams *h, uint32_t layer) {
  return ink_layer_is_sliding(h, layer) ? INK_ROPE_SLIDING : INK_ROPE_FULL;
}

bool ink_rope_set_is_used(const ink_hparams *h, ink_rope_set set) {
  for (uint32_t layer = 0; layer < h->n_layer; layer++) {
    if (ink_layer_rope_set(h, layer) == set) return true;
  }
  return false;
}

static ink_status find_architecture(const ink_gguf *gguf, const ink_architecture **architecture,
                                    ink_error *error) {
  ink_str name;
  INK_TRY(ink_gguf_get_str(gguf, "general.architecture", NULL, &name, error));
  if (!name.data) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "the file does not say general.architecture");
  }
  for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++) {
    *architecture = &architectures[i];
    const char *known = (*architecture)->name;
    if (strlen(known) == name.len && memcmp(known, name.data, name.len) == 0) return INK_OK;
  }
  return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                  "the model's architecture is '%.*s'; this engine runs 'llama'",
                  INK_STR_ARGS(name));
}

/* Metadata under the architecture's prefix. */
typedef struct key_reader {
  const ink_gguf *gguf;
  const char *prefix;
  char key[96];
} key_reader;

static const char *full_key(key_reader *r, const char *name) {
  snprintf(r->key, sizeof r->key, "%s.%s", r->prefix, name);
  return r->key;
}

static ink_status missing_key(const char *key, ink_error *error) {
  return ink_fail(error, INK_ERR_BAD_MODEL, "the metadata key '%s' is missing", key);
}

/* A number from 1 to max; `fallback` 0 means that the key must be there. */
static ink_status read_count(key_reader *r, const char *name, uint32_t fallback, uint32_t max,
                             uint32_t *out, ink_error *error) {
  const char *key = full_key(r, name);
  if (fallback == 0 && !ink_gguf_find(r->gguf, key)) return missing_key(key, error);
  INK_TRY(ink_gguf_get_u32(r->gguf, key, fallback, out, error));
  if (*out < 1 || *out > max) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is %u; it must be from 1 to %u", key,
                    (unsigned)*out, (unsigned)max);
  }
  return INK_OK;
}

/* `fallback` 0 means that the key must be there. */
static ink_status read_positive(key_reader *r, const char *name, float fallback, float *out,
                                ink_error *error) {
  const char *key = full_key(r, name);
  if (fallback == 0.0f && !ink_gguf_find(r->gguf, key)) return missing_key(key, error);
  INK_TRY(ink_gguf_get_f32(r->gguf, key, fallback, out, error));
  if (!(*out > 0.0f && *out < 1e30f)) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is not a positive number", key);
  }
  return INK_OK;
}

/* Features of the family that would change the results and are not computed here. */
static ink_status refuse_features(key_reader *r, ink_error *error) {
  uint32_t n_experts;
  INK_TRY(ink_gguf_get_u32(r->gguf, full_key(r, "expert_count"), 0, &n_experts, error));
  if (n_experts > 0) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "mixture-of-experts models are not supported (%s is %u)", r->key,
                    (unsigned)n_experts);
  }
  ink_str scaling;
  INK_TRY(ink_gguf_get_str(r->gguf, full_key(r, "rope.scaling.type"), "none", &scaling, error));
  if (scaling.len != 4 || memcmp(scaling.data, "none", 4) != 0) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "rope scaling of type '%.*s' is not supported", INK_STR_ARGS(scaling));
  }
  float linear;
  INK_TRY(ink_gguf_get_f32(r->gguf, full_key(r, "rope.scale_linear"), 1.0f, &linear, error));
  if (linear != 1.0f) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE, "linear rope scaling is not supported");
  }
  return INK_OK;
}

static ink_status check_shape(const ink_hparams *h, ink_error *error) {
  if (h->n_head % h->n_head_kv) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%u attention heads can't share %u key-value heads",
                    (unsigned)h->n_head, (unsigned)h->n_head_kv);
  }
  if (h->n_rot % 2 || h->n_rot > h->n_embd_head) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "rope.dimension_count is %u; it must be even and at most the head's width, %u",
                    (unsigned)h->n_rot, (unsigned)h->n_embd_head);
  }
  if (h->n_embd % 4 || h->n_ff % 4 || h->n_embd_head % 4) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "embedding (%u), feed-forward (%u) and head (%u) widths must be multiples of 4",
                    (unsigned)h->n_embd, (unsigned)h->n_ff, (unsigned)h->n_embd_head);
  }
  return INK_OK;
}

static ink_status read_heads(key_reader *r, ink_hparams *h, ink_error *error) {
  INK_TRY(read_count(r, "attention.head_count", 0, 1u << 12, &h->n_head, error));
  INK_TRY(read_count(r, "attention.head_count_kv", h->n_head, 1u << 12, &h->n_head_kv, error));
  bool has_width = ink_gguf_find(r->gguf, full_key(r, "attention.key_length")) != NULL;
  if (!has_width && h->n_embd % h->n_head) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%u attention heads do not divide the width %u",
                    (unsigned)h->n_head, (unsigned)h->n_embd);
  }
  uint32_t width = h->n_embd / h->n_head > 0 ? h->n_embd / h->n_head : 1, value_width;
  INK_TRY(read_count(r, "attention.key_length", width, 1u << 12, &h->n_embd_head, error));
  INK_TRY(read_count(r, "attention.value_length", h->n_embd_head, 1u << 12, &value_width, error));
  if (value_width != h->n_embd_head) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "keys (%u) and values (%u) of different width are not supported",
                    (unsigned)h->n_embd_head, (unsigned)value_width);
  }
  return INK_OK;
}

ink_status ink_architecture_read(const ink_gguf *gguf, const ink_architecture **architecture,
                                 ink_hparams *h, ink_error *error) {
  INK_TRY(find_architecture(gguf, architecture, error));
  key_reader r = {.gguf = gguf, .prefix = (*architecture)->name};
  *h = (ink_hparams){0};
  INK_TRY(read_count(&r, "context_length", 0, 1u << 30, &h->n_ctx_train, error));
  INK_TRY(read_count(&r, "embedding_length", 0, 1u << 20, &h->n_embd, error));
  INK_TRY(read_count(&r, "block_count", 0, INK_MAX_LAYERS, &h->n_layer, error));
  INK_TRY(read_count(&r, "feed_forward_length", 0, 1u << 22, &h->n_ff, error));
  INK_TRY(read_heads(&r, h, error));
  INK_TRY(read_count(&r, "rope.dimension_count", h->n_embd_head, 1u << 12, &h->n_rot, error));
  INK_TRY(read_positive(&r, "attention.layer_norm_rms_epsilon", 0.0f, &h->rms_epsilon, error));
  INK_TRY(read_positive(&r, "rope.freq_base", 10000.0f, &h->rope_freq_base[INK_ROPE_FULL], error));
  h->attn_scale = 1.0f / sqrtf((float)h->n_embd_head);
  INK_TRY(refuse_features(&r, error));
  return check_shape(h, error);
}
