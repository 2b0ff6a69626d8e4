#!/usr/bin/env python3
"""Make tests/data/tiny-q.gguf, tiny-q2.gguf, tiny-k.gguf and tiny-gpt2.gguf: random Llamas in every block type.

    tiny.py tinyshakespeare.txt

Two layers whose tensors each have another type, so that a test which matches
the golden logits has been through all of them. Awkward on purpose: a vocabulary
of 515 rows, and in tiny-q2 heads of 8 values that all share one key head.

  tiny-q    GGUF v3, tied embedding, 6 query heads of 16 over 2 key/value heads
  tiny-q2   GGUF v2, its own output matrix, 12 query heads of 8 over 1, alignment 64
  tiny-k    the K, 5-bit, IQ4, MXFP4 and ternary types, by ggml's quantiser: 4 query heads of 64 over 1
  tiny-gpt2 the smallest: all Q4_0, and GPT-2's pre-tokenizer in place of SmolLM's
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ggml import Ggml
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter, TokenType
from gguf.quants import quantize
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
N_MERGES = 256
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


MATRICES = ["token_embd"] + [
    f"{layer}.{part}"
    for layer in range(2)
    for part in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
]


@dataclass(frozen=True)
class Shape:
    name: str
    pre: str  # tokenizer.ggml.pre
    seed: int
    version: int  # of the GGUF header
    alignment: int
    n_embd: int
    n_ff: int
    n_head: int
    n_head_kv: int
    rope_freq_base: float
    types: dict[str, Type]  # by tensor name without "blk." and ".weight"


SHAPES = [
    Shape(
        "tiny-q", "smollm", 1, 3, 32, 96, 160, 6, 2, 10000.0,
        {
            "token_embd": Type.Q8_0,
            "0.attn_q": Type.Q4_1, "0.attn_k": Type.Q4_1, "0.attn_v": Type.Q4_1, "0.attn_output": Type.Q4_0,
            "0.ffn_gate": Type.Q4_1, "0.ffn_up": Type.Q8_0, "0.ffn_down": Type.Q4_1,
            "1.attn_q": Type.Q4_0, "1.attn_k": Type.Q8_0, "1.attn_v": Type.F16, "1.attn_output": Type.Q8_0,
            "1.ffn_gate": Type.Q4_0, "1.ffn_up": Type.F32, "1.ffn_down": Type.F16,
        },
    ),
    Shape(
        "tiny-q2", "smollm", 2, 2, 64, 96, 128, 12, 1, 100000.0,
        {
            "token_embd": Type.Q4_0, "output": Type.Q4_1,
            "0.attn_q": Type.Q8_0, "0.attn_k": Type.Q4_0, "0.attn_v": Type.Q8_0, "0.attn_output": Type.F16,
            "0.ffn_gate": Type.F16, "0.ffn_up": Type.Q4_0, "0.ffn_down": Type.Q8_0,
            "1.attn_q": Type.F32, "1.attn_k": Type.Q4_1, "1.attn_v": Type.Q4_0, "1.attn_output": Type.Q4_1,
            "1.ffn_gate": Type.Q8_0, "1.ffn_up": Type.Q4_1, "1.ffn_down": Type.Q4_0,
        },
    ),
    Shape(
        "tiny-k", "smollm", 4, 3, 32, 256, 256, 4, 1, 10000.0,
        {
            "token_embd": Type.Q6_K,
            "0.attn_q": Type.Q4_K, "0.attn_k": Type.Q5_0, "0.attn_v": Type.Q5_1, "0.attn_output": Type.Q5_K,
            "0.ffn_gate": Type.Q3_K, "0.ffn_up": Type.IQ4_XS, "0.ffn_down": Type.Q2_K,
            "1.attn_q": Type.IQ4_NL, "1.attn_k": Type.MXFP4, "1.attn_v": Type.BF16, "1.attn_output": Type.TQ2_0,
            "1.ffn_gate": Type.TQ1_0, "1.ffn_up": Type.Q4_K, "1.ffn_down": Type.Q6_K,
        },
    ),
    Shape("tiny-gpt2", "gpt-2", 3, 3, 32, 32, 32, 4, 2, 10000.0, dict.fromkeys(MATRICES, Type.Q4_0)),
]  # fmt: skip


def train_vocabulary(corpus: Path) -> tuple[list[str], list[str]]:
    """Tokens and merges of a byte-level BPE, pre-tokenised as SmolLM's is."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=len(SPECIAL) + len(alphabet) + N_MERGES,
        special_tokens=SPECIAL,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train([str(corpus)], trainer)
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=vocab.__getitem__)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return tokens, [" ".join(pair) for pair in merges]


