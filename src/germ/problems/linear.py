"""Linear networks: reduced rank regression and deep linear networks, y = W_L ⋯ W_1 x + noise, x ~ N(0, I).

K = |W_L ⋯ W_1 - P|²/2 with P the true product. Parameters are the matrices W_1, …, W_L in order, each row by row. The truth is a point of
the zero set: 0/1 matrices with given ranks. Ranks equal to that of P give the deepest stratum, where the global λ is attained; larger
ranks give other strata, with a local λ that may be larger (Aoyagi and Watanabe 2005; Aoyagi 2024).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from germ.errors import InputError
from germ.problems.normal_likelihood import LinearLikelihood
from germ.problems.priors import make_cube_prior, make_gaussian_prior
from germ.problems.problem import ExactGerm, Problem
from germ.problems.regression import check_positive, check_rank, make_gaussian_inputs, make_regression

_EXACT_SIZE = 40  # parameters up to which the ideal is written out


def make_deep_linear_network(
    widths: Sequence[int] = (2, 2, 2, 2), rank: int = 0, layer_ranks: Sequence[int] | None = None, *, radius: float | None = None
) -> Problem:
    """A deep linear network at a point with given layer ranks.

    Args:
        widths: d_0, …, d_L: inputs, hidden widths, outputs.
        rank: Rank of the true product.
        layer_ranks: Rank of each true matrix W_l; by default `rank`, the deepest point. All partial products have the smallest rank
            that these allow, so that they name one stratum.
        radius: Radius of the cube around the truth on which the prior is uniform. By default N(0, I) on all parameters for the
            deepest point, and 1/4 for other strata.

    Returns:
        The problem; its λ is local to the truth where the prior is.

    Raises:
        InputError: For impossible widths and ranks.

    Example:
        >>> problem = make_deep_linear_network([2, 3, 2], rank=1)
        >>> problem.dimension, float(problem.divergence(problem.truth[None]))
        (12, 0.0)
    """
    check_positive(**{f"widths[{i}]": d for i, d in enumerate(widths)})
    if len(widths) < 2:
        raise InputError(f"got widths={list(widths)}", "at least an input and an output width")
    check_rank("rank", rank, min(widths))
    layers = list(itertools.pairwise(widths))
    ranks = [rank] * len(layers) if layer_ranks is None else list(layer_ranks)
    if len(ranks) != len(layers):
        raise InputError(f"got {len(ranks)} layer ranks", f"{len(layers)}, one for each matrix")
    for i, (r, (a, b)) in enumerate(zip(ranks, layers, strict=True)):
        if not rank <= r <= min(a, b):
            raise InputError(
                f"got layer_ranks[{i}]={r}", f"from the rank {rank} of the product to {min(a, b)}, the smaller side of {b} x {a}"
            )
    matrices = _make_truth(layers, rank, ranks)
    target, truth = _multiply(matrices), torch.cat([m.reshape(-1) for m in matrices])
    if int(torch.linalg.matrix_rank(target)) != rank:
        raise InputError(f"layer ranks {ranks} with a product of rank {rank}", "ranks that can meet in so small a product", "lower them")
    shapes = [(b, a) for a, b in layers]
    deepest = all(r == rank for r in ranks)
    if radius is None and deepest:
        prior = make_gaussian_prior(len(truth))
    else:
        prior = make_cube_prior(truth, 0.25 if radius is None else radius)
    names = tuple(f"w{layer}_{i}_{j}" for layer, (b, a) in enumerate(shapes, 1) for i in range(1, b + 1) for j in range(1, a + 1))
    return make_regression(
        f"linear network {'-'.join(map(str, widths))}, rank {rank}" + ("" if deepest else f", layer ranks {ranks}"),
        LinearLikelihood(lambda w: _multiply(split_matrices(w, shapes))), truth, make_gaussian_inputs(widths[0]), prior,
        residuals=lambda w: (_multiply(split_matrices(w, shapes)) - target).flatten(1),
        exact=_write_ideal(shapes, target, truth, names) if len(truth) <= _EXACT_SIZE else None,
        atlas=_label(widths, rank, ranks), names=names,
        notes="" if deepest else "local: the prior is a cube around a point that is not the deepest",
    )  # fmt: skip


def make_reduced_rank_regression(
    inputs: int = 6, outputs: int = 6, hidden: int = 3, rank: int = 2, layer_ranks: Sequence[int] | None = None
) -> Problem:
    """Reduced rank regression y = B A x + noise, A hidden x inputs and B outputs x hidden: a deep linear network of two layers.

    Args:
        inputs: M.
        outputs: N.
        hidden: H.
        rank: Rank of the true B A.
        layer_ranks: Ranks of the true A and B, for other strata than the deepest.

    Returns:
        The problem.
    """
    check_positive(inputs=inputs, outputs=outputs, hidden=hidden)
    return make_deep_linear_network([inputs, hidden, outputs], rank, layer_ranks)


def make_diagonal_network(dimension: int = 4, nonzero: int = 1, depth: int = 2, *, tied: bool = False) -> Problem:
    """A diagonal linear network y = Σ_j θ_j x_j + noise, θ_j = ∏_l u_jl, or u_j^depth where tied; some true θ_j are 1, the rest 0.

    Args:
        dimension: Number of inputs d.
        nonzero: Number s of true nonzero coefficients.
        depth: Factors L of each coefficient.
        tied: One parameter for all layers.

    Returns:
        The problem; parameters u_11, …, u_1L, u_21, …
    """
    check_positive(dimension=dimension, depth=depth)
    check_rank("nonzero", nonzero, dimension)
    theta = (torch.arange(dimension) < nonzero).double()
    columns = 1 if tied else depth
    truth = theta.repeat_interleave(columns)

    def coefficients(w: Tensor) -> Tensor:
        u = w.reshape(len(w), dimension, columns)
        return u[..., 0] ** depth if tied else u.prod(-1)

    names = tuple(f"u{j}" if tied else f"u{j}_{k}" for j in range(1, dimension + 1) for k in range(1, columns + 1))
    rows = [names[j * columns : (j + 1) * columns] for j in range(dimension)]
    products = [f"{row[0]}^{depth}" if tied else "*".join(row) for row in rows]
    exact = ExactGerm(
        tuple(f"{p} - 1" if j < nonzero else p for j, p in enumerate(products)),
        at={n: str(int(v)) for n, v in zip(names, truth.tolist(), strict=True)},
    )
    return make_regression(
        f"diagonal network {dimension} inputs, {nonzero} nonzero, depth {depth}" + (", tied" if tied else ""),
        LinearLikelihood(lambda w: coefficients(w)[:, None]), truth, make_gaussian_inputs(dimension), make_gaussian_prior(len(truth)),
        residuals=lambda w: coefficients(w) - theta,
        exact=exact, names=names, atlas=("diagonal-linear", {"d": dimension, "s": nonzero, "L": depth, "tied": tied}),
    )  # fmt: skip


def split_matrices(w: Tensor, shapes: Sequence[tuple[int, int]]) -> list[Tensor]:
    """Parameters (P, d) as matrices (P, rows, columns)."""
    parts = w.split([a * b for a, b in shapes], -1)
    return [p.unflatten(-1, shape) for p, shape in zip(parts, shapes, strict=True)]


def _multiply(matrices: Sequence[Tensor]) -> Tensor:
    product = matrices[0]
    for m in matrices[1:]:
        product = m @ product
    return product


def _make_truth(layers: Sequence[tuple[int, int]], rank: int, ranks: Sequence[int]) -> list[Tensor]:
    """0/1 matrices: the first `rank` units pass everything on; what a layer adds reads its last inputs and writes its first free outputs.

    So the image of a layer's extra part meets the next layer's extra part only where the two do not fit beside each other.
    """
    found = []
    for (a, b), r in zip(layers, ranks, strict=True):
        w = torch.zeros(b, a, dtype=torch.float64)
        for i in range(rank):
            w[i, i] = 1.0
        for k in range(r - rank):
            w[rank + k, a - 1 - k] = 1.0
        found.append(w)
    return found


def _write_ideal(shapes: Sequence[tuple[int, int]], target: Tensor, truth: Tensor, names: Sequence[str]) -> ExactGerm:
    matrices, start = [], 0
    for b, a in shapes:
        matrices.append([[names[start + i * a + j] for j in range(a)] for i in range(b)])
        start += a * b
    product = matrices[0]
    for m in matrices[1:]:
        product = [
            ["+".join(f"{m[i][k]}*({product[k][j]})" for k in range(len(product))) for j in range(len(product[0]))] for i in range(len(m))
        ]
    texts = [f"{text} - {int(target[i, j])}" if target[i, j] else text for i, row in enumerate(product) for j, text in enumerate(row)]
    return ExactGerm(tuple(texts), at={n: str(int(v)) for n, v in zip(names, truth.tolist(), strict=True)})


def _label(widths: Sequence[int], rank: int, ranks: Sequence[int]) -> tuple[str, dict[str, object]] | None:
    if len(ranks) == 2:
        sizes: dict[str, object] = {"M": widths[0], "N": widths[2], "H": widths[1], "r": rank}
        return ("rrr", sizes) if ranks[0] == ranks[1] == rank else ("rrr-local", sizes | {"rankA": ranks[0], "rankB": ranks[1]})
    if all(r == rank for r in ranks):
        return "dln", {"widths": list(widths), "r": rank}
    return None
