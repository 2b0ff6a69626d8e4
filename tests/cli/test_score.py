"""score: perplexity, against llama.cpp's and against float64 arithmetic."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from golden import load_json
from hosts import DATA, Host

TEXT = DATA / "wikitext2-valid-4x512.txt"
STORY = ("Once upon a time, there was a little girl named Lily. She found a big red box, and she wanted to see what "
         "was inside. \"Mommy, can I open the box?\" she asked.")
TOLERANCE = 0.005
WINDOW_TOLERANCE = 0.01  # nats; quantising activations moves one window of llama.cpp's by up to 0.007


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("score") / "story.txt"
    path.write_text(STORY)
    return path


def test_wikitext_natively(native: Host, smollm2: Path) -> None:
    golden = load_json("smollm2-perplexity.json")
    found = native.ok("score", "-m", smollm2, "-f", TEXT, "--ctx", 512, "--json").json
    assert found["tokens"] == 2048 and found["scored"] == golden["truth"]["slice"]["scored"]
    assert found["ppl"] == pytest.approx(golden["llama_cpp"]["slice"]["ppl"], rel=TOLERANCE)
    assert found["ppl"] == pytest.approx(golden["truth"]["slice"]["ppl"], rel=TOLERANCE)
    assert found["ppl"] == pytest.approx(math.exp(found["nll"]), rel=1e-5)


def test_one_window_of_wikitext(host: Host, smollm2: Path) -> None:
    golden = load_json("smollm2-perplexity.json")
    found = host.ok("score", "-m", smollm2, "-f", TEXT, "--windows", 1, "--json").json
    assert (found["tokens"], found["scored"]) == (512, 511)
    assert found["nll"] == pytest.approx(golden["truth"]["nll_sums"][0] / 511, abs=WINDOW_TOLERANCE)
    assert found["nll"] == pytest.approx(golden["llama_cpp"]["nll_sums"][0] / 511, abs=WINDOW_TOLERANCE)


# ---- Windows and BOS ----

def test_with_bos_every_token_is_scored(any_host: Host, stories: Path, story: Path) -> None:
    """And the story model finds a story of its kind likely: less than 2 nats a token."""
    found = any_host.showing(story.parent).ok("score", "-m", stories, "-f", story, "--json").json
    n = len(any_host.ok("tokenize", "-m", stories, stdin=STORY.encode()).out.split())
    assert found["tokens"] == found["scored"] == n
    assert 0.5 < found["nll"] < 2


def test_without_bos_a_windows_first_token_is_not(any_host: Host, tiny_q: Path, story: Path) -> None:
    seen = any_host.showing(story.parent)
    n = len(seen.ok("tokenize", "-m", tiny_q, stdin=STORY.encode()).out.split())
    whole = seen.ok("score", "-m", tiny_q, "-f", story, "--json").json
    assert (whole["tokens"], whole["scored"]) == (n, n - 1)
    in_windows = seen.ok("score", "-m", tiny_q, "-f", story, "--ctx", 10, "--json").json
    leftover = 1 if n % 10 == 1 else 0  # a window of one token predicts nothing
    assert in_windows["tokens"] == n - leftover
    assert in_windows["scored"] == n - leftover - n // 10 - (n % 10 > 1)
    two = seen.ok("score", "-m", tiny_q, "-f", story, "--ctx", 10, "--windows", 2, "--json").json
    assert (two["tokens"], two["scored"]) == (20, 18)


def test_windows_are_independent(any_host: Host, tiny_q: Path, tmp_path: Path) -> None:
    """Digits are a token each, so both windows here hold the same tokens, and must weigh the same."""
    file = tmp_path / "digits.txt"
    file.write_text("01234567899876543210" * 2)
    arguments = ["score", "-m", tiny_q, "-f", file, "--ctx", 20, "--json"]
    both = any_host.showing(tmp_path).ok(*arguments).json
    first = any_host.showing(tmp_path).ok(*arguments, "--windows", 1).json
    assert (both["scored"], first["scored"]) == (38, 19)
    assert both["nll"] == first["nll"]


def test_as_text(any_host: Host, stories: Path, story: Path) -> None:
    seen = any_host.showing(story.parent)
    lines = seen.ok("score", "-m", stories, "-f", story).text.splitlines()
    found = seen.ok("score", "-m", stories, "-f", story, "--json").json
    assert [line.split()[0] for line in lines] == ["tokens", "scored", "nll", "ppl"]
    assert [float(line.split()[1]) for line in lines] == list(found.values())


@pytest.mark.parametrize(("text", "code"), [
    (b"", "INK_ERR_INVALID_ARGUMENT"), (b"e", "INK_ERR_INVALID_ARGUMENT"), (b"a\xffb", "INK_ERR_INVALID_UTF8"),
])
def test_what_cannot_be_scored(any_host: Host, tiny_q: Path, tmp_path: Path, text: bytes, code: str) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(text)
    assert code in any_host.showing(tmp_path).fails("score", "-m", tiny_q, "-f", file)
