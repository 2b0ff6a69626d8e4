"""tools/distill at toy size on committed stories: it trains for real, and its model answers in the engine."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "data" / "snakes-tales.txt.xz"
ENGINE = ROOT / "build" / "native" / "inkling"
LIMIT_S = 1500
# From about ln 512 = 6.2 nats a token: what a model that knows nothing but the vocabulary has.
FIRST_LOSS_AT_LEAST = 5.0
FALL_AT_LEAST = 1.5  # nats a token
TEXT = 'Once upon a time, 3 cats\n\n  said "Mädchen" <|im_end|> and\tleft.'


def distill(work: Path, step: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "tools" / "distill"), step, "--preset", "toy", "--work", str(work), "--corpus", str(CORPUS)]
    return subprocess.run([*command, *options], capture_output=True, text=True, timeout=LIMIT_S)


def done(work: Path, step: str, *options: str) -> str:
    result = distill(work, step, *options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def with_packages(script: str, *arguments: str) -> str:
    """The output of a script of this folder, run with PyTorch."""
    command = f'ROOT="{ROOT}"; . "$ROOT/tools/lib/training_packages.sh"; exec "$PYTHON" "$@"'
    result = subprocess.run(["bash", "-c", command, "bash", str(Path(__file__).parent / script), *arguments],
                            capture_output=True, text=True, timeout=LIMIT_S,
                            env={**os.environ, "PYTHONPATH": str(ROOT / "tools" / "lib")})
    assert result.returncode == 0, result.stderr
    return result.stdout


def engine(*arguments: str) -> dict[str, object]:
    result = subprocess.run([str(ENGINE), *arguments, "--json"], capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 0, result.stderr
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def losses(work: Path, run: str) -> list[float]:
    with (work / f"{run}.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work folder of a whole run."""
    work = tmp_path_factory.mktemp("distill")
    done(work, "all", "--count", "6")
    return work


def test_held_out_stories_share_no_title_with_training(made: Path) -> None:
    facts = json.loads((made / "prepared.json").read_text())
    assert facts["held out"] >= 5 and facts["train"]["write"] > 100
    train = (made / "train.jsonl").read_text()
    for line in (made / "held.jsonl").read_text().splitlines():
        record = json.loads(line)
        assert json.dumps(record["answer"]) not in train or record["task"] == "question"


def test_instructions_name_what_the_answer_holds(made: Path) -> None:
    for line in (made / "train.jsonl").read_text().splitlines():
        record = json.loads(line)
        for thing in record["mentions"]:
            assert thing.lower() in record["answer"].lower(), record


@pytest.mark.parametrize("run", ["teacher", "alone", "taught"])
def test_loss_falls(made: Path, run: str) -> None:
    first, *_, last = losses(made, run)
    assert first > FIRST_LOSS_AT_LEAST and last < first - FALL_AT_LEAST


def test_checkpoints_come_in_small_pieces(made: Path) -> None:
    pieces = list(made.glob("*/*.piece"))
    assert pieces and all(piece.stat().st_size <= 16_000_000 for piece in pieces)


