"""Adapters: --lora in every command that computes, and merge, which makes models of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hosts import DATA, Host

BASE = DATA / "architectures" / "llama.gguf"
ALL, SOME, HALF = (DATA / "adapters" / f"llama-{name}.gguf" for name in ("all", "some", "half"))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adapters") / "text.txt"
    path.write_text("a small model of each kind is kept beside the tests, so that every step can be checked")
    return path


def nll(host: Host, text: Path, *flags: object, model: Path = BASE) -> float:
    return host.showing(text.parent).ok("score", "-m", model, "-f", text, "--json", *flags).json["nll"]


def test_scores(any_host: Host, text: Path) -> None:
    plain, one = nll(any_host, text), nll(any_host, text, "--lora", ALL)
    assert len({plain, one, nll(any_host, text, "--lora", f"{ALL}:-0.5"), nll(any_host, text, "--lora", SOME),
                nll(any_host, text, "--lora", ALL, "--lora", f"{SOME}:0.5")}) == 5
    assert nll(any_host, text, "--lora", f"{ALL}:1.0") == one
    assert nll(any_host, text, "--lora", f"{ALL}:0") == plain


def test_a_colon_in_the_name(native: Host, text: Path, tmp_path: Path) -> None:
    odd = tmp_path / "an:adapter"
    odd.write_bytes(SOME.read_bytes())
    expected = nll(native, text, "--lora", SOME), nll(native, text, "--lora", f"{SOME}:2e-1")
    assert (nll(native, text, "--lora", odd), nll(native, text, "--lora", f"{odd}:.2")) == expected


def test_texts(any_host: Host) -> None:
    for command in (["run", "-p", "the"], ["chat", "-p", "the"]):
        shared = ["-m", BASE, "-n", 12, "--temp", 0]
        plain = any_host.ok(*command, *shared).out
        assert any_host.ok(*command, *shared, "--lora", ALL).out != plain
        assert any_host.ok(*command, *shared, "--lora", f"{ALL}:0").out == plain


def test_bench(native: Host) -> None:
    assert native.ok("bench", "-m", BASE, "--lora", ALL, "--pp", 8, "--tg", 4, "--reps", 1, "--json").json


@pytest.mark.parametrize(("file", "code", "words"), [
    (DATA / "absent.gguf", "IO", "absent.gguf"),
    (DATA / "README.md", "NOT_GGUF", "README.md"),
    (BASE, "BAD_ADAPTER", "no adapter"),
    (DATA / "adapters" / "gpt2.gguf", "BAD_ADAPTER", "for a 'gpt2' model"),
])
def test_what_is_no_adapter_of_the_model(any_host: Host, file: Path, code: str, words: str) -> None:
    complaint = any_host.fails("run", "-m", BASE, "-p", "a", "-n", 1, "--lora", file)
    assert words in complaint and str(file) in complaint and complaint.endswith(f"(INK_ERR_{code})")


def test_an_adapter_of_another_size(any_host: Host) -> None:
    other = DATA / "stories260K.gguf"
    complaint = any_host.fails("run", "-m", other, "-p", "a", "-n", 1, "--lora", SOME)
    assert "blk.0.attn_q.weight.lora_a" in complaint and complaint.endswith("(INK_ERR_BAD_ADAPTER)")


@pytest.mark.parametrize("command", [["run", "-p", "a"], ["info"], ["tokenize"]], ids=lambda command: command[0])
def test_an_adapter_as_the_model(any_host: Host, command: list[str]) -> None:
    complaint = any_host.fails(*command, "-m", ALL)
    assert "is an adapter for a 'llama' model" in complaint and complaint.endswith("(INK_ERR_BAD_MODEL)")


def test_half_of_an_adapter(any_host: Host, tmp_path: Path) -> None:
    (tmp_path / "half.gguf").write_bytes(ALL.read_bytes()[:9000])
    complaint = any_host.showing(tmp_path).fails("run", "-m", BASE, "-p", "a", "--lora", tmp_path / "half.gguf")
    assert "half.gguf" in complaint and complaint.endswith("(INK_ERR_TRUNCATED)")


def test_too_many(native: Host) -> None:
    assert native.run("run", "-m", BASE, "-p", "a", *["--lora", str(HALF)] * 9).status == 2
    assert native.run("tokenize", "-m", BASE, "--lora", str(HALF)).status == 2


# ---- merge ----

def merged(host: Host, out: Path, *arguments: object) -> str:
    return host.showing(out.parent).ok("merge", *arguments[:-1], arguments[-1], out).text


@pytest.mark.parametrize(("base", "uses"), [
    ("llama", {"llama-all": 1}), ("llama", {"llama-some": -0.5, "llama-all": 0.7}), ("gpt2", {"gpt2": 1}), ("phi3", {"phi3": 0.3}),
])
def test_a_merged_model_is_the_model_with_its_adapters(any_host: Host, text: Path, tmp_path: Path, base: str,
                                                        uses: dict[str, float]) -> None:
    """gpt2's adapter changes its tied embedding, which gets an output beside it."""
    model, out = DATA / "architectures" / f"{base}.gguf", tmp_path / "merged.gguf"
    flags = [word for name, scale in uses.items() for word in ("--lora", f"{DATA / 'adapters' / name}.gguf:{scale}")]
    assert "merged" in merged(any_host, out, *flags, model)
    exact = ["--cache-type", "f32", "--ctx", 48]
    found = nll(any_host.showing(tmp_path), text, *exact, model=out)
    assert found == pytest.approx(nll(any_host, text, *flags, *exact, model=model), rel=2e-6)
    assert abs(found - nll(any_host, text, *exact, model=model)) > 1e-3
    seen = any_host.showing(tmp_path)
    before, after = (seen.ok("info", "-m", path, "--json").json for path in (model, out))
    assert after["metadata"] == before["metadata"]
    names = [tensor["name"] for tensor in before["tensors"]]
    assert [tensor["name"] for tensor in after["tensors"]] == names + (["output.weight"] if base == "gpt2" else [])


