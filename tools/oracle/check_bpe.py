#!/usr/bin/env python3
"""Compares byte-level BPE with Hugging Face's tokenizers, for every pre-tokenizer, over many lines.

    check_bpe.py --corpora FOLDER [--lines 100000] [--only NAME ...]
    check_bpe.py --corpora FOLDER --model FILE.gguf      with a real vocabulary
    check_bpe.py --corpora FOLDER --golden 150           the C tests' sample and its vocabulary

The rules of a family need no vocabulary of that family: one is trained here in which tokens reach
across the borders of words (its training text was cut at random), so that a border that is not
respected shows in the ids. tools/lib/convert/pre_tokenizers.py states each model's pre-tokenizer as its
tokenizer.json has it, by which tools/convert must know it.
Decoding must give the text back, or its normal form C where the model normalises. --golden N writes a
sample of N lines and every rule's answers to tests/data/golden/bpe-rules.txt, and the vocabulary, a small
one, to tests/data/vocab/bpe-borders.gguf."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import unicodedata
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from check_families import ROOT, ours  # noqa: E402
from gguf import GGUFReader, GGUFWriter, TokenType  # noqa: E402
from goldenfile import write_tokens  # noqa: E402
from many_lines import many_lines  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402
from tokenizers.pre_tokenizers import ByteLevel, Digits, Punctuation, Sequence, Split  # noqa: E402

sys.path.insert(0, str(ROOT / "tools" / "lib"))
from convert import huggingface  # noqa: E402
from convert.pre_tokenizers import IGNORE_MERGES, NFC, ORIGINALS  # noqa: E402

TEST_DATA = ROOT / "tests" / "data"

# Texts that tell the rules apart.
BORDERS = [
    "I'm, he'S, we'LL 'ſ don'T 'tis it's", "HTTPServer getURLPath iPhone XMLs ǅungla ʰʱ", "1 12 123 1234 12345678 ١٢٣٤ ½²³ Ⅷ", "a1b22c333 1,234.5678 x=0x1F",
    "word  word   word    \n\n  word \t\n \r\n\r\n x", "   leading and trailing   ", "$x += ~y^2 | `z` <a> a/b//c\n/d", "!!! ??? ... --- *** ((( ))) \"q\" 'q'", "한국어 문장, 그리고 漢字와 カタカナ。ㄱㄴㄷ ㅋㅋㅋ",
    "你好，世界！（测试）“引号”——……、·", "नमस्ते क्षेत्र e\u0301a\u0308 \u0301\u0302x", "👨‍👩‍👧‍👦 👍🏽 🇰🇷 1️⃣", "\u00a0nbsp\u3000wide\u2003em\u0085nel\u2028ls", "\n", " \n", "\n ", "\n\n\nx", " ", "  ", "\t\tx", " ?!", "x y z w ab c",
    "<sentinel:12>IMGIMGABZ IMGIMGZ", "12\n345\n\n6789a", "１２３４ＡＢｃ：；～ ‘q’", "ÀÉÎõü straße ΑΒΓ кириллица Հայ ქართული", "가나다abc123漢字", "\u1100\u1161\u11a8 e\u0301 \u212b \uac00\u11a8",
]  # fmt: skip


def original(pre: str) -> Sequence:
    """The pre-tokenizer of its tokenizer.json."""
    made = {"Split": lambda pattern: Split(Regex(pattern), "isolated"), "Digits": lambda each: Digits(individual_digits=each),
            "Punctuation": lambda behavior: Punctuation(behavior.lower()), "ByteLevel": byte_level}  # fmt: skip
    return Sequence([made[kind](option) for kind, option in ORIGINALS[pre]])


def split(pattern: str) -> Split:
    return Split(Regex(pattern), "isolated")


def byte_level(use_regex: bool = True) -> ByteLevel:
    return ByteLevel(add_prefix_space=False, use_regex=use_regex)


def disputed() -> set[str]:
    """Characters that Hugging Face's Digits and Punctuation, whose tables are of other versions of Unicode,
    take for something else than its regular expressions do (Unicode 16)."""
    characters = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    kept = lambda pre: {c for piece, _ in pre.pre_tokenize_str(characters) for c in piece}  # noqa: E731
    parts = [(Split(Regex(r"\p{N}+"), "removed"), Digits(individual_digits=True)),
             (Split(Regex(r"[\p{P}!-/:-@\[-`{-~]+"), "removed"), Punctuation("removed"))]  # fmt: skip
    out = set(characters) - kept(parts[1][0]) ^ set(characters) - kept(parts[1][1])
    digits = {piece for piece, _ in Sequence([parts[0][0], parts[0][1]]).pre_tokenize_str(characters) if len(piece) == 1}
    return out | {c for c in digits if len(Sequence([parts[0][1]]).pre_tokenize_str("a" + c + "a")) > 1}


class Vocabulary:
    def __init__(self, tokens: list[str], merges: list[tuple[str, str]], types: list[int] | None = None) -> None:
        self.tokens, self.merges = tokens, merges
        self.types = types or [TokenType.NORMAL] * len(tokens)

    def write(self, path: Path, pre: str) -> None:
        w = GGUFWriter(path, "llama")
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre(pre)
        w.add_token_list(self.tokens)
        w.add_token_types(self.types)
        w.add_token_merges([" ".join(pair) for pair in self.merges])
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.close()

    def reference(self, pre: str) -> Tokenizer:
        model = models.BPE(vocab={t: i for i, t in enumerate(self.tokens)}, merges=self.merges, ignore_merges=pre in IGNORE_MERGES)
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = original(pre)
        tokenizer.decoder = decoders.ByteLevel()
        if pre in NFC:
            tokenizer.normalizer = normalizers.NFC()
        return tokenizer


def train(texts: list[str], n_tokens: int) -> Vocabulary:
    """A vocabulary whose tokens don't care for words' borders."""
    rng = random.Random(3)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = Sequence([split(r"(?m)^.{1,9}|.{2,7}|\s+|."), byte_level(False)])
    trainer = trainers.BpeTrainer(vocab_size=n_tokens, initial_alphabet=ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator((text[:400] for text in rng.sample(texts, min(20000, len(texts)))), trainer)
    vocab = tokenizer.get_vocab()
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return Vocabulary(sorted(vocab, key=vocab.__getitem__), [tuple(pair) for pair in merges])


def load(path: Path) -> tuple[Vocabulary, str]:
    reader = GGUFReader(path)
    field = lambda key: reader.get_field(f"tokenizer.ggml.{key}").contents()  # noqa: E731
    merges = [tuple(merge.split(" ")) for merge in field("merges")]
    pre = reader.get_field("tokenizer.ggml.pre")
    return Vocabulary(field("tokens"), merges), pre.contents() if pre else "gpt-2"


def converts(pre: str, vocabulary: Vocabulary) -> bool:
    """tools/convert knows the rule by the reference's tokenizer.json."""
    name = huggingface.read(json.loads(vocabulary.reference(pre).to_str())).pre
    rule = lambda name: (ORIGINALS[name], name in NFC, name in IGNORE_MERGES)  # noqa: E731
    return rule(name) == rule(pre)


