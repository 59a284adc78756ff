"""One pass over recorded log-likelihoods: everything that the criteria need, for each observation and for each draw.

For each observation i, with means E over the draws w_s: log E[p(x_i|w)], E[log p(x_i|w)], Var[log p(x_i|w)] and log E[1/p(x_i|w)].
Training losses, WAIC, the cross-validation loss and the singular fluctuation are sums of these. Each of them is a smooth functional of the
draws, and to first order an average over draws of its influence function, so the same pass also records the influence of each draw, summed
over the observations: its autocorrelation gives the Monte Carlo error of every criterion.

Where all draws of some observations fit in memory they are reduced at once, in tiles that stay in the processor's cache. Where they
do not, blocks of draws update accumulators with a running maximum (for the exponentials) and Chan's formula (for the variance), one set
for each of some thirty groups of consecutive draws, and the influence is recorded by group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from germ.errors import DataError
from germ.estimators.log_likelihood import CHUNK_BYTES, Combine, LogLikelihood, Slab, read_log_likelihood

_TILE = 2**18  # numbers in a tile: 2 MiB, about a second-level cache; 2**15 takes three times as long, 2**20 a tenth more
_GROUPS = 32  # groups of draws whose averages stand for draws where those are too many to hold
_LARGEST_EXPONENT = 700.0  # exp of more than 709.8 overflows


@dataclass(frozen=True)
class PointwiseSummary:
    """Sums over draws for each observation, and over observations for each draw.

    Args:
        log_mean_density: log E[p(x_i|w)], (n,), nats.
        mean: E[log p(x_i|w)], (n,), nats.
        variance: Var[log p(x_i|w)] over the draws (divided by their number, as Watanabe and ArviZ do), (n,), nats².
        log_mean_inverse: log E[1/p(x_i|w)], (n,), nats.
        largest_weight: Largest share of one draw in E[1/p(x_i|w)], (n,).
        predictive_influence: Influence of each draw on Σ_i log E[p(x_i|w)], (chain, group), mean 0.
        total: Σ_i log p(x_i|w) for each draw, or its mean over a group, (chain, group), nats.
        variance_influence: Influence on Σ_i Var[log p(x_i|w)].
        inverse_influence: Influence on Σ_i log E[1/p(x_i|w)].
        draws: Draws of each chain.
        source: What was summed.
    """

    log_mean_density: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    log_mean_inverse: np.ndarray
    largest_weight: np.ndarray
    predictive_influence: np.ndarray
    total: np.ndarray
    variance_influence: np.ndarray
    inverse_influence: np.ndarray
    draws: int
    source: LogLikelihood

    @property
    def observations(self) -> int:
        """The number n of observations."""
        return len(self.mean)

    @property
    def samples(self) -> int:
        """Draws of all chains."""
        return self.draws * self.total.shape[0]

    def label(self, **values: np.ndarray) -> xr.Dataset:
        """Arrays (n,) as a Dataset over the observations, with their coordinates where all belong to one variable."""
        if len(self.source.parts) > 1:
            return xr.Dataset({name: ("observation", array) for name, array in values.items()})
        part = self.source.parts[0]
        coordinates = {d: part.arrays[0].coords[d] for d in part.dims if d in part.arrays[0].coords}
        return xr.Dataset({k: (part.dims, v.reshape(part.shape)) for k, v in values.items()}, coords=coordinates)


_COLUMNS = ("log_mean_density", "mean", "variance", "log_mean_inverse", "largest_weight")
_ROWS = ("predictive_influence", "total", "variance_influence", "inverse_influence")


def get_summary(
    idata: Any, variable: str | Sequence[str] | None = None, combine: Combine = "sum", chunk_bytes: int = CHUNK_BYTES
) -> PointwiseSummary:
    """The summary of anything that `read_log_likelihood` takes; a summary is returned as it is, so that several criteria cost one pass."""
    if isinstance(idata, PointwiseSummary):
        return idata
    return summarize(read_log_likelihood(idata, variable=variable, combine=combine, chunk_bytes=chunk_bytes))


def summarize(log_likelihood: LogLikelihood) -> PointwiseSummary:
    """Reduce recorded log-likelihoods in one pass.

    Memory: one slab, some forty numbers for each of its observations, five for each observation, four for each draw.

    Args:
        log_likelihood: From `read_log_likelihood`.

    Returns:
        The sums.

    Raises:
        DataError: If a log-likelihood is infinite or not a number.
    """
    chains, draws = log_likelihood.chains, log_likelihood.draws
    slabs = list(log_likelihood.slabs())
    streamed = any(slab.streamed for slab in slabs)
    edges = _cut_groups(chains, draws) if streamed else np.arange(draws + 1)
    columns = {name: np.empty(log_likelihood.observations) for name in _COLUMNS}
    views = {name: log_likelihood.make_views(array) for name, array in columns.items()}
    rows = {name: np.zeros((chains, len(edges) - 1)) for name in _ROWS}
    for slab in slabs:
        found, series = _reduce_stream(slab, chains, edges) if slab.streamed else _reduce_slab(slab, edges)
        for name in _COLUMNS:
            target = views[name][slab.number][slab.index]
            target[...] = found[name].reshape(target.shape)
        for name in _ROWS:
            rows[name] += series[name]
    return PointwiseSummary(**columns, **rows, draws=draws, source=log_likelihood)


def _cut_groups(chains: int, draws: int) -> np.ndarray:
    count = min(draws, max(4, -(-_GROUPS // chains)))
    return np.linspace(0, draws, count + 1).round().astype(int)


def _reduce_slab(slab: Slab, edges: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """All draws of a slab at once."""
    values = slab.read()
    chains, draws, width = values.shape
    flat = values.reshape(chains * draws, width)
    columns = {name: np.empty(width) for name in _COLUMNS}
    rows = {name: np.zeros(chains * draws) for name in _ROWS}
    step = max(1, min(width, _TILE // len(flat)))
    step = width if width <= 2 * step else max(8, step)
    work = np.empty(len(flat) * step)
    for start in range(0, width, step):
        tile = flat[:, start : start + step]
        _reduce_tile(slab, tile, chains, start, work[: tile.size].reshape(tile.shape), columns, rows)
    sizes = np.diff(edges)
    shaped = {name: row.reshape(chains, draws) for name, row in rows.items()}
    if len(sizes) < draws:
        shaped = {name: np.add.reduceat(row, edges[:-1], axis=1) / sizes for name, row in shaped.items()}
    return columns, shaped


def _reduce_tile(
    slab: Slab, tile: np.ndarray, chains: int, start: int, work: np.ndarray, columns: dict[str, np.ndarray], rows: dict[str, np.ndarray]
) -> None:
    samples, width = tile.shape
    tile = np.ascontiguousarray(tile, dtype=np.float64)
    ones, across = np.ones(samples), np.ones(width)
    top, low = tile.max(0), tile.min(0)
    if not (np.isfinite(top).all() and np.isfinite(low).all()):
        _refuse(slab, tile.reshape(chains, -1, width), start, 0, 0)
    where = slice(start, start + width)
    # E[p] and its influence p / E[p] - 1
    np.subtract(tile, top, out=work)
    np.exp(work, out=work)
    mass = ones @ work
    columns["log_mean_density"][where] = top + np.log(mass / samples)
    rows["predictive_influence"] += work @ (samples / mass) - width
    # E[1/p]: the reciprocal costs less than a second exponential, where it cannot overflow
    if float((top - low).max()) < _LARGEST_EXPONENT:
        np.divide(np.exp(low - top), work, out=work)
    else:
        np.subtract(low, tile, out=work)
        np.exp(work, out=work)
    mass = ones @ work
    columns["log_mean_inverse"][where] = -low + np.log(mass / samples)
    columns["largest_weight"][where] = 1 / mass
    rows["inverse_influence"] += work @ (samples / mass) - width
    # mean and variance from the residuals of a first mean
    mean = (ones @ tile) / samples
    np.subtract(tile, mean, out=work)
    rest = (ones @ work) / samples
    rows["total"] += work @ across + mean.sum()
    np.multiply(work, work, out=work)
    variance = (ones @ work) / samples - rest**2
    rows["variance_influence"] += work @ across - (ones @ work).sum() / samples
    columns["mean"][where] = mean + rest
    columns["variance"][where] = variance


def _refuse(slab: Slab, block: np.ndarray, start: int, chain: int, draw: int) -> None:
    bad = np.argwhere(~np.isfinite(block))
    c, s, w = map(int, bad[0])
    corner = np.unravel_index(start + w, tuple(i.stop - i.start for i in slab.index)) if slab.index else ()
    position = tuple(int(i.start + k) for i, k in zip(slab.index, corner, strict=True))
    raise DataError(
        f"log_likelihood[{slab.part.name!r}] is {block[c, s, w]} at chain {chain + c}, draw {draw + s}, observation {position}"
        f" ({len(bad)} such value(s) in the piece being read)",
        "finite log-likelihoods",
        "find out why this draw gives the observation no density (underflow, a missing value, a diverged chain) before comparing models",
    )


def _reduce_stream(slab: Slab, chains: int, edges: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Blocks of draws into accumulators by group."""
    groups, width = len(edges) - 1, int(np.prod([i.stop - i.start for i in slab.index]))
    shape = (chains, groups, width)
    state = {name: np.zeros(shape) for name in ("mass", "inverse", "mean", "squares")}
    state["top"], state["low"] = np.full(shape, -np.inf), np.full(shape, np.inf)
    count = np.zeros((chains, groups, 1))
    for chain, group, first, block in _read_blocks(slab, chains, edges):
        if not np.isfinite(block).all():
            _refuse(slab, block[None], 0, chain, first)
        _update({name: array[chain, group] for name, array in state.items()}, float(count[chain, group, 0]), block)
        count[chain, group] += len(block)
    return _finish(state, count)


