"""Versions of a story with other names. A name that could be any must be copied from the instruction, not recalled."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .corpus import Story
from .instructions import names

CLEAR = 3  # times as many pronouns of one kind as of the other tell which a story's hero goes by


@dataclass(frozen=True)
class Names:
    """The names of the stories' heroes."""

    pronoun: dict[str, str]  # "he" or "she", by name
    by_pronoun: dict[str, list[str]]


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
    return Names(pronoun, {kind: [name for name in pronoun if pronoun[name] == kind] for kind in ("he", "she")})


def renamed(story: Story, known: Names, rng: random.Random) -> Story:
    """The story with another name for each of its names that is known, of the same pronoun."""
    taken = set(re.findall(r"[A-Z][a-z]+", story.text))
    others: dict[str, str] = {}
    for name in names(story.text):
        if name in known.pronoun:
            choice = rng.choice(known.by_pronoun[known.pronoun[name]])
            if choice not in taken:
                others[name] = choice
                taken.add(choice)
    if not others:
        return story
    pattern = re.compile(rf"\b({'|'.join(others)})\b")

    def rewritten(text: str) -> str:
        return pattern.sub(lambda match: others[match[1]], text)

    return replace(story, title=rewritten(story.title), text=rewritten(story.text), summary=rewritten(story.summary))
