"""run: prompts, limits, stop strings, sampling, JSON."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest
from golden import load_json, stories_greedy
from hosts import Host
from test_tokens import detokenize

PROMPT = "Lily wanted to"  # of the golden continuation, BOS aside
OPENING = " go on a walk. She saw a big box with a big box."


def greedy(host: Host, model: Path, *more: str | int) -> Any:
    return host.ok("-m", model, "-p", PROMPT, "--temp", 0, "--json", *more).json


# ---- What is printed ----

def test_only_the_new_text_and_nothing_after_it(any_host: Host, stories: Path) -> None:
    result = any_host.ok("-m", stories, "-p", PROMPT, "--temp", 0, "-n", 16)
    assert OPENING.startswith(result.text) and result.text.endswith(" with")


def test_json(any_host: Host, stories: Path) -> None:
    found = greedy(any_host, stories, "-n", 16)
    assert list(found) == ["text", "tokens", "finish_reason", "usage", "timings"]
    usage = found["usage"]
    assert list(usage) == ["prompt_tokens", "completion_tokens", "drafted_tokens", "accepted_tokens"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (len(stories_greedy().prompt), 16)
    assert found["finish_reason"] == "length" and len(found["tokens"]) == 16
    assert set(found["timings"]) == {"prefill_ms", "decode_ms"}
    assert all(time >= 0 for time in found["timings"].values())
    assert found["text"] == any_host.ok("-m", stories, "-p", PROMPT, "--temp", 0, "-n", 16).text


@pytest.mark.parametrize("kv_type", ["f32", "f16", "bf16", "q8_0"])
def test_a_full_context_ends_or_shifts(any_host: Host, stories: Path, kv_type: str) -> None:
    context = ("-c", 48, "--cache-type", kv_type)
    assert greedy(any_host, stories, "-n", 90, *context)["finish_reason"] == "context"
    shifted = greedy(any_host, stories, "-n", 90, *context, "--context-shift", "--keep", 5)
    assert shifted["finish_reason"] == "length" and len(shifted["tokens"]) == 90
    scalar = greedy(any_host, stories, "-n", 90, *context, "--context-shift", "--keep", 5, "--kernels", "scalar")
    # How much is drafted hangs on what a batch costs a table.
    assert shifted == scalar | {"timings": shifted["timings"], "usage": shifted["usage"]}


def test_the_types_of_the_kv_cache_take_what_they_say(native: Host, smollm2: Path) -> None:
    def kv_cache(kv_type: str) -> int:
        return int(native.ok("info", "-m", smollm2, "-c", 2048, "--cache-type", kv_type, "--json").json["memory"]["kv_cache"])

    elements = 2 * 30 * 3 * 64 * 2048
    assert [round(kv_cache(kv_type) / elements, 2) for kv_type in ("f32", "f16", "bf16", "q8_0")] == [4, 2, 2, 1.03]
    assert native.run("-m", smollm2, "-p", "a", "--cache-type", "q3").status == 2


def test_temperature_0_is_the_golden_continuation(any_host: Host, stories: Path) -> None:
    """Every lead is far above what float32 loses."""
    picks = stories_greedy().picks
    assert min(lead for _, lead in picks) > 1e-3
    found = greedy(any_host, stories, "-n", len(picks))
    assert found["tokens"] == [token for token, _ in picks]
    assert found["text"].startswith(OPENING)


def test_text_is_what_the_tokens_spell(host: Host, tiny_q: Path) -> None:
    """A random model's tokens are not UTF-8; the text has U+FFFD for what belongs to no character, but for one that
    the end cuts off."""
    arguments = ["-m", tiny_q, "-p", "To be", "-n", 40, "--seed", 5]
    found = host.ok(*arguments, "--json").json
    spelt = detokenize(host, tiny_q, found["tokens"])
    assert "\ufffd" in found["text"]
    whole = codecs.getincrementaldecoder("utf-8")("replace").decode(spelt)
    assert found["text"] == host.ok(*arguments).text == whole


# ---- Where the prompt comes from ----

def test_prompt_from_flag_file_and_stdin(any_host: Host, stories: Path, tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text(PROMPT)
    seen = any_host.showing(tmp_path)
    arguments = ["-m", stories, "--temp", 0, "-n", 12]
    by_flag = seen.ok(*arguments, "-p", PROMPT, stdin=b"not this").out
    assert by_flag and by_flag == seen.ok(*arguments, "-f", file).out == seen.ok(*arguments, stdin=PROMPT.encode()).out


def test_a_long_prompt_from_stdin(host: Host, tiny_q: Path) -> None:
    """Longer than the command's first buffer."""
    text = b"To be or not to be. " * 5000
    complaint = host.fails("-m", tiny_q, "-n", 1, stdin=text)
    assert "INK_ERR_CONTEXT_FULL" in complaint


def test_special_tokens_count_as_such_in_a_prompt(host: Host, smollm2: Path) -> None:
    found = host.ok("-m", smollm2, "-p", "<|im_start|>user\n", "-n", 1, "--json").json
    assert found["usage"]["prompt_tokens"] == 3


