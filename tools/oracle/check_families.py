#!/usr/bin/env python3
"""Compares SentencePiece's and BERT's families with the references, over many lines.

    check_families.py NAME MODEL REFERENCE --corpora FOLDER [--lines 100000] [--golden N]

MODEL is a GGUF file (any, or one by tools/convert tokenizer). REFERENCE is one of
    a SentencePiece .model or .spm        sentencepiece
    tokenizer.json, vocab.txt             tokenizers (vocab.txt: --cased or not)
    the GGUF file itself                  sentencepiece, rebuilt from its pieces and scores
    llama.cpp:FILE.gguf                   llama.cpp

It prints how many lines differ and the first of them, and fails if one does. Decoding must give back each
text where the family is byte-exact (SentencePiece BPE), and what the reference gives elsewhere. --golden N
writes a sample of N lines to tests/data/golden/NAME-tokens.txt.
"""

from __future__ import annotations

import argparse
import functools
import random
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from goldenfile import write_tokens
from many_lines import many_lines

ROOT = Path(__file__).parents[2]

Encoded = tuple[list[int], str]  # ids, and what they decode to
Reference = Callable[[list[str]], list[Encoded]]


@functools.cache
def build_vocab_tokens() -> Path:
    program = ROOT / "build" / "vocab_tokens"
    sources = [path for folder in ("base", "format", "text") for path in sorted((ROOT / "src" / folder).glob("*.c"))]
    program.parent.mkdir(exist_ok=True)
    subprocess.run(["cc", "-O3", "-DNDEBUG", "-ffp-contract=off", "-D_GNU_SOURCE", "-I", ROOT / "src", "-o", program,
                    ROOT / "tools/oracle/vocab_tokens.c", *sources, "-lm"], check=True)
    return program


def ours(model: Path, texts: list[str]) -> list[tuple[list[int], bytes]]:
    program = build_vocab_tokens()
    data = b"".join(struct.pack("<I", len(text)) + text for text in (t.encode() for t in texts))
    out = subprocess.run([program, model], input=data, stdout=subprocess.PIPE, check=True).stdout
    answers, at = [], 0
    for text in texts:
        (n,) = struct.unpack_from("<i", out, at)
        if n < 0:
            raise ValueError(f"status {-n} for {text!r}")
        ids = list(struct.unpack_from(f"<{n}i", out, at + 4))
        (size,) = struct.unpack_from("<I", out, at + 4 + 4 * n)
        at += 8 + 4 * n + size
        answers.append((ids, out[at - size : at]))
    return answers


# --- references ------------------------------------------------------------------------------------


def sentencepiece_reference(path: Path) -> Reference:
    import sentencepiece
    from spm_tokens import processor

    sp = processor(path) if path.suffix == ".gguf" else sentencepiece.SentencePieceProcessor(model_file=str(path))
    unknown = sp.unk_id()  # its " \u2047 " is not wanted: an unknown token has no text

    def encode(texts: list[str]) -> list[Encoded]:
        all_ids = [sp.encode(text) for text in texts]
        return [(ids, sp.decode([i for i in ids if i != unknown])) for ids in all_ids]

    return encode


def tokenizers_reference(path: Path, cased: bool) -> Reference:
    from tokenizers import BertWordPieceTokenizer, Tokenizer, decoders

    if path.suffix == ".txt":
        tokenizer = BertWordPieceTokenizer(str(path), lowercase=not cased)
    else:
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()

    def encode(texts: list[str]) -> list[Encoded]:
        all_ids = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        return list(zip(all_ids, tokenizer.decode_batch(all_ids)))

    return encode


def llamacpp_reference(path: Path) -> Reference:
    import llama_cpp

    llama = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)

    def encode(texts: list[str]) -> list[Encoded]:
        return [(llama.tokenize(text.encode(), add_bos=False, special=False), "") for text in texts]

    return encode


def reference(name: str, cased: bool) -> Reference:
    if name.startswith("llama.cpp:"):
        return llamacpp_reference(Path(name.removeprefix("llama.cpp:")))
    path = Path(name)
    if path.suffix in (".json", ".txt"):
        return tokenizers_reference(path, cased)
    return sentencepiece_reference(path)


# --- comparing -------------------------------------------------------------------------------------


def write_golden(name: str, reference_name: str, texts: list[str], answers: list[Encoded], count: int) -> None:
    rng = random.Random(11)
    short = [i for i, text in enumerate(texts) if len(text.encode()) <= 120]
    chosen = sorted(rng.sample(short, min(count, len(short))))
    about = f"Tokens of {name}'s vocabulary: answers of {reference_name}, made by check_families.py."
    write_tokens(ROOT / "tests/data/golden" / f"{name}-tokens.txt", about,
                 [(texts[i], False, answers[i][0]) for i in chosen])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("model", type=Path)
    parser.add_argument("reference")
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--cased", action="store_true", help="vocab.txt keeps case")
    parser.add_argument("--exact", action="store_true", help="decoding must give the text back")
    parser.add_argument("--no-decode", action="store_true", help="compare ids alone")
    parser.add_argument("--golden", type=int, help="write a sample of so many lines")
    parser.add_argument("--show", type=int, default=5)
    args = parser.parse_args()
    texts = many_lines(args.corpora, args.lines, args.seed)
    theirs = reference(args.reference, args.cased)(texts)
    wrong = wrong_text = 0
    for text, (ids, back), (their_ids, their_back) in zip(texts, ours(args.model, texts), theirs, strict=True):
        if ids != their_ids:
            wrong += 1
            if wrong <= args.show:
                at = next((i for i, (a, b) in enumerate(zip(ids, their_ids)) if a != b), min(len(ids), len(their_ids)))
                print(f"{ascii(text[:200])}\n  from token {at}: ours {ids[at : at + 12]}\n  theirs        {their_ids[at : at + 12]}")
        if args.no_decode or args.reference.startswith("llama.cpp:") and not args.exact:
            continue
        expected = text.replace("\u2581", " ").encode() if args.exact else their_back.encode()
        if back != expected:
            wrong_text += 1
            if wrong_text <= args.show:
                print(f"{ascii(text[:200])}\n  decodes to {back[:200]!r}\n  not        {expected[:200]!r}")
    if args.golden:
        write_golden(args.name, args.reference.rsplit("/", 1)[-1], texts, theirs, args.golden)
    print(f"{args.name}: {len(texts)} lines, {sum(len(t.encode()) for t in texts) / 1e6:.1f} MB: "
          f"{wrong} differ in tokens, {wrong_text} in the text they decode to")
    return wrong + wrong_text > 0


if __name__ == "__main__":
    sys.exit(main())
