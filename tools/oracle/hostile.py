#!/usr/bin/env python3
"""Make tests/data/hostile: small GGUF files that are wrong in one way each.

Each derives from one minimal, valid model (one layer, eight values wide, 14
tokens), itself in the folder as a control. `hostile.json` says what is wrong
and which status a loader may answer with, the best answer first; INK_OK stands
where a reader may rightly shrug. One record a line, so that C can scan it too.
Standard library only.
"""

from __future__ import annotations

import argparse
import json
import struct
from pathlib import Path
from typing import Callable

from hostile_models import (
    ARRAY, BOOL, F32, File, HUGE, I32, MERGES, N_EMBD, N_FF, PACK, Raw, STRING, TOKENS, T_F16, T_F32, T_Q4_0,
    Tensor, U32, U64, U8, charsmap, drop_tensor, experts, f16, family, fused, gemma3, gpt2, minimal, minimal_bert,
    minimal_spm, minimal_t5, string, vector,
)  # fmt: skip

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "hostile"

OK = "INK_OK"
NOT_GGUF = "INK_ERR_NOT_GGUF"
VERSION = "INK_ERR_UNSUPPORTED_VERSION"
TRUNCATED = "INK_ERR_TRUNCATED"
CORRUPT = "INK_ERR_CORRUPT"
ARCH = "INK_ERR_UNSUPPORTED_ARCHITECTURE"
TYPE = "INK_ERR_UNSUPPORTED_TYPE"
TOKENIZER = "INK_ERR_UNSUPPORTED_TOKENIZER"
BAD_MODEL = "INK_ERR_BAD_MODEL"

RECORDS: list[dict] = []


def emit(folder: Path, name: str, data: bytes, expect: list[str], reason: str) -> None:
    (folder / name).write_bytes(data)
    RECORDS.append({"file": name, "expect": expect, "reason": reason})


def controls(put: Callable) -> None:
    put("valid", minimal(), [OK], "control: the minimal model itself")
    put("valid-spm", minimal_spm(), [OK], "control: with a SentencePiece vocabulary")
    put("valid-t5", minimal_t5(), [OK], "control: with a Unigram vocabulary")
    put("valid-bert", minimal_bert(), [OK], "control: with a WordPiece vocabulary")

    f = minimal()
    f.version = 2
    put("valid-v2", f, [OK], "control: version 2")

    f = minimal()
    f.after = b"trailing bytes"
    put("valid-trailing", f, [OK], "control: bytes after the last tensor belong to nobody")

    f = minimal()
    f.tensors.reverse()
    put("valid-order", f, [OK], "control: tensors in reverse order")

    f = minimal()
    for name, kind, one in (("blk.0.attn_norm.weight", T_F16, 0x3C00), ("output_norm.weight", 30, 0x3F80)):
        f.tensor(name).type, f.tensor(name).data = kind, struct.pack(f"<{N_EMBD}H", *[one] * N_EMBD)
    put("valid-norm-16", f, [OK], "control: norms of F16 and BF16")

    f = minimal()
    f.key("general.alignment", U32, 64)
    f.alignment = 64
    put("valid-align64", f, [OK], "control: data aligned to 64 bytes")

    f = minimal()
    for kind, code in PACK.items():
        f.key(f"x.{code}{kind}", kind, 1)
        f.key(f"x.array.{code}{kind}", ARRAY, (kind, [0, 1, 1]))
    f.key("x.empty", ARRAY, (U32, []))
    f.key("x.text", STRING, "")
    put("valid-unknown-keys", f, [OK], "control: keys of every type that no reader knows are skipped")


