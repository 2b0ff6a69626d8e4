"""One run: reads base and data, trains, writes the adapter. The commands sft and dpo differ in data and loss."""

from __future__ import annotations

import argparse
import contextlib
import os
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

from . import base_model, lora
from .errors import FinetuneError
from .losses import CrossEntropy, DirectPreference, Preference
from .prepare import Prepared
from .train import Settings, Training, file_digest, say

MAY_CHANGE = {"command", "out", "minutes", "base", "data", "adapter", "type"}  # when a run is resumed; files by content


# --- device ----------------------------------------------------------------------------------------


def _device(wanted: str) -> torch.device:
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise FinetuneError("--device cuda: PyTorch finds no usable GPU here")
    if not there:  # transformers asks it all the same, and the libraries of torch_on_cpu.py have no streams
        torch.cuda.is_current_stream_capturing = lambda: False
    return torch.device("cuda" if there and wanted != "cpu" else "cpu")


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
    options = {name: value for name, value in vars(arguments).items() if name not in MAY_CHANGE}
    files = {name: file_digest(path) for name in ("base", "data", "adapter") if (path := getattr(arguments, name))}
    fingerprint = {"command": arguments.command, **options, **files, "precision": precision}
    return Settings(arguments.lr, arguments.epochs, arguments.batch, arguments.seed, arguments.minutes,
                    arguments.out.with_name(arguments.out.name + ".checkpoint"), fingerprint)


def _model(arguments: argparse.Namespace, prepared: Prepared, device: torch.device, precision: str) -> tuple[Any, Base]:
    warnings.filterwarnings("ignore", category=FutureWarning)  # among the libraries themselves
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    file = prepared.base
    base = Base(file.architecture, file.n_layer, file.n_head, file.n_head_kv)
    model = base_model.load(file)
    if precision == "bf16":
        model.to(torch.bfloat16)  # the frozen weights, once; autocast would do it at every step
    wrapped = lora.wrap(model, prepared.shape, arguments.seed)
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if prepared.start:
        lora.fill(wrapped, arguments.adapter, prepared.start, base)
    return wrapped.to(device).train(), base


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


def run(arguments: argparse.Namespace, prepared: Prepared) -> None:
    start = time.monotonic()
    device = _device(arguments.device)
    precision = _precision(arguments.precision, device)
    settings = _settings(arguments, precision)
    model, base = _model(arguments, prepared, device, precision)
    items, valid, objective = prepared.items, prepared.valid, CrossEntropy()
    if arguments.command == "dpo":
        items, valid = [Preference(pair) for pair in items], [Preference(pair) for pair in valid]
        objective = DirectPreference(arguments.beta)
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
