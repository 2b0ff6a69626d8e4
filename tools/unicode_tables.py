#!/usr/bin/env python3
"""Writes src/text/unicode_table.c and the checksums that its tests compare, from Unicode 16.0.0.

    pip install unicodedata2==16.0.0 && tools/unicode_tables.py

Why 16.0.0: it is, code point by code point, what the regular expressions of Hugging Face's `tokenizers`
0.23 (Oniguruma 6.9.10) mean by \\p{L}, \\p{N}, \\s and the rest. llama.cpp's table is Unicode 15.1 or so,
and the normalisers in `tokenizers` are of Unicode 9 to 12: they differ in what was added since, nowhere
else. tools/oracle/check_bpe.py compares the categories with `tokenizers`.

The Python standard library's unicodedata has other versions, and unicodedata2 no case mappings: those
come from this Python's str methods, and for what is newer than its Unicode from NEW_CASE_PAIRS."""

import hashlib
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import unicodedata2 as ucd

ROOT = Path(__file__).parent.parent
VERSION = "16.0.0"
LIMIT = 0x110000
# Beyond, there is but private use, which the lookup knows by itself.
TABLE_END = 0xE0200
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)

# In the order of ink_category.
CATEGORIES = "Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs".split()
COMPOSES_FLAG, DECOMPOSES_FLAG, CASE_LISTED_FLAG = 32, 64, 128

# Capital, small: added in Unicode 15.0 to 16.0 (UnicodeData.txt).
NEW_CASE_PAIRS = [(0x1C89, 0x1C8A), (0xA7CB, 0x0264), (0xA7CC, 0xA7CD), (0xA7DA, 0xA7DB), (0xA7DC, 0x019B),
                  *((c, c + 0x20) for c in range(0x10D50, 0x10D66))]  # fmt: skip


def characters() -> list[str]:
    return [chr(c) for c in range(LIMIT) if c not in SURROGATES]


# ---- Normalisation -------------------------------------------------------------------------------


def decomposition(code: int) -> tuple[bool, str]:
    """One step: whether it is canonical, and what the character becomes ("" when nothing)."""
    fields = ucd.decomposition(chr(code)).split()
    canonical = not (fields and fields[0].startswith("<"))
    return canonical, "".join(chr(int(f, 16)) for f in fields if not f.startswith("<"))


def is_composite(code: int) -> bool:
    """NFC makes this character out of the two that it decomposes to."""
    canonical, target = decomposition(code)
    return canonical and len(target) == 2 and ucd.normalize("NFC", target) == chr(code)


def composes_back() -> set[int]:
    """Characters that NFC may join to what stands before them."""
    jamo = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    return jamo | {ord(decomposition(c)[1][1]) for c in range(LIMIT) if is_composite(c)}


def properties() -> list[int]:
    back = composes_back()
    values = []
    for c in range(LIMIT):
        canonical, target = decomposition(c)
        value = CATEGORIES.index(ucd.category(chr(c)))
        if ucd.combining(chr(c)) or c in back or (target and canonical and not is_composite(c)):
            value |= COMPOSES_FLAG
        if target:
            value |= DECOMPOSES_FLAG
        values.append(value)
    return values


def blocks(values: list[int], size: int) -> tuple[list[int], list[int]]:
    """The number of each block of `size` values, and the distinct blocks one after the other."""
    distinct: dict[tuple[int, ...], int] = {}
    numbers = [distinct.setdefault(tuple(values[i : i + size]), len(distinct)) for i in range(0, len(values), size)]
    return numbers, [value for block in distinct for value in block]


# ---- Case ----------------------------------------------------------------------------------------


def case_map(method: str, new: dict[int, int]) -> dict[int, str]:
    """Characters that the method changes, one by one and so without regard to their neighbours."""
    known = {ord(c): getattr(c, method)() for c in characters() if unicodedata.category(c) != "Cn"}
    changed = {c: to for c, to in known.items() if to != chr(c)}
    return changed | {c: chr(to) for c, to in new.items() if c not in changed}


