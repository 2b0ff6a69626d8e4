#!/usr/bin/env python3
"""Trains small SentencePiece models with every option that matters and compares tokens and texts.

    check_sentencepiece.py --corpora FOLDER [--lines 6000]

The models differ in algorithm, byte fallback, normalisation, spaces trimmed or not, a space put first or
not, and user-defined tokens; each is converted by tools/convert and put beside SentencePiece itself. One
more is a tokenizer.json in the shape of XLM-R's: other ids, tokens around a text, a mask token.
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
from convert import sentencepiece as spm  # noqa: E402
from convert import sources, write  # noqa: E402
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors  # noqa: E402

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


def train(path: Path, lines: list[str], **options) -> Path:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for line in lines if "\0" not in line]), model_prefix=str(path), vocab_size=3000,
        character_coverage=0.99, hard_vocab_limit=False, minloglevel=2, max_sentence_length=20000, **options)
    return path.with_suffix(".model")


def xlm_r(model: Path, path: Path) -> None:
    """The model as a tokenizer.json as XLM-R's: its ids move up by one for <pad>, <mask> comes last."""
    pieces = spm.read(model.read_bytes())
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *zip(pieces.tokens[3:], pieces.scores[3:]), ("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Precompiled(pieces.charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    path.write_text(tokenizer.to_str(), encoding="utf-8")


def check_xlm_r(lines: list[str], texts: list[str]) -> int:
    """Against SentencePiece, whose ids XLM-R's are but for their places, and tokenizers for what goes around."""
    with tempfile.TemporaryDirectory() as folder:
        model = train(Path(folder) / "m", lines, model_type="unigram", normalization_rule_name="nmt_nfkc")
        source, gguf = Path(folder) / "tokenizer.json", Path(folder) / "m.gguf"
        xlm_r(model, source)
        vocabulary = sources.read(source)
        write.write(vocabulary, gguf, name="m", architecture=None)
        theirs = sentencepiece_reference(model)(texts)
        place = {0: 3, 1: 0, 2: 2}  # <unk>, <s>, </s>
        differ = sum(ids != [place.get(i, i + 1) for i in their_ids] or back != their_back.encode()
                     for (ids, back), (their_ids, their_back) in zip(ours(gguf, texts), theirs, strict=True)
                     if "\ufffd" not in their_back)
        around = Tokenizer.from_file(str(source)).encode("a b").ids
    flags = vocabulary.flags
    surrounded = (vocabulary.ids["bos"], vocabulary.ids["eos"]) == (around[0], around[-1]) == (0, 2)
    differ += not (surrounded and flags["add_bos_token"] and flags["add_eos_token"])
    print(f"tokenizer.json as XLM-R's: {len(texts)} lines: {differ} differ", flush=True)
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=6000)
    args = parser.parse_args()
    lines = many_lines(args.corpora, args.lines)
    rng = random.Random(3)
    texts = lines[::3] + [line + rng.choice([*OWN, "  "]) * 2 + line[:20] for line in lines[:400]]
    texts += ["  <sep> a", "ab c", "\uff1csep\uff1e", "a  b", "<sep><sep>x"]
    wrong = check_xlm_r(lines[: args.lines * 2 // 3], texts)
    for algorithm, fallback, rules, trimmed, prefixed, own in OPTIONS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m"
            model, gguf = path.with_suffix(".model"), path.with_suffix(".gguf")
            train(path, lines[: args.lines * 2 // 3], model_type=algorithm, byte_fallback=fallback,
                  normalization_rule_name=rules, remove_extra_whitespaces=trimmed, add_dummy_prefix=prefixed,
                  user_defined_symbols=own)
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
