"""A GGUF file for reading: its keys, and its tensors dequantised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from .vocabulary import ConvertError


class GgufFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.reader = gguf.GGUFReader(path)
        except FileNotFoundError as error:
            raise ConvertError(f"there is no file {path}") from error
        except (ValueError, IndexError, OverflowError) as error:
            raise ConvertError(f"{path} is not a GGUF file that can be read: {error}") from error
        if self.get("split.count", 1) > 1:
            raise ConvertError(f"{path} is one part of a model in several files: join them first "
                                "(`inkling quantize` of the first part writes one file)")
        self.architecture = str(self.get("general.architecture", "none"))
        self.tensors = {tensor.name: tensor for tensor in self.reader.tensors}

    def get(self, key: str, default: Any = None) -> Any:
        field = self.reader.get_field(key)
        return default if field is None else field.contents()

    def need(self, key: str) -> Any:
        """A key under the architecture's name."""
        value = self.get(f"{self.architecture}.{key}")
        if value is None:
            raise ConvertError(f"{self.path} lacks the key {self.architecture}.{key}")
        return value

    def own(self, key: str, default: Any = None) -> Any:
        return self.get(f"{self.architecture}.{key}", default)

    def values(self, name: str) -> np.ndarray:
        """A tensor in f32, rows first."""
        tensor = self.tensors[name]
        shape = tuple(int(n) for n in reversed(tensor.shape))
        try:
            values = gguf.dequantize(tensor.data, tensor.tensor_type)
        except NotImplementedError as error:
            raise ConvertError(f"{self.path}: tensor {name} has type {tensor.tensor_type.name}, which can't be "
                                "dequantised here; take the model in another type") from error
        return np.array(values, np.float32).reshape(shape)  # a copy, since f32 comes as a view of the file

    @property
    def n_layer(self) -> int:
        return int(self.need("block_count"))

    @property
    def n_head(self) -> int:
        return int(self.need("attention.head_count"))

    @property
    def n_head_kv(self) -> int:
        return int(self.own("attention.head_count_kv", self.n_head))