# ---- Where it ends ----

@pytest.mark.parametrize("n", [0, 1, 7])
def test_at_most_n_tokens(any_host: Host, stories: Path, n: int) -> None:
    found = greedy(any_host, stories, "-n", n)
    assert found["usage"]["completion_tokens"] == len(found["tokens"]) == n
    assert found["finish_reason"] == "length"


def test_without_n_it_goes_on_to_the_context(any_host: Host, stories: Path) -> None:
    found = greedy(any_host, stories, "-c", 32)
    assert found["finish_reason"] == "context"
    assert found["usage"]["prompt_tokens"] + found["usage"]["completion_tokens"] in (32, 33)
    assert greedy(any_host, stories, "-c", 32, "-n", -1)["tokens"] == found["tokens"]


@pytest.mark.parametrize(("stops", "expected"), [
    ([" walk"], " go on a"),                # a token's own text
    (["lk. S"], " go on a wa"),             # across tokens
    (["nowhere", "with", "box"], " go on a walk. She saw a big "),  # the first to appear
    (["saw a small"], None),                # held back, then let go
    ([" "], ""),
])
def test_stop_strings(any_host: Host, stories: Path, stops: list[str], expected: str | None) -> None:
    flags = [word for stop in stops for word in ("--stop", stop)]
    found = greedy(any_host, stories, "-n", 16, *flags)
    if expected is None:
        assert found == {**greedy(any_host, stories, "-n", 16), "timings": found["timings"]}
    else:
        assert (found["text"], found["finish_reason"]) == (expected, "stop")
    text = any_host.ok("-m", stories, "-p", PROMPT, "--temp", 0, "-n", 16, *flags).text
    assert text == found["text"]


def test_the_end_token_ends_it_and_is_not_shown(host: Host, smollm2: Path) -> None:
    case = next(case for case in load_json("smollm2.json")["cases"] if case["name"] == "chat-turns")
    found = host.ok("-m", smollm2, "-p", case["prompt"], "-n", 48, "--temp", 0, "--json").json
    assert found["finish_reason"] == "end" and "<|im_end|>" not in found["text"]
    assert found["tokens"] and 2 not in found["tokens"]


# ---- Sampling ----

def sampled(host: Host, model: Path, seed: int, *more: str | int | float) -> list[int]:
    found = host.ok("-m", model, "-p", "To be", "-n", 24, "--seed", seed, "--json", *more).json
    return list(found["tokens"])


def test_the_seed_decides(any_host: Host, tiny_q: Path) -> None:
    texts = [sampled(any_host, tiny_q, seed) for seed in (1, 2, 2**64 - 1)]
    assert texts[0] == sampled(any_host, tiny_q, 1)
    assert texts[0] != texts[1] != texts[2] != texts[0]


def test_without_a_seed_each_run_differs(host: Host, tiny_q: Path) -> None:
    arguments = ["-m", tiny_q, "-p", "To be", "-n", 24]
    assert host.ok(*arguments).out != host.ok(*arguments).out


@pytest.mark.parametrize("flags", [["--top-k", 1], ["--top-p", 0], ["--min-p", 1], ["--temp", 1e-4]])
def test_what_leaves_one_choice_is_greedy(host: Host, tiny_q: Path, flags: list[Any]) -> None:
    assert sampled(host, tiny_q, 3, *flags) == sampled(host, tiny_q, 3, "--temp", 0)


def test_sampling_flags_change_the_text(host: Host, tiny_q: Path) -> None:
    variants: list[list[Any]] = [[], ["--temp", 3, "--min-p", 0, "--top-k", 0, "--top-p", 1], ["--top-k", 2],
                                 ["--repeat-penalty", 1.9]]
    texts = [tuple(sampled(host, tiny_q, 4, *flags)) for flags in variants]
    assert len(set(texts)) == len(variants)


def test_repeat_penalty_avoids_what_was_said(host: Host, stories: Path) -> None:
    plain = greedy(host, stories, "-n", 60)["tokens"]
    varied = greedy(host, stories, "-n", 60, "--repeat-penalty", 1.5)["tokens"]
    assert len(set(varied)) > len(set(plain))
    assert greedy(host, stories, "-n", 60, "--repeat-penalty", 1.5, "--repeat-last-n", 0)["tokens"] == plain


# ---- Values out of range ----

@pytest.mark.parametrize("flags", [
    ["--temp", "-1"], ["--temp", "1e30"], ["--top-p", "1.5"], ["--top-p", "-0.1"], ["--min-p", "2"],
    ["--repeat-penalty", "0"], ["--repeat-last-n", "100000"], ["--stop", "x" * 257], ["-c", "100000000"],
    ["--kernels", "abacus"],
])
def test_values_out_of_range(any_host: Host, tiny_q: Path, flags: list[str]) -> None:
    complaint = any_host.fails("-m", tiny_q, "-p", "a", "-n", 1, *flags)
    assert complaint.endswith("(INK_ERR_INVALID_ARGUMENT)")
