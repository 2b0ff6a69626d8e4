"""SentencePiece models: the few fields of their protocol buffer that a tokenizer needs."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .vocabulary import ConvertError, Kind, Vocabulary

UNIGRAM, BPE = 1, 2


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, in order: number and value."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ConvertError(f"not a SentencePiece model: wire type {wire} at byte {at}")
        if at + size > len(data):
            raise ConvertError(f"the SentencePiece model ends early, at byte {len(data)}")
        yield number, data[at : at + size]
        at += size


def _message(data: bytes) -> dict[int, int | bytes]:
    return dict(_fields(data))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def read(data: bytes) -> Vocabulary:
    try:
        return _read(data)
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise ConvertError(f"not a SentencePiece model: {error}") from error


def _read(data: bytes) -> Vocabulary:
    tokens, kinds, scores = [], [], []
    trainer: dict = {}
    normalizer: dict = {}
    for number, value in _fields(data):
        if number == 1:
            piece = _message(value)
            tokens.append(piece.get(1, b"").decode())
            scores.append(struct.unpack("<f", piece.get(2, b"\0\0\0\0"))[0])
            kinds.append(Kind(piece.get(3, Kind.NORMAL)))
        elif number == 2:
            trainer = _message(value)
        elif number == 3:
            normalizer = _message(value)
    model_type = trainer.get(3, UNIGRAM)
    if not tokens or model_type not in (UNIGRAM, BPE):
        raise ConvertError(f"a SentencePiece model of type {model_type}; 1 (Unigram) and 2 (BPE) are supported")
    if trainer.get(24, 0):
        raise ConvertError("the model marks spaces as suffixes (treat_whitespace_as_suffix), which is not supported")
    if not normalizer.get(5, 1):
        raise ConvertError("the model does not mark spaces (escape_whitespaces is off), which is not supported")
    family = "t5" if model_type == UNIGRAM else "llama"
    vocabulary = Vocabulary(family, tokens, kinds, scores, charsmap=normalizer.get(2, b""))
    for name, field, usual in (("unknown", 40, 0), ("bos", 41, 1), ("eos", 42, 2), ("padding", 43, -1)):
        token = _signed(trainer.get(field, usual))
        if 0 <= token < len(tokens):
            vocabulary.ids[name] = token
    vocabulary.flags = {
        "add_bos_token": family == "llama" and "bos" in vocabulary.ids,
        "add_eos_token": family == "t5" and "eos" in vocabulary.ids,
        "add_space_prefix": bool(normalizer.get(3, 1)),
        "remove_extra_whitespaces": bool(normalizer.get(4, 1)),
    }
    return vocabulary
