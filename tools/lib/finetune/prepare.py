"""What a run trains on and validates with. PyTorch is not needed yet, so mistakes in the data show at once."""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import dataclass
from typing import Any

from convert import adapter as adapters
from convert.adapter import Adapter
from convert.families import name_in_layer
from convert.gguf_file import GgufFile

from . import data, families, targets
from .data import Pair, Sample
from .errors import FinetuneError


@dataclass(frozen=True)
class Shape:
    """Of the matrices that are trained."""

    rank: int
    alpha: float
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    base: GgufFile
    shape: Shape
    start: Adapter | None  # to go on from
    items: list[Any]  # Samples, or Pairs
    valid: list[Any]


def shape_of(adapter: Adapter, path: Any) -> Shape:
    ranks = {a.shape[0] for a, _ in adapter.matrices.values()}
    if len(ranks) != 1:
        raise FinetuneError(f"{path}: its matrices are of several ranks ({sorted(ranks)}), so it can't be trained on")
    names = {name_in_layer(tensor).removesuffix(".weight") for tensor in adapter.matrices}
    found = tuple(short for short, (_, name) in targets.TARGETS.items() if name in names)
    if len(names) != len(found):
        raise FinetuneError(f"{path} adapts other matrices than {', '.join(targets.TARGETS)}, "
                            "so it can't be trained on")
    return Shape(ranks.pop(), adapter.alpha, found)


def _length(item: Sample | Pair) -> int:
    return len(item.tokens) if isinstance(item, Sample) else max(len(item.chosen.tokens), len(item.rejected.tokens))


def _within(groups: list[list[Any]], ctx: int, what: str) -> list[list[Any]]:
    """Without what is longer than the context, and a word about that."""
    lengths = [max(map(_length, group)) for group in groups]
    fitting = [group for group, n in zip(groups, lengths) if n <= ctx]
    if not fitting:
        raise FinetuneError(f"none of the {what} fits --ctx {ctx}; the shortest takes {min(lengths)} tokens")
    if len(fitting) < len(groups):
        print(f"finetune: {len(groups) - len(fitting)} of {len(groups)} {what} are longer than --ctx {ctx} and are "
              f"left out; the longest takes {max(lengths)} tokens", file=sys.stderr)
    return fitting


def _split(groups: list[list[Any]], fraction: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Items to train on and to validate with; those of one line stay together."""
    order = list(groups)
    random.Random(seed).shuffle(order)
    n_valid = min(round(fraction * len(order)), len(order) - 1)
    return [item for group in order[n_valid:] for item in group], [item for group in order[:n_valid] for item in group]


def prepare(arguments: argparse.Namespace) -> Prepared:
    base = GgufFile(arguments.base)
    families.find(base)
    start = adapters.read(arguments.adapter) if arguments.adapter else None
    shape = (shape_of(start, arguments.adapter) if start
             else Shape(arguments.rank, arguments.alpha, targets.parse(arguments.targets)))
    if not arguments.out.resolve().parent.is_dir():
        raise FinetuneError(f"there is no folder for {arguments.out}")
    ctx = min(arguments.ctx, int(base.need("context_length")))
    if arguments.command == "sft":
        groups = _within(data.conversations(base, arguments.data, arguments.chat_template), ctx, "conversations")
    else:
        pairs = data.preferences(base, arguments.data, arguments.chat_template)
        groups = _within([[pair] for pair in pairs], ctx, "pairs")
    return Prepared(base, shape, start, *_split(groups, arguments.valid, arguments.seed))
