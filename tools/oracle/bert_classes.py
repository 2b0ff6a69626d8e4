#!/usr/bin/env python3
"""Writes src/text/bert_classes.c: where BERT's basic tokenizer does not do what its rules say; and the checksum
of what it does with every character, which its test compares.

    pip install tokenizers==0.23.3 unicodedata2==16.0.0 && bert_classes.py

The rules (Devlin et al., 2018) speak of Unicode categories, and of no version of Unicode. Models in the
field come with Hugging Face's `tokenizers`, whose categories are those of an old version: newer control
characters, punctuation and marks are nothing special to it. So each character is put to it, and what
src/text/wordpiece.c finds by today's categories is told about the others.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import tokenizers
import unicodedata2 as ucd
from tokenizers import normalizers, pre_tokenizers

ROOT = Path(__file__).parent.parent.parent
CLASSES = ["OTHER", "REMOVED", "SPACE", "PUNCTUATION", "CJK", "MARK"]


def rule(**on: bool) -> normalizers.BertNormalizer:
    off = dict.fromkeys(["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"], False)
    return normalizers.BertNormalizer(**{**off, **on})


CLEAN, CJK, STRIP = rule(clean_text=True), rule(handle_chinese_chars=True), rule(strip_accents=True)
WORDS = pre_tokenizers.BertPreTokenizer()


def class_of(code: int) -> str:
    if 0xD800 <= code < 0xE000:
        return "OTHER"  # never met in UTF-8
    c = chr(code)
    cleaned = CLEAN.normalize_str(c)
    if cleaned == "":
        return "REMOVED"
    if cleaned == " ":
        return "SPACE"
    if CJK.normalize_str(c) != c:
        return "CJK"
    if len(WORDS.pre_tokenize_str(f"a{c}b")) == 3:
        return "PUNCTUATION"
    return "MARK" if STRIP.normalize_str(c) == "" else "OTHER"


def rule_of(code: int) -> str:
    """rule_of_bert() in src/text/wordpiece.c."""
    category = ucd.category(chr(code))
    if category in ("Cc", "Cf", "Co"):
        return "SPACE" if chr(code) in "\t\n\r" else "REMOVED"
    if category == "Zs":
        return "SPACE"
    if category[0] == "P" or (category[0] == "S" and code < 0x80):
        return "PUNCTUATION"
    return "MARK" if category == "Mn" else "OTHER"


def main() -> None:
    classes = [class_of(code) for code in range(0x110000)]
    differs = [code not in range(0xD800, 0xE000) and classes[code] != rule_of(code) for code in range(0x110000)]
    runs: list[tuple[int, int]] = []  # first, last
    for code in (code for code, differ in enumerate(differs) if differ):
        # Characters of which the rule says the same may as well be in a run.
        if runs and all(classes[c] == classes[code] for c in range(runs[-1][1], code)):
            runs[-1] = (runs[-1][0], code)
        else:
            runs.append((code, code))
    lines = [f"/* Made by tools/oracle/bert_classes.py from the behaviour of tokenizers {tokenizers.__version__}. */",
             '#include "text/bert_classes.h"', "", "const ink_bert_run ink_bert_runs[] = {"]  # fmt: skip
    cells = [f"{{0x{first:X}, 0x{CLASSES.index(classes[first]) << 24 | last:X}}}," for first, last in runs]
    lines += ["    " + " ".join(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    lines += ["};", "", "const size_t ink_bert_n_runs = sizeof ink_bert_runs / sizeof ink_bert_runs[0];"]
    (ROOT / "src/text/bert_classes.c").write_text("\n".join(lines) + "\n")
    checksum = 0xCBF29CE484222325
    for name in classes:
        checksum = (checksum ^ CLASSES.index(name)) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    (ROOT / "tests/data/golden/bert-checksum.txt").write_text(
        f"# Made by tools/oracle/bert_classes.py from the behaviour of tokenizers {tokenizers.__version__}: FNV-1a of all\n"
        f"# characters' classes (text/bert_classes.h), a byte each, surrogates among them.\n{checksum >> 32} {checksum & 0xFFFFFFFF}\n")


if __name__ == "__main__":
    main()
