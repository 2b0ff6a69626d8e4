#!/usr/bin/env python3
"""Golden logits, greedy text and SentencePiece tokens of the small models in tests/data.

Logits are the float64 reference's; llama.cpp's distance from them is printed.
Token ids are llama.cpp's; `spm_tokens.py` checks them against SentencePiece.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from goldenfile import write_greedy, write_logits, write_tokens
from llamacpp import LlamaCpp
from reference import Reference, greedy, relative_rms

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
GOLDEN = TEST_DATA / "golden"
STORY = "Once upon a time, there was a little girl named Lily. She found a big red box, and"
POSITIONS = [0, 1, 2, 7, 15, 31, 39]  # the last only where a sequence reaches it

PLAIN = [
    "", " ", "  ", "a", " a", "  a", "a  b", "a ", "Hello, world!", "Once upon a time", "Lily's mom said, \"No!\"",
    "the theme", "abcdefghijklmnopqrstuvwxyz", "0123456789", "3.14 + 42 = 45.14", "line one\nline two\n\n\n", "\n", "\t",
    "\ttab\tand  spaces   here", "안녕하세요, 세계!", "한국어 문장", "日本語テキスト", "naïve café — “quotes”…", "e\u0301 vs \u00e9",
    "😀", "👩‍👩‍👧 family", "مرحبا", "नमस्ते", "\u2581", "\u2581\u2581a \u2581b", "\x00", "a\x00b", "\x7f\x01", "\u00a0nbsp\u2009thin",
    "\u200a", "don't DON'T I'll we're", "for (int i = 0; i < n; i++) { x[i] += 1; }", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]  # fmt: skip
SPECIAL = ["<s>", "</s>", "<s>a</s>", "a<s>b", " <s> a", "<s><s>", "x</s> y", "<unk>"]


def logits_golden(name: str, model: Reference, llama: LlamaCpp, tokens: list[int], source: str) -> None:
    truth, other = model.logits(tokens), llama.logits(tokens)
    far = relative_rms(other, truth)
    positions = [p for p in POSITIONS if p < len(tokens)]
    about = f"""Logits of {name}.gguf for {source}.
Float64 arithmetic on the dequantised weights (tools/oracle/reference.py).
llama.cpp's own logits, over all positions, differ by {far:.2g} (RMS, relative)."""
    write_logits(GOLDEN / f"{name}-logits.txt", about, tokens, positions, truth)
    agree = (truth.argmax(1) == other.argmax(1)).mean()
    print(f"{name}: {len(tokens)} tokens; llama.cpp off by {far:.3g} relative RMS, same top token at {agree:.0%}")


def tokens_golden(name: str, llama: LlamaCpp) -> None:
    cases = [(text, False, llama.tokenize(text)) for text in PLAIN + SPECIAL]
    cases += [(text, True, llama.tokenize(text, special=True)) for text in SPECIAL + PLAIN[8:12]]
    write_tokens(GOLDEN / f"{name}-tokens.txt", f"Tokens of {name}.gguf, from llama.cpp.", cases)
    print(f"{name}: {len(cases)} tokenisation pairs")


def stories() -> None:
    path = TEST_DATA / "stories260K.gguf"
    model, llama = Reference(path), LlamaCpp(path)
    bos = 1
    tokens = [bos] + llama.tokenize(STORY)
    logits_golden("stories260K", model, llama, tokens, f"BOS and {STORY!r}")
    prompt = [bos] + llama.tokenize("Lily wanted to")
    picked = greedy(model, prompt, 64)
    ids = [token for token, _ in picked]
    about = f"""Greedy continuation of BOS and 'Lily wanted to' by stories260K.gguf (float64 reference):
{llama.text(ids)!r}"""
    write_greedy(GOLDEN / "stories260K-greedy.txt", about, prompt, picked)
    least = min(lead for _, lead in picked)
    same = llama.greedy(prompt, 64) == ids
    print(f"stories260K: smallest greedy lead {least:.3g}; llama.cpp writes the same: {same}")
    print(llama.text(ids))
    tokens_golden("stories260K", llama)


def tiny(name: str, seed: int) -> None:
    path = TEST_DATA / f"{name}.gguf"
    llama = LlamaCpp(path, n_ctx=256)
    tokens = [int(t) for t in np.random.default_rng(seed).integers(0, llama.llm.n_vocab(), 40)]
    logits_golden(name, Reference(path), llama, tokens, "40 random tokens")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    stories()
    tiny("tiny-q", 11)
    tiny("tiny-q2", 12)
    tiny("tiny-k", 13)
