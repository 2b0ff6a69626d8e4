"""Step `grow`: a trained student's weights as the start of a larger one that computes the same, to be trained on."""

from __future__ import annotations

from pathlib import Path

import torch

from . import checkpoint
from .model import Model
from .presets import Preset
from .tokenizer import encode_plain, extend_tokenizer, load_tokenizer

NOISE = 0.01  # standard deviation that tells new tokens from the mean of their pieces


@torch.no_grad()
def grow(source: Path, run: str, grown: str, preset: Preset, work: Path) -> None:
    """Writes the weights of the run `run` in `source`, grown to the preset's student, as `grown` in `work`.

    Every query head gets a key and a value head of its own, a copy of the one it shared; new blocks are put in the
    middle and add nothing until their output matrices, which are zero, have learnt to; a new token of the vocabulary
    begins as the mean of the pieces that it was.
    """
    extend_tokenizer(source, preset, work)
    old = checkpoint.load_weights(source / run)
    torch.manual_seed(preset.seed)
    model = Model(preset.student, preset.vocabulary)
    state = model.state_dict()
    layers = 1 + max(int(name.split(".")[1]) for name in old if name.startswith("blocks."))
    more = preset.student.layers - layers
    for name, value in old.items():
        parts = name.split(".")
        if parts[0] == "blocks" and int(parts[1]) >= layers // 2:
            parts[1] = str(int(parts[1]) + more)
        if parts[-2] in ("k", "v"):
            size = preset.student.head_size
            heads = value.unflatten(0, (-1, size))
            value = heads.repeat_interleave(preset.student.kv_heads // len(heads), 0).flatten(0, 1)
        if parts[0] == "embedding":
            table = state[name]
            table[: len(value)] = value
            before, now = load_tokenizer(source), load_tokenizer(work)
            for token in range(len(value), now.get_vocab_size()):
                pieces = encode_plain(before, now.decode([token], skip_special_tokens=False))
                table[token] = value[pieces].mean(0) + NOISE * torch.randn(value.shape[1])
            value = table
        state[".".join(parts)] = value
    model.load_state_dict(state)
    checkpoint.save(work / grown, {"model": model.state_dict()})
