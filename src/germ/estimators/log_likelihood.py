"""Recorded log-likelihoods log p(x_i|w_s), wherever they are: in memory, on disk, in ArviZ's schema or in a plain array.

The criteria need one thing from a posterior: for each draw s and each observation i the log-likelihood. ArviZ's schema keeps it in a group
`log_likelihood`, one variable for each observed variable, with dimensions (chain, draw, ...). `read_log_likelihood` finds it in anything
of that shape (xarray DataTree, InferenceData, Dataset, DataArray, a mapping, an array, a path) without importing ArviZ, checks it, and
returns a `LogLikelihood`, which hands out the numbers in slabs of observations that fit in memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from germ.errors import DataError, InputError, TraceError
from germ.estimators.posterior_files import open_posterior

CHUNK_BYTES = 2**26  # what a slab may take unless the caller says otherwise
Combine = Literal["sum", "concatenate"]


@dataclass(frozen=True)
class Part:
    """Arrays (chain, draw, ...) over the same observations; their sum is the log-likelihood.

    Args:
        name: The variable's name, or names joined by "+".
        arrays: DataArrays with dimensions chain, draw and the observations' dimensions.
    """

    name: str
    arrays: tuple[xr.DataArray, ...]

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the observations."""
        return tuple(str(d) for d in self.arrays[0].dims if d not in ("chain", "draw"))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the observations' dimensions."""
        return tuple(self.arrays[0].sizes[d] for d in self.dims)

    def stored(self) -> dict[str, int]:
        """Chunk sizes by dimension as stored; empty for an array that is stored in one piece or in memory."""
        array = self.arrays[0]
        if array.chunks is not None:
            return {str(d): max(c) for d, c in zip(array.dims, array.chunks, strict=True)}
        for key in ("preferred_chunks", "chunksizes", "chunks"):
            found = array.encoding.get(key)
            if isinstance(found, Mapping):
                return {str(d): int(c) for d, c in found.items()}
            if isinstance(found, (tuple, list)) and len(found) == array.ndim:
                return {str(d): int(c) for d, c in zip(array.dims, found, strict=True)}
        return {}


@dataclass(frozen=True)
class Slab:
    """Some observations of one part, all their draws, not yet read.

    Args:
        part: Which part.
        number: Its index.
        index: A slice for each of the observations' dimensions.
        streamed: Whether all draws together are too large, so that they have to be read in blocks.
        block: Chains and draws in such a block.
    """

    part: Part
    number: int
    index: tuple[slice, ...]
    streamed: bool
    block: tuple[int, int]

    def read(self, chain: slice = slice(None), draw: slice = slice(None)) -> np.ndarray:
        """Read (chain, draw, width), the observations in C order, in the stored precision."""
        where = {"chain": chain, "draw": draw} | dict(zip(self.part.dims, self.index, strict=True))
        total: np.ndarray | None = None
        for array in self.part.arrays:
            piece = _load(self.part.name, array.isel(where).transpose("chain", "draw", *self.part.dims))
            total = piece if total is None else total + piece
        assert total is not None
        return total.reshape(*total.shape[:2], math.prod(total.shape[2:]))


def _load(name: str, lazy: xr.DataArray) -> np.ndarray:
    try:
        return lazy.values
    except Exception as error:  # stores and graphs are read here for the first time, and raise whatever their libraries raise
        raise TraceError(
            f"log_likelihood[{name!r}] cannot be read: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}",
            "numbers that can be read from where they are stored",
            "write the posterior again: a store that was copied in part looks like this",
        ) from error


@dataclass(frozen=True)
class LogLikelihood:
    """log p(x_i|w_s) for chains, draws and n observations.

    Args:
        parts: Their observations one after the other are the n observations.
        posterior: The posterior group as a Dataset, or None.
        chunk_bytes: Memory that one slab may take.
        beta: Inverse temperature of the draws, where the group records one, as germ's own posteriors do.
    """

    parts: tuple[Part, ...]
    posterior: Any = None
    chunk_bytes: int = CHUNK_BYTES
    beta: float | None = None

    @property
    def chains(self) -> int:
        """Number of chains."""
        return self.parts[0].arrays[0].sizes["chain"]

    @property
    def draws(self) -> int:
        """Draws of one chain."""
        return self.parts[0].arrays[0].sizes["draw"]

    @property
    def observations(self) -> int:
        """The number n of observations, of all parts together."""
        return sum(math.prod(p.shape) for p in self.parts)

    @property
    def name(self) -> str:
        """Names of the variables."""
        return ", ".join(p.name for p in self.parts)

    def slabs(self, whole: int | None = None) -> Iterator[Slab]:
        """All observations, in slabs that follow the stored chunks where there are any.

        Args:
            whole: Bytes that all draws of a slab may take, for a caller that needs all draws at once: slabs are then as narrow as that
                asks, and a stored chunk may be read several times.

        Yields:
            The slabs.
        """
        for number, part in enumerate(self.parts):
            yield from _cut(part, number, self.chains * self.draws, whole or self.chunk_bytes, whole is not None)

    def make_views(self, flat: np.ndarray) -> list[np.ndarray]:
        """Views of an array over all observations (n,), one in the shape of each part."""
        views, offset = [], 0
        for part in self.parts:
            size = math.prod(part.shape)
            views.append(flat[offset : offset + size].reshape(part.shape))
            offset += size
        return views


