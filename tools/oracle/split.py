#!/usr/bin/env python3
"""Make tests/data/split: tests/data/tiny-gpt2.gguf in parts, as llama.cpp's gguf-split cuts models.

Two ways to cut it into three: `tiny-gpt2` shares the tensors out, `bare` leaves
the first part without any. llama.cpp then loads both and must compute what it
computes from the whole file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFValueType, GGUFWriter
from llamacpp import LlamaCpp

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
MODEL = TEST_DATA / "tiny-gpt2.gguf"


def write_part(whole: GGUFReader, path: Path, number: int, count: int, tensors: list) -> None:
    writer = GGUFWriter(path, "llama")
    if number == 0:
        for field in whole.fields.values():
            if field.name.startswith("GGUF.") or field.name == "general.architecture":
                continue
            kind = field.types[0]
            element = field.types[-1] if kind == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=element)
    else:
        writer.kv_data[0].clear()  # parts after the first say nothing of the model
    writer.add_key_value("split.no", number, GGUFValueType.UINT16)
    writer.add_key_value("split.count", count, GGUFValueType.UINT16)
    writer.add_key_value("split.tensors.count", len(whole.tensors), GGUFValueType.INT32)
    for tensor in tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_model(whole: GGUFReader, folder: Path, name: str, shares: list[list]) -> Path:
    paths = [folder / f"{name}-{i + 1:05}-of-{len(shares):05}.gguf" for i in range(len(shares))]
    for i, (path, tensors) in enumerate(zip(paths, shares)):
        write_part(whole, path, i, len(shares), tensors)
    return paths[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=TEST_DATA / "split")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    whole = GGUFReader(MODEL)
    tensors = list(whole.tensors)
    third, half = len(tensors) // 3, len(tensors) // 2
    firsts = [
        write_model(whole, args.out, "tiny-gpt2", [tensors[:third], tensors[third : 2 * third], tensors[2 * third :]]),
        write_model(whole, args.out, "bare", [[], tensors[:half], tensors[half:]]),
    ]
    tokens = list(range(5, 25))
    expected = LlamaCpp(MODEL).logits(tokens)
    for first in firsts:
        same = np.array_equal(LlamaCpp(first).logits(tokens), expected)
        print(f"{first.name}: {'as the whole' if same else 'NOT as the whole'} in llama.cpp")
