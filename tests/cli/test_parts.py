"""Models in several files: any of them names the model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hosts import DATA, Host

SPLIT = DATA / "split"
GREEDY = ["-p", "To be", "-n", "8", "--temp", "0"]


def name(model: str, number: int) -> str:
    return f"{model}-{number:05}-of-00003.gguf"


@pytest.mark.parametrize("model", ["tiny-gpt2", "bare"])
def test_any_part_names_the_model(any_host: Host, model: str) -> None:
    expected = any_host.ok("-m", DATA / "tiny-gpt2.gguf", *GREEDY).out
    for number in (1, 2, 3):
        assert any_host.ok("-m", SPLIT / name(model, number), *GREEDY).out == expected


def test_every_command_takes_parts(host: Host) -> None:
    part, whole = SPLIT / name("tiny-gpt2", 1), DATA / "tiny-gpt2.gguf"
    for arguments in (["tokenize"], ["score", "-f", whole.with_name("wikitext2-valid-4x512.txt"), "--windows", "1"]):
        assert host.ok(*arguments, "-m", part, stdin=b"a").out == host.ok(*arguments, "-m", whole, stdin=b"a").out


def test_info_counts_all_parts(any_host: Host) -> None:
    whole, parts = (any_host.ok("info", "-m", path, "--json").json
                    for path in (DATA / "tiny-gpt2.gguf", SPLIT / name("bare", 1)))
    assert parts["memory"] == whole["memory"] and parts["n_params"] == whole["n_params"]
    assert parts["file"]["parts"] == 3 and {t["part"] for t in parts["tensors"]} == {2, 3}
    assert [t["name"] for t in parts["tensors"]] == [t["name"] for t in whole["tensors"]]


def copied(folder: Path, files: dict[str, Path]) -> Path:
    for target, source in files.items():
        shutil.copyfile(source, folder / target)
    return folder / min(files)


def refusal(host: Host, folder: Path, model: Path) -> str:
    """What every way to read a model says of it, which is the same."""
    seen = host.showing(folder)
    found = {seen.fails(*arguments).split(": ", 1)[1] for arguments in (
        ["-m", model, *GREEDY], ["info", "-m", model], ["quantize", model, folder / "out.gguf", "q8_0"])}
    codes = {complaint[complaint.rindex("("):] for complaint in found}
    assert len(codes) == 1, found
    return max(found, key=len)


def test_a_missing_part_is_named(any_host: Host, tmp_path: Path) -> None:
    model = copied(tmp_path, {name("tiny-gpt2", i): SPLIT / name("tiny-gpt2", i) for i in (1, 3)})
    complaint = refusal(any_host, tmp_path, model)
    assert name("tiny-gpt2", 2) in complaint and "part 2 of 3" in complaint and "INK_ERR_IO" in complaint


@pytest.mark.parametrize(("files", "code"), [
    ({1: "tiny-gpt2 1", 2: "tiny-gpt2 3", 3: "tiny-gpt2 2"}, "BAD_MODEL"),  # not in order
    ({1: "tiny-gpt2 1", 2: "tiny-gpt2 1", 3: "tiny-gpt2 3"}, "BAD_MODEL"),  # one twice
    ({1: "tiny-gpt2 2", 2: "tiny-gpt2 2", 3: "tiny-gpt2 3"}, "BAD_MODEL"),  # not the first
])
def test_mixed_parts(any_host: Host, tmp_path: Path, files: dict[int, str], code: str) -> None:
    model = copied(tmp_path, {name("m", i): SPLIT / name(*((w := source.split())[0], int(w[1])))
                              for i, source in files.items()})
    assert f"INK_ERR_{code}" in refusal(any_host, tmp_path, model)


def test_a_tensor_in_two_parts(any_host: Host, tmp_path: Path) -> None:
    model = copied(tmp_path, {name("m", 1): SPLIT / name("tiny-gpt2", 1), name("m", 2): SPLIT / name("bare", 2),
                              name("m", 3): SPLIT / name("tiny-gpt2", 3)})
    complaint = refusal(any_host, tmp_path, model)
    assert "INK_ERR_BAD_MODEL" in complaint


def test_a_truncated_part_is_named(any_host: Host, tmp_path: Path) -> None:
    model = copied(tmp_path, {name("m", i): SPLIT / name("tiny-gpt2", i) for i in (1, 2, 3)})
    last = tmp_path / name("m", 3)
    last.write_bytes(last.read_bytes()[:-800])
    complaint = refusal(any_host, tmp_path, model)
    assert "INK_ERR_TRUNCATED" in complaint and name("m", 3) in complaint


def test_a_part_under_another_name(any_host: Host, tmp_path: Path) -> None:
    model = copied(tmp_path, {"model.gguf": SPLIT / name("tiny-gpt2", 1)})
    complaint = refusal(any_host, tmp_path, model)
    assert "INK_ERR_BAD_MODEL" in complaint and "-00001-of-00003.gguf" in complaint


def test_a_whole_model_under_the_name_of_a_part(any_host: Host, tmp_path: Path) -> None:
    model = copied(tmp_path, {name("m", i): DATA / "tiny-gpt2.gguf" for i in (1, 2, 3)})
    assert "INK_ERR_BAD_MODEL" in refusal(any_host, tmp_path, model)
