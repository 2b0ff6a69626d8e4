"""tools/convert model: Hugging Face folders, made anew from their descriptions, against the committed GGUF.

tests/data/architectures/NAME.json says what NAME.gguf was converted from: config.json, and what its random
weights are made by. That NAME.gguf is right is another test's: its logits are transformers' there.
"""

from __future__ import annotations

import json
import math
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "architectures"
sys.path.insert(0, str(ROOT / "tools" / "oracle"))

from random_checkpoint import weights, write_safetensors  # noqa: E402

NAMES = sorted(path.stem for path in DATA.glob("*.gguf"))
Weights = dict[str, tuple[str, list[int], bytes]]


class Folder:
    """A Hugging Face folder that holds the model `name`, to be changed and converted."""

    def __init__(self, path: Path, name: str) -> None:
        described = json.loads((DATA / f"{name}.json").read_text())
        self.path, self.config = path, described["config"]
        self.weights: Weights = weights(name, described["tensors"])
        path.mkdir()
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(DATA / file, path)

    def write(self) -> None:
        (self.path / "config.json").write_text(json.dumps(self.config))
        write_safetensors(self.path / "model.safetensors", self.weights)

    def convert(self, *options: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "tools" / "convert"), "model", str(self.path), str(self.out), "--name", "random weights"]
        return subprocess.run([*command, *options], capture_output=True, text=True, timeout=600)

    def converted(self, *options: str) -> bytes:
        done = self.convert(*options)
        assert done.returncode == 0, done.stderr
        return self.out.read_bytes()

    @property
    def out(self) -> Path:
        return self.path.with_suffix(".gguf")


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str], Folder]:
    return lambda name: Folder(tmp_path / name, name)


def bf16(values: tuple[str, list[int], bytes]) -> tuple[str, list[int], bytes]:
    """f32 cut to its upper half."""
    _, shape, data = values
    return "BF16", shape, b"".join(data[at + 2 : at + 4] for at in range(0, len(data), 4))


def widened(values: tuple[str, list[int], bytes]) -> tuple[str, list[int], bytes]:
    _, shape, data = values
    return "F32", shape, b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data), 2))


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_file(folder: Callable[[str], Folder], name: str) -> None:
    there = folder(name)
    there.write()
    assert there.converted() == (DATA / f"{name}.gguf").read_bytes()


# --- other ways to say the same ----------------------------------------------------------------------


def before_transformers_5(config: dict[str, Any]) -> None:
    """rope_parameters as configs had it: rope_theta, rope_scaling and names of each family's own."""
    new = config.pop("rope_parameters")
    if "full_attention" in new:
        config["rope_local_base_freq"] = new["sliding_attention"]["rope_theta"]
        new = new["full_attention"]
    new = dict(new)
    if config["model_type"] == "gpt_neox":
        config |= {"rotary_emb_base": new.pop("rope_theta"), "rotary_pct": new.pop("partial_rotary_factor")}
    else:
        config["rope_theta"] = new.pop("rope_theta")
        if "partial_rotary_factor" in new:
            config["partial_rotary_factor"] = new.pop("partial_rotary_factor")
    kind = new.pop("rope_type")
    if kind != "default":
        config["rope_scaling"] = {"type" if kind == "longrope" else "rope_type": kind, **new}


@pytest.mark.parametrize("name", ["llama3", "llama-linear", "qwen2-yarn", "phi3-longrope", "gemma3", "gptneox",
                                  "stablelm"])
def test_older_names_of_rotary_positions(folder: Callable[[str], Folder], name: str) -> None:
    there = folder(name)
    before_transformers_5(there.config)
    there.write()
    assert there.converted() == (DATA / f"{name}.gguf").read_bytes()


def test_gpt2_as_it_was_published(folder: Callable[[str], Folder]) -> None:
    """Names without a prefix, masks among the weights, the output matrix beside the embedding it repeats."""
    there = folder("gpt2")
    there.weights = {name.removeprefix("transformer."): values for name, values in there.weights.items()}
    for buffer in ("h.0.attn.bias", "h.1.attn.masked_bias"):
        there.weights[buffer] = ("F32", [1, 1, 4, 4], bytes(64))
    there.weights["lm_head.weight"] = there.weights["wte.weight"]
    there.config.pop("tie_word_embeddings", None)
    there.write()
    assert there.converted() == (DATA / "gpt2.gguf").read_bytes()


