"""tools/distill: makes a small model of our own, step by step or all at once."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import torch

from . import DistillError
from .prepare import prepare
from .presets import PRESETS, Preset
from .tokenizer import train_tokenizer
from .train import Run, Trainer

ROOT = Path(__file__).resolve().parents[3]


def runs(preset: Preset, seed: int) -> dict[str, Run]:
    """The training runs, by the name of the step."""
    suffix = "" if seed == preset.seed else f"-seed{seed}"
    return {
        "teacher": Run("teacher", preset.teacher, preset.teach, preset.seed),
        "alone": Run(f"alone{suffix}", preset.student, preset.train, seed),
        "taught": Run(f"taught{suffix}", preset.student, preset.train, seed, teacher="teacher",
                      teacher_shape=preset.teacher),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/distill", description=__doc__)
    parser.add_argument("step", choices=("prepare", "tokenizer", "teacher", "train"))
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--work", type=Path, help="folder of everything that is made (default: .cache/distill/PRESET)")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared/data/corpora/snakes.txt.xz")
    parser.add_argument("--without-teacher", action="store_true")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop and save after this long")
    parser.add_argument("--stop-at", type=int, default=0, help="stop and save at this step")
    parser.add_argument("--steps", type=int, default=0, help="a schedule of this many steps rather than the preset's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


def main() -> int:
    options = arguments()
    preset = PRESETS[options.preset]
    work = options.work or ROOT / ".cache/distill" / options.preset
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16
    if options.step == "prepare":
        prepare(options.corpus, preset, work)
    elif options.step == "tokenizer":
        train_tokenizer(preset, work)
    else:
        name = "teacher" if options.step == "teacher" else "alone" if options.without_teacher else "taught"
        run = runs(preset, options.seed or preset.seed)[name]
        if options.steps:
            run = replace(run, schedule=replace(run.schedule, steps=options.steps, decay=options.steps // 4))
        trainer = Trainer(run, preset, work, device, dtype, device.type == "cuda")
        print(f"{run.name}: {trainer.model.count() / 1e6:.2f} million weights, "
              f"{len(trainer.batches.tokens.flat) / 1e6:.2f} million tokens", file=sys.stderr)
        trainer.train(options.minutes, options.stop_at)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DistillError as error:
        print(f"distill: {error}", file=sys.stderr)
        sys.exit(1)
