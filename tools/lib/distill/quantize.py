"""Quantised blocks as GGUF stores them. Training sees the very values that the exported file will decode to.

A block is 32 weights of a row. Q4_1 is `scale * q + least` with q in 0..15, Q4_0 is `scale * (q - 8)`, Q8_0 is
`scale * q` with q in -127..127; scale and least are f16. The arithmetic that decodes is done in f32, as the engine's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import DistillError
from .model import FakeQuantize, Model

BLOCK = 32


@dataclass
class Blocks:
    """Quantised rows: levels [rows, blocks, 32] f32 whole numbers, scale and least [rows, blocks, 1] f16."""

    levels: Tensor
    scale: Tensor
    least: Tensor | None

    def decoded(self) -> Tensor:
        """[rows, columns] f32"""
        product = self.levels * self.scale.float()
        return (product if self.least is None else product + self.least.float()).flatten(1)


def divided(x: Tensor, scale: Tensor) -> Tensor:
    """x / scale, 0 where the scale is 0."""
    scale = scale.float()
    return torch.where(scale == 0, torch.zeros_like(x), x / torch.where(scale == 0, torch.ones_like(scale), scale))


def q4_1(x: Tensor) -> Blocks:
    least = x.amin(-1, keepdim=True).half()
    scale = ((x.amax(-1, keepdim=True) - least.float()) / 15).half()
    return Blocks(divided(x - least.float(), scale).round().clamp(0, 15), scale, least)


def q4_0(x: Tensor) -> Blocks:
    """The weight that is furthest from 0 gets -8, which has no positive counterpart."""
    furthest = x.gather(-1, x.abs().argmax(-1, keepdim=True))
    scale = (furthest / -8).half()
    return Blocks(divided(x, scale).round().clamp(-8, 7), scale, None)


def q8_0(x: Tensor) -> Blocks:
    scale = (x.abs().amax(-1, keepdim=True) / 127).half()
    return Blocks(divided(x, scale).round().clamp(-127, 127), scale, None)


QUANTIZERS = {"Q4_0": q4_0, "Q4_1": q4_1, "Q8_0": q8_0}


def quantized(weight: Tensor, kind: str) -> Blocks:
    if kind not in QUANTIZERS:
        raise DistillError(f"no block type {kind}; there are {', '.join(QUANTIZERS)}")
    if weight.shape[1] % BLOCK:
        raise DistillError(f"rows of {weight.shape[1]} weights are no whole number of blocks of {BLOCK}")
    return QUANTIZERS[kind](weight.float().unflatten(1, (-1, BLOCK)))


def straight_through(kind: str) -> FakeQuantize:
    """Quantises going forward; going back, gradients pass as if it had not (Bengio et al. 2013)."""

    def fake(weight: Tensor) -> Tensor:
        # The difference is 0, and carries the gradient; the other way round, rounding would change the values.
        return quantized(weight.detach(), kind).decoded() + (weight - weight.detach())

    return fake


def fake_quantize_model(model: Model, block_type: str, embedding_type: str) -> None:
    for matrix in model.matrices().values():
        matrix.fake = straight_through(block_type)
    model.embedding.fake = straight_through(embedding_type)


@torch.no_grad()
def quantize_weights(model: Model, block_type: str, embedding_type: str) -> None:
    """Replaces the weights by what their blocks decode to: post-training quantisation."""
    for matrix in model.matrices().values():
        matrix.weight.copy_(quantized(matrix.weight, block_type).decoded())
    model.embedding.weight.copy_(quantized(model.embedding.weight, embedding_type).decoded())


def packed(blocks: Blocks, kind: str) -> NDArray[np.uint8]:
    """The file's bytes [rows, blocks * bytes of a block]: scale (and least) first, then the levels.

    A 4-bit block's byte i holds level i in its low half and level i + 16 in its high half.
    """
    rows = blocks.levels.shape[0]
    heads = [part.numpy().view(np.uint8) for part in (blocks.scale, blocks.least) if part is not None]
    levels = blocks.levels.numpy().astype(np.int8)
    if kind == "Q8_0":
        body = levels.view(np.uint8)
    else:
        unsigned = (levels + (8 if kind == "Q4_0" else 0)).astype(np.uint8)
        body = unsigned[..., : BLOCK // 2] | (unsigned[..., BLOCK // 2 :] << 4)
    return np.concatenate([*heads, body], axis=-1).reshape(rows, -1)
