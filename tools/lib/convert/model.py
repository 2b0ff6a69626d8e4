"""A Hugging Face folder to GGUF: keys, tokenizer, tensors; at no time is more than one tensor in memory."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from . import checkpoint, families, numbers, rope, sources, write
from .checkpoint import StoredTensor
from .families import Family
from .hyperparameters import Config
from .json_file import read_object
from .numbers import Type
from .rope import Rope
from .vocabulary import ConvertError

# Buffers that old checkpoints saved with the weights, and what is not the text model's.
NOT_WEIGHTS = re.compile(r"\.(attn|attention)\.(bias|masked_bias)$|rotary_emb\.inv_freq$"
                         r"|^(model\.)?(vision_tower|multi_modal_projector)\.")
TEXT_MODEL = re.compile(r"^(language_model\.model\.|model\.language_model\.)")
PART = re.compile(r"(.+\.experts|.+_layernorm)\.(?:norms\.)?(\d+)\.(.+)")  # one of several that GGUF keeps as one
LAYER = re.compile(r"blk\.(\d+)\.(.+)")
ALWAYS_F32 = re.compile(r"ffn_gate_inp|position_embd|_norm\.")
MATTER = [("attn_q", "attn_qkv"), ("attn_output",), ("ffn_up", "ffn_up_exps"), ("ffn_down", "ffn_down_exps")]

# What a tensor has, rows first, in the words of sizes(). A bias has its weight's rows.
SHAPES: dict[str, tuple[str, ...]] = {
    "token_embd": ("vocab", "embd"), "output": ("vocab", "embd"), "position_embd": ("ctx", "embd"),
    **dict.fromkeys(("output_norm", "attn_norm", "attn_norm_2", "ffn_norm", "post_attention_norm", "post_ffw_norm"),
                    ("embd",)),
    "attn_q": ("q", "embd"), "attn_k": ("kv", "embd"), "attn_v": ("kv", "embd"), "attn_qkv": ("qkv", "embd"),
    "attn_output": ("embd", "q"), "attn_q_norm": ("head_dim",), "attn_k_norm": ("head_dim",),
    "ffn_gate": ("ff", "embd"), "ffn_up": ("ff", "embd"), "ffn_down": ("embd", "ff"),
    "ffn_gate_inp": ("expert", "embd"), "ffn_gate_exps": ("expert", "expert_ff", "embd"),
    "ffn_up_exps": ("expert", "expert_ff", "embd"), "ffn_down_exps": ("expert", "embd", "expert_ff"),
    "ffn_gate_inp_shexp": ("embd",), "ffn_gate_shexp": ("shared_ff", "embd"), "ffn_up_shexp": ("shared_ff", "embd"),
    "ffn_down_shexp": ("embd", "shared_ff"),
}  # fmt: skip

# Of sentence-transformers' 1_Pooling/config.json, and what GGUF knows them as.
POOLING = {"pooling_mode_mean_tokens": gguf.PoolingType.MEAN, "pooling_mode_cls_token": gguf.PoolingType.CLS,
           "pooling_mode_lasttoken": gguf.PoolingType.LAST}


def pooling(folder: Path) -> families.Keys:
    """How a model that was made for embeddings makes one of its tokens' vectors; nothing of others."""
    path = folder / "1_Pooling" / "config.json"
    modes = [mode for mode, on in read_object(path).items() if mode.startswith("pooling_mode_") and on]
    if not modes:
        return {}
    if len(modes) > 1 or modes[0] not in POOLING:
        raise ConvertError(f"{path} asks for {' and '.join(modes)}: one of mean, cls and last can be converted")
    return {"pooling_type": int(POOLING[modes[0]])}


@dataclass
class Planned:
    """A tensor of the GGUF file: its parts are stacked along a new first dimension if there are several."""

    name: str
    parts: dict[int, StoredTensor]
    stacked: bool


