"""Model families: one row each, from config.json's model_type to what GGUF calls and expects.

Names of tensors come from the gguf package's maps. A row says what is left: the keys beyond those that
every family has, the tensors whose layout differs, the shapes that are its own, and what it can't say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gguf
import numpy as np

from . import layouts
from .hyperparameters import Config
from .vocabulary import ConvertError

Keys = dict[str, Any]
Layout = Callable[[np.ndarray, Config], np.ndarray]
Shape = tuple[str, ...]  # sizes by name, as model.sizes() gives them

SILU = ("silu", "swish")
TANH_GELU = ("gelu_pytorch_tanh", "gelu_new", "gelu_fast")
HALVES_TO_NEIGHBOURS: dict[str, Layout] = {
    "attn_q.weight": layouts.interleave_q, "attn_q.bias": layouts.interleave_q,
    "attn_k.weight": layouts.interleave_k, "attn_k.bias": layouts.interleave_k,
}
ROW_NORMS: dict[str, Shape] = {"attn_q_norm": ("q",), "attn_k_norm": ("kv",)}


def name_map(architecture: str, n_layer: int) -> gguf.TensorNameMap:
    """From transformers' names of tensors to GGUF's."""
    for kind, name in gguf.MODEL_ARCH_NAMES.items():
        if name == architecture:
            return gguf.get_tensor_name_map(kind, n_layer)
    raise ConvertError(f"models of the family {architecture!r} are not supported")


def name_in_layer(tensor: str) -> str:
    """A tensor's GGUF name without "blk.N."."""
    return re.sub(r"^blk\.\d+\.", "", tensor)


@dataclass(frozen=True)
class Family:
    architecture: str
    activations: tuple[str, ...]
    layer_norm: bool = False  # with a mean and maybe a bias, rather than RMSNorm
    rotary: bool = True
    norms_from_one: bool = False  # the checkpoint stores norms' weights minus 1
    layouts: dict[str, Layout] = field(default_factory=dict)  # by name_in_layer()
    shapes: dict[str, Shape] = field(default_factory=dict)  # where they differ from model.SHAPES
    keys: Callable[[Config], Keys] = lambda config: {}
    own_output: bool = False  # llama.cpp wants output.weight though it repeats the embedding
    refuses: dict[str, Any] = field(default_factory=dict)  # config values that GGUF has no word for
    defaults: dict[str, Any] = field(default_factory=dict)  # of config.json, where published ones leave things out

    def layout(self, tensor: str) -> Layout | None:
        """How a tensor, by its GGUF name, differs from the checkpoint's."""
        return self.layouts.get(name_in_layer(tensor))


def _window(config: Config) -> Keys:
    """A sliding window in every layer."""
    if config.get("sliding_window") is None or set(config.get("layer_types") or ()) == {"full_attention"}:
        return {}
    return {"attention.sliding_window": config.count("sliding_window")}


def _alternating_window(config: Config, period: int) -> Keys:
    """A sliding window but in each `period`th layer."""
    period = config.get("sliding_window_pattern", config.get("_sliding_window_pattern", period))
    expected = ["full_attention" if (layer + 1) % period == 0 else "sliding_attention"
                for layer in range(config.count("n_layer"))]
    if config.get("layer_types", expected) != expected:
        raise ConvertError(f"{config.path}: layer_types is not a sliding window in all but each {period}th layer")
    return {"attention.sliding_window": config.count("sliding_window"), "attention.sliding_window_pattern": period}


def _experts(config: Config, size: str, normed: bool) -> Keys:
    """`normed` says whether the chosen experts' weights add up to 1."""
    if config.get("decoder_sparse_step", 1) != 1 or config.get("mlp_only_layers"):
        raise ConvertError(f"{config.path}: layers without experts among such with experts are not supported")
    return {"expert_count": config.count("n_expert"), "expert_used_count": config.count("n_expert_used"),
            "expert_feed_forward_length": config.count(size), "expert_weights_norm": normed}


def _llama(config: Config) -> Keys:
    keys = _window(config)
    if config.get("n_expert"):
        keys |= _experts(config, "n_ff", normed=True)
    return keys


def _smollm3(config: Config) -> Keys:
    """llama.cpp takes it that each fourth layer goes without rotary positions; no key says so."""
    n_layer = config.count("n_layer")
    every = config.get("no_rope_layer_interval", 4)
    turned = config.get("no_rope_layers") or [int((layer + 1) % every != 0) for layer in range(n_layer)]
    if turned != [int((layer + 1) % 4 != 0) for layer in range(n_layer)]:
        raise ConvertError(f"{config.path}: no_rope_layers is not each fourth layer, which GGUF can't say")
    return {}


def _qwen2_moe(config: Config) -> Keys:
    return {**_experts(config, "moe_intermediate_size", config.flag("norm_topk_prob")),
            "expert_shared_feed_forward_length": config.count("shared_expert_intermediate_size")}


def _qwen3_moe(config: Config) -> Keys:
    return _experts(config, "moe_intermediate_size", config.flag("norm_topk_prob"))


def _gemma(config: Config, period: int) -> Keys:
    keys = _alternating_window(config, period)
    for ours, theirs in (("attn_logit_softcapping", "attn_logit_softcapping"),
                         ("final_logit_softcapping", "final_logit_softcapping")):
        if config.get(theirs):
            keys[ours] = config.number(theirs)
    scalar = config.get("query_pre_attn_scalar", config.head_dim)
    if scalar != config.head_dim:
        keys["attention.scale"] = 1 / math.sqrt(scalar)
    return keys


def _granite(config: Config) -> Keys:
    return {"embedding_scale": config.number("embedding_multiplier", 1.0),
            "residual_scale": config.number("residual_multiplier", 1.0),
            "attention.scale": config.number("attention_multiplier", 1.0),
            "logit_scale": config.number("logits_scaling", 1.0)}