def containers(put: Callable, put_bytes: Callable) -> None:
    """Wrong before any meaning: sizes, counts, types, offsets."""
    good = minimal()
    data, at = good.pack(), good.marks

    put_bytes("empty", b"", [TRUNCATED, NOT_GGUF], "no bytes at all")
    put_bytes("short-magic", b"GG", [TRUNCATED, NOT_GGUF], "two bytes")
    put_bytes("magic-only", b"GGUF", [TRUNCATED], "nothing after the magic")
    put_bytes("magic", b"GGML" + data[4:], [NOT_GGUF], "another magic")
    put_bytes("html", b"<!DOCTYPE html>\n<html><title>404 Not Found</title></html>\n" * 3, [NOT_GGUF], "a web server's error page saved as a model")
    put_bytes("lfs-pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 98362432\n", [NOT_GGUF], "a Git LFS pointer in the model's place")
    put_bytes("zeros", bytes(256), [NOT_GGUF], "256 zero bytes")
    for version in (0, 1, 99):
        put_bytes(f"version-{version}", data[:4] + struct.pack("<I", version) + data[8:], [VERSION], f"version {version}")
    put_bytes("big-endian", data[:4] + struct.pack(">IQQ", 3, len(good.tensors), len(good.keys)) + data[24:], [VERSION], "header in big-endian byte order")

    for name, end, reason in [
        ("header", 12, "ends inside the tensor count"),
        ("no-keys", 24, "ends after the header"),
        ("key-length", 28, "ends inside the first key's length"),
        ("key", 38, "ends inside the first key's name"),
        ("value-type", at["llama.context_length"] + 8 + 20 + 2, "ends inside a value's type"),
        ("string", at["tokenizer.ggml.model"] + 8 + 20 + 4 + 8 + 2, "ends inside a string value"),
        ("array", at["tokenizer.ggml.tokens"] + 100, "ends inside an array of strings"),
        ("tensor-name", at["token_embd.weight"] + 12, "ends inside a tensor's name"),
        ("tensor-info", at["output_norm.weight"] + 40, "ends inside the last tensor's description"),
        ("no-data", at["data"], "ends where the tensor data begins"),
        ("data", at["data"] + 200, "ends inside the tensor data"),
        ("last-byte", len(data) - 16 - 1, "ends one byte before the last tensor does"),
    ]:  # fmt: skip
        put_bytes(f"truncated-{name}", data[:end], [TRUNCATED], reason)

    for name, count in [("2e40", 1 << 40), ("max", (1 << 64) - 1)]:
        f = minimal()
        f.n_tensors = count
        put(f"n-tensors-{name}", f, [CORRUPT, TRUNCATED], f"says it has {count} tensors")
        f = minimal()
        f.n_keys = count
        put(f"n-kv-{name}", f, [CORRUPT, TRUNCATED], f"says it has {count} keys")
    f = minimal()
    f.n_tensors = 0
    put("n-tensors-0", f, [BAD_MODEL, CORRUPT], "says it has no tensors")
    f = minimal()
    f.n_keys = 0
    put("n-kv-0", f, [CORRUPT, BAD_MODEL, TRUNCATED, TYPE], "says it has no keys: keys are read as tensors")

    def length_at(mark: str, skip: int, value: int) -> bytes:
        where = at[mark] + skip
        return data[:where] + struct.pack("<Q", value) + data[where + 8 :]

    for name, value in [("2e32", 1 << 32), ("max", (1 << 64) - 1)]:
        put_bytes(f"key-length-{name}", length_at("llama.block_count", 0, value), [CORRUPT, TRUNCATED], f"a key {value} bytes long")
        put_bytes(f"string-length-{name}", length_at("tokenizer.ggml.model", 8 + 20 + 4, value), [CORRUPT, TRUNCATED], f"a string {value} bytes long")
        put_bytes(f"array-length-{name}", length_at("tokenizer.ggml.tokens", 8 + 21 + 8, value), [CORRUPT, TRUNCATED], f"an array of {value} strings")
    put_bytes("array-length-wraps", length_at("tokenizer.ggml.token_type", 8 + 25 + 8, (1 << 62) + 5), [CORRUPT, TRUNCATED], "an array of 2^62+5 numbers: four times that wraps to 20")
    put_bytes("tensor-name-length-max", length_at("token_embd.weight", 0, (1 << 64) - 1), [CORRUPT, TRUNCATED], "a tensor name 2^64-1 bytes long")

    f = minimal()
    f.key("x.nested", ARRAY, (ARRAY, [(U32, [1, 2]), (U32, [3])]))
    put("array-nested", f, [CORRUPT, OK], "an array of arrays: the format allows it, nobody writes it")
    f = minimal()
    f.key("x.deep", ARRAY, Raw(struct.pack("<IQ", ARRAY, 1) * 120 + struct.pack("<IQI", U32, 1, 7)))
    put("array-deep", f, [CORRUPT, OK], "arrays nested 120 deep: recursion meets a small stack")
    f = minimal()
    f.key("x.hollow", ARRAY, Raw(struct.pack("<IQ", ARRAY, HUGE)))
    put("array-nested-huge", f, [CORRUPT, TRUNCATED], "an array of 2^63 arrays")
    f = minimal()
    f.key("x.element", ARRAY, Raw(struct.pack("<IQI", 99, 1, 7)))
    put("array-type", f, [CORRUPT], "an array of type 99")
    f = minimal()
    f.key("x.value", 99, Raw(struct.pack("<I", 7)))
    put("value-type", f, [CORRUPT], "a value of type 99")
    f = minimal()
    f.key("tokenizer.ggml.add_bos_token", BOOL, 2)
    put("bool", f, [OK, CORRUPT, BAD_MODEL], "a truth value of 2")

    f = minimal()
    f.keys.append(("llama.block_count", U32, 1))
    put("duplicate-key", f, [CORRUPT, BAD_MODEL], "a key twice")
    f = minimal()
    f.keys.append(("", U32, 1))
    put("empty-key", f, [CORRUPT, OK], "a key with no name")
    f = minimal()
    f.keys.append((b"x.\xff\xfe\xc0\x80", U32, 1))
    put("key-utf8", f, [OK, CORRUPT], "a key that is not UTF-8; whatever is shown of it must be")
    f = minimal()
    f.keys.append(("llama.block_count\0x", U32, 7))
    put("key-nul", f, [OK, CORRUPT], "a key with a NUL inside must not pass for another")
    f = minimal()
    f.key("general.name", STRING, b"\xff\xfe \xed\xa0\x80 \xf8\x88\x80\x80\x80")
    put("string-utf8", f, [OK, CORRUPT], "a name that is not UTF-8; JSON made of it must be")

    f = minimal()
    f.tensors.append(Tensor(b"blk.0.attn_q.weight", [4, 4], T_F16, f16(4, 4)))
    put("duplicate-tensor", f, [CORRUPT, BAD_MODEL], "a tensor name twice")
    f = minimal()
    f.tensors.append(Tensor(b"x" * 300, [4], T_F32, bytes(16)))
    put("tensor-name-long", f, [ARCH, CORRUPT, BAD_MODEL, OK], "a tensor name of 300 bytes, where the format allows 64")
    f = minimal()
    f.tensors.append(Tensor(b"\xff\xfe\0%s%n", [4], T_F32, bytes(16)))
    put("tensor-name-bytes", f, [ARCH, OK, CORRUPT, BAD_MODEL], "an extra tensor named with bytes that are no text")

    def on_tensor(file: str, expect: list[str], reason: str, **changes) -> None:
        f = minimal()
        for name, value in changes.items():
            setattr(f.tensor("blk.0.attn_q.weight"), name, value)
        put(file, f, expect, reason)

    on_tensor("offset-overlap", [CORRUPT], "a tensor that begins inside another", offset=32)
    on_tensor("offset-misaligned", [CORRUPT], "an offset off the 32-byte grid", offset=193 + 32)
    on_tensor("offset-past-end", [TRUNCATED, CORRUPT], "an offset past the end of the file", offset=1 << 20)
    on_tensor("offset-2e63", [CORRUPT, TRUNCATED], "an offset of 2^63", offset=HUGE)
    on_tensor("offset-wraps", [CORRUPT, TRUNCATED], "an offset whose end wraps past 2^64", offset=(1 << 64) - 32)
    on_tensor("dims-overflow", [CORRUPT, TRUNCATED, BAD_MODEL], "dimensions whose product wraps to 16", dims=[(1 << 32) + 4, 4, 1 << 32])
    on_tensor("dims-huge", [CORRUPT, TRUNCATED, BAD_MODEL], "one dimension of 2^63", dims=[HUGE, 4])
    on_tensor("dims-negative", [CORRUPT, TRUNCATED, BAD_MODEL], "a dimension of -4, read signed", dims=[(1 << 64) - 4, 4])
    on_tensor("dims-zero", [CORRUPT, BAD_MODEL], "a dimension of zero", dims=[0, 4])
    on_tensor("dims-five", [CORRUPT], "five dimensions", dims=[4, 4, 1, 1, 1])
    on_tensor("dims-none", [CORRUPT, BAD_MODEL], "no dimensions", dims=[])
    on_tensor("dims-2e32", [CORRUPT, TRUNCATED], "4294967295 dimensions", n_dims=(1 << 32) - 1)
    on_tensor("type-77", [TYPE, CORRUPT], "tensor type 77, which nobody has defined", type=77)
    on_tensor("type-max", [TYPE, CORRUPT], "tensor type 4294967295", type=(1 << 32) - 1)
    on_tensor("type-removed", [TYPE, CORRUPT], "tensor type 4 (Q4_2), removed from the format", type=4)
    on_tensor("type-q6-k-narrow", [CORRUPT, BAD_MODEL], "super-blocks of 256 columns in rows of 4", type=14)
    on_tensor("type-i64", [TYPE, BAD_MODEL, CORRUPT], "a weight of 64-bit integers", type=27, data=bytes(128))
    on_tensor("type-block", [CORRUPT, BAD_MODEL], "Q4_0 with rows of 4 values, not a multiple of 32", type=T_Q4_0)

    for value in (0, 3, 1 << 31):
        f = minimal()
        f.key("general.alignment", U32, value)
        expect = [CORRUPT, TRUNCATED] if value == 1 << 31 else [CORRUPT]
        put(f"alignment-{value}", f, expect, f"an alignment of {value}")
    f = minimal()
    f.key("general.alignment", STRING, "32")
    put("alignment-string", f, [CORRUPT, BAD_MODEL], "an alignment in words")


