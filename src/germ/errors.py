"""One tree of errors; every message says what was got, what was expected, and what to do.

The three parts are separate arguments so that no message can forget one, and so that a test (or a
command line that prints JSON) can look at each. `germ.cli` turns any `GermError` into one printed
message and exit code 2; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations


class GermError(Exception):
    """Base of all errors that germ raises on purpose.

    Args:
        got: What was found, with the offending value.
        expected: What would have been right.
        remedy: What the user can do next.
    """

    def __init__(self, got: str, expected: str = "", remedy: str = "") -> None:
        self.got, self.expected, self.remedy = got, expected, remedy
        parts = [
            got,
            f"expected: {expected}" if expected else "",
            f"what to do: {remedy}" if remedy else "",
        ]
        super().__init__("\n  ".join(part for part in parts if part))


class InputError(GermError, ValueError):
    """An argument is outside what the function accepts."""


class ModelError(GermError):
    """A user's model cannot be sampled as it is (integer parameters, unknown outputs, wrong device)."""


class LossError(GermError):
    """A loss function returned something that is not a mean or per-sample loss in nats."""


class DataError(GermError):
    """A data set is empty, changes its length, or cannot be read as batches."""


class DivergenceError(GermError):
    """A chain left the region where its draws mean anything; the estimate is void."""


class CheckpointError(GermError):
    """A checkpoint is missing, of an unsafe format, or does not fit the model."""


class RunFileError(GermError):
    """A run file has unknown keys, wrong types or impossible values."""


class TraceError(GermError):
    """A trace on disk is damaged, of another run, or cannot be written."""


class ParseError(GermError, ValueError):
    """A text is not a polynomial or expression that germ can read."""


class BudgetError(GermError):
    """An exact computation would exceed its budget and no bound could be given."""


class CertificateError(GermError):
    """A certificate is truncated, malformed, or does not prove what it claims."""


class AtlasError(GermError):
    """An atlas file is malformed, or a family or input does not exist."""


class ProblemError(GermError):
    """A Problem contradicts itself (its truth does not minimise K, its density does not integrate to one)."""


class SeminarError(GermError):
    """A catalogue, page or experiment of the seminar is malformed or unknown."""


class MissingDependencyError(GermError, ImportError):
    """An optional package or program is needed for this call and is not installed."""
