"""The valid little models that hostile.py spoils, and the GGUF files that hold them. Standard library only."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# GGUF value types.
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f", BOOL: "B", U64: "Q", I64: "q", F64: "d"}
# Tensor types.
T_F32, T_F16, T_Q4_0, T_Q8_0 = 0, 1, 2, 8
HUGE = 1 << 63


@dataclass
class Raw:
    """Bytes to be written as they are, in place of a value."""

    data: bytes


@dataclass
class Tensor:
    name: bytes
    dims: list[int]  # fastest first, as in the file
    type: int
    data: bytes
    offset: int | None = None  # None: where it belongs
    n_dims: int | None = None  # None: len(dims)


def string(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def encoded(kind: int, value) -> bytes:
    """A metadata value; an array is (element type, elements)."""
    if isinstance(value, Raw):
        return value.data
    if kind == STRING:
        return string(value)
    if kind == ARRAY:
        element, items = value
        return struct.pack("<IQ", element, len(items)) + b"".join(encoded(element, item) for item in items)
    return struct.pack("<" + PACK[kind], value)


@dataclass
class File:
    """A GGUF file with every field open to abuse."""

    magic: bytes = b"GGUF"
    version: int = 3
    keys: list[tuple[str | bytes, int, object]] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    n_keys: int | None = None
    n_tensors: int | None = None
    alignment: int = 32  # of the tensor data as written
    after: bytes = b""
    marks: dict[str, int] = field(default_factory=dict)  # byte offsets, filled by `pack`

    def key(self, name: str, kind: int, value) -> None:
        """Set or add a key."""
        for i, (other, _, _) in enumerate(self.keys):
            if other == name:
                self.keys[i] = (name, kind, value)
                return
        self.keys.append((name, kind, value))

    def drop(self, name: str) -> None:
        self.keys = [row for row in self.keys if row[0] != name]

    def value(self, name: str):
        return next(value for other, _, value in self.keys if other == name)

    def tensor(self, name: str) -> Tensor:
        return next(t for t in self.tensors if t.name == name.encode())

    def pack(self) -> bytes:
        n_tensors = len(self.tensors) if self.n_tensors is None else self.n_tensors
        n_keys = len(self.keys) if self.n_keys is None else self.n_keys
        out = self.magic + struct.pack("<IQQ", self.version, n_tensors, n_keys)
        for name, kind, value in self.keys:
            self.marks[name if isinstance(name, str) else repr(name)] = len(out)
            out += string(name) + struct.pack("<I", kind) + encoded(kind, value)
        data = b""
        for t in self.tensors:
            offset = len(data) if t.offset is None else t.offset
            data += t.data + bytes(-len(t.data) % self.alignment)
            self.marks[t.name.decode(errors="replace")] = len(out)
            n_dims = len(t.dims) if t.n_dims is None else t.n_dims
            out += string(t.name) + struct.pack("<I", n_dims) + struct.pack(f"<{len(t.dims)}Q", *t.dims)
            out += struct.pack("<IQ", t.type, offset)
        out += bytes(-len(out) % self.alignment)
        self.marks["data"] = len(out)
        return out + data + self.after


TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *"abehnt", "\u0120", "\u010a", "th", "the", "\u0120a"]
MERGES = ["t h", "th e", "\u0120 a"]
N_EMBD, N_HEAD, N_HEAD_KV, N_FF = 8, 2, 1, 4


def f16(*dims: int) -> bytes:
    """Small, various, deterministic values."""
    count = 1
    for d in dims:
        count *= d
    return struct.pack(f"<{count}e", *(((i * 37) % 64 - 31) / 64 for i in range(count)))


def minimal(n_ff: int = N_FF) -> File:
    f = File()
    f.key("general.architecture", STRING, "llama")
    f.key("llama.context_length", U32, 64)
    f.key("llama.embedding_length", U32, N_EMBD)
    f.key("llama.block_count", U32, 1)
    f.key("llama.feed_forward_length", U32, n_ff)
    f.key("llama.attention.head_count", U32, N_HEAD)
    f.key("llama.attention.head_count_kv", U32, N_HEAD_KV)
    f.key("llama.rope.dimension_count", U32, N_EMBD // N_HEAD)
    f.key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5)
    f.key("tokenizer.ggml.model", STRING, "gpt2")
    f.key("tokenizer.ggml.pre", STRING, "smollm")
    f.key("tokenizer.ggml.tokens", ARRAY, (STRING, TOKENS))
    f.key("tokenizer.ggml.token_type", ARRAY, (I32, [3] * 3 + [1] * (len(TOKENS) - 3)))
    f.key("tokenizer.ggml.merges", ARRAY, (STRING, MERGES))
    f.key("tokenizer.ggml.bos_token_id", U32, 1)
    f.key("tokenizer.ggml.eos_token_id", U32, 2)

    kv_dim = N_HEAD_KV * N_EMBD // N_HEAD

    def matrix(name: str, n_in: int, n_out: int) -> None:
        f.tensors.append(Tensor(name.encode(), [n_in, n_out], T_F16, f16(n_in, n_out)))

    def norm(name: str) -> None:
        f.tensors.append(Tensor(name.encode(), [N_EMBD], T_F32, struct.pack(f"<{N_EMBD}f", *[1.0] * N_EMBD)))

    matrix("token_embd.weight", N_EMBD, len(TOKENS))
    norm("blk.0.attn_norm.weight")
    matrix("blk.0.attn_q.weight", N_EMBD, N_EMBD)
    matrix("blk.0.attn_k.weight", N_EMBD, kv_dim)
    matrix("blk.0.attn_v.weight", N_EMBD, kv_dim)
    matrix("blk.0.attn_output.weight", N_EMBD, N_EMBD)
    norm("blk.0.ffn_norm.weight")
    matrix("blk.0.ffn_gate.weight", N_EMBD, n_ff)
    matrix("blk.0.ffn_up.weight", N_EMBD, n_ff)
    matrix("blk.0.ffn_down.weight", n_ff, N_EMBD)
    norm("output_norm.weight")
    return f


def family(name: str, **keys: float) -> File:
    """The minimal model under another architecture's name, with more keys of it (int: U32, float: F32)."""
    f = minimal()
    f.keys = [(key.replace("llama.", f"{name}.", 1) if isinstance(key, str) else key, kind, value)
              for key, kind, value in f.keys]
    f.key("general.architecture", STRING, name)
    for key, value in keys.items():
        f.key(f"{name}.{key.replace('__', '.')}", F32 if isinstance(value, float) else U32, value)
    return f


