"""Step `export`: a training run's weights as a GGUF file that Inkling and llama.cpp load."""

from __future__ import annotations

from pathlib import Path

import gguf
import torch
from torch import Tensor

from . import checkpoint
from .model import Model
from .presets import Preset, Shape
from .quantize import packed, quantized
from .tokenizer import CHAT_TEMPLATE, END, END_OF_TEXT, PRE_TOKENIZER, SPECIAL, START, vocabulary_lists

NAMES = {"attn_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
         "ffn_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}


def paired(weight: Tensor, heads: int) -> Tensor:
    """Rows in the order of GGUF's llama: a head's rotated pairs stand side by side, not half a head apart."""
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)


def gguf_tensors(model: Model) -> dict[str, Tensor]:
    """The weights in f32 under GGUF's names."""
    shape = model.shape
    tensors = {"token_embd.weight": model.embedding.weight, "output_norm.weight": model.norm.weight}
    for index, block in enumerate(model.blocks):
        for ours, theirs in NAMES.items():
            weight: Tensor = getattr(block, ours).weight
            if ours in ("q", "k"):
                weight = paired(weight, shape.heads if ours == "q" else shape.kv_heads)
            tensors[f"blk.{index}.{theirs}.weight"] = weight
    return {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}


def add_metadata(writer: gguf.GGUFWriter, name: str, shape: Shape, preset: Preset) -> None:
    writer.add_name(name)
    writer.add_description("Short stories in English: write one, continue one, answer about one")
    writer.add_license("mit")
    writer.add_context_length(preset.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_rope_dimension_count(shape.head_size)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_vocab_size(preset.vocabulary)


def add_tokenizer(writer: gguf.GGUFWriter, work: Path) -> None:
    tokens, merges = vocabulary_lists(work)
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZER)
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index(START))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_pad_token_id(tokens.index(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def load_model(work: Path, run: str, shape: Shape, vocabulary: int) -> Model:
    model = Model(shape, vocabulary)
    model.load_state_dict(checkpoint.load_weights(work / run))
    return model


def export(model: Model, preset: Preset, work: Path, out: Path, name: str, block_type: str,
           embedding_type: str) -> None:
    """`block_type` F32 leaves the weights as they are; else the matrices become blocks, and the norms stay f32."""
    writer = gguf.GGUFWriter(out, "llama")
    add_metadata(writer, name, model.shape, preset)
    file_type = gguf.LlamaFileType.ALL_F32 if block_type == "F32" else gguf.LlamaFileType[f"MOSTLY_{block_type}"]
    writer.add_file_type(int(file_type))
    if block_type != "F32":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_tokenizer(writer, work)
    for tensor_name, tensor in gguf_tensors(model).items():
        kind = embedding_type if tensor_name == "token_embd.weight" else block_type
        if tensor.ndim == 1 or block_type == "F32":
            writer.add_tensor(tensor_name, tensor.numpy())
        else:
            writer.add_tensor(tensor_name, packed(quantized(tensor, kind), kind),
                              raw_dtype=gguf.GGMLQuantizationType[kind])
    out.parent.mkdir(parents=True, exist_ok=True)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {sum(t.numel() for t in model.state_dict().values()) / 1e6:.2f} "
          "million weights")


@torch.no_grad()
def decoded_file(path: Path) -> dict[str, Tensor]:
    """Every tensor of a GGUF file in f32, decoded by gguf-py: an independent reading of what was written."""
    reader = gguf.GGUFReader(path)
    return {tensor.name: torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
            for tensor in reader.tensors}


def file_vocabulary(path: Path) -> tuple[list[str], list[str]]:
    """Token texts by id, and merges in rank order: vocabulary_lists() of what was written."""
    fields = gguf.GGUFReader(path).fields
    tokens, merges = ([bytes(field.parts[index]).decode() for index in field.data]
                      for field in (fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.merges"]))
    return tokens, merges