def compare(pre: str, path: Path, vocabulary: Vocabulary, texts: list[str], show: int) -> int:
    tokenizer = vocabulary.reference(pre)
    theirs = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    wrong = wrong_text = 0
    for text, (ids, back), their_ids in zip(texts, ours(path, texts), theirs, strict=True):
        if ids != their_ids:
            wrong += 1
            if wrong <= show:
                at = next((i for i, (a, b) in enumerate(zip(ids, their_ids)) if a != b), min(len(ids), len(their_ids)))
                pieces = lambda ids: [vocabulary.tokens[i] for i in ids[max(0, at - 3) : at + 8]]  # noqa: E731
                print(f"{ascii(text[:160])}\n  from token {at}: ours {ascii(pieces(ids))}\n  theirs        {ascii(pieces(their_ids))}")
        expected = unicodedata.normalize("NFC", text) if pre in NFC else text
        if back != expected.encode() and not (pre in NFC and back == normalizers.NFC().normalize_str(text).encode()):
            wrong_text += 1
    print(f"{pre}: {len(texts)} lines: {wrong} differ in tokens, {wrong_text} in the text they decode to", flush=True)
    return wrong + wrong_text


def write_golden(vocabulary: Vocabulary, texts: list[str], count: int) -> None:
    """The texts, and for each rule FNV-1a of each text's ids: the ids themselves would be long."""
    rng = random.Random(11)
    made = [text for text in texts if 0 < len(text.encode()) <= 90]
    texts = list(dict.fromkeys(BORDERS + rng.sample(made, count - len(BORDERS))))
    lines = ["# Answers of Hugging Face tokenizers for every pre-tokenizer, made by check_bpe.py.",
             "# n_texts, per text: n_bytes byte*; n_rules, per rule: n_bytes byte* of its name, and per text",
             "# 32 bits of FNV-1a over its ids (little-endian u32 each).", str(len(texts))]  # fmt: skip
    numbers = lambda data: " ".join(map(str, [len(data), *data]))  # noqa: E731
    for text in texts:
        lines += [f"# {ascii(text)}", numbers(text.encode())]
    lines.append(str(len(ORIGINALS)))
    for pre in ORIGINALS:
        answers = []
        for encoding in vocabulary.reference(pre).encode_batch(texts, add_special_tokens=False):
            value = 0xCBF29CE484222325
            for byte in b"".join(i.to_bytes(4, "little") for i in encoding.ids):
                value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            answers.append((value ^ value >> 32) & 0xFFFFFFFF)
        lines += [f"# {pre}", numbers(pre.encode())] + [" ".join(map(str, answers[i : i + 12])) for i in range(0, len(answers), 12)]
    (TEST_DATA / "golden" / "bpe-rules.txt").write_text("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(ORIGINALS))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--golden", type=int)
    parser.add_argument("--show", type=int, default=4)
    args = parser.parse_args()
    texts = [text for text in many_lines(args.corpora, args.lines, args.seed) if text]
    odd = disputed()
    usual = [text for text in texts if not odd.intersection(text)]
    print(f"{len(odd)} characters in {len(texts) - len(usual)} lines are left out where Digits or Punctuation are used")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocabulary.gguf"
        if args.model:
            vocabulary, pre = load(args.model)
            return compare(pre, args.model, vocabulary, texts, args.show) > 0
        if args.golden:
            vocabulary = train(texts, 1500)
            vocabulary.write(TEST_DATA / "vocab" / "bpe-borders.gguf", "gpt-2")
            write_golden(vocabulary, usual, args.golden)
            return 0
        vocabulary = train(texts, 6000)
        for pre in args.only:
            vocabulary.write(path, pre)
            has_tables = any(kind in ("Digits", "Punctuation") for kind, _ in ORIGINALS[pre])
            failed += compare(pre, path, vocabulary, usual if has_tables else texts, args.show) > 0
            if not converts(pre, vocabulary):
                failed += 1
                print(f"{pre}: tools/convert takes it for another rule")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
