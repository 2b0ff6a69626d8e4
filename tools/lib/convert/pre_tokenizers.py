"""How the pre-tokenizers that llama.cpp has names for stand in their models' own tokenizer.json."""

from __future__ import annotations

from typing import Any

# A step of a pre-tokenizer: its type, and what of its options tells rules apart.
Step = tuple[str, Any]
WORDS: Step = ("ByteLevel", True)  # GPT-2's words
BYTES: Step = ("ByteLevel", False)

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


def splits(*patterns: str) -> list[Step]:
    return [("Split", pattern) for pattern in patterns]


def patterns(*sources: str) -> list[Step]:
    return [*splits(*sources), BYTES]


# Rules that only llama.cpp's code states, not a pattern that is known, are not here: superbpe, afmoe. Nor
# are names that share their rule with one of these.
ORIGINALS: dict[str, list[Step]] = {
    "gpt-2": [WORDS],
    "olmo": [WORDS],
    "smollm": [("Digits", True), WORDS],
    "command-r": [("Digits", True), WORDS],
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
    "deepseek-llm": [*splits(r"[\r\n]", rf"\s?[{DEEPSEEK_CASED}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$",
                                  "[一-龥ࠀ-一가-퟿]+"), ("Digits", True), BYTES],
    "deepseek-coder": [*splits(r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+"),
                       ("Digits", True), BYTES],
    "deepseek-v3": patterns(r"\p{N}{1,3}", CJK, V3),
    "spark2_5": patterns(r"\p{N}{1,3}", CJK, V3_WORDS + r" ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"),
    "youtu": patterns("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + CJK, O200K.replace("{1,3}", "")),
    "falcon": [("Punctuation", "Contiguous"), WORDS, ("Digits", False), ("Split", "[0-9][0-9][0-9]")],
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
                 + [("Punctuation", "Isolated"), WORDS],
}  # fmt: skip

NFC = {"olmo", "command-r", "qwen2", "stablelm2", "qwen35"}
IGNORE_MERGES = {"llama-bpe", "tekken", "minicpm5", "youtu", "granite-embed-multi-97m"}
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def _step(part: dict[str, Any]) -> Step | None:
    """A step of a tokenizer.json; None for one that none of the rules has."""
    kind = part["type"]
    if kind == "Split":
        pattern = part["pattern"].get("Regex") or part["pattern"]["String"]
        # All that is no match removed, or kept apart: the same where the pattern matches everything.
        usual = (part.get("behavior"), part.get("invert", False)) in (("Isolated", False), ("Removed", True))
        return ("Split", pattern) if usual else None
    if kind == "Digits":
        return ("Digits", part.get("individual_digits", False))
    if kind == "Punctuation":
        return ("Punctuation", part.get("behavior", "Isolated"))
    if kind == "ByteLevel" and not part.get("add_prefix_space", False):
        return ("ByteLevel", part.get("use_regex", True))
    return None


def name_of(parts: list[dict[str, Any]], nfc: bool, ignore_merges: bool) -> str | None:
    """The first name of the rule that these steps are, or None."""
    steps = [_step(part) for part in parts]
    if steps[-2:] == [("Split", GPT2), BYTES]:
        steps[-2:] = [WORDS]
    for name, rule in ORIGINALS.items():
        if rule == steps and (name in NFC) == nfc and (name in IGNORE_MERGES) == ignore_merges:
            return name
    return None
