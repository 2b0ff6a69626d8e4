"""JSON Lines of conversations, or of preferences, as token sequences with the answers marked.

An answer is found by rendering the conversation up to it twice: with the header of the assistant's turn, which
is all that the model sees before it answers, and with the answer. What the second has over the first, up to the
token that ends the turn, is the answer: the only tokens that the loss counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.gguf_file import GgufFile
from convert.sources import END_OF_MESSAGE, END_OF_TURN

from . import engine
from .engine import Message, Prompt
from .errors import FinetuneError

EXAMPLE = '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'
PAIR_EXAMPLE = '{"prompt": [{"role": "user", "content": "…"}], "chosen": "…", "rejected": "…"}'


@dataclass(frozen=True)
class Sample:
    """A token sequence; the loss counts the tokens of its answers, [begin, end) each."""

    line: int
    tokens: list[int]
    answers: list[tuple[int, int]]


@dataclass(frozen=True)
class Pair:
    """Two answers to the same prompt, of which the first is preferred."""

    chosen: Sample
    rejected: Sample


# --- lines -----------------------------------------------------------------------------------------


def _objects(path: Path, example: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FinetuneError(f"{path} is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    found = False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise FinetuneError(f"{path}, line {number} is not JSON: {error}. Each line has to be one whole object "
                                f"like {example}") from error
        if not isinstance(value, dict):
            raise FinetuneError(f"{path}, line {number} is not an object like {example}")
        found = True
        yield number, value
    if not found:
        raise FinetuneError(f"{path} has no lines; each has to be like {example}")


def _messages(where: str, value: Any, example: str) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise FinetuneError(f"{where} has no list of messages; it has to be like {example}")
    for i, message in enumerate(value, 1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise FinetuneError(f"{where}: message {i} has no role; it has to be like {example}")
        if not isinstance(message.get("content"), str) and not message.get("tool_calls"):
            raise FinetuneError(f"{where}: the content of message {i} is not a string")
    return value


def _answer(where: str, name: str, value: Any) -> Message:
    """A string, a message, or a list of one message."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str):
        value = {"role": "assistant", "content": value}
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        raise FinetuneError(f"{where} has no {name!r} answer; it has to be like {PAIR_EXAMPLE}")
    return {**value, "role": "assistant"}


# --- answers ---------------------------------------------------------------------------------------


def _common(a: list[int], b: list[int]) -> int:
    """Tokens that both begin with."""
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


class Renderer:
    """Turns conversations into samples, all in one call of the engine."""

    def __init__(self, base: GgufFile, data: Path, chat_template: str | None) -> None:
        self.base, self.data, self.chat_template = base, data, chat_template
        self.eos = base.get("tokenizer.ggml.eos_token_id")
        ids = [base.get(f"tokenizer.ggml.{role}_token_id") for role in ("eos", "eot", "eom")]
        names = {*END_OF_TURN, *END_OF_MESSAGE}
        texts = base.get("tokenizer.ggml.tokens", [])
        self.ends = {token for token in ids if token is not None}
        self.ends |= {token for token, text in enumerate(texts) if text in names}

    def turns(self, conversations: list[Prompt], last_only: bool) -> list[list[Sample]]:
        """For each conversation a sample of each answer (`last_only`: of the last), with all before it."""
        prompts, owners = [], []
        for i, whole in enumerate(conversations):
            places = [n for n, message in enumerate(whole.messages) if message["role"] == "assistant"]
            for n in places[-1:] if last_only else places:
                before = whole.messages[:n]
                owners.append(i)
                prompts += [Prompt(whole.line, before, whole.more), Prompt(whole.line, before, whole.more, True),
                            Prompt(whole.line, whole.messages[: n + 1], whole.more)]
        try:
            rendered = engine.tokens(self.base.path, self.chat_template, prompts)
        except FinetuneError as error:
            raise FinetuneError(f"{self.data}, {error}") from error
        samples: list[list[Sample]] = [[] for _ in conversations]
        for at, owner in enumerate(owners):
            samples[owner].append(self._sample(prompts[3 * at].line, *rendered[3 * at : 3 * at + 3]))
        return samples

    def _sample(self, line: int, before: list[int], asked: list[int], answered: list[int]) -> Sample:
        """Only the header of the answer may differ in what precedes it: some templates put a thought there."""
        begin = _common(asked, answered)
        if _common(before, answered) < len(before) - 1 or begin < len(before) - 1:
            raise FinetuneError(f"{self.data}, line {line}: the chat template changes what stands before an answer "
                                "once the answer is there; give another with --chat-template")
        last = max((i for i in range(begin, len(answered)) if answered[i] in self.ends), default=None)
        if last is not None:
            answered = answered[: last + 1]
        elif self.eos is not None:
            answered = [*answered, self.eos]  # else the model would never learn to stop
        if len(answered) == begin:
            raise FinetuneError(f"{self.data}, line {line}: an answer is empty")
        return Sample(line, answered, [(begin, len(answered))])


def _joined(turns: list[Sample]) -> list[Sample]:
    """One sample with all answers of a conversation, but for those that the template shows otherwise once
    others follow."""
    samples = [turns[-1]]
    for turn in reversed(turns[:-1]):
        whole = samples[0]
        if whole.tokens[: len(turn.tokens)] == turn.tokens:
            samples[0] = Sample(whole.line, whole.tokens, [*turn.answers, *whole.answers])
        else:
            samples.insert(1, turn)
    return samples


def conversations(base: GgufFile, path: Path, chat_template: str | None) -> list[list[Sample]]:
    """The samples of each line."""
    found = []
    for number, value in _objects(path, EXAMPLE):
        where = f"{path}, line {number}"
        messages = _messages(where, value.pop("messages", None), EXAMPLE)
        if not any(message["role"] == "assistant" for message in messages[1:]) or messages[0]["role"] == "assistant":
            raise FinetuneError(f"{where}: there has to be an answer by the assistant, after a message by another")
        found.append(Prompt(number, messages, value))
    return [_joined(turns) for turns in Renderer(base, path, chat_template).turns(found, last_only=False)]


def preferences(base: GgufFile, path: Path, chat_template: str | None) -> list[Pair]:
    found = []
    for number, value in _objects(path, PAIR_EXAMPLE):
        where = f"{path}, line {number}"
        prompt = value.pop("prompt", None)
        messages = _messages(where, [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt,
                             PAIR_EXAMPLE)
        answers = [_answer(where, name, value.pop(name, None)) for name in ("chosen", "rejected")]
        if answers[0]["content"] == answers[1]["content"]:
            raise FinetuneError(f"{where}: the chosen and the rejected answer are the same")
        found += [Prompt(number, [*messages, answer], value) for answer in answers]
    samples = [turns[0] for turns in Renderer(base, path, chat_template).turns(found, last_only=True)]
    return [Pair(chosen, rejected) for chosen, rejected in zip(samples[::2], samples[1::2])]