def _parallel_residual(usual: bool) -> Callable[[Config], Keys]:
    return lambda config: {"use_parallel_residual": config.flag("use_parallel_residual", usual)}


TIED = {"tie_word_embeddings": True}
GEMMA = {**TIED, "head_dim": 256, "query_pre_attn_scalar": 256}
QWEN_WINDOW = {"use_sliding_window": True}
LLAMA = Family("llama", SILU, layouts=HALVES_TO_NEIGHBOURS, keys=_llama)
FAMILIES = {
    "llama": LLAMA,
    "mistral": LLAMA,
    "mixtral": LLAMA,
    "smollm3": Family("smollm3", SILU, layouts=HALVES_TO_NEIGHBOURS, keys=_smollm3, refuses=QWEN_WINDOW,
                      defaults=TIED),
    "granite": Family("granite", SILU, layouts=HALVES_TO_NEIGHBOURS, keys=_granite),
    "qwen2": Family("qwen2", SILU, refuses=QWEN_WINDOW),
    "qwen2_moe": Family("qwen2moe", SILU, keys=_qwen2_moe, refuses=QWEN_WINDOW, own_output=True,
                        layouts={"ffn_gate_inp_shexp.weight": lambda values, config: values.reshape(-1)}),
    "qwen3": Family("qwen3", SILU, refuses=QWEN_WINDOW),
    "qwen3_moe": Family("qwen3moe", SILU, keys=_qwen3_moe, refuses=QWEN_WINDOW),
    "gemma": Family("gemma", (*TANH_GELU, "gelu"), norms_from_one=True, defaults=GEMMA),  # "gelu" was tanh's all along
    "gemma2": Family("gemma2", TANH_GELU, norms_from_one=True, keys=lambda config: _gemma(config, 2),
                     defaults={**GEMMA, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}),
    "gemma3_text": Family("gemma3", TANH_GELU, norms_from_one=True, keys=lambda config: _gemma(config, 6),
                          refuses={"use_bidirectional_attention": True},
                          defaults={**GEMMA, "num_attention_heads": 8, "num_key_value_heads": 4, "rope_theta": 1e6,
                                    "rope_local_base_freq": 1e4, "max_position_embeddings": 131072}),
    "gpt2": Family("gpt2", TANH_GELU, layer_norm=True, rotary=False, defaults=TIED,
                   layouts=dict.fromkeys(("attn_qkv.weight", "attn_output.weight", "ffn_up.weight",
                                          "ffn_down.weight"), layouts.transpose),
                   refuses={"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True,
                            "add_cross_attention": True}),
    "gpt_neox": Family("gptneox", ("gelu", *TANH_GELU), layer_norm=True, own_output=True,
                       layouts={"attn_qkv.weight": layouts.group_qkv, "attn_qkv.bias": layouts.group_qkv},
                       keys=_parallel_residual(True), defaults={"rotary_pct": 0.25}),
    "phi": Family("phi2", TANH_GELU, layer_norm=True, own_output=True, refuses={"qk_layernorm": True},
                  defaults={"partial_rotary_factor": 0.5}),
    "phi3": Family("phi3", SILU, keys=_window, shapes={"ffn_up": ("2ff", "embd")}),
    "stablelm": Family("stablelm", SILU, layer_norm=True, keys=_parallel_residual(False), own_output=True,
                       shapes={"attn_q_norm": ("head", "head_dim"), "attn_k_norm": ("head_kv", "head_dim")},
                       defaults={"partial_rotary_factor": 0.25}),
    "starcoder2": Family("starcoder2", TANH_GELU, layer_norm=True, keys=_window, defaults=TIED),
    "olmo2": Family("olmo2", SILU, shapes=ROW_NORMS, own_output=True),
    "olmo3": Family("olmo2", SILU, shapes=ROW_NORMS, own_output=True,
                    keys=lambda config: _alternating_window(config, 4),
                    defaults={"rope_theta": 500000.0, "sliding_window": 4096}),
    "olmoe": Family("olmoe", SILU, shapes=ROW_NORMS, own_output=True, refuses={"clip_qkv": ...},
                    keys=lambda config: _experts(config, "n_ff", config.flag("norm_topk_prob"))),
    "falcon": Family("falcon", ("gelu",), layer_norm=True, layouts={"attn_qkv.weight": layouts.group_qkv},
                     keys=lambda config: {"tensor_data_layout": "jploski"},
                     refuses={"alibi": True, "parallel_attn": False, "bias": True},
                     defaults={**TIED, "max_position_embeddings": 2048}),
}  # fmt: skip
FAMILIES["gemma3"] = FAMILIES["gemma3_text"]  # with pictures: the text model alone is taken


def find(config: Config) -> Family:
    kind = config.values.get("model_type")
    family = FAMILIES.get(kind)
    if family is None:
        raise ConvertError(f"{config.path}: models of type {kind!r} are not supported; "
                           f"there are: {', '.join(sorted(FAMILIES))}")
    activation = config.get("activation", family.activations[0])
    if activation not in family.activations:
        raise ConvertError(f"{config.path}: {kind} with the activation {activation!r} is not supported; "
                           f"{family.architecture} has {family.activations[0]}")
    for name, value in family.refuses.items():
        if config.get(name) is not None and (value is ... or config.get(name) == value):
            raise ConvertError(f"{config.path}: {kind} with {name} = {config.get(name)!r} is not supported")
    config.values = {**family.defaults, **config.values}
    if config.get("quantization_config"):
        raise ConvertError(f"{config.path}: the weights are quantised; take the model before that")
    return family