def models(put: Callable) -> None:
    """Well-formed files whose contents contradict each other."""

    def keyed(file: str, name: str, kind: int, value, expect: list[str], reason: str) -> None:
        f = minimal()
        f.key(name, kind, value)
        put(file, f, expect, reason)

    def without(file: str, name: str, expect: list[str]) -> None:
        f = minimal()
        f.drop(name)
        put(file, f, expect, f"no key {name}")

    without("no-architecture", "general.architecture", [BAD_MODEL, ARCH])
    keyed("architecture-unknown", "general.architecture", STRING, "hippocampus", [ARCH], "an architecture nobody knows")
    keyed("architecture-number", "general.architecture", U32, 7, [BAD_MODEL, ARCH], "an architecture that is a number")
    keyed("architecture-format", "general.architecture", STRING, "%s%n%s%n", [ARCH], "an architecture that is a format string")

    for short in ("context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count", "attention.layer_norm_rms_epsilon"):
        without("no-" + short.split(".")[-1].replace("_", "-"), "llama." + short, [BAD_MODEL])

    keyed("embedding-string", "llama.embedding_length", STRING, "4", [BAD_MODEL], "a number written as text")
    keyed("embedding-float", "llama.embedding_length", F32, 4.0, [BAD_MODEL], "a whole number as a float")
    keyed("embedding-array", "llama.embedding_length", ARRAY, (U32, [4]), [BAD_MODEL], "an array where a number belongs")
    keyed("blocks-negative", "llama.block_count", I32, -1, [BAD_MODEL], "-1 layers")
    keyed("blocks-0", "llama.block_count", U32, 0, [BAD_MODEL], "no layers, though one is there")
    keyed("blocks-2e31", "llama.block_count", U32, 1 << 31, [BAD_MODEL], "2^31 layers")
    keyed("embedding-0", "llama.embedding_length", U32, 0, [BAD_MODEL], "zero values wide")
    keyed("embedding-2e31", "llama.embedding_length", U32, 1 << 31, [BAD_MODEL], "2^31 values wide")
    keyed("embedding-other", "llama.embedding_length", U32, 16, [BAD_MODEL], "16 values wide, its tensors 8")
    keyed("feed-forward-0", "llama.feed_forward_length", U32, 0, [BAD_MODEL], "no feed-forward rows")
    keyed("feed-forward-max", "llama.feed_forward_length", U32, (1 << 32) - 1, [BAD_MODEL], "2^32-1 feed-forward rows")
    keyed("heads-0", "llama.attention.head_count", U32, 0, [BAD_MODEL], "no heads: a division by zero")
    keyed("heads-3", "llama.attention.head_count", U32, 3, [BAD_MODEL], "3 heads over 4 values")
    keyed("heads-8", "llama.attention.head_count", U32, 8, [BAD_MODEL], "more heads than values")
    keyed("kv-heads-0", "llama.attention.head_count_kv", U32, 0, [BAD_MODEL], "no key/value heads")
    keyed("kv-heads-3", "llama.attention.head_count_kv", U32, 3, [BAD_MODEL], "2 heads over 3 key/value heads")
    keyed("kv-heads-2", "llama.attention.head_count_kv", U32, 2, [BAD_MODEL], "2 key/value heads, the tensors have 1")
    keyed("rope-odd", "llama.rope.dimension_count", U32, 1, [BAD_MODEL], "an odd number of rotated values")
    keyed("rope-big", "llama.rope.dimension_count", U32, 8, [BAD_MODEL], "more rotated values than a head has")
    keyed("rope-0", "llama.rope.dimension_count", U32, 0, [BAD_MODEL, OK], "no rotated values")
    keyed("rope-base-0", "llama.rope.freq_base", F32, 0.0, [BAD_MODEL], "a rotation base of zero")
    keyed("rope-base-nan", "llama.rope.freq_base", F32, float("nan"), [BAD_MODEL], "a rotation base that is no number")
    keyed("rope-base-negative", "llama.rope.freq_base", F32, -10000.0, [BAD_MODEL], "a negative rotation base")
    keyed("epsilon-nan", "llama.attention.layer_norm_rms_epsilon", F32, float("nan"), [BAD_MODEL], "an epsilon that is no number")
    keyed("epsilon-negative", "llama.attention.layer_norm_rms_epsilon", F32, -1.0, [BAD_MODEL], "a negative epsilon: the root of a negative number")
    keyed("context-0", "llama.context_length", U32, 0, [BAD_MODEL], "a context of no tokens")
    keyed("context-max", "llama.context_length", U32, (1 << 32) - 1, [OK, BAD_MODEL], "a context of 2^32-1 tokens: must not size anything by itself")
    keyed("context-2e63", "llama.context_length", U64, HUGE, [BAD_MODEL, OK], "a context of 2^63 tokens")
    keyed("vocab-size-other", "llama.vocab_size", U32, 13, [BAD_MODEL, OK], "a vocabulary size that is not the vocabulary's")

    for name in ("token_embd", "blk.0.attn_q", "blk.0.attn_norm", "output_norm"):
        f = minimal()
        f.tensors = [t for t in f.tensors if t.name != f"{name}.weight".encode()]
        put("no-tensor-" + name.split(".")[-1].replace("_", "-"), f, [BAD_MODEL], f"no tensor {name}.weight")
    f = minimal()
    f.tensors.append(Tensor(b"blk.0.mystery.weight", [4], T_F32, bytes(16)))
    put("tensor-extra", f, [ARCH], "a tensor that the architecture doesn't have")

    def shaped(file: str, name: str, dims: list[int], reason: str) -> None:
        f = minimal()
        t = f.tensor(name)
        t.dims, t.data = dims, f16(*dims) if t.type == T_F16 else bytes(4 * dims[0])
        put(file, f, [BAD_MODEL], reason)

    shaped("shape-transposed", "blk.0.attn_k.weight", [4, 8], "keys transposed")
    shaped("shape-short", "blk.0.attn_q.weight", [8, 7], "a row of the queries missing")
    shaped("shape-3d", "blk.0.attn_q.weight", [4, 2, 8], "queries in three dimensions")
    shaped("shape-norm", "output_norm.weight", [7], "a norm one value short")
    shaped("shape-vocabulary", "token_embd.weight", [N_EMBD, 13], "13 embeddings for 14 tokens")

    f = minimal(n_ff=32)
    t = f.tensor("blk.0.attn_norm.weight")
    t.type, t.data = 30, struct.pack(f"<{N_EMBD}H", *[0x3F80] * (N_EMBD - 1), 0x7FC0)
    put("norm-bf16-nan", f, [BAD_MODEL], "a BF16 norm with a value that is no number")
    f = minimal(n_ff=256)
    t = f.tensor("blk.0.ffn_down.weight")
    t.type, t.data = 14, (bytes(208) + struct.pack("<H", 0x7E00)) * N_EMBD
    put("scale-q6-k-nan", f, [BAD_MODEL], "super-blocks whose scale is no number")

    for file, scale, reason in [("nan", 0x7E00, "no number"), ("inf", 0x7C00, "infinite")]:
        f = minimal(n_ff=32)
        t = f.tensor("blk.0.ffn_down.weight")
        t.type, t.data = T_Q4_0, (struct.pack("<H", scale) + bytes(range(16))) * N_EMBD
        put(f"scale-{file}", f, [OK, CORRUPT, BAD_MODEL], f"block scales that are {reason}: all logits NaN, yet sampling must end")
    f = minimal()
    f.tensor("token_embd.weight").data = struct.pack("<112H", *[0x7E00] * 112)
    put("embedding-nan", f, [OK, CORRUPT, BAD_MODEL], "embeddings that are no numbers: all logits NaN, yet sampling must end")


