"""Weights of a Hugging Face folder: safetensors files, whole or in shards, read one tensor at a time.

The format: 8 bytes of header length, a JSON header of {name: {dtype, shape, data_offsets}}, the data.
https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .vocabulary import ConvertError

# bf16 has no type in numpy: its bits travel as uint16, and StoredTensor.dtype says what they are.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
MAX_HEADER = 100_000_000  # bytes; the reference implementation's own limit


@dataclass(frozen=True)
class StoredTensor:
    name: str
    dtype: str  # a key of DTYPES
    shape: tuple[int, ...]
    file: Path
    offset: int  # of its first byte in the file

    def load(self) -> np.ndarray:
        """The values as they are stored, mapped rather than read: pages come in as they are used."""
        return np.memmap(self.file, DTYPES[self.dtype], "r", self.offset, self.shape)


def _header(file: Path) -> tuple[dict, int]:
    """The header and where the data begins."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, MAX_HEADER):
            what = "a Git LFS pointer; fetch the file itself" if _is_lfs_pointer(file) else "not a safetensors file"
            raise ConvertError(f"{file} is {what}")
        try:
            header = json.loads(stream.read(length))
        except ValueError as error:
            raise ConvertError(f"{file}: its header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise ConvertError(f"{file}: its header is not a JSON object")
    header.pop("__metadata__", None)
    return header, 8 + length


def _is_lfs_pointer(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(24).startswith(b"version https://git-lfs")


def _tensors_of(file: Path) -> dict[str, StoredTensor]:
    header, data = _header(file)
    room = file.stat().st_size - data
    tensors = {}
    for name, entry in header.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        except (KeyError, TypeError, ValueError) as error:
            raise ConvertError(f"{file}: tensor {name} is not described as the format says") from error
        if dtype not in DTYPES:
            raise ConvertError(f"{file}: tensor {name} has type {dtype}; {', '.join(DTYPES)} are supported, "
                               "so take the model before it was quantised")
        if not all(isinstance(n, int) and n >= 0 for n in (*shape, begin, end)):
            raise ConvertError(f"{file}: tensor {name} is not described as the format says")
        if end > room:
            raise ConvertError(f"{file}: tensor {name} ends {end - room} bytes past the file's end; "
                               "was it downloaded whole?")
        if end - begin != math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize:
            raise ConvertError(f"{file}: tensor {name} has {end - begin} bytes, not what {dtype} {list(shape)} takes")
        tensors[name] = StoredTensor(name, dtype, shape, file, data + begin)
    return tensors


def read(folder: Path) -> dict[str, StoredTensor]:
    """All tensors by name; nothing but the headers is read."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        try:
            files = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConvertError(f"{index} does not map tensors to files: {error}") from error
        missing = [name for name in files if not (folder / name).exists()]
        if missing:
            raise ConvertError(f"{folder} lacks {', '.join(missing)}, which {index.name} names")
        paths = [folder / name for name in files]
    else:
        paths = sorted(folder.glob("*.safetensors"))
        if not paths:
            pickled = sorted(path.name for path in [*folder.glob("*.bin"), *folder.glob("*.pth")])
            also = f" ({pickled[0]} is a pickle, which is not read: save the model as safetensors)" if pickled else ""
            raise ConvertError(f"{folder} has no .safetensors file{also}")
    tensors: dict[str, StoredTensor] = {}
    for path in paths:
        found = _tensors_of(path)
        twice = next((name for name in found if name in tensors), None)
        if twice:
            raise ConvertError(f"{twice} is in {tensors[twice].file.name} and in {path.name}: keep one set of weights")
        tensors |= found
    return tensors
