"""The currency of the package: what is known about a number, and how.

Every road to a learning coefficient (proof, published formula, volume, posterior) ends in one of four values:

* `Exact`: the learning coefficient λ as a fraction and its multiplicity m, with a certificate or a theorem;
* `Bound`: an interval that contains λ, with the reason it is not tighter;
* `Estimate`: a real number with a standard error and the diagnostics that make the error bar honest;
* `NotApplicable`: the hypothesis of the theory that fails, instead of a plausible number.

All carry `Provenance`. Conventions: λ and m belong to the Kullback-Leibler divergence K, with
vol{K < ε} ~ c ε^λ (-log ε)^(m-1) as ε → 0 (Watanabe 2009, Theorem 7.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from importlib import metadata
from typing import Any, Literal

Reliability = Literal["proved & cross-checked", "published", "derived here", "bound", "recalled, unverified", "computed", "sampled"]


@dataclass(frozen=True)
class Provenance:
    """Where a value comes from.

    Args:
        method: The road in a few words, e.g. "Newton polyhedron, nondegenerate".
        source: The theorem, paper or file that the method rests on.
        reliability: How far the value can be trusted.
        seed: The seed of a stochastic result.
        seconds: Wall time of the computation.
        settings: Every choice that influenced the value, by name.
        versions: Versions of the packages that computed it.
    """

    method: str
    source: str = ""
    reliability: Reliability = "computed"
    seed: int | None = None
    seconds: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exact:
    """λ and m, proved.

    Args:
        learning_coefficient: λ > 0, or 0 where K vanishes on an open set.
        multiplicity: m ≥ 1, the order of the pole of the zeta function at -λ.
        provenance: Method and source.
        certificate: A document that `germ verify` accepts, where the method makes one.
        details: What else the method found (number of charts, the deepest point, ...).
    """

    learning_coefficient: Fraction
    multiplicity: int
    provenance: Provenance
    certificate: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        extra = f", {self.details['charts']} charts" if self.details.get("charts", 0) > 1 else ""
        return f"λ = {self.learning_coefficient}, m = {self.multiplicity}, exact ({self.provenance.method}{extra})"


@dataclass(frozen=True)
class Bound:
    """An interval that contains λ.

    Args:
        lower: Largest proved lower bound, or None.
        upper: Smallest proved upper bound, or None.
        multiplicity: The range of possible m, or None where nothing is known.
        reason: Why the interval was not closed.
        provenance: Method and source.
        certificate: A document that `germ verify` accepts, where the method makes one.
        details: What else the method found.
    """

    lower: Fraction | None
    upper: Fraction | None
    reason: str
    provenance: Provenance
    multiplicity: tuple[int, int] | None = None
    certificate: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def learning_coefficient(self) -> Fraction | None:
        """λ where the interval has closed (then only m is open), else None."""
        return self.lower if self.lower == self.upper else None

    def __str__(self) -> str:
        if self.learning_coefficient is not None:
            return f"λ = {self.learning_coefficient}, m open ({self.provenance.method}): {self.reason}"
        low = "0 <" if self.lower is None else f"{self.lower} <="
        high = "" if self.upper is None else f" <= {self.upper}"
        return f"{low} λ{high}, bound ({self.provenance.method}): {self.reason}"


@dataclass(frozen=True)
class Correction:
    """One known bias of an estimate: what was added to the raw value, and why.

    Args:
        name: The bias in a word or two.
        amount: What was added to the value (0.0 where it was only bounded).
        uncertainty: Its contribution to the standard error, one sigma.
        explanation: One line for the report.
    """

    name: str
    amount: float
    uncertainty: float
    explanation: str

    def __str__(self) -> str:
        if self.amount == 0:
            return f"{f'within ±{self.uncertainty:.2g}  ' if self.uncertainty > 0 else ''}{self.explanation}"
        return f"{self.amount:+.3g} ± {self.uncertainty:.2g}  {self.explanation}"


@dataclass(frozen=True)
class Estimate:
    """A number with an error bar.

    Args:
        value: The estimate.
        standard_error: One standard error, all known contributions included; nan where it cannot be given.
        provenance: Method, seed, settings.
        symbol: What the value estimates, as printed.
        diagnostics: Numbers that say whether the error bar can be trusted (n, nbeta, chains, rhat, ess, ...).
        corrections: Biases that were removed or bounded.
        warnings: One line for each thing that the reader must know.
        trace: The recorded draws as an xarray DataTree in ArviZ's schema, where there are draws.
        pointwise: Contributions of the observations as an xarray Dataset, where the estimate is a mean or sum over observations.
    """

    value: float
    standard_error: float
    provenance: Provenance
    symbol: str = "λ̂"
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()
    warnings: tuple[str, ...] = ()
    trace: Any = field(default=None, repr=False, compare=False)
    pointwise: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        lines = [f"{self.symbol} = {format_with_error(self.value, self.standard_error)}{self._summary()}"]
        lines += [f"  {c.name}: {c}" for c in self.corrections]
        lines += [f"  warning: {w}" for w in self.warnings]
        return "\n".join(lines)

    def _summary(self) -> str:
        words = {
            "n": "n = {:,}",
            "nbeta": "nβ = {:.1f}" if self.diagnostics.get("nbeta", 0) < 1e6 else "nβ = {:.1e}",
            "chains": "{} chains",
            "rhat": "R-hat {:.2f}",
            "ess": "ESS {:.0f}",
        }
        parts = [text.format(self.diagnostics[key]).replace(",", "\u202f") for key, text in words.items() if key in self.diagnostics]
        return f" ({', '.join(parts)})" if parts else ""


@dataclass(frozen=True)
class NotApplicable:
    """The theory does not answer this question.

    Args:
        hypothesis: The hypothesis that fails.
        explanation: How it fails here, and which theory would apply.
        provenance: Which method refused.
    """

    hypothesis: str
    explanation: str
    provenance: Provenance

    def __str__(self) -> str:
        return f"not applicable: {self.hypothesis}. {self.explanation}"


Claim = Exact | Bound | Estimate | NotApplicable


def format_with_error(value: float, standard_error: float) -> str:
    """Print a value to the precision that its error bar allows.

    Args:
        value: The estimate.
        standard_error: Its standard error, in the same unit.

    Returns:
        Both, rounded to two digits of the error.

    Example:
        >>> format_with_error(44.8712, 0.613)
        '44.87 ± 0.61'
        >>> format_with_error(354.26137653446926, 9.2e-15)  # no more digits than double precision has
        '354.261376534 ± 9.2e-15'
    """
    if not (math.isfinite(value) and math.isfinite(standard_error)) or standard_error <= 0:
        return f"{value:.4g} ± {standard_error:.2g}"
    if standard_error < 1e-12 * abs(value):
        return f"{value:.12g} ± {standard_error:.1e}"
    digits = max(0, 1 - math.floor(math.log10(standard_error)))
    return f"{value:.{digits}f} ± {standard_error:.{digits}f}"


def collect_versions(*packages: str) -> dict[str, str]:
    """Versions of germ and the named packages, as installed."""
    found = {}
    for name in ("germ", *packages):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def to_json(claim: Claim) -> dict[str, Any]:
    """A claim as plain JSON values; fractions are strings, infinities and nan are null.

    Args:
        claim: Any claim.

    Returns:
        A dict with `kind` first; for exact values and bounds `lambda`, `m`, `lower`, `upper` are always present.
    """
    prov = claim.provenance
    common = {
        "method": prov.method, "source": prov.source, "reliability": prov.reliability,
        "seed": prov.seed, "seconds": prov.seconds, "settings": _plain(prov.settings), "versions": dict(prov.versions),
    }  # fmt: skip
    match claim:
        case Exact():
            value = str(claim.learning_coefficient)
            body: dict[str, Any] = {"kind": "exact", "lambda": value, "m": claim.multiplicity, "lower": value, "upper": value}
            return body | _plain(claim.details) | common
        case Bound():
            low, high = (None if b is None else str(b) for b in (claim.lower, claim.upper))
            known = None if claim.learning_coefficient is None else str(claim.learning_coefficient)
            body = {"kind": "bound", "lambda": known, "m": _plain(claim.multiplicity), "lower": low, "upper": high, "reason": claim.reason}
            return body | _plain(claim.details) | common
        case Estimate():
            corrections = [
                {"name": c.name, "amount": c.amount, "uncertainty": c.uncertainty, "explanation": c.explanation} for c in claim.corrections
            ]
            body = {"kind": "estimate", "symbol": claim.symbol, "value": claim.value, "standard_error": claim.standard_error}
            return _plain(body | {"diagnostics": claim.diagnostics, "corrections": corrections, "warnings": claim.warnings}) | common
        case NotApplicable():
            return {"kind": "not_applicable", "hypothesis": claim.hypothesis, "explanation": claim.explanation} | common


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Fraction):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
