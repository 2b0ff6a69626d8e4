"""Texts to tokenize: files, or made ones for those who have none."""

from __future__ import annotations

import lzma
import random
from collections.abc import Iterator
from pathlib import Path

from gguf import GGUFReader

VOCABULARIES = Path(__file__).parents[2] / "tests" / "data" / "vocab"
WORD_START = "\u2581"


def read_file(path: Path, size: int) -> str:
    opened = lzma.open(path) if path.suffix == ".xz" else path.open("rb")
    with opened as file:
        return file.read(size).decode("utf-8", "ignore")


def cut(text: str, size: int) -> list[str]:
    """Pieces of at least `size` bytes, cut at ends of lines; 0: line by line."""
    pieces, current, length = [], [], 0
    for line in text.splitlines(keepends=True):
        current.append(line)
        length += len(line.encode())
        if length >= size:
            pieces.append("".join(current))
            current, length = [], 0
    return pieces + ["".join(current)] * bool(current)


# ---- Made texts: the words of a vocabulary that is in order of frequency, as often as Zipf's law has them ----


def words(rng: random.Random, starts: list[str], endings: list[str], share: float) -> Iterator[str]:
    """Beginnings of words, and on a share of them an ending."""
    weights = lambda n: [1 / (rank + 2.7) for rank in range(n)]  # noqa: E731
    start_weights, ending_weights = weights(len(starts)), weights(len(endings))
    while True:
        chosen = rng.choices(starts, start_weights, k=4096)
        tails = rng.choices(endings, ending_weights, k=4096)
        yield from (word + tail * (rng.random() < share) for word, tail in zip(chosen, tails))


def made_text(vocabulary: str, letters: str, share: float, size: int) -> str:
    tokens = GGUFReader(VOCABULARIES / vocabulary).get_field("tokenizer.ggml.tokens").contents()
    in_script = lambda token: bool(token) and all(letters[0] <= c <= letters[1] for c in token)  # noqa: E731
    starts = [token[1:] for token in tokens if token.startswith(WORD_START) and in_script(token[1:])]
    endings = [token for token in tokens if in_script(token)]
    rng = random.Random(7)
    source = words(rng, starts, endings, share)
    lines, length = [], 0
    while length < size:
        sentences = []
        for _ in range(rng.randint(1, 6)):
            sentence = " ".join(next(source) for _ in range(rng.randint(4, 24)))
            sentences.append(sentence[0].upper() + sentence[1:] + rng.choice([".", ".", ".", "?", ", 1984.", '."', " (3)."]))
        lines.append(" ".join(sentences) + "\n")
        length += len(lines[-1].encode())
    return "".join(lines)


def made_texts(size: int) -> list[tuple[str, str]]:
    return [("made English", made_text("ggml-vocab-bert-bge.gguf", "az", 0.05, size)),
            ("made Korean", made_text("koelectra.gguf", "가힣", 0.7, size))]
