#include "model/hparams.h"

#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/print.h"
#include "model/architecture.h"

/* ---- Layers ---- */

bool ink_layer_is_sliding(const ink_hparams *h, uint32_t layer) {
  return h->sliding[layer / 32] >> layer % 32 & 1u;
}

ink_rope_set ink_layer_rope_set(const ink_hparams *h, uint32_t layer) {
  if (h->n_rot == 0) return INK_ROPE_NONE;
  if (h->nope_period && (layer + 1) % h->nope_period == 0) return INK_ROPE_NONE;
  bool own = h->rope_freq_base[INK_ROPE_SLIDING] > 0.0f;
  return own && ink_layer_is_sliding(h, layer) ? INK_ROPE_SLIDING : INK_ROPE_FULL;
}

bool ink_rope_set_is_used(const ink_hparams *h, ink_rope_set set) {
  for (uint32_t layer = 0; layer < h->n_layer; layer++) {
    if (ink_layer_rope_set(h, layer) == set) return true;
  }
  return false;
}

/* ---- Metadata under the architecture's prefix ---- */

typedef struct key_reader {
  const ink_gguf *gguf;
  const ink_architecture *architecture;
  char key[96]; /* the one read last, for messages */
} key_reader;

static const char *full_key(key_reader *r, const char *name) {
  ink_print(r->key, sizeof r->key, "%s.%s", r->architecture->name, name);
  return r->key;
}

static bool has_key(key_reader *r, const char *name) {
  return ink_gguf_find(r->gguf, full_key(r, name)) != NULL;
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

/* 0, or a positive number. */
static ink_status read_optional(key_reader *r, const char *name, float fallback, float *out,
                                ink_error *error) {
  const char *key = full_key(r, name);
  INK_TRY(ink_gguf_get_f32(r->gguf, key, fallback, out, error));
  if (!(*out >= 0.0f && *out < 1e30f)) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is neither 0 nor a positive number", key);
  }
  return INK_OK;
}

/* ---- Attention ---- */

static ink_status read_heads(key_reader *r, ink_hparams *h, ink_error *error) {
  INK_TRY(read_count(r, "attention.head_count", 0, 1u << 12, &h->n_head, error));
  INK_TRY(read_count(r, "attention.head_count_kv", h->n_head, 1u << 12, &h->n_head_kv, error));
  if (h->n_head % h->n_head_kv) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "%u attention heads can't share %u key-value heads (%s)", (unsigned)h->n_head,
                    (unsigned)h->n_head_kv, r->key);
  }
  if (!has_key(r, "attention.key_length") && h->n_embd % h->n_head) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "%u attention heads (%s.attention.head_count) do not divide the width %u",
                    (unsigned)h->n_head, r->architecture->name, (unsigned)h->n_embd);
  }
  uint32_t width = h->n_embd / h->n_head > 0 ? h->n_embd / h->n_head : 1, value_width;
  INK_TRY(read_count(r, "attention.key_length", width, 1u << 12, &h->n_embd_head, error));
  INK_TRY(read_count(r, "attention.value_length", h->n_embd_head, 1u << 12, &value_width, error));
  if (value_width != h->n_embd_head) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "%s: keys (%u) and values (%u) of different width are not supported", r->key,
                    (unsigned)h->n_embd_head, (unsigned)value_width);
  }
  return INK_OK;
}

static ink_status read_scores(key_reader *r, ink_hparams *h, ink_error *error) {
  const ink_architecture *a = r->architecture;
  uint32_t width = h->n_layer == a->attn_scale_by_width_layers ? h->n_embd / h->n_head
                                                               : h->n_embd_head;
  INK_TRY(read_positive(r, "attention.scale", 1.0f / sqrtf((float)(width ? width : 1)),
                        &h->attn_scale, error));
  return read_optional(r, "attn_logit_softcapping", a->attn_softcap, &h->attn_softcap, error);
}

static void slide_periodically(ink_hparams *h, uint32_t period) {
  for (uint32_t i = 0; i < h->n_layer; i++) {
    if (period == 0 || i % period != period - 1) h->sliding[i / 32] |= 1u << i % 32;
  }
}

