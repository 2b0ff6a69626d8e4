#!/usr/bin/env python3
"""The error of quantised dot products, the engine's beside llama.cpp's, for every block type.

    dot_error.py DOT_PRODUCTS [--rows N] [--columns N] [--tokens N]

Random weights are quantised by ggml's own quantiser, random activations (normal,
with a few outliers, as models have them) are quantised by each engine in its own
way. The truth is float64 arithmetic on the dequantised weights and the
unquantised activations. Printed: the RMS of each engine's error over the RMS of
the products. llama.cpp's side are the functions that its matrices use
(ggml_get_type_traits_cpu: from_float of vec_dot_type, then vec_dot), called
through ctypes in llama-cpp-python's libraries; DOT_PRODUCTS, ours, is the
program that dot_products.c becomes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from ggml import Ggml
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize

TYPES = [
    Type.F32, Type.F16, Type.BF16, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0, Type.Q2_K, Type.Q3_K,
    Type.Q4_K, Type.Q5_K, Type.Q6_K, Type.IQ4_NL, Type.IQ4_XS, Type.TQ1_0, Type.TQ2_0, Type.MXFP4,
]  # fmt: skip

F32_ROUNDING = 2.0**-22  # what f32 arithmetic in any order costs, and so no error of a type's

def ours(program: Path, weights: np.ndarray, kind: Type, x: np.ndarray) -> np.ndarray:
    header = np.array([kind, len(weights), x.shape[1], len(x)], np.uint32)
    data = header.tobytes() + weights.tobytes() + x.tobytes()
    done = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(len(x), len(weights))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--columns", type=int, default=1536)
    parser.add_argument("--tokens", type=int, default=32)
    args = parser.parse_args()
    rng = np.random.default_rng(1)
    w = rng.normal(0, 0.05, (args.rows, args.columns)).astype(np.float32)
    x = rng.normal(0, 1, (args.tokens, args.columns)).astype(np.float32)
    x *= np.where(rng.random(x.shape) < 0.01, 8, 1).astype(np.float32)
    ggml, worse = Ggml(), []
    print("type     ours        llama.cpp   ratio   (RMS error / RMS of the products)")
    for kind in TYPES:
        rows = ggml.quantize(w, kind)
        truth = x.astype(np.float64) @ dequantize(rows, kind).reshape(w.shape).astype(np.float64).T
        errors = []
        for products in (ours(args.program, rows, kind, x), ggml.products(rows, kind, x)):
            errors.append(np.sqrt(((products - truth) ** 2).mean() / (truth**2).mean()))
        print(f"{kind.name:8} {errors[0]:.3e}   {errors[1]:.3e}   {errors[0] / errors[1]:.3f}", flush=True)
        if errors[0] > max(errors[1], F32_ROUNDING):
            worse.append(kind.name)
    print("no type is worse" if not worse else f"worse: {', '.join(worse)}")
    sys.exit(bool(worse))
