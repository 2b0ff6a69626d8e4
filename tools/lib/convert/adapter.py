"""LoRA adapters (https://arxiv.org/abs/2106.09685) in llama.cpp's GGUF format, and from PEFT folders.

A matrix W [n_out, n_in] becomes W + alpha / rank * B A, with A [rank, n_in] as the tensor NAME.lora_a and
B [n_out, rank] as NAME.lora_b, where NAME is W's own. B's rows move as W's did when the model became GGUF
(queries' and keys' in some families), A's columns stay.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from . import checkpoint, families, layouts, numbers
from .gguf_file import GgufFile
from .hyperparameters import Config
from .json_file import read_object
from .numbers import Type
from .vocabulary import ConvertError

PEFT_NAME = re.compile(r"(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<part>[AB])(?:\.default)?\.weight")


class Base:
    """What has to be known of the model that an adapter belongs to."""

    def __init__(self, architecture: str, n_layer: int, n_head: int, n_head_kv: int) -> None:
        self.architecture, self.n_head, self.n_head_kv = architecture, n_head, n_head_kv
        family = next((family for family in families.FAMILIES.values() if family.architecture == architecture), None)
        if family is None:
            raise ConvertError(f"adapters of models of the family {architecture!r} are not supported")
        self._family, self._names = family, families.name_map(architecture, n_layer)

    @classmethod
    def of(cls, model: Path) -> Base:
        """From the model as GGUF, or as a Hugging Face folder, of which config.json is enough."""
        if model.is_dir():
            config = Config(model / "config.json")
            return cls(families.find(config).architecture, config.count("n_layer"), config.n_head, config.n_head_kv)
        base = GgufFile(model)
        return cls(base.architecture, base.n_layer, base.n_head, base.n_head_kv)

    def tensor(self, module: str) -> str:
        """GGUF's name of the matrix of a module in transformers, such as model.layers.0.self_attn.q_proj."""
        name = self._names.get_name(f"{module}.weight", try_suffixes=(".weight",))
        if name is None:
            raise ConvertError(f"{module} is no matrix that {self.architecture} models have in GGUF")
        return name

    def _layout(self, tensor: str) -> families.Layout | None:
        layout = self._family.layout(tensor)
        return None if layout is layouts.transpose else layout  # PEFT's A and B are never transposed

    def rows_to_gguf(self, tensor: str, b: np.ndarray) -> np.ndarray:
        layout = self._layout(tensor)
        if layout is layouts.group_qkv:
            raise ConvertError(f"adapters for {tensor} of {self.architecture} models are not supported")
        return layout(b, self) if layout else b

    def rows_from_gguf(self, tensor: str, b: np.ndarray) -> np.ndarray:
        layout = self._layout(tensor)
        return layouts.INVERSES[layout](b, self) if layout else b


@dataclass
class Adapter:
    architecture: str
    alpha: float
    matrices: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)  # A and B by W's name


# --- PEFT ------------------------------------------------------------------------------------------


def from_peft(tensors: Mapping[str, np.ndarray], config: Mapping[str, Any], base: Base) -> Adapter:
    """`tensors` and `config` as adapter_model.safetensors and adapter_config.json hold them."""
    _refuse(config)
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, values in tensors.items():
        found = PEFT_NAME.fullmatch(name)
        if found is None:
            raise ConvertError(f"tensor {name} is none of a plain LoRA's: adapters for embeddings, DoRA and layers "
                               "saved whole have no word in GGUF; merge them into the model instead")
        parts.setdefault(found["module"], {})[found["part"]] = values
    if not parts:
        raise ConvertError("the adapter has no tensors")
    wanted = {module: _scale(config, module, part) for module, part in parts.items()}
    some = next(iter(parts))
    adapter = Adapter(base.architecture, float(wanted[some] * parts[some]["A"].shape[0]))
    for module, part in parts.items():
        a, b, tensor = part["A"], part["B"], base.tensor(module)
        correction = wanted[module] / (adapter.alpha / a.shape[0])  # where ranks or alphas differ
        b = base.rows_to_gguf(tensor, b if math.isclose(correction, 1) else b * np.float32(correction))
        adapter.matrices[tensor] = (a, b)
    return adapter


