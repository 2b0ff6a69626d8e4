#!/usr/bin/env python3
"""Perplexity of each block type: the engine's beside f32 arithmetic on the same file's weights.

    type_perplexity.py INKLING FOLDER TEXT [--windows K] [TYPE ...]

FOLDER holds what quantized_models.py made. TEXT is cut into windows of 512
tokens, all but a window's first token scored, as `inkling score` does. The
truth is `reference.py` in float32, weights dequantised by the gguf package.
Single windows differ by up to 0.5 %: take 16. On a busy machine set
OPENBLAS_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from llamacpp import LlamaCpp
from perplexity import overall, score
from reference import Reference

CTX = 512

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inkling", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("types", nargs="*", metavar="TYPE")
    parser.add_argument("--windows", type=int, default=16)
    args = parser.parse_intermixed_args()
    files = [args.folder / f"{name}.gguf" for name in args.types] or sorted(args.folder.glob("*.gguf"))
    tokens = LlamaCpp(files[0], vocab_only=True).tokenize(args.text.read_bytes())
    windows = [tokens[i * CTX : (i + 1) * CTX] for i in range(args.windows)]
    print(f"{args.windows} windows of {CTX} tokens\ntype     ours       truth      apart")
    for path in files:
        command = [args.inkling, "score", "-m", path, "-f", args.text, "--json", "-t", "2"]
        command += ["--ctx", str(CTX), "--windows", str(args.windows)]
        ours = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["ppl"]
        truth = overall(score(Reference(path, np.float32), windows, bos=None))["ppl"]
        print(f"{path.stem:8} {ours:.5f}   {truth:.5f}   {100 * (ours / truth - 1):+.3f} %", flush=True)
