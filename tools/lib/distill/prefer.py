"""Step `prefer`: the student learns which of its own answers are the better ones.

Rafailov et al., "Direct Preference Optimization" (https://arxiv.org/abs/2305.18290): the loss of a pair is
-log sigmoid(beta * ((log p(preferred) - log p0(preferred)) - (log p(rejected) - log p0(rejected)))), where p0 is what
the student gave the answer before. Batches of the training records besides keep it at what it can. The forward pass
sees the blocks of the exported file, as in quantisation-aware training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .compare import PAIRS
from .data import IGNORED, Batches, Tokens, tokenize_records
from .prepare import read_lines
from .train import PARTS, Gradients, Trainer, added

Pairs = NDArray[np.int64]  # their numbers


class PairBatches(Batches):
    """Pair n is the records 2n, preferred, and 2n + 1, rejected."""

    def __init__(self, tokens: Tokens, batch_tokens: int, seed: int) -> None:
        super().__init__(tokens, batch_tokens, seed)
        self.lengths = 2 * tokens.lengths.reshape(-1, 2).max(1)
        self.numbers = np.arange(len(self.lengths))

    def rows(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Inputs and targets, a pair's two rows one after the other."""
        inputs, targets, _ = self.filled((2 * pairs[:, None] + np.arange(2)).flatten())
        return inputs, targets


class PreferenceTrainer(Trainer):
    def resume(self) -> None:
        records = tokenize_records(read_lines(self.work / PAIRS), self.work, self.preset.context)
        self.pairs = PairBatches(records, self.run.schedule.batch_tokens, self.run.seed)
        self.batches.batch_tokens = int(self.preset.text_share * self.run.schedule.batch_tokens)
        self.before = torch.zeros(0)  # the margins of all pairs under p0
        super().resume()
        if not len(self.before):
            self.before = self.margins_before()

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.before, self.pairs.position = state["before"], state["pairs"]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "before": self.before, "pairs": self.pairs.position}

    def margins(self, pairs: Pairs) -> Tensor:
        """log p(preferred) - log p(rejected) of each. What both begin with, the prompt, cancels out."""
        inputs, targets = (whole.to(self.device) for whole in self.pairs.rows(pairs))
        kept = targets != IGNORED
        logits = self.forward(inputs, self.dtype, kept).float()
        found = torch.zeros(targets.shape, device=self.device)
        found = found.masked_scatter(kept, -F.cross_entropy(logits, targets[kept], reduction="none"))
        preferred, rejected = found.sum(1).unflatten(0, (-1, 2)).unbind(1)
        return preferred - rejected

    def margins_before(self) -> Tensor:
        def measured(pairs: Pairs) -> Tensor:
            with torch.no_grad():
                return self.margins(pairs).cpu()

        found = torch.zeros(len(self.pairs.lengths))
        plan = self.pairs.plan(0)
        for pairs, margins in zip(plan, (self.pool.map if self.pool else map)(measured, plan), strict=True):
            found[pairs] = margins
        return found

    def part_of_pairs(self, pairs: Pairs, count: int) -> tuple[float, Gradients]:
        """Some pairs' share of the loss, and of the gradients, in a batch of `count`."""
        margins = self.margins(pairs) - self.before[pairs].to(self.device)
        loss = -F.logsigmoid(self.preset.beta * margins).sum() / count
        return float(loss.detach()), torch.autograd.grad(loss, self.parameters)

    def gradients(self) -> tuple[float, Gradients]:
        """The pairs' loss, and the gradients of it and of the text's."""
        _, total = super().gradients()
        pairs = self.pairs.step()
        parts = [part for part in np.array_split(pairs, PARTS) if len(part)]
        loss = 0.0
        for share, gradients in (self.pool.map if self.pool else map)(
                lambda part: self.part_of_pairs(part, len(pairs)), parts):
            loss, total = loss + share, added(total, gradients)
        return loss, total
