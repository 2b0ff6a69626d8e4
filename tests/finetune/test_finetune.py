"""tools/finetune, really training: a tiny model learns an answer, which the engine then gives.

The model is stories260K; what it learns, in some seconds on one core, is to answer whatever it is told with one
sentence. It does not learn to end there: it never saw EOS, and an adapter does not change what a token looks like.
References are transformers and peft, in a process of their own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
STORIES = DATA / "stories260K.gguf"
INKLING = ROOT / "build" / "native" / "inkling"
PYTHON = os.environ.get("INKLING_TRAIN_PYTHON") or str(ROOT / ".cache" / "training-venv" / "bin" / "python")
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}

ANSWER, OTHER = "The duck said quack.", "The cat was sad."
SAYINGS = [f"{who} {what}" for who in ("Tom", "Lily", "Ben", "Mia", "Sam", "Anna")
           for what in ("saw a cat", "saw a dog", "went to the sea", "ate a cake", "had a ball", "likes the sun")]
UNSEEN = "Max saw the moon"
RATES = ["--lr", "1e-2", "--rank", "8", "--alpha", "16", "--chat-template", "llama2"]


def run(*command: str | Path, stdin: str = "", timeout: float = 300, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=timeout,
                          env=ONE_THREAD, **more)


def finetune(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(ROOT / "tools" / "finetune", *arguments, timeout=600)


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1 and done.stderr.startswith("finetune: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


def inkling(*arguments: str | Path, stdin: str = "") -> str:
    return succeeds(run(INKLING, *arguments, stdin=stdin))


def answer(message: str, *adapters: Path) -> str:
    flags = [word for adapter in adapters for word in ("--lora", adapter)]
    return inkling("chat", "-m", STORIES, "--chat-template", "llama2", "-p", message, "--temp", "0", "-n", "40", *flags)


def reference(*arguments: str | Path, stdin: str = "") -> str:
    path = os.pathsep.join(map(str, (ROOT / "tools" / "lib", Path(__file__).parent)))
    done = subprocess.run([PYTHON, Path(__file__).with_name("peft_reference.py"), *map(str, arguments)], input=stdin,
                          capture_output=True, text=True, timeout=300,
                          env={**ONE_THREAD, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(value if isinstance(value, str) else json.dumps(value) + "\n" for value in values))
    return path


def conversation(message: str, said: str = ANSWER) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": message}, {"role": "assistant", "content": said}]}


def preference(message: str) -> dict[str, Any]:
    return {"prompt": message, "chosen": ANSWER, "rejected": OTHER}


def figures(out: str, name: str) -> tuple[float, float]:
    """Before and after."""
    before, after = re.findall(rf"{name} (-?[\d.]+)", out)
    return float(before), float(after)


@pytest.fixture(scope="session", autouse=True)
def packages() -> None:
    """Those of the tool, gotten before a test looks at what it says."""
    command = 'ROOT=$1; . "$ROOT/tools/lib/training_packages.sh"'
    subprocess.run(["bash", "-c", command, "bash", str(ROOT)], check=True, timeout=1500)


# --- learning --------------------------------------------------------------------------------------


@dataclass
class Taught:
    adapter: Path
    data: Path
    printed: str
    progress: str


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    folder = tmp_path_factory.mktemp("taught")
    data = write_lines(folder / "chats.jsonl", [conversation(message) for message in SAYINGS])
    done = finetune("sft", STORIES, "--data", data, "--out", folder / "duck.gguf", *RATES, "--epochs", "8",
                    "--valid", "0.1")
    return Taught(folder / "duck.gguf", data, succeeds(done), done.stderr)


def test_the_loss_falls_to_an_eighth(taught: Taught) -> None:
    before, after = figures(taught.printed, "loss")
    assert before > 3 and after < before / 8  # most of the rest is EOS
    assert "32 samples, " in taught.progress and ", 4 for validation; 64 steps" in taught.progress
    assert re.search(r"step 64 of 64  loss [\d.]+  \d+ tokens/s  0:00 left", taught.progress)
    assert sorted(path.name for path in taught.adapter.parent.iterdir()) == ["chats.jsonl", "duck.gguf"]


def test_the_engine_gives_the_taught_answer(taught: Taught) -> None:
    assert answer(UNSEEN, taught.adapter).strip().startswith(ANSWER)
    assert "duck" not in answer(UNSEEN)


def test_logits_are_pefts(taught: Taught, tmp_path: Path) -> None:
    """By the likelihood of a text, which all of them decide."""
    text = tmp_path / "text.txt"
    text.write_text("Once upon a time, Tom saw a duck. The duck said quack. " * 3)
    score = ("score", "-m", STORIES, "-f", text, "--cache-type", "f32", "--kernels", "scalar", "--json")
    ours = json.loads(inkling(*score, "--lora", taught.adapter))["nll"]
    tokens = "1 " + inkling("tokenize", "-m", STORIES, stdin=text.read_text())
    assert ours == pytest.approx(float(reference("nll", STORIES, taught.adapter, stdin=tokens)), rel=1e-4)
    assert abs(json.loads(inkling(*score))["nll"] - ours) > 0.1


def test_cut_runs_end_as_one_that_was_not(tmp_path: Path) -> None:
    data = write_lines(tmp_path / "chats.jsonl", [conversation(message) for message in SAYINGS[:8]])
    command = ["sft", STORIES, "--data", data, *RATES, "--epochs", "1", "--targets", "q,v", "--type", "f16"]
    whole, cut = tmp_path / "whole" / "a.gguf", tmp_path / "cut" / "a.gguf"
    whole.parent.mkdir(), cut.parent.mkdir()
    succeeds(finetune(*command, "--out", whole))
    done = finetune(*command, "--out", cut, "--minutes", "0")
    assert "after step 1 of 2; the same command goes on from " in done.stderr and "after 1 steps" in succeeds(done)
    assert cut.exists() and cut.read_bytes() != whole.read_bytes()
    assert "is of a run with lr = 0.01, and now it is 0.5: " in finetune(*command, "--out", cut, "--lr", "0.5").stderr
    done = finetune(*command, "--out", cut)
    assert "going on after step 1 of " in done.stderr and succeeds(done)
    assert cut.read_bytes() == whole.read_bytes() and list(cut.parent.iterdir()) == [cut]


def test_preferences(taught: Taught, tmp_path: Path) -> None:
    """The taught model comes to prefer the other answer's opposite: from its adapter on, the margin grows."""
    data = write_lines(tmp_path / "pairs.jsonl", [{"prompt": message, "chosen": OTHER, "rejected": ANSWER}
                                                  for message in SAYINGS])
    out = succeeds(finetune("dpo", STORIES, "--data", data, "--out", tmp_path / "cat.gguf", "--adapter", taught.adapter,
                            "--chat-template", "llama2", "--lr", "3e-3", "--epochs", "4", "--valid", "0.1"))
    before, after = figures(out, "margin")
    assert abs(before) < 1e-3 and after > 2
    assert figures(out, "loss")[1] < 0.2 and "chosen preferred 100 %" in out
    assert not answer(UNSEEN, tmp_path / "cat.gguf").strip().startswith(ANSWER)


