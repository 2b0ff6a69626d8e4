#!/usr/bin/env python3
"""Golden greedy continuations of SmolLM2-135M-Instruct: tests/data/golden/smollm2.json.

    smollm2.py SmolLM2-135M-Instruct.Q4_1.gguf

A test feeds prompt and continuation (teacher forcing) and compares its best
token at every step, so that one near tie does not spoil what follows. Each step
records the best token and its lead over the second in logits, twice: by
llama.cpp, which wrote the continuation, and by float64 arithmetic on the
dequantised weights. Demand agreement where the lead is more than a tie.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

import jinja2
import numpy as np
from goldenfile import write_json
from llamacpp import LlamaCpp
from prompts import CHATS, COMPLETIONS
from reference import Reference, relative_rms

GOLDEN = Path(__file__).parents[2] / "tests" / "data" / "golden"
N_PREDICT = 48


def rendered(template: str, messages: list[dict[str, str]]) -> str:
    env = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)  # as transformers renders them
    return env.from_string(template).render(messages=messages, add_generation_prompt=True)


def best_and_lead(logits: np.ndarray) -> tuple[list[int], list[float]]:
    """The best token of each row and its lead over the second."""
    order = np.argsort(logits, axis=1)[:, -2:]
    top = np.take_along_axis(logits, order, axis=1)
    return [int(i) for i in order[:, 1]], [round(float(a - b), 4) for b, a in top]


def case(name: str, prompt: str, special: bool, llama: LlamaCpp, truth: Reference) -> dict:
    eos = llama.llm.token_eos()
    tokens = llama.tokenize(prompt, special=special)
    continuation = llama.greedy(tokens, N_PREDICT, stop={eos})
    sequence = (tokens + continuation)[:-1]
    steps = slice(len(tokens) - 1, None)
    llama_logits, truth_logits = llama.logits(sequence)[steps], truth.logits(sequence)[steps]
    _, llama_lead = best_and_lead(llama_logits)
    truth_best, truth_lead = best_and_lead(truth_logits)
    agree = np.array(truth_best) == np.array(continuation)
    lost = [llama_lead[i] for i in np.flatnonzero(~agree)]
    print(
        f"{name}: {len(tokens)} + {len(continuation)} tokens, llama.cpp off by "
        f"{relative_rms(llama_logits, truth_logits):.3f}, agrees with the truth at {agree.mean():.0%}, "
        f"leads where not: {lost}, smallest leads {sorted(llama_lead)[:3]} (truth {sorted(truth_lead)[:3]})"
    )
    return {
        "name": name,
        "prompt": prompt,
        "prompt_tokens": tokens,
        "continuation": continuation,
        "lead": llama_lead,
        "truth": truth_best,
        "truth_lead": truth_lead,
        "text": llama.text(continuation),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, default=GOLDEN / "smollm2.json")
    args = parser.parse_args()
    llama, truth = LlamaCpp(args.model, n_ctx=512), Reference(args.model)
    template = llama.llm.metadata["tokenizer.chat_template"]
    cases = [case(name, prompt, False, llama, truth) for name, prompt in COMPLETIONS.items()]
    for name, messages in CHATS.items():
        cases.append({**case(name, rendered(template, messages), True, llama, truth), "messages": messages})
    golden = {
        "about": "Greedy continuations by llama.cpp, their leads, and the float64 truth; tools/oracle/smollm2.py",
        "model": args.model.name,
        "llama_cpp_python": version("llama-cpp-python"),
        "cases": cases,
    }
    write_json(args.out, golden)
