"""The training loop of the steps `teacher`, `train` and `quantize-aware`: one run, stopped and resumed at will."""

from __future__ import annotations

import csv
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import checkpoint
from .data import IGNORED, SHORT, Batches, load_tokens
from .model import Model
from .presets import Preset, Schedule, Shape
from .quantize import fake_quantize_model

SAVE_EVERY_S = 60
LOG_EVERY = 10
PARTS = 2  # of a batch on a CPU
LEAST_WEIGHT = 0.6  # share of what words to be copied weigh more, that stays when the rate falls


Gradients = tuple[Tensor, ...]  # of each parameter


@dataclass
class Run:
    """What tells one training run from another."""

    name: str  # its checkpoint's folder and its log in the work folder
    shape: Shape
    schedule: Schedule
    seed: int
    start: str = ""  # the run whose weights it starts from
    teacher: str = ""  # the run that teaches it
    teacher_shape: Shape | None = None
    quantized: bool = False


def rate(schedule: Schedule, step: int) -> float:
    """The share of the full learning rate at `step`: up, level, and down to nothing."""
    up = (step + 1) / schedule.warmup
    down = (schedule.steps - step) / schedule.decay
    return min(1.0, up, down)


def optimizers(model: Model, schedule: Schedule) -> list[torch.optim.Optimizer]:
    """Muon for the matrices, whose rows and columns it balances; Adam for the embedding and the norms.

    Muon's work is in two halves, which can be done side by side.
    """
    matrices = [matrix.weight for matrix in model.matrices().values()]
    others = [parameter for name, parameter in model.named_parameters()
              if not any(parameter is matrix for matrix in matrices)]
    muons = [torch.optim.Muon(half, lr=schedule.muon_rate, weight_decay=schedule.weight_decay, momentum=0.95)
             for half in (matrices[::2], matrices[1::2])]
    return [*muons, torch.optim.Adam(others, lr=schedule.adam_rate, betas=(0.9, 0.999), eps=1e-10)]


