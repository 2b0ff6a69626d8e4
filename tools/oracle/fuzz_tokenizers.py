#!/usr/bin/env python3
"""Makes the seeds of the tokenizer's fuzz target: small vocabularies of each family, each with a text."""

from __future__ import annotations

from pathlib import Path

from gguf import GGUFWriter
from tokenizers.pre_tokenizers import ByteLevel

TARGET = Path(__file__).parents[2] / "tests" / "fuzz" / "corpus" / "tokenizer"
TEXT = "It's 1234 <s>한국어\n\n  e\u0301 ＡＢ ½ <|x|> the"
NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6


def write(name: str, model: str, tokens: list[tuple[str, int]], pre: str = "", merges: list[str] | None = None) -> None:
    path = TARGET / name
    w = GGUFWriter(path, "llama")
    w.add_tokenizer_model(model)
    if pre:
        w.add_tokenizer_pre(pre)
    w.add_token_list([text for text, _ in tokens])
    w.add_token_types([kind for _, kind in tokens])
    if merges is None:
        w.add_token_scores([-float(i) for i in range(len(tokens))])
    else:
        w.add_token_merges(merges)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()
    data = path.read_bytes()
    path.write_bytes(data + b"\0" * (-len(data) % 32) + TEXT.encode())


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(ByteLevel.alphabet())
    bpe = [(t, NORMAL) for t in [*alphabet, "th", "the", "Ġthe", "12", "íķ", "íķľ"]] + [("<|x|>", CONTROL), ("<s>", USER)]
    merges = ["t h", "th e", "Ġ the", "1 2", "í ķ", "íķ ľ"]
    for pre in ("gpt-2", "llama-bpe", "qwen35", "deepseek-llm", "falcon", "tiny_aya", "gpt-4o"):
        write(f"bpe-{pre}", "gpt2", bpe, pre, merges)
    pieces = [("▁the", NORMAL), ("▁", NORMAL), ("t", NORMAL), ("h", NORMAL), ("th", NORMAL), ("한", NORMAL), ("한국", NORMAL)]
    write("spm", "llama", [("<unk>", UNKNOWN), ("<s>", CONTROL), *((f"<0x{b:02X}>", BYTE) for b in range(256)), *pieces])
    write("unigram", "t5", [("<pad>", CONTROL), ("</s>", CONTROL), ("<unk>", UNKNOWN), *pieces])
    write("wordpiece", "bert", [("[UNK]", UNKNOWN), ("[CLS]", CONTROL), ("[SEP]", CONTROL), *pieces])


if __name__ == "__main__":
    main()
