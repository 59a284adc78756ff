"""Results of experiments as files, so that the site can be built without running anything again.

A folder holds `<talk>.json` (claims, inputs, notes, versions) and `<talk>-<figure>.svg` for each run. A result is out of date when the
source of its experiment, or of anything of germ that the experiment imports, has changed since; the site says so and does not count it.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from germ.errors import SeminarError
from germ.seminar.claims import CheckedClaim
from germ.seminar.experiment import NothingToCompute, NotYet, Run, Size, compute_digest, find_experiment, run_experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
MAX_SVG = 60_000
DEFAULT_RESULTS = Path("build/seminar")


@dataclass(frozen=True)
class StoredFigure:
    """A drawn figure.

    Args:
        file: Name of the file in the folder of results.
        caption: What it shows.
    """

    file: str
    caption: str


@dataclass(frozen=True)
class Result:
    """A run, read from its file.

    Args:
        talk: Id of the talk.
        module: Name of the experiment.
        summary: What it computes.
        size: "small" or "full".
        seed: The seed.
        seconds: Wall time.
        digest: Hash of the source that ran.
        versions: Of the packages.
        claims: What was claimed.
        figures: Drawn figures.
        inputs: What was put in, as texts.
        notes: Sentences for the reader.
    """

    talk: str
    module: str
    summary: str
    size: str
    seed: int
    seconds: float
    digest: str
    versions: dict[str, str]
    claims: tuple[CheckedClaim, ...]
    figures: tuple[StoredFigure, ...]
    inputs: dict[str, str]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every claim passed."""
        return bool(self.claims) and all(claim.passed for claim in self.claims)

    @property
    def is_current(self) -> bool:
        """Whether the experiment is still the one that ran."""
        return find_experiment(self.talk) == self.module and compute_digest(self.module) == self.digest


def draw_figure(figure: Figure) -> tuple[str, bytes]:
    """Draw a figure: as SVG, or as PNG where the SVG would be large.

    Args:
        figure: A matplotlib Figure.

    Returns:
        The file's suffix and its bytes, the same for the same figure.
    """
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "germ", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    if buffer.tell() <= MAX_SVG:
        return "svg", buffer.getvalue()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return "png", buffer.getvalue()


def to_document(run: Run) -> dict[str, Any]:
    """A run as plain JSON values, figures by file name and caption left out."""
    outcome = run.outcome
    claims = [asdict(claim) | {"verdict": claim.verdict} for claim in outcome.claims]
    return {
        "format": FORMAT, "talk": run.talk, "experiment": run.module, "summary": run.summary, "size": run.size, "seed": run.seed,
        "seconds": run.seconds, "digest": run.digest, "versions": dict(run.versions), "passed": run.passed, "claims": claims,
        "inputs": {name: str(value) for name, value in outcome.inputs.items()}, "notes": list(outcome.notes),
    }  # fmt: skip


def prepare_folder(folder: Path) -> None:
    """Make the folder of results, before anything is computed for it.

    Args:
        folder: The folder.

    Raises:
        SeminarError: If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError as error:
        raise SeminarError(f"cannot make the folder {folder}: {error}", "a folder that can be written", "choose another --output") from None
    if not writable:
        raise SeminarError(f"cannot write into {folder}", "a folder that can be written", "choose another --output")


def save_run(run: Run, folder: Path) -> list[Path]:
    """Write a run's figures and its document.

    Args:
        run: The run.
        folder: Made if it is not there.

    Returns:
        The files; the document comes last, and is written last.
    """
    prepare_folder(folder)
    for old in folder.glob(f"{run.talk}-*"):
        if re.fullmatch(re.escape(run.talk) + r"-[A-Za-z][\w-]*\.(svg|png)", old.name):
            old.unlink()
    files, figures = [], []
    for name, illustration in run.outcome.figures.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            raise SeminarError(f"a figure named {name!r} in {run.module}", "letters, digits and hyphens, a letter first")
        suffix, data = draw_figure(illustration.figure)
        path = folder / f"{run.talk}-{name}.{suffix}"
        path.write_bytes(data)
        files.append(path)
        figures.append({"file": path.name, "caption": illustration.caption})
    path = folder / f"{run.talk}.json"
    temporary = path.with_suffix(".json.part")
    temporary.write_text(json.dumps(to_document(run) | {"figures": figures}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
    return [*files, path]


def load_result(path: Path) -> Result:
    """Read one result.

    Args:
        path: The JSON file.

    Returns:
        The result.

    Raises:
        SeminarError: If the file is damaged or of another format.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ValueError(f"format {found['format']}")
        claims = tuple(CheckedClaim(**{k: v for k, v in claim.items() if k != "verdict"}) for claim in found["claims"])
        figures = tuple(StoredFigure(**f) for f in found["figures"])
        if any(Path(f.file).name != f.file or not (path.parent / f.file).is_file() for f in figures):
            raise ValueError("a figure is missing")
        return Result(
            found["talk"], found["experiment"], found["summary"], found["size"], found["seed"], found["seconds"], found["digest"],
            found["versions"], claims, figures, found["inputs"], tuple(found["notes"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeminarError(
            f"cannot read the result {path}: {error}", f"a result of format {FORMAT}", "run `germ seminar run` again"
        ) from None


def load_results(folder: Path, talks: Iterable[str]) -> dict[str, Result]:
    """Read the results of some talks.

    Args:
        folder: Where `germ seminar run` wrote them; it need not be there.
        talks: Ids.

    Returns:
        By talk id; talks without a result are left out.
    """
    return {talk: load_result(path) for talk in talks if (path := folder / f"{talk}.json").is_file()}


def _run_and_save(talk: str, size: Size, seed: int, folder: str) -> dict[str, Any]:
    run = run_experiment(talk, size, seed)
    assert isinstance(run, Run)
    save_run(run, Path(folder))
    return to_document(run)


def _use_one_thread() -> None:
    """Before numpy or torch load in a new process: processes share the cores, so that threads would only get in each other's way."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def run_all(
    talks: Iterable[str], size: Size, seed: int, folder: Path, jobs: int
) -> Iterator[tuple[str, dict[str, Any] | NothingToCompute | NotYet]]:
    """Run the experiments of some talks in processes of their own, one result after the other.

    Args:
        talks: Ids.
        size: "small" or "full".
        seed: Seed of each.
        folder: Where results go.
        jobs: Number of processes.

    Yields:
        Id and result document, or why there is none, in the order of `talks`.

    Raises:
        SeminarError: If a process dies.
    """
    entries = [(talk, find_experiment(talk)) for talk in talks]
    with ProcessPoolExecutor(max(1, jobs), get_context("spawn"), _use_one_thread) as pool:
        futures = {talk: pool.submit(_run_and_save, talk, size, seed, str(folder)) for talk, entry in entries if isinstance(entry, str)}
        for talk, entry in entries:
            try:
                yield talk, entry if not isinstance(entry, str) else futures[talk].result()
            except BrokenProcessPool:
                got = f"a process died while it ran one of the experiments from {talk} on"
                raise SeminarError(got, "experiments that end", "run them one by one: `germ seminar run ID`; was memory short?") from None
