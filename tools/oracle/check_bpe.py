#!/usr/bin/env python3
"""Compares byte-level BPE with Hugging Face's tokenizers, for every pre-tokenizer, over many lines.

    check_bpe.py --corpora FOLDER [--lines 100000] [--only NAME ...]
    check_bpe.py --corpora FOLDER --model FILE.gguf      with a real vocabulary
    check_bpe.py --corpora FOLDER --golden 150           the C tests' sample and its vocabulary

The rules of a family need no vocabulary of that family: one is trained here in which tokens reach
across the borders of words (its training text was cut at random), so that a border that is not
respected shows in the ids. ORIGINALS states each model's pre-tokenizer as its tokenizer.json has it.
Decoding must give the text back, or its normal form C where the model normalises. --golden N writes a
sample of N lines and every rule's answers to tests/data/golden/bpe-rules.txt, and the vocabulary, a small
one, to tests/data/vocab/bpe-borders.gguf."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import unicodedata
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from check_families import ours  # noqa: E402
from gguf import GGUFReader, GGUFWriter, TokenType  # noqa: E402
from goldenfile import write_tokens  # noqa: E402
from many_lines import many_lines  # noqa: E402
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402
from tokenizers.pre_tokenizers import ByteLevel, Digits, Punctuation, Sequence, Split  # noqa: E402

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"

CJK = "[一-龥\u3040-ゟ゠-ヿ]+"
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+@|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*@"
O200K = CASED.replace("@", CONTRACTION + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = CASED.replace("@", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
KIMI = (
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+@?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*@?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
).replace("@", CONTRACTION)
V3_WORDS = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"""
V3 = V3_WORDS + r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK_CASED = "".join(
    f"{chr(a)}-{chr(b)}" if a != b else chr(a)
    for a, b in [(0x41, 0x5A), (0x61, 0x7A), (0xB5, 0xB5), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x1BA), (0x1BC, 0x1BF),
                 (0x1C4, 0x293), (0x295, 0x2AF), (0x370, 0x373), (0x376, 0x377), (0x37B, 0x37D), (0x37F, 0x37F),
                 (0x386, 0x386), (0x388, 0x38A), (0x38C, 0x38C), (0x38E, 0x3A1), (0x3A3, 0x3F5), (0x3F7, 0x481),
                 (0x48A, 0x52F), (0x531, 0x556), (0x10A0, 0x10C5), (0x13A0, 0x13F5), (0x13F8, 0x13FD), (0x1C90, 0x1CBA),
                 (0x1CBD, 0x1CBF), (0x1D00, 0x1D2B), (0x1D6B, 0x1D77), (0x1D79, 0x1D9A), (0x1E00, 0x1F15),
                 (0x1F18, 0x1F1D), (0x1F20, 0x1F45), (0x1F48, 0x1F4D), (0x1F50, 0x1F57), (0x1F59, 0x1F59),
                 (0x1F5B, 0x1F5B), (0x1F5D, 0x1F5D), (0x1F5F, 0x1F7D), (0x1F80, 0x1FB4), (0x1FB6, 0x1FBC),
                 (0x1FBE, 0x1FBE), (0x1FC2, 0x1FC4), (0x1FC6, 0x1FCC), (0x1FD0, 0x1FD3), (0x1FD6, 0x1FDB),
                 (0x1FE0, 0x1FEC), (0x1FF2, 0x1FF4), (0x1FF6, 0x1FFC), (0x2102, 0x2102), (0x2107, 0x2107),
                 (0x210A, 0x2113), (0x2115, 0x2115), (0x2119, 0x211D), (0x2124, 0x2124), (0x2126, 0x2126),
                 (0x2128, 0x2128), (0x212A, 0x212D), (0x212F, 0x2134), (0x2139, 0x2139), (0x213C, 0x213F),
                 (0x2145, 0x2149), (0x214E, 0x214E), (0x2183, 0x2184), (0x2C00, 0x2C7B), (0x2C7E, 0x2CE4),
                 (0x2CEB, 0x2CEE), (0x2CF2, 0x2CF3), (0xA640, 0xA66D), (0xA680, 0xA69B), (0xA722, 0xA76F),
                 (0xA771, 0xA787), (0xA78B, 0xA78E), (0xAB70, 0xABBF), (0xFB00, 0xFB06), (0xFB13, 0xFB17),
                 (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x10400, 0x1044F), (0x104B0, 0x104D3), (0x104D8, 0x104FB),
                 (0x10C80, 0x10CB2), (0x10CC0, 0x10CF2), (0x118A0, 0x118DF), (0x1E900, 0x1E943)]
)  # fmt: skip


