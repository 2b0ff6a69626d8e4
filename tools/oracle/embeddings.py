#!/usr/bin/env python3
"""Make tests/data/embeddings/: two small random models for embeddings, and transformers' embeddings by them.

    embeddings.py [--out FOLDER]

Shapes and weights as in tiny_models.py. The folders are as sentence-transformers saves them: a base model
without a head, its pooling in 1_Pooling/config.json, and a post-processor that adds EOS to a text where the
last token is pooled, as in Qwen3-Embedding. tools/convert converts them. transformers runs them in double
precision; what it computes is pooled here as sentence-transformers' modules Pooling and Normalize do. One
text is longer than two of the engine's batches. Needs requirements-torch.txt.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from goldenfile import write_embeddings, write_json
from random_checkpoint import weights, write_safetensors
from tiny_models import SHAPE, SPECIAL, TEXT, convert, describe, rope, tokenizer, Case
from tokenizers import Tokenizer, processors

OUT = Path(__file__).parents[2] / "tests" / "data" / "embeddings"
N_CTX = 512
EOS = SPECIAL[0]  # Qwen3's, where SPECIAL[2] ends a turn
TEXTS = ["a small model of each kind", "the weights are random numbers", "which experts are chosen", "t",
         TEXT.replace("\n", " ")]


@dataclass(frozen=True)
class Embedder:
    case: Case
    pooling: str  # of sentence-transformers' modes
    adds_eos: bool


EMBEDDERS = {
    "qwen3-last": Embedder(Case("qwen3", "", {**SHAPE, "head_dim": 16, "intermediate_size": 32,
                                              "tie_word_embeddings": True, "rope_parameters": rope(1e6)}),
                           "pooling_mode_lasttoken", True),
    "llama-mean": Embedder(Case("llama", "", {**SHAPE, "intermediate_size": 32, "rope_parameters": rope()}),
                           "pooling_mode_mean_tokens", False),
}


def own_tokenizer(embedder: Embedder) -> Tokenizer:
    made = tokenizer()
    if embedder.adds_eos:
        made.post_processor = processors.TemplateProcessing(
            single=f"$A {EOS}", special_tokens=[(EOS, made.token_to_id(EOS))])
    return made


def save(name: str, embedder: Embedder, folder: Path) -> None:
    """The model in `folder`."""
    config = transformers.AutoConfig.for_model(
        embedder.case.model_type, vocab_size=80, max_position_embeddings=N_CTX, bos_token_id=None, eos_token_id=0,
        pad_token_id=None, **embedder.case.config)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    write_safetensors(folder / "model.safetensors", weights(name, describe(folder, embedder.case)))
    own_tokenizer(embedder).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": EOS, "unk_token": None}))
    (folder / "1_Pooling").mkdir()
    modes = ("pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_lasttoken")
    pooling = {"word_embedding_dimension": 32, **{mode: mode == embedder.pooling for mode in modes}}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))


def embed(model: Any, tokens: list[int], by_last: bool) -> np.ndarray:
    with torch.no_grad():
        vectors = model(torch.tensor([tokens])).last_hidden_state[0].double().numpy()
    return vectors[-1] if by_last else vectors.mean(axis=0)


def round_to(values: np.ndarray) -> list[float]:
    return [float(f"{x:.7g}") for x in values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    about = (f"Embeddings of texts, not normalised, by transformers {transformers.__version__} in double precision; "
             "made by tools/oracle/embeddings.py.")
    golden: dict[str, Any] = {"about": about, "models": {}}
    for name, embedder in EMBEDDERS.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            save(name, embedder, folder)
            convert(folder, out / f"{name}.gguf")
            model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        texts = []
        for text in TEXTS:
            tokens = own_tokenizer(embedder).encode(text).ids
            by_last = embedder.pooling == "pooling_mode_lasttoken"
            single = embed(model.float(), tokens, by_last)
            truth = embed(model.double(), tokens, by_last)
            print(f"{name}: {len(tokens)} tokens, values to {np.abs(truth).max():.1f}, single precision off by "
                  f"{np.abs(single - truth).max() / np.abs(truth).max():.1g}")
            texts.append({"text": text, "tokens": tokens, "embedding": round_to(truth)})
        golden["models"][name] = texts
        write_embeddings(out / f"{name}.txt", f"{name}.gguf's: {about}", texts)
    write_json(out / "embeddings.json", golden)


if __name__ == "__main__":
    main()
