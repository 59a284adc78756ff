"""Experiments: what a talk is about, computed, with claims that can fail.

An experiment is a module of `germ.seminar.experiments` with one function

    def run(size: Size, seed: int) -> Outcome

that calls the library (an experiment holds no mathematics of its own), states claims about what came out, and draws figures. The first
line of the module's docstring says what is computed and is shown on the talk's page; `size` is "small" (seconds; what CI runs) or "full";
all randomness comes from `seed`. To add one:

1. write `experiments/<name>.py`; `jet_schemes.py` and `polynomial_division.py` are short ones to copy;
2. enter it in `experiments/__init__.py`: talk id → module name (or `NothingToCompute(reason)`, or `NotYet(capability)`);
3. try it: `germ seminar run ID --size small`.

Claims are made by the functions of `germ.seminar.claims`, each of which decides the verdict by its own rule. An experiment that raises
counts as a failed claim, never as a skipped one.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import germ
from germ.claim import collect_versions
from germ.errors import SeminarError
from germ.rng import check_seed
from germ.seminar.claims import CheckedClaim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Size = Literal["small", "full"]
SIZES: tuple[Size, ...] = ("small", "full")
REGISTRY = "seminar/experiments/__init__.py"  # which talk runs what does not change what comes out


@dataclass(frozen=True)
class Illustration:
    """A figure and what it shows.

    Args:
        figure: A matplotlib Figure (not made through pyplot).
        caption: One or two sentences that stand for the figure where it cannot be seen.
    """

    figure: Figure
    caption: str


@dataclass(frozen=True)
class Outcome:
    """What an experiment returns.

    Args:
        claims: At least one.
        figures: By short name (letters, digits, hyphens).
        inputs: What was put in, by name: polynomials, sample sizes, ...
        notes: Sentences for the reader.
    """

    claims: tuple[CheckedClaim, ...]
    figures: Mapping[str, Illustration] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NothingToCompute:
    """A talk without an experiment, for good.

    Args:
        reason: Why there is nothing to compute.
    """

    reason: str


@dataclass(frozen=True)
class NotYet:
    """A talk whose experiment needs something that germ does not have yet.

    Args:
        capability: What is missing.
    """

    capability: str


Entry = str | NothingToCompute | NotYet


@dataclass(frozen=True)
class Run:
    """One execution of a talk's experiment.

    Args:
        talk: Id of the talk.
        module: Name of the experiment's module.
        summary: First line of the module's docstring.
        size: "small" or "full".
        seed: The seed.
        seconds: Wall time.
        digest: Hash of the source that ran: a stored result with another one is out of date.
        versions: Of germ and its main dependencies.
        outcome: Claims and figures.
    """

    talk: str
    module: str
    summary: str
    size: Size
    seed: int
    seconds: float
    digest: str
    versions: Mapping[str, str]
    outcome: Outcome

    @property
    def passed(self) -> bool:
        """Whether every claim passed."""
        return bool(self.outcome.claims) and all(claim.passed for claim in self.outcome.claims)


def find_experiment(talk_id: str) -> Entry:
    """What the registry says about a talk.

    Args:
        talk_id: Id of a talk.

    Returns:
        The name of a module, or why there is none.

    Raises:
        SeminarError: For a talk that the registry does not know.
    """
    from germ.seminar.experiments import EXPERIMENTS

    if talk_id not in EXPERIMENTS:
        raise SeminarError(f"no entry for the talk {talk_id!r}", "a talk of the registry", "add it to germ/seminar/experiments/__init__.py")
    return EXPERIMENTS[talk_id]


def find_source(module: str) -> Path:
    """The file of an experiment's module, found without importing it."""
    path = Path(__file__).with_name("experiments") / f"{module}.py"
    if not path.is_file():
        raise SeminarError(f"no experiment {module!r}", f"a module {path.name} in germ/seminar/experiments")
    return path


def read_essay(talk_id: str) -> tuple[str, ...]:
    """What an experiment says of itself, without importing it.

    Args:
        talk_id: Id of a talk.

    Returns:
        The paragraphs of its module's docstring: what is computed, then what it is about. Empty for a talk without an experiment.

    Example:
        >>> len(read_essay("2022-11-24")), read_essay("2023-03-09")
        (2, ())
    """
    try:
        entry = find_experiment(talk_id)
    except SeminarError:
        return ()  # a talk of somebody's own catalogue
    if not isinstance(entry, str):
        return ()
    text = ast.get_docstring(ast.parse(find_source(entry).read_bytes())) or ""
    return tuple(" ".join(part.split()) for part in text.split("\n\n"))


@cache
def compute_digest(module: str) -> str:
    """Hash of the source of an experiment and of all modules of germ that it imports, directly or not.

    Args:
        module: Name of the experiment.

    Returns:
        Sixteen hexadecimal digits; they change when anything changes that the experiment's result can depend on.
    """
    package = Path(germ.__file__).parent
    waiting, seen = [find_source(module)], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [p for name in _find_imports(path) if (p := _find_module(package, name)) and p != package / REGISTRY]
    digest = hashlib.sha256()
    for path in sorted(seen):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _find_imports(path: Path) -> frozenset[str]:
    """Dotted names under germ that a file imports, anywhere in it; public names of germ by the module that defines them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "germ":
            found.add(f"germ.{node.attr}")
    return frozenset(germ._PUBLIC.get(name.removeprefix("germ.")) or name for name in found if name.startswith("germ."))


def _find_module(package: Path, name: str) -> Path | None:
    stem = package.joinpath(*name.split(".")[1:])
    return next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file()), None)


def run_experiment(talk_id: str, size: Size = "small", seed: int = 0) -> Run | NothingToCompute | NotYet:
    """Run the experiment of a talk.

    Args:
        talk_id: Id of a talk.
        size: "small" or "full".
        seed: Seed of all randomness.

    Returns:
        The run, or why there is none. An exception in the experiment becomes a claim that failed.

    Raises:
        SeminarError: For an unknown talk or size.
        InputError: For a seed out of range.
    """
    if size not in SIZES:
        raise SeminarError(f"the size {size!r}", f"one of {', '.join(SIZES)}")
    check_seed(seed)
    entry = find_experiment(talk_id)
    if not isinstance(entry, str):
        return entry
    digest = compute_digest(entry)
    module = importlib.import_module(f"germ.seminar.experiments.{entry}")
    start = time.perf_counter()
    try:
        outcome = module.run(size, seed)
        if not outcome.claims:
            raise SeminarError(f"the experiment {entry} made no claim", "at least one")
    except Exception as error:  # a crash of one experiment must not hide the others' results
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {' '.join(str(error).split())} ({Path(where.filename).name}:{where.lineno})"
        outcome = Outcome(
            (CheckedClaim("the experiment runs to its end", "claims", text, "crashed", False, "the framework", "no exception"),)
        )
    summary = (inspect.getdoc(module) or "").partition("\n")[0]
    seconds = round(time.perf_counter() - start, 3)
    return Run(talk_id, entry, summary, size, seed, seconds, digest, collect_versions("numpy", "scipy", "python-flint"), outcome)
