"""Run files: which model, checkpoint, data and loss, in TOML, and with which options.

    model = "my_package.networks:make_model"     # a function without arguments, or with those of [model_arguments]
    checkpoint = "model.safetensors"             # or what torch.load(weights_only=True) reads
    data = "digits.npz"                          # .npz, .safetensors, .pt; or "module:function"
    loss = "cross_entropy"                       # or "mean_squared_error", "squared_error", or "module:function"

    [options]                                    # those of germ.estimate_learning_coefficient
    seed = 0
    budget = 60

Paths are relative to the run file, and modules are looked for beside it first.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from germ.errors import CheckpointError, DataError, GermError, RunFileError

_TEXTS = ("model", "checkpoint", "data", "loss")
_TABLES = ("model_arguments", "options")
# Options of `estimate_learning_coefficient` that a file can hold, with their types.
OPTIONS: dict[str, tuple[type, ...]] = {
    "seed": (int,), "precision": (float, int), "budget": (float, int), "parameters": (list,), "method": (str,), "kernel": (str,),
    "nbeta": (float, int), "localization": (float, int), "step_size": (float, int), "batch_size": (int,), "chains": (int,), "draws": (int,),
    "burn_in": (int,), "trace": (str,), "on_failure": (str,),
}  # fmt: skip


@dataclass(frozen=True)
class RunFile:
    """What a run file says.

    Args:
        folder: Where paths start.
        model: "module:factory".
        data: A file, or "module:function".
        loss: A name, or "module:function".
        checkpoint: A file, or None for the factory's own weights.
        model_arguments: Keywords of the factory.
        options: Keywords of `estimate_learning_coefficient`.
    """

    folder: Path
    model: str
    data: str
    loss: str
    checkpoint: str | None = None
    model_arguments: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def read_run_file(path: Path, changes: Mapping[str, Any] | None = None) -> RunFile:
    """Read a run file.

    Args:
        path: The file.
        changes: Keys and options that replace those of the file.

    Returns:
        What it says, checked.

    Raises:
        RunFileError: If the file is missing, no TOML, has unknown or missing keys, or a value of a wrong type.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RunFileError(f"{path} cannot be read: {error}", "a run file in TOML", "check the path") from None
    except tomllib.TOMLDecodeError as error:
        raise RunFileError(
            f"{path} is not TOML: {error}", 'lines like model = "module:factory"', "quote texts; see `germ llc --help`"
        ) from None
    changes = dict(changes or {})
    for key in document:
        if key not in (*_TEXTS, *_TABLES):
            hint = f"write it under [options]: {key} = ..." if key in OPTIONS else "remove it, or check its spelling"
            raise RunFileError(f"{path}: unknown key {key!r}", f"one of {', '.join((*_TEXTS, *_TABLES))}", hint)
    for key in _TABLES:
        if not isinstance(document.get(key, {}), dict):
            raise RunFileError(f"{path}: {key} = {document[key]!r}", f"a table [{key}]", f"write [{key}] on a line of its own")
    document |= {key: changes.pop(key) for key in _TEXTS if key in changes}
    for key in _TEXTS:
        value = document.get(key)
        if value is None and key != "checkpoint":
            raise RunFileError(f"{path}: {key} is missing", f"{key} = a text", f"add it, e.g. {_EXAMPLES[key]}")
        if value is not None and not isinstance(value, str):
            raise RunFileError(f"{path}: {key} = {value!r} ({type(value).__name__})", "a text", f"write e.g. {_EXAMPLES[key]}")
    options = dict(document.get("options", {})) | changes
    for key, value in options.items():
        if key not in OPTIONS:
            raise RunFileError(f"{path}: unknown option {key!r}", f"one of {', '.join(OPTIONS)}", "remove it, or check its spelling")
        if isinstance(value, bool) or not isinstance(value, OPTIONS[key]):
            wanted = {int: "an integer", float: "a number", str: "a text", list: "a list of texts"}[OPTIONS[key][0]]
            raise RunFileError(f"{path}: option {key} = {value!r} ({type(value).__name__})", wanted, "write numbers without quotes")
    return RunFile(
        path.resolve().parent, document["model"], document["data"], document["loss"], document.get("checkpoint"),
        document.get("model_arguments", {}), options,
    )  # fmt: skip


_EXAMPLES = {
    "model": 'model = "my_package.networks:make_model"',
    "checkpoint": 'checkpoint = "model.safetensors"',
    "data": 'data = "data.npz"',
    "loss": 'loss = "cross_entropy"',
}


