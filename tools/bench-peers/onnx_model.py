#!/usr/bin/env python3
"""A Llama-like GGUF model as ONNX, for transformers.js: onnx_model.py MODEL.gguf FOLDER

The graph is in ONNX Runtime's fused operators: matrices of 8 bits with a scale for each row and activations quantised
as they come (what transformers.js takes by default without a graphics card; 4 bits took it ten times as long there),
GroupQueryAttention and SimplifiedLayerNormalization. Weights are quantised anew, so that the model's answers differ a
little from the file's; time does not depend on them. Logits are computed for the last token alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from gguf import GGUFReader
from gguf.quants import dequantize
from onnx import TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"


class Graph:
    """Nodes and their weights; each method gives the name of the value that it makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], outputs: list[str] | str, domain: str = "",
             **attributes: object) -> str:
        names = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(operator, inputs, names, name=names[0], domain=domain, **attributes))
        return names[0]

    def norm(self, x: str, name: str, weight: np.ndarray, epsilon: float) -> str:
        scale = self.constant(f"{name}.weight", weight)
        return self.node("SimplifiedLayerNormalization", [x, scale], name, axis=-1, epsilon=epsilon, stash_type=1)

    def linear(self, x: str, name: str, weight: np.ndarray) -> str:
        """x times the transpose of weight [rows][columns], each row of it with a scale of its own."""
        scales = np.maximum(np.abs(weight).max(1) / 127, 1e-8).astype(np.float32)
        q = np.rint(weight / scales[:, None]).astype(np.int8)
        transposed = self.constant(f"{name}.q", q.T)
        factors = self.constant(f"{name}.scales", scales)
        return self.node("DynamicQuantizeMatMul", [x, transposed, factors], name, MICROSOFT)


class Model:
    """What is needed of a GGUF file."""

    def __init__(self, path: str) -> None:
        reader = GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}
        self.reader = reader
        if self.value("general.architecture") != "llama":
            raise SystemExit("onnx_model.py: only models of the llama architecture")
        self.n_layers = int(self.of_llama("block_count"))
        self.n_heads = int(self.of_llama("attention.head_count"))
        self.n_kv_heads = int(self.of_llama("attention.head_count_kv"))
        self.n_embd = int(self.of_llama("embedding_length"))
        self.n_ff = int(self.of_llama("feed_forward_length"))
        self.n_ctx = int(self.of_llama("context_length"))
        self.epsilon = float(self.of_llama("attention.layer_norm_rms_epsilon"))
        self.rope_freq_base = float(self.of_llama("rope.freq_base"))
        self.head_dim = self.n_embd // self.n_heads

    def value(self, key: str) -> object:
        field = self.reader.get_field(key)
        return field.contents() if field else None

    def of_llama(self, key: str) -> object:
        return self.value(f"llama.{key}")

    def __getitem__(self, name: str) -> np.ndarray:
        tensor = self.tensors[name]
        return dequantize(tensor.data, tensor.tensor_type).astype(np.float32)


def rotations(model: Model) -> tuple[np.ndarray, np.ndarray]:
    half = model.head_dim // 2
    frequencies = model.rope_freq_base ** (-np.arange(half) / half)
    angles = np.outer(np.arange(model.n_ctx), frequencies)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def add_layer(graph: Graph, model: Model, i: int, x: str) -> str:
    name = f"layer{i}"
    normed = graph.norm(x, f"{name}.attn_norm", model[f"blk.{i}.attn_norm.weight"], model.epsilon)
    q, k, v = (graph.linear(normed, f"{name}.{part}", model[f"blk.{i}.attn_{part}.weight"]) for part in "qkv")
    attended = graph.node(
        "GroupQueryAttention",
        [q, k, v, f"past_key_values.{i}.key", f"past_key_values.{i}.value", "last_positions", "n_positions", "cos",
         "sin"],
        [f"{name}.attention", f"present.{i}.key", f"present.{i}.value"], MICROSOFT, num_heads=model.n_heads,
        kv_num_heads=model.n_kv_heads, do_rotary=1, rotary_interleaved=1)  # GGUF pairs neighbours
    x = graph.node("Add", [x, graph.linear(attended, f"{name}.o", model[f"blk.{i}.attn_output.weight"])], f"{name}.x")
    normed = graph.norm(x, f"{name}.ffn_norm", model[f"blk.{i}.ffn_norm.weight"], model.epsilon)
    gate, up = (graph.linear(normed, f"{name}.{part}", model[f"blk.{i}.ffn_{part}.weight"]) for part in ("gate", "up"))
    silu = graph.node("Mul", [gate, graph.node("Sigmoid", [gate], f"{name}.sigmoid")], f"{name}.silu")
    product = graph.node("Mul", [silu, up], f"{name}.product")
    down = graph.linear(product, f"{name}.down", model[f"blk.{i}.ffn_down.weight"])
    return graph.node("Add", [x, down], f"{name}.out")