class Case:
    """Mappings to one character that several characters have in common, as what is added in 16 bits; and those of
    all others that have any, as characters."""

    def __init__(self) -> None:
        self.lower = case_map("lower", dict(NEW_CASE_PAIRS))
        self.upper = case_map("upper", {small: capital for capital, small in NEW_CASE_PAIRS})
        changed = sorted(self.lower.keys() | self.upper.keys())
        single = [c for c in changed if len(self.lower.get(c, "x")) == len(self.upper.get(c, "x")) == 1]
        count = Counter(self.deltas(c) for c in single)
        self.shared = {c: self.deltas(c) for c in single if count[self.deltas(c)] > 1}
        self.listed = [c for c in changed if c not in self.shared]

    def deltas(self, code: int) -> tuple[int, int]:
        """Of lower and upper case; both stay in the character's plane of 65536."""
        return tuple(ord(mapped.get(code, chr(code))) - code & 0xFFFF for mapped in (self.lower, self.upper))


# ---- Writing -------------------------------------------------------------------------------------

SIZES = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4}


class Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.bytes = 0

    def array(self, kind: str, name: str, values: list, about: str = "") -> None:
        cells = [str(v) if isinstance(v, int) else "{" + ", ".join(map(str, v)) + "}" for v in values]
        lines, line = [], "   "
        for cell in cells:
            if len(line) + len(cell) + 2 > 120:
                lines.append(line)
                line = "   "
            line += f" {cell},"
        lines.append(line)
        body = "\n".join(lines)
        comment = f"/* {about} */\n" if about else ""
        self.parts.append(f"{comment}const {kind} {name}[{len(values)}] = {{\n{body}\n}};\n")
        self.bytes += SIZES[kind] * len(values)

    def count(self, name: str, value: int) -> None:
        self.parts.append(f"const size_t {name} = {value};\n")


def write_classes(out: Writer, case: Case) -> None:
    def class_of(code: int, leaf: int) -> tuple[int, ...]:
        listed = CASE_LISTED_FLAG if code in case.listed else 0
        return (leaf | listed, ucd.combining(chr(code)), *case.shared.get(code, (0, 0)))

    by_code = [class_of(*entry) for entry in enumerate(properties()[:TABLE_END])]
    classes = sorted(set(by_code))
    assert len(classes) <= 256
    number = {values: i for i, values in enumerate(classes)}
    top, leaves = blocks([number[values] for values in by_code], 256)
    out.array("uint8_t", "ink_unicode_top", top, "By code point >> 8: which 256 entries of ink_unicode_leaves.")
    out.array("uint8_t", "ink_unicode_leaves", leaves, "Which entry of the following.")
    flags, combining, lower, upper = zip(*classes)
    out.array("uint8_t", "ink_unicode_flags", flags, "ink_category, and the flags of unicode_table.h.")
    out.array("uint8_t", "ink_unicode_combining", combining, "Canonical_Combining_Class.")
    out.array("uint16_t", "ink_unicode_to_lower", lower, "What is added, in the character's plane.")
    out.array("uint16_t", "ink_unicode_to_upper", upper)


BLOCK = 128  # INK_UNICODE_BLOCK
MOST_COMPOSITES = 1024  # INK_UNICODE_MOST_COMPOSITES


def varint(value: int) -> list[int]:
    """Seven bits a byte, the lowest first."""
    return [value] if value < 128 else [value & 127 | 128, *varint(value >> 7)]


def signed(value: int) -> list[int]:
    return varint(2 * value if value >= 0 else -2 * value - 1)


def write_decompositions(out: Writer) -> None:
    steps = {c: decomposition(c) for c in range(LIMIT) if decomposition(c)[1]}
    codes = sorted(steps)
    heads, values, block_code, block_at = [], [], [], []
    for i, code in enumerate(codes):
        canonical, target = steps[code]
        if i % BLOCK == 0:
            block_code.append(code)
            block_at.append(len(values))
            next_code, expected = code, [0] * 32
        heads.append(len(target) << 2 | canonical << 1 | (code > next_code))
        if code > next_code:
            values += varint(code - next_code)
        next_code = code + 1
        for k, character in enumerate(target):
            values += signed(ord(character) - expected[k])
            expected[k] = ord(character) + (k == 0)
    assert len(values) < 1 << 16
    out.array("uint8_t", "ink_unicode_heads", heads, "By decomposing character: length << 2 | canonical << 1 | after a gap.")
    out.array("uint8_t", "ink_unicode_values", values, "And its gap and characters, as in the header.")
    out.array("uint32_t", "ink_unicode_block_code", block_code, f"Of every {BLOCK}th: the character,")
    out.array("uint16_t", "ink_unicode_block_at", block_at, "and where its values begin.")
    out.count("ink_unicode_n_blocks", len(block_code))
    out.count("ink_unicode_n_steps", len(codes))
    assert not composes_back() & {c for c in codes if is_composite(c)}, "flags tell which are composites"
    assert sum(map(is_composite, codes)) <= MOST_COMPOSITES


