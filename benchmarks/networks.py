"""The networks of the benchmarks: a deep linear one with known λ, an MLP and a CNN on digits, small GPTs on Python's own source text."""

from __future__ import annotations

import itertools
import math
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Problem = tuple[nn.Module, Callable[[nn.Module, Any], Tensor], tuple[Tensor, Tensor]]


def half_square(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().sum(1) / 2


def cross_entropy(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def next_byte(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Nats per byte, averaged over a window: (batch,)."""
    return functional.cross_entropy(model(batch[0]).movedim(-1, 1), batch[1], reduction="none").mean(1)


def make_linear_network(widths: tuple[int, ...] = (10, 10, 10, 10), rank: int = 5, n: int = 10_000, seed: int = 0) -> Problem:
    g = torch.Generator().manual_seed(seed)
    model = nn.Sequential(*[nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)])
    with torch.no_grad():
        for layer in model:
            out, into = layer.weight.shape
            layer.weight.copy_(torch.randn(out, rank, generator=g) @ torch.randn(rank, into, generator=g) / math.sqrt(rank * into))
        x = torch.randn(n, widths[0], generator=g)
        return model, half_square, (x, model(x))


def load_digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)


def make_mlp(seed: int = 0) -> Problem:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    return model, cross_entropy, load_digits()


def make_smooth_mlp(seed: int = 0) -> Problem:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10)), cross_entropy, load_digits()


def make_cnn(seed: int = 0) -> Problem:
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.GELU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    return model, cross_entropy, load_digits()


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(-2, -3) for part in self.mix(self.before(x)).chunk(3, -1))
        seen = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.merge(seen.transpose(-2, -3).flatten(-2))
        return x + self.down(functional.gelu(self.up(self.after(x))))


class GPT(nn.Module):
    """Bytes in, logits of the next byte out."""

    def __init__(self, width: int = 128, layers: int = 4, heads: int = 4, context: int = 64, vocabulary: int = 256) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, x: Tensor) -> Tensor:
        x = self.token(x) + self.place.weight[: x.shape[-1]]
        return self.head(self.norm(self.blocks(x)))


def read_standard_library(context: int, windows: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Windows of bytes of the standard library's modules, drawn at random places, and the bytes that follow."""
    folder = Path(sysconfig.get_path("stdlib"))
    text = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    everything = torch.frombuffer(bytearray(text), dtype=torch.uint8)
    g = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(everything) - context - 1, (windows,), generator=g)
    rows = everything[starts[:, None] + torch.arange(context + 1)].long()
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()


def make_gpt(seed: int = 0, *, windows: int = 4096, **shape: int) -> Problem:
    torch.manual_seed(seed)
    return GPT(**shape), next_byte, read_standard_library(shape.get("context", 64), windows)


def train(problem: Problem, *, steps: int, batch: int, rate: float, seed: int, stops: list[int]) -> Iterator[tuple[int, nn.Module]]:
    """Train by AdamW, cosine decay to zero; yields the model after each number of steps in `stops`."""
    model, loss, data = problem
    g = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps + 1):
        if step in stops:
            yield step, model
        if step == steps:
            return
        chosen = torch.randint(len(data[0]), (batch,), generator=g)
        optimizer.zero_grad()
        loss(model, tuple(part[chosen] for part in data)).mean().backward()
        optimizer.step()
        schedule.step()
