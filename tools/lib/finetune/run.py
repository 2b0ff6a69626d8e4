"""One run: reads base and data, trains, writes the adapter. The commands sft and dpo differ in data and loss."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
import transformers
from convert import adapter as adapters
from convert import numbers
from convert.adapter import Base
from convert.gguf_file import GgufFile

from . import base_model, data, lora, train
from .data import Sample
from .errors import FinetuneError
from .losses import CrossEntropy, DirectPreference, Preference
from .train import Settings, Training, file_digest, say

NOT_OF_THE_RESULT = {"command", "out", "minutes", "base", "data", "adapter", "type"}  # options that a resumed run may change


# --- data ------------------------------------------------------------------------------------------


def _within(groups: list[list[Any]], length: Callable[[Any], int], ctx: int, what: str) -> list[list[Any]]:
    """Without what is longer than the context, and a word about that."""
    lengths = [max(map(length, group)) for group in groups]
    fitting = [group for group, n in zip(groups, lengths) if n <= ctx]
    if len(fitting) < len(groups):
        say(f"finetune: {len(groups) - len(fitting)} of {len(groups)} {what} are longer than --ctx {ctx} and left out; "
            f"the longest takes {max(lengths)} tokens")
    if not fitting:
        raise FinetuneError(f"none of the {what} fit --ctx {ctx}; the shortest takes {min(lengths)} tokens")
    return fitting


def _split(groups: list[list[Any]], fraction: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Items to train on and to validate with; those of one line stay together."""
    order = list(groups)
    random.Random(seed).shuffle(order)
    n_valid = min(round(fraction * len(order)), len(order) - 1)
    return [item for group in order[n_valid:] for item in group], [item for group in order[:n_valid] for item in group]


# --- device ----------------------------------------------------------------------------------------


def _device(wanted: str) -> torch.device:
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise FinetuneError("--device cuda: PyTorch finds no usable GPU here")
    return torch.device(wanted)


def _precision(wanted: str, device: torch.device) -> str:
    """bf16 where the GPU computes in it; on CPUs f32, as few are faster in bf16."""
    if wanted != "auto":
        return wanted
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "f32"


def _autocast(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    if precision == "f32":
        return contextlib.nullcontext
    return lambda: torch.autocast(device.type, torch.bfloat16)


# --- the run ---------------------------------------------------------------------------------------


def _settings(arguments: argparse.Namespace, precision: str) -> Settings:
    options = {name: value for name, value in vars(arguments).items() if name not in NOT_OF_THE_RESULT}
    files = {name: file_digest(path) for name in ("base", "data", "adapter") if (path := getattr(arguments, name))}
    fingerprint = {"command": arguments.command, **options, **files, "precision": precision}
    return Settings(arguments.lr, arguments.epochs, arguments.batch, arguments.seed, arguments.minutes,
                    arguments.out.with_name(arguments.out.name + ".checkpoint"), fingerprint)


def _model(arguments: argparse.Namespace, device: torch.device, precision: str) -> tuple[Any, GgufFile, Base]:
    warnings.filterwarnings("ignore", category=FutureWarning)  # among the libraries themselves
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model, file = base_model.load(arguments.base)
    base = Base(file.architecture, file.n_layer, file.n_head, file.n_head_kv)
    if precision == "bf16":
        model.to(torch.bfloat16)  # the frozen weights, once; autocast would do it at every step
    start = adapters.read(arguments.adapter) if arguments.adapter else None
    shape = (lora.shape_of(arguments.adapter, start) if start
             else lora.Shape(arguments.rank, arguments.alpha, lora.parse_targets(arguments.targets)))
    wrapped = lora.wrap(model, shape, arguments.seed)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if start:
        lora.fill(wrapped, arguments.adapter, start, base)
    return wrapped.to(device).train(), file, base


def _items(arguments: argparse.Namespace, file: GgufFile) -> tuple[list[Any], list[Any]]:
    ctx = min(arguments.ctx, int(file.need("context_length")))
    if arguments.command == "sft":
        groups = data.conversations(file, arguments.data, arguments.chat_template)
        groups = _within(groups, lambda sample: len(sample.tokens), ctx, "conversations")
    else:
        pairs = data.preferences(file, arguments.data, arguments.chat_template)
        length = DirectPreference(arguments.beta).length
        groups = _within([[Preference(pair)] for pair in pairs], length, ctx, "pairs")
    return _split(groups, arguments.valid, arguments.seed)


def _remember(training: Training[Preference], objective: DirectPreference) -> None:
    """The model's probabilities before training: computed at the first start, later the checkpoint's."""
    everything = [*training.items, *training.valid]
    if "reference" not in training.state.extra:
        with torch.no_grad(), training.precision():
            for batch in training.fixed_batches(everything):
                objective.remember(training.model, batch)
        training.state.extra["reference"] = [(item.chosen, item.rejected) for item in everything]
    for item, (chosen, rejected) in zip(everything, training.state.extra["reference"]):
        item.chosen, item.rejected = chosen, rejected


def _figures(means: dict[str, float]) -> str:
    names = {"loss": "loss", "margin": "margin", "preferred": "chosen preferred"}
    return ", ".join(f"{names[name]} {100 * value:.0f} %" if name == "preferred" else f"{names[name]} {value:.4f}"
                     for name, value in means.items())


def _describe(arguments: argparse.Namespace, training: Training[Any], device: torch.device, precision: str) -> None:
    n = sum(p.numel() for p in training.parameters)
    items = f"{len(training.items)} {'samples' if arguments.command == 'sft' else 'pairs'}"
    if arguments.command == "sft":
        counted = sum(end - begin for item in training.items for begin, end in item.answers)
        items += f", {counted} tokens of answers in {sum(map(training.objective.tokens, training.items))}"
    say(f"finetune: {n / 1e6:.2f} million parameters; {items}, {len(training.valid)} for validation; "
        f"{training.n_steps} steps on {device.type} in {precision}")
    if training.state.step:
        say(f"finetune: going on after step {training.state.step} of {training.settings.checkpoint}")


def _write(arguments: argparse.Namespace, model: Any, base: Base) -> None:
    partial = arguments.out.with_name(arguments.out.name + ".partial")
    adapters.write(lora.to_adapter(model, base), partial, arguments.out.stem, numbers.TYPES[arguments.type])
    os.replace(partial, arguments.out)


def run(arguments: argparse.Namespace) -> None:
    start = time.monotonic()
    device = _device(arguments.device)
    precision = _precision(arguments.precision, device)
    settings = _settings(arguments, precision)
    model, file, base = _model(arguments, device, precision)
    items, valid = _items(arguments, file)
    objective = CrossEntropy() if arguments.command == "sft" else DirectPreference(arguments.beta)
    training = Training(model, objective, items, valid, settings, _autocast(precision, device))
    _describe(arguments, training, device, precision)
    if isinstance(objective, DirectPreference):
        _remember(training, objective)
    watched, name = (valid, "validation") if valid else (items, "training data")
    if not training.state.before:
        training.state.before = training.evaluate(watched)
        say(f"{name} before: {_figures(training.state.before)}")
    done = training.run()
    after = training.evaluate(watched)
    _write(arguments, model, base)
    print(f"{name} before: {_figures(training.state.before)}; after{'' if done else f' {training.state.step} steps'}: "
          f"{_figures(after)}")
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB, {time.monotonic() - start:.0f} s")
    if done:
        settings.checkpoint.unlink(missing_ok=True)
    else:
        say(f"finetune: the {arguments.minutes:g} minutes are over after step {training.state.step} of "
            f"{training.n_steps}; the same command goes on from {settings.checkpoint}")