class Model:
    """What a folder holds; the tensors stay in their files until they are written."""

    def __init__(self, folder: Path) -> None:
        self.config = Config(folder / "config.json")
        self.family: Family = families.find(self.config)
        self.rope = rope.read(self.config) if self.family.rotary else Rope(n_ctx=self.config.count("n_ctx"))
        self.keys = self._keys() | pooling(folder)
        self.tensors = self._plan(checkpoint.read(folder))
        if "token_embd.weight" not in self.tensors:
            raise ConvertError(f"{folder} has no token embedding among its tensors")
        self.n_vocab = self.tensors["token_embd.weight"].parts[0].shape[0]
        if self.config.get("vocab_size", self.n_vocab) != self.n_vocab:
            raise ConvertError(f"{folder}: the token embedding has {self.n_vocab} rows, but config.json says "
                               f"vocab_size = {self.config.get('vocab_size')}")
        self._check_layers()
        if self.family.own_output and "output.weight" not in self.tensors:
            embedding = self.tensors["token_embd.weight"]
            self.tensors["output.weight"] = Planned("output.weight", embedding.parts, False)

    def _keys(self) -> families.Keys:
        config = self.config
        epsilon = "layer_norm_epsilon" if self.family.layer_norm else "layer_norm_rms_epsilon"
        keys = {
            "context_length": self.rope.n_ctx, "embedding_length": config.count("n_embd"),
            "block_count": config.count("n_layer"), "feed_forward_length": config.n_ff,
            "attention.head_count": config.n_head, "attention.head_count_kv": config.n_head_kv,
            f"attention.{epsilon}": config.number("epsilon", 1e-5 if self.family.layer_norm else 1e-6),
        }  # fmt: skip
        if config.n_head % config.n_head_kv:
            raise ConvertError(f"{config.path}: {config.n_head} heads don't divide among {config.n_head_kv} key heads")
        if config.get("head_dim"):
            keys |= {"attention.key_length": config.head_dim, "attention.value_length": config.head_dim}
        return keys | self.rope.keys | self.family.keys(config)

    def _plan(self, stored: dict[str, StoredTensor]) -> dict[str, Planned]:
        names = families.name_map(self.family.architecture, self.config.count("n_layer"))
        plan: dict[str, Planned] = {}
        for name, tensor in stored.items():
            name = TEXT_MODEL.sub("model.", name.removeprefix("language_model.")
                                  if name.startswith("language_model.lm_head") else name)
            if NOT_WEIGHTS.search(name):
                continue
            place, part = 0, PART.fullmatch(name)
            if part:
                place, name = int(part[2]), f"{part[1]}.{part[3]}".replace("_layernorm.norms", "_layernorm")
            suffixes = (".weight", ".bias")
            ours = names.get_name(name, suffixes) or names.get_name(f"model.{name}", suffixes)  # saved without its head
            if ours is None:
                raise ConvertError(f"tensor {tensor.name} is none that {self.family.architecture} models have")
            if ours == "output.weight" and self.config.flag("tie_word_embeddings", False):
                continue
            planned = plan.setdefault(ours, Planned(ours, {}, bool(part)))
            if place in planned.parts:
                raise ConvertError(f"tensors {planned.parts[place].name} and {tensor.name} are both {ours}")
            planned.parts[place] = tensor
        return plan

    def _check_layers(self) -> None:
        """Every layer has what the first has, and the first what none can do without."""
        layers: dict[int, set[str]] = {layer: set() for layer in range(self.config.count("n_layer"))}
        for name in self.tensors:
            if layer := LAYER.fullmatch(name):
                layers[int(layer[1])].add(layer[2])
        everything = set().union(*layers.values())
        for choices in MATTER:
            if not any(f"{name}.weight" in everything for name in choices):
                raise ConvertError(f"no layer has {' or '.join(choices)} among its tensors")
        for layer, there in layers.items():
            if there != everything:
                raise ConvertError(f"layer {layer} has no {', '.join(sorted(everything - there))}")
        if "output_norm.weight" not in self.tensors:
            raise ConvertError("the model has no final norm among its tensors")

    def sizes(self) -> dict[str, int]:
        config, keys = self.config, self.keys
        q, kv = config.n_head * config.head_dim, config.n_head_kv * config.head_dim
        return {"vocab": self.n_vocab, "embd": config.count("n_embd"), "ctx": self.rope.n_ctx, "q": q, "kv": kv,
                "qkv": q + 2 * kv, "head": config.n_head, "head_kv": config.n_head_kv, "head_dim": config.head_dim,
                "ff": config.n_ff, "2ff": 2 * config.n_ff, "expert": keys.get("expert_count", 0),
                "expert_ff": keys.get("expert_feed_forward_length", 0),
                "shared_ff": keys.get("expert_shared_feed_forward_length", 0)}

    def expected_shape(self, name: str) -> tuple[int, ...]:
        base, _, kind = families.name_in_layer(name).rpartition(".")
        shape = self.family.shapes.get(base) or SHAPES.get(base)
        if shape is None:
            raise ConvertError(f"tensor {name} is none that {self.family.architecture} models have")
        sizes = self.sizes()
        return tuple(sizes[word] for word in (shape if kind == "weight" else shape[:1]))

    def _misfit(self, planned: Planned, part: StoredTensor) -> ConvertError:
        shape = self.expected_shape(planned.name)[int(planned.stacked) :]
        return ConvertError(f"tensor {part.name} is {list(part.shape)}, which does not fit config.json: "
                            f"{planned.name} would be {list(shape)}")

    def check(self, planned: Planned) -> None:
        """What can be seen without the values, so that most surprises come before anything is written."""
        shape = self.expected_shape(planned.name)
        if planned.stacked and sorted(planned.parts) != list(range(shape[0])):
            raise ConvertError(f"{planned.name} is made of {len(planned.parts)} tensors like "
                               f"{planned.parts[min(planned.parts)].name}, where config.json says {shape[0]}")
        dtypes = {part.dtype for part in planned.parts.values()}
        if len(dtypes) > 1:
            raise ConvertError(f"the parts of {planned.name} have several types: {', '.join(sorted(dtypes))}")
        for part in planned.parts.values():
            if math.prod(part.shape) != math.prod(shape[int(planned.stacked) :]):
                raise self._misfit(planned, part)

    def load(self, planned: Planned) -> tuple[np.ndarray, str]:
        """A checked tensor in GGUF's layout: its values and the type they are stored in."""
        shape = self.expected_shape(planned.name)[int(planned.stacked) :]
        change = self.family.layout(planned.name)
        parts = []
        for _, part in sorted(planned.parts.items()):
            values = change(part.load(), self.config) if change else part.load()
            if values.shape != shape:
                raise self._misfit(planned, part)
            parts.append(values)
        return (np.stack(parts) if planned.stacked else parts[0]), part.dtype

    def type_of(self, planned: Planned, wanted: Type | None) -> Type:
        if len(self.expected_shape(planned.name)) == 1 or ALWAYS_F32.search(planned.name):
            return Type.F32
        if wanted is not None:
            return wanted
        return numbers.STORED_AS[planned.parts[min(planned.parts)].dtype]


