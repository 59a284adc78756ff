"""One pass over recorded log-likelihoods: everything that the criteria need, for each observation and for each draw.

For each observation i, with means E over the draws w_s: log E[p(x_i|w)], E[log p(x_i|w)], Var[log p(x_i|w)] and log E[1/p(x_i|w)].
Training losses, WAIC, the cross-validation loss and the singular fluctuation are sums of these. Each of them is a smooth functional of the
draws, and to first order an average over draws of its influence function, so the same pass also records the influence of each draw, summed
over the observations: its autocorrelation gives the Monte Carlo error of every criterion.

Where all draws of some observations fit in memory they are reduced at once, in tiles that stay in the processor's cache. Where they
do not, blocks of draws update accumulators: exponentials relative to a running maximum, powers relative to the mean of the first block.
The influence is then recorded by groups of consecutive draws, of which there are some thirty.
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


@dataclass(frozen=True)
class PointwiseSummary:
    """Sums over draws for each observation, and over observations for each draw.

    Args:
        log_mean_density: log E[p(x_i|w)], (n,), nats.
        mean: E[log p(x_i|w)], (n,), nats.
        variance: Var[log p(x_i|w)] over the draws (divided by their number, as Watanabe and ArviZ do), (n,), nats².
        log_mean_inverse: log E[1/p(x_i|w)], (n,), nats.
        weight_ess: How many equal weights the importance weights 1/p(x_i|w_s) are worth, (Σ r)²/Σ r², (n,).
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
    weight_ess: np.ndarray
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


