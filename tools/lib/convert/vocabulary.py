"""A tokenizer as GGUF describes it, whatever file it came from."""

from __future__ import annotations

import sys
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

    def pad(self, size: int) -> None:
        """Tokens without a text up to `size`."""
        while len(self.tokens) < size:
            self.tokens.append(f"[PAD{len(self.tokens)}]")
            self.kinds.append(Kind.UNUSED)
            if self.scores is not None:
                self.scores.append(-1000.0)

    def fit(self, size: int) -> None:
        """As many tokens as the model has rows: the rest of the rows are padding, or tokens are left out."""
        self.pad(size)
        if len(self.tokens) == size:
            return
        lost = next((role for role, token in self.ids.items() if token >= size), None)
        if lost or any(kind is not Kind.CONTROL and kind is not Kind.USER_DEFINED for kind in self.kinds[size:]):
            raise ConvertError(f"the tokenizer has {len(self.tokens)} tokens, the model {size} rows for them: "
                               "they don't belong together")
        print(f"convert: note: {', '.join(self.tokens[size:])} left out, since the model has no row for it",
              file=sys.stderr)
        del self.tokens[size:], self.kinds[size:]
        if self.scores is not None:
            del self.scores[size:]
