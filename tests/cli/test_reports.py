"""info and bench: what they say, as text and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import DATA, Host


def test_info_json(any_host: Host, stories: Path) -> None:
    found = any_host.ok("info", "-m", stories, "--json").json
    memory, metadata, tensors = found.pop("memory"), found.pop("metadata"), found.pop("tensors")
    assert found == {
        "file": {"parts": 1, "bytes": stories.stat().st_size},
        "architecture": "llama", "name": "stories260K", "tokenizer": "llama", "quantization": "F32",
        "n_params": 260032, "n_tensors": 47, "n_vocab": 512, "n_ctx_train": 512, "n_embd": 64, "n_layer": 5,
        "n_head": 8, "n_head_kv": 4, "n_ff": 172, "add_bos": True, "has_chat_format": False,
        "pooling_type": 0,
    }
    assert memory["total"] == sum(memory[part] for part in ("weights", "vocabulary", "kv_cache", "scratch"))
    assert memory["weights"] == 4 * 260032 and min(memory.values()) > 0
    assert metadata["llama.embedding_length"] == 64 and metadata["general.architecture"] == "llama"
    assert metadata["tokenizer.ggml.tokens"] == {"type": "string", "count": 512}
    assert len(tensors) == 47 and sum(tensor["bytes"] for tensor in tensors) == memory["weights"]
    last = max(tensors, key=lambda tensor: tensor["offset"])
    assert last["offset"] + last["bytes"] <= stories.stat().st_size
    assert {"name": "blk.4.ffn_down.weight", "shape": [172, 64], "type": "F32", "bytes": 44032, "part": 1} in [
        {key: value for key, value in tensor.items() if key != "offset"} for tensor in tensors]


def test_info_lists_keys_and_tensors(any_host: Host, tiny_q: Path) -> None:
    short, long = (any_host.ok("info", "-m", tiny_q, *flags).text for flags in ([], ["--metadata", "--tensors"]))
    assert long.startswith(short) and "1 file:" in short and " Q8_0 (" in short
    lines = [line.split() for line in long[len(short):].splitlines()]
    assert ["llama.block_count", "=", "2"] in lines and ["tokenizer.ggml.tokens", "=", "515", "x", "string"] in lines
    found = any_host.ok("info", "-m", tiny_q, "--json").json["tensors"]
    assert [line[-1] for line in lines[-len(found):]] == [tensor["name"] for tensor in found]


def test_info_takes_no_memory_for_weights(wasmtime: Host, smollm2: Path) -> None:
    bounded = wasmtime.with_wasmtime("-W", f"max-memory-size={24 << 20}")
    assert bounded.ok("info", "-m", smollm2, "--json").json["n_layer"] == 30


def test_info_as_text(any_host: Host, tiny_q: Path) -> None:
    text = any_host.ok("info", "-m", tiny_q).text
    for part in ("architecture  llama", "tokenizer     gpt2/smollm, 515 tokens", "mostly Q8_0", "chat format   yes",
                 "memory "):
        assert part in text, text


def test_info_of_smollm2(host: Host, smollm2: Path) -> None:
    found = host.ok("info", "-m", smollm2, "--json").json
    assert (found["architecture"], found["tokenizer"], found["quantization"]) == ("llama", "gpt2/smollm", "Q4_1")
    assert (found["n_params"], found["n_vocab"], found["n_ctx_train"]) == (134515008, 49152, 8192)
    assert found["has_chat_format"] and not found["add_bos"]
    assert 0.97 * smollm2.stat().st_size < found["memory"]["weights"] < smollm2.stat().st_size


def test_memory_follows_the_context(any_host: Host, stories: Path) -> None:
    small, large = (any_host.ok("info", "-m", stories, "-c", n, "--json").json["memory"] for n in (128, 256))
    assert large["kv_cache"] == pytest.approx(2 * small["kv_cache"], rel=0.01) and large["weights"] == small["weights"]


def test_info_reads_the_description_only(host: Host, smollm2: Path, tmp_path: Path) -> None:
    """Weights that are missing are not missed."""
    cut = tmp_path / "cut.gguf"
    with smollm2.open("rb") as whole:
        cut.write_bytes(whole.read(8 << 20))
    seen = host.showing(tmp_path)
    complaint = seen.fails("-m", cut, "-p", "a", "-n", 1)
    assert complaint.endswith("(INK_ERR_TRUNCATED)")


def test_bench_json(host: Host, tiny_q: Path) -> None:
    rows = host.ok("bench", "-m", tiny_q, "--pp", 8, "--tg", 4, "--reps", 3, "--json").json
    assert [(row["test"], row["n_tokens"]) for row in rows] == [("prefill", 8), ("decode", 4)]
    for row in rows:
        assert (row["model"], row["quantization"]) == (str(tiny_q), "Q8_0")
        assert (row["threads"], row["repetitions"]) == (1, 3)
        assert row["load_ms"] > 0
        rate = row["tokens_per_second"]
        assert 0 < rate["min"] <= rate["median"] <= rate["max"]


def test_bench_as_text(any_host: Host, tiny_q: Path) -> None:
    lines = any_host.ok("bench", "-m", tiny_q, "--pp", 8, "--tg", 4, "--reps", 1).text.splitlines()
    assert [line.split()[:3] for line in lines] == [["prefill", "8", "tokens"], ["decode", "4", "tokens"]]


def test_bench_at_a_depth(host: Host, tiny_q: Path) -> None:
    rows = host.ok("bench", "-m", tiny_q, "--pp", 8, "--tg", 4, "--depth", 40, "--reps", 1, "--json").json
    assert [(row["test"], row["n_tokens"], row["depth"]) for row in rows] == [("prefill", 8, 40), ("decode", 4, 40)]


def test_bench_leaves_out_a_test_of_no_tokens(host: Host, tiny_q: Path) -> None:
    for left, flags in {"prefill": ["--pp", 4, "--tg", 0], "decode": ["--pp", 0, "--tg", 4, "--depth", 2]}.items():
        rows = host.ok("bench", "-m", tiny_q, "--reps", 1, "--json", *flags).json
        assert [row["test"] for row in rows] == [left]


def test_bench_names_the_kernels(host: Host, tiny_q: Path) -> None:
    names = host.ok("version").text.split("kernels:")[1].split()
    for name in names:
        rows = host.ok("bench", "-m", tiny_q, "--pp", 4, "--tg", 2, "--reps", 1, "--kernels", name, "--json").json
        assert {row["kernels"] for row in rows} == {name}
    auto = host.ok("bench", "-m", tiny_q, "--pp", 4, "--tg", 2, "--reps", 1, "--json").json
    assert {row["kernels"] for row in auto} <= set(names)


def test_bench_runs_past_the_context(any_host: Host) -> None:
    """As many tokens as asked for, or a clear refusal: never a wrong figure."""
    result = any_host.run("bench", "-m", DATA / "tiny-q.gguf", "--pp", 600, "--tg", 2, "--reps", 1, "--json")
    assert result.status in (0, 1)
    if result.status == 0:
        assert result.json[0]["n_tokens"] == 600
    else:
        assert "INK_ERR" in result.complaint
