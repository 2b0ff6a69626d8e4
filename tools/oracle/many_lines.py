"""A hundred thousand lines that try a tokenizer: real ones from corpora, and made ones."""

from __future__ import annotations

import lzma
import random
from collections.abc import Iterator
from pathlib import Path

import strings

# Words of languages that the corpora lack; lines are made by shuffling them.
WORDS = {
    "Chinese": "你好 世界 中文 分词 测试 今天 天气 很好 我们 学习 人工智能 模型 语言 北京 上海 繁體 漢字 臺灣 香港 。 ， ！ ？ 「 」 《 》 、 ２０２４年 第１章 ㈱ ㎏ ①",
    "Japanese": "こんにちは 世界 カタカナ ひらがな 漢字 です。 ました、 が は を ｱｲｳｴｵ ｶﾞｷﾞ パピプ ー 〜 「」 東京都 日本語 ㌔ ㍿ ゝ ヶ 々 𠮷野家 が",
    "Arabic": "مرحبا بالعالم السَّلَامُ عَلَيْكُمْ كتاب اللغة العربية ١٢٣ ، ؟ لا إله ﷺ ﷽ ﻻ ﺍﻟﻠﻪ فارسی می‌خواهم اُردُو",
    "Hindi": "नमस्ते दुनिया हिन्दी में संख्याएँ १२३ । भारत क्षेत्र ज्ञान श्री ड़ ढ़ क़ मैं हूँ தமிழ் తెలుగు ಕನ್ನಡ ไทยไม่มีช่องว่าง",
    "European": "naïve café Straße GROẞE İstanbul ıİ Ελληνικά ΣΊΣΥΦΟΣ Σ Ёлка Привет Žluťoučký kůň ĲSSEL ﬁnd ﬂow Å Å Ω ǅ ŉ №5 ½ x² H₂O don't it's n't 's",
    "Emoji": "😀 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇰🇷🇺🇸 1️⃣ ❤️ ☺ 🧑🏿‍🚀 👁️‍🗨️ 🫠 ©️ ™ ‼️ \u200d \ufe0f 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "Marks": "e\u0301 \u0301 a\u0308\u0304 \u0345 1\u20e3 Z͑ͫ̓ͪ \u0e33 \u0f71\u0f72 q\u0307\u0323 \u1100\u1161\u11a8 가\u11a8 \u302e \u0327\u0301 s\u0323\u0307",
    "Spaces": "a b \u00a0 \u3000 \u2003 \t \n \r\n   \u200b \ufeff \u2028 \u0085 \u000b \u2581 \u2581\u2581 x  y \u00ad \u180e \u0000 \x1f \u205f",
}
SEPARATORS = ["", "", " ", " ", "  ", "\n", "\t", "\u3000", "\u00a0"]


def real(path: Path, column: int | None = None) -> Iterator[str]:
    opened = lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8")
    with opened as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line:
                yield line if column is None else line.split("\t")[min(column, line.count("\t"))]


def shuffled(rng: random.Random) -> str:
    words = [word for name in rng.sample(sorted(WORDS), rng.choice([1, 1, 1, 2, 8])) for word in WORDS[name].split(" ")]
    return "".join(rng.choice(words) + rng.choice(SEPARATORS) for _ in range(rng.randint(1, 30)))


def any_characters(rng: random.Random) -> str:
    """Random valid UTF-8: a plane, or a block of 256, or every plane at once."""
    plane = rng.randrange(17)
    block = rng.randrange(0x1100) << 8 if rng.random() < 0.2 else rng.randrange(0x320) << 8
    out = []
    for _ in range(rng.randint(1, 24)):
        code = rng.choice([rng.randrange(0x110000), plane << 16 | rng.randrange(0x10000), block | rng.randrange(256),
                           block | rng.randrange(256), rng.randrange(0x250)])
        if not 0xD800 <= code < 0xE000:
            out.append(chr(code) + rng.choice(["", "", "", " ", "a"]))
    return "".join(out)


def run(rng: random.Random) -> str:
    """One character, or a few, again and again."""
    unit = "".join(rng.choice([*"a 0.\n!-=가", "\u0301", "한", "你", "😀", "\u200d", "ㅋ", "\u3000", "ﷺ", "Ａ"]) for _ in range(rng.choice([1, 1, 1, 2, 3])))
    return unit * rng.choice([2, 3, 5, 17, 64, 101, 300, 1000])


def code_lines(root: Path) -> list[str]:
    lines = [line for path in sorted(root.glob("src/**/*.[ch]")) for line in path.read_text(encoding="utf-8").split("\n")]
    return [line for line in dict.fromkeys(lines) if line]


def many_lines(corpora: Path, count: int = 100_000, seed: int = 5) -> list[str]:
    rng = random.Random(seed)
    sources = [real(corpora / "enwiki-60M.txt.xz"), real(corpora / "kowiki-90M.txt.xz"),
               real(corpora / "nsmc_reviews.tsv.xz", 1), real(corpora / "snakes.txt.xz"),
               real(corpora / "tinyshakespeare.txt"), real(corpora / "wikitext2.valid.txt")]
    lines = list(strings.PLAIN)
    lines += code_lines(Path(__file__).parents[2])[: count // 12]
    share = count // 12
    for source in sources:
        skip = rng.randrange(3000)
        lines += [line for i, line in zip(range(skip + share), source) if i >= skip]
    makers = [shuffled, shuffled, any_characters, any_characters, any_characters, run]
    while len(lines) < count:
        lines.append(makers[len(lines) % len(makers)](rng)[:4000])
    return lines