def tensors(shape: Shape, n_vocab: int) -> dict[str, np.ndarray]:
    """Random weights that keep activations near unit size and attention uneven."""
    rng = np.random.default_rng(shape.seed)
    kv_dim = shape.n_head_kv * shape.n_embd // shape.n_head

    def matrix(n_out: int, n_in: int, gain: float = 1.0) -> np.ndarray:
        return rng.normal(0, gain / np.sqrt(n_in), (n_out, n_in)).astype(np.float32)

    def norm() -> np.ndarray:
        return rng.normal(1, 0.2, shape.n_embd).astype(np.float32)

    out = {"token_embd": matrix(n_vocab, shape.n_embd, 3)}
    for layer in range(2):
        out |= {
            f"{layer}.attn_norm": norm(),
            f"{layer}.attn_q": matrix(shape.n_embd, shape.n_embd, 2),
            f"{layer}.attn_k": matrix(kv_dim, shape.n_embd, 2),
            f"{layer}.attn_v": matrix(kv_dim, shape.n_embd),
            f"{layer}.attn_output": matrix(shape.n_embd, shape.n_embd, 2),
            f"{layer}.ffn_norm": norm(),
            f"{layer}.ffn_gate": matrix(shape.n_ff, shape.n_embd, 2),
            f"{layer}.ffn_up": matrix(shape.n_ff, shape.n_embd, 2),
            f"{layer}.ffn_down": matrix(shape.n_embd, shape.n_ff, 2),
        }
    out["output_norm"] = norm()
    if "output" in shape.types:
        out["output"] = matrix(n_vocab, shape.n_embd, 3)
    return out


def blocks(values: np.ndarray, kind: Type) -> np.ndarray:
    """By the gguf package, or for what it can't quantise by ggml."""
    try:
        return quantize(values, kind)
    except NotImplementedError:
        return Ggml().quantize(values, kind)


def write(shape: Shape, tokens: list[str], merges: list[str], folder: Path) -> None:
    path = folder / f"{shape.name}.gguf"
    w = GGUFWriter(path, "llama")
    w.add_custom_alignment(shape.alignment)
    w.add_name(shape.name)
    w.add_license("mit")
    w.add_vocab_size(len(tokens))
    w.add_context_length(256)
    w.add_embedding_length(shape.n_embd)
    w.add_block_count(2)
    w.add_feed_forward_length(shape.n_ff)
    w.add_head_count(shape.n_head)
    w.add_head_count_kv(shape.n_head_kv)
    w.add_rope_dimension_count(shape.n_embd // shape.n_head)
    w.add_rope_freq_base(shape.rope_freq_base)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_quantization_version(2)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(shape.pre)
    w.add_token_list(tokens)
    w.add_token_types([TokenType.CONTROL if t in SPECIAL else TokenType.NORMAL for t in tokens])
    w.add_token_merges(merges)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_add_bos_token(False)
    w.add_add_space_prefix(False)
    w.add_chat_template(CHATML)
    for name, values in tensors(shape, len(tokens)).items():
        full = f"blk.{name}.weight" if name[0].isdigit() else f"{name}.weight"
        kind = shape.types.get(name, Type.F32)
        w.add_tensor(full, blocks(values, kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    if shape.version != 3:  # v2 differs from v3 in the number alone
        data = bytearray(path.read_bytes())
        data[4:8] = shape.version.to_bytes(4, "little")
        path.write_bytes(data)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="text to train the vocabulary's merges on")
    parser.add_argument("--out", type=Path, default=TEST_DATA)
    args = parser.parse_args()
    tokens, merges = train_vocabulary(args.corpus)
    for shape in SHAPES:
        write(shape, tokens, merges, args.out)