def test_two_halves_are_one_whole(made: Path, tmp_path: Path) -> None:
    """A run that was stopped and resumed ends with the bits of one that was not, on another number of threads too."""
    for name in ("train.jsonl", "held.jsonl", "names.txt", "tokenizer.json"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    first = distill(tmp_path, "train", "--without-teacher", "--stop-at", "33", "--threads", "1")
    assert first.returncode == 3 and "step 33 of 60" in first.stderr
    done(tmp_path, "train", "--without-teacher")
    assert "same" in with_packages("same_checkpoint.py", str(made / "alone"), str(tmp_path / "alone"))


def test_the_file_holds_what_was_trained(made: Path) -> None:
    """Blocks as gguf-py decodes them are the fake-quantised weights, bit for bit."""
    assert "same" in with_packages("same_weights.py", str(made / "taught-quantized"), str(made / "model.gguf"))


def test_engine_scores_as_pytorch_does(made: Path) -> None:
    for row in json.loads((made / "evaluated.json").read_text()):
        ours, theirs = row["text, bits per byte"], row["text by the engine, bits per byte"]
        assert abs(ours - theirs) < 2e-3 * ours, row


def test_tokens_are_those_of_tokenizers(made: Path) -> None:
    expected = with_packages("tokens.py", str(made / "tokenizer.json"), TEXT)
    result = subprocess.run([str(ENGINE), "tokenize", "-m", str(made / "model.gguf")], input=TEXT,
                            capture_output=True, text=True, timeout=60)
    assert result.stdout.split() == expected.split()


def test_the_template_makes_the_prompt_of_training(made: Path) -> None:
    message = "Write a story about Anna.\n\nIs it long?"
    conversation = {"messages": [{"role": "user", "content": message}], "add_generation_prompt": True}
    prompt = subprocess.run([str(ENGINE), "template", "-m", str(made / "model.gguf")], input=json.dumps(conversation),
                            capture_output=True, text=True, timeout=60).stdout
    tokens = subprocess.run([str(ENGINE), "tokenize", "--special", "-m", str(made / "model.gguf")], input=prompt,
                            capture_output=True, text=True, timeout=60).stdout
    expected = with_packages("prompt_tokens.py", str(made), message)
    assert tokens.split() == expected.split()


def test_it_answers_in_the_engine(made: Path) -> None:
    prompt = ("-p", "Write a story about Anna.", "--temp", "0", "-n", "40")
    answer = engine("chat", "-m", str(made / "model.gguf"), *prompt)
    assert answer["text"] and str(answer["text"]).isascii()
    info = engine("info", "-m", str(made / "model.gguf"))
    assert "q4_1" in json.dumps(info).lower()


def test_all_is_reproducible(made: Path, tmp_path: Path) -> None:
    done(tmp_path, "prepare")
    done(tmp_path, "tokenizer")
    for name in ("train.jsonl", "held.jsonl", "names.txt", "tokenizer.json"):
        first, second = ((folder / name).read_bytes() for folder in (made, tmp_path))
        assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest(), name


def test_loss_curves_are_a_picture(made: Path) -> None:
    picture = (made / "loss.svg").read_text()
    assert picture.startswith("<svg") and picture.count("<path d=\"M") >= 4 and "taught" in picture


def test_missing_corpus_says_what_to_do(tmp_path: Path) -> None:
    result = subprocess.run([str(ROOT / "tools" / "distill"), "prepare", "--work", str(tmp_path), "--corpus",
                             str(tmp_path / "none.txt")], capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 1 and "--corpus" in result.stderr and "Traceback" not in result.stderr


def test_a_step_before_its_turn_says_what_to_do(made: Path, tmp_path: Path) -> None:
    result = distill(tmp_path, "export")
    assert result.returncode == 1 and "run the step that makes it first" in result.stderr


def test_what_is_copied_counts_for_more() -> None:
    asked, answered = json.loads(with_packages("copied_words.py"))
    assert asked == ["Anna", "kites", "Anna"] and answered == ["place", "in", "a", "big", "town"]


def test_text_alone_is_trained_on_as_it_is(made: Path) -> None:
    assert json.loads(with_packages("plain_tokens.py", str(made))) == [0, "Anna saw a kite."]


def test_a_grown_student_answers_as_before(made: Path, tmp_path: Path) -> None:
    assert "same" in with_packages("grown.py", str(made), str(tmp_path))


def test_a_file_can_be_trained_on(made: Path, tmp_path: Path) -> None:
    """Its blocks are the weights to start from, bit for bit, and its vocabulary makes the same tokens."""
    for name in ("train.jsonl", "held.jsonl"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    done(tmp_path, "start", "--source", str(made / "model.gguf"))
    assert "same" in with_packages("same_weights.py", str(tmp_path / "grown"), str(made / "model.gguf"))
    first, second = (with_packages("tokens.py", str(work / "tokenizer.json"), TEXT) for work in (made, tmp_path))
    assert first == second
    done(tmp_path, "train", "--without-teacher", "--arithmetic", "f32", "--steps", "10")
    assert losses(tmp_path, "alone")[0] < losses(made, "alone")[0] - FALL_AT_LEAST


def test_what_is_no_such_file_is_not_trained_on(made: Path, tmp_path: Path) -> None:
    for source, words in ((CORPUS, "GGUF"), (tmp_path / "none.gguf", "none.gguf"),
                          (ROOT / "models" / "inkling-tiny-en.gguf", "shape")):
        result = distill(tmp_path, "start", "--source", str(source))
        assert result.returncode == 1 and words in result.stderr and not (tmp_path / "grown").exists()
        assert "Traceback" not in result.stderr


def test_a_finished_run_can_be_the_teacher(made: Path, tmp_path: Path) -> None:
    for name in ("train.jsonl", "held.jsonl", "names.txt"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    done(tmp_path, "teacher", "--source", str(made / "teacher"))
    done(tmp_path, "train", "--stop-at", "60")
    assert "same" in with_packages("same_checkpoint.py", str(made / "taught"), str(tmp_path / "taught"))


def test_a_teacher_of_another_shape_is_refused(made: Path, tmp_path: Path) -> None:
    result = distill(tmp_path, "teacher", "--source", str(made / "alone"))
    assert result.returncode == 1 and "shape" in result.stderr and not (tmp_path / "teacher").exists()
    assert "Traceback" not in result.stderr


def test_seeds_are_evaluated_apart(made: Path, tmp_path: Path) -> None:
    """A second seed's figures and files stand beside the first one's."""
    for name in ("train.jsonl", "held.jsonl", "held.txt", "names.txt", "tokenizer.json"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    for seed in ("1", "2"):
        done(tmp_path, "train", "--without-teacher", "--steps", "8", "--seed", seed)
        done(tmp_path, "evaluate", "--count", "2", "--seed", seed)
    first, second = (json.loads((tmp_path / f"evaluated{suffix}.json").read_text()) for suffix in ("", "-seed2"))
    assert first[0]["file"] != second[0]["file"] and all((tmp_path / row[0]["file"]).exists()
                                                         for row in (first, second))
    assert first[0]["text, bits per byte"] != second[0]["text, bits per byte"]


def test_several_answers_to_each_instruction_are_judged(made: Path) -> None:
    report = json.loads(done(made, "judge", "--count", "3", "--answers", "2"))
    assert report["judged"] == 6
    lines = [json.loads(line) for line in (made / "verdicts-held-model.jsonl").read_text().splitlines()]
    assert [line["prompt"] for line in lines[:3]] == [line["prompt"] for line in lines[3:]]
    assert [line["answer"] for line in lines[:3]] != [line["answer"] for line in lines[3:]]
