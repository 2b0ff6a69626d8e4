"""Reads the golden files of tests/data/golden."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hosts import DATA

GOLDEN = DATA / "golden"


@dataclass(frozen=True)
class Tokenized:
    """A text and its tokens, without BOS or EOS."""

    text: bytes
    special: bool  # special tokens are recognised in the text
    ids: list[int]
    spells: bool   # the tokens give the text back, byte for byte


def numbers_of(name: str) -> list[str]:
    """The words of a golden text file, comments left out."""
    lines = (GOLDEN / name).read_text().splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def token_cases(name: str) -> list[Tokenized]:
    """The cases of a `*-tokens.txt`. Its layout stands in its first lines."""
    numbers = iter(int(word) for word in numbers_of(name))

    def run() -> list[int]:
        return [next(numbers) for _ in range(next(numbers))]

    cases = []
    for _ in range(next(numbers)):
        special = next(numbers) == 1
        text, ids = bytes(run()), run()
        cases.append(Tokenized(text, special, ids, spells=True))
    assert next(numbers, None) is None
    return cases


def load_json(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text())


def smollm2_token_cases() -> list[Tokenized]:
    return [Tokenized(case["text"].encode(), case["special"], case["ids"], not case.get("lossy"))
            for case in load_json("smollm2-tokens.json")["cases"]]


@dataclass(frozen=True)
class Greedy:
    """A greedy continuation: at each step the reference's token, and its lead over the second in logits."""

    prompt: list[int]
    picks: list[tuple[int, float]]


def stories_greedy() -> Greedy:
    words = iter(numbers_of("stories260K-greedy.txt"))
    prompt = [int(next(words)) for _ in range(int(next(words)))]
    picks = [(int(next(words)), float(next(words))) for _ in range(int(next(words)))]
    return Greedy(prompt, picks)
