#!/usr/bin/env python3
"""Golden quantised files: what llama.cpp's quantiser makes of tests/data/stories260K.gguf.

Writes tests/data/golden/quantized.json, for each type the SHA-256 over all
tensors in the order of their names: "NAME TYPE\\n" and the data's bytes. The
widths of that model, 64 and 172, are multiples of few blocks, so that these
are the types that fall back as well.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from check_quantize import FILE_TYPES, llama_quantize
from gguf import GGUFReader
from goldenfile import write_json

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"


def digest(path: Path) -> str:
    hashed = hashlib.sha256()
    for tensor in sorted(GGUFReader(path).tensors, key=lambda t: t.name):
        hashed.update(f"{tensor.name} {tensor.tensor_type.name}\n".encode())
        hashed.update(tensor.data.tobytes())
    return hashed.hexdigest()


if __name__ == "__main__":
    golden = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, file_type in FILE_TYPES.items():
            made = Path(folder) / f"{kind}.gguf"
            llama_quantize(TEST_DATA / "stories260K.gguf", made, file_type)
            golden[kind] = digest(made)
    write_json(TEST_DATA / "golden" / "quantized.json", golden)
    print(golden)
