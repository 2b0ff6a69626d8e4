#!/usr/bin/env python3
"""Compare `inkling quantize` with llama.cpp's quantiser: the same input, the same types, one evaluator.

    check_quantize.py MODEL TEXT [--types q4_k_m q6_k] [--windows 16] [--imatrix]

The input is MODEL turned to F32. Both files of a type are loaded by llama.cpp
and scored on the same windows of TEXT. Prints, for each type, how many tensors
are the same byte for byte, the squared error of the others over llama.cpp's,
and both perplexities. With --imatrix, both quantisers get importance weights
measured on the text's last windows by `reference.py` (Llama architecture only).
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from pathlib import Path

import llama_cpp
import numpy as np
from gguf import GGUFReader, GGUFWriter
from gguf.quants import dequantize
from llamacpp import LlamaCpp
from perplexity import overall, score
from reference import Reference

ROOT = Path(__file__).parents[2]
CTX = 512
FILE_TYPES = {
    "q8_0": 7, "q4_0": 2, "q4_1": 3, "q5_0": 8, "q5_1": 9, "q4_k_s": 14, "q4_k_m": 15, "q5_k_s": 16, "q5_k_m": 17,
    "q6_k": 18, "f16": 1, "bf16": 32,
}  # fmt: skip
Importance = dict[str, np.ndarray]


def llama_quantize(source: Path, target: Path, file_type: int, importance: Importance | None = None) -> None:
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread, params.ftype, params.allow_requantize = 2, file_type, True
    if importance:
        entries = (llama_cpp.llama_model_imatrix_data * (len(importance) + 1))()
        for entry, (name, values) in zip(entries, importance.items()):
            entry.name = name.encode()
            entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            entry.size = values.size
        params.imatrix = entries
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)):
        raise RuntimeError(f"llama.cpp failed to make {target}")


def inkling_quantize(source: Path, target: Path, kind: str, imatrix: Path | None) -> None:
    more = ["--imatrix", str(imatrix)] if imatrix else []
    command = [str(ROOT / "build/native/inkling"), "quantize", "-t", "2", *more, str(source), str(target), kind]
    subprocess.run(command, check=True, capture_output=True)


# ---- Importance weights ----


class Watched:
    """A weight matrix that adds up the squares of what it is multiplied with."""

    __array_ufunc__ = None  # numpy leaves the product to __rmatmul__

    def __init__(self, weight: np.ndarray) -> None:
        self.weight, self.sums, self.count = weight, np.zeros(weight.shape[1]), 0

    @property
    def T(self) -> Watched:  # noqa: N802, numpy's name
        return self

    def __rmatmul__(self, x: np.ndarray) -> np.ndarray:
        self.sums += (x * x).sum(0)
        self.count += len(x)
        return x @ self.weight.T


def measure(model: Path, windows: list[list[int]], target: Path) -> Importance:
    """Mean squares of each matrix's inputs; also as a file like llama-imatrix's."""
    reference = Reference(model)
    watched = {n: Watched(w) for n, w in reference.tensors.items() if n.startswith("blk.") and w.ndim == 2}
    reference.tensors |= watched
    for window in windows:
        reference.logits(window)
    writer = GGUFWriter(target, "")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["text"])
    writer.add_uint32("imatrix.chunk_count", len(windows))
    writer.add_uint32("imatrix.chunk_size", CTX)
    for name, w in watched.items():
        writer.add_tensor(f"{name}.in_sum2", w.sums.astype(np.float32)[None])
        writer.add_tensor(f"{name}.counts", np.array([[w.count]], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return {name: w.sums.astype(np.float32) / np.float32(w.count) for name, w in watched.items()}


# ---- Comparison ----


def compare(source: Path, theirs: Path, ours: Path) -> tuple[int, int, float]:
    """Tensors in all, those that are the same, and the squared error of the others, ours over theirs."""
    truth = {t.name: t for t in GGUFReader(source).tensors}
    other = {t.name: t for t in GGUFReader(theirs).tensors}
    same, errors = 0, np.zeros(2)
    for tensor in GGUFReader(ours).tensors:
        twin = other.pop(tensor.name)
        if tensor.tensor_type != twin.tensor_type:
            raise ValueError(f"{tensor.name} is {tensor.tensor_type.name}, llama.cpp's {twin.tensor_type.name}")
        if np.array_equal(tensor.data, twin.data):
            same += 1
            continue
        exact = dequantize(truth[tensor.name].data, truth[tensor.name].tensor_type).astype(np.float64)
        errors += [((dequantize(t.data, t.tensor_type) - exact) ** 2).sum() for t in (tensor, twin)]
    if other:
        raise ValueError(f"missing: {sorted(other)}")
    return len(truth), same, errors[0] / errors[1] if errors[1] else 1.0


def perplexity(model: Path, windows: list[list[int]]) -> float:
    return overall(score(LlamaCpp(model, n_ctx=CTX), windows, None))["ppl"]


def main(args: argparse.Namespace, folder: Path) -> None:
    f32, imatrix, importance = folder / "f32.gguf", None, None
    llama_quantize(args.model, f32, 0)
    tokens = LlamaCpp(args.model, n_ctx=CTX, vocab_only=True).tokenize(args.text.read_bytes())
    windows = [tokens[i * CTX : (i + 1) * CTX] for i in range(args.windows)]
    if args.imatrix:
        imatrix = folder / "imatrix.gguf"
        importance = measure(f32, [tokens[-CTX:], tokens[-2 * CTX : -CTX]], imatrix)
    rows = []
    for kind in args.types:
        theirs, ours = folder / "theirs.gguf", folder / "ours.gguf"
        llama_quantize(f32, theirs, FILE_TYPES[kind], importance)
        inkling_quantize(f32, ours, kind, imatrix)
        n, same, error = compare(f32, theirs, ours)
        ppl = perplexity(ours, windows)
        theirs_ppl = ppl if same == n else perplexity(theirs, windows)
        rows.append(f"{kind:8} {ours.stat().st_size:11,} {theirs.stat().st_size:11,} {same:4} of {n:4} {error:9.4f} "
                    f"{theirs_ppl:10.4f} {ppl:10.4f} {100 * (ppl / theirs_ppl - 1):+7.3f} %")
        print(rows[-1], flush=True)
    print(f"\n{'type':8} {'bytes':>11} {'llama.cpp':>11} {'same tensors':>12} {'error':>9} {'llama.cpp':>10} "
          f"{'inkling':>10} {'ppl':>9}")
    print("\n".join(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--types", nargs="+", choices=FILE_TYPES, default=list(FILE_TYPES))
    parser.add_argument("--windows", type=int, default=16)
    parser.add_argument("--imatrix", action="store_true")
    with tempfile.TemporaryDirectory() as made:
        main(parser.parse_args(), Path(made))