def families(put: Callable) -> None:
    """What single families have: keys and tensors that contradict each other or make no sense."""
    nan, infinite = float("nan"), float("inf")
    for name, f in (("experts", experts()), ("fused", fused()), ("gpt2", gpt2()), ("gemma3", gemma3())):
        put("valid-" + name, f, [OK], "a control: small, and right")

    put("experts-count-0", experts(n_key=0), [BAD_MODEL, ARCH], "expert tensors, and a count of 0")
    put("experts-count-2e31", experts(n_key=1 << 31), [BAD_MODEL], "2^31 experts")
    put("experts-count-more", experts(n_key=4), [BAD_MODEL], "4 experts by the keys, 3 in the tensors")
    put("experts-used-0", experts(n_used=0), [BAD_MODEL], "no expert used")
    put("experts-used-more", experts(n_used=4), [BAD_MODEL], "4 of 3 experts used")
    put("experts-router-short", experts(n_router=2), [BAD_MODEL], "a router that knows 2 of 3 experts")
    f = experts()
    drop_tensor(f, "blk.0.ffn_gate_inp.weight")
    put("experts-no-router", f, [BAD_MODEL], "experts and nothing that chooses")
    f = experts()
    f.tensor("blk.0.ffn_gate_inp.weight").data = struct.pack("<24f", *[nan] * 24)
    put("experts-router-nan", f, [BAD_MODEL], "a router that is not a number")
    f = experts()
    f.key("llama.expert_gating_func", U32, 2)
    put("experts-gating", f, [ARCH], "experts chosen by a sigmoid")
    put("experts-in-gemma", gemma3(expert_count=4, expert_used_count=2), [ARCH], "experts in a family without")
    f = family("qwen2moe")
    put("experts-none-in-qwen2moe", f, [BAD_MODEL, ARCH], "a family of experts, and none")

    for name, rows in (("short", 12), ("long", 20), ("odd", 15)):
        put(f"fused-{name}", fused(rows), [BAD_MODEL], f"{rows} fused rows of queries, keys and values, not 16")
    f = fused()
    f.tensors.append(Tensor(b"blk.0.attn_q.weight", [N_EMBD, N_EMBD], T_F16, f16(N_EMBD, N_EMBD)))
    put("fused-and-separate", f, [ARCH], "queries fused with keys and values, and once more alone")
    f = fused()
    drop_tensor(f, "blk.0.attn_qkv.weight")
    put("fused-missing", f, [BAD_MODEL], "no queries, keys and values at all")

    put("positions-few", gpt2(63), [BAD_MODEL], "63 learned positions for a context of 64")
    f = gpt2()
    drop_tensor(f, "blk.0.attn_qkv.bias")
    put("bias-missing", f, [BAD_MODEL], "a GPT-2 that lacks a bias")
    f = gpt2()
    f.tensor("blk.0.ffn_up.bias").dims = [N_FF - 1]
    f.tensor("blk.0.ffn_up.bias").data = bytes(4 * (N_FF - 1))
    put("bias-short", f, [BAD_MODEL], "a bias one element short")
    f = gpt2()
    drop_tensor(f, "output_norm.bias")
    vector(f, "output_norm.bias", N_EMBD, T_F16)
    put("valid-bias-f16", f, [OK], "a control: a bias in F16")

    for value, file in ((0, "0"), (1, "1"), (4, "4"), (0xFFFFFFFF, "max")):
        fine = [BAD_MODEL, OK]
        put(f"window-{file}", gemma3(attention__sliding_window=value), fine, f"a sliding window of {value}")
    f = gemma3()
    f.drop("gemma3.attention.sliding_window")
    put("window-missing", f, [BAD_MODEL], "a Gemma 3 that doesn't say its window")
    f = gemma3()
    f.key("gemma3.attention.sliding_window_pattern", ARRAY, (BOOL, [1, 0]))
    put("window-pattern-long", f, [BAD_MODEL], "a pattern of two layers for one")
    f = gemma3()
    f.key("gemma3.attention.sliding_window_pattern", ARRAY, (U32, [1]))
    put("window-pattern-numbers", f, [BAD_MODEL], "a pattern of numbers")
    f = gemma3()
    drop_tensor(f, "blk.0.attn_q_norm.weight")
    put("head-norm-missing", f, [BAD_MODEL], "keys normed, queries not")
    for value, file in ((-1.0, "negative"), (nan, "nan"), (infinite, "infinite")):
        put(f"softcap-{file}", gemma3(attn_logit_softcapping=value), [BAD_MODEL], f"scores capped at {value}")
    put("attention-scale-nan", gemma3(attention__scale=nan), [BAD_MODEL], "scores scaled by what is not a number")

    def scaled(file: str, kind: str, expect: list[str], reason: str, factors: list[float] | None = None,
               **keys: float) -> None:
        f = family("llama", **keys)
        f.key("llama.rope.scaling.type", STRING, kind)
        for length in ("long", "short") if factors else ():
            data = struct.pack(f"<{len(factors)}f", *factors)
            f.tensors.append(Tensor(f"rope_factors_{length}.weight".encode(), [len(factors)], T_F32, data))
        put("rope-" + file, f, expect, reason)

    scaled("type-unknown", "spiral", [ARCH], "rope scaling of a type nobody knows")
    scaled("linear-0", "linear", [OK, BAD_MODEL], "positions divided by 0", rope__scaling__factor=0.0)
    scaled("linear-negative", "linear", [BAD_MODEL], "positions divided by -2", rope__scaling__factor=-2.0)
    scaled("linear-tiny", "linear", [BAD_MODEL], "angles past what a sine is computed for",
           rope__scaling__factor=1e-20)
    scaled("yarn", "yarn", [OK], "a control: YaRN without its optional keys", rope__scaling__factor=4.0)
    scaled("yarn-beta-nan", "yarn", [BAD_MODEL], "YaRN's border is not a number", rope__scaling__factor=4.0,
           rope__scaling__yarn_beta_fast=nan)
    scaled("yarn-original-0", "yarn", [BAD_MODEL], "an original context of 0", rope__scaling__factor=4.0,
           rope__scaling__original_context_length=0)
    scaled("longrope", "longrope", [OK], "a control: LongRoPE's factors", [1.0, 2.0])
    scaled("longrope-none", "longrope", [BAD_MODEL], "LongRoPE without its factors")
    scaled("longrope-many", "longrope", [BAD_MODEL], "three factors for two pairs", [1.0, 2.0, 3.0])
    scaled("longrope-0", "longrope", [BAD_MODEL], "a frequency divided by 0", [1.0, 0.0])
    scaled("longrope-tiny", "longrope", [BAD_MODEL], "angles past what a sine is computed for", [1e-30, 1.0])
    put("rope-base-1", family("llama", rope__freq_base=1.0), [BAD_MODEL], "a base whose logarithm is 0")
    put("rope-base-tiny", family("llama", rope__freq_base=1e-30), [BAD_MODEL], "frequencies that grow without end")

    f = family("falcon", attention__layer_norm_epsilon=1e-5, attention__max_alibi_bias=8.0)
    put("falcon-alibi", f, [ARCH], "a Falcon with ALiBi")
    f = family("granite", residual_scale=0.0)
    put("granite-scale-0", f, [BAD_MODEL], "nothing is ever added to the residual stream")
    f = minimal()
    vector(f, "blk.0.attn_rot_embd.weight", 2)
    put("valid-unneeded", f, [OK], "a control: a tensor that files carry and nothing needs")


