"""A tokenizer as GGUF describes it, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class ConvertError(Exception):
    """The source can't be converted; the message is for the user."""


class Kind(IntEnum):
    """tokenizer.ggml.token_type, which are SentencePiece's own numbers."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass
class Vocabulary:
    family: str  # tokenizer.ggml.model
    tokens: list[str]
    kinds: list[Kind]
    scores: list[float] | None = None
    merges: list[str] | None = None
    pre: str = "default"
    architecture: str | None = None
    ids: dict[str, int] = field(default_factory=dict)  # bos, eos, unknown, seperator, padding, cls, mask
    flags: dict[str, bool] = field(default_factory=dict)  # add_bos_token, add_space_prefix ...
    charsmap: bytes = b""
    chat_template: str | None = None

    def mark(self, token: int | None, name: str) -> None:
        """The token has the role `name`, and is special if it was not."""
        if token is None or token < 0:
            return
        self.ids[name] = token
        if self.kinds[token] is Kind.NORMAL:
            self.kinds[token] = Kind.UNKNOWN if name == "unknown" else Kind.CONTROL
