#!/usr/bin/env python3
"""Golden perplexity of SmolLM2 on WikiText-2: the text of the first windows and what it scores.

    smollm2_perplexity.py SmolLM2-135M-Instruct.Q4_1.gguf wikitext2.valid.txt

Writes tests/data/wikitext2-valid-4x512.txt, which is exactly the first 4
windows of 512 tokens, and golden/smollm2-perplexity.json, which holds 16.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

from goldenfile import write_json
from llamacpp import LlamaCpp
from perplexity import overall, score
from reference import Reference

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
CTX, N_SLICE, N_WINDOWS = 512, 4, 16


def write_slice(llama: LlamaCpp, text: bytes, tokens: list[int]) -> Path:
    """The first N_SLICE windows' text, whose own tokens are those of the windows."""
    first = tokens[: N_SLICE * CTX]
    piece = llama.llm.detokenize(first, special=True)
    if not text.startswith(piece) or llama.tokenize(piece) != first:
        raise ValueError("the text cut after these tokens is tokenised otherwise; take another number of windows")
    path = TEST_DATA / f"wikitext2-valid-{N_SLICE}x{CTX}.txt"
    path.write_bytes(piece)
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    args = parser.parse_args()
    llama = LlamaCpp(args.model, n_ctx=CTX)
    text = args.text.read_bytes()
    tokens = llama.tokenize(text)
    path = write_slice(llama, text, tokens)
    windows = [tokens[i * CTX : (i + 1) * CTX] for i in range(N_WINDOWS)]
    golden: dict = {
        "about": "Perplexity by llama.cpp and by float64 arithmetic (truth); tools/oracle/smollm2_perplexity.py. "
        "No BOS: every token but a window's first is scored. nll_sums are a window's, in nats.",
        "model": args.model.name,
        "llama_cpp_python": version("llama-cpp-python"),
        "ctx": CTX,
        "slice": path.name,
        "slice_windows": N_SLICE,
    }
    for by, model in {"truth": Reference(args.model), "llama_cpp": llama}.items():
        rows = score(model, windows, bos=None)
        golden[by] = {
            "slice": overall(rows[:N_SLICE]),
            "windows_16": overall(rows),
            "nll_sums": [row["nll_sum"] for row in rows],
        }
    write_json(TEST_DATA / "golden" / "smollm2-perplexity.json", golden)
    print({by: (golden[by]["slice"], golden[by]["windows_16"]) for by in ("truth", "llama_cpp")})