def load_run(run: RunFile) -> tuple[nn.Module, Callable[[nn.Module, Any], Tensor], Any]:
    """Make the model, loss and data of a run.

    Args:
        run: The run.

    Returns:
        Arguments of `estimate_learning_coefficient`.

    Raises:
        RunFileError: If a module or function is missing, or the factory fails.
        CheckpointError: If the checkpoint is missing, a pickle, or does not fit.
        DataError: If the data cannot be read.
    """
    with _importing_from(run.folder):
        factory = _find_function(run.model, "model")
        try:
            model = factory(**run.model_arguments)
        except GermError:
            raise
        except Exception as error:
            try:
                inspect.signature(factory).bind(**run.model_arguments)
            except TypeError:
                signature = f"{run.model}{inspect.signature(factory)}"
                told = f"model = {run.model!r} cannot be called: {error}"
                raise RunFileError(told, signature, "set its arguments in [model_arguments]") from error
            told = f"model = {run.model!r} failed: {type(error).__name__}: {error}"
            raise RunFileError(told, "a function that makes the network", "call it in Python to see where it fails") from error
        if not isinstance(model, nn.Module):
            raise RunFileError(f"model = {run.model!r} made a {type(model).__name__}", "a torch.nn.Module", "return the network")
        loss = _LOSSES[run.loss] if run.loss in _LOSSES else _find_function(run.loss, "loss")
        data = _make_data(run.data) if ":" in run.data and not (run.folder / run.data).exists() else None
    if run.checkpoint is not None:
        load_checkpoint(model, run.folder / run.checkpoint)
    return model, loss, load_data(run.folder / run.data) if data is None else data


def _make_data(text: str) -> Any:
    function = _find_function(text, "data")
    try:
        return function()
    except GermError:
        raise
    except Exception as error:
        told = f"data = {text!r} failed: {type(error).__name__}: {error}"
        raise RunFileError(told, "a function without arguments that returns the data", "call it in Python to see where it fails") from error


def load_checkpoint(model: nn.Module, path: Path) -> None:
    """Put a checkpoint's weights into a model: safetensors, or a state dict that `torch.load(weights_only=True)` reads.

    Args:
        model: The model.
        path: The file.

    Raises:
        CheckpointError: If it is missing, damaged, a pickle of anything but tensors, or of another model.
    """
    state = _read_tensors(path, CheckpointError)
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not (isinstance(state, dict) and all(isinstance(v, Tensor) for v in state.values())):
        raise CheckpointError(
            f"{path} holds a {type(state).__name__}", "a state dict, name → tensor", "save it with torch.save(model.state_dict(), path)"
        )
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        known = ", ".join(list(model.state_dict())[:6])
        raise CheckpointError(
            f"{path} does not fit the model: {'; '.join(lines)[:300]}", f"tensors {known}, ...", "check the factory and [model_arguments]"
        ) from None


def load_data(path: Path) -> Any:
    """Read arrays from .npz, .safetensors or .pt: a tuple in the order of the file, or of the names x, y where these are all.

    Args:
        path: The file.

    Returns:
        A tuple of tensors.

    Raises:
        DataError: If it is missing or cannot be read.
    """
    if path.suffix == ".npz":
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: torch.from_numpy(np.ascontiguousarray(file[name])) for name in file.files}
        except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path} cannot be read: {error}", "arrays of numbers in .npz", "save it with numpy.savez(path, x=x, y=y)"
            ) from None
        return tuple(arrays.values())
    found = _read_tensors(path, DataError)
    if isinstance(found, dict):
        found = tuple(found[name] for name in (("x", "y") if set(found) == {"x", "y"} else found))
    return found


def _read_tensors(path: Path, kind: type[GermError]) -> Any:
    if not path.is_file():
        raise kind(f"there is no file {path}", "a path relative to the run file", "check the name")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise kind(f"{path} is not a safetensors file: {error}", "a whole file", "save it again with safetensors.torch.save_file") from None
    except Exception as error:  # torch raises many kinds for what is no archive of tensors
        raise kind(
            f"{path} is refused: it is damaged, or a pickle that could run code ({str(error).splitlines()[0][:120]})",
            "safetensors, or tensors that torch.load(weights_only=True) reads",
            "save only tensors: safetensors.torch.save_file(model.state_dict(), path)",
        ) from None


def _find_function(text: str, key: str) -> Callable[..., Any]:
    module, colon, name = text.partition(":")
    if not colon or not module or not name:
        known = f", or one of {', '.join(_LOSSES)}" if key == "loss" else ", or a file" if key == "data" else ""
        raise RunFileError(f"{key} = {text!r}", f'"module:function"{known}', f"write e.g. {_EXAMPLES[key]}")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise RunFileError(f"{key} = {text!r}: {error}", "a module beside the run file, or installed", "check the name") from error
    except AttributeError:
        raise RunFileError(f"{key} = {text!r}: module {module!r} has no {name!r}", "a function of that module", "check the name") from None
    if not callable(found):
        raise RunFileError(f"{key} = {text!r} is a {type(found).__name__}", "a function", "name a function or a class")
    return found  # type: ignore[no-any-return]


@contextmanager
def _importing_from(folder: Path) -> Any:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _cross_entropy(model: nn.Module, batch: Any) -> Tensor:
    return nn.functional.cross_entropy(model(batch[0]), batch[1], reduction="none")


def _squared_error(model: nn.Module, batch: Any) -> Tensor:
    return (model(batch[0]) - batch[1]).pow(2).flatten(1).sum(1) / 2


def _mean_squared_error(model: nn.Module, batch: Any) -> Tensor:
    return (model(batch[0]) - batch[1]).pow(2).flatten(1).mean(1)


# "squared_error" is Σ (f − y)²/2: nats, up to a constant, of Gaussian noise of variance 1.
_LOSSES: dict[str, Callable[[nn.Module, Any], Tensor]] = {
    "cross_entropy": _cross_entropy,
    "squared_error": _squared_error,
    "mean_squared_error": _mean_squared_error,
}
