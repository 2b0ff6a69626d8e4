"""The truth that the engine is compared with: a Llama in numpy, float64 throughout.

It computes what the file says and nothing else: weights dequantised by the
`gguf` package, no quantised activations, no reordering, one straightforward
causal pass over the whole sequence. Slow, short and plainly right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


@dataclass(frozen=True)
class Config:
    n_layer: int
    n_embd: int
    n_head: int
    n_head_kv: int
    n_rot: int
    rope_freq_base: float
    rms_eps: float


class Reference:
    """A Llama loaded from a GGUF file, its weights as matrices [n_out, n_in], float64 unless told."""

    def __init__(self, path: Path | str, dtype: type = np.float64) -> None:
        reader = GGUFReader(path)

        def key(name: str, default=None):
            field = reader.get_field(name)
            if field is None and default is None:
                raise KeyError(f"{path}: no metadata key {name}")
            return default if field is None else field.contents()

        n_embd, n_head = key("llama.embedding_length"), key("llama.attention.head_count")
        self.config = Config(
            n_layer=key("llama.block_count"),
            n_embd=n_embd,
            n_head=n_head,
            n_head_kv=key("llama.attention.head_count_kv", n_head),
            n_rot=key("llama.rope.dimension_count", n_embd // n_head),
            rope_freq_base=key("llama.rope.freq_base", 10000.0),
            rms_eps=key("llama.attention.layer_norm_rms_epsilon"),
        )
        self.tensors = {
            t.name: dequantize(t.data, t.tensor_type).astype(dtype)
            for t in reader.tensors
        }

    def logits(self, tokens: list[int]) -> np.ndarray:
        """Logits [n_tokens, n_vocab] of one causal pass over `tokens`."""
        c, w = self.config, self.tensors
        embedding = w["token_embd.weight"]
        x = embedding[tokens]
        for layer in range(c.n_layer):
            blk = f"blk.{layer}."
            h = rms_norm(x, w[blk + "attn_norm.weight"], c.rms_eps)
            x = x + self._attention(h, blk)
            h = rms_norm(x, w[blk + "ffn_norm.weight"], c.rms_eps)
            gate = h @ w[blk + "ffn_gate.weight"].T
            up = h @ w[blk + "ffn_up.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ w[blk + "ffn_down.weight"].T
        x = rms_norm(x, w["output_norm.weight"], c.rms_eps)
        return x @ w.get("output.weight", embedding).T

    def _attention(self, h: np.ndarray, blk: str) -> np.ndarray:
        c, w = self.config, self.tensors
        n, head_dim = len(h), c.n_embd // c.n_head
        q = (h @ w[blk + "attn_q.weight"].T).reshape(n, c.n_head, head_dim)
        k = (h @ w[blk + "attn_k.weight"].T).reshape(n, c.n_head_kv, head_dim)
        v = (h @ w[blk + "attn_v.weight"].T).reshape(n, c.n_head_kv, head_dim)
        q, k = self._rope(q), self._rope(k)
        # Grouped-query attention: each key/value head serves n_head/n_head_kv query heads.
        k = np.repeat(k, c.n_head // c.n_head_kv, axis=1)
        v = np.repeat(v, c.n_head // c.n_head_kv, axis=1)
        scores = np.einsum("qhd,khd->hqk", q, k) / head_dim**0.5
        scores[:, np.triu(np.ones((n, n), bool), 1)] = -np.inf
        weights = softmax(scores)
        return np.einsum("hqk,khd->qhd", weights, v).reshape(n, -1) @ w[blk + "attn_output.weight"].T

    def _rope(self, x: np.ndarray) -> np.ndarray:
        """Rotary positions on adjacent pairs (2i, 2i+1), as GGUF's `llama` architecture orders them."""
        c = self.config
        freq = c.rope_freq_base ** (-np.arange(0, c.n_rot, 2) / c.n_rot)
        angle = np.arange(len(x))[:, None, None] * freq
        even, odd = x[..., 0 : c.n_rot : 2], x[..., 1 : c.n_rot : 2]
        out = x.copy()
        out[..., 0 : c.n_rot : 2] = even * np.cos(angle) - odd * np.sin(angle)
        out[..., 1 : c.n_rot : 2] = even * np.sin(angle) + odd * np.cos(angle)
        return out


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def relative_rms(value: np.ndarray, truth: np.ndarray) -> float:
    """RMS of the error over the RMS of the truth about its mean."""
    return float(np.sqrt(((value - truth) ** 2).mean()) / truth.std())


def greedy(model: Reference, prompt: list[int], n: int) -> list[tuple[int, float]]:
    """`n` greedy tokens after `prompt`, each with its lead in logits over the second best."""
    tokens, picked = list(prompt), []
    for _ in range(n):
        last = model.logits(tokens)[-1]
        second, first = np.argsort(last)[-2:]
        picked.append((int(first), float(last[first] - last[second])))
        tokens.append(int(first))
    return picked
