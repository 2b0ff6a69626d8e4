"""tools/distill: makes a small model of our own, step by step or all at once."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

from . import DistillError, checkpoint
from .compare import Comparer, compare
from .evaluate import engine_score, score_answers, score_windows
from .export import export, load_model
from .from_gguf import start_from_file
from .grow import grow
from .instructions import Record
from .judge import chosen, judge, report, write_verdicts
from .model import Model
from .picture import picture, read_curve
from .prefer import PreferenceTrainer
from .prepare import prepare, read_lines
from .presets import PRESETS, Preset
from .quantize import quantize_weights
from .tokenizer import train_tokenizer
from .train import Run, Trainer

ROOT = Path(__file__).resolve().parents[3]
GROWN = "grown"  # the weights that a student starts from, where there are any
DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32}
WINDOWS = 40  # of plain held-out text that are scored


class Unfinished(Exception):
    """A training run was stopped before its schedule's end; not a failure."""


def seed_suffix(preset: Preset, seed: int) -> str:
    """What is made with a seed other than the preset's is kept apart from the rest by this end of its name."""
    return "" if seed == preset.seed else f"-seed{seed}"


def runs(preset: Preset, seed: int) -> dict[str, Run]:
    """The training runs by name. Seeds but the preset's own show how far chance goes."""
    suffix = seed_suffix(preset, seed)
    student = Run(f"alone{suffix}", preset.student, preset.train, seed)
    taught = replace(student, name=f"taught{suffix}", teacher="teacher", teacher_shape=preset.teacher)
    found = {"teacher": Run("teacher", preset.teacher, preset.teach, preset.seed), "alone": student, "taught": taught}
    for name, start in (("alone", student), ("taught", taught)):
        # The teacher of the quantised weights is what they were before: it knows the same, and costs little.
        found[f"{name}-quantized"] = Run(f"{name}-quantized{suffix}", preset.student, preset.quantize, seed,
                                         start=start.name, teacher=start.name, teacher_shape=preset.student,
                                         quantized=True)
        found[f"{name}-preferred"] = Run(f"{name}-preferred{suffix}", preset.student, preset.prefer, seed,
                                         start=f"{start.name}-quantized", quantized=True)
    return found


