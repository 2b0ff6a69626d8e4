"""quantize: files as llama.cpp's quantiser makes them, and no file at all when something is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path

import pytest
from hosts import DATA, Host

GOLDEN = json.loads((DATA / "golden" / "quantized.json").read_text())
HOSTILE = json.loads((DATA / "hostile" / "hostile.json").read_text())
PARTS = DATA / "split" / "tiny-gpt2-00001-of-00003.gguf"
LIMIT_S = 20


def tensors(host: Host, path: Path) -> dict[str, tuple[str, bytes]]:
    """Type and bytes of each tensor."""
    whole = path.read_bytes()
    rows = host.ok("info", "-m", path, "--json").json["tensors"]
    return {row["name"]: (row["type"], whole[row["offset"]:row["offset"] + row["bytes"]]) for row in rows}


def digest(host: Host, path: Path) -> str:
    hashed = hashlib.sha256()
    for name, (kind, data) in sorted(tensors(host, path).items()):
        hashed.update(f"{name} {kind}\n".encode() + data)
    return hashed.hexdigest()


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_same_bytes_as_llama_cpp(any_host: Host, stories: Path, tmp_path: Path, kind: str) -> None:
    """All of the model, types that fall back included, on every host."""
    seen, out = any_host.showing(tmp_path), tmp_path / "out.gguf"
    summary = seen.ok("quantize", stories, out, kind).text
    assert kind.upper() in summary and summary.count("\n") == 1
    assert digest(seen, out) == GOLDEN[kind]
    assert [path.name for path in tmp_path.iterdir()] == ["out.gguf"]
    assert seen.ok("-m", out, "-p", "Once upon a time", "-n", 8, "--temp", 0).out


def test_metadata_is_kept(native: Host, stories: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    native.ok("quantize", stories, out, "Q4_k")
    before, after = (native.ok("info", "-m", path, "--json").json for path in (stories, out))
    changed = {"general.file_type": 15, "general.quantization_version": 2}
    assert after["metadata"] == {**before["metadata"], **changed}
    assert [t["name"] for t in after["tensors"]] == [t["name"] for t in before["tensors"]]
    assert {t["type"] for t in after["tensors"] if t["name"].endswith("_norm.weight")} == {"F32"}


def test_threads_change_nothing(native: Host, stories: Path, tmp_path: Path) -> None:
    for threads in (1, 2, 7):
        native.ok("quantize", "-t", threads, stories, tmp_path / f"{threads}.gguf", "q4_0")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_a_model_in_parts_becomes_one_file(any_host: Host, tmp_path: Path) -> None:
    seen = any_host.showing(tmp_path)
    for name, source in (("parts", PARTS), ("whole", DATA / "tiny-gpt2.gguf")):
        seen.run("quantize", source, tmp_path / f"{name}.gguf", "q8_0")
    assert digest(seen, tmp_path / "parts.gguf") == digest(seen, tmp_path / "whole.gguf")
    assert "split.count" not in seen.ok("info", "-m", tmp_path / "parts.gguf", "--json").json["metadata"]


def test_quantising_again_is_noted(any_host: Host, tmp_path: Path) -> None:
    result = any_host.showing(tmp_path).run("quantize", DATA / "tiny-gpt2.gguf", tmp_path / "out.gguf", "q8_0")
    assert result.status == 0 and b"quantised already (Q4_0)" in result.err and result.err.count(b"\n") == 1


def test_the_same_type_is_copied(native: Host, stories: Path, tmp_path: Path) -> None:
    native.ok("quantize", stories, tmp_path / "a.gguf", "q4_k_m")
    native.ok("quantize", tmp_path / "a.gguf", tmp_path / "b.gguf", "q4_k_m")
    assert tensors(native, tmp_path / "a.gguf") == tensors(native, tmp_path / "b.gguf")


def test_pure(native: Host, stories: Path, tmp_path: Path) -> None:
    native.ok("quantize", "--pure", stories, tmp_path / "out.gguf", "q4_0")
    kinds = {name: kind for name, (kind, _) in tensors(native, tmp_path / "out.gguf").items()}
    assert kinds["token_embd.weight"] == "Q4_0" and set(kinds.values()) == {"Q4_0", "F16", "F32"}


# ---- Where the output goes ----

def test_the_input_is_never_overwritten(any_host: Host, stories: Path, tmp_path: Path) -> None:
    model, link = tmp_path / "model.gguf", tmp_path / "link.gguf"
    model.write_bytes(stories.read_bytes())
    os.link(model, link)
    seen = any_host.showing(tmp_path)
    for out in (model, link):
        assert "file that is read" in seen.fails("quantize", model, out, "q8_0")
    temporary = tmp_path / "out.gguf.tmp"
    os.link(model, temporary)
    assert "file that is read" in seen.fails("quantize", temporary, tmp_path / "out.gguf", "q8_0")
    assert model.read_bytes() == stories.read_bytes()


def test_another_file_is_overwritten(any_host: Host, stories: Path, tmp_path: Path) -> None:
    out, seen = tmp_path / "out.gguf", any_host.showing(tmp_path)
    out.write_text("what was there before")
    seen.ok("quantize", stories, out, "q8_0")
    assert out.read_bytes()[:4] == b"GGUF"


def test_nowhere_to_write(any_host: Host, stories: Path, tmp_path: Path) -> None:
    complaint = any_host.showing(tmp_path).fails("quantize", stories, tmp_path / "none" / "out.gguf", "q8_0")
    assert "INK_ERR_IO" in complaint


def test_a_full_disk_leaves_nothing(native: Host, stories: Path, tmp_path: Path) -> None:
    """A limit on a file's size acts as one."""
    import resource
    import signal

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    out = tmp_path / "out.gguf"
    out.write_text("what was there before")
    assert "INK_ERR_IO" in native.fails("quantize", stories, out, "q8_0", preexec=limit)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["what was there before"]


