#!/usr/bin/env python3
"""Make tests/data/architectures/: a small random model of each family, and transformers' logits for it.

    tiny_models.py [NAME ...] [--out FOLDER] [--keep FOLDER]

Each model's shape is transformers' own, its weights random_checkpoint.py's; tools/convert converts it, and
transformers runs it in double precision (its norms and softmaxes stay in single precision) with plain
attention. NAME.json keeps config.json and the list of weights, so that tests/tools/test_convert.py can
make the folder again. The shapes are as small as still shows what sets the family apart; sequences are
longer than every sliding window and every original context. Needs requirements-torch.txt.
check_models.py compares llama.cpp's logits.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from goldenfile import write_logits
from random_checkpoint import Tensors, weights, write_safetensors
from safetensors import safe_open
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tests" / "data" / "architectures"
N_TOKENS = 48
POSITIONS = [0, 1, 7, 23, 40, 47]
N_VOCAB = 80
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXT = """A small model of each kind is kept beside the tests, so that every step can be checked: how it reads
its words, how the heads attend to what was said before, which experts are chosen, and where a window ends. None of
them knows anything; the weights are random numbers. But the arithmetic has to come out right, or the test says no."""

EMBEDDINGS = ("embed_tokens", "wte", "wpe", "embed_in", "word_embeddings")
SHAPE = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
NO_GROUPS = {name: size for name, size in SHAPE.items() if name != "num_key_value_heads"}
EXPERTS = {**SHAPE, "num_experts_per_tok": 2}


def rope(theta: float = 10000.0, **more: Any) -> dict[str, Any]:
    return {"rope_type": "default", "rope_theta": theta, **more}


@dataclass(frozen=True)
class Case:
    model_type: str
    about: str  # what it is there to show
    config: dict[str, Any] = field(default_factory=dict)
    n_short: int = 0  # a second golden of this many tokens, within the original context


LLAMA3 = rope(500000.0, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
LONGROPE = rope(rope_type="longrope", long_factor=[1.5, 4.0, 9.0, 16.0], short_factor=[1.0, 1.1, 1.3, 1.5],
                original_max_position_embeddings=32)

CASES = {
    "llama": Case("llama", "grouped heads wider than the embedding, its own output",
                  {**SHAPE, "head_dim": 16, "intermediate_size": 32, "rope_parameters": rope(500.0)}),
    "qwen2": Case("qwen2", "biases on queries, keys, values; tied; more rows than tokens",
                  {**SHAPE, "tie_word_embeddings": True, "vocab_size": 84, "rope_parameters": rope(1e6)}),
    "gemma3": Case("gemma3_text", "windows of 8 in five layers of six, two rope bases, the global one scaled; "
                   "head norms, norms after, scaled embedding",
                   {**SHAPE, "intermediate_size": 24, "num_hidden_layers": 6, "num_attention_heads": 2,
                    "num_key_value_heads": 1, "head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8,
                    "rope_parameters": {"sliding_attention": rope(100.0),
                                        "full_attention": rope(10000.0, rope_type="linear", factor=8.0)}}),
    "gpt2": Case("gpt2", "learned positions, LayerNorm, biases, tied",
                 {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_inner": 64, "n_positions": 64}),
    "phi3": Case("phi3", "fused QKV, fused gate and up, a window of 8 in every layer",
                 {**SHAPE, "intermediate_size": 48, "sliding_window": 8, "rope_parameters": rope()}),
    "phi3-longrope": Case("phi3", "longrope from 32 to 64 positions; the short golden stays within 32",
                          {**SHAPE, "intermediate_size": 48, "original_max_position_embeddings": 32,
                           "rope_parameters": LONGROPE}, n_short=32),
    "gptneox": Case("gpt_neox", "parallel residual, a quarter of each head turned, fused QKV with biases, erf GELU",
                    {**NO_GROUPS, "intermediate_size": 48, "num_attention_heads": 2,
                     "rope_parameters": rope(partial_rotary_factor=0.25)}),
    "gptneox-serial": Case("gpt_neox", "the same without parallel residual, half of each head turned",
                           {**NO_GROUPS, "intermediate_size": 48, "use_parallel_residual": False,
                            "rope_parameters": rope(partial_rotary_factor=0.5)}),
    "qwen3": Case("qwen3", "head norms, heads wider than the embedding",
                  {**SHAPE, "head_dim": 16, "intermediate_size": 32, "tie_word_embeddings": True,
                   "rope_parameters": rope(1e6)}),
    "mixtral": Case("mixtral", "2 of 4 experts, their weights summing to 1",
                    {**EXPERTS, "intermediate_size": 12, "num_local_experts": 4,
                     "rope_parameters": rope()}),
    "gemma": Case("gemma", "scaled embedding, tanh GELU, one key head, norms whose weights count from 0",
                  {**SHAPE, "intermediate_size": 48, "num_key_value_heads": 1, "head_dim": 16,
                   "tie_word_embeddings": True, "rope_parameters": rope()}),
    "gemma2": Case("gemma2", "windows of 8 in every other layer, soft caps on scores and logits, norms after",
                   {**SHAPE, "intermediate_size": 48, "head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8,
                    "attn_logit_softcapping": 5.0, "final_logit_softcapping": 10.0, "tie_word_embeddings": True,
                    "rope_parameters": rope()}),
    "llama3": Case("llama", "llama3 scaling of positions from 16 on, tied",
                   {**SHAPE, "tie_word_embeddings": True, "rope_parameters": LLAMA3}),
    "llama-linear": Case("llama", "linear scaling of positions, biases on attention and feed-forward",
                         {**SHAPE, "intermediate_size": 32, "attention_bias": True, "mlp_bias": True,
                          "tie_word_embeddings": True, "rope_parameters": rope(rope_type="linear", factor=4.0)}),
    "mistral": Case("mistral", "a window of 8 in every layer",
                    {**SHAPE, "intermediate_size": 32, "tie_word_embeddings": True, "sliding_window": 8,
                     "head_dim": 8, "rope_parameters": rope()}),
    "smollm3": Case("smollm3", "no rotary positions in each fourth layer",
                    {**SHAPE, "intermediate_size": 16, "num_hidden_layers": 4, "tie_word_embeddings": True,
                     "rope_parameters": rope()}),
    "qwen2-yarn": Case("qwen2", "YaRN from 16 positions on",
                       {**SHAPE, "intermediate_size": 48, "tie_word_embeddings": True,
                        "rope_parameters": rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)}),
    "qwen2moe": Case("qwen2_moe", "2 of 4 experts, weights as they are, and a gated shared expert",
                     {**EXPERTS, "num_experts": 4, "moe_intermediate_size": 12, "norm_topk_prob": False,
                      "shared_expert_intermediate_size": 16, "rope_parameters": rope()}),
    "qwen3moe": Case("qwen3_moe", "2 of 6 experts, their weights summing to 1; head norms",
                     {**EXPERTS, "num_experts": 6, "moe_intermediate_size": 12, "norm_topk_prob": True, "head_dim": 8,
                      "tie_word_embeddings": True, "rope_parameters": rope()}),
    "phi2": Case("phi", "parallel residual with one norm, half of each head turned, biases everywhere",
                 {**NO_GROUPS, "intermediate_size": 48, "num_key_value_heads": 4,
                  "rope_parameters": rope(partial_rotary_factor=0.5)}),
    "stablelm": Case("stablelm", "LayerNorm with SwiGLU, a quarter of each head turned, biases on Q, K, V",
                     {**SHAPE, "intermediate_size": 48, "num_attention_heads": 2, "num_key_value_heads": 1,
                      "use_qkv_bias": True, "rope_parameters": rope(partial_rotary_factor=0.25)}),
    "stablelm-parallel": Case("stablelm", "parallel residual, a norm of its own for each head",
                              {**SHAPE, "intermediate_size": 48, "use_parallel_residual": True, "qk_layernorm": True,
                               "rope_parameters": rope(partial_rotary_factor=0.5)}),
    "starcoder2": Case("starcoder2", "LayerNorm, biases, plain feed-forward, a window of 8",
                       {**SHAPE, "sliding_window": 8, "tie_word_embeddings": True, "rope_parameters": rope()}),
    "olmo2": Case("olmo2", "norms after attention and feed-forward only, queries and keys normed whole",
                  {**SHAPE, "intermediate_size": 48, "rope_parameters": rope(500000.0)}),
    "olmo3": Case("olmo3", "olmo2 with windows of 8 in three layers of four; YaRN from 16 positions in the fourth",
                  {**SHAPE, "intermediate_size": 16, "num_hidden_layers": 4, "sliding_window": 8,
                   "tie_word_embeddings": True,
                   "rope_parameters": {"sliding_attention": rope(500.0),
                                       "full_attention": rope(500.0, rope_type="yarn", factor=4.0,
                                                              original_max_position_embeddings=16)}}),
    "olmoe": Case("olmoe", "2 of 4 experts, weights as they are; queries and keys normed whole",
                  {**EXPERTS, "num_key_value_heads": 4, "num_experts": 4, "intermediate_size": 12,
                   "norm_topk_prob": False, "rope_parameters": rope()}),
    "granite": Case("granite", "scales on embedding, attention, residual and logits",
                    {**SHAPE, "embedding_multiplier": 3.0, "attention_multiplier": 0.2, "residual_multiplier": 0.6,
                     "logits_scaling": 0.5, "tie_word_embeddings": True, "rope_parameters": rope()}),
    "falcon": Case("falcon", "one key head, parallel residual with one norm, tied, no biases",
                   {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_hidden_size": 64,
                    "tie_word_embeddings": True, "rope_parameters": rope()}),
    "falcon-new": Case("falcon", "grouped heads, a norm each for attention and feed-forward",
                       {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_kv_heads": 2,
                        "ffn_hidden_size": 64, "new_decoder_architecture": True, "tie_word_embeddings": True,
                        "rope_parameters": rope()}),
}


def tokenizer() -> Tokenizer:
    """A byte-level BPE of N_VOCAB tokens, which has only the bytes of TEXT."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator([TEXT], trainers.BpeTrainer(vocab_size=N_VOCAB, special_tokens=SPECIAL,
                                                         show_progress=False))
    assert made.get_vocab_size() == N_VOCAB
    return made


