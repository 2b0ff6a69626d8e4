"""Model families that can be trained: what transformers calls them, and its config from GGUF's keys.

The inverse of convert/families.py, for decoders that keep queries, keys and values apart. transformers' own
GGUF reader knows fewer families and leaves out rope scaling, windows and soft caps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convert.families import FAMILIES as CONVERTED
from convert.families import Family as Converted
from convert.gguf_file import GgufFile

from .errors import FinetuneError


Values = dict[str, Any]


@dataclass(frozen=True)
class Family:
    model_type: str
    values: Callable[[GgufFile], Values] = lambda base: {}

    @property
    def converted(self) -> Converted:
        """How its tensors were laid out when it became GGUF."""
        return CONVERTED[self.model_type]


def _head_dim(base: GgufFile) -> int:
    return int(base.own("attention.key_length", base.need("embedding_length") // base.n_head))


def _llama(base: GgufFile) -> Values:
    return {"attention_bias": "blk.0.attn_q.bias" in base.tensors, "mlp_bias": "blk.0.ffn_up.bias" in base.tensors}


def _mistral(base: GgufFile) -> Values:
    return {"sliding_window": int(base.need("attention.sliding_window"))}


def _granite(base: GgufFile) -> Values:
    return {"embedding_multiplier": base.own("embedding_scale", 1.0),
            "residual_multiplier": base.own("residual_scale", 1.0),
            "attention_multiplier": base.own("attention.scale", _head_dim(base) ** -0.5),
            "logits_scaling": base.own("logit_scale", 1.0)}


def _windows(base: GgufFile, period: int) -> Values:
    """A sliding window but in each `period`th layer; the key may be a flag for each layer instead."""
    pattern = base.own("attention.sliding_window_pattern", period)
    if not isinstance(pattern, list):
        pattern = [(layer + 1) % pattern != 0 for layer in range(base.n_layer)]
    return {"sliding_window": int(base.own("attention.sliding_window", 4096)),
            "layer_types": ["sliding_attention" if slides else "full_attention" for slides in pattern]}


def _gemma_scores(base: GgufFile) -> Values:
    by_width = base.architecture == "gemma2" and base.n_layer == 46  # the 27B model, which no key tells apart
    width = base.need("embedding_length") / base.n_head if by_width else _head_dim(base)
    scale = base.own("attention.scale")
    return {"query_pre_attn_scalar": scale**-2 if scale else width}


def _gemma2(base: GgufFile) -> Values:
    return {**_windows(base, 2), **_gemma_scores(base),
            "attn_logit_softcapping": base.own("attn_logit_softcapping", 50.0),
            "final_logit_softcapping": base.own("final_logit_softcapping", 30.0)}


def _gemma3(base: GgufFile) -> Values:
    local = {"rope_type": "default", "rope_theta": float(base.own("rope.freq_base_swa", 10000.0))}
    return {**_windows(base, 6), **_gemma_scores(base),
            "rope_parameters": {"sliding_attention": local, "full_attention": _rope(base)}}


FAMILIES = {
    "llama": Family("llama", _llama),
    "smollm3": Family("smollm3"),
    "granite": Family("granite", _granite),
    "qwen2": Family("qwen2"),
    "qwen3": Family("qwen3"),
    "gemma": Family("gemma"),
    "gemma2": Family("gemma2", _gemma2),
    "gemma3": Family("gemma3_text", _gemma3),
}
MISTRAL = Family("mistral", _mistral)  # `llama` with a window in every layer


def find(base: GgufFile) -> Family:
    family = FAMILIES.get(base.architecture)
    if family is None:
        raise FinetuneError(f"{base.path}: models of the family {base.architecture!r} can't be trained here; "
                            f"there are: {', '.join(FAMILIES)}")
    if base.own("expert_count", 0):
        raise FinetuneError(f"{base.path} is a mixture of experts, which can't be trained here")
    return MISTRAL if base.architecture == "llama" and base.own("attention.sliding_window") else family


def _rope(base: GgufFile) -> Values:
    """Factors for each frequency (Llama 3's) are a tensor; base_model.py applies them."""
    rope = {"rope_type": "default", "rope_theta": float(base.own("rope.freq_base", 10000.0))}
    kind, factor = base.own("rope.scaling.type", "linear"), float(base.own("rope.scaling.factor", 1.0))
    if kind == "linear" and factor not in (0.0, 1.0):
        rope |= {"rope_type": "linear", "factor": factor}
    elif kind == "yarn":
        rope |= {"rope_type": "yarn", "factor": factor,
                 "original_max_position_embeddings": int(base.need("rope.scaling.original_context_length"))}
        rope |= {name: float(value) for name in ("beta_fast", "beta_slow")
                 if (value := base.own(f"rope.scaling.yarn_{name}")) is not None}
    elif kind not in ("linear", "none"):
        raise FinetuneError(f"{base.path}: rope scaling of type {kind} can't be trained here")
    if int(base.own("rope.dimension_count", _head_dim(base))) != _head_dim(base):
        raise FinetuneError(f"{base.path}: heads that turn in part can't be trained here")
    return rope


def config_values(base: GgufFile, family: Family) -> Values:
    """What AutoConfig.for_model(family.model_type, ...) takes."""
    return {
        "vocab_size": int(base.tensors["token_embd.weight"].shape[1]),
        "max_position_embeddings": int(base.need("context_length")),
        "hidden_size": int(base.need("embedding_length")), "intermediate_size": int(base.need("feed_forward_length")),
        "num_hidden_layers": base.n_layer, "num_attention_heads": base.n_head,
        "num_key_value_heads": base.n_head_kv, "head_dim": _head_dim(base),
        "rms_norm_eps": float(base.need("attention.layer_norm_rms_epsilon")),
        "tie_word_embeddings": "output.weight" not in base.tensors, "rope_parameters": _rope(base),
        "bos_token_id": None, "eos_token_id": None, "pad_token_id": None, **family.values(base),
    }  # fmt: skip
