"""Step `evaluate`: bits per byte of held-out text, by PyTorch and by the engine itself."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from . import DistillError
from .instructions import Record
from .model import Model
from .tokenizer import encode_plain, encode_record, load_tokenizer

LIMIT_S = 1200


@dataclass
class Score:
    nats: float  # in all
    tokens: int
    bytes: int

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / self.bytes


@torch.no_grad()
def score_answers(model: Model, lines: list[Record], work: Path, context: int) -> Score:
    """The answers, end token included, each after its prompt."""
    tokenizer = load_tokenizer(work)
    total = Score(0.0, 0, 0)
    for line in lines:
        tokens, before = encode_record(tokenizer, line)
        if len(tokens) > context:
            continue
        row = torch.tensor(tokens)
        logits = model(row[None, :-1])[0, before - 1 :]
        total.nats += float(F.cross_entropy(logits, row[before:], reduction="sum"))
        total.tokens += len(tokens) - before
        total.bytes += len(line.answer.encode())
    return total


@torch.no_grad()
def score_windows(model: Model, text: str, work: Path, window: int, windows: int) -> Score:
    """Plain text in windows that share nothing, as `inkling score` does: all tokens but a window's first."""
    tokenizer = load_tokenizer(work)
    ids = encode_plain(tokenizer, text)
    total = Score(0.0, 0, 0)
    for index in range(min(windows, len(ids) // window)):
        row = torch.tensor(ids[index * window : (index + 1) * window])
        logits = model(row[None, :-1])[0]
        total.nats += float(F.cross_entropy(logits, row[1:], reduction="sum"))
        total.tokens += window - 1
        total.bytes += len(tokenizer.decode(row[1:].tolist(), skip_special_tokens=False).encode())
    return total


def run_engine(engine: Path, *arguments: str) -> dict[str, object]:
    """The engine's answer with --json."""
    if not engine.exists():
        raise DistillError(f"{engine} is not there; build it (cmake --preset native && cmake --build --preset native)")
    result = subprocess.run([engine, *arguments, "--json"], capture_output=True, text=True, timeout=LIMIT_S)
    if result.returncode != 0:
        raise DistillError(f"{engine.name} {arguments[0]}: {result.stderr.strip()}")
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def engine_score(engine: Path, model: Path, text: Path, window: int, windows: int) -> tuple[float, int]:
    """Nats a token, and tokens scored."""
    answer = run_engine(engine, "score", "-m", str(model), "-f", str(text), "--ctx", str(window),
                        "--windows", str(windows))
    return float(str(answer["nll"])), int(str(answer["scored"]))
