#!/usr/bin/env python3
"""A GGUF file of random weights, F16, in the shape of a known model: random_model.py SHAPE TOKENIZER.gguf OUT.gguf

Speed depends on shapes and block types, not on what the weights are. The vocabulary is TOKENIZER's, filled up with
unused tokens to the model's own size.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from gguf import GGUFReader, GGUFWriter, TokenType

SEED = 1


@dataclass(frozen=True)
class Shape:
    """Of config.json on the model's page at Hugging Face; output and embedding are tied."""

    architecture: str
    name: str
    n_layers: int
    n_embd: int
    n_ff: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    n_vocab: int
    qkv_bias: bool
    qk_norm: bool
    rope_freq_base: float = 1e6
    epsilon: float = 1e-6
    n_ctx: int = 32768


SHAPES = {
    "qwen2.5-0.5b": Shape("qwen2", "Qwen2.5-0.5B, random weights", 24, 896, 4864, 14, 2, 64, 151936,
                          qkv_bias=True, qk_norm=False),
    "qwen3-0.6b": Shape("qwen3", "Qwen3-0.6B, random weights", 28, 1024, 3072, 16, 8, 128, 151936,
                        qkv_bias=False, qk_norm=True),
}


def add_vocabulary(writer: GGUFWriter, source: GGUFReader, n_vocab: int) -> None:
    def value(key: str) -> object:
        field = source.get_field(f"tokenizer.ggml.{key}")
        return field.contents() if field else None

    tokens, types = list(value("tokens")), list(value("token_type"))
    unused = n_vocab - len(tokens)
    writer.add_tokenizer_model(str(value("model")))
    writer.add_tokenizer_pre(str(value("pre")))
    writer.add_token_list(tokens + [f"[unused{i}]" for i in range(unused)])
    writer.add_token_types(types + [int(TokenType.UNUSED)] * unused)
    writer.add_token_merges(list(value("merges")))
    writer.add_eos_token_id(int(value("eos_token_id")))
    writer.add_add_bos_token(False)


def tensors(shape: Shape) -> list[tuple[str, tuple[int, ...]]]:
    """Names and dimensions, rows first."""
    width, kv_width = shape.n_heads * shape.head_dim, shape.n_kv_heads * shape.head_dim
    listed: list[tuple[str, tuple[int, ...]]] = [("token_embd.weight", (shape.n_vocab, shape.n_embd)),
                                                 ("output_norm.weight", (shape.n_embd,))]
    for i in range(shape.n_layers):
        of_layer: list[tuple[str, tuple[int, ...]]] = [
            ("attn_norm.weight", (shape.n_embd,)), ("attn_q.weight", (width, shape.n_embd)),
            ("attn_k.weight", (kv_width, shape.n_embd)), ("attn_v.weight", (kv_width, shape.n_embd)),
            ("attn_output.weight", (shape.n_embd, width)), ("ffn_norm.weight", (shape.n_embd,)),
            ("ffn_gate.weight", (shape.n_ff, shape.n_embd)), ("ffn_up.weight", (shape.n_ff, shape.n_embd)),
            ("ffn_down.weight", (shape.n_embd, shape.n_ff))]
        if shape.qkv_bias:
            of_layer += [("attn_q.bias", (width,)), ("attn_k.bias", (kv_width,)), ("attn_v.bias", (kv_width,))]
        if shape.qk_norm:
            of_layer += [("attn_q_norm.weight", (shape.head_dim,)), ("attn_k_norm.weight", (shape.head_dim,))]
        listed += [(f"blk.{i}.{name}", size) for name, size in of_layer]
    return listed


def values(rng: np.random.Generator, name: str, size: tuple[int, ...]) -> np.ndarray:
    """Of a variance that keeps activations at their size from layer to layer."""
    if name.endswith("norm.weight"):
        return np.ones(size, dtype=np.float32)
    if len(size) == 1:
        return np.zeros(size, dtype=np.float32)
    weights = rng.standard_normal(size, dtype=np.float32)
    weights *= np.float32(size[1] ** -0.5)
    return weights.astype(np.float16)


def main() -> int:
    if len(sys.argv) != 4 or sys.argv[1] not in SHAPES:
        print(f"usage: random_model.py {'|'.join(SHAPES)} TOKENIZER.gguf OUT.gguf", file=sys.stderr)
        return 2
    shape = SHAPES[sys.argv[1]]
    writer = GGUFWriter(sys.argv[3], shape.architecture, use_temp_file=True)
    writer.add_name(shape.name)
    writer.add_block_count(shape.n_layers)
    writer.add_context_length(shape.n_ctx)
    writer.add_embedding_length(shape.n_embd)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_freq_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    add_vocabulary(writer, GGUFReader(sys.argv[2]), shape.n_vocab)
    rng = np.random.default_rng(SEED)
    for name, size in tensors(shape):
        writer.add_tensor(name, values(rng, name, size))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
