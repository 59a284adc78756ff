"""Posteriors on disk: netCDF, zarr and npy files opened lazily, and only if opening them cannot run somebody else's code.

A file of draws is data from a stranger. netCDF and npy are read without pickle; a zarr store is looked through first, since the codecs
named in its metadata are run when a chunk is read and one of them (`pickle`) executes what it finds. A store that declares far more
numbers than its bytes can hold is refused before memory is asked for.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from germ.errors import GermError, MissingDependencyError, TraceError

_CODECS = frozenset(
    {
        *("blosc", "zlib", "gzip", "zstd", "lz4", "lzma", "bz2", "zfpy", "pcodec", "crc32c", "crc32", "adler32", "fletcher32", "shuffle"),
        *("bytes", "endian", "transpose", "sharding_indexed", "vlen-utf8", "vlen-bytes"),
        *("delta", "fixedscaleoffset", "quantize", "bitround", "packbits", "astype"),
    }
)  # codecs that only move and compress numbers and text
_LARGEST_RATIO = 2000  # declared bytes per stored byte; deflate cannot exceed 1032, and a posterior is nowhere near that
_READERS = {"h5netcdf": ("h5netcdf", "h5py"), "netcdf4": ("netCDF4",)}  # engines of xarray and what they import
_SLACK = 2**26  # bytes that any file may declare
_LARGEST_METADATA = 2**26  # bytes of one file of metadata


def open_posterior(path: str | Path) -> Any:
    """Open a posterior file lazily.

    Args:
        path: A netCDF file (.nc, .nc4, .h5), a zarr directory or zip, or an .npy array (chain, draw, observation).

    Returns:
        An xarray DataTree, or a memory-mapped array for .npy.

    Raises:
        TraceError: If there is no such file, it is damaged, of another kind, or unsafe to read.
        MissingDependencyError: If it is a netCDF file and no package that reads those is installed.
    """
    path = Path(path)
    if not path.exists():
        raise TraceError(f"no file {str(path)!r}", "a netCDF file, a zarr store or an .npy array", "check the path; germ does not download")
    is_zarr = path.is_dir() or path.suffix == ".zip" or path.name.endswith(".zarr.zip")
    try:
        if path.suffix == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False)
        if is_zarr:
            _check_codecs(path)
        tree = xr.open_datatree(path, engine="zarr", consolidated=False) if is_zarr else _open_netcdf(path)
    except GermError:
        raise
    except Exception as error:  # the readers raise whatever their C libraries raise
        raise TraceError(
            f"{str(path)!r} cannot be read: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            "a whole netCDF file (.nc), zarr store (.zarr) or .npy array",
            "write the posterior again: a copy that was cut short looks like this",
        ) from error
    _check_size(tree, path)
    return tree


def _open_netcdf(path: Path) -> Any:
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] != b"\x89HDF" and head[:3] != b"CDF":
        raise TraceError(
            f"{str(path)!r} {f'begins with {head!r}' if head else 'is empty'}",
            "a netCDF or HDF5 file, a zarr store (a folder, or .zip), or an .npy array",
            "save the posterior by idata.to_netcdf(...) or tree.to_netcdf(...); pickles are not read",
        )
    for engine, modules in _READERS.items():
        if all(find_spec(module) for module in modules):
            return xr.open_datatree(path, engine=engine)
    raise MissingDependencyError(
        f"no reader of netCDF files is installed, to open {str(path)!r}",
        "h5netcdf with h5py, or netCDF4",
        "pip install 'germ[bayes]'; or save the posterior as zarr or .npy",
    )


def _check_codecs(path: Path) -> None:
    for where, text in _read_metadata(path):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TraceError(f"{where!r} of {str(path)!r} is not JSON", "zarr metadata", "write the store again") from error
        unknown = sorted(set(_find_codecs(document)) - _CODECS)
        if unknown:
            raise TraceError(
                f"{where!r} of {str(path)!r} asks for the codecs {unknown}",
                "codecs that only compress numbers or text",
                "write the store with xarray's defaults; a pickle codec would run code from the file",
            )


def _read_metadata(path: Path) -> Iterator[tuple[str, str]]:
    names = {"zarr.json", ".zarray", ".zmetadata"}
    if path.is_dir():
        for file in path.rglob("*"):
            if file.name in names:
                _check_metadata(file.stat().st_size, file.name, path)
                yield str(file.relative_to(path)), file.read_text(encoding="utf-8")
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.rsplit("/", 1)[-1] in names:
                _check_metadata(member.file_size, member.filename, path)
                yield member.filename, archive.read(member).decode("utf-8")


def _check_metadata(size: int, name: str, path: Path) -> None:
    if size > _LARGEST_METADATA:
        raise TraceError(f"{name!r} of {str(path)!r} has {size} bytes", "metadata of a few kilobytes", "write the store again")


def _find_codecs(node: Any) -> Iterator[str]:
    # zarr 3 names a codec under "codecs" as {"name": ...}; zarr 2 has {"id": ...} under "compressor" and "filters".
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("codecs", "index_codecs", "filters", "compressor", "compressors", "serializer"):
                for codec in value if isinstance(value, list) else [value]:
                    if isinstance(codec, dict):
                        yield str(codec.get("name", codec.get("id", "?"))).removeprefix("numcodecs.").lower()
                    elif codec is not None:
                        yield str(codec).lower()
            yield from _find_codecs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _find_codecs(value)


def _check_size(tree: Any, path: Path) -> None:
    stored = sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size
    for node in tree.subtree:
        for name, variable in node.ds.variables.items():
            chunk = variable.encoding.get("preferred_chunks") or {}  # a chunk is read whole
            declared = max(math.prod(variable.shape), math.prod(map(int, chunk.values()))) * max(1, variable.dtype.itemsize)
            if declared > _SLACK + _LARGEST_RATIO * stored:
                raise TraceError(
                    f"{node.path.rstrip('/')}/{name} of {str(path)!r} declares {declared:.3g} bytes; the file has {stored}",
                    "a file that holds the numbers it declares",
                    "write the posterior again",
                )
