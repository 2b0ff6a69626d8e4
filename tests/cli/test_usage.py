"""What the command line accepts: help, version, and one line with exit status 2 for what is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hosts import DATA, WASM, Host

COMMANDS = ["run", "chat", "tokenize", "detokenize", "score", "bench", "info", "version"]
MODEL = str(DATA / "tiny-q.gguf")


@pytest.mark.parametrize("spelling", ["help", "--help", "-h"])
def test_help_names_every_command(any_host: Host, spelling: str) -> None:
    text = any_host.ok(spelling).text
    for command in COMMANDS:
        assert command in text
    assert "-m MODEL" in text and "--temp" in text and "--seed" in text


@pytest.mark.parametrize("spelling", ["version", "--version"])
def test_version_lists_the_kernels(any_host: Host, spelling: str) -> None:
    name, kernels = any_host.ok(spelling).text.splitlines()
    assert name.startswith("inkling ")
    assert kernels.startswith("kernels: ") and "scalar" in kernels
    if any_host.name == "wasmtime":
        assert kernels == "kernels: scalar wasm_simd128"


@pytest.mark.parametrize(("arguments", "named"), [
    (["frobnicate"], "frobnicate"),
    (["run", "-p", "a"], "-m MODEL"),
    (["tokenize"], "-m MODEL"),
    (["-m"], "-m"),
    (["-m", MODEL, "--bogus"], "--bogus"),
    (["-m", MODEL, "-Z"], "-Z"),
    (["-m", MODEL, "-p", "a", "extra"], "extra"),
    (["version", "extra"], "extra"),
    (["-m", MODEL, "-p", "a", "-f", MODEL], "-p and -f"),
    (["score", "-m", MODEL], "-f FILE"),
    (["tokenize", "-m", MODEL, "-n", "3"], "-n"),
    (["info", "-m", MODEL, "--temp", "1"], "--temp"),
    (["-m", MODEL, "-n", "three"], "'three' can't be the value of '-n'"),
    (["-m", MODEL, "-n", "-2"], "-n"),
    (["-m", MODEL, "-n", "3x"], "-n"),
    (["-m", MODEL, "-c", "0"], "-c"),
    (["-m", MODEL, "-c", "99999999999999999999"], "-c"),
    (["score", "-m", MODEL, "-f", MODEL, "-c", "1"], "-c"),
    (["score", "-m", MODEL, "-f", MODEL, "--windows", "0"], "--windows"),
    (["-m", MODEL, "--temp", "warm"], "--temp"),
    (["-m", MODEL, "--temp", "nan"], "--temp"),
    (["-m", MODEL, "--top-k", "1.5"], "--top-k"),
    (["-m", MODEL, "--seed", "-1"], "--seed"),
    (["-m", MODEL, "--stop", ""], "--stop"),
    (["-m", MODEL, *["--stop", "x"] * 17], "--stop"),
    (["-m", MODEL, "-t", "many"], "-t"),
    (["-m", MODEL, "--draft", "some"], "--draft"),
    (["-m", MODEL, "--draft", "-1"], "--draft"),
    (["bench", "-m", MODEL, "--reps", "0"], "--reps"),
    (["bench", "-m", MODEL, "--pp", "0", "--tg", "0"], "--pp"),
])
def test_bad_usage(any_host: Host, arguments: list[str], named: str) -> None:
    result = any_host.run(*arguments)
    assert result.status == 2 and result.out == b""
    assert named in result.complaint and "inkling help" in result.complaint


def test_no_arguments_show_the_help(any_host: Host) -> None:
    result = any_host.run()
    assert result.status == 2 and result.out == any_host.ok("help").out
    assert "nothing to do" in result.complaint


def test_run_may_be_left_out(host: Host) -> None:
    arguments = ["-m", MODEL, "-p", "To be", "-n", "8", "--temp", "0"]
    assert host.ok(*arguments).out == host.ok("run", *arguments).out != b""


def test_long_flags_with_an_equals_sign(host: Host) -> None:
    assert host.ok(f"--model={MODEL}", "--prompt=To be", "--n-predict=8", "--temp=0").out \
        == host.ok("-m", MODEL, "-p", "To be", "-n", 8, "--temp", 0).out


def test_the_documented_wasmtime_line(wasmtime_path: str, smollm2: Path) -> None:
    """As the README has it, from the model's folder, and without compiling beforehand."""
    done = subprocess.run([wasmtime_path, "run", "--dir", ".", str(WASM), "-m", smollm2.name,
                           "-p", "The capital of France is", "-n", "64", "--temp", "0"],
                          cwd=smollm2.parent, capture_output=True, timeout=120)
    assert done.returncode == 0 and done.stderr == b""
    assert done.stdout.decode().startswith(" Paris.")
