"""tokenize and detokenize, against the golden tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden import Tokenized, smollm2_token_cases, token_cases
from hosts import DATA, Host

SEPARATOR, SEPARATOR_ID = b"<|im_end|>", 2  # a special token of SmolLM2: what stands around it is tokenized apart
MODELS = ["stories260K", "tiny-q", "tiny-gpt2"]


def ids_of(line: bytes) -> list[int]:
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    return [int(word) for word in line.split()]


def tokenize(host: Host, model: Path, text: bytes, special: bool) -> list[int]:
    return ids_of(host.ok("tokenize", "-m", model, *(["--special"] if special else []), stdin=text).out)


def detokenize(host: Host, model: Path, ids: list[int]) -> bytes:
    return host.ok("detokenize", "-m", model, stdin=" ".join(map(str, ids)).encode()).out


@pytest.mark.parametrize("name", MODELS)
def test_golden_tokens(host: Host, name: str) -> None:
    cases = token_cases(f"{name}-tokens.txt")
    wrong = [(case, found) for case in cases
             if (found := tokenize(host, DATA / f"{name}.gguf", case.text, case.special)) != case.ids]
    assert not wrong, f"{len(wrong)} of {len(cases)}, first {wrong[0]}"


def test_golden_tokens_with_the_sanitizers(sanitized: Host) -> None:
    for name in MODELS:
        for case in token_cases(f"{name}-tokens.txt")[::12]:
            assert tokenize(sanitized, DATA / f"{name}.gguf", case.text, case.special) == case.ids, case


def split_at(ids: list[int], separator: int) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    for token in ids:
        if token == separator:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def test_golden_tokens_of_smollm2(host: Host, smollm2: Path) -> None:
    """Loading the model takes longer than all 491 texts, so those without special tokens in them go
    together, held apart by one. The others go one by one: all natively, some under Wasmtime."""
    cases = smollm2_token_cases()
    plain = [case for case in cases if b"<" not in case.text]
    apart = [case for case in cases if b"<" in case.text]
    assert len(plain) > 400 and len(apart) > 10
    together = tokenize(host, smollm2, SEPARATOR.join(case.text for case in plain), special=True)
    found = split_at(together, SEPARATOR_ID)
    assert len(found) == len(plain)
    wrong = [(case, ids) for case, ids in zip(plain, found) if ids != case.ids]
    assert not wrong, f"{len(wrong)} of {len(plain)}, first {wrong[0]}"
    for case in apart if host.name == "native" else apart[::8]:
        assert tokenize(host, smollm2, case.text, case.special) == case.ids, case


# ---- Back to text ----

def spelt(cases: list[Tokenized]) -> list[Tokenized]:
    """Those without special tokens, which have no text, whose tokens give the text back."""
    return [case for case in cases if case.spells and not case.special]


@pytest.mark.parametrize("name", ["tiny-q", "tiny-gpt2"])
def test_byte_level_tokens_spell_the_text(host: Host, name: str) -> None:
    cases = spelt(token_cases(f"{name}-tokens.txt"))
    ids = [token for case in cases for token in case.ids]
    assert detokenize(host, DATA / f"{name}.gguf", ids) == b"".join(case.text for case in cases)


def test_smollm2_tokens_spell_the_text(host: Host, smollm2: Path) -> None:
    cases = spelt(smollm2_token_cases())
    assert len(cases) > 400
    ids = [token for case in cases for token in case.ids]
    assert detokenize(host, smollm2, ids) == b"".join(case.text for case in cases)


def test_sentencepiece_tokens_spell_the_text(host: Host, stories: Path) -> None:
    """One by one: what a text begins with matters here. SentencePiece writes a space as U+2581, so that
    one of the text's own comes back as a space."""
    for case in spelt(token_cases("stories260K-tokens.txt")):
        assert detokenize(host, stories, case.ids) == case.text.replace("\u2581".encode(), b" "), case


def test_a_cut_character_comes_out_as_its_bytes(host: Host, tiny_q: Path) -> None:
    ids = tokenize(host, tiny_q, "한".encode(), special=False)
    assert len(ids) == 3
    assert detokenize(host, tiny_q, ids[:2]) == "한".encode()[:2]


def test_any_white_space_separates_ids(host: Host, tiny_q: Path) -> None:
    assert host.ok("detokenize", "-m", tiny_q, stdin=b"\n 40\t41\r\n\n42 ").out \
        == detokenize(host, tiny_q, [40, 41, 42])
    assert host.ok("detokenize", "-m", tiny_q).out == b""


# ---- Special tokens and pieces ----

def test_special_tokens_only_on_request(host: Host, smollm2: Path) -> None:
    text = b"<|im_start|>user\n"
    assert tokenize(host, smollm2, text, special=True)[0] == 1
    plain = tokenize(host, smollm2, text, special=False)
    assert 1 not in plain and detokenize(host, smollm2, plain) == text


def test_pieces(host: Host, tiny_q: Path) -> None:
    lines = host.ok("tokenize", "-m", tiny_q, "--pieces", stdin=b'the "\\\n\x01').text.splitlines()
    ids = [int(line.split("\t")[0]) for line in lines]
    assert ids == tokenize(host, tiny_q, b'the "\\\n\x01', special=False)
    assert "".join(json.loads(line.split("\t")[1]) for line in lines) == 'the "\\\n\x01'


def test_pieces_show_special_tokens(native: Host, smollm2: Path) -> None:
    result = native.ok("tokenize", "-m", smollm2, "--special", "--pieces", stdin=b"<|im_start|>a")
    assert result.text.splitlines()[0] == '1\t"<|im_start|>"'


# ---- Failures ----

@pytest.mark.parametrize(("ids", "named"), [
    (b"1 2 515", "515"), (b"1 x\n", "'x'"), (b"-1 2\n", "'-1'"), (b"99999999999999999999\n", "'9999"),
    (b"1,2\n", "',2'"), (b"3000000000", "'3000000000'"),
])
def test_what_is_no_token_id(host: Host, tiny_q: Path, ids: bytes, named: str) -> None:
    complaint = host.fails("detokenize", "-m", tiny_q, stdin=ids)
    assert named in complaint and complaint.endswith("(INK_ERR_INVALID_ARGUMENT)")


@pytest.mark.parametrize("text", [b"ab\xff", b"ab\xc0\x80", b"ab\xed\xa0\x80", b"ab\xe2\x82", b"ab\xf4\x90\x80\x80"])
def test_what_is_not_utf8(host: Host, tiny_q: Path, text: bytes) -> None:
    complaint = host.fails("tokenize", "-m", tiny_q, stdin=text)
    assert "byte 2" in complaint and complaint.endswith("(INK_ERR_INVALID_UTF8)")
