"""A llama-shaped network: RMSNorm, rotary positions, grouped queries, SwiGLU, tied embeddings."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .presets import Shape

FakeQuantize = Callable[[Tensor], Tensor]


class Matrix(nn.Module):
    """A weight [rows, columns], kept in f32 and seen through `fake` in quantisation-aware training."""

    def __init__(self, rows: int, columns: int, std: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, columns) * std if std else torch.zeros(rows, columns))
        self.fake: FakeQuantize | None = None

    def seen(self) -> Tensor:
        return self.fake(self.weight) if self.fake else self.weight


class Norm(nn.Module):
    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], self.weight.to(x.dtype), self.eps)


def rope_tables(length: int, shape: Shape, device: torch.device) -> tuple[Tensor, Tensor]:
    """cos and sin, each [length, head_size / 2] f32."""
    half = shape.head_size // 2
    rates = shape.rope_base ** (-torch.arange(half, dtype=torch.float32, device=device) / half)
    angles = torch.outer(torch.arange(length, dtype=torch.float32, device=device), rates)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns x [..., length, head_size], whose two halves hold the pairs' first and second parts."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of q [rows, heads, length, size] over k and v [rows, kv_heads, length, size]."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    rows, heads, length, size = q.shape  # on a CPU this is faster than the fused form, whose backward pass is slow
    groups = heads // k.shape[1]
    scores = (q * size**-0.5).reshape(rows, -1, groups * length, size) @ k.transpose(-1, -2)
    mask = torch.full((length, length), float("-inf"), dtype=q.dtype).triu(1).repeat(groups, 1)
    return ((scores + mask).softmax(-1) @ v).view(rows, heads, length, size)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width, kv, std = shape.width, shape.kv_heads * shape.head_size, 0.5 * shape.width**-0.5
        self.attn_norm = Norm(width, shape.norm_eps)
        self.q, self.k, self.v = Matrix(width, width, std), Matrix(kv, width, std), Matrix(kv, width, std)
        self.o = Matrix(width, width, 0.0)
        self.ffn_norm = Norm(width, shape.norm_eps)
        self.gate, self.up = Matrix(shape.ffn, width, std), Matrix(shape.ffn, width, std)
        self.down = Matrix(width, shape.ffn, 0.0)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, width = x.shape
        heads, kv, size = self.shape.heads, self.shape.kv_heads, self.shape.head_size
        weight = torch.cat((self.q.seen(), self.k.seen(), self.v.seen())).to(x.dtype)
        qkv = F.linear(self.attn_norm(x), weight).view(rows, length, heads + 2 * kv, size).transpose(1, 2)
        qk = rotate(qkv[:, : heads + kv], cos, sin)
        mixed = attend(qk[:, :heads], qk[:, heads:], qkv[:, heads + kv :])
        x = x + F.linear(mixed.transpose(1, 2).reshape(rows, length, width), self.o.seen().to(x.dtype))
        weight = torch.cat((self.gate.seen(), self.up.seen())).to(x.dtype)
        gate, up = F.linear(self.ffn_norm(x), weight).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, self.down.seen().to(x.dtype))


class Model(nn.Module):
    def __init__(self, shape: Shape, vocabulary: int) -> None:
        super().__init__()
        self.shape, self.vocabulary = shape, vocabulary
        self.embedding = Matrix(vocabulary, shape.width, 0.02)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.norm_eps)

    def forward(self, tokens: Tensor, dtype: torch.dtype = torch.float32, kept: Tensor | None = None) -> Tensor:
        """Logits [rows, length, vocabulary] of tokens [rows, length], computed in `dtype`.

        With `kept` [rows, length] bool, those of the kept positions alone: [positions, vocabulary].
        """
        cos, sin = rope_tables(tokens.shape[1], self.shape, tokens.device)
        table = self.embedding.seen().to(dtype)
        x = F.embedding(tokens, table)
        for block in self.blocks:
            x = block(x, cos, sin)
        x = self.norm(x)
        return F.linear(x if kept is None else x[kept], table)

    def matrices(self) -> dict[str, Matrix]:
        """Every matrix but the embedding, by its name in the state."""
        return {name: module for name, module in self.named_modules()
                if isinstance(module, Matrix) and module is not self.embedding}

    def count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())
