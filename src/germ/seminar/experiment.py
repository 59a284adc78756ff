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

import hashlib
import importlib
import inspect
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from germ.claim import collect_versions
from germ.errors import SeminarError
from germ.seminar.claims import CheckedClaim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Size = Literal["small", "full"]
SIZES: tuple[Size, ...] = ("small", "full")


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
        digest: Hash of the module's source: a stored result with another one is out of date.
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


def compute_digest(module: str) -> str:
    """Hash of an experiment's source."""
    return hashlib.sha256(find_source(module).read_bytes()).hexdigest()[:16]


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
    """
    if size not in SIZES:
        raise SeminarError(f"the size {size!r}", f"one of {', '.join(SIZES)}")
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
