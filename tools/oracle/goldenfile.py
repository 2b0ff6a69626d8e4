"""Golden files: `.txt` for C tests, `.json` for tests in Python and JavaScript.

A `.txt` golden is read with one `next number` helper: whitespace-separated
numbers, and a `#` starts a comment that runs to the line's end.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Iterable

import numpy as np


def _write(path: Path, about: str, lines: Iterable[str]) -> None:
    comment = "".join(f"# {line}\n" if line else "#\n" for line in about.strip().splitlines())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(comment + "".join(line + "\n" for line in lines), encoding="utf-8")


def write_logits(path: Path, about: str, tokens: list[int], positions: list[int], logits: np.ndarray) -> None:
    """Logits [n_tokens, n_vocab], of which the rows at `positions` are kept, to 6 digits."""
    layout = "Layout: n_tokens token*, n_vocab, n_positions, then per position: position logit*"
    lines = [f"{len(tokens)}", " ".join(map(str, tokens)), f"{logits.shape[1]} {len(positions)}"]
    for position in positions:
        row = [f"{x:.6g}" for x in logits[position]]
        lines.append(str(position))
        lines += [" ".join(row[i : i + 16]) for i in range(0, len(row), 16)]
    _write(path, f"{about.strip()}\n\n{layout}", lines)


def write_greedy(path: Path, about: str, prompt: list[int], picked: list[tuple[int, float]]) -> None:
    """A greedy continuation: each token with its lead in logits over the second best."""
    layout = "Layout: n_prompt token*, n_picked, then per pick: token lead"
    lines = [f"{len(prompt)}", " ".join(map(str, prompt)), f"{len(picked)}"]
    lines += [f"{token} {lead:.6g}" for token, lead in picked]
    _write(path, f"{about.strip()}\n\n{layout}", lines)


def write_tokens(path: Path, about: str, cases: list[tuple[str, bool, list[int]]]) -> None:
    """Tokenisation pairs (text, special tokens' text recognised, ids)."""
    layout = (
        "Layout: n_cases, then per case: special n_bytes byte* n_ids id*\n"
        "special = 1: special tokens are recognised in the text; 0: their text is plain text.\n"
        "No BOS or EOS is added. The comment before a case shows its text, escaped."
    )
    lines = [str(len(cases))]
    for text, special, ids in cases:
        data = text.encode("utf-8", "surrogateescape")
        lines.append(f"# {ascii(text)}")
        lines.append(" ".join(map(str, [int(special), len(data), *data])))
        lines.append(" ".join(map(str, [len(ids), *ids])))
    _write(path, f"{about.strip()}\n\n{layout}", lines)


def write_embeddings(path: Path, about: str, texts: list[dict]) -> None:
    """Texts' tokens and vectors."""
    lines = [f"{len(texts)} {len(texts[0]['embedding'])}"]
    for text in texts:
        lines.append(f"{len(text['tokens'])} " + " ".join(map(str, text["tokens"])))
        lines.append(" ".join(map(str, text["embedding"])))
    _write(path, f"{about}\n\nLayout: n_texts n_embd, then per text: n_tokens token*, value*", lines)


def write_json(path: Path, value: dict) -> None:
    """Indented JSON, but each list of numbers on one line."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    text = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
