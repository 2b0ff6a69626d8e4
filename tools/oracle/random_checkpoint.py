"""Random weights that a list of names, shapes and spreads says all about, in safetensors files.

The values are bytes of SHAKE-256 of the names, read as whole numbers and spread evenly: the same on every
machine, with nothing but Python. So the tests keep the lists, a few kB each, and make the weights anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from array import array
from pathlib import Path
from typing import Any

Tensors = dict[str, dict[str, Any]]  # by name: shape, mean, deviation


def values(seed: str, tensor: dict[str, Any]) -> array:
    """f32 values between mean - sqrt(3) deviation and mean + sqrt(3) deviation."""
    n = math.prod(tensor["shape"])
    words = array("I", hashlib.shake_256(seed.encode()).digest(4 * n))
    if sys.byteorder == "big":
        words.byteswap()
    step, mean = 2 * math.sqrt(3) * tensor["deviation"] / 2**32, tensor["mean"]
    low = mean - math.sqrt(3) * tensor["deviation"]
    return array("f", [low + step * word for word in words])


def write_safetensors(path: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> None:
    """Tensors by name: type, shape, little-endian data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data for _, _, data in tensors.values()))


def weights(name: str, tensors: Tensors) -> dict[str, tuple[str, list[int], bytes]]:
    """The weights of the model `name`, for write_safetensors."""
    made = {}
    for tensor, described in tensors.items():
        numbers = values(f"{name} {tensor}", described)
        if sys.byteorder == "big":
            numbers.byteswap()
        made[tensor] = ("F32", described["shape"], numbers.tobytes())
    return made
