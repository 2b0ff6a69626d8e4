#!/usr/bin/env python3
"""The default model in every block type, by llama.cpp's own quantiser, for speed and perplexity.

    quantized_models.py SmolLM2-135M-Instruct.Q4_1.gguf FOLDER [TYPE ...]

Writes FOLDER/F32.gguf, the dequantised weights, and from it FOLDER/TYPE.gguf,
as pure as the quantiser makes it. Rows of 576 columns, which super-blocks of
256 do not divide, fall back to another type there: the script prints what each
file holds.
"""

from __future__ import annotations

import argparse
import ctypes
from collections import Counter
from pathlib import Path

import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize

# llama.h's llama_ftype.
FTYPES = {
    "F16": 1, "BF16": 32, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q8_0": 7, "Q2_K": 10, "Q3_K": 12, "Q4_K": 15,
    "Q5_K": 17, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30, "TQ1_0": 36, "TQ2_0": 37, "MXFP4": 38,
}  # fmt: skip


def write_f32(source: Path, out: Path) -> None:
    reader = GGUFReader(source)
    writer = GGUFWriter(out, reader.get_field("general.architecture").contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        writer.add_key_value(
            field.name, field.contents(), kind, field.types[-1] if kind == GGUFValueType.ARRAY else None
        )
    for t in reader.tensors:
        writer.add_tensor(t.name, dequantize(t.data, t.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(source: Path, out: Path, name: str) -> None:
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = FTYPES[name]
    params.pure = True
    params.allow_requantize = True
    params.nthread = 1
    status = llama_cpp.llama_model_quantize(str(source).encode(), str(out).encode(), ctypes.byref(params))
    if status:
        raise RuntimeError(f"llama_model_quantize: {status} for {name}")


def contents(path: Path) -> str:
    """Weights of two dimensions by type, in millions."""
    millions: Counter[str] = Counter()
    for t in GGUFReader(path).tensors:
        if len(t.shape) > 1:
            millions[GGMLQuantizationType(t.tensor_type).name] += t.n_elements / 1e6
    return ", ".join(f"{kind} {n:.1f} M" for kind, n in millions.most_common())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("types", nargs="*", metavar="TYPE")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    f32 = args.folder / "F32.gguf"
    if not f32.exists():
        write_f32(args.model, f32)
    for name in args.types or FTYPES:
        path = args.folder / f"{name}.gguf"
        if not path.exists():
            quantize(f32, path, name)
        print(f"{name}: {contents(path)}", flush=True)