def tokenizers(put: Callable) -> None:
    def keyed(file: str, name: str, kind: int, value, expect: list[str], reason: str, base=minimal) -> None:
        f = base()
        f.key("tokenizer." + name, kind, value)
        put("tokenizer-" + file, f, expect, reason)

    def without(file: str, name: str, expect: list[str], reason: str, base=minimal) -> None:
        f = base()
        f.drop("tokenizer.ggml." + name)
        put("tokenizer-" + file, f, expect, reason)

    count = len(TOKENS)
    without("no-model", "model", [BAD_MODEL, TOKENIZER], "no tokenizer model named")
    keyed("model-unknown", "ggml.model", STRING, "runes", [TOKENIZER], "a tokenizer model nobody knows")
    keyed("model-number", "ggml.model", U32, 1, [BAD_MODEL, TOKENIZER], "a tokenizer model that is a number")
    keyed("pre-unknown", "ggml.pre", STRING, "runes", [TOKENIZER], "a pre-tokenizer nobody knows")
    without("no-tokens", "tokens", [BAD_MODEL], "no tokens")
    keyed("tokens-empty", "ggml.tokens", ARRAY, (STRING, []), [BAD_MODEL], "an empty list of tokens")
    keyed("tokens-numbers", "ggml.tokens", ARRAY, (U32, list(range(count))), [BAD_MODEL], "tokens that are numbers")
    keyed("tokens-few", "ggml.tokens", ARRAY, (STRING, TOKENS[:-1]), [BAD_MODEL], "13 tokens for 14 embeddings")
    keyed("tokens-many", "ggml.tokens", ARRAY, (STRING, TOKENS + ["x"]), [BAD_MODEL], "15 tokens for 14 embeddings")
    keyed("tokens-twice", "ggml.tokens", ARRAY, (STRING, TOKENS[:-1] + ["a"]), [OK, BAD_MODEL], "a token twice")
    keyed("token-empty", "ggml.tokens", ARRAY, (STRING, TOKENS[:-1] + [""]), [OK, BAD_MODEL], "a token with no text: matching it must advance")
    keyed("token-utf8", "ggml.tokens", ARRAY, (STRING, TOKENS[:-1] + [b"\xff\xc3"]), [BAD_MODEL, CORRUPT, OK], "a token that is not UTF-8, nor spells bytes")
    keyed("token-alphabet", "ggml.tokens", ARRAY, (STRING, TOKENS[:-1] + ["\u4e00"]), [OK, BAD_MODEL], "a token outside the byte alphabet")
    keyed("special-empty", "ggml.tokens", ARRAY, (STRING, ["", *TOKENS[1:]]), [OK, BAD_MODEL], "a special token with no text: looking for it must advance")
    keyed("types-few", "ggml.token_type", ARRAY, (I32, [1] * (count - 1)), [BAD_MODEL], "13 token types for 14 tokens")
    keyed("types-99", "ggml.token_type", ARRAY, (I32, [99] * count), [OK, BAD_MODEL], "token types that nobody has defined")
    keyed("types-strings", "ggml.token_type", ARRAY, (STRING, ["1"] * count), [BAD_MODEL], "token types as text")
    without("no-merges", "merges", [BAD_MODEL, TOKENIZER], "a byte-pair vocabulary with no merges")
    keyed("merges-nowhere", "ggml.merges", ARRAY, (STRING, MERGES + ["q z", "e r"]), [OK, BAD_MODEL], "merges of and into what is no token")
    keyed("merges-space", "ggml.merges", ARRAY, (STRING, ["th", " h", "t ", "", " ", "t h e"]), [OK, BAD_MODEL], "merges that aren't two pieces and a space")
    keyed("merges-numbers", "ggml.merges", ARRAY, (U32, [1, 2]), [BAD_MODEL], "merges that are numbers")
    keyed("bos-past", "ggml.bos_token_id", U32, count, [BAD_MODEL, OK], "a BOS one past the vocabulary")
    keyed("eos-past", "ggml.eos_token_id", U32, 1 << 31, [BAD_MODEL, OK], "an EOS of 2^31")
    keyed("eos-negative", "ggml.eos_token_id", I32, -1, [BAD_MODEL, OK], "an EOS of -1")
    keyed("eos-string", "ggml.eos_token_id", STRING, "</s>", [BAD_MODEL], "an EOS given as text")
    keyed("eot-past", "ggml.eot_token_id", U32, 999, [BAD_MODEL, OK], "an EOT past the vocabulary")
    keyed("add-bos-number", "ggml.add_bos_token", U32, 1, [BAD_MODEL, OK], "a flag given as a number")
    f = minimal()
    f.drop("tokenizer.ggml.bos_token_id")
    f.key("tokenizer.ggml.add_bos_token", BOOL, 1)
    put("tokenizer-bos-missing", f, [OK, BAD_MODEL], "asks for a BOS that it doesn't name")
    keyed("template-broken", "chat_template", STRING, "{% for m in messages %}{{ m.content ", [OK, BAD_MODEL], "a chat template cut short: the model loads, a chat fails")
    keyed("template-endless", "chat_template", STRING, "{% for a in range(9999999) %}{% for b in range(9999999) %}x{% endfor %}{% endfor %}", [OK, BAD_MODEL], "a chat template that would fill all memory: a chat must fail in time")
    keyed("template-deep", "chat_template", STRING, "{{" + "(" * 900 + "1" + ")" * 900 + "}}", [OK, BAD_MODEL], "a chat template nested 900 deep: recursion meets a small stack")
    keyed("template-number", "chat_template", U32, 7, [BAD_MODEL, OK], "a chat template that is a number")
    without("spm-no-scores", "scores", [BAD_MODEL], "a SentencePiece vocabulary with no scores", minimal_spm)
    keyed("spm-scores-few", "ggml.scores", ARRAY, (F32, [0.0] * 3), [BAD_MODEL], "3 scores for 14 tokens", minimal_spm)
    keyed("spm-scores-nan", "ggml.scores", ARRAY, (F32, [float("nan")] * 14), [OK, BAD_MODEL], "scores that are no numbers: a queue ordered by them must still end", minimal_spm)
    f = minimal_spm()
    _, pieces = f.value("tokenizer.ggml.tokens")
    f.key("tokenizer.ggml.tokens", ARRAY, (STRING, [*pieces[:3], "<0xZZ>", "<0x", *pieces[5:]]))
    put("tokenizer-spm-byte", f, [BAD_MODEL, OK], "byte tokens that name no byte")


