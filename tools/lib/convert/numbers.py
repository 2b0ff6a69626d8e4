"""Types of numbers: from what a checkpoint stores to what the GGUF file holds."""

from __future__ import annotations

from collections.abc import Callable

import gguf
import numpy as np

from .vocabulary import ConvertError

Type = gguf.GGMLQuantizationType
TYPES = {"f32": Type.F32, "f16": Type.F16, "bf16": Type.BF16}
FILE_TYPES = {Type.F32: gguf.LlamaFileType.ALL_F32, Type.F16: gguf.LlamaFileType.MOSTLY_F16,
              Type.BF16: gguf.LlamaFileType.MOSTLY_BF16}
STORED_AS = {"F64": Type.F32, "F32": Type.F32, "F16": Type.F16, "BF16": Type.BF16}
NUMPY = {Type.F32: np.float32, Type.F16: np.float16, Type.BF16: np.uint16}
PIECE = 1 << 22  # values converted at a time, so that no f32 copy of a large tensor exists


def to_f32(values: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "BF16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32)


def _narrow(values: np.ndarray, wanted: Type) -> np.ndarray:
    if wanted is Type.BF16:
        return gguf.quantize(values, wanted).view(np.uint16).reshape(values.shape)
    with np.errstate(over="ignore"):  # found and reported below
        return values.astype(NUMPY[wanted])


def convert(values: np.ndarray, dtype: str, wanted: Type, name: str,
            change: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
    """`values` stored as `dtype`, changed by `change` in f32 if given, as `wanted` (bf16 as uint16)."""
    if STORED_AS[dtype] is wanted and dtype != "F64" and change is None:
        return np.ascontiguousarray(values)
    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.empty(flat.shape, NUMPY[wanted])
    for at in range(0, flat.size, PIECE):
        piece = to_f32(flat[at : at + PIECE], dtype)
        piece = _narrow(change(piece) if change else piece, wanted)
        if wanted is Type.F16 and not np.isfinite(piece).all():
            raise ConvertError(f"tensor {name} has values that f16 can't hold: use --type bf16 or f32")
        out[at : at + PIECE] = piece
    return out.reshape(values.shape)
