"""llama.cpp as a reference: token ids and logits of whole sequences."""

from __future__ import annotations

from pathlib import Path

import llama_cpp
import numpy as np


class LlamaCpp:
    """A model in llama.cpp, on two threads if not told otherwise, with its default f16 KV cache or one in f32."""

    def __init__(self, path: Path | str, n_ctx: int = 512, vocab_only: bool = False, f32_cache: bool = False,
                 keys: dict[str, int] | None = None, threads: int = 2) -> None:
        """`keys` stand in for what the file says."""
        cache_type = llama_cpp.GGML_TYPE_F32 if f32_cache else None
        self.llm = llama_cpp.Llama(
            str(path), n_ctx=n_ctx, n_batch=n_ctx, logits_all=True, n_threads=threads, n_threads_batch=threads,
            vocab_only=vocab_only, type_k=cache_type, type_v=cache_type, kv_overrides=keys,
            verbose=False,
        )  # fmt: skip

    def tokenize(self, text: str | bytes, special: bool = False) -> list[int]:
        """Ids without BOS or EOS; with `special`, special tokens' text becomes those tokens."""
        data = text if isinstance(text, bytes) else text.encode()
        return self.llm.tokenize(data, add_bos=False, special=special)

    def text(self, tokens: list[int]) -> str:
        return self.llm.detokenize(tokens, special=True).decode(errors="replace")

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Logits [n_tokens, n_vocab], the whole sequence in one batch, nothing cached before it."""
        self.llm.reset()
        self.llm.eval(tokens)
        return self.llm.scores[: len(tokens)].astype(np.float64)

    def greedy(self, prompt: list[int], n: int, stop: set[int] = frozenset()) -> list[int]:
        """Greedy tokens, one at a time after the prompt; a token in `stop` is the last."""
        self.llm.reset()
        picked, feed = [], list(prompt)
        while len(picked) < n:
            self.llm.eval(feed)
            feed = [int(self.llm.scores[self.llm.n_tokens - 1].argmax())]
            picked += feed
            if feed[0] in stop:
                break
        return picked
