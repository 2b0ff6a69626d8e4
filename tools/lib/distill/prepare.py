"""Step `prepare`: the corpus's stories without repeats, split, and turned into records (JSON Lines)."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from . import DistillError
from .corpus import Story, read_text, stories
from .instructions import Record, plain_record, records
from .exchange import Others
from .lessons import lessons
from .presets import Preset
from .rename import heroes, renamed, with_given

# What a story of the further kinds must not hold, since not all of these are for children.
UNFIT = re.compile(r"\b(?:kill|murder|blood|gun|dead|death|die|died|dying|knife|drug|alcohol|drunk|beer|wine|suicide|"
                   r"corpse|terror|rape|sex|sexual|prison|war|weapon|bomb|shot|kidnap|cancer|horror|sinister)(?:s|ed|er|"
                   r"ers|ing|y)?\b", re.I)
SHINGLE = 6  # words
NEAR = 0.3  # a story with more than this share of known shingles repeats another one
VALID = 0.02  # share of the training stories that are kept for validation
COMMON = 0.08  # a noun in more than this share of the stories tells nothing about one


def hashed(text: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{text}".encode()).digest()[:8], "little")


def key(story: Story) -> str:
    """What a held-out story may share with no other: its title, or its beginning if it has none."""
    return re.sub(r"[^a-z0-9]+", " ", (story.title or story.text[:80]).lower()).strip()


def is_held(story: Story, preset: Preset) -> bool:
    return hashed(key(story), preset.seed) < preset.held_out * 2**64


def without_repeats(found: list[Story]) -> list[Story]:
    """Drops a story that an earlier one repeats, wholly or nearly."""
    known: set[int] = set()
    kept = []
    for story in found:
        words = re.findall(r"\w+", story.text.lower())
        shingles = {hash(tuple(words[i : i + SHINGLE])) for i in range(max(1, len(words) - SHINGLE + 1))}
        if len(shingles & known) <= NEAR * len(shingles):
            kept.append(story)
        known |= shingles
    return kept


def document_frequency(kept: list[Story]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for story in kept:
        counts.update(set(re.findall(r"[a-z]+", story.text)))
    return counts


def write_lines(path: Path, lines: list[Record]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(asdict(line)) + "\n")


def read_lines(path: Path) -> list[Record]:
    with path.open(encoding="utf-8") as file:
        return [Record(**{**fields, "mentions": tuple(fields["mentions"])}) for fields in map(json.loads, file)]


def read_names(work: Path) -> list[str]:
    """The names of the training stories' heroes."""
    path = work / "names.txt"
    if not path.exists():
        raise DistillError(f"{path} is not there; run the step prepare first, or bring it from where that was run")
    return path.read_text(encoding="utf-8").split()


def prepare(corpus: Path, preset: Preset, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    found = list(stories(read_text(corpus), preset.kinds))
    kept = without_repeats(found)
    if preset.max_stories:
        kept = kept[: preset.max_stories]
    counts = document_frequency(kept)
    more = list(stories(read_text(corpus), preset.more_kinds)) if preset.more_kinds else []
    more = [story for story in without_repeats([*kept, *more])[len(kept):]
            if not UNFIT.search(story.text) and not is_held(story, preset)]

    def rare(noun: str) -> bool:
        return counts[noun] <= max(2, COMMON * len(kept))

    held_stories = [story for story in kept if is_held(story, preset)]
    train_stories = [story for story in kept if not is_held(story, preset)]
    known = heroes(train_stories, lambda word: counts[word] > 0)
    known = with_given(known, lambda word: counts[word] > 0, preset.given_names, preset.rare_names)
    train: list[Record] = []
    # What decides how to go on is looked at on stories of its own, neither trained on here nor judged in the end.
    valid = [story for story in [*train_stories, *more] if hashed(key(story), preset.seed + 1) < VALID * 2**64]
    trained = [story for story in [*train_stories, *more] if story not in valid]
    others = Others.of(trained, rare)
    for story in trained:
        count = preset.more_versions if story.kind in preset.more_kinds else preset.versions
        for version in range(preset.first_version, preset.first_version + count):
            rng = random.Random(hashed(f"{version}:{story.text}", preset.seed))
            shown = renamed(story, known, rng) if version else story
            if version and preset.exchange:
                shown = others.exchanged(shown, rare, rng)
            train.extend(records(shown, preset.limits, rng, rare, version))
            if rng.random() < preset.plain:
                train.append(plain_record(shown, preset.limits, rng))
        for version in range(preset.first_version, preset.first_version + preset.lessons):
            rng = random.Random(hashed(f"lesson {version}:{story.text}", preset.seed))
            train.extend(lessons(renamed(story, known, rng), known, rare, others, rng))
    held: list[Record] = []
    for story in held_stories:
        held.extend(records(story, preset.limits, random.Random(hashed(story.text, preset.seed)), rare))
    looked: list[Record] = []
    for story in valid:
        rng = random.Random(hashed(story.text, preset.seed))
        looked.extend(records(renamed(story, known, rng), preset.limits, rng, rare))
    random.Random(preset.seed).shuffle(looked)
    write_lines(work / "valid.jsonl", looked)
    random.Random(preset.seed).shuffle(train)
    random.Random(preset.seed).shuffle(held)
    write_lines(work / "train.jsonl", train)
    write_lines(work / "held.jsonl", held)
    (work / "names.txt").write_text("".join(f"{name}\n" for name in known.pronoun), encoding="utf-8")
    (work / "held.txt").write_text("\n\n".join(story.text for story in held_stories) + "\n", encoding="utf-8")
    facts = {"stories": len(found), "without repeats": len(kept), "held out": len(held_stories),
             "train": Counter(record.task for record in train), "held": Counter(record.task for record in held),
             "train characters": sum(len(record.prompt) + len(record.answer) for record in train)}
    (work / "prepared.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))
