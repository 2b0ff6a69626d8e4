"""ggml's own functions on rows of blocks, through ctypes in llama-cpp-python's libraries."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp
import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Type

FROM_FLOAT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
VEC_DOT = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p,
    ctypes.c_size_t, ctypes.c_int,
)  # fmt: skip


class TraitsCpu(ctypes.Structure):
    """struct ggml_type_traits_cpu of ggml-cpu.h."""

    _fields_ = [
        ("from_float", FROM_FLOAT), ("vec_dot", VEC_DOT), ("vec_dot_type", ctypes.c_int), ("nrows", ctypes.c_int64)
    ]  # fmt: skip


class Ggml:
    """Its quantiser, and the products that llama.cpp's matrices are made of."""

    def __init__(self) -> None:
        folder = Path(llama_cpp.__file__).parent / "lib"
        self.base = ctypes.CDLL(str(folder / "libggml-base.so"), ctypes.RTLD_GLOBAL)
        self.cpu = ctypes.CDLL(str(folder / "libggml-cpu.so"))
        self.cpu.ggml_cpu_init()
        self.cpu.ggml_get_type_traits_cpu.restype = ctypes.POINTER(TraitsCpu)
        self.base.ggml_quantize_chunk.restype = ctypes.c_size_t
        self.base.ggml_quantize_chunk.argtypes = [
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
            ctypes.c_void_p,
        ]  # fmt: skip

    def quantize(self, values: np.ndarray, kind: Type) -> np.ndarray:
        """Rows of blocks as bytes."""
        if kind == Type.F32:
            return values.view(np.uint8)
        rows, columns = values.shape
        block, n_bytes = GGML_QUANT_SIZES[kind]
        out = np.zeros((rows, columns // block * n_bytes), np.uint8)
        self.base.ggml_quantize_chunk(kind, values.ctypes.data, out.ctypes.data, 0, rows, columns, None)
        return out

    def products(self, weights: np.ndarray, kind: Type, x: np.ndarray) -> np.ndarray:
        """[tokens][rows]"""
        traits = self.cpu.ggml_get_type_traits_cpu(kind)[0]
        x_kind = Type(traits.vec_dot_type)
        out = np.zeros((len(x), len(weights)), np.float32)
        result = ctypes.c_float()
        block, n_bytes = GGML_QUANT_SIZES[x_kind]
        for t, token in enumerate(x):
            token = np.ascontiguousarray(token)
            packed = np.zeros(len(token) // block * n_bytes + 64, np.uint8)
            if x_kind == Type.F32:
                packed[: token.nbytes] = token.view(np.uint8)
            else:
                self.cpu.ggml_get_type_traits_cpu(x_kind)[0].from_float(
                    token.ctypes.data, packed.ctypes.data, len(token)
                )
            for r, row in enumerate(weights):
                traits.vec_dot(
                    len(token), ctypes.addressof(result), 0, row.ctypes.data, 0, packed.ctypes.data, 0, 1
                )
                out[t, r] = result.value
        return out
