"""Records as token batches. A batch's rows are of about the same length, so little of it is padding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .instructions import NOT_NAMES, Record
from .prepare import read_lines
from .presets import Preset
from .tokenizer import encode_record, load_tokenizer

IGNORED = -100  # the target of a padded position
SHORT = 96  # tokens of a short record, at most
LENGTHS = 16  # rows are padded to a multiple of this


@dataclass
class Tokens:
    flat: NDArray[np.uint16]  # every record's tokens, one after another
    starts: NDArray[np.int64]  # n + 1 of them
    copied: NDArray[np.bool_]  # for each token, whether it is part of a word that has to be copied

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    def row(self, index: int) -> NDArray[np.uint16]:
        return self.flat[self.starts[index] : self.starts[index + 1]]


def copied_words(record: Record) -> list[tuple[int, int]]:
    """Where the answer's words are that are to be copied from the prompt: names, things, an answer's words."""
    words = set(re.findall(r"[A-Za-z]+", record.prompt))
    found = []
    for match in re.finditer(r"[A-Za-z]+", record.answer):
        word = match[0]
        told = record.task == "question" or word[0].isupper() and word not in NOT_NAMES
        if told and word in words or word in record.mentions or word.removesuffix("s") in record.mentions:
            found.append(match.span())
    return found


def tokenize_records(lines: list[Record], work: Path, context: int) -> Tokens:
    tokenizer = load_tokenizer(work)
    rows, copied = [], []
    for line in lines:
        row, before = encode_record(tokenizer, line)
        if len(row) > context:
            continue
        marks = np.zeros(len(row), dtype=bool)
        spans = tokenizer.encode(line.answer).offsets
        for start, end in copied_words(line):
            for index, (first, last) in enumerate(spans):
                if first < end and last > start:
                    marks[before + index] = True
        rows.append(row)
        copied.append(marks)
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Tokens(np.array([token for row in rows for token in row], dtype=np.uint16), starts, np.concatenate(copied))


def load_tokens(preset: Preset, work: Path, part: str) -> Tokens:
    """The tokens of train.jsonl or held.jsonl, kept beside it; alone, they are enough on another machine."""
    kept, lines = work / f"{part}.npz", work / f"{part}.jsonl"
    sources = (lines, work / "tokenizer.json")
    if kept.exists() and (not lines.exists()
                          or all(kept.stat().st_mtime >= source.stat().st_mtime for source in sources)):
        arrays = np.load(kept)
        return Tokens(arrays["flat"], arrays["starts"], arrays["copied"])
    tokens = tokenize_records(read_lines(lines), work, preset.context)
    np.savez(kept, flat=tokens.flat, starts=tokens.starts, copied=tokens.copied)
    return tokens


def padded_length(length: int) -> int:
    return -(-length // LENGTHS) * LENGTHS


class Batches:
    """An endless, reproducible stream of batches; `position` says where it is and can be set."""

    def __init__(self, tokens: Tokens, batch_tokens: int, seed: int, longest: int = 1 << 30) -> None:
        """Of the records that have at most `longest` tokens."""
        self.tokens, self.batch_tokens, self.seed = tokens, batch_tokens, seed
        self.lengths = tokens.lengths
        self.numbers = np.flatnonzero(tokens.lengths <= longest)
        self.position = (0, 0)  # epoch, and batch within it
        self.planned = (-1, [np.zeros(0, dtype=np.int64)])

    def plan(self, epoch: int) -> list[NDArray[np.int64]]:
        """The record numbers of each of the epoch's batches: of similar length, in random order."""
        if self.planned[0] == epoch:
            return self.planned[1]
        rng = np.random.default_rng((self.seed, epoch))
        lengths = self.lengths
        order = rng.permutation(self.numbers)
        order = order[np.argsort(lengths[order], kind="stable")]
        batches, first = [], 0
        while first < len(order):
            last = first + 1
            while last < len(order) and (
                padded_length(int(lengths[order[last]])) * (last + 1 - first) <= self.batch_tokens
            ):
                last += 1
            batches.append(order[first:last])
            first = last
        shuffled = [batches[index] for index in rng.permutation(len(batches))]
        self.planned = (epoch, shuffled)
        return shuffled

    def next(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.filled(self.step())

    def step(self) -> NDArray[np.int64]:
        """The numbers of the next batch's records."""
        epoch, index = self.position
        rows = self.plan(epoch)[index]
        self.position = (epoch, index + 1) if index + 1 < len(self.plan(epoch)) else (epoch + 1, 0)
        return rows

    def filled(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Inputs and targets, both [rows, length] int64, and which targets are to be copied, bool."""
        length = padded_length(int(self.tokens.lengths[rows].max()) - 1)
        inputs = np.zeros((len(rows), length), dtype=np.int64)
        targets = np.full((len(rows), length), IGNORED, dtype=np.int64)
        copied = np.zeros((len(rows), length), dtype=bool)
        for row, record in enumerate(rows):
            tokens = self.tokens.row(record)
            first, last = self.tokens.starts[record : record + 2]
            copied[row, : len(tokens) - 1] = self.tokens.copied[first + 1 : last]
            inputs[row, : len(tokens) - 1] = tokens[:-1]
            targets[row, : len(tokens) - 1] = tokens[1:]
        return torch.from_numpy(inputs), torch.from_numpy(targets), torch.from_numpy(copied)