def build(model: Model) -> onnx.ModelProto:
    graph = Graph()
    embedding = model["token_embd.weight"]
    for name, table in zip(("cos", "sin"), rotations(model)):
        graph.constant(name, table)
    one, minus_one = graph.constant("one", np.array([1])), graph.constant("minus_one", np.array([-1]))
    end = graph.constant("end", np.array([np.iinfo(np.int64).max]))
    n_seen = graph.node("ReduceSum", ["attention_mask", one], "n_seen", keepdims=0)
    last = graph.node("Add", [n_seen, minus_one], "last_positions64")
    graph.node("Cast", [last], "last_positions", to=TensorProto.INT32)
    n_positions = graph.node("Gather", [graph.node("Shape", ["attention_mask"], "mask_shape"), one], "n_positions1")
    scalar = graph.node("Squeeze", [n_positions], "n_positions64")
    graph.node("Cast", [scalar], "n_positions", to=TensorProto.INT32)
    x = graph.node("Gather", [graph.constant("embedding", embedding), "input_ids"], "embedded")
    for i in range(model.n_layers):
        x = add_layer(graph, model, i, x)
    x = graph.node("Slice", [x, minus_one, end, one], "last_token")
    x = graph.norm(x, "output_norm", model["output_norm.weight"], model.epsilon)
    graph.linear(x, "logits", model["output.weight"] if "output.weight" in model.tensors else embedding)

    def value(name: str, kind: int, *dimensions: str | int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, dimensions)

    def cache(prefix: str, length: str) -> list[onnx.ValueInfoProto]:
        return [value(f"{prefix}.{i}.{part}", TensorProto.FLOAT, "batch_size", model.n_kv_heads, length, model.head_dim)
                for i in range(model.n_layers) for part in ("key", "value")]

    inputs = [value("input_ids", TensorProto.INT64, "batch_size", "sequence_length"),
              value("attention_mask", TensorProto.INT64, "batch_size", "total_sequence_length"),
              *cache("past_key_values", "past_sequence_length")]
    outputs = [value("logits", TensorProto.FLOAT, "batch_size", 1, embedding.shape[0]),
               *cache("present", "total_sequence_length")]
    return helper.make_model(
        helper.make_graph(graph.nodes, "model", inputs, outputs, graph.weights), ir_version=9,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)])


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: onnx_model.py MODEL.gguf FOLDER", file=sys.stderr)
        return 2
    model, folder = Model(sys.argv[1]), Path(sys.argv[2])
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    onnx.save(build(model), folder / "onnx" / "model_quantized.onnx")
    eos = int(model.value("tokenizer.ggml.eos_token_id"))
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": model.n_embd,
              "intermediate_size": model.n_ff, "num_hidden_layers": model.n_layers,
              "num_attention_heads": model.n_heads, "num_key_value_heads": model.n_kv_heads,
              "head_dim": model.head_dim, "vocab_size": len(model.value("tokenizer.ggml.tokens")), "eos_token_id": eos,
              "max_position_embeddings": model.n_ctx}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": eos}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
