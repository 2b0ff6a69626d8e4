"""tools/convert tokenizer: what a tokenizer.json is taken for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "lib"))

from convert import huggingface, pre_tokenizers  # noqa: E402
from convert.vocabulary import ConvertError, Kind  # noqa: E402

Json = dict[str, Any]
FULL_STEPS = {
    "Split": lambda option: {"type": "Split", "pattern": {"Regex": option}, "behavior": "Isolated", "invert": False},
    "Digits": lambda option: {"type": "Digits", "individual_digits": option},
    "Punctuation": lambda option: {"type": "Punctuation", "behavior": option},
    "ByteLevel": lambda option: {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": option},
}


def byte_level(steps: list[Json], nfc: bool = False, ignore_merges: bool = False) -> Json:
    return {"normalizer": {"type": "NFC"} if nfc else None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "ignore_merges": ignore_merges}}


def steps_of(name: str) -> list[Json]:
    return [FULL_STEPS[kind](option) for kind, option in pre_tokenizers.ORIGINALS[name]]


@pytest.mark.parametrize("name", pre_tokenizers.ORIGINALS)
def test_every_rule_is_known_by_its_steps(name: str) -> None:
    options = name in pre_tokenizers.NFC, name in pre_tokenizers.IGNORE_MERGES
    found = huggingface.read(byte_level(steps_of(name), *options)).pre
    assert pre_tokenizers.ORIGINALS[found] == pre_tokenizers.ORIGINALS[name]
    assert (found in pre_tokenizers.NFC, found in pre_tokenizers.IGNORE_MERGES) == options


def test_gpt2s_words_spelled_out() -> None:
    steps = [FULL_STEPS["Split"](pre_tokenizers.GPT2), FULL_STEPS["ByteLevel"](False)]
    assert huggingface.read(byte_level(steps)).pre == "gpt-2"


def test_one_step_without_a_sequence() -> None:
    data = byte_level([])
    data["pre_tokenizer"] = FULL_STEPS["ByteLevel"](True)
    assert huggingface.read(data).pre == "gpt-2"


def test_what_is_not_known_needs_pre() -> None:
    unknown = [[FULL_STEPS["Split"](r"\w+"), FULL_STEPS["ByteLevel"](False)],
               [{**FULL_STEPS["ByteLevel"](True), "add_prefix_space": True}],
               [{**FULL_STEPS["Split"](pre_tokenizers.QWEN2), "behavior": "MergedWithNext"}, FULL_STEPS["ByteLevel"](False)],
               [{"type": "UnicodeScripts"}]]
    for steps in unknown:
        with pytest.raises(ConvertError, match="--pre"):
            huggingface.read(byte_level(steps))
        assert huggingface.read(byte_level(steps), pre="qwen2").pre == "qwen2"
    with pytest.raises(ConvertError, match="--pre"):  # no rule has these words and that normal form
        huggingface.read(byte_level(steps_of("deepseek-v3"), nfc=True))


def test_a_tokenizer_as_xlm_rs() -> None:
    special = [{"id": i, "content": token, "special": True} for i, token in [(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>"), (6, "<mask>")]]
    around = [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}]
    vocabulary = huggingface.read({
        "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "AAAA"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}]},
        "post_processor": {"type": "TemplateProcessing", "single": around,
                           "special_tokens": {token: {"id": token, "ids": [i]} for i, token in [(0, "<s>"), (2, "</s>")]}},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁a", -1.0], ["b", -2.0], ["<mask>", 0.0]]},
    })
    assert (vocabulary.family, vocabulary.charsmap) == ("t5", b"\0\0\0")
    assert vocabulary.kinds == [Kind.CONTROL] * 3 + [Kind.UNKNOWN] + [Kind.NORMAL] * 2 + [Kind.CONTROL]
    assert vocabulary.ids == {"unknown": 3, "bos": 0, "eos": 2}
    assert vocabulary.flags == {"add_bos_token": True, "add_eos_token": True, "add_space_prefix": True, "remove_extra_whitespaces": True}