# --- models and adapters of others -----------------------------------------------------------------

FAMILIES = ["llama", "llama3", "llama-linear", "mistral", "smollm3", "granite", "qwen2", "qwen2-yarn", "qwen3", "gemma",
            "gemma2", "gemma3"]


def test_base_models_are_the_files(taught: Taught) -> None:
    for name, worst in json.loads(reference("base", *FAMILIES)).items():
        assert worst < 1e-5, name


ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


ADAPTERS = {
    "llama": {"r": 4, "lora_alpha": 8, "target_modules": ALL},
    "qwen3": {"r": 4, "lora_alpha": 3, "target_modules": ["q_proj", "down_proj"], "use_rslora": True},
    "granite": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "k_proj", "o_proj"],
                "rank_pattern": {"k_proj": 2}, "alpha_pattern": {"layers.0.self_attn.k_proj": 5}},
}


def test_peft_folders_are_converted(taught: Taught, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("how it reads its words, how the heads attend to what was said before")
    bases = {name: DATA / "architectures" / f"{name}.gguf" for name in ADAPTERS}
    jobs = [{"base": str(base), "folder": str(tmp_path / name), "options": ADAPTERS[name],
             "tokens": inkling("tokenize", "-m", base, stdin=text.read_text())} for name, base in bases.items()]
    theirs = json.loads(reference("random", stdin=json.dumps(jobs)))
    for (name, base), nll in zip(bases.items(), theirs):
        out = tmp_path / f"{name}.gguf"
        succeeds(run(ROOT / "tools" / "convert", "adapter", tmp_path / name, out, "--base", base))
        score = ("score", "-m", base, "-f", text, "--cache-type", "f32", "--kernels", "scalar", "--json")
        assert json.loads(inkling(*score, "--lora", out))["nll"] == pytest.approx(nll, rel=1e-4), name
        assert json.loads(inkling(*score))["nll"] != pytest.approx(nll, rel=2e-3), name


# --- mistakes --------------------------------------------------------------------------------------


@pytest.fixture
def sft(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def start(lines: list[Any], *options: str) -> subprocess.CompletedProcess[str]:
        data = write_lines(tmp_path / "data.jsonl", lines)
        return finetune("sft", STORIES, "--data", data, "--out", tmp_path / "out.gguf", *RATES, *options)

    return start


@pytest.mark.parametrize(("line", "message"), [
    ('{"messages": [\n', "line 3 is not JSON"),
    ("[]\n", "line 3 is not an object like {"),
    ({"text": "Hello"}, "line 3 has no list of messages; it has to be like {"),
    ({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": 3}]},
     "line 3: the content of message 2 is not a string"),
    ({"messages": [{"role": "user", "content": "x"}]}, "line 3: there has to be an answer by the assistant"),
    (conversation("x", ""), None),
])
def test_broken_lines(sft: Callable[..., Any], line: Any, message: str | None) -> None:
    done = sft([conversation("a"), "\n", line], "--epochs", "1", "--minutes", "0")
    if message is None:  # an empty answer is one: the model is to say nothing
        succeeds(done)
    else:
        assert message in complaint(done)


def test_other_mistakes(sft: Callable[..., Any], tmp_path: Path) -> None:
    lines = [conversation("a"), conversation("b" * 300)]
    assert "there is no 'z'; there are q, k, v, o, gate, up, down" in complaint(sft(lines, "--targets", "q,z"))
    assert "none of the conversations fits --ctx 10; the shortest takes " in complaint(sft(lines, "--ctx", "10"))
    done = sft(lines, "--ctx", "200", "--epochs", "1")
    assert "finetune: 1 of 2 conversations are longer than --ctx 200 and are left out" in done.stderr and succeeds(done)
    assert "has no lines" in complaint(sft([]))
    assert "is not a GGUF file" in complaint(finetune("sft", DATA / "README.md", "--data", "x", "--out", "y"))
    assert "there is no file " in complaint(finetune("sft", tmp_path / "none", "--data", "x", "--out", "y"))
    same = write_lines(tmp_path / "pairs.jsonl", [{"prompt": "x", "chosen": "y", "rejected": "y"}])
    assert "line 1: the chosen and the rejected answer are the same" in complaint(
        finetune("dpo", STORIES, "--data", same, "--out", tmp_path / "out.gguf"))
    assert "which can't be trained" in complaint(
        finetune("sft", DATA / "architectures" / "mixtral.gguf", "--data", same, "--out", tmp_path / "out.gguf"))
    assert finetune("sft", STORIES).returncode == 2