def encoders_tokenizers(put: Callable) -> None:
    """Unigram (T5) and WordPiece (BERT)."""

    def keyed(file: str, name: str, kind: int, value, expect: list[str], reason: str, base=minimal_t5) -> None:
        f = base()
        f.key("tokenizer.ggml." + name, kind, value)
        put("tokenizer-" + file, f, expect, reason)

    def without(file: str, name: str, expect: list[str], reason: str, base=minimal_t5) -> None:
        f = base()
        f.drop("tokenizer.ggml." + name)
        put("tokenizer-" + file, f, expect, reason)

    def tokens(file: str, change: Callable, expect: list[str], reason: str, base) -> None:
        _, pieces = base().value("tokenizer.ggml.tokens")
        keyed(file, "tokens", ARRAY, (STRING, change(pieces)), expect, reason, base)

    without("t5-no-scores", "scores", [BAD_MODEL], "a Unigram vocabulary with no scores")
    keyed("t5-scores-few", "scores", ARRAY, (F32, [0.0] * 3), [BAD_MODEL], "3 scores for 14 tokens")
    keyed("t5-scores-ints", "scores", ARRAY, (I32, [0] * 14), [BAD_MODEL], "scores that are whole numbers")
    for name, number in [("nan", float("nan")), ("inf", float("inf")), ("minus-inf", float("-inf")), ("huge", 3e38)]:
        keyed(f"t5-scores-{name}", "scores", ARRAY, (F32, [number] * 14), [OK, BAD_MODEL], f"scores of {number}: the best path must still be found")
    keyed("t5-scores-mixed", "scores", ARRAY, (F32, [float("-inf"), float("inf"), float("nan")] * 4 + [-3e38, 3e38]), [OK, BAD_MODEL], "scores whose sums are no numbers")
    without("t5-no-unknown", "unknown_token_id", [OK, BAD_MODEL], "no unknown token named: its type tells")
    f = minimal_t5()
    f.drop("tokenizer.ggml.unknown_token_id")
    f.key("tokenizer.ggml.token_type", ARRAY, (I32, [3, 3] + [1] * 12))
    put("tokenizer-t5-unknown-nowhere", f, [OK, BAD_MODEL], "no unknown token, by name or by type")
    keyed("t5-unknown-past", "unknown_token_id", U32, 14, [BAD_MODEL], "an unknown token one past the vocabulary")
    tokens("t5-twice", lambda pieces: [*pieces[:-1], "th"], [OK, BAD_MODEL], "a piece twice", minimal_t5)
    tokens("t5-empty", lambda pieces: [*pieces[:-1], ""], [OK, BAD_MODEL], "a piece with no text: matching it must advance", minimal_t5)
    tokens("t5-utf8", lambda pieces: [*pieces[:-1], b"\xe2\x96"], [OK, BAD_MODEL, CORRUPT], "a piece that is half a character", minimal_t5)
    tokens("t5-long", lambda pieces: [*pieces[:-1], "a" * 3000], [OK, BAD_MODEL], "a piece of 3000 letters", minimal_t5)
    tokens("t5-few", lambda pieces: pieces[:-1], [BAD_MODEL], "13 tokens for 14 embeddings, scores and types", minimal_t5)
    keyed("t5-types-few", "token_type", ARRAY, (I32, [1] * 13), [BAD_MODEL], "13 token types for 14 tokens")
    keyed("t5-all-control", "token_type", ARRAY, (I32, [3] * 14), [OK, BAD_MODEL], "no piece that a text could become")
    keyed("t5-all-bytes", "token_type", ARRAY, (I32, [6] * 14), [OK, BAD_MODEL], "byte tokens that name no byte")
    keyed("t5-all-own", "token_type", ARRAY, (I32, [4] * 14), [OK, BAD_MODEL], "user-defined tokens alone")

    def mapped(file: str, units: list[int], replacements: bytes, expect: list[str], reason: str) -> None:
        keyed("t5-map-" + file, "precompiled_charsmap", ARRAY, (U8, charsmap(units, replacements)), expect, reason)

    whole = charsmap([0] * 256, b"x\0")
    for file, value, reason in [
            ("empty", (U8, []), "an empty character map"), ("short", (U8, [1, 0]), "a character map of 2 bytes"),
            ("size-only", (U8, whole[:4]), "a character map that ends after its size"),
            ("size-max", (U8, [255] * 4 + whole[4:]), "a character map whose table is 2^32 - 1 bytes"),
            ("size-odd", (U8, [3, 0, 0, 0] + whole[4:]), "a character map whose table is 3 bytes"),
            ("cut", (U8, whole[:-200]), "a character map cut short"),
            ("no-texts", (U8, whole[:-2]), "a character map with no replacements"),
            ("open", (U8, whole[:-1]), "a character map whose last text does not end"),
            ("ints", (I32, [1, 2, 3]), "a character map of whole numbers"),
            ("strings", (STRING, ["x"]), "a character map of strings")]:
        keyed("t5-map-" + file, "precompiled_charsmap", ARRAY, value, [OK] if file == "empty" else [BAD_MODEL], reason)
    keyed("t5-map-number", "precompiled_charsmap", U32, 7, [BAD_MODEL], "a character map that is a number")
    mapped("all-ones", [0xFFFFFFFF] * 256, b"x\0", [OK, BAD_MODEL], "a table that leads past its end")
    mapped("loop", [(i << 10 | 0x100 | i) for i in range(256)], b"x\0", [OK, BAD_MODEL], "a table whose nodes lead to each other in circles")
    mapped("leaf-past", [0x40000 | 0x100] + [0x7FFFFFFF] * 511, b"x\0", [OK, BAD_MODEL], "replacements past the texts' end")
    mapped("text-utf8", [0] * 256, b"\xff\xc3\0", [OK, BAD_MODEL], "a replacement that is not UTF-8")
    mapped("text-long", [0] * 256, b"y" * 5000 + b"\0", [OK, BAD_MODEL], "a replacement of 5000 letters: a text would explode")

    put_bert = dict(base=minimal_bert)
    without("bert-no-unknown", "unknown_token_id", [OK, BAD_MODEL], "no unknown token named: its type tells", **put_bert)
    f = minimal_bert()
    f.drop("tokenizer.ggml.unknown_token_id")
    f.key("tokenizer.ggml.token_type", ARRAY, (I32, [1] * 14))
    put("tokenizer-bert-unknown-nowhere", f, [OK, BAD_MODEL], "no unknown token, by name or by type")
    keyed("bert-unknown-past", "unknown_token_id", U32, 1 << 31, [BAD_MODEL], "an unknown token of 2^31", **put_bert)
    keyed("bert-cls-past", "cls_token_id", U32, 14, [BAD_MODEL, OK], "a CLS one past the vocabulary", **put_bert)
    keyed("bert-sep-past", "seperator_token_id", U32, 14, [BAD_MODEL], "a SEP one past the vocabulary", **put_bert)
    keyed("bert-sep-text", "seperator_token_id", STRING, "[SEP]", [BAD_MODEL], "a SEP given as text", **put_bert)
    keyed("bert-lower-number", "normalizer.lowercase", U32, 1, [BAD_MODEL, OK], "a flag given as a number", **put_bert)
    tokens("bert-twice", lambda pieces: [*pieces[:-1], "a"], [OK, BAD_MODEL], "a piece twice", minimal_bert)
    tokens("bert-empty", lambda pieces: [*pieces[:-1], ""], [OK, BAD_MODEL], "a piece with no text: matching it must advance", minimal_bert)
    tokens("bert-mark-only", lambda pieces: [*pieces[:-1], "\u2581"], [OK, BAD_MODEL], "a word that is its mark alone", minimal_bert)
    tokens("bert-utf8", lambda pieces: [*pieces[:-1], b"\x96\x81"], [OK, BAD_MODEL, CORRUPT], "a piece that is the end of a character", minimal_bert)
    tokens("bert-long", lambda pieces: [*pieces[:-1], "a" * 3000], [OK, BAD_MODEL], "a piece of 3000 letters", minimal_bert)
    tokens("bert-few", lambda pieces: pieces[:3], [BAD_MODEL], "3 tokens for 14 embeddings and types", minimal_bert)
    keyed("bert-types-few", "token_type", ARRAY, (I32, [1]), [BAD_MODEL], "a single token type for 14 tokens", **put_bert)

    cyclic = ["t h", "th e", "the t", "h t", "e th"]
    keyed("merges-cyclic", "merges", ARRAY, (STRING, cyclic), [OK, BAD_MODEL], "merges that lead back to where they began", minimal)
    keyed("merges-twice", "merges", ARRAY, (STRING, MERGES + MERGES), [OK, BAD_MODEL], "each merge twice", minimal)
    keyed("merges-self", "merges", ARRAY, (STRING, ["t t", "tt tt", " t"]), [OK, BAD_MODEL], "merges of a token with itself into none", minimal)
    keyed("merges-long", "merges", ARRAY, (STRING, ["t" * 5000 + " " + "h" * 5000]), [OK, BAD_MODEL], "a merge of 10,000 letters", minimal)
    keyed("merges-utf8", "merges", ARRAY, (STRING, [b"\xc4 \xa0", b"\xff\xff \xc3"]), [OK, BAD_MODEL, CORRUPT], "merges that cut a character in two", minimal)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.gguf"):
        old.unlink()

    def put_bytes(name: str, data: bytes, expect: list[str], reason: str) -> None:
        emit(folder, name + ".gguf", data, expect, reason)

    def put(name: str, f: File, expect: list[str], reason: str) -> None:
        put_bytes(name, f.pack(), expect, reason)

    controls(put)
    containers(put, put_bytes)
    models(put)
    families(put)
    tokenizers(put)
    encoders_tokenizers(put)
    lines = ",\n".join(json.dumps(record) for record in RECORDS)
    (folder / "hostile.json").write_text(f"[\n{lines}\n]\n")
    sizes = [path.stat().st_size for path in folder.glob("*.gguf")]
    print(f"{len(sizes)} files, {sum(sizes)} bytes, the largest {max(sizes)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=FOLDER)
    main(parser.parse_args().out)