def test_merging_keeps_types_or_changes_them(native: Host, text: Path, tmp_path: Path) -> None:
    small, out = tmp_path / "small.gguf", tmp_path / "out.gguf"
    native.ok("quantize", BASE, small, "q8_0")
    merged(native, out, "--lora", HALF, small)
    before, after = (native.ok("info", "-m", path, "--json").json["tensors"] for path in (small, out))
    assert [tensor["type"] for tensor in after] == [tensor["type"] for tensor in before]
    untouched = [tensor for tensor in after if "ffn" not in tensor["name"] or "norm" in tensor["name"]]
    for tensor in untouched:
        parts = [path.read_bytes()[tensor["offset"]:tensor["offset"] + tensor["bytes"]] for path in (small, out)]
        assert parts[0] == parts[1], tensor["name"]
    assert nll(native, text, model=out) == pytest.approx(nll(native, text, "--lora", HALF, model=small), rel=0.03)

    native.ok("merge", "--lora", HALF, "-t", 1, BASE, out, "q8_0")
    direct = out.read_bytes()
    merged(native, tmp_path / "f32.gguf", "--lora", HALF, "-t", 3, BASE)
    native.ok("quantize", "-t", 3, tmp_path / "f32.gguf", out, "q8_0")
    assert out.read_bytes() == direct


def test_merging_that_fails_leaves_nothing(any_host: Host, tmp_path: Path) -> None:
    seen, out = any_host.showing(tmp_path), tmp_path / "out.gguf"
    assert "gpt2" in seen.fails("merge", "--lora", DATA / "adapters" / "gpt2.gguf", BASE, out)
    assert "no adapter" in seen.fails("merge", "--lora", BASE, BASE, out)
    assert "absent" in seen.fails("merge", "--lora", ALL, DATA / "absent.gguf", out)
    assert "is an adapter" in seen.fails("merge", "--lora", ALL, ALL, out)
    own = tmp_path / "own.gguf"
    own.write_bytes(ALL.read_bytes())
    assert "another name" in seen.fails("merge", "--lora", own, BASE, own)
    for usage in ([BASE, out], ["--lora", ALL, BASE], ["--lora", ALL, BASE, out, "q9"]):
        assert seen.run("merge", *usage).status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["own.gguf"]
