"""Model files that are wrong: the corpus of tests/data/hostile, and good files cut short or damaged."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosts import DATA, Host, Result

HOSTILE = DATA / "hostile"
CASES = json.loads((HOSTILE / "hostile.json").read_text())
LIMIT_S = 20  # none of these files has anything to do for so long
ARGUMENTS = ["-p", "a", "-n", "2", "--temp", "0"]


def status_name(result: Result) -> str:
    """INK_OK, or what its one line on stderr names."""
    if result.status == 0:
        assert result.err == b""
        return "INK_OK"
    assert result.status == 1, (result.status, result.err.decode(errors="replace"))
    complaint = result.complaint
    assert complaint.endswith(")") and " (INK_ERR_" in complaint, complaint
    return complaint[complaint.rindex("(") + 1:-1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"].removesuffix(".gguf"))
def test_hostile_file(any_host: Host, case: dict[str, object]) -> None:
    """Everything is in the way to an answer: reading, tokenizing, computing, printing."""
    expected = case["expect"]
    assert isinstance(expected, list)
    path = HOSTILE / str(case["file"])
    assert status_name(any_host.run("-m", path, *ARGUMENTS, timeout=LIMIT_S)) in expected, case["reason"]
    info = any_host.run("info", "-m", path, "--json", timeout=LIMIT_S)
    assert status_name(info) in [*expected, "INK_OK"]  # the weights may be what is wrong
    if info.status == 0:
        assert set(info.json) >= {"architecture", "memory"}


def test_the_corpus_is_whole() -> None:
    assert {case["file"] for case in CASES} == {path.name for path in HOSTILE.glob("*.gguf")}


# ---- Files cut short ----

def cuts(size: int, header: int) -> Iterator[int]:
    chance = random.Random(1)
    yield from (1, 3, 4, 7, 8, 15, 16, 23, 24, header - 1, header, header + 1, size - 1)
    yield from (chance.randrange(25, header) for _ in range(20))
    yield from (chance.randrange(header, size) for _ in range(8))


def test_a_file_cut_short(any_host: Host, stories: Path, tmp_path: Path) -> None:
    """Wherever it is cut: truncated, except where the magic number itself is."""
    whole = stories.read_bytes()
    header = whole.index(b"output.weight")  # in the list of tensors, near the header's end
    cut, seen = tmp_path / "cut.gguf", any_host.showing(tmp_path)
    for size in cuts(len(whole), header):
        cut.write_bytes(whole[:size])
        found = status_name(seen.run("-m", cut, *ARGUMENTS, timeout=LIMIT_S))
        assert found == "INK_ERR_TRUNCATED" or (size < 4 and found == "INK_ERR_NOT_GGUF"), (size, found)


# ---- Damaged files ----

def damage(whole: bytes, header: int, seed: int) -> bytes:
    """One to four places in the header changed: a bit, a byte, or eight bytes that look like a count."""
    chance = random.Random(seed)
    changed = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(4, header)
        kind = chance.randrange(3)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        else:
            value = chance.choice((0, 2**31, 2**32 - 1, 2**63, 2**64 - 1, chance.randrange(2**16)))
            changed[at:at + 8] = value.to_bytes(8, "little")
    return bytes(changed)


def header_size(whole: bytes) -> int:
    """About where the tensors' data begins: after the last tensor's name and description."""
    return max(whole.rfind(b".weight", 0, 1 << 16), whole.rfind(b"_norm.weight", 0, 1 << 16)) + 40


@pytest.mark.parametrize("name", ["stories260K", "tiny-gpt2"])
def test_a_damaged_header(any_host: Host, name: str, tmp_path: Path) -> None:
    """It may even work, for instance when a token's spelling changed; it never crashes or hangs."""
    whole = (DATA / f"{name}.gguf").read_bytes()
    header = header_size(whole)
    damaged, seen = tmp_path / "damaged.gguf", any_host.showing(tmp_path)
    found: dict[str, int] = {}
    for seed in range(100):
        damaged.write_bytes(damage(whole, header, seed))
        try:
            outcome = status_name(seen.run("-m", damaged, *ARGUMENTS, timeout=LIMIT_S))
        except (AssertionError, UnicodeDecodeError) as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        found[outcome] = found.get(outcome, 0) + 1
    print(found)
    assert found.keys() > {"INK_OK", "INK_ERR_BAD_MODEL"}


def test_damaged_weights_are_computed_with(any_host: Host, stories: Path, tmp_path: Path) -> None:
    """Not-a-number and infinity among them: some text or a clear failure."""
    whole = stories.read_bytes()
    damaged, seen = tmp_path / "damaged.gguf", any_host.showing(tmp_path)
    for seed in range(8):
        chance = random.Random(seed)
        at = chance.randrange(header_size(whole) + 64, len(whole) - 4096) & ~3
        damaged.write_bytes(whole[:at] + chance.choice((b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\xff")) * 1024
                            + whole[at + 4096:])
        for more in (["--temp", "0"], ["--temp", "1", "--seed", "1"], ["--temp", "1", "--top-k", "0", "--seed", "1"]):
            status_name(seen.run("-m", damaged, "-p", "a", "-n", 2, *more, timeout=LIMIT_S))