def describe(folder: Path, case: Case) -> Tensors:
    """Names and shapes as transformers saved them, and spreads of weights that keep activations near unit
    size, attention uneven and logits far from flat."""
    tensors: Tensors = {}
    with safe_open(folder / "model.safetensors", "np") as saved:
        for name in sorted(saved.keys()):
            start = saved.get_tensor(name)
            mean, deviation = 0.0, 0.3
            if start.ndim == 1 and not name.endswith("bias"):  # a norm; Gemma's count from 0
                mean, deviation = float(start.mean()), 0.2
            elif any(part in name for part in EMBEDDINGS):
                deviation = 1.0
            elif start.ndim > 1:
                n_in = start.shape[0 if case.model_type == "gpt2" else 1]
                deviation = (3 if "lm_head" in name or "embed_out" in name else 2) / n_in**0.5
            tensors[name] = {"shape": list(start.shape), "mean": mean, "deviation": round(deviation, 4)}
    return tensors


def save(name: str, case: Case, folder: Path) -> dict[str, Any]:
    """The model in `folder` as transformers saves one, with the tokenizer; and what describes it."""
    more = {"vocab_size": N_VOCAB, "max_position_embeddings": 64, "tie_word_embeddings": False,
            "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": None}
    if case.model_type == "gpt2":
        more.pop("max_position_embeddings"), more.pop("tie_word_embeddings")
    config = transformers.AutoConfig.for_model(case.model_type, **{**more, **case.config})
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tensors = describe(folder, case)
    write_safetensors(folder / "model.safetensors", weights(name, tensors))
    tokenizer().save(str(folder / "tokenizer.json"))
    names = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>",
             "add_bos_token": False, "chat_template": CHATML}
    (folder / "tokenizer_config.json").write_text(json.dumps(names, indent=1) + "\n")
    return {"config": json.loads((folder / "config.json").read_text()), "tensors": tensors}


