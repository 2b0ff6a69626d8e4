"""Which matrices of a layer an adapter changes, by short names."""

from __future__ import annotations

from .errors import FinetuneError

# transformers' module, GGUF's tensor in each layer
TARGETS = {"q": ("q_proj", "attn_q"), "k": ("k_proj", "attn_k"), "v": ("v_proj", "attn_v"),
           "o": ("o_proj", "attn_output"),
           "gate": ("gate_proj", "ffn_gate"), "up": ("up_proj", "ffn_up"), "down": ("down_proj", "ffn_down")}


def parse(text: str) -> tuple[str, ...]:
    targets = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in targets if name not in TARGETS]
    if unknown or not targets:
        raise FinetuneError(f"--targets: there is no {', '.join(unknown) or 'name'!r}; there are {', '.join(TARGETS)}")
    return targets
