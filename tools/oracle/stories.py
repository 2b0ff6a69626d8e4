#!/usr/bin/env python3
"""Turn llama2.c's stories260K into tests/data/stories260K.gguf.

    stories.py stories260K.bin tok512.bin

No row of a matrix moves: llama2.c rotates adjacent pairs, and so does the
`llama` architecture of GGUF.
"""

from __future__ import annotations

import argparse
import struct
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
SPACE = "\u2581"  # SentencePiece's visible space


def read_vocabulary(path: Path, n_vocab: int) -> tuple[list[str], list[float], list[int]]:
    """Pieces, scores and types from llama2.c's layout: longest, then (score, length, bytes)*."""
    data, at = path.read_bytes(), 4
    pieces, scores, types = [], [], []
    for token in range(n_vocab):
        score, length = struct.unpack_from("<fi", data, at)
        piece = data[at + 8 : at + 8 + length].decode().replace(" ", SPACE)
        at += 8 + length
        kind = TokenType.NORMAL
        if token == 0:
            piece, kind = "<unk>", TokenType.UNKNOWN
        elif token in (1, 2):  # llama2.c stores them between newlines
            piece, kind = piece.strip(), TokenType.CONTROL
        elif piece.startswith("<0x"):
            kind = TokenType.BYTE
        pieces.append(piece)
        scores.append(score)
        types.append(kind)
    if at != len(data):
        raise ValueError(f"{path}: {len(data) - at} bytes left over")
    return pieces, scores, types


def convert(weights: Path, vocabulary: Path, out: Path) -> None:
    raw = weights.read_bytes()
    dim, n_ff, n_layer, n_head, n_head_kv, n_vocab, n_ctx = struct.unpack_from("<7i", raw)
    if n_vocab < 0:
        raise ValueError("a negative vocabulary size means an untied output matrix; not this model")
    values, at = np.frombuffer(raw, "<f4", offset=28), 0

    def take(*shape: int) -> np.ndarray:
        nonlocal at
        count = int(np.prod(shape))
        at += count
        return values[at - count : at].reshape(shape)

    kv_dim = n_head_kv * dim // n_head
    embedding = take(n_vocab, dim)
    stacked = {
        "attn_norm": take(n_layer, dim),
        "attn_q": take(n_layer, dim, dim),
        "attn_k": take(n_layer, kv_dim, dim),
        "attn_v": take(n_layer, kv_dim, dim),
        "attn_output": take(n_layer, dim, dim),
        "ffn_norm": take(n_layer, dim),
        "ffn_gate": take(n_layer, n_ff, dim),
        "ffn_down": take(n_layer, dim, n_ff),
        "ffn_up": take(n_layer, n_ff, dim),
    }
    output_norm = take(dim)
    rope_tables = n_ctx * dim // n_head  # cos and sin, recomputed by every engine
    if at + rope_tables != len(values):
        raise ValueError(f"{weights}: expected {at + rope_tables} values, found {len(values)}")

    w = GGUFWriter(out, "llama")
    w.add_name("stories260K")
    w.add_license("mit")
    w.add_source_url("https://huggingface.co/karpathy/tinyllamas")
    w.add_vocab_size(n_vocab)
    w.add_context_length(n_ctx)
    w.add_embedding_length(dim)
    w.add_block_count(n_layer)
    w.add_feed_forward_length(n_ff)
    w.add_head_count(n_head)
    w.add_head_count_kv(n_head_kv)
    w.add_rope_dimension_count(dim // n_head)
    w.add_rope_freq_base(10000.0)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_file_type(0)
    pieces, scores, types = read_vocabulary(vocabulary, n_vocab)
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list(pieces)
    w.add_token_scores(scores)
    w.add_token_types(types)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_add_bos_token(True)
    w.add_add_eos_token(False)
    w.add_add_space_prefix(True)

    w.add_tensor("token_embd.weight", embedding)
    for layer in range(n_layer):
        for name, tensor in stacked.items():
            w.add_tensor(f"blk.{layer}.{name}.weight", tensor[layer])
    w.add_tensor("output_norm.weight", output_norm)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help="stories260K.bin")
    parser.add_argument("vocabulary", type=Path, help="tok512.bin")
    parser.add_argument("--out", type=Path, default=TEST_DATA / "stories260K.gguf")
    args = parser.parse_args()
    convert(args.weights, args.vocabulary, args.out)