# ---- Importance weights ----

def gguf(kind: str, entries: dict[str, list[float]]) -> bytes:
    """A file of F32 vectors."""
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    header = struct.pack("<4sIQQ", b"GGUF", 3, len(entries), 1)
    header += text("general.type") + struct.pack("<I", 8) + text(kind)
    data = b""
    for name, values in entries.items():
        header += text(name) + struct.pack("<IQIQ", 1, len(values), 0, len(data))
        data += struct.pack(f"<{len(values)}f", *values)
        data += bytes(-len(data) % 32)
    return header + bytes(-len(header) % 32) + data


NAME = "blk.0.attn_q.weight"  # of stories260K, 64 columns
UNEVEN = [1000.0 if c % 8 == 0 else 0.001 for c in range(64)]


def imatrix(values: list[float], count: float = 2.0, name: str = NAME) -> dict[str, list[float]]:
    return {f"{name}.in_sum2": values, f"{name}.counts": [count]}


def test_importance_changes_what_it_is_about(any_host: Host, stories: Path, tmp_path: Path) -> None:
    weights, seen = tmp_path / "imatrix.gguf", any_host.showing(tmp_path)
    weights.write_bytes(gguf("imatrix", imatrix(UNEVEN)))
    seen.ok("quantize", stories, tmp_path / "plain.gguf", "q4_0")
    seen.ok("quantize", "--imatrix", weights, stories, tmp_path / "weighted.gguf", "q4_0")
    plain, weighted = (tensors(seen, tmp_path / f"{name}.gguf") for name in ("plain", "weighted"))
    assert {name for name in plain if plain[name] != weighted[name]} == {NAME}
    assert seen.ok("info", "-m", tmp_path / "weighted.gguf", "--json").json["metadata"]["quantize.imatrix.file"]


@pytest.mark.parametrize(("kind", "entries", "named"), [
    ("model", imatrix(UNEVEN), "general.type"),
    ("imatrix", {}, "none of the model's tensors"),
    ("imatrix", imatrix(UNEVEN[:32]), "64 F32 values"),
    ("imatrix", imatrix([float("nan"), *UNEVEN[1:]]), "column 0"),
    ("imatrix", imatrix([*UNEVEN[:63], -1.0]), "column 63"),
    ("imatrix", {f"{NAME}.in_sum2": UNEVEN}, "no counts"),
    ("imatrix", imatrix(UNEVEN, name="blk.9.attn_q.weight"), "none of the model's tensors"),
])
def test_wrong_importance(any_host: Host, stories: Path, tmp_path: Path, kind: str, entries: dict[str, list[float]],
                          named: str) -> None:
    weights = tmp_path / "imatrix.gguf"
    weights.write_bytes(gguf(kind, entries))
    arguments = ["quantize", "--imatrix", weights, stories, tmp_path / "out.gguf", "q4_0"]
    complaint = any_host.showing(tmp_path).fails(*arguments)
    assert named in complaint and "INK_ERR_BAD_MODEL" in complaint
    assert [path.name for path in tmp_path.iterdir()] == ["imatrix.gguf"]


# ---- Hostile input ----

@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["file"].removesuffix(".gguf"))
def test_hostile_file(sanitized: Host, tmp_path: Path, case: dict[str, object]) -> None:
    """A file or one clear line, and nothing half-written."""
    path, out = DATA / "hostile" / str(case["file"]), tmp_path / "out.gguf"
    result = sanitized.run("quantize", path, out, "q4_k_m", timeout=LIMIT_S)
    assert result.status in (0, 1), result.err.decode(errors="replace")
    if result.status == 1:
        assert " (INK_ERR_" in result.complaint
    assert [found.name for found in tmp_path.iterdir()] == (["out.gguf"] if result.status == 0 else [])


def test_values_that_no_block_can_hold(any_host: Host, tmp_path: Path) -> None:
    seen, out = any_host.showing(tmp_path), tmp_path / "out.gguf"
    for value, named in ((float("nan"), "not a number"), (1e30, "65504")):
        model = tmp_path / "model.gguf"
        model.write_bytes(two_rows([0.5] * 63 + [value]))
        complaint = seen.fails("quantize", model, out, "q4_0")
        assert named in complaint and "'a.weight'" in complaint and "row 1" in complaint
        assert not out.exists()
    seen.ok("quantize", model, out, "bf16")


def two_rows(values: list[float]) -> bytes:
    """A model of one matrix, 2 rows of 32."""
    data = gguf("model", {"a.weight": values})
    vector = struct.pack("<Q8sIQIQ", 8, b"a.weight", 1, 64, 0, 0)
    matrix = struct.pack("<Q8sIQQIQ", 8, b"a.weight", 2, 32, 2, 0, 0)
    at = data.index(vector)
    header = data[:at] + matrix
    return header + bytes(-len(header) % 32) + data[-256:]


# ---- Usage ----

@pytest.mark.parametrize(("arguments", "named"), [
    ([], "IN.gguf"),
    (["in.gguf", "out.gguf"], "IN.gguf"),
    (["in.gguf", "out.gguf", "q4_0", "more"], "more"),
    (["in.gguf", "out.gguf", "q9"], "Q4_K_M"),
    (["-t", "many", "in.gguf", "out.gguf", "q4_0"], "-t"),
])
def test_bad_usage(any_host: Host, arguments: list[str], named: str) -> None:
    result = any_host.run("quantize", *arguments)
    assert result.status == 2 and result.out == b"" and named in result.complaint
