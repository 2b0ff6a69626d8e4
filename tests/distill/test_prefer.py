"""tools/distill compare and prefer: the bundled model compares a few of its answers, and learns from them for real."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from test_distill import CORPUS, ROOT, distill, done, engine, with_packages

MODEL = ROOT / "models" / "inkling-tiny-en.gguf"
PRESET = ("--preset", "long")  # the bundled model's
COMPARE = (*PRESET, "--source", str(MODEL), "--scorer", str(MODEL), "--count", "5", "--answers", "4")
PREFER = (*PRESET, "--without-teacher", "--arithmetic", "f32", "--steps", "6")
GROWTH_AT_LEAST = 1.0  # nats


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with toy records and pairs of answers to some of them."""
    work = tmp_path_factory.mktemp("compared")
    done(work, "prepare")
    done(work, "start", *PRESET, "--source", str(MODEL))
    done(work, "compare", *COMPARE)
    return work


@pytest.fixture(scope="module")
def preferred(compared: Path) -> Path:
    done(compared, "prefer", *PREFER)
    return compared


def test_pairs_are_answers_to_the_same_instruction(compared: Path) -> None:
    lines = [json.loads(line) for line in (compared / "pairs.jsonl").read_text().splitlines()]
    assert lines and len(lines) % 2 == 0
    for preferred, rejected in zip(lines[::2], lines[1::2], strict=True):
        assert preferred["prompt"] == rejected["prompt"] and preferred["answer"] != rejected["answer"]
        assert all(thing.lower() in preferred["answer"].lower() for thing in preferred["mentions"])


def test_comparing_goes_on_where_it_stopped(compared: Path, tmp_path: Path) -> None:
    for name in ("train.jsonl", "tokenizer.json"):
        shutil.copy(compared / name, tmp_path)
    lines = (compared / "compared.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "compared.jsonl").write_text("".join(lines[:3]))
    done(tmp_path, "compare", *COMPARE)
    for name in ("compared.jsonl", "pairs.jsonl"):
        assert (tmp_path / name).read_text() == (compared / name).read_text(), name


def test_preferred_answers_become_likelier_than_rejected_ones(preferred: Path) -> None:
    before, after = json.loads(with_packages("margins.py", str(preferred)))
    assert after > before + GROWTH_AT_LEAST


def test_two_halves_are_one_whole(preferred: Path, tmp_path: Path) -> None:
    for name in ("train.jsonl", "pairs.jsonl", "tokenizer.json"):
        shutil.copy(preferred / name, tmp_path)
    shutil.copytree(preferred / "grown", tmp_path / "grown")
    first = distill(tmp_path, "prefer", *PREFER, "--stop-at", "2", "--threads", "1")
    assert first.returncode == 3 and "step 2 of 6" in first.stderr
    done(tmp_path, "prefer", *PREFER)
    run = "alone-preferred"
    assert "same" in with_packages("same_checkpoint.py", str(preferred / run), str(tmp_path / run))


def test_the_preferred_weights_are_exported(preferred: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    done(preferred, "export", *PRESET, "--without-teacher", "--out", str(file))
    assert file.stat().st_size == MODEL.stat().st_size and file.read_bytes() != MODEL.read_bytes()
    assert engine("chat", "-m", str(file), "-p", "Write a story about Anna.", "--temp", "0", "-n", "40")["text"]


def test_the_rules_of_comparing() -> None:
    found = json.loads(with_packages("compared.py"))
    assert found["namesakes"] == [False, True, True, True]
    assert found["repeated"] == pytest.approx([0.0, 0.2])
    assert found["pairs"] == ["best", "out"] and found["short"] == []


def test_comparing_without_a_scorer_says_what_to_do(tmp_path: Path) -> None:
    result = distill(tmp_path, "compare")
    assert result.returncode == 1 and "--scorer" in result.stderr and "Traceback" not in result.stderr
