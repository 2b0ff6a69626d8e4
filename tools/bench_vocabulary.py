#!/usr/bin/env python3
"""Measures how long vocabularies take to load, and the memory they keep.

    bench_vocabulary.py [FILE.gguf ...] [--tokens 262144] [--reps 9]

Without files, it makes a vocabulary of --tokens for each family: byte-level BPE with its merges,
SentencePiece BPE, Unigram, WordPiece. Prints the least and the median of
the repetitions, from the header's bytes in memory to a tokenizer that is ready, and the memory it keeps
beside "their bytes": those of the file's tokenizer keys, that is of the spellings, scores, types, merges,
character map and template together."""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "oracle"))

from check_families import build_vocab_tokens  # noqa: E402
from gguf import GGUFReader, GGUFWriter  # noqa: E402

FAMILIES = {"gpt2": "byte-level BPE", "llama": "SentencePiece BPE", "t5": "Unigram", "bert": "WordPiece"}
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def byte_alphabet() -> list[str]:
    """GPT-2's spelling of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(others))]


def merged(rng: random.Random, tokens: list[str], count: int) -> list[str]:
    """Joins tokens to new ones, as training does: early ones often, none past 16 characters."""
    merges, known = [], set(tokens)
    while len(tokens) < count:
        left, right = (tokens[int(len(tokens) * rng.random() ** 2)] for _ in range(2))
        if left + right not in known and len(left + right) <= 16:
            merges.append(f"{left} {right}")
            tokens.append(left + right)
            known.add(left + right)
    return merges


def make(path: Path, family: str, count: int) -> None:
    rng = random.Random(1)
    merges: list[str] = []
    if family == "gpt2":
        tokens = byte_alphabet()
        merges = merged(rng, tokens, count)
        kinds = [NORMAL] * count
    else:
        first = {"llama": ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))], "t5": ["<unk>"], "bert": ["[UNK]"]}[family]
        tokens = ["\u2581", *"etaoinshrdlucmfwypvbgkqjxz", *map(chr, range(0xAC00, 0xB400))]
        merged(rng, tokens, count - len(first))
        tokens = first + tokens
        kinds = [UNKNOWN if i == 0 else BYTE if i < len(first) else NORMAL for i in range(count)]
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model(family)
    writer.add_tokenizer_pre("llama-bpe" if family == "gpt2" else "default")
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_types(kinds)
    if merges:
        writer.add_token_merges(merges)
    elif family != "bert":
        writer.add_token_scores([-i / 1000 for i in range(count)])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def bytes_of(path: Path) -> int:
    fields = GGUFReader(path).fields.values()
    return sum(sum(part.nbytes for part in field.parts) for field in fields if field.name.startswith("tokenizer."))


def measure(program: Path, path: Path, reps: int, what: str) -> None:
    times, kept = [], 0
    for _ in range(reps):
        done = subprocess.run([program, path], stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True)
        found = re.search(r"(\d+) tokens; .* read in ([\d.]+) ms, (\d+) KB allocated", done.stderr)
        assert found, done.stderr
        times.append(float(found[2]))
        kept = int(found[3]) * 1000
    theirs = bytes_of(path)
    print(f"{what}: {found[1]} tokens, {min(times):.1f} ms least, {statistics.median(times):.1f} ms median of {reps}; "
          f"{kept / 1e6:.2f} MB kept, {kept / theirs:.2f} x their {theirs / 1e6:.2f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--tokens", type=int, default=262144)
    parser.add_argument("--reps", type=int, default=9)
    args = parser.parse_args()
    program = build_vocab_tokens()
    for path in args.files:
        measure(program, path, args.reps, path.name)
    if args.files:
        return
    with tempfile.TemporaryDirectory() as folder:
        for family, name in FAMILIES.items():
            path = Path(folder) / f"{family}.gguf"
            make(path, family, args.tokens)
            measure(program, path, args.reps, name)


if __name__ == "__main__":
    main()
