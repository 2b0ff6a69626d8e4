#!/usr/bin/env python3
"""The perplexity of Gemma 3 270M in f32 arithmetic: "truth" in tests/data/golden/gemma3.json.

    gemma3_truth.py gemma-3-270m-q4_k_m.gguf

transformers in float32 on weights that the gguf package has dequantised, over
the windows that gemma3.py has llama.cpp score. Run it after that one.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from goldenfile import write_json
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

ROOT = Path(__file__).parents[2]
TEST_DATA = ROOT / "tests" / "data"
GOLDEN = TEST_DATA / "golden" / "gemma3.json"
BOS = 2

# transformers keeps the weights of norms less 1.
LAYER = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
GLOBAL = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def parameter(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem in GLOBAL:
        return f"{GLOBAL[stem]}.weight"
    _, layer, stem = stem.split(".")
    return f"model.layers.{layer}.{LAYER[stem]}.weight"


def load(path: Path) -> Gemma3ForCausalLM:
    reader = GGUFReader(path)

    def value(key: str) -> float:
        return reader.fields[f"gemma3.{key}"].contents()

    model = Gemma3ForCausalLM(Gemma3TextConfig(
        vocab_size=262144, hidden_size=value("embedding_length"), intermediate_size=value("feed_forward_length"),
        num_hidden_layers=value("block_count"), num_attention_heads=value("attention.head_count"),
        num_key_value_heads=value("attention.head_count_kv"), head_dim=value("attention.key_length"),
        sliding_window=value("attention.sliding_window"), query_pre_attn_scalar=value("attention.key_length"),
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"), max_position_embeddings=value("context_length"),
        tie_word_embeddings=True, attn_implementation="eager",
    )).float().eval()  # fmt: skip
    parameters = dict(model.named_parameters())
    for tensor in reader.tensors:
        weights = torch.tensor(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
        target = parameters.pop(parameter(tensor.name))
        assert target.shape == weights.shape, tensor.name
        target.data = weights - 1 if "norm" in tensor.name else weights
    assert not parameters, sorted(parameters)
    return model


def tokenize(path: Path, text: bytes) -> list[int]:
    command = [ROOT / "build/native/inkling", "tokenize", "-m", path]
    return [int(t) for t in subprocess.run(command, input=text, stdout=subprocess.PIPE, check=True).stdout.split()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    path = parser.parse_args().model
    golden = json.loads(GOLDEN.read_text())
    row = golden["perplexity"]
    model, ctx = load(path), row["ctx"]
    tokens = tokenize(path, (TEST_DATA / row["text"]).read_bytes())
    sums = []
    for at in range(0, row["windows"] * ctx, ctx):
        ids = torch.tensor([[BOS, *tokens[at : at + ctx]]])
        with torch.no_grad():
            logits = model(ids).logits[0, :-1].double()
        sums.append(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item())
        print(f"{sums[-1]:.4f}", flush=True)
    golden["truth"] = {"by": "transformers, float32", "nll_sums": sums, "ppl": math.exp(sum(sums) / row["scored"])}
    write_json(GOLDEN, golden)
    print(golden["truth"]["ppl"], "llama.cpp:", row["ppl"])
