"""Versions of a text with another place or thing: what could be any must be copied, for nothing else tells it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .corpus import Story
from .instructions import PLACE, PLACE_WITHIN, things

PLACES = 0.5  # share of the places that are exchanged
THINGS = 0.5  # share of the things


@dataclass(frozen=True)
class Others:
    """The things and places of all training stories, each as often as stories have it."""

    things: list[str]
    places: list[str]

    @staticmethod
    def of(stories: Iterable[Story], rare: Callable[[str], bool]) -> Others:
        objects: list[str] = []
        places: list[str] = []
        for story in stories:
            objects += things(story.text, rare)
            found = PLACE.search(story.text[: 2 * PLACE_WITHIN])
            if found:
                places.append(f"{found[1]} {found[2]}")
        return Others(objects, sorted(set(places)))

    def place(self, text: str, rng: random.Random) -> str:
        """The text, now and then with another place, if it begins in one."""
        found = PLACE.search(text)
        if not found or found.start() >= PLACE_WITHIN or not self.places or rng.random() >= PLACES:
            return text
        other = rng.choice(self.places)
        return re.sub(rf"\b{found[1]} {found[2]}\b", lambda _: other, text)

    def thing(self, text: str, thing: str, rng: random.Random) -> tuple[str, str]:
        """The text, now and then with another thing, and what its thing is."""
        other = rng.choice(self.things) if rng.random() < THINGS else thing
        if (other[0] in "aeiou") != (thing[0] in "aeiou") or re.search(rf"\b{other}s?\b", text):
            return text, thing
        return re.sub(rf"\b{thing}(?=s?\b)", other, text), other

    def exchanged(self, story: Story, rare: Callable[[str], bool], rng: random.Random) -> Story:
        text = self.place(story.text, rng)
        found = things(text, rare)
        if found:
            text = self.thing(text, rng.choice(found), rng)[0]
        return replace(story, text=text)
