"""Rearrangements of a tensor's rows and columns between Hugging Face's layout and GGUF's.

They move values and never compute, so they work on any stored type, bf16's bits included. Shapes are
[rows = outputs, columns = inputs]; a bias has no columns and is rearranged as the rows are.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .hyperparameters import Config


class Heads(Protocol):
    """Whatever knows a model's heads: a Config, or what a GGUF file says."""

    @property
    def n_head(self) -> int: ...

    @property
    def n_head_kv(self) -> int: ...



def _interleave(values: np.ndarray, n_head: int) -> np.ndarray:
    """Rows of each head from halves (i pairs with i + head/2) to neighbours (2i pairs with 2i + 1)."""
    halves = values.reshape(n_head, 2, values.shape[0] // n_head // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def interleave_q(values: np.ndarray, heads: Heads) -> np.ndarray:
    return _interleave(values, heads.n_head)


def interleave_k(values: np.ndarray, heads: Heads) -> np.ndarray:
    return _interleave(values, heads.n_head_kv)


def transpose(values: np.ndarray, config: Config) -> np.ndarray:
    """GPT-2's Conv1D stores [inputs, outputs]."""
    return values.T if values.ndim == 2 else values


def group_qkv(values: np.ndarray, config: Config) -> np.ndarray:
    """For each key head its query heads, its key and its value -> all queries, all keys, all values."""
    n_group = config.n_head // config.n_head_kv
    grouped = values.reshape(config.n_head_kv, n_group + 2, config.head_dim, *values.shape[1:])
    parts = (grouped[:, :n_group], grouped[:, n_group], grouped[:, n_group + 1])
    return np.concatenate([part.reshape(-1, *values.shape[1:]) for part in parts])


def _halve(values: np.ndarray, n_head: int) -> np.ndarray:
    """The inverse of _interleave()."""
    neighbours = values.reshape(n_head, values.shape[0] // n_head // 2, 2, *values.shape[1:])
    return neighbours.swapaxes(1, 2).reshape(values.shape)


def halve_q(values: np.ndarray, heads: Heads) -> np.ndarray:
    return _halve(values, heads.n_head)


def halve_k(values: np.ndarray, heads: Heads) -> np.ndarray:
    return _halve(values, heads.n_head_kv)


INVERSES = {interleave_q: halve_q, interleave_k: halve_k}  # of those that models with q, k and v apart have
