#include "model/architecture.h"

#include <string.h>

#define T(role) (1u << INK_##role)

#define EMBEDDINGS (T(TOKEN_EMBD) | T(OUTPUT_NORM))
#define NORMS (T(ATTN_NORM) | T(FFN_NORM))
#define QKV (T(ATTN_Q) | T(ATTN_K) | T(ATTN_V))
#define QK_NORMS (T(ATTN_Q_NORM) | T(ATTN_K_NORM))
#define POST_NORMS (T(POST_ATTN_NORM) | T(POST_FFN_NORM))
#define MLP (T(FFN_UP) | T(FFN_DOWN))
#define GATED_MLP (T(FFN_GATE) | MLP)
#define EXPERTS (T(FFN_ROUTER) | T(FFN_GATE_EXPS) | T(FFN_UP_EXPS) | T(FFN_DOWN_EXPS))
#define SHARED_EXPERT (T(FFN_GATE_SHARED) | T(FFN_UP_SHARED) | T(FFN_DOWN_SHARED))
#define ROPE (T(ROPE_FREQS) | T(ROPE_FACTORS_LONG) | T(ROPE_FACTORS_SHORT))

/* Touvron et al., "LLaMA", 2023: what most later families vary. */
#define LLAMA (EMBEDDINGS | NORMS | QKV | T(ATTN_OUT) | GATED_MLP)
#define LLAMA_OPTIONAL (T(OUTPUT) | ROPE)
#define LLAMA_BIASES (QKV | T(ATTN_OUT) | GATED_MLP)

/* The differences are those of the families' implementations in Hugging Face's transformers; names
 * of tensors and keys are those that llama.cpp's converter writes. */
