"""Greedy SmolLM2 against llama.cpp, token by token, wherever its choice is no near tie: neither to llama.cpp,
whose quantised activations put its logits off by some tenths, nor in float64 arithmetic.

The command has no teacher forcing. So it runs freely to the first token that differs, where llama.cpp's
lead has to be small; then it starts again after llama.cpp's text up to and including that token, and so
on until every step has been looked at. A text cut inside a character, or one that tokenizes otherwise
than it was generated, can't be a prompt: the steps up to the next cut that can are left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from golden import load_json
from hosts import Host
from test_tokens import detokenize, tokenize

GOLDEN = load_json("smollm2.json")["cases"]
NEAR_TIE = 0.3  # logits: what quantised activations may turn over, theirs or ours
END = 2
CONTEXT = 512


@dataclass
class Tally:
    agreed: int = 0
    near_ties: list[int] = field(default_factory=list)    # steps that differ, which they may
    wrong: list[str] = field(default_factory=list)        # steps that differ and must not
    unchecked: list[int] = field(default_factory=list)    # steps that no prompt leads to


def continued(host: Host, model: Path, prompt: bytes, n: int) -> list[int]:
    found = host.ok("-m", model, "-n", n, "-c", CONTEXT, "--temp", 0, "--json", stdin=prompt).json
    return found["tokens"] + ([END] if found["finish_reason"] == "end" else [])


def prompt_up_to(native: Host, model: Path, case: Any, n: int) -> bytes | None:
    """The prompt and llama.cpp's first n tokens as a text, if it gives those very tokens."""
    text = case["prompt"].encode() + (detokenize(native, model, case["continuation"][:n]) if n else b"")
    try:
        text.decode()
    except UnicodeDecodeError:
        return None
    ids = tokenize(native, model, text, special=True)
    return text if ids == case["prompt_tokens"] + case["continuation"][:n] else None


def leads_of(case: Any) -> list[float]:
    return [min(both) for both in zip(case["lead"], case.get("truth_lead", case["lead"]))]


def compare(host: Host, native: Host, model: Path, case: Any) -> Tally:
    expected, tally = case["continuation"], Tally()
    leads = leads_of(case)
    at = 0
    while at < len(expected):
        prompt = prompt_up_to(native, model, case, at)
        if prompt is None:
            tally.unchecked.append(at)
            at += 1
            continue
        for token in continued(host, model, prompt, len(expected) - at):
            if token == expected[at]:
                tally.agreed += 1
                at += 1
                continue
            if leads[at] <= NEAR_TIE:
                tally.near_ties.append(at)
            else:
                tally.wrong.append(f"step {at}: {token} for {expected[at]}, whose lead is {leads[at]}")
            at += 1
            break
    return tally


def check(host: Host, native: Host, model: Path, case: Any) -> None:
    tally = compare(host, native, model, case)
    steps = len(case["continuation"])
    checked = steps - len(tally.unchecked)
    assert tally.agreed + len(tally.near_ties) + len(tally.wrong) == checked
    print(f"{case['name']}: {tally.agreed} of {steps} agree, {len(tally.near_ties)} near ties, "
          f"{len(tally.unchecked)} unchecked")
    assert not tally.wrong
    assert checked >= 0.9 * steps
    assert len(tally.near_ties) <= max(4, sum(lead <= NEAR_TIE for lead in leads_of(case)) // 2)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_natively(native: Host, smollm2: Path, case: Any) -> None:
    check(native, native, smollm2, case)


@pytest.mark.parametrize("name", ["code", "chat-system"])
def test_under_wasmtime(wasmtime: Host, native: Host, smollm2: Path, name: str) -> None:
    check(wasmtime, native, smollm2, next(case for case in GOLDEN if case["name"] == name))
