"""Run by the tests with the Python that has PyTorch: what transformers and peft make of models and adapters.

    peft_reference.py base NAME ...                    how far logits are from tests/data/architectures's, as JSON
    peft_reference.py nll BASE.gguf ADAPTER.gguf       the mean negative log-likelihood of the tokens on stdin
    peft_reference.py random                           for each {base, folder, options, tokens} of a JSON list on
                                                       stdin: saves a random PEFT adapter, prints what nll would
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers
from convert import adapter as adapters
from convert.adapter import Base
from convert.gguf_file import GgufFile
from finetune import base_model, lora
from finetune.prepare import shape_of

ARCHITECTURES = Path(__file__).resolve().parents[1] / "data" / "architectures"


def golden(path: Path) -> tuple[list[int], dict[int, np.ndarray]]:
    """Tokens, and logits by position, as tools/oracle/goldenfile.py writes them."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    numbers = iter(" ".join(lines).split())
    tokens = [int(next(numbers)) for _ in range(int(next(numbers)))]
    n_vocab, n_positions = int(next(numbers)), int(next(numbers))
    return tokens, {int(next(numbers)): np.array([float(next(numbers)) for _ in range(n_vocab)])
                    for _ in range(n_positions)}


def logits(model: Any, tokens: list[int]) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([tokens])).logits[0].numpy()


def base(names: list[str]) -> dict[str, float]:
    """The largest difference, by the largest logit of that position."""
    found = {}
    for name in names:
        tokens, truth = golden(ARCHITECTURES / f"{name}-logits.txt")
        ours = logits(base_model.load(GgufFile(ARCHITECTURES / f"{name}.gguf")), tokens)
        found[name] = float(max(np.abs(ours[at] - row).max() / np.abs(row).max() for at, row in truth.items()))
    return found


def nll(model: Any, text: str) -> float:
    tokens = [int(word) for word in text.split()]
    rows = torch.log_softmax(torch.tensor(logits(model, tokens)).double(), 1)
    return float(-rows[torch.arange(len(tokens) - 1), torch.tensor(tokens[1:])].mean())


def with_adapter(path: Path, adapter: Path) -> Any:
    file = GgufFile(path)
    base = Base(file.architecture, file.n_layer, file.n_head, file.n_head_kv)
    read = adapters.read(adapter)
    model = lora.wrap(base_model.load(file), shape_of(read, adapter), 0)
    lora.fill(model, adapter, read, base)
    return model


def with_random(path: Path, folder: Path, options: dict[str, Any]) -> Any:
    torch.manual_seed(1)
    model = peft.get_peft_model(base_model.load(GgufFile(path)), peft.LoraConfig(**options))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    return model


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    torch.cuda.is_current_stream_capturing = lambda: False  # see finetune/run.py
    command, *rest = sys.argv[1:]
    if command == "base":
        print(json.dumps(base(rest)))
    elif command == "nll":
        print(nll(with_adapter(Path(rest[0]), Path(rest[1])), sys.stdin.read()))
    else:
        print(json.dumps([nll(with_random(Path(job["base"]), Path(job["folder"]), job["options"]), job["tokens"])
                          for job in json.load(sys.stdin)]))