def vector(f: File, name: str, length: int, kind: int = T_F32) -> None:
    data = struct.pack(f"<{length}f", *[1.0] * length) if kind == T_F32 else f16(length)
    f.tensors.append(Tensor(name.encode(), [length], kind, data))


def drop_tensor(f: File, name: str) -> None:
    f.tensors.remove(f.tensor(name))


def experts(n_file: int = 3, n_key: int = 3, n_used: int = 2, n_router: int = 3) -> File:
    """The minimal model with n_file experts, which may not be what its keys say."""
    f = family("llama", expert_count=n_key, expert_used_count=n_used)
    for name, n_in, n_out in (("gate", N_EMBD, N_FF), ("up", N_EMBD, N_FF), ("down", N_FF, N_EMBD)):
        drop_tensor(f, f"blk.0.ffn_{name}.weight")
        f.tensors.append(Tensor(f"blk.0.ffn_{name}_exps.weight".encode(), [n_in, n_out, n_file], T_F16,
                                f16(n_in, n_out, n_file)))
    router = struct.pack(f"<{N_EMBD * n_router}f", *[0.1] * (N_EMBD * n_router))
    f.tensors.append(Tensor(b"blk.0.ffn_gate_inp.weight", [N_EMBD, n_router], T_F32, router))
    return f


def fused(rows: int = 16) -> File:
    """A phi3 with its fused matrices; `rows` of attn_qkv, 16 being right."""
    f = family("phi3")
    for name in ("attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up"):
        drop_tensor(f, f"blk.0.{name}.weight")
    for name, n_out in (("attn_qkv", rows), ("ffn_up", 2 * N_FF)):
        f.tensors.append(Tensor(f"blk.0.{name}.weight".encode(), [N_EMBD, n_out], T_F16, f16(N_EMBD, n_out)))
    return f