# Texts that tell the rules apart.
BORDERS = [
    "I'm, he'S, we'LL 'ſ don'T 'tis it's", "HTTPServer getURLPath iPhone XMLs ǅungla ʰʱ", "1 12 123 1234 12345678 ١٢٣٤ ½²³ Ⅷ", "a1b22c333 1,234.5678 x=0x1F",
    "word  word   word    \n\n  word \t\n \r\n\r\n x", "   leading and trailing   ", "$x += ~y^2 | `z` <a> a/b//c\n/d", "!!! ??? ... --- *** ((( ))) \"q\" 'q'", "한국어 문장, 그리고 漢字와 カタカナ。ㄱㄴㄷ ㅋㅋㅋ",
    "你好，世界！（测试）“引号”——……、·", "नमस्ते क्षेत्र e\u0301a\u0308 \u0301\u0302x", "👨‍👩‍👧‍👦 👍🏽 🇰🇷 1️⃣", "\u00a0nbsp\u3000wide\u2003em\u0085nel\u2028ls", "\n", " \n", "\n ", "\n\n\nx", " ", "  ", "\t\tx", " ?!", "x y z w ab c",
    "<sentinel:12>IMGIMGABZ IMGIMGZ", "12\n345\n\n6789a", "１２３４ＡＢｃ：；～ ‘q’", "ÀÉÎõü straße ΑΒΓ кириллица Հայ ქართული", "가나다abc123漢字", "\u1100\u1161\u11a8 e\u0301 \u212b \uac00\u11a8",
]  # fmt: skip


def split(pattern: str) -> Split:
    return Split(Regex(pattern), "isolated")


def byte_level(use_regex: bool = True) -> ByteLevel:
    return ByteLevel(add_prefix_space=False, use_regex=use_regex)


def patterns(*sources: str) -> list:
    return [*map(split, sources), byte_level(False)]


# One name of each rule: its tokenizer.json's pre-tokenizers.
ORIGINALS = {
    "gpt-2": [byte_level()],
    "olmo": [byte_level()],
    "smollm": [Digits(individual_digits=True), byte_level()],
    "command-r": [Digits(individual_digits=True), byte_level()],
    "llama-bpe": patterns(LLAMA3),
    "dbrx": patterns(LLAMA3),
    "qwen2": patterns(QWEN2),
    "stablelm2": patterns(QWEN2),
    "deepseek-r1-qwen": patterns(QWEN2),
    "qwen35": patterns(QWEN2.replace(r"]?\p{L}+", r"]?[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]")),
    "ufakzeka": patterns(QWEN2.removeprefix(CONTRACTION + "|")),
    "gpt-4o": patterns(O200K),
    "granite-embed-multi-97m": patterns(O200K),
    "tiny_aya": patterns(r"\d{1,3}(?=(?:\d{3})*\b)", O200K),
    "tekken": patterns(TEKKEN),
    "kimi-k2": patterns(KIMI),
    "deepseek-llm": [*map(split, [r"[\r\n]", rf"\s?[{DEEPSEEK_CASED}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$",
                                  "[一-龥ࠀ-一가-퟿]+"]), Digits(individual_digits=True), byte_level(False)],
    "deepseek-coder": [*map(split, [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+"]),
                       Digits(individual_digits=True), byte_level(False)],
    "deepseek-v3": patterns(r"\p{N}{1,3}", CJK, V3),
    "spark2_5": patterns(r"\p{N}{1,3}", CJK, V3_WORDS + r" ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"),
    "youtu": patterns("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + CJK, O200K.replace("{1,3}", "")),
    "falcon": [Punctuation("contiguous"), byte_level(), Digits(individual_digits=False), split("[0-9][0-9][0-9]")],
    "default": patterns(r"[\p{P}\$\+<=>\^~\|]+", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
                        r"\p{N}+", "[0-9][0-9][0-9]"),
    "bloom": patterns(r" ?[^(\s|.,!?…。，、।۔،)]+"),
    "viking": patterns(r" ?[^(\s|.,!?…。，、।۔،)]+", r"\p{N}"),
    "bailingmoe": patterns(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"),
    "seed-coder": patterns(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}" + "\r\n" + r"]+|\s*[\r\n]+|\s+(?!\S)|\s+"),
    "laguna": patterns(r"[^\n]+|[\n]+", QWEN2),
    "exaone-moe": patterns(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"),
    "minicpm5": patterns(r"\p{N}{1,3}", LLAMA3.replace("{1,3}", "+")),
    "jais-2": patterns(LLAMA3.removesuffix(r"|\s+(?!\S)|\s+") + "".join(rf"|\s{{{n}}}(?!\S)" for n in (512, 256, 128, 64, 32, 16, 8, 4, "1,2")) + r"|\s{1}"),
    "chameleon": patterns("<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )", r"\p{N}")[:-1]
                 + [Punctuation("isolated"), byte_level()],
}  # fmt: skip
# Stated by llama.cpp's code alone, not by a pattern that is known: superbpe, afmoe. And not compared: names
# that share a rule with one above.

NFC = {"olmo", "command-r", "qwen2", "stablelm2", "qwen35"}
IGNORE_MERGES = {"llama-bpe", "tekken", "minicpm5", "youtu", "granite-embed-multi-97m"}


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
        tokenizer.pre_tokenizer = Sequence(ORIGINALS[pre])
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
    import json

    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return Vocabulary(sorted(vocab, key=vocab.__getitem__), [tuple(pair) for pair in merges])


def load(path: Path) -> tuple[Vocabulary, str]:
    reader = GGUFReader(path)
    field = lambda key: reader.get_field(f"tokenizer.ggml.{key}").contents()  # noqa: E731
    merges = [tuple(merge.split(" ")) for merge in field("merges")]
    pre = reader.get_field("tokenizer.ggml.pre")
    return Vocabulary(field("tokens"), merges), pre.contents() if pre else "gpt-2"


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
            has_tables = any(isinstance(step, (Digits, Punctuation)) for step in ORIGINALS[pre])
            failed += compare(pre, path, vocabulary, usual if has_tables else texts, args.show) > 0
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
