"""Writing a vocabulary to GGUF, under the keys that llama.cpp reads."""

from __future__ import annotations

from pathlib import Path

import gguf

from .vocabulary import Vocabulary

ARCHITECTURES = {"llama": "llama", "t5": "t5", "bert": "bert", "gpt2": "gpt2"}


def write(vocabulary: Vocabulary, out: Path, name: str, architecture: str | None) -> None:
    writer = gguf.GGUFWriter(out, architecture or vocabulary.architecture or ARCHITECTURES[vocabulary.family])
    writer.add_name(name)
    writer.add_tokenizer_model(vocabulary.family)
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list([token.encode() for token in vocabulary.tokens])
    writer.add_token_types([int(kind) for kind in vocabulary.kinds])
    if vocabulary.scores is not None:
        writer.add_token_scores(vocabulary.scores)
    if vocabulary.merges is not None:
        writer.add_token_merges(vocabulary.merges)
    for role, token in vocabulary.ids.items():
        writer.add_uint32(f"tokenizer.ggml.{role}_token_id", token)
    for flag, value in vocabulary.flags.items():
        writer.add_bool(f"tokenizer.ggml.{flag}", value)
    if vocabulary.charsmap:
        writer.add_precompiled_charsmap(vocabulary.charsmap)
    if vocabulary.chat_template:
        writer.add_chat_template(vocabulary.chat_template)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
