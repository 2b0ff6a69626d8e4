"""Strings that try a tokenizer: languages, digits, spaces, code, every plane of Unicode."""

from __future__ import annotations

import random

LANGUAGES = [
    "The quick brown fox jumps over the lazy dog.", "Hello, world!", " hello", "hello ", "HELLO WORLD", "Mr. O'Neill's café",
    "It was the best of times, it was the worst of times, it was the age of wisdom.", "antidisestablishmentarianism",
    "안녕하세요", "안녕하세요, 만나서 반갑습니다.", "대한민국의 수도는 서울특별시이다.", "한글은 1443년에 만들어졌다!", "ㅋㅋㅋㅋ ㅠㅠ", "뷁쀍쫣",
    "각", "\u1100\u1161\u11a8", "북한, 南韓", "你好，世界！", "中文分词测试，2024年10月1日。", "繁體中文測試", "𠮷野家で𩸽を食べる",
    "こんにちは世界", "カタカナとひらがな", "ｱｲｳｴｵ ＡＢＣ１２３", "私は学生です。", "مرحبا بالعالم", "السَّلَامُ عَلَيْكُمْ ١٢٣", "שלום עולם", "שָׁלוֹם",
    "नमस्ते दुनिया", "हिन्दी में १२३ संख्याएँ", "ภาษาไทยไม่มีช่องว่าง ๑๒๓", "Привет, мир! Ёлка", "Γειά σου Κόσμε", "Olá, ação! Çà et là",
    "straße GROẞE", "Tiếng Việt có dấu", "İstanbul ıİiI", "Zażółć gęślą jaźń", "ქართული", "አማርኛ", "தமிழ் ௧௨௩", "සිංහල", "ខ្មែរ", "မြန်မာ", "བོད་སྐད་", "ᠮᠣᠩᠭᠣᠯ",
]  # fmt: skip
DIGITS = [
    "0", "42", "1234567890", "3.14159", "1,000,000.00", "1e-10", "0xDEADBEEF", "2024-11-21T12:00:00Z", "a1b2c3", " 7", "  7", "7 8  9",
    "007 42", "v1.2.3", "½ ¾ ⅓", "²³ x² H₂O", "ⅷ Ⅻ ㊿ ①②③", "٠١٢٣٤٥٦٧٨٩", "०१२", "𝟘𝟙𝟚 𝟬𝟭", "一二三", "１２３", "〇", "৪৫", "1\u0301", "1st 2nd 3rd", "100%", "$5.99", "€10 £20 ¥300",
]  # fmt: skip
CONTRACTIONS = [
    "don't", "DON'T", "I'm we're they've he'll she'd it's can't", "I'M WE'RE THEY'VE HE'LL SHE'D IT'S", "'s", "'S", "'re", "'RE", "'RE'RE",
    "''s", "'sx", "'lls", " 's", "x's's", "’s don’t", "'t't", "rock 'n' roll", "O'Reilly's", "'", "''", "\"'s\"", "a'1", "'\u00e9", "d'accord l'été",
]  # fmt: skip
SPACES = [
    "", " ", "  ", "   ", "    ", " " * 8, " " * 16, " " * 33, "\t", "\t\t", "\t \t", "\n", "\n\n", "\n\n\n", "\n" * 10, "\r", "\r\n", "\r\n\r\n", "\n ", " \n",
    " \n ", "  \n  \n  ", "a\n", "\na", "a\n\nb", "a \n b", "a  b", "a   b", "a    b", "  a", "a  ", "\ta", "a\t\tb", "\n\ta", "x\n    y\n        z",
    "\u00a0", "a\u00a0b", "\u3000", "a\u3000b", "\u2003\u2003", "\u200b", "a\u200bb", "\ufeffa", "\u2028", "\u2029a", "\u0085", "\u000b\u000c", "\u1680", "\u180e", "\u202f1",
    "\u205f", "a \u00a0 b", " !", "  !", "!  ", "1  2", "1 \n2", "é  é",
]  # fmt: skip
CODE = [
    "int main(void) { return 0; }", "for (int i = 0; i < n; ++i) {\n    sum += a[i];\n}\n", "def f(x):\n\treturn x**2  # square\n",
    "#include <stdio.h>\n", "const λ = (x) => x?.y ?? `${z}`;", "SELECT * FROM t WHERE a <> 'b';", "<div class=\"x\">&nbsp;</div>", "if (a&&b||!c) {}",
    "https://example.com/path?q=1&r=%20#frag", "user@example.com", "{\"key\": [1, 2.5, null, true]}", "$HOME/.config/*.toml", "std::vector<std::pair<int, int>>",
    "a+b-c*d/e%f^g|h&i~j", "==== ---- **** ####", "_snake_case camelCase PascalCase SCREAMING_CASE", "\\n \\t \\u00e9 \\\\", "()[]{}<>", "!!!", "?!?!", "...", "…", "--", "—", "# Title\n\n- item\n- item 2\n\n```c\nx;\n```\n",
    "\x00", "a\x00b", "\x1b[31mred\x1b[0m", "^_^ :-) ¯\\_(ツ)_/¯",
]  # fmt: skip
MARKS = [
    "😀", "😀😀😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇰🇷🇺🇸", "1️⃣", "❤️", "☺", "🫠", "🧑🏿‍🚀 in space", "a😀b", "😀 1", "e\u0301", "\u00e9", "a\u0308\u0304", "\u0301", " \u0301", "1\u20e3",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘", "ﬁ ﬂ", "Å Å", "Ω Ω", "№ ™ © ®", "\u202eabc\u202c", "\u061c", "\ufffd", "\ufffe\uffff", "\ufdd0", "\U0010ffff", "\ue000", "\u00ad", "ǅ ǈ ǋ", "ª º", "ʰ ˢ", "\u0345", "\U000e0041",
]  # fmt: skip
# SmolLM2 has no token for the bytes 04 06 13 14 16 1d, c0 c1, f1 f2, f5..ff: what happens beside one?
MISSING_BYTES = [
    "\x04", "\x06", "\x13\x14", "a\x04b", "!\x04!", "=\x04=", " \x04 ", "\x04a", "(\x16)", "-\x1d-", "\n\x04\n", "\x04\x04\x04", "a \x14b", "..\x06..", "\U00040000", "\U00041234 x", "\U00080000", "\U000bffff",
    "\U00040000\U00040000", "𝠀\U00046131𝠃",
]  # fmt: skip
SPECIAL = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\n", "a<|im_end|>b", "a <|im_end|> b",
    " <|im_start|>", "<|im_start|> ", "<|im_start|>1", "<|im_start|><|im_start|>", "<|im_start", "|im_end|>", "<<|im_end|>>", "<|IM_END|>", "<|im_end|", "<|im_<|im_end|>end|>",
    "<repo_name>x<reponame>y", "<file_sep>", "<filename>a.py<gh_stars>100", "<issue_start><issue_comment>c<issue_closed>", "<jupyter_start><jupyter_text>t<jupyter_code>c<jupyter_output>o<jupyter_script>", "<empty_output>\n\n", "don<|im_end|>'t", "\n<|im_end|>\n",
]  # fmt: skip


