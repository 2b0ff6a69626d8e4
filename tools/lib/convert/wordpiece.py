"""WordPiece vocabularies: vocab.txt, and what they look like in GGUF."""

from __future__ import annotations

from pathlib import Path

from .vocabulary import ConvertError, Kind, Vocabulary

ROLES = {"[PAD]": "padding", "[UNK]": "unknown", "[CLS]": "cls", "[SEP]": "seperator", "[MASK]": "mask"}


def _gguf_spelling(token: str, prefix: str) -> str:
    """What begins a word is marked, rather than what goes on with one."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[len(prefix) :] if token.startswith(prefix) else "\u2581" + token


def build(tokens: list[str], lower_case: bool, strip_accents: bool | None, prefix: str = "##") -> Vocabulary:
    vocabulary = Vocabulary("bert", [_gguf_spelling(token, prefix) for token in tokens], [Kind.NORMAL] * len(tokens))
    for token, role in ROLES.items():
        if token in tokens:
            vocabulary.mark(tokens.index(token), role)
    if "unknown" not in vocabulary.ids:
        raise ConvertError("the vocabulary has no [UNK]")
    if "cls" in vocabulary.ids:
        vocabulary.ids["bos"] = vocabulary.ids["cls"]
    vocabulary.flags = {
        "add_bos_token": "cls" in vocabulary.ids,
        "add_sep_token": "seperator" in vocabulary.ids,
        "normalizer.lowercase": lower_case,
        "normalizer.strip_accents": lower_case if strip_accents is None else strip_accents,
    }
    return vocabulary


def read(path: Path, lower_case: bool | None, strip_accents: bool | None) -> Vocabulary:
    """lower_case None: it is off if some token has a capital."""
    tokens = path.read_text(encoding="utf-8").split("\n")
    if tokens and tokens[-1] == "":
        tokens.pop()
    tokens = [token.rstrip() for token in tokens]
    if lower_case is None:
        lower_case = not any(token != token.lower() for token in tokens if not token.startswith("["))
    return build(tokens, lower_case, strip_accents)
