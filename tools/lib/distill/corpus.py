"""Reads the stories of snakes.txt: documents `prompt<start>answer<end>`, of which this takes the narrative kinds."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import DistillError

# How a prompt of each kind begins; the group is the title.
KINDS: dict[str, re.Pattern[str]] = {
    "tale": re.compile(r"Tell the child-appropriate tale called `([^`]+)`"),
    "bedtime": re.compile(r"Write a bedtime story called `([^`]+)`"),
    "campfire": re.compile(r"Tell a campfire story called `([^`]+)`"),
    "daily": re.compile(r"Write a slice-of-life story about ([^\n]+?)\.?\s*$"),
    "story": re.compile(r"Write a story (?:about|called) `?([^`\n]+?)`?\.?\s*$"),
    "plot": re.compile(r"(?:Describe|Summarize|Rewrite concisely|Interpret|Rephrase|Paraphrase) this story:\n()"),
}
PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": " - ", "–": " - ", "…": "...",
                       "\xa0": " ", "\t": " "})


@dataclass(frozen=True)
class Story:
    kind: str
    title: str  # "" if the prompt names none
    text: str  # paragraphs, a blank line between them
    summary: str  # "" if there is none


def read_text(path: Path) -> str:
    if not path.exists():
        raise DistillError(f"{path}: there is no such corpus; name one with --corpus")
    if path.suffix == ".xz":
        with lzma.open(path, "rt", encoding="utf-8", errors="replace") as file:
            return file.read()
    return path.read_text(encoding="utf-8", errors="replace")


def documents(text: str) -> Iterator[tuple[str, str]]:
    """Prompt and answer of each document."""
    for document in text.split("<end>"):
        prompt, mark, answer = document.partition("<start>")
        if mark:
            yield prompt.strip(), answer.strip()


def clean(text: str) -> str:
    """Plain punctuation, no headings or emphasis, one blank line between paragraphs; "" if it is no plain prose."""
    text = text.translate(PLAIN)
    text = re.sub(r"^\s*(?:#+ .*|\*\*[^*\n]+\*\*|The End\.?|THE END\.?)\s*$", "", text, flags=re.M)
    text = text.replace("*", "").replace(" - - ", " - ")
    paragraphs = [re.sub(r"\s+", " ", paragraph).strip() for paragraph in re.split(r"\n\s*\n|\n", text)]
    paragraphs = [paragraph for paragraph in paragraphs if paragraph]
    if len(paragraphs) > 1 and paragraphs[0][-1] not in '.!?:,"':
        del paragraphs[0]  # a title
    if not paragraphs or any(re.match(r"[(\[#|>-]|\d+[.)]|[A-Z ]+:", paragraph) for paragraph in paragraphs):
        return ""
    text = "\n\n".join(paragraphs)
    return text if text.isascii() and text[-1] in '.!?"' else ""


def stories(text: str, kinds: tuple[str, ...]) -> Iterator[Story]:
    """The stories of these kinds, in the corpus's order."""
    for prompt, answer in documents(text):
        for kind in kinds:
            match = KINDS[kind].match(prompt)
            if not match:
                continue
            if kind == "plot":
                story, summary = clean(prompt[match.end():]), clean(answer)
            else:
                story, summary = clean(answer), ""
            if story:
                yield Story(kind, " ".join(match[1].translate(PLAIN).split()), story, summary)
            break