def _cut(part: Part, number: int, samples: int, chunk_bytes: int, whole: bool) -> Iterator[Slab]:
    stored = part.stored()
    unit = [min(stored.get(d, 1), size) for d, size in zip(part.dims, part.shape, strict=True)]
    limit = max(1, chunk_bytes // (8 * samples))
    if whole and math.prod(unit) > limit:
        unit = [1] * len(unit)
    streamed = math.prod(unit) > limit
    size = list(unit)
    for axis in () if streamed else reversed(range(len(size))):  # widen by whole chunks, the fastest dimension first
        rest = math.prod(size) // size[axis]
        size[axis] = min(part.shape[axis], max(1, limit // (rest * unit[axis])) * unit[axis])
        if size[axis] < part.shape[axis]:
            break
    # Streamed blocks are whole chunks too: reading a part of one costs as much as reading it all.
    block = (stored.get("chain", 1), stored.get("draw", 1))
    block = (block[0], block[1] * max(1, chunk_bytes // (8 * math.prod(block) * math.prod(size))))
    ranges = [range(0, length, step) for length, step in zip(part.shape, size, strict=True)]
    for corner in itertools.product(*ranges):
        index = tuple(slice(a, min(a + step, length)) for a, step, length in zip(corner, size, part.shape, strict=True))
        yield Slab(part, number, index, streamed, block)


def read_log_likelihood(
    idata: Any, *, variable: str | Sequence[str] | None = None, combine: Combine = "sum", chunk_bytes: int = CHUNK_BYTES
) -> LogLikelihood:
    """Find the recorded log-likelihoods and check their shape; nothing large is read.

    Args:
        idata: A posterior of `germ.sample_posterior`; DataTree or InferenceData with a group `log_likelihood`; that group as a Dataset; one
            DataArray; a mapping with the same keys; an array (chain, draw, observation, ...); or a path (netCDF, zarr, npy).
        variable: Which variable of the group, where there are several; a sequence takes several of them.
        combine: How several are put together: "sum" adds the log-likelihoods of the same observations (each unit contributes the sum of
            its terms), "concatenate" takes them as different observations.
        chunk_bytes: Memory in bytes that a slab of draws may take.

    Returns:
        The log-likelihoods, unread.

    Raises:
        DataError: If there is no such group or variable, or the dimensions are wrong.

    Example:
        >>> import numpy as np
        >>> found = read_log_likelihood(np.zeros((4, 100, 7)))
        >>> found.chains, found.draws, found.observations
        (4, 100, 7)
    """
    if isinstance(idata, LogLikelihood):
        return idata
    if combine not in ("sum", "concatenate"):
        raise InputError(f"got combine={combine!r}", '"sum" or "concatenate"', "leave it out where there is one observed variable")
    if isinstance(idata, (str, Path)):
        idata = open_posterior(idata)
    if hasattr(idata, "to_datatree"):  # germ's own posterior, which knows its problem and data
        idata = idata.to_datatree()
    group, posterior, beta = _find_groups(idata)
    chosen = _choose(group, variable)
    arrays = [_check_array(name, group[name]) for name in chosen]
    sizes = {(a.sizes["chain"], a.sizes["draw"]) for a in arrays}
    if len(sizes) > 1:
        raise DataError(f"the variables {chosen} have (chain, draw) = {sorted(sizes)}", "the same draws", "choose one by variable=")
    if combine == "concatenate":
        parts = tuple(Part(name, (array,)) for name, array in zip(chosen, arrays, strict=True))
    else:
        shapes = {a.name: tuple(s for d, s in a.sizes.items() if d not in ("chain", "draw")) for a in arrays}
        if len(set(shapes.values())) > 1:
            raise DataError(
                f"variables over different observations cannot be summed: {shapes}",
                "the same observations in each",
                'pass combine="concatenate" (--combine concatenate) to take them as different observations, or choose one by variable=',
            )
        first = Part(chosen[0], (arrays[0],))
        renamed = [a.rename(dict(zip(Part("", (a,)).dims, first.dims, strict=True))) for a in arrays]
        parts = (Part("+".join(chosen), tuple(renamed)),)
    return _check_counts(LogLikelihood(parts, posterior, int(chunk_bytes), beta))


def _check_counts(found: LogLikelihood) -> LogLikelihood:
    total = found.chains * found.draws
    if total < 2:
        raise DataError(f"{total} draw(s) of {found.name!r}", "at least two draws: a variance over the posterior is needed", "sample more")
    if found.observations < 2:
        raise DataError(
            f"{found.observations} observation(s) in {found.name!r}, dimensions {found.parts[0].dims}",
            "log-likelihoods of at least two observations",
            "record the log-likelihood of each observation, not their sum over the data",
        )
    if found.chunk_bytes < 8:
        raise DataError(f"chunk_bytes = {found.chunk_bytes}", "a positive number of bytes", "leave it out for the default")
    return found


def _find_groups(idata: Any) -> tuple[Mapping[str, xr.DataArray], Any, float | None]:
    """The log-likelihoods by name, the posterior's Dataset where there is one, and β where it is recorded."""
    if hasattr(idata, "detach"):  # a torch tensor
        idata = idata.detach().cpu().numpy()
    if isinstance(idata, xr.DataArray):
        return {str(idata.name or "log_likelihood"): idata}, None, None
    if isinstance(idata, np.ndarray) or (hasattr(idata, "shape") and hasattr(idata, "dtype")):
        return {"log_likelihood": _label(idata)}, None, None
    group, posterior = _get_group(idata, "log_likelihood"), _get_group(idata, "posterior")
    if group is None and isinstance(idata, xr.Dataset):
        group = idata
    if group is None:
        names = _list_groups(idata)
        raise DataError(
            f"{type(idata).__name__} without a group 'log_likelihood'" + (f"; it has {', '.join(names)}" if names else ""),
            "log-likelihoods of each observation at each draw, in a group 'log_likelihood'",
            "PyMC: pm.compute_log_likelihood(idata); NumPyro: az.from_numpyro(mcmc, log_likelihood=True); "
            "CmdStanPy: az.from_cmdstanpy(fit, log_likelihood='log_lik'); or pass an array (chain, draw, observation)",
        )
    if isinstance(group, xr.Dataset) or hasattr(group, "data_vars"):
        beta = group.attrs.get("beta")
        return {str(k): v for k, v in group.data_vars.items()}, posterior, None if beta is None else float(beta)
    if isinstance(group, Mapping):
        return {str(k): v if isinstance(v, xr.DataArray) else _label(v) for k, v in group.items()}, posterior, None
    return {"log_likelihood": group if isinstance(group, xr.DataArray) else _label(group)}, posterior, None


def _get_group(idata: Any, name: str) -> Any:
    if isinstance(idata, xr.DataTree):
        return idata[name].to_dataset() if name in idata.children else None
    if isinstance(idata, Mapping):
        return idata.get(name)
    if isinstance(idata, xr.Dataset):
        return None
    return getattr(idata, name, None)  # InferenceData keeps groups as attributes


def _list_groups(idata: Any) -> list[str]:
    if isinstance(idata, (xr.DataTree, Mapping)):
        return sorted(map(str, getattr(idata, "children", idata)))
    groups = getattr(idata, "groups", None)
    return list(groups()) if callable(groups) else []


def _label(array: Any) -> xr.DataArray:
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        try:
            array = np.asarray(array, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"a {type(array).__name__} where log-likelihoods should be", "numbers, (chain, draw, observation)", "pass an array"
            ) from error
    if len(array.shape) < 3:
        raise DataError(
            f"an array of shape {tuple(array.shape)}",
            "(chain, draw, observation), or more dimensions of observations",
            "one chain: pass array[None]; the log-likelihood has to be kept for each observation",
        )
    return xr.DataArray(array, dims=("chain", "draw", *(f"observation_{i}" for i in range(len(array.shape) - 2))))


def _choose(group: Mapping[str, xr.DataArray], variable: str | Sequence[str] | None) -> list[str]:
    names = list(group)
    if variable is None:
        if len(names) != 1:
            raise DataError(
                f"the group log_likelihood has {len(names)} variables: {', '.join(names) or 'none'}",
                "one, or a choice",
                "pass variable='name' (--variable name), or several of them, to be summed or concatenated by combine="
                if names
                else "record log-likelihoods",
            )
        return names
    chosen = [variable] if isinstance(variable, str) else list(variable)
    missing = [name for name in chosen if name not in group]
    if missing or not chosen:
        raise DataError(f"no variable {missing or chosen} in log_likelihood", f"one of {names}", "check variable= (--variable)")
    return chosen


def _check_array(name: str, array: xr.DataArray) -> xr.DataArray:
    lacking = {"chain", "draw"} - set(array.dims)
    if lacking:
        raise DataError(
            f"log_likelihood[{name!r}] has dimensions {tuple(map(str, array.dims))}",
            "chain and draw among them",
            "unstack a 'sample' dimension by .unstack(), or rename the dimensions of draws to chain and draw",
        )
    if array.dtype.kind not in "fiu":
        raise DataError(f"log_likelihood[{name!r}] has dtype {array.dtype}", "real numbers", "convert it to float64")
    return array.rename(name)
