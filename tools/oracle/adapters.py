#!/usr/bin/env python3
"""Make tests/data/adapters/: LoRA adapters for some of tests/data/architectures, as GGUF in llama.cpp's format, and
peft's logits with them.

    adapters.py [--out FOLDER]

The models are those that tiny_models.py describes, their weights random_checkpoint.py's, and so are the adapters'.
peft runs them in double precision with the values that the files' blocks stand for. Needs requirements-torch.txt.
check_adapters.py compares llama.cpp's logits.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import peft
import torch
import transformers
from gguf.quants import dequantize, quantize
from goldenfile import write_logits
from random_checkpoint import values, weights, write_safetensors
from tiny_models import N_TOKENS, N_VOCAB, POSITIONS

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "tests" / "data" / "architectures"
OUT = ROOT / "tests" / "data" / "adapters"
F32, F16 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16
BF16, Q8_0 = gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.Q8_0

NAMES = {  # transformers' modules, by the end of their names, and the tensors that files have of them
    "embed_tokens": "token_embd", "wte": "token_embd", "lm_head": "output",
    "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output",
    "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down",
    "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
    "qkv_proj": "attn_qkv", "gate_up_proj": "ffn_up",
}
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@dataclass(frozen=True)
class Adapter:
    model: str
    about: str
    modules: list[str]
    rank: int
    alpha: float  # 0: not in the file
    types: tuple[gguf.GGMLQuantizationType, gguf.GGMLQuantizationType] = (F32, F32)  # of A and B


ADAPTERS = {
    "llama-all": Adapter("llama", "every matrix, a rank that 4 does not divide", [*LINEAR, "embed_tokens", "lm_head"], 6,
                         9.0),
    "llama-some": Adapter("llama", "queries and values, blocks of 8 bits and of 16, no alpha", ["q_proj", "v_proj"], 8,
                          0.0, (Q8_0, BF16)),
    "llama-half": Adapter("llama", "the feed-forward network, binary16, rank 1", LINEAR[4:], 1, 2.0, (F16, F16)),
    "gpt2": Adapter("gpt2", "fused QKV, a tied embedding's lookup",
                    ["wte", "attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"], 4, 8.0),
    "phi3": Adapter("phi3", "fused QKV, fused gate and up",
                    ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"], 5, 5.0),
}


@dataclass(frozen=True)
class Case:
    about: str
    uses: dict[str, float] = field(default_factory=dict)  # adapters and their scales


CASES = {
    **{name: Case(adapter.about, {name: 1.0}) for name, adapter in ADAPTERS.items()},
    "llama-two": Case("two adapters, one scaled, one turned round", {"llama-all": 0.5, "llama-some": -1.5}),
}


def load(name: str) -> torch.nn.Module:
    """The model that NAME.json describes, in transformers."""
    described = json.loads((MODELS / f"{name}.json").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "config.json").write_text(json.dumps(described["config"]))
        write_safetensors(folder / "model.safetensors", weights(name, described["tensors"]))
        return transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()


def tensor_name(module: str) -> str:
    """What a file calls the weight of transformers' module."""
    end = max((end for end in NAMES if module.endswith(end)), key=len)
    layer = next((part for part in module.split(".") if part.isdigit()), None)
    return f"{NAMES[end]}.weight" if layer is None else f"blk.{layer}.{NAMES[end]}.weight"