def ascii_bytes() -> list[str]:
    """Every one-byte string that is valid UTF-8, by itself and between letters where it is no letter or digit."""
    return [chr(b) for b in range(128)]


def from_planes(per_plane: int = 3, seed: int = 17) -> list[str]:
    """Random code points, a few strings from each plane, between ASCII ones."""
    rng = random.Random(seed)
    out = []
    for plane in range(17):
        for _ in range(per_plane):
            text = ""
            for _ in range(rng.randint(1, 8)):
                code = plane * 0x10000 + rng.randrange(0x10000)
                if not 0xD800 <= code < 0xE000:
                    text += chr(code)
                text += rng.choice(["", "", " ", "a", "1", "!", "\n"])
            out.append(text)
    return out


def from_blocks(seed: int = 23) -> list[str]:
    """Random text from blocks in use: letters, marks, numbers and symbols of many scripts."""
    rng = random.Random(seed)
    blocks = [(0x00A0, 0x024F), (0x0300, 0x036F), (0x0370, 0x052F), (0x0590, 0x06FF), (0x0900, 0x0DFF), (0x0E00, 0x0FFF), (0x10A0, 0x11FF),
              (0x1E00, 0x1FFF), (0x2000, 0x23FF), (0x2460, 0x27BF), (0x2C00, 0x2E7F), (0x3000, 0x33FF), (0x4E00, 0x9FFF), (0xA000, 0xABFF),
              (0xAC00, 0xD7A3), (0xF900, 0xFFEF), (0x10000, 0x107FF), (0x11000, 0x11FFF), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF)]  # fmt: skip
    return ["".join(chr(rng.randint(*block)) + rng.choice(["", "", "", " ", "x"]) for _ in range(10)) for block in blocks]


PLAIN = LANGUAGES + DIGITS + CONTRACTIONS + SPACES + CODE + MARKS + MISSING_BYTES + ascii_bytes() + from_planes() + from_blocks()
PLAIN = list(dict.fromkeys(PLAIN))