def load(folder: Path) -> torch.nn.Module:
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager").eval()


def write_lines(path: Path, described: dict[str, Any]) -> None:
    """JSON with a line for each of the model's tensors and config values."""
    parts = []
    for part, entries in described.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
        parts.append(f" {json.dumps(part)}: {{\n{lines}\n }}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def convert(folder: Path, out: Path) -> None:
    """Its name says nothing: llama.cpp takes some names for a hint."""
    command = [sys.executable, "-m", "convert", "model", str(folder), str(out), "--name", "random weights"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "tools" / "lib")})


def logits(model: torch.nn.Module, tokens: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].double().numpy()


def make(name: str, case: Case, out: Path, keep: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        described = save(name, case, folder)
        write_lines(out / f"{name}.json", described)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(folder / file, out)
        gguf = out / f"{name}.gguf"
        convert(folder, gguf)
        model = load(folder)
        if keep:
            shutil.copytree(folder, keep / name, dirs_exist_ok=True)
    tokens = [int(t) for t in np.random.default_rng(len(name)).integers(3, N_VOCAB, N_TOKENS)]
    for n, suffix in ((N_TOKENS, "logits"), (case.n_short, "short-logits")):
        if n == 0:
            continue
        single = logits(model.float(), tokens[:n])
        truth = logits(model.double(), tokens[:n])
        noise = np.abs(single - truth).max() / np.abs(truth).max()
        about = f"""Logits of {name}.gguf ({case.model_type}) for {n} random tokens: {case.about}.
transformers {transformers.__version__}, double precision, plain attention."""
        write_logits(out / f"{name}-{suffix}.txt", about, tokens[:n], [p for p in POSITIONS if p < n], truth)
        print(f"{name}: {gguf.stat().st_size / 1000:.0f} kB, {n} tokens, logits to {np.abs(truth).max():.1f}, "
              f"standard deviation {truth.std():.2f}, single precision off by {noise:.1g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--keep", type=Path, help="keep the Hugging Face folders here")
    args = parser.parse_args()
    if unknown := set(args.names) - set(CASES):
        parser.error(f"no model named {', '.join(unknown)}")
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names or CASES:
        make(name, CASES[name], args.out, args.keep)
