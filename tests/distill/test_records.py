"""tools/distill's data without training: other names in a story, and questions that have one answer."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "lib"))

from distill.corpus import Story
from distill.exchange import Others
from distill.instructions import questions
from distill.lessons import lessons
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
