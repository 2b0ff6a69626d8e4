#!/usr/bin/env python3
"""Writes src/text/bert_classes.c: what BERT's basic tokenizer does with each character.

    bert_classes.py > src/text/bert_classes.c

The rules (Devlin et al., 2018) speak of Unicode categories, and of no version of Unicode. Models in the
field come with Hugging Face's `tokenizers`, whose categories are those of an old version: newer control
characters, punctuation and marks are nothing special to it. So each character is put to it.
"""

from __future__ import annotations

from itertools import groupby

import tokenizers
from tokenizers import normalizers, pre_tokenizers

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


def main() -> None:
    runs: list[tuple[int, str]] = []
    at = 0
    for name, members in groupby(class_of(code) for code in range(0x110000)):
        runs.append((at, name))
        at += sum(1 for _ in members)
    print(f"""/* Made by tools/oracle/bert_classes.py from the behaviour of tokenizers {tokenizers.__version__}. */
#include "text/bert_classes.h"

/* A run's first character << 3 | its class; it ends where the next begins. */
const uint32_t ink_bert_runs[] = {{""")
    values = [f"0x{start << 3 | CLASSES.index(name):x}," for start, name in runs]
    for i in range(0, len(values), 10):
        print("    " + " ".join(values[i : i + 10]))
    print("};\n\nconst size_t ink_bert_n_runs = sizeof ink_bert_runs / sizeof ink_bert_runs[0];")


if __name__ == "__main__":
    main()
