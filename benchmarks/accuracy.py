"""Accuracy of `germ.estimate_learning_coefficient`, everything on default, on problems whose local λ is known.

    python -m benchmarks.accuracy                     # 48 problems from the seed that is reported; writes docs/data/accuracy.json
    python -m benchmarks.accuracy --seed 1 --count 12 # others, printed only

Problems are drawn from a seeded generator: linear networks at points of given layer ranks with the local formula of the atlas, normal
crossings, and one or two tanh units at zero truth; in single or double precision, with or without label noise. Method settings were
chosen on other seeds than the one that is reported.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

REPORTED_SEED = 2026
FILE = Path(__file__).parent.parent / "docs" / "data" / "accuracy.json"
KINDS = (
    "reduced rank",
    "deep linear",
    "normal crossing",
    "tanh",
    "reduced rank",
    "deep linear, two singular layers",
    "deep linear",
    "tanh",
)


@dataclass(frozen=True)
class Problem:
    """A model at w*, its data, and what is known.

    Args:
        name: Kind, sizes, precision and noise in words.
        model: The network at w*.
        data: Inputs and labels.
        known: λ.
        family: Family of the atlas that knows it, with its inputs.
    """

    name: str
    model: nn.Module
    data: tuple[Tensor, Tensor]
    known: Fraction
    family: str

    @property
    def dimension(self) -> int:
        """d."""
        return sum(p.numel() for p in self.model.parameters())


def squared_error(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2


class Monomial(nn.Module):
    """f(x; w) = x Π w_j^k_j."""

    def __init__(self, exponents: list[int], start: list[float]) -> None:
        super().__init__()
        self.exponents = exponents
        self.weights = nn.Parameter(torch.tensor(start))

    def forward(self, x: Tensor) -> Tensor:
        factors = [w**k for w, k in zip(self.weights, self.exponents, strict=True)]
        return x * math.prod(factors[1:], start=factors[0])


class TanhUnits(nn.Module):
    """f(x; a, B) = Σ_h a_h tanh(b_h · x), at zero."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(inputs, hidden, bias=False), nn.Linear(hidden, outputs, bias=False)
        for p in self.parameters():
            nn.init.zeros_(p)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(torch.tanh(self.inner(x)))


def make_linear(widths: list[int], factors: list[Tensor]) -> nn.Sequential:
    model = nn.Sequential(*[nn.Linear(a, b, bias=False) for a, b in itertools.pairwise(widths)])
    for layer, factor in zip(model, factors, strict=True):
        layer.weight = nn.Parameter(factor)
    return model


def make_problem(kind: str, seed: int) -> Problem:
    """One problem of a kind."""
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    dtype, noise = (torch.float32, torch.float64)[rng.integers(2)], (0.0, 0.5)[rng.integers(2)]
    n = int(rng.choice([500, 1000, 5000]))
    match kind:
        case "reduced rank":
            model, family, inputs = _draw_reduced_rank(rng, g)
        case "deep linear":
            model, family, inputs = _draw_deep_linear(rng, g)
        case "deep linear, two singular layers":
            model, family, inputs = _draw_mixed(rng, g)
        case "normal crossing":
            exponents = [int(k) for k in rng.integers(1, 3, rng.integers(2, 5))]
            start = [0.0 if j == 0 or rng.random() < 0.7 else 0.8 for j in range(len(exponents))]
            model, family = Monomial(exponents, start), "normal-crossing"
            inputs = {"k": [k for k, w in zip(exponents, start, strict=True) if w == 0]}
        case _:
            hidden, ins, outs = int(rng.integers(1, 3)), int(rng.integers(1, 6)), int(rng.integers(1, 6))
            model, family, inputs = TanhUnits(ins, hidden, outs), f"vandermonde-H{hidden}", {"M": outs, "N": ins, "Q": 2}
            if hidden == 2:
                inputs["H"] = 2
    model = model.to(dtype)
    width = next(p for p in model.parameters()).shape[-1] if kind != "normal crossing" else 1
    x = torch.randn(n, width, generator=g, dtype=torch.float64).to(dtype)
    with torch.no_grad():
        y = model(x)
    y = y + noise * torch.randn(y.shape, generator=g, dtype=torch.float64).to(dtype)
    name = f"{kind} {family} {inputs}, {'float32' if dtype is torch.float32 else 'float64'}, {'noisy' if noise else 'exact'} labels"
    from germ.atlas import compute_value

    claim: Any = compute_value(family, **inputs)
    return Problem(name, model, (x, y), Fraction(claim.learning_coefficient), family)


