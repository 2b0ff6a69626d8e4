#!/usr/bin/env python3
"""What `inkling score` should say, by llama.cpp or by the float64 truth.

    perplexity.py MODEL TEXT [--windows K] [--by llama|truth] [--out FILE]

Non-overlapping windows of --ctx text tokens. Where the model asks for BOS each
window is preceded by it and every token is scored; else all but a window's
first. A last, shorter window counts unless --windows leaves it out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from goldenfile import write_json
from llamacpp import LlamaCpp
from reference import Reference


def window_nll(logits: np.ndarray, targets: list[int]) -> float:
    """Sum of -log p(target) in nats; row i of `logits` predicts target i."""
    top = logits.max(1, keepdims=True)
    log_sum = np.log(np.exp(logits - top).sum(1)) + top[:, 0]
    return float((log_sum - logits[np.arange(len(targets)), targets]).sum())


def score(model: LlamaCpp | Reference, windows: list[list[int]], bos: int | None) -> list[dict]:
    """Scored tokens and summed nll of each window."""
    rows, started = [], time.time()
    for number, window in enumerate(windows):
        sequence = window if bos is None else [bos] + window
        if len(sequence) > 1:
            nll = window_nll(model.logits(sequence)[:-1], sequence[1:])
            rows.append({"scored": len(sequence) - 1, "nll_sum": round(nll, 4)})
        if number % 16 == 15:
            print(f"{number + 1} windows, {time.time() - started:.0f} s, ppl {overall(rows)['ppl']:.4f}", flush=True)
    return rows


def overall(rows: list[dict]) -> dict:
    scored = sum(row["scored"] for row in rows)
    nll = sum(row["nll_sum"] for row in rows) / scored
    return {"scored": scored, "nll": round(nll, 6), "ppl": round(float(np.exp(nll)), 5)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--ctx", type=int, default=512)
    parser.add_argument("--windows", type=int, help="only the first this many")
    parser.add_argument("--by", choices=["llama", "truth"], default="llama")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    llama = LlamaCpp(args.model, n_ctx=args.ctx + 1)
    tokens = llama.tokenize(args.text.read_bytes())
    windows = [tokens[i : i + args.ctx] for i in range(0, len(tokens), args.ctx)][: args.windows]
    asks_for_bos = llama.llm.metadata.get("tokenizer.ggml.add_bos_token", "false") == "true"
    bos = llama.llm.token_bos() if asks_for_bos else None
    rows = score(llama if args.by == "llama" else Reference(args.model), windows, bos)
    result = {
        "model": args.model.name, "text": args.text.name, "by": args.by, "ctx": args.ctx,
        "tokens": sum(map(len, windows)), **overall(rows),
        "whole_windows_only": overall([r for w, r in zip(windows, rows) if len(w) == args.ctx]),
        "windows": rows,
    }  # fmt: skip
    print({k: v for k, v in result.items() if k != "windows"})
    if args.out:
        write_json(args.out, result)