def distillation_loss(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Hinton et al. 2015: the teacher's softened distribution as the target, scaled back by the temperature.

    Both are [tokens, vocabulary]; the result is [tokens].
    """
    student = F.log_softmax(logits / temperature, -1)
    target = F.log_softmax(teacher / temperature, -1)
    return F.kl_div(student, target, log_target=True, reduction="none").sum(-1) * temperature**2


def added(mine: Gradients, theirs: Gradients) -> Gradients:
    return tuple(one + other for one, other in zip(mine, theirs, strict=True))


class Clock:
    """Time that the run was given: a process that others stop for a while has not used it up."""

    def __init__(self, device: torch.device, threads: int) -> None:
        self.device, self.threads = device, threads
        self.start = self.now()

    def now(self) -> float:
        if self.device.type == "cpu":
            return time.process_time() / self.threads
        return time.monotonic()

    def seconds(self) -> float:
        return self.now() - self.start


class Trainer:
    def __init__(self, run: Run, preset: Preset, work: Path, device: torch.device, dtype: torch.dtype,
                 threads: int, compiled: bool) -> None:
        self.run, self.preset, self.work, self.device, self.dtype = run, preset, work, device, dtype
        torch.manual_seed(run.seed)
        self.model = Model(run.shape, preset.vocabulary).to(device)
        if run.start:
            self.model.load_state_dict(checkpoint.load_weights(work / run.start))
        if run.quantized:
            fake_quantize_model(self.model, preset.block_type, preset.embedding_type)
        self.teacher: Model | None = None
        if run.teacher:
            assert run.teacher_shape
            self.teacher = Model(run.teacher_shape, preset.vocabulary).to(device).requires_grad_(False)
            self.teacher.load_state_dict(checkpoint.load_weights(work / run.teacher))
        self.parameters = list(self.model.parameters())
        self.optimizers = optimizers(self.model, run.schedule)
        self.pool: ThreadPoolExecutor | None = None
        if device.type == "cpu":
            torch.set_num_threads(1)
            self.pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        self.threads = threads
        tokens = load_tokens(preset, work, "train")
        self.batches = Batches(tokens, run.schedule.batch_tokens, run.seed)
        self.short = Batches(tokens, run.schedule.batch_tokens, run.seed, SHORT)
        self.step, self.spent = 0, 0.0
        self.recent: list[float] = []  # losses since the last line of the log
        self.log: list[tuple[int, float, float]] = []  # step, loss on the text in nats a token, seconds
        self.forward: Any = torch.compile(self.model, dynamic=True) if compiled else self.model
        self.teach: Any = torch.compile(self.teacher, dynamic=True) if compiled and self.teacher else self.teacher
        self.resume()

    def resume(self) -> None:
        state = checkpoint.load(self.work / self.run.name)
        if state is not None:
            self.restore(state)
            print(f"{self.run.name}: going on at step {self.step}", file=sys.stderr)

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["rng"])
        self.step, self.spent, self.log = state["step"], state["spent"], state["log"]
        self.recent = state["recent"]
        self.batches.position, self.short.position = state["position"], state["short"]

    def state(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "rng": torch.get_rng_state(), "step": self.step, "spent": self.spent, "log": self.log,
                "recent": self.recent, "position": self.batches.position, "short": self.short.position}

    def save(self) -> None:
        checkpoint.save(self.work / self.run.name, self.state())
        with (self.work / f"{self.run.name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("step", "loss", "seconds"), *self.log])

    def part(self, inputs: Tensor, targets: Tensor, copied: Tensor, count: int) -> tuple[Tensor, Gradients]:
        """Some rows' share of the loss on the text, and of the gradients, in a batch with `count` targets."""
        kept = targets != IGNORED
        logits = self.forward(inputs, self.dtype, kept).float()
        losses = F.cross_entropy(logits, targets[kept], reduction="none")
        text_loss = losses.sum() / count
        if self.teacher:
            with torch.no_grad():
                teacher_logits = self.teach(inputs, self.dtype, kept).float()
            taught = distillation_loss(logits, teacher_logits, self.preset.temperature)
            losses = (1 - self.preset.teacher_share) * losses + self.preset.teacher_share * taught
        loss = losses.sum() / count
        if self.preset.copy_weight != 1.0:
            more = (self.preset.copy_weight - 1) * max(LEAST_WEIGHT, rate(self.run.schedule, self.step))
            loss = loss + more * losses[copied[kept]].sum() / count
        return text_loss.detach(), torch.autograd.grad(loss, self.parameters)

    def one_step(self) -> float:
        """The loss on the text (nats a token) of one batch, after which the weights are changed.

        On a CPU the rows are worked on in parts, side by side, each by one thread: that needs no waiting between
        two operations. Sums are taken in the parts' order, so the number of threads changes no bit.
        """
        loss, total = self.gradients()
        self.change(total)
        return loss

    def gradients(self) -> tuple[float, Gradients]:
        """The loss on the text of the next batch, and the gradients of all that is minimised."""
        lessons = any(first <= self.step < last for first, last in self.run.schedule.short)
        batches = self.short if lessons else self.batches
        batch = [whole.to(self.device, non_blocking=True) for whole in batches.next()]
        count = int((batch[1] != IGNORED).sum())
        if self.pool:
            rows = zip(*(whole.chunk(PARTS) for whole in batch), strict=True)
            parts = self.pool.map(lambda some: self.part(*some, count), rows)
        else:
            parts = iter([self.part(*batch, count)])
        text_loss, total = next(parts)
        for loss, gradients in parts:
            text_loss, total = text_loss + loss, added(total, gradients)
        return float(text_loss), total

    def change(self, total: Gradients) -> None:
        """One step of the optimisers."""
        for parameter, gradient in zip(self.parameters, total, strict=True):
            parameter.grad = gradient
        share = rate(self.run.schedule, self.step)
        for optimizer in self.optimizers:
            adam = isinstance(optimizer, torch.optim.Adam)
            for group in optimizer.param_groups:
                group["lr"] = share * (self.run.schedule.adam_rate if adam else self.run.schedule.muon_rate)
        for _ in (self.pool.map if self.pool else map)(lambda optimizer: optimizer.step(), self.optimizers):
            pass
        self.model.zero_grad(set_to_none=True)
        self.step += 1

    def train(self, minutes: float, stop_at: int) -> bool:
        """Goes on until the schedule's end (True), `minutes` have been used or step `stop_at` is reached."""
        clock = Clock(self.device, self.threads)
        before, saved = self.spent, 0.0
        end = min(self.run.schedule.steps, stop_at or self.run.schedule.steps)
        while self.step < end and clock.seconds() < minutes * 60:
            self.recent.append(self.one_step())
            self.spent = before + clock.seconds()
            if self.step % LOG_EVERY == 0:
                mean = sum(self.recent) / len(self.recent)
                self.log.append((self.step, mean, self.spent))
                self.recent = []
                print(f"{self.run.name} step {self.step}/{self.run.schedule.steps} loss {mean:.4f} "
                      f"{self.spent:.0f} s {time.strftime('%H:%M:%S')}", file=sys.stderr, flush=True)
                if clock.seconds() - saved > SAVE_EVERY_S:
                    saved = clock.seconds()
                    self.save()
        self.save()
        return self.step >= self.run.schedule.steps