def _gauss(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def _draw_reduced_rank(rng: np.random.Generator, g: torch.Generator) -> tuple[nn.Module, str, dict[str, Any]]:
    """A of rank a and B of rank b with BA of rank r."""
    M, H, N = (int(v) for v in rng.integers(2, 22, 3))
    r = int(rng.integers(0, min(M, H, N)))
    a = int(rng.integers(r, min(M, H) + 1))
    b = int(rng.integers(r, min(H + r - a, N) + 1))
    frame = torch.linalg.qr(_gauss(g, H, H))[0]
    # A reaches a directions of the hidden layer, of which B sees r, and b − r others.
    A = frame[:, :a] @ _gauss(g, a, M) / math.sqrt(M)
    B = _gauss(g, N, b) @ torch.cat([frame[:, :r], frame[:, a : a + b - r]], 1).T / math.sqrt(max(b, 1))
    return make_linear([M, H, N], [A, B]), "rrr-local", {"M": M, "N": N, "H": H, "r": r, "rankA": a, "rankB": b}


def _draw_deep_linear(rng: np.random.Generator, g: torch.Generator) -> tuple[nn.Module, str, dict[str, Any]]:
    """All layers of the rank of their product."""
    widths = [int(v) for v in rng.integers(2, 13, rng.integers(4, 6))]
    r = int(rng.integers(0, min(widths)))
    factors = [_gauss(g, q, r) @ _gauss(g, r, p) / math.sqrt(max(r, 1) * p) for p, q in itertools.pairwise(widths)]
    return make_linear(widths, factors), "dln-local", {"widths": widths, "r": r, "ranks": [r] * len(factors)}


def _draw_mixed(rng: np.random.Generator, g: torch.Generator) -> tuple[nn.Module, str, dict[str, Any]]:
    """An invertible square layer among two that are not."""
    M, H, N = (int(v) for v in rng.integers(2, 11, 3))
    r = int(rng.integers(0, min(M, H, N)))
    factors = [_gauss(g, q, r) @ _gauss(g, r, p) / math.sqrt(max(r, 1) * p) for p, q in ((M, H), (H, N))]
    widths, at = [M, H, N], int(rng.integers(0, 3))
    square = torch.linalg.qr(_gauss(g, widths[at], widths[at]))[0]
    widths.insert(at, widths[at])
    factors.insert(at, square)
    return (
        make_linear(widths, factors),
        "dln-local",
        {"widths": widths, "r": r, "ranks": [int(torch.linalg.matrix_rank(f)) for f in factors]},
    )


def draw_problems(seed: int, count: int) -> list[Problem]:
    """Problems with 2 to 1,000 parameters, kinds in turn."""
    found: list[Problem] = []
    attempt = 0
    while len(found) < count:
        problem = make_problem(KINDS[len(found) % len(KINDS)], 100_000 * seed + attempt)
        attempt += 1
        if problem.dimension <= 1000:
            found.append(problem)
    return found


def measure(problem: Problem, seed: int) -> dict[str, Any]:
    """One row of the table."""
    import germ

    began = time.monotonic()
    try:
        result: Any = germ.estimate_learning_coefficient(problem.model, squared_error, problem.data, seed=seed)
        value, error = getattr(result, "value", math.nan), getattr(result, "standard_error", math.nan)
        note = str(result.provenance.method) if hasattr(result, "value") else str(result)
    except germ.errors.GermError as failure:
        value, error, note = math.nan, math.nan, str(failure).splitlines()[0]
    known = float(problem.known)
    return {
        "name": problem.name, "parameters": problem.dimension, "known": str(problem.known), "estimate": value, "standard_error": error,
        "relative_error": value / known - 1, "z": 0.0 if value == known else (value - known) / error if error > 0 else math.inf,
        "seconds": time.monotonic() - began, "method": note,
    }  # fmt: skip


def summarize(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Median and worst relative error, coverage, time."""
    errors = np.abs([row["relative_error"] for row in rows])
    return {
        "problems": len(rows), "median_relative_error": float(np.median(errors)), "worst_relative_error": float(errors.max()),
        "within_two_sigma": float(np.mean([abs(row["z"]) <= 2 for row in rows])), "slowest_seconds": max(row["seconds"] for row in rows),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=REPORTED_SEED)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--only", type=lambda text: [int(v) for v in text.split(",")], help="numbers of problems")
    arguments = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    rows = []
    for index, problem in enumerate(draw_problems(arguments.seed, arguments.count)):
        if arguments.only and index not in arguments.only:
            continue
        row = measure(problem, index)
        rows.append(row)
        print(
            f"{index:2d} {row['name'][:110]:110s} d={row['parameters']:4d} λ={row['known']:>6s} "
            f"{row['estimate']:8.3f} ± {row['standard_error']:6.3f} {row['relative_error']:+7.2%} {row['z']:+5.1f}σ {row['seconds']:5.1f} s"
            + (f"  {row['method']}" if not math.isfinite(row["estimate"]) or "chains" in row["method"] else ""),
            flush=True,
        )
    total = summarize(rows)
    print(", ".join(f"{name} {value:.3g}" for name, value in total.items()))
    if arguments.seed == REPORTED_SEED and arguments.count == 48 and not arguments.only:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps({"seed": arguments.seed, "summary": total, "rows": rows}, indent=1, ensure_ascii=False) + "\n")
        print(f"written: {FILE}", file=sys.stderr)


if __name__ == "__main__":
    main()
