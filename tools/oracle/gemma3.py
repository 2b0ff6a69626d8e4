#!/usr/bin/env python3
"""Golden greedy continuations and perplexity of Gemma 3 270M: tests/data/golden/gemma3.json.

    gemma3.py gemma-3-270m-q4_k_m.gguf

By llama.cpp alone. Continuations and leads as in smollm2.py; perplexity over the first windows of the
text that SmolLM2's is measured on, each after BOS, all its tokens scored.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

from goldenfile import write_json
from llamacpp import LlamaCpp
from perplexity import overall, score
from prompts import COMPLETIONS
from smollm2 import best_and_lead

TEST_DATA = Path(__file__).parents[2] / "tests" / "data"
TEXT = TEST_DATA / "wikitext2-valid-4x512.txt"
CTX, N_WINDOWS, N_PREDICT = 512, 4, 24
CASES = ("english", "code", "numbers", "korean")


def case(name: str, llama: LlamaCpp) -> dict:
    prompt = COMPLETIONS[name]
    tokens = llama.tokenize(prompt)
    start = [llama.llm.token_bos(), *tokens]
    continuation = llama.greedy(start, N_PREDICT)
    _, lead = best_and_lead(llama.logits((start + continuation)[:-1])[len(start) - 1 :])
    print(f"{name}: {len(tokens)} + {len(continuation)} tokens, smallest leads {sorted(lead)[:3]}", flush=True)
    return {"name": name, "prompt": prompt, "prompt_tokens": tokens, "continuation": continuation, "lead": lead,
            "text": llama.text(continuation)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    llama = LlamaCpp(args.model, n_ctx=CTX + 1, threads=args.threads)
    cases = [case(name, llama) for name in CASES]
    tokens = llama.tokenize(TEXT.read_bytes())[: N_WINDOWS * CTX]
    windows = [tokens[at : at + CTX] for at in range(0, len(tokens), CTX)]
    rows = score(llama, windows, bos=llama.llm.token_bos())
    golden = {
        "about": "Greedy continuations by llama.cpp, their leads, and perplexity; tools/oracle/gemma3.py",
        "model": args.model.name,
        "llama_cpp_python": version("llama-cpp-python"),
        "cases": cases,
        "perplexity": {"text": TEXT.name, "ctx": CTX, "windows": len(windows), **overall(rows),
                       "nll_sums": [row["nll_sum"] for row in rows]},
    }
    write_json(TEST_DATA / "golden" / "gemma3.json", golden)
    print(golden["perplexity"])
