"""Step `judge`: answers of the real engine to held-out instructions, judged by rules that anybody can check.

An answer passes if it
  mentions  holds everything that the instruction names (whole words, any case, plural or not);
  ends      was ended by the model itself, with a full stop, question mark, exclamation mark or closing quote;
  length    has at least three sentences (a summary or a short story two, an answer to a question one);
  repeats   has no sentence of four or more words three times, and no six words in a row more than three times,
            and no two to four letters five times in a row;
  right     for a question: is the expected answer, but for case and punctuation.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from .evaluate import run_engine
from .instructions import Record, sentences
from .tokenizer import encode_record, load_tokenizer

LEAST_SENTENCES = {"question": 1, "short": 2, "summarize": 2}


@dataclass
class Verdict:
    task: str
    prompt: str
    answer: str
    failed: list[str]  # names of the rules


def is_mentioned(thing: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(thing)}(?:s|es|'s)?\b", text, re.I) is not None


def repeats(text: str) -> bool:
    said = Counter(sentence.strip() for sentence in sentences(text) if len(sentence.split()) >= 4)
    words = re.findall(r"[\w']+", text.lower())
    runs = Counter(tuple(words[i : i + 6]) for i in range(len(words) - 5))
    return (any(count >= 3 for count in said.values()) or any(count > 3 for count in runs.values())
            or re.search(r"([a-z]{2,4})\1{4}", text.lower()) is not None)


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def failed_rules(record: Record, answer: str, ended: bool) -> list[str]:
    answer = answer.strip()
    failed = []
    if not all(is_mentioned(thing, answer) for thing in record.mentions):
        failed.append("mentions")
    if not ended or answer[-1:] not in tuple('.!?"'):
        failed.append("ends")
    if len(sentences(answer)) < LEAST_SENTENCES.get(record.task, 3):
        failed.append("length")
    if repeats(answer):
        failed.append("repeats")
    if record.task == "question" and plain(answer) != plain(record.answer):
        failed.append("right")
    return failed


def chosen(lines: list[Record], count: int, work: Path, context: int) -> list[Record]:
    """The first held-out records that name something to keep or ask a question, and leave the answer room."""
    tokenizer = load_tokenizer(work)
    fit = (line for line in lines if (line.mentions or line.task == "question") and line.task != "summarize"
           and len(encode_record(tokenizer, line)[0]) <= context)
    return list(itertools.islice(fit, count))


def answer_to(engine: Path, model: Path, record: Record, temperature: float, context: int,
              seed: int) -> tuple[str, bool]:
    """The engine's answer, and whether the model ended it."""
    answer = run_engine(engine, "chat", "-m", str(model), "-p", record.prompt, "--temp", str(temperature),
                        "--seed", str(seed), "--ctx", str(context), "-t", "1")
    return str(answer["text"]).strip(), answer["finish_reason"] == "end"


def judge(engine: Path, model: Path, lines: list[Record], temperature: float, context: int,
          answers: int = 1) -> list[Verdict]:
    """`answers` to each, one round after another; no two answers have the same sampling seed."""
    verdicts = []
    for number, record in enumerate(lines * answers):
        text, ended = answer_to(engine, model, record, temperature, context, number)
        verdicts.append(Verdict(record.task, record.prompt, text, failed_rules(record, text, ended)))
    return verdicts


def report(verdicts: list[Verdict]) -> dict[str, object]:
    tasks = Counter(verdict.task for verdict in verdicts)
    passed = Counter(verdict.task for verdict in verdicts if not verdict.failed)
    return {"judged": len(verdicts), "passed": sum(passed.values()),
            "by task": {task: f"{passed[task]} of {count}" for task, count in sorted(tasks.items())},
            "failed rules": dict(Counter(rule for verdict in verdicts for rule in verdict.failed))}


def write_verdicts(path: Path, verdicts: list[Verdict]) -> None:
    path.write_text("".join(json.dumps(asdict(verdict)) + "\n" for verdict in verdicts), encoding="utf-8")
