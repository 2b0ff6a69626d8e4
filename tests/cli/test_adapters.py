"""Adapters: --lora in every command that computes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import DATA, Host

BASE = DATA / "architectures" / "llama.gguf"
ALL, SOME, HALF = (DATA / "adapters" / f"llama-{name}.gguf" for name in ("all", "some", "half"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapters") / "text.txt"
    path.write_text("a small model of each kind is kept beside the tests, so that every step can be checked")
    return path


def nll(host: Host, text: Path, *flags: object, model: Path = BASE) -> float:
    return host.showing(text.parent).ok("score", "-m", model, "-f", text, "--json", *flags).json["nll"]


def test_scores(any_host: Host, text: Path) -> None:
    plain, one = nll(any_host, text), nll(any_host, text, "--lora", ALL)
    assert len({plain, one, nll(any_host, text, "--lora", f"{ALL}:-0.5"), nll(any_host, text, "--lora", SOME),
                nll(any_host, text, "--lora", ALL, "--lora", f"{SOME}:0.5")}) == 5
    assert nll(any_host, text, "--lora", f"{ALL}:1.0") == one
    assert nll(any_host, text, "--lora", f"{ALL}:0") == plain


def test_a_colon_in_the_name(native: Host, text: Path, tmp_path: Path) -> None:
    odd = tmp_path / "an:adapter"
    odd.write_bytes(SOME.read_bytes())
    expected = nll(native, text, "--lora", SOME), nll(native, text, "--lora", f"{SOME}:2e-1")
    assert (nll(native, text, "--lora", odd), nll(native, text, "--lora", f"{odd}:.2")) == expected


def test_texts(any_host: Host) -> None:
    for command in (["run", "-p", "the"], ["chat", "-p", "the"]):
        shared = ["-m", BASE, "-n", 12, "--temp", 0]
        plain = any_host.ok(*command, *shared).out
        assert any_host.ok(*command, *shared, "--lora", ALL).out != plain
        assert any_host.ok(*command, *shared, "--lora", f"{ALL}:0").out == plain


def test_bench(native: Host) -> None:
    assert native.ok("bench", "-m", BASE, "--lora", ALL, "--pp", 8, "--tg", 4, "--reps", 1, "--json").json


@pytest.mark.parametrize(("file", "code", "words"), [
    (DATA / "absent.gguf", "IO", "absent.gguf"),
    (DATA / "README.md", "NOT_GGUF", "README.md"),
    (BASE, "BAD_ADAPTER", "no adapter"),
    (DATA / "adapters" / "gpt2.gguf", "BAD_ADAPTER", "for a 'gpt2' model"),
])
def test_what_is_no_adapter_of_the_model(any_host: Host, file: Path, code: str, words: str) -> None:
    complaint = any_host.fails("run", "-m", BASE, "-p", "a", "-n", 1, "--lora", file)
    assert words in complaint and str(file) in complaint and complaint.endswith(f"(INK_ERR_{code})")


def test_an_adapter_of_another_size(any_host: Host) -> None:
    other = DATA / "stories260K.gguf"
    complaint = any_host.fails("run", "-m", other, "-p", "a", "-n", 1, "--lora", SOME)
    assert "blk.0.attn_q.weight.lora_a" in complaint and complaint.endswith("(INK_ERR_BAD_ADAPTER)")


@pytest.mark.parametrize("command", [["run", "-p", "a"], ["info"], ["tokenize"]], ids=lambda command: command[0])
def test_an_adapter_as_the_model(any_host: Host, command: list[str]) -> None:
    complaint = any_host.fails(*command, "-m", ALL)
    assert "is an adapter for a 'llama' model" in complaint and complaint.endswith("(INK_ERR_BAD_MODEL)")


def test_half_of_an_adapter(any_host: Host, tmp_path: Path) -> None:
    (tmp_path / "half.gguf").write_bytes(ALL.read_bytes()[:9000])
    complaint = any_host.showing(tmp_path).fails("run", "-m", BASE, "-p", "a", "--lora", tmp_path / "half.gguf")
    assert "half.gguf" in complaint and complaint.endswith("(INK_ERR_TRUNCATED)")


def test_too_many(native: Host) -> None:
    assert native.run("run", "-m", BASE, "-p", "a", *["--lora", str(HALF)] * 9).status == 2
    assert native.run("tokenize", "-m", BASE, "--lora", str(HALF)).status == 2
