"""The same tokens, bit for bit, from scalar C, from this processor's kernels and from WebAssembly SIMD.

Perplexity is compared too: it is printed to six digits and depends on every logit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import DATA, Host

TINY = ["tiny-q", "tiny-q2", "tiny-k", "stories260K"]
SAMPLINGS = {
    "greedy": ["--temp", "0"],
    "default": ["--seed", "7"],
    "wide": ["--seed", "8", "--temp", "1.5", "--top-k", "0", "--top-p", "1", "--min-p", "0"],
    "penalty": ["--seed", "9", "--repeat-penalty", "1.3", "--top-p", "0.9"],
}
PROMPTS = ["Once upon a time, there was a ", "To be, or not to be: that is the question. ", "All that glitters is "]


def kernels_of(host: Host) -> list[str]:
    return host.ok("version").text.split("kernels:")[1].split()


def tokens(host: Host, kernels: str, model: Path, n: int, prompt: str, flags: list[str]) -> list[int]:
    found = host.ok("-m", model, "-p", prompt, "-n", n, "-c", 256, "--kernels", kernels, "--json", *flags).json
    return list(found["tokens"])


def test_there_is_something_to_compare(native: Host, wasmtime: Host) -> None:
    assert "scalar" in kernels_of(native)
    assert kernels_of(wasmtime) == ["scalar", "wasm_simd128"]


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_tiny_models(native: Host, host: Host, name: str, sampling: str) -> None:
    """Most of these models have random weights, and may end anywhere: the first prompt that gets a long answer."""
    model, flags = DATA / f"{name}.gguf", SAMPLINGS[sampling]
    for prompt in PROMPTS:
        expected = tokens(native, "scalar", model, 100, prompt, flags)
        if len(expected) >= 40:
            break
    assert len(expected) >= 40
    for kernels in kernels_of(host):
        assert tokens(host, kernels, model, 100, prompt, flags) == expected, kernels


@pytest.mark.parametrize("name", TINY)
def test_perplexity(native: Host, host: Host, name: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes((DATA / "wikitext2-valid-4x512.txt").read_bytes()[:700])
    arguments = ["score", "-m", DATA / f"{name}.gguf", "-f", text, "--ctx", 100, "--json"]
    expected = native.ok(*arguments, "--kernels", "scalar").out
    for kernels in kernels_of(host):
        assert host.showing(tmp_path).ok(*arguments, "--kernels", kernels).out == expected, kernels


@pytest.mark.parametrize("sampling", ["greedy", "default"])
def test_smollm2(native: Host, wasmtime: Host, smollm2: Path, sampling: str) -> None:
    """Few tokens: scalar C takes its time."""
    prompt, n, flags = "Once upon a time", 12, SAMPLINGS[sampling]
    expected = tokens(native, "scalar", smollm2, n, prompt, flags)
    assert len(expected) == n
    assert tokens(wasmtime, "wasm_simd128", smollm2, n, prompt, flags) == expected
    for kernels in kernels_of(native):
        assert kernels == "scalar" or tokens(native, kernels, smollm2, n, prompt, flags) == expected, kernels


def test_batches_do_not_matter(host: Host, tiny_q: Path) -> None:
    """A prompt read at once and the same context grown token by token."""
    flags = ["--temp", "0", "-c", "256", "--json"]
    text = "01234567890123456789"  # a token each, however it is cut
    whole = host.ok("-m", tiny_q, "-p", text, "-n", 20, *flags).json["tokens"]
    for n in (1, 5, 13):
        begun = host.ok("-m", tiny_q, "-p", text, "-n", n, *flags).json
        assert begun["tokens"] == whole[:n]


def test_threads_do_not_matter(native: Host, tiny_q: Path) -> None:
    flags = ["-m", tiny_q, "-p", PROMPTS[0], "-n", 40, "-c", 256, "--seed", "3", "--json"]
    expected = native.ok(*flags, "-t", 1).json["tokens"]
    for threads in (2, 3, 0, "auto"):
        assert native.ok(*flags, "-t", threads).json["tokens"] == expected
