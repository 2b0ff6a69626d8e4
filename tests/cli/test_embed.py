"""embed: transformers' embeddings, line by line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hosts import DATA, Host

MODELS = ("qwen3-last", "llama-mean")


@pytest.fixture(scope="module")
def golden() -> dict[str, list[dict[str, Any]]]:
    return json.loads((DATA / "embeddings" / "embeddings.json").read_text())["models"]


def model(name: str) -> Path:
    return DATA / "embeddings" / f"{name}.gguf"


def lines(texts: list[dict[str, Any]]) -> bytes:
    return "\n".join(text["text"] for text in texts).encode()


@pytest.mark.parametrize("name", MODELS)
def test_embeddings_are_those_of_transformers(any_host: Host, golden: dict, name: str) -> None:
    texts = golden[name]
    found = any_host.ok("embed", "-m", model(name), "--cache-type", "f32", "--json", stdin=lines(texts)).json
    assert (found["n_embd"], found["tokens"]) == (32, sum(len(text["tokens"]) for text in texts))
    for text, embedding in zip(texts, found["embeddings"], strict=True):
        length = math.hypot(*text["embedding"])
        largest = max(abs(value) for value in text["embedding"]) / length
        assert embedding == pytest.approx([value / length for value in text["embedding"]], abs=1e-4 * largest)


@pytest.mark.parametrize("name", MODELS)
def test_every_host_gives_the_same(host: Host, native: Host, golden: dict, name: str) -> None:
    """The default KV cache, by the scalar kernels natively, and by each host's own."""
    given = ("embed", "-m", model(name))
    text = lines(golden[name])
    assert host.ok(*given, stdin=text).out == native.ok(*given, "--kernels", "scalar", "-t", 2, stdin=text).out


def test_one_text(any_host: Host, golden: dict) -> None:
    text = golden["qwen3-last"][0]["text"]
    given = ("embed", "-m", model("qwen3-last"))
    by_prompt = any_host.ok(*given, "-p", text).out
    assert by_prompt.count(b"\n") == 1 and len(by_prompt.split()) == 32
    assert any_host.ok(*given, stdin=f"{text}\r\n".encode()).out == by_prompt
    assert any_host.ok(*given, "-p", text, "--pooling", "mean").out != by_prompt
    assert any_host.ok(*given, "-p", text, "--pooling", "last").out == by_prompt


def test_failures(any_host: Host, stories: Path) -> None:
    """A model that was not made for it needs to be told how."""
    assert "pooling is 0" in any_host.fails("embed", "-m", stories, "-p", "a")
    assert len(any_host.ok("embed", "-m", stories, "-p", "a", "--pooling", "mean").out.split()) == 64
    qwen = ("embed", "-m", model("qwen3-last"))
    for stdin, message in ((b"", "empty"), (b"a\n\nb", "line 2 is empty"), (b"the " * 600, "do not fit")):
        assert message in any_host.run(*qwen, stdin=stdin).complaint
    assert any_host.run(*qwen, "-p", "a", "--pooling", "cls").status == 2


def test_info_says_how(native: Host, stories: Path) -> None:
    assert "embeddings    the last token's vector" in native.ok("info", "-m", model("qwen3-last")).text
    assert native.ok("info", "-m", model("llama-mean"), "--json").json["pooling_type"] == 1
    assert "embeddings" not in native.ok("info", "-m", stories).text
