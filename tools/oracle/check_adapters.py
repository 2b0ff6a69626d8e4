#!/usr/bin/env python3
"""Compare llama.cpp's logits with the goldens in tests/data/adapters: does it read our adapters as we mean them?"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import llama_cpp
import numpy as np
from check_models import ARCHITECTURES, read_logits
from llamacpp import LlamaCpp

ADAPTERS = Path(__file__).parents[2] / "tests" / "data" / "adapters"


def check(golden: Path) -> None:
    text = golden.read_text()
    model = re.search(r"architectures/(\S+\.gguf)", text)[1]
    uses = [(ADAPTERS / name, float(scale)) for name, scale in re.findall(r"(\S+\.gguf) at (\S+),", text)]
    tokens, truth = read_logits(golden)
    llama = LlamaCpp(ARCHITECTURES / model, n_ctx=64, f32_cache=True)
    handles = [llama_cpp.llama_adapter_lora_init(llama.llm.model, str(path).encode()) for path, _ in uses]
    assert all(handles), "llama.cpp does not load it"
    adapters = (llama_cpp.llama_adapter_lora_p_ctypes * len(uses))(*handles)
    scales = (ctypes.c_float * len(uses))(*[scale for _, scale in uses])
    assert llama_cpp.llama_set_adapters_lora(llama.llm.ctx, adapters, len(uses), scales) == 0
    other = llama.logits(tokens)
    worst, early = (max(np.abs(other[at] - row).max() / np.abs(row).max() for at, row in truth.items() if at < end)
                    for end in (len(tokens), 8))
    print(f"{golden.stem}: worst {worst:.2g} of the largest logit ({early:.2g} in the first 8 positions)")


def main() -> None:
    """Each in a process of its own, since llama.cpp may end it."""
    if len(sys.argv) > 1:
        check(Path(sys.argv[1]))
        return
    for golden in sorted(ADAPTERS.glob("*-logits.txt")):
        run = subprocess.run([sys.executable, __file__, str(golden)], capture_output=True, text=True)
        print(run.stdout.strip() or f"{golden.stem}: llama.cpp ends the process", flush=True)


if __name__ == "__main__":
    main()
