#!/usr/bin/env python3
"""Measures tokenizing against Hugging Face's tokenizers, one thread each, in turns in the same run.

    bench_tokenizer.py MODEL.gguf CORPUS[.xz] ... [--megabytes 10] [--reps 5] [--piece 65536]

MODEL is any GGUF file with a byte-level BPE vocabulary, whose reference is rebuilt from it. Each corpus's
first megabytes are given to both in pieces of --piece bytes, cut at ends of lines (0: line by line).
Prints megabytes a second, best of the repetitions, and how many times the reference's that is."""

from __future__ import annotations

import argparse
import lzma
import os
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
sys.path.insert(0, str(Path(__file__).parent / "oracle"))

from check_bpe import load  # noqa: E402
from check_families import build_vocab_tokens  # noqa: E402


def pieces(corpus: Path, size: int, piece: int) -> list[str]:
    opened = lzma.open(corpus) if corpus.suffix == ".xz" else corpus.open("rb")
    with opened as file:
        text = file.read(size).decode("utf-8", "ignore")
    out, current, length = [], [], 0
    for line in text.splitlines(keepends=True):
        current.append(line)
        length += len(line.encode())
        if length >= piece:
            out.append("".join(current))
            current, length = [], 0
    return out + ["".join(current)] * bool(current)


def ours(program: Path, model: Path, data: bytes) -> float:
    done = subprocess.run([program, model], input=data, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return float(re.search(rb"tokenized in ([\d.]+) ms", done.stderr)[1]) / 1e3


def theirs(tokenizer, texts: list[str]) -> float:
    start = time.perf_counter()
    tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--piece", type=int, default=65536)
    args = parser.parse_args()
    program = build_vocab_tokens()
    vocabulary, pre = load(args.model)
    for corpus in args.corpus:
        texts = pieces(corpus, int(args.megabytes * 1e6), args.piece)
        size = sum(len(text.encode()) for text in texts) / 1e6
        data = b"".join(struct.pack("<I", len(t)) + t for t in (text.encode() for text in texts))
        tokenizer = vocabulary.reference(pre)
        a, b = [], []
        for _ in range(args.reps):
            a.append(ours(program, args.model, data))
            b.append(theirs(tokenizer, texts))
        print(f"{corpus.name} ({size:.1f} MB, {pre}): inkling {size / min(a):.1f} MB/s, tokenizers {size / min(b):.1f} MB/s: "
              f"{min(b) / min(a):.1f} x", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
