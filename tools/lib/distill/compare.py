"""Step `compare`: several answers of the student to training instructions, and which are better, for `prefer`.

An answer is out if it fails a rule of judge.py, or if somebody in it bears the hero's name too. The others' order is by
a model that knows more English: its nats per byte of the answer behind the instruction, plus REPEATED for the share of
the answer's runs of four words that it has had before. So weighted, these two told the student's answers best from what
the stories themselves have there.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .evaluate import run_engine
from .instructions import Record, names
from .judge import answer_to, failed_rules
from .prepare import read_lines, write_lines
from .tokenizer import encode_record, load_tokenizer

PAIRS = "pairs.jsonl"  # the record of a preferred answer, then that of a rejected one, and so on
FIRST_SEED = 10000  # of sampling: judge's are below
TEMPERATURE = 0.7  # so that answers differ
RUN = 4  # words
REPEATED = 4.0  # nats per byte
PAIRED = 3  # of an instruction's answers are preferred, at most
SAVED = 20  # instructions whose answers are written together


@dataclass
class Answer:
    text: str
    ended: bool
    score: float | None  # nats per byte, repeats included; None: it is out


def chosen_records(lines: list[Record], count: int, seed: int) -> list[Record]:
    """Stories to write and to continue, two in five of them about several things, which are kept least often."""
    lines = [line for line in lines if line.task in ("write", "continue")]
    random.Random(seed).shuffle(lines)
    several = [line for line in lines if line.task == "write" and len(line.mentions) > 1]
    one = [line for line in lines if line.task == "write" and len(line.mentions) < 2]
    rest = [line for line in lines if line.task == "continue"]
    turns = (several, one, rest, several, rest)
    return [turns[index % 5][index] for index in range(count) if index < len(turns[index % 5])]


def has_namesake(record: Record, answer: str) -> bool:
    """Whether the answer introduces whom the instruction names once too often, or lets them talk to themselves."""
    known = {*record.mentions, *names(record.prompt)}
    for name in (re.escape(name) for name in known if name[0].isupper()):
        introduced = re.findall(rf"\b(?:named|name is|name's|name was|called|I'm|I am) {name}\b", answer)
        if (len(introduced) > (record.task == "write") or re.search(rf"\b{name} and {name}\b", answer)
                or re.search(rf'\b{name}[,.!?]+" (?:said|replied|asked|exclaimed|whispered) {name}\b', answer)):
            return True
    return False


def repeated(text: str) -> float:
    """The share of its runs of words that it has had before."""
    words = re.findall(r"[\w']+", text.lower())
    runs = [tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)]
    return 1 - len(set(runs)) / max(1, len(runs))


@dataclass
class Comparer:
    engine: Path
    student: Path  # a GGUF file, as the scorer
    scorer: Path
    context: int
    answers: int  # to each instruction
    seed: int

    def nats(self, text: str) -> float:
        """Of all tokens but the first, by the scorer."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            found = run_engine(self.engine, "score", "-m", str(self.scorer), "-f", file.name, "--ctx",
                               str(2 * self.context), "--windows", "1", "-t", "1")
        return float(str(found["nll"])) * int(str(found["scored"]))

    def compare(self, number: int, record: Record) -> list[Answer]:
        """The answers to instruction `number`."""
        told = f"{record.prompt}\n\n"
        before = self.nats(told)
        found = []
        for index in range(self.answers):
            seed = self.seed * FIRST_SEED + number * self.answers + index
            text, ended = answer_to(self.engine, self.student, record, TEMPERATURE, self.context, seed)
            score = None
            if not failed_rules(record, text, ended) and not has_namesake(record, text):
                score = (self.nats(told + text) - before) / len(text) + REPEATED * repeated(text)
            found.append(Answer(text, ended, score))
        return found


def pairs(record: Record, answers: list[Answer], fits: Callable[[Record], bool]) -> list[Record]:
    """The best answers, each followed by one to be rejected: those that are out first, then the worst."""
    scored = [answer for answer in answers if answer.score is not None]
    scored.sort(key=lambda answer: answer.score or 0.0)
    out = [answer for answer in answers if answer.score is None and answer.ended and answer.text]
    found: list[Record] = []
    for index, preferred in enumerate(scored[:PAIRED]):
        worst = len(scored) - 1 - max(0, index - len(out))
        if index < len(out):
            rejected = out[index]
        elif worst > PAIRED or index == 0 and len(scored) > 2:
            rejected = scored[worst]
        else:
            break
        both = [replace(record, answer=answer.text) for answer in (preferred, rejected)]
        if all(map(fits, both)):
            found += both
    return found


def compare(comparer: Comparer, count: int, work: Path) -> None:
    """Writes compared.jsonl, as far as it is not there, and pairs.jsonl."""
    lines = chosen_records(read_lines(work / "train.jsonl"), count, comparer.seed)
    path = work / "compared.jsonl"
    compared = []
    if path.exists():
        compared = [[Answer(**answer) for answer in json.loads(line)] for line in path.read_text().splitlines()]
    with ThreadPoolExecutor(os.cpu_count()) as pool, path.open("a", encoding="utf-8") as file:
        for first in range(len(compared), len(lines), SAVED):
            numbers = range(first, min(first + SAVED, len(lines)))
            found = list(pool.map(comparer.compare, numbers, [lines[number] for number in numbers]))
            file.writelines(json.dumps([asdict(answer) for answer in answers]) + "\n" for answers in found)
            file.flush()
            compared += found
            print(f"{len(compared)} of {len(lines)} instructions", file=sys.stderr, flush=True)
    tokenizer = load_tokenizer(work)

    def fits(record: Record) -> bool:
        return len(encode_record(tokenizer, record)[0]) <= comparer.context

    write_lines(work / PAIRS, [line for record, answers in zip(lines, compared, strict=True)
                               for line in pairs(record, answers, fits)])