static const ink_architecture architectures[] = {
    /* Llama, Mistral, SmolLM, TinyLlama; with experts Mixtral (Jiang et al., 2024). */
    {
        .name = "llama",
        .required = LLAMA,
        .optional = LLAMA_OPTIONAL | EXPERTS,
        .optional_biases = LLAMA_BIASES,
        .expert_weights_norm = true,
    },
    {
        .name = "smollm3",
        .required = LLAMA,
        .optional = LLAMA_OPTIONAL,
        .optional_biases = LLAMA_BIASES,
        .nope_period = 4,
    },
    {
        .name = "qwen2",
        .required = LLAMA,
        .optional = LLAMA_OPTIONAL,
        .biased = QKV,
        .rope_halves = true,
    },
    {
        .name = "qwen2moe",
        .required = (LLAMA & ~GATED_MLP) | EXPERTS | SHARED_EXPERT | T(FFN_SHARED_WEIGHT),
        .optional = LLAMA_OPTIONAL,
        .optional_biases = QKV,
        .rope_halves = true,
    },
    {
        .name = "qwen3",
        .required = LLAMA | QK_NORMS,
        .optional = LLAMA_OPTIONAL,
        .optional_biases = QKV | T(ATTN_OUT),
        .rope_halves = true,
    },
    {
        .name = "qwen3moe",
        .required = (LLAMA & ~GATED_MLP) | QK_NORMS | EXPERTS,
        .optional = LLAMA_OPTIONAL,
        .optional_biases = QKV | T(ATTN_OUT),
        .rope_halves = true,
        .expert_weights_norm = true,
    },
    /* Gemma Team, 2024 and 2025. In files, 1 has been added to their norms' weights. */
    {
        .name = "gemma",
        .required = LLAMA,
        .optional = LLAMA_OPTIONAL,
        .activation = INK_GELU_TANH,
        .embd_scale_sqrt = true,
        .rope_halves = true,
    },
    {
        .name = "gemma2",
        .required = LLAMA | POST_NORMS,
        .optional = LLAMA_OPTIONAL,
        .activation = INK_GELU_TANH,
        .embd_scale_sqrt = true,
        .attn_softcap = 50.0f,
        .logit_softcap = 30.0f,
        .attn_scale_by_width_layers = 46, /* 27B */
        .rope_halves = true,
        .n_swa = 4096,
        .swa_period = 2,
    },
    {
        .name = "gemma3",
        .required = LLAMA | POST_NORMS | QK_NORMS,
        .optional = LLAMA_OPTIONAL,
        .activation = INK_GELU_TANH,
        .embd_scale_sqrt = true,
        .attn_scale_by_width_layers = 62, /* 27B */
        .rope_halves = true,
        .swa_period = 6,
        .swa_own_rope = true,
        .swa_rope_base = 10000.0f,
    },
    /* Radford et al., "Language Models are Unsupervised Multitask Learners", 2019. */
    {
        .name = "gpt2",
        .required = EMBEDDINGS | T(POSITION_EMBD) | NORMS | T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .optional = T(OUTPUT),
        .biased = T(OUTPUT_NORM) | NORMS | T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .layer_norm = true,
        .activation = INK_GELU_TANH,
    },
    /* Black et al., "GPT-NeoX-20B", 2022; Pythia. */
    {
        .name = "gptneox",
        .required = EMBEDDINGS | NORMS | T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .optional = T(OUTPUT) | ROPE,
        .biased = T(OUTPUT_NORM) | NORMS | T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .layer_norm = true,
        .activation = INK_GELU_ERF,
        .parallel = INK_PARALLEL_BY_KEY,
        .rope_halves = true,
    },
    {
        .name = "phi2",
        .required = EMBEDDINGS | T(ATTN_NORM) | QKV | T(ATTN_OUT) | MLP,
        .optional = T(OUTPUT) | ROPE | T(ATTN_QKV),
        .biased = T(OUTPUT_NORM) | T(OUTPUT) | T(ATTN_NORM) | QKV | T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .layer_norm = true,
        .activation = INK_GELU_TANH,
        .parallel = INK_PARALLEL,
        .rope_halves = true,
    },
    {
        .name = "phi3",
        .required = EMBEDDINGS | NORMS | T(ATTN_QKV) | T(ATTN_OUT) | T(FFN_GATE_UP) | T(FFN_DOWN),
        .optional = T(OUTPUT) | ROPE,
        .rope_halves = true,
    },
    {
        .name = "stablelm",
        .required = EMBEDDINGS | T(ATTN_NORM) | QKV | T(ATTN_OUT) | GATED_MLP,
        .optional = T(OUTPUT) | ROPE | T(FFN_NORM) | QK_NORMS,
        .biased = T(OUTPUT_NORM) | T(ATTN_NORM) | T(FFN_NORM),
        .optional_biases = QKV,
        .layer_norm = true,
        .parallel = INK_PARALLEL_BY_NORM,
        .qk_norm = INK_QK_NORM_HEADS,
        .rope_halves = true,
    },
    {
        .name = "starcoder2",
        .required = EMBEDDINGS | NORMS | QKV | T(ATTN_OUT) | MLP,
        .optional = T(OUTPUT) | ROPE,
        .biased = T(OUTPUT_NORM) | NORMS,
        .optional_biases = QKV | T(ATTN_OUT) | MLP,
        .layer_norm = true,
        .activation = INK_GELU_TANH,
        .rope_halves = true,
    },
    {
        .name = "olmo2",
        .required = (LLAMA & ~NORMS) | POST_NORMS | QK_NORMS,
        .optional = T(OUTPUT) | ROPE,
        .qk_norm = INK_QK_NORM_WIDTH,
        .rope_halves = true,
        .swa_period = 4,
        .swa_own_rope = true,
    },
    {
        .name = "olmoe",
        .required = (LLAMA & ~GATED_MLP) | QK_NORMS | EXPERTS,
        .optional = T(OUTPUT) | ROPE,
        .qk_norm = INK_QK_NORM_WIDTH,
        .rope_halves = true,
    },
    {
        .name = "granite",
        .required = LLAMA,
        .optional = LLAMA_OPTIONAL,
        .optional_biases = LLAMA_BIASES,
    },
    /* Almazrouei et al., "The Falcon Series of Open Language Models", 2023. */
    {
        .name = "falcon",
        .required = EMBEDDINGS | T(ATTN_NORM) | T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .optional = T(OUTPUT) | ROPE | T(ATTN_NORM_2),
        .biased = T(OUTPUT_NORM) | T(ATTN_NORM) | T(ATTN_NORM_2),
        .optional_biases = T(ATTN_QKV) | T(ATTN_OUT) | MLP,
        .layer_norm = true,
        .activation = INK_GELU_ERF,
        .parallel = INK_PARALLEL,
        .rope_halves = true,
    },
};

ink_status ink_architecture_find(const ink_gguf *gguf, const ink_architecture **architecture,
                                 ink_error *error) {
  ink_str name;
  INK_TRY(ink_gguf_get_str(gguf, "general.architecture", NULL, &name, error));
  if (!name.data) {
    return ink_fail(error, INK_ERR_BAD_MODEL, "the file does not say general.architecture");
  }
  char known[256];
  size_t len = 0;
  for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++) {
    *architecture = &architectures[i];
    if (ink_str_is(name, architectures[i].name)) return INK_OK;
    size_t n = strlen(architectures[i].name);
    if (len + n + 3 > sizeof known) continue;
    if (len > 0) known[len++] = ',', known[len++] = ' ';
    memcpy(known + len, architectures[i].name, n);
    len += n;
  }
  return ink_fail(error, INK_ERR_UNSUPPORTED_ARCHITECTURE,
                  "general.architecture is '%.*s'; this engine runs %.*s", INK_STR_ARGS(name),
                  (int)len, known);
}
