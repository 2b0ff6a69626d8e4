"""Writing a vocabulary to GGUF, under the keys that llama.cpp reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf

from .vocabulary import Vocabulary

ARCHITECTURES = {"llama": "llama", "t5": "t5", "bert": "bert", "gpt2": "gpt2"}


def add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    """A key of the type that its value has; whole numbers are u32, others f32."""
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_string(key, value)


def add_vocabulary(writer: gguf.GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.family)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list([token.encode() for token in vocabulary.tokens])
    writer.add_token_types([int(kind) for kind in vocabulary.kinds])
    if vocabulary.scores is not None:
        writer.add_token_scores(vocabulary.scores)
    if vocabulary.merges is not None:
        writer.add_token_merges(vocabulary.merges)
    for role, token in vocabulary.ids.items():
        add(writer, f"tokenizer.ggml.{role}_token_id", token)
    for flag, value in vocabulary.flags.items():
        add(writer, f"tokenizer.ggml.{flag}", value)
    if vocabulary.charsmap:
        writer.add_precompiled_charsmap(vocabulary.charsmap)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)


def write(vocabulary: Vocabulary, out: Path, name: str, architecture: str | None) -> None:
    """A file that holds a tokenizer and no tensors."""
    writer = gguf.GGUFWriter(out, architecture or vocabulary.architecture or ARCHITECTURES[vocabulary.family])
    writer.add_name(name)
    add_vocabulary(writer, vocabulary)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
