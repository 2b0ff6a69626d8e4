"""Files that hold one JSON object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .vocabulary import ConvertError


def read_object(path: Path, expected: str | None = None) -> dict[str, Any]:
    """A JSON file's object. Where there is no file: nothing, or an error that says what was `expected` to have it."""
    if not path.exists():
        if expected is None:
            return {}
        raise ConvertError(f"{path.parent} has no {path.name}: give {expected}")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConvertError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConvertError(f"{path} is not a JSON object")
    return values