def gpt2(positions: int = 64) -> File:
    f = family("gpt2", attention__layer_norm_epsilon=1e-5, attention__head_count_kv=2)
    for name in ("attn_q", "attn_k", "attn_v", "ffn_gate"):
        drop_tensor(f, f"blk.0.{name}.weight")
    f.tensors.append(Tensor(b"blk.0.attn_qkv.weight", [N_EMBD, 24], T_F16, f16(N_EMBD, 24)))
    f.tensors.append(Tensor(b"position_embd.weight", [N_EMBD, positions], T_F16, f16(N_EMBD, positions)))
    for name, length in (("attn_norm", N_EMBD), ("attn_qkv", 24), ("attn_output", N_EMBD), ("ffn_norm", N_EMBD),
                         ("ffn_up", N_FF), ("ffn_down", N_EMBD)):
        vector(f, f"blk.0.{name}.bias", length)
    vector(f, "output_norm.bias", N_EMBD)
    return f


def gemma3(**keys: float) -> File:
    f = family("gemma3", **{"attention__sliding_window": 4, **keys})
    for name, length in (("attn_q_norm", 4), ("attn_k_norm", 4), ("post_attention_norm", N_EMBD),
                         ("post_ffw_norm", N_EMBD)):
        vector(f, f"blk.0.{name}.weight", length)
    return f


def minimal_spm() -> File:
    """The same with a SentencePiece-style vocabulary that lacks most bytes."""
    f = minimal()
    pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "<0x20>", "\u2581", *"abeht", "\u2581a", "th", "the"]
    f.key("tokenizer.ggml.model", STRING, "llama")
    f.drop("tokenizer.ggml.pre")
    f.drop("tokenizer.ggml.merges")
    f.key("tokenizer.ggml.tokens", ARRAY, (STRING, pieces))
    f.key("tokenizer.ggml.scores", ARRAY, (F32, [-float(i) for i in range(len(pieces))]))
    f.key("tokenizer.ggml.token_type", ARRAY, (I32, [2, 3, 3, 6, 6] + [1] * (len(pieces) - 5)))
    return f


def charsmap(units: list[int], replacements: bytes) -> list[int]:
    """SentencePiece's precompiled character map: a double array's size in bytes, its units, texts ended by NUL."""
    table = struct.pack(f"<{len(units)}I", *units)
    return list(struct.pack("<I", len(table)) + table + replacements)


def minimal_t5() -> File:
    """The same with a Unigram vocabulary and a character map that changes nothing."""
    f = minimal_spm()
    pieces = ["<pad>", "</s>", "<unk>", "\u2581", *"abeht", "\u2581a", "th", "the", "\u2581the", "x"]
    f.key("tokenizer.ggml.model", STRING, "t5")
    f.key("tokenizer.ggml.tokens", ARRAY, (STRING, pieces))
    f.key("tokenizer.ggml.token_type", ARRAY, (I32, [3, 3, 2] + [1] * (len(pieces) - 3)))
    f.key("tokenizer.ggml.precompiled_charsmap", ARRAY, (U8, charsmap([0] * 256, b"x\0")))
    f.key("tokenizer.ggml.unknown_token_id", U32, 2)
    f.drop("tokenizer.ggml.bos_token_id")
    f.key("tokenizer.ggml.eos_token_id", U32, 1)
    return f


def minimal_bert() -> File:
    """The same with a WordPiece vocabulary."""
    f = minimal_spm()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(f"\u2581{c}" for c in "abht"), *"abhe", "\u2581the", "he"]
    f.key("tokenizer.ggml.model", STRING, "bert")
    f.key("tokenizer.ggml.tokens", ARRAY, (STRING, pieces))
    f.key("tokenizer.ggml.token_type", ARRAY, (I32, [3, 2, 3, 3] + [1] * (len(pieces) - 4)))
    f.drop("tokenizer.ggml.scores")
    f.key("tokenizer.ggml.unknown_token_id", U32, 1)
    f.key("tokenizer.ggml.bos_token_id", U32, 2)
    f.key("tokenizer.ggml.eos_token_id", U32, 3)
    f.key("tokenizer.ggml.seperator_token_id", U32, 3)
    return f
