#!/usr/bin/env python3
"""Compare llama.cpp's logits with the goldens in tests/data/architectures: does it read our files as we mean them?

Its distance is single precision's, some 1e-6, unless README.md says why not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from llamacpp import LlamaCpp

ARCHITECTURES = Path(__file__).parents[2] / "tests" / "data" / "architectures"


def read_logits(path: Path) -> tuple[list[int], dict[int, np.ndarray]]:
    """Tokens, and logits by position, of a file that goldenfile.write_logits wrote."""
    numbers = iter(" ".join(line for line in path.read_text().splitlines() if not line.startswith("#")).split())
    tokens = [int(next(numbers)) for _ in range(int(next(numbers)))]
    n_vocab, n_positions = int(next(numbers)), int(next(numbers))
    return tokens, {int(next(numbers)): np.array([float(next(numbers)) for _ in range(n_vocab)])
                    for _ in range(n_positions)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    names = parser.parse_args().names
    for golden in sorted(ARCHITECTURES.glob("*-logits.txt")):
        name = golden.stem.removesuffix("-logits").removesuffix("-short")
        if names and name not in names:
            continue
        tokens, truth = read_logits(golden)
        # llama.cpp has no context of less than 256 tokens, so a short one must be short by the file's own account
        keys = {"phi3.rope.scaling.original_context_length": 256} if golden.stem.endswith("-short-logits") else None
        try:
            other = LlamaCpp(ARCHITECTURES / f"{name}.gguf", n_ctx=64, f32_cache=True, keys=keys).logits(tokens)
        except Exception as error:
            print(f"{golden.stem}: llama.cpp does not run it: {error}")
            continue
        worst = max(np.abs(other[at] - row).max() / np.abs(row).max() for at, row in truth.items())
        rms = np.sqrt(np.mean([((other[at] - row) ** 2).mean() for at, row in truth.items()]))
        spread = np.sqrt(np.mean([row.var() for row in truth.values()]))
        early = max(np.abs(other[at] - row).max() / np.abs(row).max() for at, row in truth.items() if at < 8)
        print(f"{golden.stem}: relative RMS {rms / spread:.2g}, worst {worst:.2g} of the largest logit "
              f"({early:.2g} in the first 8 positions)")


if __name__ == "__main__":
    main()
