"""chat: one message, messages on stdin, and the prompt loop on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from golden import load_json
from hosts import Host

SYSTEM = "You are a pirate. Answer in one short sentence."
SYSTEM_QUESTION = "How do I boil an egg?"
QUESTION = "What is the capital of France?"
PROMPTS = {case["name"]: case["prompt"] for case in load_json("smollm2.json")["cases"]}
FLAGS = ["-n", "24", "--temp", "0"]


def completed(host: Host, model: Path, prompt: str) -> Any:
    """What plain completion answers when the template has been applied by hand."""
    return host.ok("-m", model, "-p", prompt, *FLAGS, "--json").json


def without_timings(found: Any) -> Any:
    return {key: value for key, value in found.items() if key != "timings"}


def test_template_with_and_without_a_system_message(host: Host, smollm2: Path) -> None:
    plain = host.ok("chat", "-m", smollm2, "-p", QUESTION, *FLAGS, "--json").json
    assert without_timings(plain) == without_timings(completed(host, smollm2, PROMPTS["chat-capital"]))
    told = host.ok("chat", "-m", smollm2, "-s", SYSTEM, "-p", SYSTEM_QUESTION, *FLAGS, "--json").json
    assert without_timings(told) == without_timings(completed(host, smollm2, PROMPTS["chat-system"]))


def test_a_message_on_stdin(host: Host, smollm2: Path) -> None:
    by_flag = host.ok("chat", "-m", smollm2, "-p", "안녕하세요! 오늘 날씨가 어때요? 😀", *FLAGS)
    assert by_flag.text == completed(host, smollm2, PROMPTS["chat-korean"])["text"]
    by_stdin = host.ok("chat", "-m", smollm2, *FLAGS, stdin="안녕하세요! 오늘 날씨가 어때요? 😀".encode())
    assert by_stdin.out == by_flag.out


def test_a_model_without_a_template(any_host: Host, stories: Path) -> None:
    complaint = any_host.fails("chat", "-m", stories, "-p", "Hello")
    assert complaint.endswith("(INK_ERR_UNSUPPORTED_CHAT_FORMAT)")


# ---- The prompt loop ----

class Terminal:
    """The command with a terminal for its stdin and stderr; its stdout, where answers go, is a pipe or
    the terminal too."""

    def __init__(self, command: list[str | bytes], answers_to_terminal: bool) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(command, stdin=slave, stderr=slave, start_new_session=True,
                                        stdout=slave if answers_to_terminal else subprocess.PIPE)
        os.close(slave)
        self.seen = b""

    def wait_for(self, ending: bytes, limit_s: float = 60) -> bytes:
        """What appears on the terminal up to `ending`."""
        until = time.monotonic() + limit_s
        while not self.seen.endswith(ending):
            ready, _, _ = select.select([self.master], [], [], max(0, until - time.monotonic()))
            assert ready, f"no {ending!r} after {limit_s} s: {self.seen!r}"
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # what a terminal without programs gives on Linux
                piece = b""
            assert piece, f"ended before {ending!r}: {self.seen!r}"
            self.seen += piece
        seen, self.seen = self.seen, b""
        return seen.replace(b"\r\n", b"\n")

    def type(self, text: bytes) -> None:
        os.write(self.master, text)

    def end(self) -> tuple[int, bytes]:
        """The exit status and what came on the pipe."""
        status = self.process.wait(30)
        piped = self.process.stdout.read() if self.process.stdout else b""
        return status, piped

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        os.close(self.master)


def chat_prompt(*messages: tuple[str, str]) -> str:
    turns = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in messages)
    return f"{turns}<|im_start|>assistant\n"


def test_two_turns_and_an_empty_line(host: Host, smollm2: Path) -> None:
    """The second answer builds on the first: it is what completing the whole conversation gives."""
    terminal = Terminal(host.command("chat", "-m", smollm2, "-s", SYSTEM, *FLAGS), answers_to_terminal=False)
    try:
        assert terminal.wait_for(b"> ").endswith(b"an empty line ends.\n> ")
        terminal.type(f"{SYSTEM_QUESTION}\n".encode())
        assert terminal.wait_for(b"> ") == f"{SYSTEM_QUESTION}\n> ".encode()  # the echo and the next prompt
        terminal.type("왜?\n".encode())
        terminal.wait_for(b"> ")
        terminal.type(b"\n")
        status, answers = terminal.end()
    finally:
        terminal.close()
    messages = [("system", SYSTEM), ("user", SYSTEM_QUESTION)]
    first = completed(host, smollm2, chat_prompt(*messages))["text"]
    messages += [("assistant", first), ("user", "왜?")]
    second = completed(host, smollm2, chat_prompt(*messages))["text"]
    assert (status, answers.decode()) == (0, first + second)


def test_answers_on_the_terminal(host: Host, smollm2: Path) -> None:
    terminal = Terminal(host.command("chat", "-m", smollm2, *FLAGS), answers_to_terminal=True)
    try:
        terminal.wait_for(b"> ")
        terminal.type(f"{QUESTION}\n".encode())
        seen = terminal.wait_for(b"\n> ").decode()
        terminal.type(b"\x04")  # the end of input
        status, _ = terminal.end()
    finally:
        terminal.close()
    answer = completed(host, smollm2, PROMPTS["chat-capital"])["text"]
    assert (status, seen) == (0, f"{QUESTION}\n{answer}\n> ")


@pytest.mark.parametrize("typed", [b"\n", b"\x04"])
def test_nothing_said(native: Host, smollm2: Path, typed: bytes) -> None:
    terminal = Terminal(native.command("chat", "-m", smollm2, *FLAGS), answers_to_terminal=False)
    try:
        terminal.wait_for(b"> ")
        terminal.type(typed)
        assert terminal.end() == (0, b"")
    finally:
        terminal.close()


def test_loading_shows_its_progress_on_a_terminal(native: Host, smollm2: Path) -> None:
    terminal = Terminal(native.command("chat", "-m", smollm2, *FLAGS), answers_to_terminal=False)
    try:
        assert b"loading 50 %" in terminal.wait_for(b"> ")
    finally:
        terminal.close()
