"""config.json: the numbers that describe a model, whatever each family calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .json_file import read_object
from .vocabulary import ConvertError

# Where families differ in a name, the names in turn.
NAMES = {
    "n_ctx": ("max_position_embeddings", "n_positions", "n_ctx"),
    "n_embd": ("hidden_size", "n_embd"),
    "n_layer": ("num_hidden_layers", "n_layer"),
    "n_head": ("num_attention_heads", "n_head"),
    "n_head_kv": ("num_key_value_heads", "num_kv_heads", "n_head_kv"),
    "n_ff": ("intermediate_size", "ffn_hidden_size", "n_inner"),
    "n_expert": ("num_local_experts", "num_experts"),
    "n_expert_used": ("num_experts_per_tok",),
    "epsilon": ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"),
    "activation": ("hidden_activation", "hidden_act", "activation_function", "activation"),
}


class Config:
    """One config.json, or the text model's part of a multimodal one."""

    def __init__(self, path: Path) -> None:
        whole = read_object(path, "the folder of a Hugging Face model")
        text = whole.get("text_config")
        self.values: dict[str, Any] = {**whole, **text} if isinstance(text, dict) else whole
        self.path = path

    def get(self, name: str, default: Any = None) -> Any:
        """A value by one of NAMES or by its own name; null counts as absent."""
        for key in NAMES.get(name, (name,)):
            if self.values.get(key) is not None:
                return self.values[key]
        return default

    def _need(self, name: str, default: Any, kinds: type | tuple[type, ...], what: str) -> Any:
        value = self.get(name, default)
        key = " or ".join(NAMES.get(name, (name,)))
        if value is None:
            raise ConvertError(f"{self.path} has no {key}")
        if not isinstance(value, kinds) or isinstance(value, bool) or value <= 0:
            raise ConvertError(f"{self.path}: {key} is {value!r}, not {what}")
        return value

    def count(self, name: str, default: int | None = None) -> int:
        return self._need(name, default, int, "a number above 0")

    def number(self, name: str, default: float | None = None) -> float:
        return float(self._need(name, default, (int, float), "a number above 0"))

    def flag(self, name: str, default: bool = False) -> bool:
        return bool(self.get(name, default))

    # --- what several places need -----------------------------------------------------------------

    @property
    def n_head(self) -> int:
        return self.count("n_head")

    @property
    def n_head_kv(self) -> int:
        if self.get("model_type") == "falcon" and not self.flag("new_decoder_architecture"):
            return 1 if self.flag("multi_query", True) else self.n_head  # num_kv_heads is not read by these
        return self.count("n_head_kv", self.n_head)

    @property
    def head_dim(self) -> int:
        given = self.get("head_dim")
        if given is None and self.count("n_embd") % self.n_head:
            raise ConvertError(f"{self.path}: {self.count('n_embd')} columns don't divide among {self.n_head} heads")
        return self.count("head_dim", self.count("n_embd") // self.n_head)

    @property
    def n_ff(self) -> int:
        return self.count("n_ff", 4 * self.count("n_embd"))
