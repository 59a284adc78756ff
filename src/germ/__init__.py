"""germ: singular learning theory as working software.

The top level holds the dozen nouns and verbs that users reach for; everything else is reached by module.
Names are loaded on first use, so that the exact half never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public name -> module that defines it (None: the name is the module itself). An explicit table that grep finds.
_PUBLIC: dict[str, str | None] = {
    "compare": "germ.roads.compare",
    "compute_sbic": "germ.estimators.singular_bic",
    "estimate_iscv": "germ.estimators.leave_one_out",
    "estimate_loo": "germ.estimators.leave_one_out",
    "estimate_singular_fluctuation": "germ.estimators.singular_fluctuation",
    "estimate_waic": "germ.estimators.waic",
    "estimate_wbic": "germ.estimators.wbic",
    "compare_models": "germ.estimators.comparison",
    "check_problem": "germ.problems.conformance",
    "atlas": None,
    "plots": None,
    "estimate_free_energy": "germ.estimators.free_energy",
    "estimate_volume_scaling": "germ.thermo.volume",
    "estimate_learning_coefficient": "germ.estimators.learning_coefficient",
    "sample_posterior": "germ.sampling.posterior",
    "Bound": "germ.claim",
    "Estimate": "germ.claim",
    "Exact": "germ.claim",
    "NotApplicable": "germ.claim",
    "compute_rlct": "germ.algebra.rlct",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'germ' has no attribute {name!r}; it has {', '.join(__all__)}")
    module = _PUBLIC[name]
    return import_module(f"germ.{name}") if module is None else getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
