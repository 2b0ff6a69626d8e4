"""Token ids from the engine itself: `inkling template --tokens` gives those that `inkling chat` evaluates."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import FinetuneError

COMMAND = Path(__file__).resolve().parents[3] / "build" / "native" / "inkling"
ON_LINE = re.compile(r"^inkling: the conversation on line (\d+): (.+)$")

Message = dict[str, Any]


@dataclass(frozen=True)
class Prompt:
    """What a chat template renders: a conversation, the tools it names, and whether an answer is to begin."""

    line: int  # of the data file
    messages: list[Message]
    more: Message  # "tools" and the like
    begins_answer: bool = False


def tokens(model: Path, chat_template: str | None, prompts: Sequence[Prompt]) -> list[list[int]]:
    if not prompts:
        return []
    lines = [json.dumps({**prompt.more, "messages": prompt.messages, "add_generation_prompt": prompt.begins_answer})
             for prompt in prompts]
    command = [str(COMMAND), "template", "-m", str(model), "--tokens"]
    if chat_template:
        command += ["--chat-template", chat_template]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode != 0:
        complaint = done.stderr.strip()
        found = ON_LINE.match(complaint)
        if found:
            raise FinetuneError(f"line {prompts[int(found[1]) - 1].line}: {found[2]}")
        raise FinetuneError(complaint.removeprefix("inkling: ") or f"{COMMAND} ended with status {done.returncode}")
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
