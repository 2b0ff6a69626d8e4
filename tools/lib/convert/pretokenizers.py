"""Which of llama.cpp's named pre-tokenizers a tokenizer.json describes.

A byte-level BPE's rules are told apart by the steps of its normaliser and pre-tokenizer, each put in a
word or its regular expression, and by whether a word that is a token is taken whole.
"""

from __future__ import annotations

from typing import Any

from .vocabulary import ConvertError

Part = dict[str, Any]

_TAIL = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LLAMA3 = _CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + _TAIL
_QWEN2 = _LLAMA3.replace("{1,3}", "")
_CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+@|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*@|")
_O200K = _CASED.replace("@", _CONTRACTION + "?") + r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + _TAIL
_TEKKEN = _CASED.replace("@", "") + r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + _TAIL

NAMES = {
    ("words",): "gpt-2",
    ("NFC", "words"): "olmo",
    ("digit", "words"): "smollm",
    ("NFC", "digit", "words"): "command-r",
    ("whole", _LLAMA3): "llama-bpe",
    (_LLAMA3,): "dbrx",
    ("NFC", _QWEN2): "qwen2",
    (_QWEN2,): "deepseek-r1-qwen",
    (_O200K,): "gpt-4o",
    ("whole", _TEKKEN): "tekken",
    (_TEKKEN,): "tekken",
    ("punctuation", "words", "digits", "[0-9][0-9][0-9]"): "falcon",
}  # fmt: skip


def _word(step: Part) -> str | None:
    kind = step["type"]
    if kind == "ByteLevel":  # with a regular expression of its own: GPT-2's
        return "words" if step.get("use_regex", True) else None
    if kind == "Digits":
        return "digit" if step.get("individual_digits") else "digits"
    if kind == "Split":
        return step["pattern"].get("Regex") or step["pattern"]["String"]
    return {"Punctuation": "punctuation"}.get(kind, kind)


def name(model: Part, normalizers: list[Part], pre_tokenizers: list[Part]) -> str:
    """The name, from the model and its steps."""
    words = [_word(step) for step in [*normalizers, *pre_tokenizers]]
    rules = (*(["whole"] if model.get("ignore_merges") else []), *(word for word in words if word))
    if rules not in NAMES:
        raise ConvertError(f"a pre-tokenizer that is not known; name it with --pre. Its rules: {rules}")
    return NAMES[rules]
