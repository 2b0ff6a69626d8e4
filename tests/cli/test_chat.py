"""chat: one message, messages on stdin, and the prompt loop on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from golden import load_json
from hosts import Host
from terminal import Terminal

SYSTEM = "You are a pirate. Answer in one short sentence."
SYSTEM_QUESTION = "How do I boil an egg?"
QUESTION = "What is the capital of France?"
PROMPTS = {case["name"]: case["prompt"] for case in load_json("smollm2.json")["cases"]}
FLAGS = ["-n", "12", "--temp", "0"]


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
