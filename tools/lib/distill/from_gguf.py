"""Step `start`: the weights and the vocabulary of a file that `export` wrote, to be trained on."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from . import DistillError, checkpoint
from .export import NAMES, decoded_file, file_vocabulary
from .model import Model
from .presets import Preset, Shape
from .tokenizer import save_tokenizer


def unpaired(weight: Tensor, heads: int) -> Tensor:
    """The inverse of export.paired()."""
    return weight.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)


def model_state(tensors: dict[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    """The inverse of export.gguf_tensors(), with whatever else there is under its own name."""
    ours = {theirs: name for name, theirs in NAMES.items()} | {"token_embd": "embedding", "output_norm": "norm"}
    heads = {"q": shape.heads, "k": shape.kv_heads}
    state = {}
    for tensor_name, tensor in tensors.items():
        *block, theirs, _ = tensor_name.split(".")
        name = ours.get(theirs, theirs)
        if name in heads and len(tensor) == heads[name] * shape.head_size:
            tensor = unpaired(tensor, heads[name])
        state[".".join([*(["blocks", *block[1:]] if block else []), name, "weight"])] = tensor
    return state


@torch.no_grad()
def start_from_file(source: Path, run: str, preset: Preset, work: Path) -> None:
    """Writes what the blocks of `source` decode to as the weights of `run`, and tokenizer.json, into `work`."""
    try:
        tensors = decoded_file(source)
        tokens, merges = file_vocabulary(source)
    except (OSError, ValueError, KeyError) as error:
        raise DistillError(f"{source} can't be read as a GGUF file with a tokenizer: {error}") from error
    state = model_state(tensors, preset.student)
    model = Model(preset.student, preset.vocabulary)
    if {name: value.shape for name, value in state.items()} != {
            name: value.shape for name, value in model.state_dict().items()}:
        raise DistillError(f"{source} is not of the shape of the preset's student, {preset.student}, with "
                           f"{preset.vocabulary} tokens; name the preset that it was made with")
    model.load_state_dict(state)
    save_tokenizer(tokens, merges, work)
    checkpoint.save(work / run, {"model": model.state_dict()})
