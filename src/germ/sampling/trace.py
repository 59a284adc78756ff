"""Draws on disk while they are made, and an interrupted run that goes on from there with the same bits.

A trace is a folder: `draws.zarr` in ArviZ's schema (`posterior` and `sample_stats` of the last rung, other rungs under `ladder/`), and
beside it `run.json` (what runs, how far it is, checksums) and one `state-….safetensors` (positions, momenta, generators). A commit appends
draws, writes the new state, and last replaces `run.json`, in one rename; whatever was written after the last such rename is cut off by the
next run, which makes the same draws again. So a kill at any moment costs at most the seconds since the last commit, and no draw.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from germ.errors import TraceError
from germ.sampling.kernels.parts import FIELDS

_FORMAT = 1
_INTERVAL = 1.0  # seconds between commits at least ...
_SHARE = 0.03  # ... and this share of the time may go into them
_CHUNK = 1024  # draws in a chunk
Draws = dict[str, np.ndarray]


@dataclass(frozen=True)
class Position:
    """How far a run is.

    Args:
        group: Group of chains.
        rung: Index of the rung.
        row: The next draw; negative in the burn-in.
        done: Whether the rung is complete.
    """

    group: int
    rung: int
    row: int
    done: bool


class TraceStore:
    """A trace on disk.

    Args:
        path: The folder; it is created, or holds the trace of the same run.
        fingerprint: What identifies the run: texts by name.

    Raises:
        TraceError: If the folder is of another run, damaged, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], fingerprint: Mapping[str, str]) -> None:
        self.path = Path(path)
        self._run: dict[str, Any] = {}
        self._wait, self._last = _INTERVAL, time.monotonic()
        self._arrays: dict[str, Any] = {}
        with _writing(self.path):
            if (self.path / "run.json").exists():
                self._read(fingerprint)
            elif self.path.exists() and not _is_blank(self.path):
                raise TraceError(
                    f"{self.path} exists and is not a trace", "a new folder, or the trace of this run", "choose another trace="
                )
            self.path.mkdir(parents=True, exist_ok=True)
            if not self._run:
                self._run = {
                    "format": _FORMAT,
                    "fingerprint": dict(fingerprint),
                    "recipe": None,
                    "position": None,
                    "complete": False,
                    "spent": 0.0,
                }
            self._root = self._open_store()

    @property
    def recipe(self) -> dict[str, Any] | None:
        """What was chosen when the run began, or None for a new run."""
        return self._run["recipe"]

    @property
    def position(self) -> Position | None:
        """How far the run is, or None."""
        return None if self._run["position"] is None else Position(**self._run["position"])

    @property
    def complete(self) -> bool:
        """Whether nothing is left to run."""
        return self._run["complete"]

    @property
    def spent(self) -> float:
        """Seconds that the run took so far."""
        return self._run["spent"]

    def begin(self, recipe: dict[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Write down what is run, before the first draw."""
        with _writing(self.path):
            if tensors:
                self._save("recipe.safetensors", tensors)
            self._run["recipe"] = recipe
            self._write_run()

    def load_recipe_tensors(self) -> dict[str, Tensor]:
        """Tensors of the recipe (a preconditioner)."""
        file = self.path / "recipe.safetensors"
        return self._load(file) if file.exists() else {}

    def is_due(self) -> bool:
        """Whether it is time for a commit."""
        return time.monotonic() - self._last > self._wait

    def commit(
        self, position: Position, name: str, chains: slice, nbeta: float, draws: Draws, state: Mapping[str, Tensor], spent: float
    ) -> None:
        """Write all draws so far of a rung and group, and the state after them.

        Args:
            position: How far the run is.
            name: Name of the rung.
            chains: The chains of the group.
            nbeta: nβ of the rung.
            draws: Draws so far, (chain, draw) by field, burn-in left out.
            state: What the next step needs.
            spent: Seconds of the run.

        Raises:
            TraceError: If the disk is full or the folder cannot be written.
        """
        began = time.monotonic()
        with _writing(self.path):
            if draws[FIELDS[0]].shape[1]:
                self._append(name, chains, nbeta, draws)
            old, number = self._run.get("state"), self._run.get("number", 0) + 1
            file = f"state-{number}.safetensors"
            self._save(file, state)
            crc = zlib.crc32((self.path / file).read_bytes())
            sums = self._run.get("checksums", {}) | {f"{name}/{chains.start}": [draws[FIELDS[0]].shape[1], _checksum(draws)]}
            self._run |= {
                "position": vars(position),
                "number": number,
                "state": file,
                "state_checksum": crc,
                "checksums": sums,
                "spent": spent,
            }
            self._write_run()
            if old:
                (self.path / old).unlink(missing_ok=True)
        self._last = time.monotonic()
        self._wait = max(_INTERVAL, (self._last - began) / _SHARE)

    def finish(self, spent: float) -> None:
        """Mark the run as complete, and drop its state."""
        with _writing(self.path):
            old = self._run.pop("state", None)
            self._run |= {"complete": True, "spent": spent}
            self._write_run()
            if old:
                (self.path / old).unlink(missing_ok=True)

    def load_state(self) -> dict[str, Tensor]:
        """The state at `position`."""
        file = self.path / self._run["state"]
        if not file.exists() or zlib.crc32(file.read_bytes()) != self._run["state_checksum"]:
            raise self._damaged(f"{file.name} is missing or was changed")
        return self._load(file)

    def load_draws(self, name: str, chains: slice) -> Draws:
        """The draws of a rung and group, as they were committed."""
        key = f"{name}/{chains.start}"
        if key not in self._run.get("checksums", {}):
            return {field: np.empty((chains.stop - chains.start, 0)) for field in FIELDS}
        count, crc = self._run["checksums"][key]
        if count == 0:
            return {field: np.empty((chains.stop - chains.start, 0)) for field in FIELDS}
        draws = {}
        for field in FIELDS:
            array = self._array(name, field)
            if array is None or array.shape[0] < chains.stop or array.shape[1] < count:
                raise self._damaged(f"draws of {name}/{field} are missing")
            try:
                draws[field] = np.asarray(array[chains, :count])
            except Exception as error:  # each codec has its own way to say that a chunk is truncated
                raise self._damaged(f"draws of {name}/{field} cannot be read ({type(error).__name__})") from error
        if _checksum(draws) != crc:
            raise self._damaged(f"draws of {name} were changed")
        return draws

    def _append(self, name: str, chains: slice, nbeta: float, draws: Draws) -> None:
        count = draws[FIELDS[0]].shape[1]
        known = self._run.get("checksums", {}).get(f"{name}/{chains.start}", [0, 0])[0]
        for field in (*FIELDS, "learning_coefficient"):
            values = nbeta * draws["difference"] - draws["correction"] if field == "learning_coefficient" else draws[field]
            array = self._array(name, field) or self._create(name, field)
            # Rows of other chains keep their length; what an interrupted run wrote beyond its last commit is overwritten.
            length = count if chains.start == 0 else max(count, array.shape[1])
            if array.shape != (chains.stop, length):
                array.resize((chains.stop, length))
            if known < count:
                array[chains, known:count] = values[:, known:]

    def _create(self, name: str, field: str) -> Any:
        group = self._root.require_group(_place(name, field))
        self._arrays[f"{name}/{field}"] = created = group.create_array(
            _VARIABLES.get(field, field), shape=(0, 0), chunks=(1, _CHUNK), dtype="float64", dimension_names=("chain", "draw"),
            fill_value=float("nan"), overwrite=True,
        )  # fmt: skip
        return created

    def _array(self, name: str, field: str) -> Any:
        key = f"{name}/{field}"
        if key not in self._arrays:
            place = f"{_place(name, field)}/{_VARIABLES.get(field, field)}"
            try:
                self._arrays[key] = self._root[place]
            except (KeyError, FileNotFoundError):
                return None
            except ValueError as error:
                raise self._damaged(f"the description of {name}/{field} cannot be read") from error
        return self._arrays[key]

    def _open_store(self) -> Any:
        try:
            return zarr.open_group(self.path / "draws.zarr", mode="a", zarr_format=3)
        except (OSError, TraceError):
            raise
        except Exception as error:
            raise self._damaged(f"its zarr store cannot be read ({type(error).__name__})") from error

    def _read(self, fingerprint: Mapping[str, str]) -> None:
        try:
            self._run = json.loads((self.path / "run.json").read_text())
            known = self._run["fingerprint"]
            missing = {"format", "recipe", "position", "complete", "spent"} - self._run.keys()
        except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise self._damaged("run.json is truncated or not JSON") from error
        if self._run.get("format") != _FORMAT or missing:
            raise TraceError(
                f"{self.path} has format {self._run.get('format')!r}",
                f"format {_FORMAT}",
                "read it with the germ that wrote it, or delete it",
            )
        different = [key for key in fingerprint if known.get(key) != fingerprint[key]]
        if different:
            raise TraceError(
                f"{self.path} is the trace of another run: it differs in {', '.join(different)}",
                "the trace of this model, data, seed and options",
                "choose another trace=, or delete the folder",
            )

    def _write_run(self) -> None:
        new = self.path / "run.json.new"
        new.write_text(json.dumps(self._run))
        os.replace(new, self.path / "run.json")

    def _save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        new = self.path / f"{name}.new"
        save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, new)
        os.replace(new, self.path / name)

    def _load(self, file: Path) -> dict[str, Tensor]:
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise self._damaged(f"{file.name} cannot be read") from error

    def _damaged(self, what: str) -> TraceError:
        return TraceError(
            f"the trace {self.path} is damaged: {what}", "files as germ wrote them", "restore the folder, or delete it to start again"
        )


def _is_blank(path: Path) -> bool:
    # A run that was killed before its first commit leaves an empty store, and nothing else.
    return path.is_dir() and {entry.name for entry in path.iterdir()} <= {"draws.zarr", "run.json.new", "recipe.safetensors"}


_VARIABLES = {"difference": "loss_difference"}


def _place(name: str, field: str) -> str:
    group = "posterior" if field in ("difference", "learning_coefficient") else "sample_stats"
    return group if name == "main" else f"ladder/{name}/{group}"


def _checksum(draws: Draws) -> int:
    crc = 0
    for field in FIELDS:
        crc = zlib.crc32(np.ascontiguousarray(draws[field]).tobytes(), crc)
    return crc


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TraceError(
            f"the trace {path} cannot be written: {error.strerror or error}", "a folder on a disk with room",
            "free space or choose another trace=; what was committed is intact",
        ) from error  # fmt: skip


def pack_state(state: Any) -> dict[str, Tensor]:
    """The tensors of a kernel's state, by field."""
    found = {field.name: getattr(state, field.name) for field in fields(state)}
    return {f"state.{name}": value for name, value in found.items() if isinstance(value, Tensor)}


def unpack_state(template: Any, tensors: Mapping[str, Tensor]) -> Any:
    """A kernel's state from its tensors; `template` is a state of the same kind.

    Args:
        template: What `kernel.init` gave.
        tensors: From `pack_state`.

    Returns:
        The state, on the template's device.
    """
    device = template.position.device
    return type(template)(
        **{field.name: tensors[f"state.{field.name}"].to(device) for field in fields(template) if f"state.{field.name}" in tensors}
    )
