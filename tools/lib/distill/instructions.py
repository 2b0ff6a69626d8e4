"""Turns a story into instructions and answers, by rules alone: what is asked for is what the answer holds.

Tasks: `write` (a whole story), `begin` (the first paragraphs of a long one), `continue` (the rest of it), `short` (a
summary, which is a story of a few sentences), `summarize`, `question` (about the first paragraphs).
Where a model is too small for long stories, they are abridged: the first paragraphs and the last one.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .corpus import Story
from .presets import Limits

PASSAGE = (250, 700)  # characters of a passage that is asked about: from and to about
SHORTER = 0.25  # share of the written stories that are abridged to half the length, as "a short story"
SUMMARIZED = 2100  # characters of a story that is summarised

NOT_NAMES = set(
    "I The A An He She It They We You But And So As In On At One Once Then When What Where Why How Who Yes No Oh Mr Mrs "
    "Ms Dr Miss Sir Lady King Queen Princess Prince Captain Monday Tuesday Wednesday Thursday Friday Saturday Sunday "
    "January February March April May June July August September October November December Mom Dad Mommy Daddy Mama "
    "Papa Grandma Grandpa Grandmother Grandfather Mother Father Uncle Aunt God Earth My His Her Their Our Your This "
    "That There Here If Let Hey Hi Hello Well Okay Thank Thanks Welcome Please Not Now Just Christmas English Halloween"
    .split())
AFTER_NOUN = r"(?=[.,!?;]| (?:of|and|in|to|was|were|is|with|that|on|had|as|for|from|who|at|by|into)\b)"
NOT_THINGS = set(
    "other others same first last next two three world life day days night morning evening afternoon way time moment "
    "end rest one ones lot bit while ground top side back distance air things thing something people others best most "
    "only past future present least few many more idea part place sight sound sounds middle center edge heart mind "
    "eyes hand face feeling sense truth news".split())

PLACE = re.compile(r"\b[Ii]n (the|a|an) ((?:[a-z]+ ){0,3}(?:village|town|city|forest|kingdom|house|castle|garden|"
                   r"school|station|cottage|cafe|shop|park|land|island|valley|world)"
                   r"(?: of [A-Z][a-z]+| called [A-Z][a-z]+(?: [A-Z][a-z]+)?)?)\b")
PLACE_WITHIN = 250  # characters of the beginning, where a story says where it takes place
NAMED = re.compile(r"\b(?:a|an) (?:[a-z]+(?: and |, | )){0,4}(boy|girl|cat|dog|robot|woman|man|fox|rabbit|dragon|"
                   r"bird|bear|friend|squirrel|mouse|owl|fairy|bunny|princess|prince) named ([A-Z][a-z]+)")


@dataclass(frozen=True)
class Record:
    task: str
    kind: str
    prompt: str
    answer: str
    mentions: tuple[str, ...]  # what the prompt asks for and the answer must name


def names(text: str) -> list[str]:
    """People and places: capitalised inside a sentence, at least twice; the most frequent first."""
    inside = Counter(re.findall(r"(?<=[a-z,;] )([A-Z][a-z]{2,})\b(?!')", text))
    return [name for name, count in inside.most_common(6)
            if count >= 2 and name not in NOT_NAMES and not re.search(rf"\b{name.lower()}\b", text)]


def things(text: str, rare: Callable[[str], bool]) -> list[str]:
    """Nouns that the text has twice, once after an article and before something that follows a noun."""
    nouns = Counter(re.findall(rf"\b(?:a|an|the) ([a-z]{{3,12}}){AFTER_NOUN}", text))
    words = Counter(re.findall(r"[a-z]+", text))
    found = [noun for noun, _ in nouns.most_common()
             if words[noun] >= 2 and noun not in NOT_THINGS and not noun.endswith(("ing", "ed")) and rare(noun)]
    return found[:4]


def with_article(noun: str) -> str:
    if noun.endswith("s") and not noun.endswith("ss"):
        return f"the {noun}"
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def subject(text: str, rng: random.Random, rare: Callable[[str], bool]) -> tuple[str, tuple[str, ...]] | None:
    """ "Anna with a lantern", and what it names; None if the text gives nothing to name."""
    people, objects = names(text)[:2], things(text, rare)[:2]
    people, objects = people[: rng.choice((1, 1, 2))], objects[: rng.choice((0, 1, 1, 2))]
    if not people and not objects:
        return None
    articled = [with_article(noun) for noun in objects]
    if not people:
        return listed(articled), tuple(objects)
    if not objects:
        return listed(people), tuple(people)
    if rng.random() < 0.5:
        return f"{listed(people)} with {listed(articled)}", (*people, *objects)
    return listed(people + articled), (*people, *objects)


def cut(text: str, near: int) -> tuple[str, str]:
    """The text in two, at the paragraph whose end is nearest to `near` characters."""
    ends = [match.start() for match in re.finditer("\n\n", text)]
    if not ends:
        return text, ""
    end = min(ends, key=lambda position: abs(position - near))
    return text[:end], text[end + 2:]


def sentences(text: str) -> list[str]:
    return re.findall(r"[^.!?]+[.!?]+[\"']?\s*", text)


def hero(text: str) -> str:
    """The one whom a text is about: the first name in it, and the most frequent by far; "" if nobody is both."""
    people = names(text)
    counts = [len(re.findall(rf"\b{name}\b", text)) for name in people]
    if not people or any(count >= counts[0] for count in counts[1:]):
        return ""
    return people[0] if all(text.index(people[0]) < text.index(name) for name in people[1:]) else ""


def questions(passage: str, rng: random.Random) -> list[tuple[str, str]]:
    """Questions whose answers the passage states in a form that a rule can find, and states once."""
    found = []
    about = hero(passage)
    if about:
        found.append((rng.choice(("Who is this story about?", "Who is the story about?")), f"It is about {about}."))
    places = list(PLACE.finditer(passage))
    if places and places[0].start() < PLACE_WITHIN and len({match[2] for match in places}) == 1:
        where = f"{places[0][1]} {places[0][2]}"
        found.append(("Where does this story take place?", f"It takes place in {where}."))
        lived = rf"\b(?:{about}|[Hh]e|[Ss]he|there|who) lived (?:a |an )?(?:\w+ )*?in {where}\b"
        if about and re.search(lived, passage):
            found.append((f"Where does {about} live?", f"{about} lives in {where}."))
    named = NAMED.findall(passage)
    for who, name in named:
        if [other for other, _ in named].count(who) == 1:
            asked = rng.choice((f"What is the name of the {who}?", f"What is the {who}'s name?"))
            found.append((asked, f"The {who}'s name is {name}."))
    said = re.search(r'"([^"]{8,60}[.,!?])" (?:said|asked|replied|whispered|exclaimed) ([A-Z][a-z]+)\b', passage)
    if said and said[2] not in NOT_NAMES:
        found.append((f'Who says "{said[1].rstrip(",.")}"?', f"{said[2]} says that."))
    old = re.search(r"\b([A-Z][a-z]+)[^.!?\"]{0,40}\b(\w+)[- ]years?[- ]old", passage)
    if old and old[1] == about:
        found.append((f"How old is {old[1]}?", f"{old[1]} is {old[2]} years old."))
    return found


def write_prompt(story: Story, text: str, asked: str, rng: random.Random,
                 rare: Callable[[str], bool]) -> tuple[str, tuple[str, ...]] | None:
    if story.title and len(story.title) < 200:
        if story.kind in ("story", "daily") and rng.random() < 0.7:
            return f"{asked} about {story.title}.", ()
        if story.kind not in ("story", "daily") and rng.random() < 0.25:
            return f'{asked} called "{story.title.rstrip(".")}".', ()
    about = subject(text, rng, rare)
    return about and (f"{asked} about {about[0]}.", about[1])


def abridged(text: str, limit: int) -> str:
    """The first paragraphs, as many as fit, and the last one; the text itself if it is short enough."""
    if len(text) <= limit:
        return text
    paragraphs = text.split("\n\n")
    kept, left = [paragraphs[0]], limit - len(paragraphs[0]) - len(paragraphs[-1])
    for paragraph in paragraphs[1:-1]:
        left -= len(paragraph) + 2
        if left < 0:
            break
        kept.append(paragraph)
    return "\n\n".join([*kept, paragraphs[-1]])


def asked_to_write(noun: str, rng: random.Random) -> str:
    """The beginning of an instruction to write a story."""
    return rng.choice((f"Write {noun}", f"Write {noun}", f"Tell me {noun}", f"Please write {noun}", f"Tell {noun}"))


def plain_record(story: Story, limits: Limits, rng: random.Random) -> Record:
    """Text alone, of about the length of a written story, from the beginning of any of its paragraphs."""
    paragraphs = story.text.split("\n\n")
    rest = "\n\n".join(paragraphs[rng.randrange(len(paragraphs)):])
    return Record("plain", story.kind, "", cut(rest, limits.whole)[0], ())


def records(story: Story, limits: Limits, rng: random.Random, rare: Callable[[str], bool],
            version: int = 0) -> Iterator[Record]:
    """The records of one story. Versions but the first continue it from anywhere in its first half."""
    short = len(story.text) <= limits.whole
    whole = short or limits.abridge
    noun = "a bedtime story" if story.kind == "bedtime" else "a story"
    length = limits.whole
    if limits.abridge and rng.random() < SHORTER:
        noun, length = noun.replace("a ", "a short ", 1), limits.whole // 2
    text = abridged(story.text, length) if whole else cut(story.text, limits.part)[0]
    asked = write_prompt(story, text, asked_to_write(noun, rng) if whole else f"Begin {noun}", rng, rare)
    if asked:
        yield Record("write" if whole else "begin", story.kind, asked[0], text, asked[1])
    paragraphs = story.text.split("\n\n")
    told = "\n\n".join(paragraphs[rng.randrange(len(paragraphs) // 2 + 1):]) if version else story.text
    first, rest = cut(told, min(limits.part, len(told) // 3) if whole else limits.part)
    if limits.abridge:
        rest = abridged(rest, limits.whole - len(first))
    if rest and len(rest) <= limits.whole and (not short or rng.random() < 0.3):
        opening = first if whole and len(first) < 900 else "".join(sentences(first)[-4:]).strip()
        if opening:
            heroes = tuple(name for name in names(opening) if name in rest)[:1]
            yield Record("continue", story.kind, f"Continue this story: {opening}", rest, heroes)
    passage = cut(story.text, rng.randint(*PASSAGE))[0]
    asked_about = questions(passage, rng)
    if asked_about and len(passage) < 2 * PASSAGE[1]:
        question, answer = rng.choice(asked_about)
        yield Record("question", story.kind, f"{passage}\n\n{question}", answer, ())
    if story.summary and len(story.summary) < 1200:
        about = subject(story.summary, rng, rare) or subject(story.text, rng, rare)
        if about and all(thing.lower() in story.summary.lower() for thing in about[1]):
            asked_for = asked_to_write("a short story", rng)
            yield Record("short", story.kind, f"{asked_for} about {about[0]}.", story.summary, about[1])
        if len(story.text) < SUMMARIZED and rng.random() < 0.5 and not limits.abridge:
            yield Record("summarize", story.kind, f"Summarize this story: {story.text}", story.summary, ())
