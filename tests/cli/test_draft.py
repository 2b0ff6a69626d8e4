"""Drafts by prompt lookup change the time that a text takes, and nothing else.

Whether they save time is for tools/bench; here it is counted how many tokens needed no batch of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hosts import Host

STORY = """\
The lighthouse on Grey Island was built in 1874 from granite that was carried over the water in small boats. For \
more than sixty years the keeper and his family lived in the two rooms below the lamp. Every evening they climbed \
the hundred and twelve steps to light it, and every morning they climbed them again to put it out. In the winter of \
1936 a storm took the landing stage, and for nine weeks nobody could reach the island."""

CODE = """\
def load_settings(path):
    settings = {}
    with open(path) as file:
        for number, line in enumerate(file):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            name, separator, value = line.partition("=")
            if not separator:
                raise ValueError("line %d: no value" % number)
            settings[name.strip()] = value.strip()
    return settings
"""

COPYING = {
    "repeat": ("chat", f"Repeat this text word for word:\n\n{STORY}"),
    "summarise": ("chat", f"Summarise this text in two sentences:\n\n{STORY}"),
    "quote": ("run", f"{STORY}\n\n{STORY}\n\nThe lighthouse on Grey"),
    "edit": ("run", f"# Before:\n{CODE}\n\n# After, with keys in lower case:\ndef load_settings("),
}
# How much of the code the model leaves as it is hangs on near ties, which the rounding of other caches may turn over.
EXACT = ["--temp", 0, "--cache-type", "f32"]
SAMPLING = {"greedy": ["--temp", 0], "sampled": ["--temp", 0.6, "--seed", 3],
            "penalty": ["--temp", 0, "--repeat-penalty", 1.1]}


def generated(host: Host, model: Path, case: str, *flags: object) -> Any:
    command, prompt = COPYING[case]
    found = host.ok(command, "-m", model, "-p", prompt, "-n", 100, "--json", *flags).json
    del found["timings"]
    return found, found.pop("usage")


@pytest.mark.parametrize("case", COPYING)
@pytest.mark.parametrize("sampling", SAMPLING)
def test_the_text_stays_the_same(native: Host, smollm2: Path, case: str, sampling: str) -> None:
    flags = SAMPLING[sampling]
    expected, usage = generated(native, smollm2, case, *flags, "--draft", 0)
    assert usage["drafted_tokens"] == usage["accepted_tokens"] == 0
    for draft in ("auto", 2, 7, 99):
        found, drafted = generated(native, smollm2, case, *flags, "--draft", draft)
        assert found == expected
        assert drafted["accepted_tokens"] <= drafted["drafted_tokens"]
        assert drafted["accepted_tokens"] < drafted["completion_tokens"] == usage["completion_tokens"]


@pytest.mark.parametrize("cache_type", ["f32", "bf16", "q8_0"])
def test_in_caches_of_each_type(native: Host, smollm2: Path, cache_type: str) -> None:
    flags = ["--temp", 0, "--cache-type", cache_type]
    expected, _ = generated(native, smollm2, "edit", *flags, "--draft", 0)
    assert generated(native, smollm2, "edit", *flags)[0] == expected


def test_past_the_end_of_the_context(native: Host, smollm2: Path) -> None:
    flags = ["--temp", 0, "-c", 128, "--context-shift", "--keep", 20]
    expected, _ = generated(native, smollm2, "repeat", *flags, "--draft", 0)
    for draft in ("auto", 15):
        assert generated(native, smollm2, "repeat", *flags, "--draft", draft)[0] == expected


def test_under_wasmtime(wasmtime: Host, smollm2: Path) -> None:
    expected, _ = generated(wasmtime, smollm2, "edit", *EXACT, "--draft", 0)
    found, usage = generated(wasmtime, smollm2, "edit", *EXACT, "--draft", 15)
    assert found == expected
    assert usage["accepted_tokens"] >= 50


@pytest.mark.parametrize("case", ["quote", "edit"])
def test_copies_are_drafted_by_default(native: Host, smollm2: Path, case: str) -> None:
    _, usage = generated(native, smollm2, case, *EXACT)
    assert usage["accepted_tokens"] >= 0.6 * usage["completion_tokens"]
    assert usage["accepted_tokens"] >= 0.6 * usage["drafted_tokens"]


def test_ordinary_text_is_left_alone(native: Host, smollm2: Path) -> None:
    found = native.ok("chat", "-m", smollm2, "-p", "Write a short story about a fox who learns to swim.",
                      "--temp", 0.8, "--seed", 5, "-n", 200, "--json").json
    wasted = found["usage"]["drafted_tokens"] - found["usage"]["accepted_tokens"]
    assert wasted <= 0.1 * found["usage"]["completion_tokens"]