/* attention.sliding_window_pattern is a period, or a boolean for each layer. */
static ink_status read_window(key_reader *r, ink_hparams *h, ink_error *error) {
  const ink_architecture *a = r->architecture;
  const char *key = full_key(r, "attention.sliding_window");
  if (a->swa_rope_base > 0.0f && !ink_gguf_find(r->gguf, key)) return missing_key(key, error);
  INK_TRY(ink_gguf_get_u32(r->gguf, key, a->n_swa, &h->n_swa, error));
  if (h->n_swa == 0) return INK_OK;
  if (h->n_swa > 1u << 30) h->n_swa = 1u << 30; /* longer than any context */
  const ink_gguf_value *pattern =
      ink_gguf_find(r->gguf, full_key(r, "attention.sliding_window_pattern"));
  if (!pattern || pattern->type != INK_GGUF_ARRAY) {
    uint32_t period;
    INK_TRY(ink_gguf_get_u32(r->gguf, r->key, a->swa_period, &period, error));
    slide_periodically(h, period);
    return INK_OK;
  }
  INK_TRY(ink_gguf_get_array(r->gguf, r->key, INK_GGUF_BOOL, &pattern, error));
  if (pattern->count != h->n_layer) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s describes %llu layers; the model has %u", r->key,
                    (unsigned long long)pattern->count, (unsigned)h->n_layer);
  }
  for (uint32_t i = 0; i < h->n_layer; i++) {
    if (pattern->data[i]) h->sliding[i / 32] |= 1u << i % 32;
  }
  return INK_OK;
}

/* ---- Rotation ---- */

static ink_status read_scaling_type(key_reader *r, ink_hparams *h, ink_error *error) {
  ink_str type;
  INK_TRY(ink_gguf_get_str(r->gguf, full_key(r, "rope.scaling.type"), "linear", &type, error));
  h->rope_scaling_factor = 1.0f;
  if (ink_str_is(type, "none")) return INK_OK;
  if (ink_str_is(type, "longrope") || ink_str_is(type, "su")) {
    h->rope_scaling = INK_ROPE_SCALING_LONGROPE;
    return INK_OK;
  }
  if (ink_str_is(type, "yarn")) {
    h->rope_scaling = INK_ROPE_SCALING_YARN;
  } else if (ink_str_is(type, "linear")) {
    h->rope_scaling = INK_ROPE_SCALING_LINEAR;
  } else {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "%s is '%.*s'; none, linear, yarn and longrope are supported", r->key,
                    INK_STR_ARGS(type));
  }
  float factor;
  INK_TRY(read_optional(r, "rope.scale_linear", 0.0f, &factor, error)); /* of old files */
  INK_TRY(read_optional(r, "rope.scaling.factor", factor, &factor, error));
  if (factor > 0.0f) h->rope_scaling_factor = factor;
  if (h->rope_scaling_factor < INK_MIN_ROPE_FACTOR) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is %g; it must be %g or more", r->key,
                    (double)factor, (double)INK_MIN_ROPE_FACTOR);
  }
  return INK_OK;
}

static ink_status read_scaling(key_reader *r, ink_hparams *h, ink_error *error) {
  INK_TRY(read_scaling_type(r, h, error));
  INK_TRY(read_count(r, "rope.scaling.original_context_length", h->n_ctx_train, 1u << 30,
                     &h->rope_n_ctx_orig, error));
  INK_TRY(read_optional(r, "rope.scaling.attn_factor", 0.0f, &h->rope_attn_factor, error));
  INK_TRY(read_positive(r, "rope.scaling.yarn_beta_fast", 32.0f, &h->yarn_beta_fast, error));
  return read_positive(r, "rope.scaling.yarn_beta_slow", 1.0f, &h->yarn_beta_slow, error);
}

/* What LongRoPE does to the magnitude of queries and keys, where the file doesn't say. */
static float longrope_attn_factor(const ink_hparams *h) {
  double factor = (double)h->n_ctx_train / h->rope_n_ctx_orig;
  double log_orig = ink_log((double)h->rope_n_ctx_orig);
  if (factor <= 1.0 || log_orig <= 0.0) return 1.0f;
  return (float)sqrt(1.0 + ink_log(factor) / log_orig);
}

/* Files often don't name LongRoPE: its factors are what tells. */
static void settle_scaling(ink_hparams *h, bool has_rope_factors) {
  bool said = h->rope_attn_factor > 0.0f;
  if (has_rope_factors) h->rope_scaling = INK_ROPE_SCALING_LONGROPE;
  if (!said) h->rope_attn_factor = 1.0f;
  if (h->rope_scaling == INK_ROPE_SCALING_LONGROPE && !said) {
    h->rope_attn_factor = longrope_attn_factor(h);
  }
  if (h->rope_scaling == INK_ROPE_SCALING_YARN && h->rope_scaling_factor > 1.0f) {
    h->rope_attn_factor *= (float)(1.0 + 0.1 * ink_log((double)h->rope_scaling_factor));
  }
}

