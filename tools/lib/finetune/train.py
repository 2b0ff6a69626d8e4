"""The training loop that both objectives share: batches, schedule, progress, checkpoints, the clock."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

import peft
import torch

from . import lora
from .errors import FinetuneError
from .losses import Item, Objective

WARM_UP = 0.05  # of the steps
GRADIENT_NORM = 1.0
NEIGHBOURS = 16  # batches whose items are sorted by length among themselves, so that little is padded
SECONDS_BETWEEN_LINES, SECONDS_BETWEEN_CHECKPOINTS = 5.0, 120.0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Settings:
    learning_rate: float
    epochs: int
    batch: int
    seed: int
    minutes: float | None
    checkpoint: Path
    fingerprint: dict[str, Any]  # all that a checkpoint has to agree with


@dataclass
class State:
    """What a run has come to, beside the model and the optimiser."""

    step: int = 0
    before: dict[str, float] = field(default_factory=dict)  # of validation
    extra: dict[str, Any] = field(default_factory=dict)  # the objective's own


# --- batches and schedule --------------------------------------------------------------------------


def batches(items: list[Item], size: int, length: Callable[[Item], int], seed: int) -> list[list[Item]]:
    """One epoch's, in random order, each of items of similar length."""
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(items), generator=random).tolist()
    cut = []
    for at in range(0, len(order), NEIGHBOURS * size):
        near = sorted(order[at : at + NEIGHBOURS * size], key=lambda i: length(items[i]))
        cut += [near[i : i + size] for i in range(0, len(near), size)]
    return [[items[i] for i in cut[place]] for place in torch.randperm(len(cut), generator=random).tolist()]


def learning_rate(step: int, n_steps: int, peak: float) -> float:
    """Linear warm-up, then half a cosine down to a tenth."""
    warm = max(1, round(WARM_UP * n_steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.55 + 0.45 * math.cos(math.pi * (step - warm) / max(1, n_steps - warm)))


# --- checkpoints -----------------------------------------------------------------------------------


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(settings: Settings, state: State, model: peft.PeftModel, optimizer: torch.optim.Optimizer) -> None:
    partial = settings.checkpoint.with_name(settings.checkpoint.name + ".partial")
    torch.save({"fingerprint": json.dumps(settings.fingerprint, sort_keys=True), "state": vars(state),
                "adapter": lora.state(model), "optimizer": optimizer.state_dict()}, partial)
    os.replace(partial, settings.checkpoint)


def _resume(settings: Settings, model: peft.PeftModel, optimizer: torch.optim.Optimizer) -> State:
    """A State of step 0 where there is no checkpoint."""
    if not settings.checkpoint.exists():
        return State()
    try:
        saved = torch.load(settings.checkpoint, weights_only=True, map_location="cpu")
        theirs = json.loads(saved["fingerprint"])
    except Exception as error:  # torch raises what its reader happens to run into
        raise FinetuneError(f"{settings.checkpoint} can't be read ({error}): delete it to start anew") from error
    for name, value in settings.fingerprint.items():
        if theirs.get(name) != value:
            raise FinetuneError(f"{settings.checkpoint} is of a run with {name} = {theirs.get(name)}, and now it is "
                                f"{value}: run with the same options, or delete it to start anew")
    peft.set_peft_model_state_dict(model, saved["adapter"])
    optimizer.load_state_dict(saved["optimizer"])
    return State(**saved["state"])


# --- the loop --------------------------------------------------------------------------------------


class Clock:
    """How fast it goes, and how long it still takes."""

    def __init__(self) -> None:
        self.start = self.spoken = self.saved = time.monotonic()
        self.steps = self.tokens = 0

    def line(self, step: int, n_steps: int, loss: float) -> str:
        passed = time.monotonic() - self.start
        left = passed / self.steps * (n_steps - step)
        return (f"step {step} of {n_steps}  loss {loss:.3f}  {self.tokens / passed:.0f} tokens/s  "
                f"{int(left) // 60}:{int(left) % 60:02} left")


class Training(Generic[Item]):
    def __init__(self, model: peft.PeftModel, objective: Objective[Item], items: list[Item], valid: list[Item],
                 settings: Settings, precision: Callable[[], AbstractContextManager[Any]]) -> None:
        self.model, self.objective, self.items, self.valid = model, objective, items, valid
        self.settings, self.precision = settings, precision
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=settings.learning_rate, weight_decay=0.0)
        self.per_epoch = math.ceil(len(items) / settings.batch)
        self.n_steps = settings.epochs * self.per_epoch
        self.state = _resume(settings, model, self.optimizer)

    def fixed_batches(self, items: list[Item]) -> Iterator[list[Item]]:
        ordered = sorted(items, key=self.objective.length)
        for at in range(0, len(ordered), self.settings.batch):
            yield ordered[at : at + self.settings.batch]

    def evaluate(self, items: list[Item]) -> dict[str, float]:
        """The mean loss, and the objective's other means."""
        total, count, sums = 0.0, 0, {}
        with torch.no_grad(), self.precision():
            for batch in self.fixed_batches(items):
                found = self.objective.measure(self.model, batch)
                total, count = total + float(found.total), count + found.count
                for name, value in found.sums.items():
                    sums[name] = sums.get(name, 0.0) + value
        return {"loss": total / count, **{name: value / count for name, value in sums.items()}}

    def _step(self, batch: list[Item]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.state.step, self.n_steps, self.settings.learning_rate)
        with self.precision():
            found = self.objective.measure(self.model, batch)
        loss = found.total / found.count
        if not math.isfinite(loss.item()):
            raise FinetuneError(f"the loss is {loss.item()} at step {self.state.step + 1}: try a smaller --lr")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, GRADIENT_NORM)
        self.optimizer.step()
        self.state.step += 1
        return loss.item()

    def _todo(self) -> Iterator[list[Item]]:
        for epoch in range(self.state.step // self.per_epoch, self.settings.epochs):
            cut = batches(self.items, self.settings.batch, self.objective.length, self.settings.seed + epoch)
            yield from cut[self.state.step - epoch * self.per_epoch :]

    def run(self) -> bool:
        """Trains from where the state is. False: the time was up before the end; the checkpoint is written."""
        clock, limit, recent = Clock(), self.settings.minutes, 0.0
        for batch in self._todo():
            loss = self._step(batch)
            recent = loss if clock.steps == 0 else 0.9 * recent + 0.1 * loss
            clock.steps += 1
            clock.tokens += sum(map(self.objective.tokens, batch))
            now, last = time.monotonic(), self.state.step == self.n_steps
            if now - clock.spoken >= SECONDS_BETWEEN_LINES or last:
                clock.spoken = now
                say(clock.line(self.state.step, self.n_steps, recent))
            over = limit is not None and now - clock.start >= 60 * limit
            if not last and (over or now - clock.saved >= SECONDS_BETWEEN_CHECKPOINTS):
                clock.saved = now
                _save(self.settings, self.state, self.model, self.optimizer)
            if over and not last:
                return False
        return True
