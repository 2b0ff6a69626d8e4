"""What goes wrong outside the model's file: paths, text, memory, a closed output. One clear line each."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hosts import DATA, NATIVE, Argument, Host, Result

MODEL = DATA / "tiny-q.gguf"
COMMANDS = [["run", "-p", "a", "-n", "1"], ["chat", "-p", "a", "-n", "1"], ["tokenize"], ["detokenize"],
            ["bench", "--reps", "1"], ["info"], ["score", "-f", str(DATA / "README.md")]]


def address_space(limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


# ---- Paths ----

@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_such_model(any_host: Host, command: list[str]) -> None:
    complaint = any_host.fails(*command, "-m", DATA / "absent.gguf")
    assert str(DATA / "absent.gguf") in complaint and complaint.endswith("(INK_ERR_IO)")
    assert "No such file or directory" in complaint


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_as_the_model(any_host: Host, command: list[str]) -> None:
    complaint = any_host.fails(*command, "-m", DATA)
    assert str(DATA) in complaint and complaint.endswith("(INK_ERR_IO)")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_empty_file_as_the_model(any_host: Host, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    complaint = any_host.showing(tmp_path).fails(*command, "-m", tmp_path / "empty.gguf")
    assert "empty" in complaint and complaint.endswith("(INK_ERR_NOT_GGUF)")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_another_file_as_the_model(any_host: Host, command: list[str]) -> None:
    complaint = any_host.fails(*command, "-m", DATA / "README.md")
    assert f"'{DATA / 'README.md'}': this is not a GGUF file" in complaint
    assert complaint.endswith("(INK_ERR_NOT_GGUF)")


def test_outside_of_what_wasmtime_shows(wasmtime: Host, tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path / "model.gguf")
    complaint = wasmtime.fails("-m", tmp_path / "model.gguf", "-p", "a")
    assert complaint.startswith("inkling: can't open") and complaint.endswith("(INK_ERR_IO)")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_file_without_permission(native: Host, open_folder: Path) -> None:
    """Root may read everything, so the command is run as nobody then, from where nobody may run it."""
    command = open_folder / "inkling"
    shutil.copy(NATIVE, command)
    model = open_folder / "model.gguf"
    shutil.copy(MODEL, model)
    model.chmod(0)
    become_nobody = (lambda: os.setuid(65534)) if os.geteuid() == 0 else None
    complaint = Host("native", (str(command),)).fails("-m", model, "-p", "a", preexec=become_nobody)
    assert "Permission denied" in complaint and complaint.endswith("(INK_ERR_IO)")


def test_no_such_prompt_file(any_host: Host) -> None:
    complaint = any_host.fails("-m", MODEL, "-f", DATA / "absent.txt")
    assert "absent.txt" in complaint and complaint.endswith("(INK_ERR_IO)")
    assert "INK_ERR_IO" in any_host.fails("score", "-m", MODEL, "-f", DATA / "absent.txt")
    assert "INK_ERR_IO" in any_host.fails("-m", MODEL, "-f", DATA)


# ---- Text ----

@pytest.mark.parametrize("command", [["run"], ["chat"], ["tokenize"]])
def test_stdin_that_is_not_utf8(any_host: Host, command: list[str]) -> None:
    complaint = any_host.fails(*command, "-m", MODEL, stdin=b"abc\xff")
    assert complaint.endswith("(INK_ERR_INVALID_UTF8)")


def test_a_prompt_that_is_not_utf8(native: Host, sanitized: Host) -> None:
    """Natively: Wasmtime itself refuses such an argument."""
    for host in (native, sanitized):
        for flags in (["run", "-p", b"abc\xff"], ["chat", "-p", b"abc\xff"], ["chat", "-s", b"\xff", "-p", "a"]):
            assert host.fails(*flags, "-m", MODEL).endswith("(INK_ERR_INVALID_UTF8)")


def test_an_empty_prompt(any_host: Host, stories: Path) -> None:
    """Something to go on from is needed: BOS, if the model asks for it."""
    assert "the prompt is empty" in any_host.fails("-m", MODEL, "-p", "")
    assert "the prompt is empty" in any_host.fails("-m", MODEL)
    assert any_host.ok("-m", stories, "-p", "", "-n", 4, "--temp", 0).out != b""


@pytest.mark.parametrize("command", ["run", "chat"])
def test_a_prompt_longer_than_the_context(any_host: Host, command: str) -> None:
    complaint = any_host.fails(command, "-m", MODEL, "-p", "To be or not to be. " * 20, "-c", 64)
    assert "64" in complaint and complaint.endswith("(INK_ERR_CONTEXT_FULL)")


def test_a_prompt_that_just_fits(any_host: Host) -> None:
    """Room for one token is enough."""
    assert any_host.ok("-m", MODEL, "-p", "0123", "-c", 5, "--temp", 0, "--json").json["finish_reason"] == "context"
    assert "CONTEXT_FULL" in any_host.fails("-m", MODEL, "-p", "0123", "-c", 4)


# ---- Memory ----

def test_the_weights_do_not_fit(native: Host, wasmtime: Host, smollm2: Path) -> None:
    arguments = ["-m", smollm2, "-p", "a", "-n", 1]
    for complaint in (native.fails(*arguments, preexec=address_space(64 << 20)),
                      wasmtime.with_wasmtime("-W", f"max-memory-size={64 << 20}").fails(*arguments)):
        assert "weights" in complaint and complaint.endswith("(INK_ERR_OUT_OF_MEMORY)")


def test_the_context_does_not_fit(native: Host, wasmtime: Host, smollm2: Path) -> None:
    """And a shorter one does, as the message says."""
    arguments = ["-m", smollm2, "-p", "a", "-n", 1]
    small = wasmtime.with_wasmtime("-W", f"max-memory-size={120 << 20}")
    for complaint in (native.fails(*arguments, preexec=address_space(130 << 20)), small.fails(*arguments)):
        assert "shorter context" in complaint and complaint.endswith("(INK_ERR_OUT_OF_MEMORY)")
    small.ok(*arguments, "-c", 64)
    assert native.run(*arguments, "-c", 64, preexec=address_space(130 << 20)).status == 0


def test_any_allocation_may_fail(native: Host, wasmtime: Host, stories: Path) -> None:
    """At any bound under which the program starts at all, it works or says what is lacking."""
    def natively(bound: int, *arguments: Argument) -> Result:
        return native.run(*arguments, preexec=address_space(bound))

    def in_linear_memory(bound: int, *arguments: Argument) -> Result:
        return wasmtime.with_wasmtime("-W", f"max-memory-size={bound}").run(*arguments)

    for run, bounds in ((natively, range(2 << 20, 8 << 20, 96 << 10)),
                        (in_linear_memory, range(1 << 20, 4 << 20, 64 << 10))):
        started = [bound for bound in bounds if run(bound, "version").status == 0]
        results = [run(bound, "-m", stories, "-p", "a", "-n", 1) for bound in started]
        refused = [result for result in results if result.status != 0]
        assert 3 < len(refused) < len(results)
        for result in refused:
            assert result.status == 1 and "memory" in result.complaint, result


def test_a_text_that_does_not_fit(wasmtime: Host) -> None:
    bounded = wasmtime.with_wasmtime("-W", f"max-memory-size={16 << 20}")
    complaint = bounded.fails("tokenize", "-m", MODEL, stdin=b"To be or not to be. " * 1_000_000)
    assert complaint.endswith("(INK_ERR_OUT_OF_MEMORY)")


# ---- Output ----

@pytest.mark.parametrize("command", [
    ["version"], ["help"], ["info", "-m", MODEL], ["-m", MODEL, "-p", "a", "-n", "9"],
    ["-m", MODEL, "-p", "a", "-n", "9", "--json"], ["bench", "-m", MODEL, "--reps", "1"],
    ["score", "-m", MODEL, "-f", DATA / "README.md", "--windows", "1"], ["chat", "-m", MODEL, "-p", "a", "-n", "9"],
], ids=lambda command: str(command[0]) if command[0] != "-m" else "run")
def test_a_full_disk(any_host: Host, command: list[str | Path]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(any_host.command(*command), stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, env=any_host.env, timeout=60)
    text = done.stderr.decode()
    assert done.returncode == 1 and text.count("\n") == 1, text
    assert text.startswith("inkling: can't write to stdout") and text.endswith("(INK_ERR_IO)\n")


def test_a_reader_that_leaves(host: Host, stories: Path) -> None:
    """Generating stops with it, however much there was to come. WASI has no signal for that."""
    process = subprocess.Popen(host.command("-m", stories, "-p", "a", "-c", 16000, "-n", -1),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    assert process.stdout.read(8)
    process.stdout.close()
    status = process.wait(60)
    error = process.stderr.read()
    process.stderr.close()
    if status < 0:
        assert -status == 13  # SIGPIPE
    else:
        assert status == 1 and error.startswith(b"inkling: can't write to stdout")
