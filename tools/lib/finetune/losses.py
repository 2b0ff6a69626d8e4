"""What is minimised: the answers' cross entropy (sft), or DPO's loss over pairs of answers (dpo)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
import torch.nn.functional as F

from .data import Pair, Sample

Item = TypeVar("Item")


@dataclass
class Measured:
    """A batch's loss summed over `count` tokens or pairs, to be divided by it; further sums by name."""

    total: torch.Tensor
    count: int
    sums: dict[str, float]


class Objective(Protocol[Item]):
    def length(self, item: Item) -> int: ...

    def tokens(self, item: Item) -> int: ...

    def measure(self, model: Any, batch: list[Item]) -> Measured: ...


def log_probabilities(model: Any, batch: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the answers' tokens: [batch, columns], 0 elsewhere; and where they are. Logits are computed only for
    columns that have an answer's token next in some row, since a large vocabulary makes them the largest part."""
    device = next(model.parameters()).device
    width = max(len(sample.tokens) for sample in batch)
    tokens = torch.zeros(len(batch), width, dtype=torch.long)
    there, counted = torch.zeros_like(tokens), torch.zeros(len(batch), width, dtype=torch.bool)
    for row, sample in enumerate(batch):
        tokens[row, : len(sample.tokens)] = torch.tensor(sample.tokens)
        there[row, : len(sample.tokens)] = 1
        for begin, end in sample.answers:
            counted[row, begin:end] = True
    columns = counted.any(0).nonzero().squeeze(1)  # of the tokens; each is said by the column before
    logits = model(input_ids=tokens.to(device), attention_mask=there.to(device), use_cache=False,
                   logits_to_keep=(columns - 1).to(device)).logits.float()
    targets, counted = tokens[:, columns].to(device), counted[:, columns].to(device)
    found = -F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)
    return found * counted, counted


class CrossEntropy:
    """Of the answers' tokens, each as much as any other."""

    def length(self, sample: Sample) -> int:
        return len(sample.tokens)

    def tokens(self, sample: Sample) -> int:
        return len(sample.tokens)

    def measure(self, model: Any, batch: list[Sample]) -> Measured:
        found, counted = log_probabilities(model, batch)
        return Measured(-found.sum(), int(counted.sum()), {})


@dataclass
class Preference:
    """A pair, and the log-probabilities of its answers before training."""

    pair: Pair
    chosen: float = math.nan
    rejected: float = math.nan


class DirectPreference:
    """Rafailov et al., "Direct Preference Optimization" (https://arxiv.org/abs/2305.18290), equation 7:
    -log sigmoid(beta * ((log p(chosen) - log p0(chosen)) - (log p(rejected) - log p0(rejected)))), where p0 is the
    model as it was before training. Its probabilities are computed once, so no second model is held."""

    def __init__(self, beta: float) -> None:
        self.beta = beta

    def length(self, item: Preference) -> int:
        return max(len(item.pair.chosen.tokens), len(item.pair.rejected.tokens))

    def tokens(self, item: Preference) -> int:
        return len(item.pair.chosen.tokens) + len(item.pair.rejected.tokens)

    def _answers(self, model: Any, batch: list[Preference]) -> tuple[torch.Tensor, torch.Tensor]:
        samples = [item.pair.chosen for item in batch] + [item.pair.rejected for item in batch]
        sums = log_probabilities(model, samples)[0].sum(1)
        return sums[: len(batch)], sums[len(batch) :]

    def remember(self, model: Any, batch: list[Preference]) -> None:
        """Takes the model as p0 for these pairs."""
        for item, chosen, rejected in zip(batch, *self._answers(model, batch)):
            item.chosen, item.rejected = float(chosen), float(rejected)

    def measure(self, model: Any, batch: list[Preference]) -> Measured:
        chosen, rejected = self._answers(model, batch)
        before = torch.tensor([item.chosen - item.rejected for item in batch], device=chosen.device)
        margins = self.beta * (chosen - rejected - before)
        sums = {"margin": margins.detach().sum().item(), "preferred": (margins > 0).sum().item()}
        return Measured(-F.logsigmoid(margins).sum(), len(batch), sums)