def interleave(rows: np.ndarray, n_head: int) -> np.ndarray:
    """Rows of queries or keys as a llama's file has them: the two halves of each head in turns."""
    return rows.reshape(n_head, 2, rows.shape[0] // n_head // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def random(seed: str, shape: tuple[int, ...], deviation: float) -> np.ndarray:
    described = {"shape": list(shape), "mean": 0.0, "deviation": deviation}
    return np.frombuffer(values(seed, described).tobytes(), np.float32).reshape(shape)


def fill(module: Any, name: str, adapter: Adapter, tensor: str, config: Any) -> dict[str, tuple[np.ndarray, Any]]:
    """Gives peft's module its A and B, and returns the file's, packed, with their types. The changes
    move every logit, and leave them of the size they were."""
    is_lookup = name in module.lora_embedding_A
    a, b = ((module.lora_embedding_A[name], module.lora_embedding_B[name]) if is_lookup
            else (module.lora_A[name].weight, module.lora_B[name].weight))
    packed = {}
    for half, parameter, kind in (("a", a, adapter.types[0]), ("b", b, adapter.types[1])):
        n_out, n_in = parameter.shape
        deviation = 1.0 if is_lookup and half == "a" else 1 / math.sqrt(n_in)
        made = random(f"{name} {tensor} {half}", (n_out, n_in), deviation * (0.5 if half == "b" else 1.0))
        blocks = quantize(made, kind)
        exact = dequantize(blocks, kind)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(exact.copy()))
        if is_lookup and half == "a":
            blocks = quantize(np.ascontiguousarray(exact.T), kind)
        if config.model_type == "llama" and half == "b" and "attn_q" in tensor:
            blocks = interleave(blocks, config.num_attention_heads)
        if config.model_type == "llama" and half == "b" and "attn_k" in tensor:
            blocks = interleave(blocks, config.num_key_value_heads)
        packed[f"{tensor}.lora_{half}"] = (np.ascontiguousarray(blocks), kind)
    return packed


def write(path: Path, adapter: Adapter, tensors: dict[str, tuple[np.ndarray, Any]]) -> None:
    writer = gguf.GGUFWriter(path, adapter.model)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    if adapter.alpha:
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, adapter.alpha)
    for name, (blocks, kind) in tensors.items():
        writer.add_tensor(name, blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add(model: Any, name: str, adapter: Adapter) -> tuple[peft.PeftModel, dict[str, tuple[np.ndarray, Any]]]:
    config = peft.LoraConfig(r=adapter.rank, lora_alpha=adapter.alpha or adapter.rank, target_modules=adapter.modules,
                             fan_in_fan_out=adapter.model == "gpt2")
    if isinstance(model, peft.PeftModel):
        model.add_adapter(name, config)
    else:
        model = peft.get_peft_model(model, config, adapter_name=name)
    tensors = {}
    for path, module in model.named_modules():
        if isinstance(module, peft.tuners.lora.LoraLayer) and name in module.r:
            tensors |= fill(module, name, adapter, tensor_name(path), model.config)
    return model.eval(), tensors


def use(model: peft.PeftModel, uses: dict[str, float]) -> None:
    """These adapters, at these scales of what they were trained at."""
    model.base_model.set_adapter(list(uses))
    for module in model.modules():
        if isinstance(module, peft.tuners.lora.LoraLayer):
            for name, scale in uses.items():
                module.set_scale(name, scale)  # does nothing where it has no such adapter


def logits(model: torch.nn.Module, tokens: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].double().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for name, case in CASES.items():
        model: Any = load(base := ADAPTERS[next(iter(case.uses))].model)
        tokens = [int(t) for t in np.random.default_rng(len(name)).integers(3, N_VOCAB, N_TOKENS)]
        plain = logits(model.double(), tokens)
        model.float()
        for used in case.uses:
            model, tensors = add(model, used, ADAPTERS[used])
            write(out / f"{used}.gguf", ADAPTERS[used], tensors)
        use(model, case.uses)
        single = logits(model.float(), tokens)
        truth = logits(model.double(), tokens)
        scales = ", ".join(f"{used}.gguf at {scale:g}" for used, scale in case.uses.items())
        about = f"""Logits of architectures/{base}.gguf with {scales}, for {N_TOKENS} random tokens: {case.about}.
peft {peft.__version__}, transformers {transformers.__version__}, double precision, plain attention."""
        write_logits(out / f"{name}-logits.txt", about, tokens, POSITIONS, truth)
        size = np.abs(truth).max()
        print(f"{name}: {(out / f'{used}.gguf').stat().st_size / 1000:.0f} kB, logits to {size:.1f}, changed by up to "
              f"{np.abs(truth - plain).max():.1f}, single precision off by {np.abs(single - truth).max() / size:.1g}")


if __name__ == "__main__":
    main()
