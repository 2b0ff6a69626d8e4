"""Versions of a story with other names. A name that could be any must be copied from the instruction, not recalled."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .corpus import Story
from .instructions import names

GIVEN_NAMES = Path(__file__).with_name("given_names.txt")
RARE = 0.2  # share of the new names that are rare ones
CLEAR = 3  # times as many pronouns of one kind as of the other tell which a story's hero goes by


@dataclass(frozen=True)
class Names:
    """The names of the stories' heroes."""

    pronoun: dict[str, str]  # "he" or "she", by name
    by_pronoun: dict[str, list[str]]
    rare: dict[str, list[str]] = field(default_factory=dict)  # names that are not tokens, by pronoun


def heroes(stories: Iterable[Story], is_word: Callable[[str], bool]) -> Names:
    """The most frequent name of each story, with the pronoun of the stories it is in; no name that is a word too."""
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for story in stories:
        found = names(story.text)
        if not found or is_word(found[0].lower()):
            continue
        he = len(re.findall(r"\b(?:he|him|his)\b", story.text, re.I))
        she = len(re.findall(r"\b(?:she|her|hers)\b", story.text, re.I))
        if he > CLEAR * she:
            votes[found[0]]["he"] += 1
        elif she > CLEAR * he:
            votes[found[0]]["she"] += 1
    pronoun = {name: max(sorted(count), key=count.__getitem__) for name, count in sorted(votes.items())}
    return Names(pronoun, by_pronoun(pronoun))


def by_pronoun(pronoun: dict[str, str]) -> dict[str, list[str]]:
    return {kind: [name for name in pronoun if pronoun[name] == kind] for kind in ("he", "she")}


def given_names() -> list[tuple[str, str]]:
    """General given names, the most frequent first, each with "he" or "she"."""
    lines = GIVEN_NAMES.read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#"))
    return [(name, pronoun) for name, pronoun in pairs]


def with_given(known: Names, is_word: Callable[[str], bool], count: int, rare: int) -> Names:
    """`count` given names more, the most frequent, and `rare` ones after these that are chosen less often."""
    fresh = [(name, kind) for name, kind in given_names() if name not in known.pronoun and not is_word(name.lower())]
    pronoun = known.pronoun | dict(fresh[:count])
    return Names(pronoun, by_pronoun(pronoun), by_pronoun(dict(fresh[count : count + rare])))


def renamed(story: Story, known: Names, rng: random.Random) -> Story:
    """The story with another name for each of its names that is known, of the same pronoun."""
    taken = set(re.findall(r"[A-Z][a-z]+", story.text))
    others: dict[str, str] = {}
    for name in names(story.text):
        if name in known.pronoun:
            kind = known.pronoun[name]
            rare = known.rare.get(kind)
            choice = rng.choice(rare if rare and rng.random() < RARE else known.by_pronoun[kind])
            if choice not in taken:
                others[name] = choice
                taken.add(choice)
    if not others:
        return story
    pattern = re.compile(rf"\b({'|'.join(others)})\b")

    def rewritten(text: str) -> str:
        return pattern.sub(lambda match: others[match[1]], text)

    return replace(story, title=rewritten(story.title), text=rewritten(story.text), summary=rewritten(story.summary))