def test_dynamic_scaling_is_left_out_with_a_note(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    there.config["rope_parameters"] |= {"rope_type": "dynamic", "factor": 2.0}
    there.write()
    done = there.convert()
    assert "note: dynamic NTK scaling is left out; it starts past 64 tokens" in done.stderr
    assert there.out.read_bytes() == (DATA / "llama.gguf").read_bytes()


def test_a_multimodal_folder_gives_its_text_model(folder: Callable[[str], Folder]) -> None:
    there = folder("gemma3")
    there.config = {"model_type": "gemma3", "vision_config": {}, "text_config": there.config}
    there.weights = {f"language_model.{name}": values for name, values in there.weights.items()}
    there.weights["vision_tower.patches.weight"] = ("F32", [1], bytes(4))
    there.write()
    assert there.converted() == (DATA / "gemma3.gguf").read_bytes()


def test_shards(folder: Callable[[str], Folder]) -> None:
    there = folder("mixtral")
    there.write()
    (there.path / "model.safetensors").unlink()
    index, parts = {}, [{}, {}, {}]
    for i, (name, values) in enumerate(there.weights.items()):
        parts[i % 3][name] = values
        index[name] = f"model-{i % 3}.safetensors"
    for i, part in enumerate(parts):
        write_safetensors(there.path / f"model-{i}.safetensors", part)
    (there.path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    assert there.converted() == (DATA / "mixtral.gguf").read_bytes()
    (there.path / "model-1.safetensors").unlink()
    failed = there.convert()
    assert failed.returncode == 1 and "lacks model-1.safetensors" in failed.stderr


# --- types -------------------------------------------------------------------------------------------


def test_bf16_is_read_exactly(folder: Callable[[str], Folder]) -> None:
    there = folder("gemma2")  # its norms are changed on the way
    there.weights = {name: bf16(values) for name, values in there.weights.items()}
    there.write()
    from_halves = there.converted("--type", "f32")
    kept = there.converted()
    embedding = there.weights["model.embed_tokens.weight"][2]
    assert embedding in kept and embedding not in from_halves
    assert len(kept) < 0.6 * len(from_halves)
    there.weights = {name: widened(values) for name, values in there.weights.items()}
    there.write()
    assert there.converted("--type", "f32") == from_halves
    assert there.converted("--type", "bf16") == kept


def test_f16(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    there.write()
    _, shape, data = there.weights["model.embed_tokens.weight"]
    n = math.prod(shape)
    halves = struct.pack(f"<{n}e", *struct.unpack(f"<{n}f", data))
    assert halves in there.converted("--type", "f16")
    there.weights["model.embed_tokens.weight"] = ("F32", shape, struct.pack("<f", 70000.0) + data[4:])
    there.write()
    failed = there.convert("--type", "f16")
    assert failed.returncode == 1 and "token_embd.weight has values that f16 can't hold" in failed.stderr
    assert not there.out.exists()


# --- the tokenizer -----------------------------------------------------------------------------------


def text(value: str) -> bytes:
    """As GGUF has it."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def key(name: str, value: str | int) -> bytes:
    """A key and its value, a string or a u32, as GGUF has them."""
    kind = struct.pack("<I", 8) + text(value) if isinstance(value, str) else struct.pack("<II", 4, value)
    return text(name) + kind


def edit(path: Path, change: Callable[[Any], object]) -> None:
    value = json.loads(path.read_text()) if path.exists() else {}
    change(value)
    path.write_text(json.dumps(value))


def test_special_tokens_of_several_files(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    there.config["bos_token_id"] = 3  # the tokenizer's own word goes first
    edit(there.path / "tokenizer_config.json", lambda config: config.update(
        eos_token={"content": "<|endoftext|>"}, pad_token="<|endoftext|>"))
    edit(there.path / "generation_config.json", lambda config: config.update(eos_token_id=[0, 2]))
    there.write()
    made = there.converted()
    for role, token in (("bos", 1), ("eos", 0), ("eot", 2), ("padding", 0)):
        assert key(f"tokenizer.ggml.{role}_token_id", token) in made


def test_chat_template_of_its_own_file(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    (there.path / "chat_template.jinja").write_text("{{ 'é' }}", encoding="utf-8")
    there.write()
    assert key("tokenizer.chat_template", "{{ 'é' }}") in there.converted()
    (there.path / "chat_template.jinja").unlink()
    named = [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "{{ 1 }}"}]
    edit(there.path / "tokenizer_config.json", lambda config: config.update(chat_template=named))
    assert key("tokenizer.chat_template", "{{ 1 }}") in there.converted()


def test_more_tokens_than_rows(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    added = {"id": 80, "content": "<image>", "special": True}
    edit(there.path / "tokenizer.json", lambda tokenizer: tokenizer["added_tokens"].append(added))
    there.write()
    done = there.convert()
    assert done.returncode == 0 and "<image> left out" in done.stderr
    assert there.out.read_bytes() == (DATA / "llama.gguf").read_bytes()
    _, _, data = there.weights["model.embed_tokens.weight"]
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        there.weights[name] = ("F32", [70, 32], data[: 70 * 32 * 4])
    there.config["vocab_size"] = 70
    there.write()
    failed = there.convert()
    assert failed.returncode == 1 and "the tokenizer has 81 tokens, the model 70 rows" in failed.stderr


PIECES = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(60)), "\u2581", "a", "b", "ab", "\u2581ab"]


def test_sentencepiece_in_tokenizer_json(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    metaspace = [{"type": "Prepend", "prepend": "\u2581"},
                 {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]
    special = [{"id": 0, "content": "<unk>", "special": True}, {"id": 1, "content": "<s>", "special": True},
               {"id": 70, "content": "<turn>", "special": False}]
    after = {"type": "TemplateProcessing", "special_tokens": {"<s>": {"id": "<s>", "ids": [1]}},
             "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}
    model = {"type": "BPE", "byte_fallback": True, "unk_token": "<unk>",
             "vocab": {piece: i for i, piece in enumerate(PIECES)}, "merges": [["a", "b"], "\u2581 ab"]}
    tokenizer = {"model": model, "normalizer": {"type": "Sequence", "normalizers": metaspace},
                 "pre_tokenizer": None, "post_processor": after, "added_tokens": special}
    (there.path / "tokenizer.json").write_text(json.dumps(tokenizer))
    (there.path / "tokenizer_config.json").unlink()
    there.write()
    made = there.converted()
    assert key("tokenizer.ggml.model", "llama") in made
    assert text("tokenizer.ggml.add_bos_token") + struct.pack("<IB", 7, 1) in made
    kinds = [2, 3, 1, *[6] * 60, *[1] * 5, *[5] * 2, 4, *[5] * 9]  # in between and after: padding
    kinds[2] = 3  # config.json has it for the end
    assert struct.pack("<IQ80i", 5, 80, *kinds) in made
    assert struct.pack("<5f", 0, 0, 0, -0.0, -1.0) in made, "a token's score is its merge's rank, below 0"


def test_sentencepiece_model_with_added_tokens(folder: Callable[[str], Folder]) -> None:
    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    there = folder("llama")
    (there.path / "tokenizer.json").unlink()
    kinds = [2, 3, 3, *[6] * 60, *[1] * 5]
    pieces = [field(1, field(1, piece.encode()) + b"\x15" + struct.pack("<f", -i) + bytes([3 << 3, kind]))
              for i, (piece, kind) in enumerate(zip(PIECES, kinds))]
    byte_pairs = field(2, bytes([3 << 3, 2]))
    (there.path / "tokenizer.model").write_bytes(b"".join(pieces) + byte_pairs)
    config = {"add_bos_token": True, "added_tokens_decoder": {
        "1": {"content": "<s>", "special": True}, "68": {"content": "<turn>", "special": True}}}
    (there.path / "tokenizer_config.json").write_text(json.dumps(config))
    (there.path / "added_tokens.json").write_text('{"<word>": 69}')
    there.write()
    made = there.converted()
    assert key("tokenizer.ggml.model", "llama") in made
    assert text("<turn>") + text("<word>") + text("[PAD70]") in made
    assert struct.pack("<IQ80i", 5, 80, *kinds, 3, 4, *[5] * 10) in made


BYTES, WORDS = {"type": "ByteLevel", "use_regex": False}, {"type": "ByteLevel"}
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")


def splits(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}


@pytest.mark.parametrize(("pre", "steps", "normalizer", "whole"), [
    ("smollm", [{"type": "Digits", "individual_digits": True}, WORDS], None, False),
    ("llama-bpe", [splits(LLAMA3), BYTES], None, True),
    ("dbrx", [splits(LLAMA3), BYTES], None, False),
    ("qwen2", [splits(LLAMA3.replace("{1,3}", "")), BYTES], {"type": "NFC"}, False),
    ("olmo", [WORDS], {"type": "Sequence", "normalizers": [{"type": "NFC"}]}, False),
    ("falcon", [{"type": "Punctuation", "behavior": "Contiguous"}, WORDS, {"type": "Digits"},
                splits("[0-9][0-9][0-9]")], None, False),
    (None, [splits("[a-z]+"), BYTES], None, False),
    (None, [WORDS], {"type": "Lowercase"}, False),
])  # fmt: skip
def test_the_pre_tokenizer(folder: Callable[[str], Folder], pre: str | None, steps: list[dict[str, Any]],
                           normalizer: dict[str, Any] | None, whole: bool) -> None:
    there = folder("llama")

    def change(tokenizer: Any) -> None:
        tokenizer |= {"normalizer": normalizer, "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}}
        tokenizer["model"]["ignore_merges"] = whole

    edit(there.path / "tokenizer.json", change)
    there.write()
    if pre:
        assert key("tokenizer.ggml.pre", pre) in there.converted()
    else:
        assert "a pre-tokenizer that is not known; name it with --pre" in there.convert().stderr
        assert key("tokenizer.ggml.pre", "gpt-2") in there.converted("--pre", "gpt-2")


# --- what can't be converted -------------------------------------------------------------------------


def without(name: str) -> Callable[[Folder], object]:
    return lambda there: there.weights.pop(name)


def setting(**values: Any) -> Callable[[Folder], object]:
    return lambda there: there.config.update(values)


def reshaped(name: str, shape: list[int]) -> Callable[[Folder], object]:
    return lambda there: there.weights.update({name: ("F32", shape, bytes(4 * math.prod(shape)))})


def typed(name: str, dtype: str) -> Callable[[Folder], object]:
    return lambda there: there.weights.update({name: (dtype, *there.weights[name][1:])})


BAD = [
    ("llama", setting(model_type="rwkv"), "models of type 'rwkv' are not supported; there are: "),
    ("llama", setting(hidden_act="relu"), "llama with the activation 'relu' is not supported"),
    ("llama", setting(quantization_config={"quant_method": "gptq"}), "the weights are quantised"),
    ("llama", setting(num_hidden_layers=None), "has no num_hidden_layers or n_layer"),
    ("llama", setting(hidden_size="32"), "hidden_size or n_embd is '32', not a number above 0"),
    ("llama", setting(num_key_value_heads=3), "4 heads don't divide among 3 key heads"),
    ("llama", setting(num_hidden_layers=3), "layer 2 has no attn_k.weight, "),
    ("llama", setting(num_hidden_layers=1), "tensor model.layers.1.input_layernorm.weight is none that llama"),
    ("llama", setting(intermediate_size=40), "model.layers.0.mlp.down_proj.weight is [32, 32], which does not fit"),
    ("llama", setting(rope_parameters={"rope_type": "spiral", "rope_theta": 1.0}), "rope scaling of type 'spiral'"),
    ("llama", setting(rope_parameters={"rope_type": "linear"}), "rope scaling of type linear lacks factor"),
    ("llama", setting(rope_parameters={"rope_type": "linear", "factor": []}), "type linear has a value that won't do"),
    ("llama", setting(vocab_size=81), "the token embedding has 80 rows, but config.json says vocab_size = 81"),
    ("llama", without("model.layers.1.self_attn.q_proj.weight"), "layer 1 has no attn_q.weight"),
    ("llama", without("model.embed_tokens.weight"), "no token embedding"),
    ("llama", without("model.norm.weight"), "no final norm"),
    ("llama", reshaped("model.norm.weight", [31]), "model.norm.weight is [31], which does not fit"),
    ("llama", reshaped("model.surprise.weight", [1]), "model.surprise.weight is none that llama models have"),
    ("llama", reshaped("model.embed_tokens.weight", [60, 32]), "vocab_size"),
    ("llama", typed("model.norm.weight", "F8_E4M3"), "model.norm.weight has type F8_E4M3"),
    ("llama", typed("model.norm.weight", "F16"), "model.norm.weight has 128 bytes, not what F16 [32] takes"),
    ("gptneox", reshaped("gpt_neox.layers.0.attention.query_key_value.bias", [95]), "query_key_value.bias is [95]"),
    ("mixtral", without("model.layers.0.block_sparse_moe.experts.3.w1.weight"), "made of 3 tensors like"),
    ("mixtral", setting(num_local_experts=5), "where config.json says 5"),
    ("falcon", setting(alibi=True), "falcon with alibi = True is not supported"),
    ("smollm3", setting(no_rope_layers=[1, 0, 1, 0]), "no_rope_layers is not each fourth layer"),
    ("gemma3", setting(layer_types=["full_attention"] * 6), "layer_types is not a sliding window in all but"),
    ("qwen2", setting(use_sliding_window=True), "qwen2 with use_sliding_window = True is not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "message"), BAD, ids=[message for _, _, message in BAD])
def test_what_does_not_fit(folder: Callable[[str], Folder], name: str, spoil: Callable[[Folder], object],
                           message: str) -> None:
    there = folder(name)
    spoil(there)
    there.write()
    failed = there.convert()
    assert failed.returncode == 1 and message in failed.stderr, failed.stderr
    assert failed.stderr.count("\n") == 1, "one line says it"
    assert not there.out.exists()


@pytest.mark.parametrize(("file", "content", "message"), [
    ("config.json", None, "has no config.json: give the folder of a Hugging Face model"),
    ("config.json", b"{", "config.json is not JSON"),
    ("model.safetensors", None, "has no .safetensors file"),
    ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
    ("model.safetensors", b"\xff" * 64, "is not a safetensors file"),
    ("model.safetensors", b"\x02" + bytes(7) + b"[]", "its header is not a JSON object"),
    ("tokenizer.json", None, "has none of tokenizer.json"),
    ("tokenizer.json", b'{"model": {"type": "BPE"}, "pre_tokenizer": {"type": "ByteLevel"}}', "is not as tokenizers"),
    ("tokenizer.json", b'{"model": {"type": "BPE"}}', "a pre-tokenizer that is not known; name it with --pre"),
    ("tokenizer_config.json", b"[1]", "tokenizer_config.json is not a JSON object"),
])  # fmt: skip
def test_files_that_are_missing_or_broken(folder: Callable[[str], Folder], file: str, content: bytes | None,
                                          message: str) -> None:
    there = folder("llama")
    there.write()
    (there.path / file).unlink() if content is None else (there.path / file).write_bytes(content)
    failed = there.convert()
    assert failed.returncode == 1 and message in failed.stderr, failed.stderr
    assert failed.stderr.count("\n") == 1, "one line says it"
    assert not there.out.exists()


def test_a_file_cut_short(folder: Callable[[str], Folder]) -> None:
    there = folder("llama")
    there.write()
    weights = there.path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    failed = there.convert()
    assert failed.returncode == 1 and "bytes past the file's end; was it downloaded whole?" in failed.stderr


# --- models for embeddings -----------------------------------------------------------------------------


def pooled(there: Folder, *modes: str) -> None:
    (there.path / "1_Pooling").mkdir()
    names = ("cls_token", "mean_tokens", "max_tokens", "lasttoken")
    values = {f"pooling_mode_{name}": name in modes for name in names}
    (there.path / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 32, **values}))


@pytest.mark.parametrize(("mode", "number"), [("mean_tokens", 1), ("cls_token", 2), ("lasttoken", 3)])
def test_pooling_is_sentence_transformers(folder: Callable[[str], Folder], mode: str, number: int) -> None:
    """As of a base model, which has no head, and whose tensors are named without `model.`."""
    there = folder("qwen3")
    there.weights = {name.removeprefix("model."): values for name, values in there.weights.items()}
    pooled(there, mode)
    there.write()
    key = b"qwen3.pooling_type"
    made, plain = there.converted(), (DATA / "qwen3.gguf").read_bytes()
    assert key not in plain
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<II", 4, number)
    assert entry in made
    # Tensors are the same.
    assert made[-40_000:] == plain[-40_000:]


@pytest.mark.parametrize("modes", [("max_tokens",), ("mean_tokens", "cls_token")])
def test_poolings_that_gguf_has_no_name_for(folder: Callable[[str], Folder], modes: tuple[str, ...]) -> None:
    there = folder("qwen3")
    pooled(there, *modes)
    there.write()
    done = there.convert()
    assert done.returncode == 1 and "1_Pooling/config.json asks for" in done.stderr