static ink_status read_base(key_reader *r, const char *name, float fallback, float *base,
                            ink_error *error) {
  INK_TRY(read_positive(r, name, fallback, base, error));
  if (*base <= 1.0f) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "%s is %g; it must be more than 1", r->key,
                    (double)*base);
  }
  return INK_OK;
}

static ink_status read_rope(key_reader *r, ink_hparams *h, ink_error *error) {
  const ink_architecture *a = r->architecture;
  h->learned_positions = (a->required >> INK_POSITION_EMBD & 1u) != 0;
  if (h->learned_positions) return INK_OK;
  INK_TRY(read_count(r, "rope.dimension_count", h->n_embd_head, 1u << 12, &h->n_rot, error));
  if (h->n_rot % 2 || h->n_rot > h->n_embd_head) {
    return ink_fail(error, INK_ERR_BAD_MODEL,
                    "%s is %u; it must be even and at most the head's width, %u", r->key,
                    (unsigned)h->n_rot, (unsigned)h->n_embd_head);
  }
  h->rope_halves = a->rope_halves;
  h->nope_period = a->nope_period;
  INK_TRY(read_base(r, "rope.freq_base", 10000.0f, &h->rope_freq_base[INK_ROPE_FULL], error));
  if (a->swa_own_rope) {
    float base = a->swa_rope_base > 0.0f ? a->swa_rope_base : h->rope_freq_base[INK_ROPE_FULL];
    INK_TRY(read_base(r, "rope.freq_base_swa", base, &h->rope_freq_base[INK_ROPE_SLIDING], error));
  }
  return read_scaling(r, h, error);
}

/* ---- Feed-forward networks ---- */

static ink_status read_experts(key_reader *r, ink_hparams *h, ink_error *error) {
  const ink_architecture *a = r->architecture;
  bool always = a->required >> INK_FFN_ROUTER & 1u;
  bool ever = always || (a->optional >> INK_FFN_ROUTER & 1u);
  const char *key = full_key(r, "expert_count");
  INK_TRY(ink_gguf_get_u32(r->gguf, key, 0, &h->n_expert, error));
  if (h->n_expert == 0 && !always) return INK_OK;
  if (!ever) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "%s is %u, but models of this family have no experts", key,
                    (unsigned)h->n_expert);
  }
  INK_TRY(read_count(r, "expert_count", 0, INK_MAX_EXPERTS, &h->n_expert, error));
  INK_TRY(read_count(r, "expert_used_count", 0, h->n_expert, &h->n_expert_used, error));
  INK_TRY(read_count(r, "expert_feed_forward_length", h->n_ff, 1u << 22, &h->n_ff_expert, error));
  INK_TRY(ink_gguf_get_bool(r->gguf, full_key(r, "expert_weights_norm"), a->expert_weights_norm,
                            &h->expert_weights_norm, error));
  bool shared = a->required >> INK_FFN_UP_SHARED & 1u;
  if (!shared && !has_key(r, "expert_shared_feed_forward_length")) return INK_OK;
  return read_count(r, "expert_shared_feed_forward_length", h->n_ff, 1u << 22, &h->n_ff_shared,
                    error);
}

static ink_status read_parallel(key_reader *r, ink_hparams *h, ink_error *error) {
  h->parallel = r->architecture->parallel == INK_PARALLEL;
  if (r->architecture->parallel != INK_PARALLEL_BY_KEY) return INK_OK;
  return ink_gguf_get_bool(r->gguf, full_key(r, "use_parallel_residual"), true, &h->parallel, error);
}

/* ---- What is not computed here ---- */

/* A key that would change the results, and its values that don't. */
static const struct {
  const char *key;
  float harmless[2];
} refused_numbers[] = {
    {"attention.clamp_kqv", {0.0f, 0.0f}},
    {"attention.max_alibi_bias", {0.0f, 0.0f}},
    {"expert_weights_scale", {0.0f, 1.0f}},
};
static const struct {
  const char *key;
  uint32_t harmless[2];
} refused_counts[] = {
    {"expert_gating_func", {0, 1}}, /* 1: softmax */
    {"expert_group_count", {0, 1}},
    {"leading_dense_block_count", {0, 0}},
    {"attention.q_lora_rank", {0, 0}},
    {"attention.kv_lora_rank", {0, 0}},
};

