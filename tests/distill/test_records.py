"""tools/distill's data without training: other names in a story, and questions that have one answer."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "lib"))

from distill.corpus import Story, clean
from distill.exchange import Others
from distill.instructions import questions
from distill.lessons import lessons
from distill.prepare import is_held, prepare, read_lines
from distill.presets import PRESETS, Preset
from distill.rename import heroes, renamed, with_given

ANNA = Story("tale", "Anna's Kite", (
    "Once upon a time, in a small village, there lived a girl named Anna. She loved her dog, and so did Rex.\n\n"
    "One day, Anna lost her kite. She looked for it, and then Anna saw it in Annabel's tree."), "")
BEN = Story("tale", "Ben", "There was a boy named Ben. He had his ball, and he said that Ben would win his game.", "")
WILL = Story("tale", "Will", "There was a boy named Will. He had his ball, and he said that Will could win.", "")
MIA = Story("tale", "Mia", "There was a girl named Mia. She had her ball, and she said that Mia would win her game.", "")


def test_names_are_those_of_heroes_with_their_pronouns() -> None:
    known = heroes([ANNA, BEN, WILL, MIA], lambda word: word == "will")
    assert known.by_pronoun == {"he": ["Ben"], "she": ["Anna", "Mia"]}


def test_a_renamed_story_differs_in_whole_names_alone() -> None:
    known = heroes([ANNA, BEN, MIA], lambda word: False)
    other = next(story for seed in range(20) if (story := renamed(ANNA, known, random.Random(seed))) != ANNA)
    assert other.title == "Mia's Kite" and "Annabel's" in other.text
    assert other.text == ANNA.text.replace("Annabel", "*").replace("Anna", "Mia").replace("*", "Annabel")


def test_a_name_that_the_story_has_is_not_given_again() -> None:
    both = Story("tale", "", ANNA.text + " Mia laughed, and then Mia left.", "")
    known = heroes([ANNA, BEN, MIA], lambda word: False)
    for seed in range(20):
        assert renamed(both, known, random.Random(seed)).text.count("Mia") == 2


def test_questions_have_one_answer() -> None:
    found = dict(questions(ANNA.text, random.Random(1)))
    assert found["Where does this story take place?"] == "It takes place in a small village."
    assert "The girl's name is Anna." in found.values() and "It is about Anna." in found.values()
    two = ANNA.text.replace("her dog", "a girl named Zoe")
    assert "The girl's name is Anna." not in dict(questions(two, random.Random(1))).values()
    moved = ANNA.text + " Then they were in a big city."
    assert not any("village" in answer for answer in dict(questions(moved, random.Random(1))).values())


def test_lessons_ask_for_what_they_show() -> None:
    known = heroes([ANNA, BEN, MIA], lambda word: False)
    others = Others(["drum", "cup"], ["a big city"])
    made = [record for seed in range(20) for record in lessons(ANNA, known, lambda noun: True, others,
                                                               random.Random(seed))]
    assert {record.task for record in made} == {"question", "sentence"}
    assert all(thing in record.prompt and thing in record.answer for record in made for thing in record.mentions)
    assert all(len(record.prompt) < 400 for record in made)
    assert any("a big city" in record.prompt and "a big city" in record.answer for record in made)


def test_a_story_gets_other_things_and_places() -> None:
    story = Story("tale", "", ANNA.text + " So the kite was red.", "")
    others = Others(["drum"], ["a big city"])
    made = {others.exchanged(story, lambda noun: True, random.Random(seed)).text for seed in range(20)}
    assert any("a big city" in text and "village" not in text for text in made)
    assert any("the drum was red" in text and "kite" not in text for text in made) and story.text in made


def test_given_names_are_added_but_words() -> None:
    known = with_given(heroes([ANNA, BEN], lambda word: False), lambda word: word == "james", 2, 3)
    assert "James" not in known.pronoun and {"John", "Robert"} <= set(known.pronoun)
    assert known.rare == {"he": ["Michael", "William"], "she": ["Mary"]}
    made = {renamed(ANNA, known, random.Random(seed)).text.split("named ")[1][:4] for seed in range(40)}
    assert made == {"Mary", "Anna"}


def test_a_title_is_no_part_of_a_story() -> None:
    assert clean("Anna's Kite\n\nAnna had a kite.") == "Anna had a kite."
    assert clean("Anna had a kite.\n\nIt was red.") == "Anna had a kite.\n\nIt was red."


def prepared(work: Path, preset: Preset, documents: list[tuple[str, str]]) -> list[str]:
    """The answers of the training records."""
    corpus = work / "corpus.txt"
    corpus.write_text("".join(f"{prompt}<start>{answer}<end>" for prompt, answer in documents), encoding="utf-8")
    prepare(corpus, preset, work)
    return [record.answer for record in read_lines(work / "train.jsonl")]


def test_a_preset_grown_from_another_has_versions_of_its_own(tmp_path: Path) -> None:
    anna = f"{ANNA.text} So the kite was red."
    documents = [("Tell the child-appropriate tale called `Anna`", anna),
                 ("Tell the child-appropriate tale called `Mia`", MIA.text.replace("her ball", "the drum, a drum"))]
    preset = replace(PRESETS["toy"], lessons=0, versions=3, held_out=0.0)
    before = prepared(tmp_path, preset, documents)
    after = prepared(tmp_path, replace(preset, first_version=3, versions=20, exchange=False), documents)
    told = [answer for answer in after if "there lived a girl" in answer]
    assert anna in before and told and all("the kite was red" in answer for answer in told)
    assert any("a girl named Mia" in answer for answer in told)


def test_no_story_of_a_further_kind_has_a_held_out_title(tmp_path: Path) -> None:
    preset = replace(PRESETS["toy"], lessons=0, more_kinds=("bedtime",), held_out=0.5)
    stories = {f"Tale {letter}": f"One day Zoe {letter}. Then {letter} saw Zoe, and {letter} said that Zoe was {letter}."
               for letter in "abcdefghijklmnopqrstuvwxyz"}
    held = {title for title, text in stories.items() if is_held(Story("bedtime", title, text, ""), preset)}
    answers = prepared(tmp_path, preset, [("Tell the child-appropriate tale called `Anna`", ANNA.text)] +
                       [(f"Write a bedtime story called `{title}`", text) for title, text in stories.items()])
    told = {title for title, text in stories.items() if text in answers}
    assert 0 < len(held) < 26 and told and not told & held


def test_text_alone_has_no_template(tmp_path: Path) -> None:
    preset = replace(PRESETS["toy"], lessons=0, versions=1, held_out=0.0, plain=1.0)
    prepared(tmp_path, preset, [("Tell the child-appropriate tale called `Anna`", ANNA.text)])
    plain = [record for record in read_lines(tmp_path / "train.jsonl") if record.task == "plain"]
    assert len(plain) == 1 and plain[0].prompt == "" and plain[0].answer and plain[0].answer in ANNA.text
