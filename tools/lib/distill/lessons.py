"""Short records that teach to copy a name: a question about a sentence or two, and a sentence about somebody.

In a story of hundreds of tokens attention is spread too thin for a small network to find out, from the few million
tokens that a CPU has time for, that a name in the answer is one of the instruction's; in forty tokens it finds out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from .corpus import Story
from .instructions import NAMED, Record, names, sentences
from .rename import Names

PASSAGE = 260  # characters of a passage that is asked about, at most
SENTENCE = (20, 130)  # characters of a sentence that is asked for
EACH = 3  # sentences of one story


def lessons(story: Story, known: Names, rng: random.Random) -> Iterator[Record]:
    paragraphs = story.text.split("\n\n")
    passage = "".join(sentences(paragraphs[0])[: rng.choice((1, 1, 2))]).strip()
    named = NAMED.findall(passage)
    if named and len(passage) < PASSAGE:
        who, name = named[0]
        question, answer = rng.choice(((f"What is the name of the {who}?", f"The {who}'s name is {name}."),
                                       (f"What is the {who}'s name?", f"The {who}'s name is {name}."),
                                       ("Who is this story about?", f"It is about {name}.")))
        yield Record("question", story.kind, f"{passage}\n\n{question}", answer, ())
    found = [name for name in names(story.text) if name in known.pronoun][:1]
    for name in found:
        about = [sentence.strip() for paragraph in paragraphs for sentence in sentences(paragraph)
                 if '"' not in sentence and SENTENCE[0] < len(sentence) < SENTENCE[1]
                 and re.search(rf"\b{name}\b", sentence)]
        for sentence in rng.sample(about, min(EACH, len(about))):
            asked = rng.choice(("Write a sentence about {}.", "Write one sentence about {}.",
                                "Tell me something about {}."))
            yield Record("sentence", story.kind, asked.format(name), sentence, (name,))
