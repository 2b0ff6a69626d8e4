"""Step `prepare`: the corpus's stories without repeats, split, and turned into records (JSON Lines)."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from .corpus import Story, read_text, stories
from .instructions import Record, records
from .presets import Preset

SHINGLE = 6  # words
NEAR = 0.3  # a story with more than this share of known shingles repeats another one
COMMON = 0.08  # a noun in more than this share of the stories tells nothing about one


def hashed(text: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{text}".encode()).digest()[:8], "little")


def key(story: Story) -> str:
    """What a held-out story may share with no other: its title, or its beginning if it has none."""
    return re.sub(r"[^a-z0-9]+", " ", (story.title or story.text[:80]).lower()).strip()


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


def prepare(corpus: Path, preset: Preset, work: Path) -> None:
    found = list(stories(read_text(corpus), preset.kinds))
    kept = without_repeats(found)
    if preset.max_stories:
        kept = kept[: preset.max_stories]
    counts = document_frequency(kept)

    def rare(noun: str) -> bool:
        return counts[noun] <= max(2, COMMON * len(kept))

    train: list[Record] = []
    held: list[Record] = []
    held_stories = []
    for story in kept:
        rng = random.Random(hashed(story.text, preset.seed))
        is_held = hashed(key(story), preset.seed) < preset.held_out * 2**64
        (held if is_held else train).extend(records(story, preset.limits, rng, rare))
        if is_held:
            held_stories.append(story.text)
    random.Random(preset.seed).shuffle(train)
    random.Random(preset.seed).shuffle(held)
    work.mkdir(parents=True, exist_ok=True)
    write_lines(work / "train.jsonl", train)
    write_lines(work / "held.jsonl", held)
    (work / "held.txt").write_text("\n\n".join(held_stories) + "\n", encoding="utf-8")
    facts = {"stories": len(found), "without repeats": len(kept), "held out": len(held_stories),
             "train": Counter(record.task for record in train), "held": Counter(record.task for record in held),
             "train characters": sum(len(record.prompt) + len(record.answer) for record in train)}
    (work / "prepared.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))
