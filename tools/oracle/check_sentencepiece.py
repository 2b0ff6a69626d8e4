#!/usr/bin/env python3
"""Trains small SentencePiece models with every option that matters and compares tokens and texts.

    check_sentencepiece.py --corpora FOLDER [--lines 6000]

The models differ in algorithm, byte fallback, normalisation, spaces trimmed or not, a space put first or
not, and user-defined tokens; each is converted by tools/convert and put beside SentencePiece itself.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
from check_families import ROOT, ours, sentencepiece_reference
from many_lines import many_lines

sys.path.insert(0, str(ROOT / "tools" / "lib"))
from convert import sources, write  # noqa: E402

OWN = ["<sep>", "[x]", "한국"]
OPTIONS = [  # algorithm, byte fallback, normalisation, trimmed, space first, user-defined tokens
    ("unigram", True, "nmt_nfkc", True, True, []),
    ("unigram", False, "nmt_nfkc_cf", True, True, []),
    ("unigram", False, "identity", False, False, []),
    ("unigram", False, "nfkc", False, True, []),
    ("unigram", False, "nmt_nfkc", True, False, OWN),
    ("unigram", True, "nmt_nfkc", True, True, OWN),
    ("bpe", True, "identity", False, True, []),
    ("bpe", True, "nmt_nfkc", True, True, []),
    ("bpe", False, "nfkc_cf", True, False, []),
    ("bpe", False, "nmt_nfkc", True, True, []),
    ("bpe", True, "identity", False, False, [*OWN, "\u2581\u2581"]),
    ("bpe", True, "nmt_nfkc", True, True, OWN),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=6000)
    args = parser.parse_args()
    lines = many_lines(args.corpora, args.lines)
    rng = random.Random(3)
    texts = lines[::3] + [line + rng.choice([*OWN, "  "]) * 2 + line[:20] for line in lines[:400]]
    texts += ["  <sep> a", "ab c", "\uff1csep\uff1e", "a  b", "<sep><sep>x"]
    wrong = 0
    for algorithm, fallback, rules, trimmed, prefixed, own in OPTIONS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m"
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter([line for line in lines[: args.lines * 2 // 3] if "\0" not in line]), model_prefix=str(path), vocab_size=3000,
                model_type=algorithm, byte_fallback=fallback, normalization_rule_name=rules,
                remove_extra_whitespaces=trimmed, add_dummy_prefix=prefixed, user_defined_symbols=own,
                character_coverage=0.99, hard_vocab_limit=False, minloglevel=2, max_sentence_length=20000)
            model, gguf = path.with_suffix(".model"), path.with_suffix(".gguf")
            write.write(sources.read(model), gguf, name="m", architecture=None)
            theirs = sentencepiece_reference(model)(texts)
            differ = sum((ids, back) != (their_ids, their_back.encode())
                         for (ids, back), (their_ids, their_back) in zip(ours(gguf, texts), theirs, strict=True)
                         if "\ufffd" not in their_back)
        wrong += differ
        print(algorithm, "bytes" if fallback else "unknown", rules, "trimmed" if trimmed else "", "prefixed" if prefixed else "",
              own, f"{len(texts)} lines: {differ} differ", flush=True)
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
