#!/usr/bin/env python3
"""Check the tokens golden of stories260K against SentencePiece itself.

The GGUF's pieces and scores are put back into a SentencePiece model (BPE, byte
fallback, one space in front, nothing normalised), and every pair without
special tokens is compared.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import sentencepiece
from gguf import GGUFReader
from sentencepiece import sentencepiece_model_pb2 as pb

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"


def processor(path: Path) -> sentencepiece.SentencePieceProcessor:
    reader = GGUFReader(path)
    pieces, scores, types = (
        reader.get_field(f"tokenizer.ggml.{key}").contents() for key in ("tokens", "scores", "token_type")
    )
    model = pb.ModelProto()
    for piece, score, kind in zip(pieces, scores, types):
        model.pieces.add(piece=piece, score=score, type=kind)  # GGUF numbers the types as SentencePiece does
    model.trainer_spec.model_type = pb.TrainerSpec.BPE
    model.trainer_spec.vocab_size = len(pieces)
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = True
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = True
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def cases(path: Path) -> list[tuple[bool, bytes, list[int]]]:
    lines = [line.split("#")[0] for line in path.read_text().splitlines()]
    numbers = iter([int(word) for line in lines for word in line.split()])

    def some() -> list[int]:
        return [next(numbers) for _ in range(next(numbers))]

    return [(bool(next(numbers)), bytes(some()), some()) for _ in range(next(numbers))]


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    sp = processor(TEST_DATA / "stories260K.gguf")
    plain = [(text, ids) for special, text, ids in cases(TEST_DATA / "golden/stories260K-tokens.txt") if not special]
    wrong = 0
    for text, ids in plain:
        theirs = sp.encode(text.decode())
        if theirs != ids:
            wrong += 1
            print(f"{text!r}\n  golden        {ids}\n  sentencepiece {theirs}")
    print(f"{len(plain) - wrong} of {len(plain)} agree")
