#!/usr/bin/env python3
"""Golden tokens of byte-level BPE vocabularies: SmolLM2's, and two tiny ones for C tests.

    bpe_tokens.py SmolLM2-135M-Instruct.Q4_1.gguf

The models' own tokenizer is Hugging Face's. It is rebuilt here from a GGUF's
vocabulary and merges, and its ids are the golden; llama.cpp is asked as well.
It differs in one thing only, and that SmolLM2's vocabulary provokes: bytes
that no token spells. Hugging Face drops them before merging, so that what
stood on either side may merge; llama.cpp drops them afterwards.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Iterator

from gguf import GGUFReader
from goldenfile import write_tokens
from llamacpp import LlamaCpp
from strings import PLAIN, SPECIAL
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
GOLDEN = TEST_DATA / "golden"


def hugging_face(path: Path, special: bool) -> Tokenizer:
    """The tokenizer of a GGUF file; with `special`, its control tokens are looked for in the text."""
    reader = GGUFReader(path)
    pre, tokens, types, merges = (
        reader.get_field(f"tokenizer.ggml.{key}").contents() for key in ("pre", "tokens", "token_type", "merges")
    )
    vocab = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[tuple(merge.split(" ")) for merge in merges]))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = {
        "gpt-2": byte_level,
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level]),
    }[pre]
    tokenizer.decoder = decoders.ByteLevel()
    if special:
        control = [token for token, kind in zip(tokens, types) if kind == 3]
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer


def cases(path: Path) -> Iterator[dict]:
    """Text, ids, and whatever is odd about them."""
    llama = LlamaCpp(path, vocab_only=True)
    for special, texts in [(False, PLAIN + SPECIAL), (True, SPECIAL + PLAIN[:8])]:
        tokenizer = hugging_face(path, special)
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            case = {"text": text, "special": special, "ids": ids}
            theirs = llama.tokenize(text, special=special)
            if theirs != ids:
                case["llama_cpp"] = theirs
                print(f"{path.name}: {text!r} special={special}\n  tokenizers {ids}\n  llama.cpp  {theirs}")
            if tokenizer.decode(ids, skip_special_tokens=False) != text:
                case["lossy"] = True
            yield case


def smollm2(path: Path, out: Path) -> None:
    found = list(cases(path))
    about = (
        "Texts and their tokens, without BOS or EOS. special: special tokens are recognised in the text. "
        "llama_cpp: what llama.cpp answers where it differs. lossy: the tokens don't spell the text, "
        "because the vocabulary lacks a byte of it. From tools/oracle/bpe_tokens.py"
    )
    head = {"about": about, "model": path.name}
    head |= {name: version(name) for name in ("tokenizers", "llama-cpp-python")}
    lines = ",\n".join(json.dumps(case) for case in found)
    out.write_text(json.dumps(head, indent=1)[:-2] + ',\n "cases": [\n' + lines + "\n]}\n")
    differ, lossy = (sum(key in case for case in found) for key in ("llama_cpp", "lossy"))
    print(f"{path.name}: {len(found)} cases, llama.cpp differs in {differ}, {lossy} lossy")


def tiny(name: str) -> None:
    found = list(cases(TEST_DATA / f"{name}.gguf"))
    if any("llama_cpp" in case or "lossy" in case for case in found):
        raise ValueError(f"{name}: a vocabulary with every byte should leave no room for doubt")
    about = f"Tokens of {name}.gguf, on which Hugging Face's tokenizers and llama.cpp agree (tools/oracle/bpe_tokens.py)."
    write_tokens(GOLDEN / f"{name}-tokens.txt", about, [(c["text"], c["special"], c["ids"]) for c in found])
    print(f"{name}: {len(found)} cases")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    args = parser.parse_args()
    smollm2(args.model, GOLDEN / "smollm2-tokens.json")
    tiny("tiny-q")
    tiny("tiny-gpt2")
