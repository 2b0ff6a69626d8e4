"""Checkpoints: everything that a run needs to go on as if it had never stopped, in pieces of at most 16 MB."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from . import DistillError

PIECE = 16_000_000  # bytes


def save(folder: Path, state: dict[str, Any]) -> None:
    """Replaces what `folder` holds; a run that is killed meanwhile leaves the old state or the new one."""
    data = io.BytesIO()
    torch.save(state, data)
    view = data.getbuffer()
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for index, start in enumerate(range(0, len(view), PIECE)):
        (fresh / f"{index:03d}.piece").write_bytes(view[start : start + PIECE])
    old = folder.with_name(folder.name + ".old")
    if folder.exists():
        os.replace(folder, old)
    os.replace(fresh, folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> dict[str, Any] | None:
    """The state in `folder`, or None if there is none."""
    old = folder.with_name(folder.name + ".old")
    if not folder.exists() and old.exists():
        os.replace(old, folder)
    pieces = sorted(folder.glob("*.piece"))
    if not pieces:
        return None
    data = io.BytesIO(b"".join(piece.read_bytes() for piece in pieces))
    state: dict[str, Any] = torch.load(data, weights_only=True, map_location="cpu")
    return state


def load_weights(folder: Path) -> dict[str, torch.Tensor]:
    state = load(folder)
    if state is None:
        raise DistillError(f"{folder} holds no checkpoint; run the step that makes it first")
    weights: dict[str, torch.Tensor] = state["model"]
    return weights