def _refuse(config: Mapping[str, Any]) -> None:
    if config.get("peft_type") != "LORA":
        raise ConvertError(f"the adapter is of type {config.get('peft_type')}; LORA is supported")
    for key in ("use_dora", "use_qalora", "lora_bias", "modules_to_save", "trainable_token_indices"):
        if config.get(key):
            raise ConvertError(f"the adapter has {key}, for which GGUF has no word; merge it into the model instead")
    if config.get("bias", "none") != "none":
        raise ConvertError("the adapter trained biases, for which GGUF has no word; merge it into the model instead")


def _scale(config: Mapping[str, Any], module: str, part: Mapping[str, np.ndarray]) -> float:
    """What B A is multiplied by."""
    if set(part) != {"A", "B"} or part["A"].ndim != 2 or part["B"].ndim != 2 or \
            part["A"].shape[0] != part["B"].shape[1]:
        raise ConvertError(f"{module} has not an A [rank, inputs] and a B [outputs, rank] that fit each other")
    rank = part["A"].shape[0]
    alpha = config.get("lora_alpha", 8)
    for pattern, own in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            alpha = own
            break
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _folder(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    config = read_object(folder / "adapter_config.json", "the folder of a PEFT adapter")
    stored = checkpoint.read(folder)
    return {name: numbers.to_f32(tensor.load(), tensor.dtype) for name, tensor in stored.items()}, config


def convert(folder: Path, out: Path, base: Path | None, kind: Type) -> None:
    """`base` None: the folder that adapter_config.json names, if it is here."""
    tensors, config = _folder(folder)
    if base is None:
        base = Path(str(config.get("base_model_name_or_path") or ""))
        if not (base / "config.json").exists():
            raise ConvertError(f"the adapter's model, {str(base)!r}, is not a folder here: give it with --base, as "
                               "GGUF or as a Hugging Face folder")
    write(from_peft(tensors, config, Base.of(base)), out, folder.resolve().name, kind)


# --- GGUF ------------------------------------------------------------------------------------------


def write(adapter: Adapter, out: Path, name: str, kind: Type = Type.F32) -> None:
    writer = gguf.GGUFWriter(out, adapter.architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_file_type(numbers.FILE_TYPES[kind])
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", adapter.alpha)
    for tensor, (a, b) in adapter.matrices.items():
        for suffix, values in (("lora_a", a), ("lora_b", b)):
            values = numbers.convert(values, "F32", kind, f"{tensor}.{suffix}")
            writer.add_tensor(f"{tensor}.{suffix}", values, raw_shape=values.shape, raw_dtype=kind)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except BaseException:
        writer.close()
        out.unlink(missing_ok=True)  # half a file would look like a whole one
        raise


def read(path: Path) -> Adapter:
    file = GgufFile(path)
    if file.get("general.type") != "adapter" or file.get("adapter.type") != "lora":
        raise ConvertError(f"{path} is not a LoRA adapter (general.type = {file.get('general.type')!r}, "
                           f"adapter.type = {file.get('adapter.type')!r})")
    adapter = Adapter(file.architecture, float(file.get("adapter.lora.alpha", 0.0)))
    for name in file.tensors:
        tensor, _, part = name.rpartition(".")
        if part == "lora_a":
            if f"{tensor}.lora_b" not in file.tensors:
                raise ConvertError(f"{path} has {name} and no {tensor}.lora_b")
            adapter.matrices[tensor] = (file.values(name), file.values(f"{tensor}.lora_b"))
    if 2 * len(adapter.matrices) != len(file.tensors):
        raise ConvertError(f"{path} has tensors that are not pairs of lora_a and lora_b")
    return adapter
