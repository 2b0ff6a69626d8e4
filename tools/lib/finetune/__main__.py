"""The command line of tools/finetune."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def _number(least: float, most: float = float("inf"), above: bool = False):
    def parse(text: str) -> float:
        value = float(text)
        if not least <= value <= most or (above and value == least):
            raise ValueError
        return value

    parse.__name__ = "number"  # argparse says "invalid number value"
    return parse


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_count.__name__ = "number"


def _shared(parser: argparse.ArgumentParser, rate: float, epochs: int, batch: int) -> None:
    parser.add_argument("base", type=Path, metavar="BASE.gguf", help="the model; its tensors may be quantised")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE.jsonl")
    parser.add_argument("--out", type=Path, required=True, metavar="ADAPTER.gguf")
    parser.add_argument("--adapter", type=Path, metavar="START.gguf",
                        help="go on from this adapter, with its rank, alpha and targets")
    parser.add_argument("--rank", type=_count, default=16, help="(default: %(default)s)")
    parser.add_argument("--alpha", type=_number(0, above=True), default=32.0,
                        help="the adapter counts alpha / rank times (default: %(default)g)")
    parser.add_argument("--targets", default="q,k,v,o,gate,up,down", help="matrices to adapt (default: %(default)s)")
    parser.add_argument("--lr", type=_number(0, above=True), default=rate, help="learning rate (default: %(default)g)")
    parser.add_argument("--epochs", type=_count, default=epochs, help="passes over the data (default: %(default)s)")
    parser.add_argument("--batch", type=_count, default=batch, help="lines a step (default: %(default)s)")
    parser.add_argument("--ctx", type=_count, default=1024,
                        help="tokens a line may have; longer ones are left out (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same adapter (default: %(default)s)")
    parser.add_argument("--valid", type=_number(0, 0.9), default=0.05, metavar="FRACTION",
                        help="of the lines, kept for validation (default: %(default)g)")
    parser.add_argument("--minutes", type=_number(0), help="stop then; the same command goes on later")
    parser.add_argument("--chat-template", metavar="NAME|FILE", help="as of `inkling chat` (default: the model's own)")
    parser.add_argument("--type", choices=("f32", "f16", "bf16"), default="f32",
                        help="of the adapter's matrices (default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "f32", "bf16"), default="auto",
                        help="of the arithmetic (default: bf16 on GPUs that have it, else f32)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/finetune", description="Trains LoRA adapters for GGUF models, for `inkling --lora` and llama.cpp.")
    commands = parser.add_subparsers(dest="command", required=True)
    sft = commands.add_parser("sft", help="teach answers by example", description=(
        'FILE.jsonl has a conversation a line: {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", '
        '"content": "…"}]}. The loss counts the assistant\'s answers alone, each with the token that ends it.'))
    _shared(sft, rate=5e-4, epochs=3, batch=4)
    dpo = commands.add_parser("dpo", help="teach which of two answers is better", description=(
        'FILE.jsonl has a pair a line: {"prompt": [{"role": "user", "content": "…"}], "chosen": "…", '
        '"rejected": "…"}. Direct Preference Optimization, https://arxiv.org/abs/2305.18290.'))
    _shared(dpo, rate=5e-5, epochs=1, batch=4)
    dpo.add_argument("--beta", type=_number(0, above=True), default=0.1,
                     help="how closely to stay with the model as it was (default: %(default)g)")
    return parser


def main() -> int:
    arguments = _parser().parse_args()  # before anything that needs packages
    from convert.vocabulary import ConvertError

    from .errors import FinetuneError
    from .prepare import prepare

    try:
        prepared = prepare(arguments)
        from .run import run  # loads PyTorch, which takes seconds

        run(arguments, prepared)
    except (FinetuneError, ConvertError, OSError) as error:
        print(f"finetune: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