_COLUMNS = ("log_mean_density", "mean", "variance", "log_mean_inverse", "weight_ess")
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

    Memory: one slab; 0.6 kB for each observation of a streamed slab; five numbers for each observation, four for each draw.

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
    step = max(8, _TILE // len(flat))
    step = width if width <= 2 * step else step
    work = np.empty((2, len(flat) * step))
    for start in range(0, width, step):
        tile = flat[:, start : start + step]
        buffers = work[:, : tile.size].reshape(2, *tile.shape)
        _reduce_tile(slab, tile, chains, start, buffers, columns, rows)
    sizes = np.diff(edges)
    shaped = {name: row.reshape(chains, draws) for name, row in rows.items()}
    if len(sizes) < draws:
        shaped = {name: np.add.reduceat(row, edges[:-1], axis=1) / sizes for name, row in shaped.items()}
    return columns, shaped


def _reduce_tile(
    slab: Slab, tile: np.ndarray, chains: int, start: int, work: np.ndarray, columns: dict[str, np.ndarray], rows: dict[str, np.ndarray]
) -> None:
    samples, width = tile.shape
    d, p = work
    ones, across, where = np.ones(samples), np.ones(width), slice(start, start + width)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # found below, by the sums
        mean = (ones @ tile.astype(np.float64, copy=False)) / samples
        np.subtract(tile, mean, out=d)
        top = low = np.zeros(width)
        mass = ones @ np.exp(d, out=p)
        inverse_mass = ones @ np.divide(1.0, p, out=p) if np.isfinite(mass).all() else mass
        if not (np.isfinite(inverse_mass).all() and (mass > 0).all()):  # a spread of hundreds of nats, or bad numbers
            if not np.isfinite(tile).all():
                _refuse(slab, tile.reshape(chains, -1, width), start, 0, 0)
            top, low = d.max(0), d.min(0)
            mass = ones @ np.exp(d - top)
            inverse_mass = ones @ np.exp(low - d, out=p)
    # p holds 1/p relative to its scale: E[1/p] and its influence; then p itself
    columns["log_mean_inverse"][where] = -mean - low + np.log(inverse_mass / samples)
    columns["weight_ess"][where] = inverse_mass**2 / np.einsum("ij,ij->j", p, p)
    rows["inverse_influence"] += p @ (samples / inverse_mass) - width
    columns["log_mean_density"][where] = mean + top + np.log(mass / samples)
    if top is low:
        np.divide(1.0, p, out=p)
    else:
        np.exp(d - top, out=p)
    rows["predictive_influence"] += p @ (samples / mass) - width
    # mean and variance, both corrected by the mean of the residuals
    rest = (ones @ d) / samples
    rows["total"] += d @ across + mean.sum()
    columns["mean"][where] = mean + rest
    np.multiply(d, d, out=d)
    squares = (ones @ d) / samples
    rows["variance_influence"] += d @ across - squares.sum()
    columns["variance"][where] = squares - rest**2


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
    """Blocks of draws into accumulators, of all draws in double precision and by group in single."""
    width = int(np.prod([i.stop - i.start for i in slab.index]))
    sums = {name: np.zeros(width) for name in ("mass", "inverse", "inverse_squares", "first", "second", "center")}
    sums["top"], sums["low"] = np.full(width, -np.inf), np.full(width, np.inf)
    groups = np.zeros((4, chains, len(edges) - 1, width), dtype=np.float32)  # mass, inverse, first and second moment
    total, count = np.zeros((chains, len(edges) - 1)), np.zeros((chains, len(edges) - 1))
    for chain, group, first, block in _read_blocks(slab, chains, edges):
        if not np.isfinite(block).all():
            _refuse(slab, block[None], 0, chain, first)
        if not count.any():
            sums["center"] = block.mean(0, dtype=np.float64)
        step = max(64, _TILE // len(block))
        for start in range(0, width, step):
            tile = slice(start, start + step)
            views = {name: array[tile] for name, array in sums.items()}
            _update(views, groups[..., tile], (chain, group), block[:, tile])
        total[chain, group] += block.sum(dtype=np.float64)
        count[chain, group] += len(block)
    return _finish(sums, groups, total, count)


def _read_blocks(slab: Slab, chains: int, edges: np.ndarray) -> Iterator[tuple[int, int, int, np.ndarray]]:
    """Blocks of draws (draws, width) of one chain and group, with the index of their first draw."""
    for base in range(0, chains, slab.block[0]):
        for start in range(0, int(edges[-1]), slab.block[1]):
            stop = min(start + slab.block[1], int(edges[-1]))
            read = slab.read(slice(base, base + slab.block[0]), slice(start, stop))
            for group in range(int(np.searchsorted(edges, start, "right")) - 1, int(np.searchsorted(edges, stop, "left"))):
                first, last = max(start, int(edges[group])), min(stop, int(edges[group + 1]))
                for chain, values in enumerate(read, base):
                    yield chain, group, first, values[first - start : last - start]


def _update(sums: dict[str, np.ndarray], groups: np.ndarray, where: tuple[int, int], block: np.ndarray) -> None:
    """Add a block (draws, width) of one group to the accumulators, in place."""
    d = block - sums["center"]
    for name, index, new in (("top", 0, np.maximum(sums["top"], d.max(0))), ("low", 1, np.minimum(sums["low"], d.min(0)))):
        moved = new != sums[name]
        if moved.any():
            with np.errstate(invalid="ignore"):
                factor = np.where(np.isfinite(sums[name]), np.exp(-np.abs(new - sums[name])), 0.0)
            groups[index] *= factor.astype(np.float32)
            sums["mass" if index == 0 else "inverse"] *= factor
            if index == 1:
                sums["inverse_squares"] *= factor**2
            sums[name][:] = new
    ones = np.ones(len(d))
    work = np.exp(d - sums["top"])
    found = [ones @ work]
    np.exp(np.subtract(sums["low"], d, out=work), out=work)
    found += [ones @ work, ones @ d]
    sums["inverse_squares"] += np.einsum("ij,ij->j", work, work)
    found.append(ones @ np.multiply(d, d, out=d))
    for index, name in enumerate(("mass", "inverse", "first", "second")):
        sums[name] += found[index]
        groups[(index, *where)] += found[index].astype(np.float32)


def _finish(
    sums: dict[str, np.ndarray], groups: np.ndarray, total: np.ndarray, count: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    samples, width = float(count.sum()), len(sums["mass"])
    shift = sums["first"] / samples
    variance = sums["second"] / samples - shift**2
    columns = {
        "log_mean_density": sums["center"] + sums["top"] + np.log(sums["mass"] / samples),
        "mean": sums["center"] + shift,
        "variance": variance,
        "log_mean_inverse": -sums["center"] - sums["low"] + np.log(sums["inverse"] / samples),
        "weight_ess": sums["inverse"] ** 2 / sums["inverse_squares"],
    }
    mass, inverse, first, second = groups
    # a vector in single precision: numpy would otherwise copy the groups to double
    rows = {
        "predictive_influence": (mass @ (samples / sums["mass"]).astype(np.float32)) / count - width,
        "total": total / count,
        "variance_influence": (second.sum(2, dtype=np.float64) - first @ (2 * shift).astype(np.float32)) / count
        + (shift**2 - variance).sum(),
        "inverse_influence": (inverse @ (samples / sums["inverse"]).astype(np.float32)) / count - width,
    }
    return columns, rows