class Steps:
    """What each subcommand does, with the command line's options."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.preset = PRESETS[options.preset]
        self.work: Path = options.work or ROOT / ".cache/distill" / options.preset
        self.work.mkdir(parents=True, exist_ok=True)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.seed: int = options.seed or self.preset.seed
        self.runs = runs(self.preset, self.seed)

    def train(self, name: str) -> None:
        run = self.runs[name]
        if (name == "alone" or not (self.work / run.start).exists()) and (self.work / GROWN).exists():
            run = replace(run, start=GROWN)
        if self.options.steps:
            decay = self.options.decay or self.options.steps // 4
            run = replace(run, schedule=replace(run.schedule, steps=self.options.steps, decay=decay))
        kind = PreferenceTrainer if name.endswith("-preferred") else Trainer
        trainer = kind(run, self.preset, self.work, self.device, DTYPES[self.options.arithmetic],
                       self.options.threads, self.options.compile)
        print(f"{run.name}: {trainer.model.count() / 1e6:.2f} million weights, "
              f"{len(trainer.batches.tokens.flat) / 1e6:.2f} million tokens", file=sys.stderr)
        if not trainer.train(self.options.minutes, self.options.stop_at):
            raise Unfinished(f"{run.name} stands at step {trainer.step} of {run.schedule.steps}; "
                             "the same command goes on from there")

    def model(self, name: str) -> Model:
        run = self.runs[name]
        return load_model(self.work, run.name, run.shape, self.preset.vocabulary)

    def adopt_teacher(self) -> None:
        """The finished run in --source as the teacher, with the vocabulary that it shares with its student."""
        source: Path = self.options.source
        weights = checkpoint.load_weights(source)
        shapes = {name: tuple(value.shape) for name, value in weights.items()}
        if shapes != {name: tuple(value.shape) for name, value in Model(self.preset.teacher, self.preset.vocabulary)
                      .state_dict().items()}:
            raise DistillError(f"{source} is not of the shape of the preset's teacher, {self.preset.teacher}, with "
                               f"{self.preset.vocabulary} tokens")
        shutil.copyfile(source.parent / "tokenizer.json", self.work / "tokenizer.json")
        checkpoint.save(self.work / self.runs["teacher"].name, {"model": weights})

    def held(self) -> list[Record]:
        return read_lines(self.work / f"{self.options.split}.jsonl")

    def export(self, name: str, out: Path, block_type: str) -> None:
        export(self.model(name), self.preset, self.work, out, self.options.name, block_type,
               self.preset.embedding_type)

    def exported(self) -> Path:
        path: Path = self.options.out or self.work / "model.gguf"
        return path

    def evaluate(self) -> None:
        """One row for each way to get the same student: its held-out bits per byte, by PyTorch and by the engine."""
        torch.set_num_threads(os.cpu_count() or 1)
        rows = []
        for name in ("alone", "taught"):
            if checkpoint.load(self.work / self.runs[name].name) is None:
                continue
            rows.append(self.row(name, name, "F32"))
            rows.append(self.row(f"{name}, quantised after training", name, self.preset.block_type))
            if checkpoint.load(self.work / self.runs[f"{name}-quantized"].name) is not None:
                rows.append(self.row(f"{name}, trained quantised", f"{name}-quantized", self.preset.block_type))
        file = self.work / f"evaluated{seed_suffix(self.preset, self.seed)}.json"
        file.write_text(json.dumps(rows, indent=2) + "\n")
        print(json.dumps(rows, indent=2))

    def row(self, title: str, name: str, block_type: str) -> dict[str, object]:
        model = self.model(name)
        if block_type != "F32":
            quantize_weights(model, block_type, self.preset.embedding_type)
        answers = score_answers(model, self.held()[: self.options.count], self.work, self.preset.context)
        window = min(512, self.preset.context)
        text = self.work / "held.txt"
        plain = score_windows(model, text.read_text(encoding="utf-8"), self.work, window, WINDOWS)
        file = self.work / f"{self.runs[name].name}-{block_type}.gguf"
        self.export(name, file, block_type)
        nats, scored = engine_score(self.options.engine, file, text, window, WINDOWS)
        return {"model": title, "file": file.name, "file MB": round(file.stat().st_size / 1e6, 2),
                "answers, bits per byte": round(answers.bits_per_byte, 4),
                "text, bits per byte": round(plain.bits_per_byte, 4),
                "text by the engine, bits per byte": round(nats * scored / math.log(2) / plain.bytes, 4)}

    def judge(self) -> None:
        lines = chosen(self.held(), self.options.count, self.work, self.preset.context)
        file = self.exported()
        verdicts = judge(self.options.engine, file, lines, self.options.temperature, self.preset.context,
                         self.options.answers)
        write_verdicts(self.work / f"verdicts-{self.options.split}-{file.stem}.jsonl", verdicts)
        print(json.dumps(report(verdicts), indent=2))

    def samples(self) -> None:
        """Answers to the first ten instructions, unpicked, as Markdown."""
        lines = chosen(self.held(), 10, self.work, self.preset.context)
        for verdict in judge(self.options.engine, self.exported(), lines, self.options.temperature,
                             self.preset.context):
            quoted = verdict.prompt.replace("\n", "\n> ")
            print(f"> {quoted}\n\n{verdict.answer}\n")

    def compare(self) -> None:
        if not self.options.source or not self.options.scorer:
            raise DistillError("compare needs --source, the student's file, and --scorer, that of a model that knows "
                               "more English")
        comparer = Comparer(self.options.engine, self.options.source, self.options.scorer, self.preset.context,
                            self.options.answers, self.seed)
        compare(comparer, self.options.count, self.work)

    def picture(self) -> None:
        curves = {path.stem: read_curve(path) for path in sorted(self.work.glob("*.csv"))}
        picture(curves, self.work / "loss.svg")

    def all(self) -> None:
        prepare(self.options.corpus, self.preset, self.work)
        train_tokenizer(self.preset, self.work)
        for name in ("teacher", "alone", "taught", "taught-quantized"):
            self.train(name)
        self.export("taught-quantized", self.exported(), self.preset.block_type)
        self.evaluate()
        self.judge()
        self.picture()


STEPS = ("prepare", "tokenizer", "grow", "start", "teacher", "train", "quantize-aware", "compare", "prefer",
         "export", "evaluate", "judge", "samples", "picture", "all")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/distill", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--work", type=Path, help="folder of everything that is made (default: .cache/distill/PRESET)")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared/data/corpora/snakes.txt.xz")
    parser.add_argument("--source", type=Path, help="grow: the work folder of the smaller student; "
                        "start: a GGUF file that export wrote; teacher: a finished run's folder, whose weights are taken "
                        "rather than trained; compare: the student's GGUF file")
    parser.add_argument("--scorer", type=Path, help="compare: the GGUF file of a model that knows more English")
    parser.add_argument("--without-teacher", action="store_true", help="the student that learns from the text alone")
    parser.add_argument("--minutes", type=float, default=1e9, help="training: stop and save after this long")
    parser.add_argument("--stop-at", type=int, default=0, help="training: stop and save at this step")
    parser.add_argument("--steps", type=int, default=0, help="training: this many steps rather than the preset's")
    parser.add_argument("--decay", type=int, default=0, help="with --steps: how many of them decay (default: 1/4)")
    parser.add_argument("--seed", type=int, default=0, help="a training seed other than the preset's")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--arithmetic", choices=DTYPES, default="bf16", help="training: f32 is faster on processors "
                        "that have no AVX512-BF16, and on Intel's (default: bf16)")
    parser.add_argument("--compile", action="store_true", help="training: by torch.compile, which pays on a GPU")
    parser.add_argument("--engine", type=Path, default=ROOT / "build/native/inkling")
    parser.add_argument("--out", type=Path, help="the exported file (default: model.gguf in the work folder)")
    parser.add_argument("--name", default="Inkling Tiny English", help="general.name of the exported file")
    parser.add_argument("--count", type=int, default=100, help="held-out instructions that are scored or judged; "
                        "compare: training instructions that are answered")
    parser.add_argument("--answers", type=int, default=1, help="judge, compare: answers to each instruction")
    parser.add_argument("--split", choices=("held", "valid"), default="held",
                        help="what is scored or judged: valid for all decisions, held for the end")
    parser.add_argument("--temperature", type=float, default=0.5, help="of the judged answers")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    torch.use_deterministic_algorithms(True)
    steps = Steps(options)
    student = "alone" if options.without_teacher else "taught"
    if options.step == "prepare":
        prepare(options.corpus, steps.preset, steps.work)
    elif options.step == "tokenizer":
        train_tokenizer(steps.preset, steps.work)
    elif options.step == "grow":
        if not options.source:
            raise DistillError("grow needs --source, the work folder of the smaller student")
        grow(options.source, student, GROWN, steps.preset, steps.work)
    elif options.step == "start":
        if not options.source:
            raise DistillError("start needs --source, a GGUF file that export wrote")
        start_from_file(options.source, GROWN, steps.preset, steps.work)
    elif options.step == "teacher":
        if options.source:
            steps.adopt_teacher()
        else:
            steps.train("teacher")
    elif options.step == "train":
        steps.train(student)
    elif options.step == "quantize-aware":
        steps.train(f"{student}-quantized")
    elif options.step == "prefer":
        steps.train(f"{student}-preferred")
    elif options.step == "export":
        last = next((name for name in (f"{student}-preferred", f"{student}-quantized")
                     if (steps.work / steps.runs[name].name).exists()), student)
        steps.export(last, steps.exported(), steps.preset.block_type)
    else:
        getattr(steps, options.step)()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unfinished as pause:
        print(f"distill: {pause}", file=sys.stderr)
        sys.exit(3)
    except DistillError as error:
        print(f"distill: {error}", file=sys.stderr)
        sys.exit(1)
