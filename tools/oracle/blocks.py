#!/usr/bin/env python3
"""Golden values of every block type: random rows, and what the `gguf` package makes of them.

Writes tests/data/golden/blocks.txt. Each row is one super-block wide (scalar
types: 32 columns). Rows 1 to 5 have edge scales: zeros of both signs, the
smallest subnormals, the largest finite values, all integers 0 or at their
largest; the last ones are a block as the package itself quantises it, where it
can, else random again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize

GOLDEN = Path(__file__).parents[2] / "tests" / "data" / "golden" / "blocks.txt"
WIDTH, N_ROWS = 256, 9

# Offsets of binary16 fields in a block.
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.IQ4_NL: [0],
    Type.MXFP4: [], Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    Type.IQ4_XS: [0], Type.TQ1_0: [52], Type.TQ2_0: [64],
}  # fmt: skip
# Rows 1 to 5: the fields' value, and a byte to fill the rest with (None: random).
EDGES = [(0x0000, None), (0x8000, None), (0x0001, None), (0x7BFF, 0xFF), (0xFBFF, 0x00)]
EXPONENTS = [0, 1, 2, 252, 252]  # MXFP4's instead; 252 is the largest for which 12 * d is finite


def set_scale(block: np.ndarray, kind: Type, half: int, exponent: int) -> None:
    for at in HALVES[kind]:
        block[at : at + 2] = (half & 255, half >> 8)
    if kind == Type.MXFP4:
        block[0] = exponent


def random_rows(kind: Type, rng: np.random.Generator) -> np.ndarray:
    """N_ROWS rows of blocks, as bytes [row][block][byte]."""
    columns, n_bytes = GGML_QUANT_SIZES[kind]
    rows = rng.integers(0, 256, (N_ROWS, WIDTH // columns, n_bytes), dtype=np.uint8)
    for r in range(N_ROWS):
        for block in rows[r]:
            half, exponent = int(np.float16(rng.normal(0, 0.01)).view(np.uint16)), int(rng.integers(3, 253))
            if 1 <= r <= 5:
                half, fill = EDGES[r - 1]
                exponent = EXPONENTS[r - 1]
                if fill is not None:
                    block[:] = fill
            set_scale(block, kind, half, exponent)
    try:
        rows[-2:] = quantize(rng.normal(0, 0.1, (2, WIDTH)).astype(np.float32), kind).reshape(rows[-2:].shape)
    except NotImplementedError:
        pass
    return rows.reshape(N_ROWS, -1)


def scalar_rows(kind: Type, rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(0, 1, (2, 32)).astype(np.float32)
    values[0, :6] = [0.0, -0.0, 1e-7, -6e-8, 65504.0, -2.0**-24]
    return quantize(values, kind).view(np.uint8).reshape(2, -1)


def fnv(data: bytes) -> int:
    """base/index.h's ink_hash: FNV-1a of 64 bits, folded."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return value ^ value >> 32


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    lines = [
        "# Rows of blocks and the values that they stand for, by the gguf package; tools/oracle/blocks.py.",
        "# TYPE n_rows n_columns, then per row: its bytes, ink_hash of its values as binary32, and the",
        "# first four of them, all in hexadecimal.",
    ]
    for kind in [Type.F32, Type.F16, Type.BF16, *HALVES]:
        rng = np.random.default_rng(int(kind))
        scalar = GGML_QUANT_SIZES[kind][0] == 1
        rows = scalar_rows(kind, rng) if scalar else random_rows(kind, rng)
        values = dequantize(rows, kind).astype(np.float32).reshape(len(rows), -1)
        assert np.isfinite(values).all(), kind
        lines.append(f"{kind.name} {len(rows)} {values.shape[1]}")
        for row, floats in zip(rows, values):
            first = " ".join(f"{bits:08x}" for bits in floats[:4].view(np.uint32))
            lines.append(f"{row.tobytes().hex()} {fnv(floats.tobytes()):016x} {first}")
    GOLDEN.write_text("\n".join(lines) + "\n")
    print(f"{GOLDEN.name}: {len(lines) - 3 - len(HALVES) - 3} rows, {GOLDEN.stat().st_size} bytes")
