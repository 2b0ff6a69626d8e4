"""Short records that teach to copy: a question about a sentence or two, a sentence about somebody with something.

In a story of hundreds of tokens attention is spread too thin for a small network to find out, from the few million
tokens that a CPU has time for, that a name in the answer is one of the instruction's; in forty tokens it finds out.
A thing or a place is often exchanged for any other: then it must be copied, for nothing else tells it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from .corpus import Story
from .exchange import Others
from .instructions import NAMED, PLACE, Record, listed, names, sentences, things, with_article
from .rename import Names

PASSAGE = 260  # characters of a passage that is asked about, at most
SENTENCE = (20, 150)  # characters of a sentence that is asked for
PARAGRAPH = 360  # characters of a paragraph that is asked for, at most
EACH = 2  # sentences of one story about somebody, and about something


def asked_about(passage: str, rng: random.Random) -> list[tuple[str, str]]:
    found = []
    for who, name in NAMED.findall(passage)[:1]:
        found += [(f"What is the name of the {who}?", f"The {who}'s name is {name}."),
                  (f"What is the {who}'s name?", f"The {who}'s name is {name}."),
                  (rng.choice(("Who is this story about?", "Who is the story about?")), f"It is about {name}.")]
    place = PLACE.search(passage)
    if place:
        where = f"{place[1]} {place[2]}"
        found += [("Where does this story take place?", f"It takes place in {where}.")] * 2
        if found[0][1].startswith("The "):
            name = NAMED.findall(passage)[0][1]
            found.append((f"Where does {name} live?", f"{name} lives in {where}."))
    return found


def lessons(story: Story, known: Names, rare: Callable[[str], bool], others: Others,
            rng: random.Random) -> Iterator[Record]:
    """The lessons of one story."""
    paragraphs = story.text.split("\n\n")
    passage = "".join(sentences(paragraphs[0])[: rng.choice((1, 1, 2, 3))]).strip()
    passage = others.place(passage, rng)
    asked = asked_about(passage, rng)
    if asked and len(passage) < PASSAGE:
        question, answer = rng.choice(asked)
        yield Record("question", story.kind, f"{passage}\n\n{question}", answer, ())
    found = [name for name in names(story.text) if name in known.pronoun][:1]
    plain = [sentence.strip() for paragraph in paragraphs for sentence in sentences(paragraph)
             if '"' not in sentence and SENTENCE[0] < len(sentence) < SENTENCE[1]]
    for name in found:
        about = [sentence for sentence in plain if re.search(rf"\b{name}\b", sentence)]
        for sentence in rng.sample(about, min(EACH, len(about))):
            request = rng.choice(("Write a sentence about {}.", "Write one sentence about {}.",
                                  "Tell me something about {}."))
            yield Record("sentence", story.kind, request.format(name), sentence, (name,))
    present = things(story.text, rare)
    holding = [(sentence, thing) for thing in present for sentence in plain if re.search(rf"\b{thing}s?\b", sentence)]
    whole = [(paragraph, thing) for thing in present for paragraph in paragraphs
             if re.search(rf"\b{thing}s?\b", paragraph) and SENTENCE[0] < len(paragraph) < PARAGRAPH]
    for texts, noun in ((holding, "a sentence"), (whole, "a paragraph")):
        for text, thing in rng.sample(texts, min(EACH, len(texts))):
            shown, thing = others.thing(text, thing, rng)
            people = [name for name in found if re.search(rf"\b{name}\b", shown)]
            subject = f"{people[0]} with {with_article(thing)}" if people and rng.random() < 0.5 else \
                listed([*people, with_article(thing)])
            request = rng.choice((f"Write {noun} about {{}}.", f"Tell me {noun} about {{}}."))
            yield Record("sentence", story.kind, request.format(subject), shown, (*people, thing))
