"""`estimate_learning_coefficient`: the local learning coefficient of a trained network, by the road that fits the point.

Two roads. Where w* is an exact zero of K (noise-free labels, or the true parameter behind noisy ones) and the network is small, λ is a
limit and is taken as one (`germ.estimators.ladder`). Where w* was fitted to noisy data, or the network is large, λ̂ is the estimate at the
temperature nβ = n / log n (`germ.estimators.chains`). `germ.estimators.point` looks which it is.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from germ.claim import Estimate, NotApplicable, Provenance
from germ.errors import DivergenceError, InputError
from germ.estimators.chains import estimate_by_chains
from germ.estimators.ladder import Progress, Request, estimate_by_ladder
from germ.estimators.point import describe_scale, examine_point
from germ.rng import check_seed
from germ.sampling.binding import bind_model, select_parameters
from germ.sampling.generators import make_generators
from germ.sampling.model import LARGEST_DIMENSION, NotBatchedError, wrap_model
from germ.sampling.substitution import preserved_random_state

METHODS = ("auto", "ladder", "chains")
# What is left of the theory of analytic losses where the network has kinks beside w*, on each road.
_PIECE = "the network has kinks (ReLU, max or |·|) near w*: λ is that of the analytic piece of the loss around w* at these n samples"
_PIECES = "the network has kinks (ReLU, max or |·|) near w*: λ̂ is the mean over analytic pieces at this nβ, not near a limit nβ → ∞"


def estimate_learning_coefficient(
    model: nn.Module,
    loss: Callable[[nn.Module, Any], Tensor],
    data: Any,
    *,
    seed: int = 0,
    precision: float = 0.03,
    budget: float = 60.0,
    parameters: Sequence[str] | Mapping[str, Tensor] | None = None,
    method: str = "auto",
    kernel: str | None = None,
    nbeta: float | None = None,
    localization: float | None = None,
    step_size: float | None = None,
    batch_size: int | None = None,
    chains: int | None = None,
    draws: int | None = None,
    burn_in: int | None = None,
    trace: str | None = None,
    on_failure: str = "raise",
    progress: Progress | None = None,
) -> Estimate | NotApplicable:
    """The local learning coefficient λ at the model's parameters w*.

    F_n = nL_n(w*) + λ log n − (m − 1) log log n + O_p(1) is the local free energy; λ ≤ d/2 says how many parameters the data see.
    Holds where w* is a local minimum of the expected loss at which the loss is analytic; a ReLU kink at w* or a saddle point is refused.

    Args:
        model: The network, at w*. It is copied, never changed.
        loss: `loss(model, batch)`: losses in nats, per sample (batch,) or their mean.
        data: A tuple of tensors, a `Dataset` or a `DataLoader`: the n samples.
        seed: Seed of all randomness.
        precision: Relative standard error at which sampling stops.
        budget: Seconds after which it stops in any case.
        parameters: Names or patterns of the parameters that move, or masks by name; all by default.
        method: "ladder" (the limit nβ → ∞; w* an exact zero of K, up to some 4,000 parameters), "chains" (nβ = n / log n, any network),
            or "auto". Any of the options below selects the chains.
        kernel: Sampler of the chains, one of `germ.sampling.kernels.KERNELS`.
        nbeta: nβ.
        localization: γ, precision of the Gaussian around w*.
        step_size: ε.
        batch_size: Samples of a batch.
        chains: Number of chains.
        draws: Draws of each.
        burn_in: Steps left out at the start.
        trace: Folder where draws are written while running, and from which an interrupted run goes on.
        on_failure: "raise", or "return" an `Estimate` of nan with the reason.
        progress: Called with a dict of "done" (share of the budget), "value" and "standard_error".

    Returns:
        λ̂ in units of log n with its standard error, corrections, diagnostics and trace; or the hypothesis that fails.

    Raises:
        InputError: For arguments out of range.
        DivergenceError: If a chain diverged, or no temperature could be sampled.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> x = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
        >>> loss = lambda model, batch: ((model(batch[0]) - batch[1]) ** 2).sum(1) / 2
        >>> estimate_learning_coefficient(model, loss, (x, model(x).detach())).value
        1.0

    References:
        Watanabe (2009), Algebraic Geometry and Statistical Learning Theory, Theorems 6.6 and 7.1; Lau et al. (2023), arXiv:2308.12108.
    """
    began = time.monotonic()
    _check(loss, seed, precision, budget, method, on_failure, progress)
    options: dict[str, Any] = {
        "kernel": kernel, "nbeta": nbeta, "localization": localization, "step_size": step_size, "batch_size": batch_size,
        "chains": chains, "draws": draws, "burn_in": burn_in, "trace": trace,
    }  # fmt: skip
    chosen = [name for name, value in options.items() if value is not None]
    if method == "ladder" and chosen:
        raise InputError(f"got method='ladder' and {chosen[0]}=", "options of one road", "leave method out, or these options")

    def by_chains(*remarks: str) -> Estimate:
        left = max(1.0, budget - (time.monotonic() - began))
        found = estimate_by_chains(
            model, loss, data, seed=seed, precision=precision, budget=left, parameters=parameters,
            on_failure=on_failure, progress=progress, **options,
        )  # fmt: skip
        return replace(found, warnings=(*found.warnings, *remarks))

    masks = isinstance(parameters, Mapping)
    free = sum(p.numel() for _, p, _ in select_parameters(model, parameters))
    if method == "chains" or chosen or (method == "auto" and (masks or free > LARGEST_DIMENSION)):
        return by_chains()
    if masks:
        raise InputError("got masks for parameters=", "names or patterns with method='ladder'", "leave method out")
    request = Request(seed, float(precision), float(budget), began, progress)
    with preserved_random_state(torch.device("cpu")), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="There is a performance drop")  # vmap's: the result is the same
        found = _try_ladder(model, loss, data, parameters, request, on_failure)
    if isinstance(found, _NotTaken):
        if method == "ladder":
            bind_model(model, loss, data, parameters=parameters)  # what is wrong with the input itself is an error
            return NotApplicable(found.hypothesis, f"{found.why}: method='chains'", Provenance("examination of w*", seed=seed))
        return by_chains(*found.warnings)
    return found


@dataclass(frozen=True)
class _NotTaken:
    """Why the ladder is not the road, and what the other road has to say about it."""

    hypothesis: str
    why: str
    warnings: tuple[str, ...] = ()


def _try_ladder(
    model: nn.Module, loss: Callable[[nn.Module, Any], Tensor], data: Any, parameters: Any, request: Request, on_failure: str
) -> Estimate | NotApplicable | _NotTaken:
    try:
        wrapped = wrap_model(model, loss, data, parameters=parameters)
    except NotBatchedError as reason:
        return _NotTaken("the model can be followed in double precision, many copies at a time", str(reason))
    generator = make_generators(request.seed, 1)[0]
    scale = describe_scale(wrapped.center)
    point = examine_point(wrapped, scale, generator)
    if point.failed:
        return NotApplicable(point.failed, point.explanation, Provenance("examination of w*", seed=request.seed))
    found = None
    try:
        if point.noise != "fitted":
            found = estimate_by_ladder(wrapped, point, scale, generator, request)
    except DivergenceError as error:
        if on_failure == "raise":
            raise
        provenance = Provenance("ladder of temperatures", reliability="sampled", seed=request.seed)
        return Estimate(math.nan, math.nan, provenance, diagnostics={"n": wrapped.size}, warnings=(str(error),))
    if found is not None:
        return found if point.analytic else replace(found, warnings=(*found.warnings, _PIECE))
    why = "w* was fitted to the data, or not trained to a zero, or stored in half precision"
    if point.noise != "fitted" and not point.analytic:
        why += ", or a singular point of a network with kinks"
    return _NotTaken(
        "K vanishes exactly at w*", f"{why}; its estimate belongs to a finite temperature", () if point.analytic else (_PIECES,)
    )


def _check(loss: Any, seed: int, precision: float, budget: float, method: str, on_failure: str, progress: Any) -> None:
    check_seed(seed)
    if not callable(loss):
        raise InputError(f"got loss={loss!r}", "a function loss(model, batch)", "pass e.g. a lambda that calls the model")
    if progress is not None and not callable(progress):
        raise InputError(f"got progress={progress!r}", "a function of one dict", "leave progress out")
    for name, number in (("precision", precision), ("budget", budget)):
        good = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number) and number > 0
        if not good:
            raise InputError(f"got {name}={number!r}", "a positive number", f"leave {name} out for the default")
    if method not in METHODS:
        raise InputError(f"got method={method!r}", f"one of {', '.join(map(repr, METHODS))}", "leave method out for 'auto'")
    if on_failure not in ("raise", "return"):
        raise InputError(f"got on_failure={on_failure!r}", "'raise' or 'return'", "leave it out to raise")
