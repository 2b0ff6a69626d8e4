"""Rotary positions: config.json's words for them to GGUF's keys and tensors.

Up to transformers 4 a config has rope_theta and rope_scaling; since 5, rope_parameters holds both, per
kind of layer where a model has several.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .hyperparameters import Config
from .vocabulary import ConvertError


@dataclass
class Rope:
    keys: dict[str, Any] = field(default_factory=dict)  # GGUF keys without the architecture
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    n_ctx: int = 0  # positions with the scaling


def _parameters(config: Config, layers: str) -> dict[str, Any]:
    """What the layers of one kind use; `layers` is full_attention or sliding_attention."""
    new = config.get("rope_parameters")
    if isinstance(new, dict):
        return new.get(layers, new)
    old = dict(config.get("rope_scaling") or {}) if layers == "full_attention" else {}
    theta = config.get("rope_theta", config.get("rotary_emb_base"))
    if layers == "sliding_attention":
        theta = config.get("rope_local_base_freq", theta)
    return old if theta is None else {"rope_theta": theta, **old}


def n_rot(config: Config) -> int:
    """Dimensions of a head that turn."""
    part = _parameters(config, "full_attention").get("partial_rotary_factor")
    part = part or config.get("partial_rotary_factor", config.get("rotary_pct", 1.0))
    return int(config.head_dim * part)


def _llama3_factors(parameters: dict[str, Any], base: float, n: int) -> np.ndarray:
    """What divides each frequency: 1 for the fast ones, `factor` for the slow ones, a blend between."""
    factor, original = parameters["factor"], parameters["original_max_position_embeddings"]
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    turns = original * base ** (-np.arange(0, n, 2, dtype=np.float64) / n) / (2 * math.pi)
    blend = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - blend) / factor + blend)).astype(np.float32)


def _longrope(config: Config, parameters: dict[str, Any], rope: Rope) -> None:
    original = parameters.get("original_max_position_embeddings") or config.count("original_max_position_embeddings")
    scale = parameters.get("factor") or rope.n_ctx / original
    attention = parameters.get("attention_factor")
    if attention is None:
        attention = math.sqrt(1 + math.log(scale) / math.log(original)) if scale > 1 else 1.0
    rope.keys |= {"rope.scaling.type": "longrope", "rope.scaling.original_context_length": original,
                  "rope.scaling.attn_factor": float(attention)}  # a scaling.factor would divide positions as well
    for length in ("long", "short"):
        factors = np.array(parameters[f"{length}_factor"], np.float32)
        if factors.shape != (n_rot(config) // 2,):
            raise ConvertError(f"{config.path}: {length}_factor has {factors.size} values, not {n_rot(config) // 2}")
        rope.tensors[f"rope_factors_{length}.weight"] = factors


def _yarn(config: Config, parameters: dict[str, Any], rope: Rope) -> None:
    factor = float(parameters["factor"])
    original = (parameters.get("original_max_position_embeddings")
                or config.get("original_max_position_embeddings") or rope.n_ctx)
    usual = 0.1 * math.log(factor) + 1 if factor > 1 else 1.0
    if not math.isclose(parameters.get("attention_factor") or usual, usual, rel_tol=1e-4) or any(
            parameters.get(name) for name in ("mscale", "mscale_all_dim")) or parameters.get("truncate") is False:
        raise ConvertError(f"{config.path}: YaRN with an attention_factor, mscale or truncate of its own "
                           "is not supported")
    rope.keys |= {"rope.scaling.type": "yarn", "rope.scaling.factor": factor,
                  "rope.scaling.original_context_length": original}
    for name in ("beta_fast", "beta_slow"):
        if parameters.get(name) is not None:
            rope.keys[f"rope.scaling.yarn_{name}"] = float(parameters[name])
    rope.n_ctx = max(rope.n_ctx, int(original * factor))


def read(config: Config) -> Rope:
    parameters = _parameters(config, "full_attention")
    base = float(parameters.get("rope_theta", 10000.0))
    rope = Rope({"rope.dimension_count": n_rot(config), "rope.freq_base": base}, n_ctx=config.count("n_ctx"))
    if config.get("rope_local_base_freq") or "sliding_attention" in (config.get("rope_parameters") or {}):
        sliding = _parameters(config, "sliding_attention")
        if sliding.get("rope_type", "default") != "default":
            raise ConvertError(f"{config.path}: scaled positions in sliding-window layers are not supported")
        rope.keys["rope.freq_base_swa"] = float(sliding["rope_theta"])
    kind = parameters.get("rope_type") or parameters.get("type") or "default"
    try:
        if kind == "linear":
            rope.keys |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(parameters["factor"])}
        elif kind == "yarn":
            _yarn(config, parameters, rope)
        elif kind == "llama3":
            rope.tensors["rope_freqs.weight"] = _llama3_factors(parameters, base, n_rot(config))
        elif kind in ("longrope", "su"):
            _longrope(config, parameters, rope)
        elif kind == "dynamic":
            print(f"convert: note: dynamic NTK scaling is left out; it starts past {rope.n_ctx} tokens",
                  file=sys.stderr)
        elif kind != "default":
            raise ConvertError(f"{config.path}: rope scaling of type {kind!r} is not supported; default, linear, "
                               "dynamic, yarn, llama3 and longrope are")
    except KeyError as error:
        raise ConvertError(f"{config.path}: rope scaling of type {kind} lacks {error.args[0]}") from error
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConvertError(f"{config.path}: rope scaling of type {kind} has a value that won't do: {error}") from error
    return rope
