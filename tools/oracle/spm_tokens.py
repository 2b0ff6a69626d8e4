#!/usr/bin/env python3
"""Golden tokens of Llama 2's vocabulary, and a check of both SPM goldens against SentencePiece.

    spm_tokens.py ggml-vocab-llama-spm.gguf

Beside the vocabulary lie llama.cpp's own pairs: texts in `.gguf.inp`, their ids
in `.gguf.out`. They become golden/llama-spm-tokens.txt, and the vocabulary is
copied. Then every pair without special tokens, of this vocabulary and of
stories260K, is put to SentencePiece, rebuilt from the GGUF's pieces and scores
(BPE, byte fallback, one space in front, nothing normalised).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import sentencepiece
from gguf import GGUFReader
from goldenfile import write_tokens
from sentencepiece import sentencepiece_model_pb2 as pb

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
GOLDEN = TEST_DATA / "golden"


def convert_pairs(vocabulary: Path) -> None:
    texts = Path(f"{vocabulary}.inp").read_bytes().decode().split("\n__ggml_vocab_test__\n")
    answers = [[int(word) for word in line.split()] for line in Path(f"{vocabulary}.out").read_text().split("\n")]
    if len(texts) != len(answers):
        raise ValueError(f"{len(texts)} texts but {len(answers)} answers")
    about = "Tokens of vocab/ggml-vocab-llama-spm.gguf: llama.cpp's own test pairs (MIT)."
    write_tokens(GOLDEN / "llama-spm-tokens.txt", about, [(t, False, a) for t, a in zip(texts, answers)])
    (TEST_DATA / "vocab").mkdir(exist_ok=True)
    shutil.copyfile(vocabulary, TEST_DATA / "vocab" / vocabulary.name)


def processor(path: Path) -> sentencepiece.SentencePieceProcessor:
    reader = GGUFReader(path)
    pieces, scores, types = (
        reader.get_field(f"tokenizer.ggml.{key}").contents() for key in ("tokens", "scores", "token_type")
    )
    model = pb.ModelProto()
    prefix = reader.get_field("tokenizer.ggml.add_space_prefix")
    for piece, score, kind in zip(pieces, scores, types):
        if kind == 4:  # user-defined: GGUF files have its spaces as they are
            piece = piece.replace(" ", "\u2581")
        model.pieces.add(piece=piece, score=score, type=kind)  # GGUF numbers the types as SentencePiece does
    model.trainer_spec.model_type = pb.TrainerSpec.BPE
    model.trainer_spec.vocab_size = len(pieces)
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = prefix is None or bool(prefix.contents())
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = True
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def golden_cases(path: Path) -> list[tuple[bool, bytes, list[int]]]:
    lines = [line.split("#")[0] for line in path.read_text().splitlines()]
    numbers = iter([int(word) for line in lines for word in line.split()])

    def some() -> list[int]:
        return [next(numbers) for _ in range(next(numbers))]

    return [(bool(next(numbers)), bytes(some()), some()) for _ in range(next(numbers))]


def check(model: Path, golden: Path) -> None:
    sp = processor(model)
    plain = [(text, ids) for special, text, ids in golden_cases(golden) if not special]
    wrong = 0
    for text, ids in plain:
        theirs = sp.encode(text.decode())
        if theirs != ids:
            wrong += 1
            print(f"{text!r}\n  golden        {ids}\n  sentencepiece {theirs}")
    print(f"{golden.name}: SentencePiece agrees on {len(plain) - wrong} of {len(plain)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocabulary", type=Path)
    args = parser.parse_args()
    convert_pairs(args.vocabulary)
    check(args.vocabulary, GOLDEN / "llama-spm-tokens.txt")
    check(TEST_DATA / "stories260K.gguf", GOLDEN / "stories260K-tokens.txt")