def _read_blocks(slab: Slab, chains: int, edges: np.ndarray) -> Iterator[tuple[int, int, int, np.ndarray]]:
    for base in range(0, chains, slab.block[0]):
        for start in range(0, int(edges[-1]), slab.block[1]):
            stop = min(start + slab.block[1], int(edges[-1]))
            read = slab.read(slice(base, base + slab.block[0]), slice(start, stop))
            for group in range(int(np.searchsorted(edges, start, "right")) - 1, int(np.searchsorted(edges, stop, "left"))):
                first, last = max(start, int(edges[group])), min(stop, int(edges[group + 1]))
                for chain, values in enumerate(read, base):
                    yield chain, group, first, values[first - start : last - start].astype(np.float64)


def _update(state: dict[str, np.ndarray], count: float, block: np.ndarray) -> None:
    """Merge a block (draws, width) into one group's accumulators, in place."""
    top, low = np.maximum(state["top"], block.max(0)), np.minimum(state["low"], block.min(0))
    if count:
        state["mass"] *= np.exp(state["top"] - top)
        state["inverse"] *= np.exp(low - state["low"])
    state["mass"] += np.exp(block - top).sum(0)
    state["inverse"] += np.exp(low - block).sum(0)
    state["top"][:], state["low"][:] = top, low
    mean = block.mean(0)
    block -= mean
    shift = mean - state["mean"]
    whole = count + len(block)
    state["squares"] += np.einsum("ij,ij->j", block, block) + shift**2 * (count * len(block) / whole)
    state["mean"] += shift * (len(block) / whole)


def _finish(state: dict[str, np.ndarray], count: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    axes, samples, width = (0, 1), float(count.sum()), state["mean"].shape[2]
    top, low = state["top"].max(axes), state["low"].min(axes)
    mass = state["mass"] * np.exp(state["top"] - top)
    inverse = state["inverse"] * np.exp(low - state["low"])
    all_mass, all_inverse = mass.sum(axes), inverse.sum(axes)
    mean = (count * state["mean"]).sum(axes) / samples
    spread = state["squares"] + count * (state["mean"] - mean) ** 2
    variance = spread.sum(axes) / samples
    columns = {
        "log_mean_density": top + np.log(all_mass / samples),
        "mean": mean,
        "variance": variance,
        "log_mean_inverse": -low + np.log(all_inverse / samples),
        "largest_weight": 1 / all_inverse,
    }
    size = count[..., 0]
    rows = {
        "predictive_influence": (mass @ (samples / all_mass)) / size - width,
        "total": state["mean"].sum(2),
        "variance_influence": spread.sum(2) / size - variance.sum(),
        "inverse_influence": (inverse @ (samples / all_inverse)) / size - width,
    }
    return columns, rows