static ink_status refuse_features(key_reader *r, ink_error *error) {
  bool harmless = true;
  for (size_t i = 0; harmless && i < sizeof refused_numbers / sizeof refused_numbers[0]; i++) {
    float x;
    const float *fine = refused_numbers[i].harmless;
    INK_TRY(ink_gguf_get_f32(r->gguf, full_key(r, refused_numbers[i].key), 0.0f, &x, error));
    harmless = x == fine[0] || x == fine[1];
  }
  for (size_t i = 0; harmless && i < sizeof refused_counts / sizeof refused_counts[0]; i++) {
    uint32_t n;
    const uint32_t *fine = refused_counts[i].harmless;
    INK_TRY(ink_gguf_get_u32(r->gguf, full_key(r, refused_counts[i].key), 0, &n, error));
    harmless = n == fine[0] || n == fine[1];
  }
  if (harmless) return INK_OK;
  return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                  "%s asks for what this engine does not compute", r->key);
}

/* ---- The whole ---- */

static ink_status read_scales(key_reader *r, ink_hparams *h, ink_error *error) {
  const ink_architecture *a = r->architecture;
  float embd_scale = a->embd_scale_sqrt ? sqrtf((float)h->n_embd) : 1.0f, logit_divisor;
  INK_TRY(read_positive(r, "embedding_scale", embd_scale, &h->embd_scale, error));
  INK_TRY(read_positive(r, "residual_scale", 1.0f, &h->residual_scale, error));
  INK_TRY(read_positive(r, "logit_scale", 1.0f, &logit_divisor, error));
  h->logit_scale = 1.0f / logit_divisor;
  return read_optional(r, "final_logit_softcapping", a->logit_softcap, &h->logit_softcap, error);
}

static ink_status check_widths(const ink_hparams *h, ink_error *error) {
  if (h->n_embd % 4 || h->n_ff % 4 || h->n_embd_head % 4 || h->n_ff_expert % 4 ||
      h->n_ff_shared % 4) {
    return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                    "embedding (%u), head (%u) and feed-forward (%u, experts %u and %u) widths "
                    "must be multiples of 4",
                    (unsigned)h->n_embd, (unsigned)h->n_embd_head, (unsigned)h->n_ff,
                    (unsigned)h->n_ff_expert, (unsigned)h->n_ff_shared);
  }
  return INK_OK;
}

ink_status ink_hparams_read(const ink_gguf *gguf, const ink_architecture *a, ink_hparams *h,
                            ink_error *error) {
  key_reader r = {.gguf = gguf, .architecture = a};
  *h = (ink_hparams){.layer_norm = a->layer_norm,
                     .activation = a->activation,
                     .qk_norm = a->qk_norm};
  INK_TRY(read_count(&r, "context_length", 0, 1u << 30, &h->n_ctx_train, error));
  INK_TRY(read_count(&r, "embedding_length", 0, 1u << 20, &h->n_embd, error));
  INK_TRY(read_count(&r, "block_count", 0, INK_MAX_LAYERS, &h->n_layer, error));
  INK_TRY(read_count(&r, "feed_forward_length", 0, 1u << 22, &h->n_ff, error));
  INK_TRY(read_positive(&r,
                        a->layer_norm ? "attention.layer_norm_epsilon"
                                      : "attention.layer_norm_rms_epsilon",
                        0.0f, &h->norm_epsilon, error));
  INK_TRY(read_heads(&r, h, error));
  INK_TRY(read_scores(&r, h, error));
  INK_TRY(read_window(&r, h, error));
  INK_TRY(read_rope(&r, h, error));
  INK_TRY(read_experts(&r, h, error));
  INK_TRY(read_parallel(&r, h, error));
  INK_TRY(read_scales(&r, h, error));
  INK_TRY(ink_gguf_get_u32(gguf, full_key(&r, "pooling_type"), INK_POOLING_NONE, &h->pooling, error));
  INK_TRY(refuse_features(&r, error));
  return check_widths(h, error);
}

void ink_hparams_settle(ink_hparams *h, const ink_architecture *a, bool has_rope_factors,
                        bool has_ffn_norm) {
  if (a->parallel == INK_PARALLEL_BY_NORM) h->parallel = !has_ffn_norm;
  settle_scaling(h, has_rope_factors);
}