def write_listed_case(out: Writer, case: Case) -> None:
    upper = [[ord(x) for x in case.upper.get(c, chr(c)).ljust(3, "\0")] for c in case.listed]
    # A capital I with a dot is the one with a lower case of two characters, of which the second is known by rule.
    assert [c for c in case.listed if len(case.lower.get(c, "x")) > 1] == [0x130]
    lower = [ord(case.lower.get(c, chr(c))[0]) for c in case.listed]
    out.array("uint16_t", "ink_unicode_listed", case.listed, "Characters with case mappings of their own:")
    out.array("uint16_t", "ink_unicode_listed_lower", lower, "lower case, the first character,")
    for i, column in enumerate(zip(*upper)):
        out.array("uint16_t", f"ink_unicode_listed_upper_{i}", column, "" if i else "and upper case, up to three or a 0.")
    out.count("ink_unicode_n_listed", len(case.listed))


# Where characters interact: tests/unit/test_unicode.c has the same list.
SAMPLED = [(0x41, 0x5A), (0x300, 0x362), (0x1100, 0x11C2), (0xAC00, 0xAC80), (0x1E00, 0x1FFF), (0x591, 0x5C7),
           (0x900, 0xDFF), (0x3040, 0x30FF), (0xF900, 0xFFEF), (0x11080, 0x11380), (0x1D150, 0x1D1FF)]  # fmt: skip


def samples(n: int = 20000) -> list[str]:
    """Random texts, from the generator that the C tests have (fixtures.h)."""
    state, texts = 1, []

    def random(bound: int) -> int:
        nonlocal state
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (state >> 8) % bound

    for _ in range(n):
        text = ""
        for _ in range(1 + random(12)):
            first, last = SAMPLED[random(len(SAMPLED))]
            text += chr(first + random(last - first + 1))
        texts.append(text)
    return texts


def checksum(texts: list[str]) -> str:
    """FNV-1a of the texts, each in UTF-8 and a zero byte, as two halves."""
    value = 0xCBF29CE484222325
    for byte in b"".join(text.encode() + b"\0" for text in texts):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value >> 32} {value & 0xFFFFFFFF}"


def write_checksums(case: Case) -> None:
    functions = {
        "category": lambda c: ucd.category(c),
        **{form: (lambda c, form=form: ucd.normalize(form, c)) for form in ("NFC", "NFD", "NFKC", "NFKD")},
        "lower": lambda c: case.lower.get(ord(c), c),
        "upper": lambda c: case.upper.get(ord(c), c),
    }
    lines = [f"# Generated by tools/unicode_tables.py from Unicode {VERSION}.",
             "# FNV-1a of all characters (no surrogates) after each function, each in UTF-8 and a zero byte;",
             "# for normal forms, also of random texts."]  # fmt: skip
    for name, function in functions.items():
        lines.append(f"# {name}\n{checksum([function(c) for c in characters()])}")
        if name.startswith("NF"):
            lines.append(checksum([function(text) for text in samples()]))
    (ROOT / "tests/data/golden/unicode-checksums.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    assert ucd.unidata_version == VERSION, f"unicodedata2=={VERSION} is needed, not {ucd.unidata_version}"
    out, case = Writer(), Case()
    write_classes(out, case)
    write_decompositions(out)
    write_listed_case(out, case)
    target = ROOT / "src/text/unicode_table.c"
    head = f'/* Generated by tools/unicode_tables.py from Unicode {VERSION}; do not edit. */\n#include "text/unicode_table.h"\n'
    target.write_text("\n".join([head, *out.parts]))
    write_checksums(case)
    print(f"{target.name}: {out.bytes} bytes of tables", file=sys.stderr)


if __name__ == "__main__":
    main()
