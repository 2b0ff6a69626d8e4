"""LoRA on a base model through PEFT: new or from a GGUF adapter, and back to one."""

from __future__ import annotations

from pathlib import Path

import peft
import torch
import transformers
from convert import adapter as adapters
from convert.adapter import Adapter, Base

from .errors import FinetuneError
from .prepare import Shape
from .targets import TARGETS

def wrap(model: transformers.PreTrainedModel, shape: Shape, seed: int) -> peft.PeftModel:
    """New LoRA matrices in f32: A random from `seed`, B zero."""
    torch.manual_seed(seed)
    config = peft.LoraConfig(r=shape.rank, lora_alpha=shape.alpha, lora_dropout=0.0, bias="none",
                             target_modules=[TARGETS[name][0] for name in shape.targets], task_type="CAUSAL_LM")
    return peft.get_peft_model(model, config)


def state(model: peft.PeftModel) -> dict[str, torch.Tensor]:
    """The LoRA matrices by PEFT's names."""
    return peft.get_peft_model_state_dict(model, save_embedding_layers=False)  # "auto" looks the base up on the Hub


def to_adapter(model: peft.PeftModel, base: Base) -> Adapter:
    tensors = {name: values.detach().float().cpu().numpy() for name, values in state(model).items()}
    return adapters.from_peft(tensors, model.peft_config["default"].to_dict(), base)


def fill(model: peft.PeftModel, path: Path, adapter: Adapter, base: Base) -> None:
    """The matrices of an adapter file into a model wrapped in its shape."""
    if adapter.architecture != base.architecture:
        raise FinetuneError(f"{path} is an adapter for {adapter.architecture} models, and this is one of "
                            f"{base.architecture}")
    tensors, used = {}, set()
    for name, wanted in state(model).items():
        found = adapters.PEFT_NAME.fullmatch(name)
        tensor = base.tensor(found["module"])
        if tensor not in adapter.matrices:
            raise FinetuneError(f"{path} has nothing for {tensor}: it belongs to another model, or adapts only some "
                                "layers, so it can't be trained on")
        a, b = adapter.matrices[tensor]
        values = a if found["part"] == "A" else base.rows_from_gguf(tensor, b)
        if values.shape != tuple(wanted.shape):
            raise FinetuneError(f"{path}: {tensor} is {list(values.shape)} where the model has {list(wanted.shape)}: "
                                "it belongs to another model")
        tensors[name] = torch.tensor(values)
        used.add(tensor)
    if used != set(adapter.matrices):
        raise FinetuneError(f"{path} adapts layers that the model has not: it belongs to another model")
    peft.set_peft_model_state_dict(model, tensors)