def _order(name: str) -> tuple:
    """The embedding, the layers in turn, what follows them."""
    layer = LAYER.fullmatch(name)
    return (1, int(layer[1]), layer[2]) if layer else (0 if "embd" in name else 2, 0, name)


def _values(model: Model, wanted: Type | None) -> Iterator[tuple[str, tuple[int, ...], Type, Planned | np.ndarray]]:
    for name in sorted(model.tensors, key=_order):
        planned = model.tensors[name]
        model.check(planned)
        yield name, model.expected_shape(name), model.type_of(planned, wanted), planned
    for name, values in model.rope.tensors.items():
        yield name, values.shape, Type.F32, values


def convert(folder: Path, out: Path, wanted: Type | None, name: str | None, pre: str | None) -> None:
    """`wanted` None: matrices keep the type that the checkpoint has them in."""
    if not folder.is_dir():
        raise ConvertError(f"{folder} is not a folder")
    model = Model(folder)
    vocabulary = sources.read(folder, pre=pre)
    sources.apply_generation_config(vocabulary, folder)
    vocabulary.fit(model.n_vocab)
    contents = list(_values(model, wanted))
    matrices = [kind for _, shape, kind, _ in contents if len(shape) > 1 and kind is not Type.F32]
    writer = gguf.GGUFWriter(out, model.family.architecture)
    writer.add_name(name or folder.resolve().name)
    writer.add_file_type(numbers.FILE_TYPES[matrices[0] if matrices else Type.F32])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(model.n_vocab)
    for key, value in model.keys.items():
        write.add(writer, f"{model.family.architecture}.{key}", value)
    write.add_vocabulary(writer, vocabulary)
    for name, shape, kind, _ in contents:
        size = math.prod(shape) * np.dtype(numbers.NUMPY[kind]).itemsize
        writer.add_tensor_info(name, shape, np.dtype(numbers.NUMPY[kind]), size, raw_dtype=kind)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for name, shape, kind, source in contents:
            if isinstance(source, Planned):
                values, dtype = model.load(source)
                plus_one = model.family.norms_from_one and name.endswith("_norm.weight")
                source = numbers.convert(values, dtype, kind, name, (lambda x: x + 1) if plus_one else None)
            writer.write_tensor_data(source)
        writer.close()
    except BaseException:
        writer.close()
        out.unlink(missing_ok=True)  # half a file would look like a whole one
        raise
