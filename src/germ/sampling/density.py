"""The tempered posterior p(D|w)^β φ(w) of a `Problem`, batched, with log-likelihood and log-prior kept apart.

A problem's functions give each observation's log-likelihood for P parameter vectors; one backward pass of their sum gives all P gradients.
Vectors are evaluated in chunks that keep the (P, n) intermediate results in the processor's cache. A likelihood with sufficient statistics
(`Summarizable`) is summed over observations by them instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from germ.errors import DataError, InputError, ProblemError
from germ.problems.problem import Data, Problem, Summarizable
from germ.sampling.coordinates import Coordinates

_CHUNK_ENTRIES = 125_000  # (particles × observations): 250 particles at n = 500, where chunks of 100 to 500 run equally fast


@dataclass(frozen=True)
class Evaluation:
    """The posterior at R points.

    Args:
        log_likelihood: Sum over observations, (R,); -inf outside the support.
        log_prior: In the coordinates u, with the Jacobian, (R,).
        gradient: Of β log p(D|w) + log φ in u, (R, d); zero where it is not finite.
    """

    log_likelihood: Tensor
    log_prior: Tensor
    gradient: Tensor

    def select(self, index: Tensor) -> Evaluation:
        """The evaluation at some of the points."""
        return Evaluation(self.log_likelihood[index], self.log_prior[index], self.gradient[index])


class Density:
    """log p(D|w) and log φ(w) in unbounded coordinates u.

    Args:
        problem: The model and its prior.
        data: The observations.

    Raises:
        DataError: For observations that are empty, of unequal lengths or not finite.
        ProblemError: If the functions of the problem return wrong shapes.
    """

    def __init__(self, problem: Problem, data: Data) -> None:
        self.problem, self.data = problem, check_data(data)
        check_support(problem)
        self.coordinates = Coordinates(problem.support)
        self.dimension = problem.dimension
        self.size = self.data[0].shape[0]
        self.chunk = max(16, _CHUNK_ENTRIES // self.size)
        likelihood = problem.log_likelihood
        self._sum = likelihood.summarize(self.data) if isinstance(likelihood, Summarizable) else None

    def draw_prior(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` draws from the prior, in u."""
        w = self.problem.sample_prior(count, generator)
        if tuple(w.shape) != (count, self.dimension):
            raise ProblemError(
                f"sample_prior returned shape {tuple(w.shape)}", f"({count}, {self.dimension}): draws × parameters", "correct the problem"
            )
        w = w.to(torch.float64)
        if self.problem.support is not None:
            lower, upper = self.problem.support
            outside = ((w < lower) | (w > upper)).any(1)
            if bool(outside.any()):
                raise ProblemError(
                    f"{int(outside.sum())} of {count} draws of sample_prior are outside the support, e.g. w = {w[outside][0].tolist()}",
                    "draws within support=",
                    "correct the support or the sampler: a positive parameter has 0 and inf as its ends",
                )
        return self.coordinates.unbounded(w)

    def pointwise(self, w: Tensor, *, total: bool = False) -> Tensor:
        """Values log p(x_i|w) at parameters w (not u), (P, n), or their sums over observations, (P,)."""
        with torch.no_grad():
            return torch.cat([self._total(chunk) if total else self._each(chunk) for chunk in w.split(self.chunk)])

    def evaluate(self, u: Tensor, beta: Tensor) -> Evaluation:
        """Values and gradient at u (R, d), each row at its own inverse temperature, (R,)."""
        size = len(u) if self._sum else self.chunk
        parts = [self._evaluate(a, b) for a, b in zip(u.detach().split(size), beta.split(size), strict=True)]
        return Evaluation(*(torch.cat(column) for column in zip(*parts, strict=True)))

    def values(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Log-likelihood and log-prior at u without gradient, each (R,)."""
        with torch.no_grad():
            parts = [self._terms(chunk) for chunk in u.split(self.chunk)]
        return torch.cat([_finite(a) for a, _ in parts]), torch.cat([_finite(b) for _, b in parts])

    def _terms(self, u: Tensor) -> tuple[Tensor, Tensor]:
        w, log_jacobian = self.coordinates.parameters(u)
        return self._total(w), self.log_prior(w) + log_jacobian

    def log_prior(self, w: Tensor) -> Tensor:
        """Values log φ(w) as the problem gives them, (P,)."""
        try:
            prior = self.problem.log_prior(w)
        except ValueError as error:  # what torch.distributions raises outside their support
            raise ProblemError(
                f"log_prior raised {type(error).__name__}: {(str(error).splitlines() or [''])[0]}",
                "a value at every w that the sampler can reach",
                "give support=(lower, upper), e.g. 0 and inf for a positive parameter; or return -inf outside the support",
            ) from error
        if tuple(prior.shape) != (w.shape[0],):
            raise ProblemError(
                f"log_prior returned shape {tuple(prior.shape)}", f"({w.shape[0]},): one value a vector", "correct the problem"
            )
        return prior

    def _total(self, w: Tensor) -> Tensor:
        return self._sum(w) if self._sum else self._each(w).sum(1)

    def _each(self, w: Tensor) -> Tensor:
        each = self.problem.log_likelihood(w, self.data)
        if each.ndim != 2 or each.shape[0] != w.shape[0]:
            raise ProblemError(
                f"log_likelihood returned shape {tuple(each.shape)} for {w.shape[0]} parameter vectors and {self.size} observations",
                f"({w.shape[0]}, {self.size})",
                "correct the problem: the likelihood is batched over parameter vectors and kept for each observation",
            )
        return each

    def _evaluate(self, u: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            free = u.requires_grad_()
            likelihood, prior = self._terms(free)
            if not likelihood.requires_grad:
                raise ProblemError(
                    "log_likelihood returned values without a gradient",
                    "a differentiable function of w",
                    "stay in torch (no .detach(), no .numpy()); functions in NumPy go through germ.problems.adapters.make_density_problem",
                )
            total = torch.where(beta > 0, beta * likelihood, torch.zeros_like(likelihood)) + prior
            (gradient,) = torch.autograd.grad(total.sum(), free)
        u.requires_grad_(False)
        return _finite(likelihood.detach()), _finite(prior.detach()), torch.nan_to_num(gradient, 0.0, 0.0, 0.0)


def _finite(values: Tensor) -> Tensor:
    # nan and +inf are no probabilities: such points are left, as if outside the support.
    return torch.nan_to_num(values, nan=-torch.inf, posinf=-torch.inf, neginf=-torch.inf)


def check_data(data: Data) -> Data:
    """Return the observations as a tuple of tensors of one length.

    Args:
        data: Tensors with first dimension n.

    Returns:
        The same.

    Raises:
        DataError: If there are none, or they differ in length or are not finite.
        InputError: If they are not tensors.
    """
    if isinstance(data, Tensor) or not isinstance(data, (tuple, list)) or not all(isinstance(x, Tensor) for x in data):
        raise InputError(f"got data of type {type(data).__name__}", "a tuple of tensors with first dimension n", "pass e.g. data=(x, y)")
    lengths = {int(x.shape[0]) if x.ndim else 0 for x in data}
    if len(lengths) != 1 or min(lengths) < 1:
        raise DataError(f"got data of lengths {sorted(lengths)}", "tensors of one length n >= 1", "check the first dimensions")
    for i, x in enumerate(data):
        if x.is_floating_point() and not bool(torch.isfinite(x).all()):
            bad = int((~torch.isfinite(x.reshape(x.shape[0], -1)).all(1)).sum())
            raise DataError(f"data[{i}] has nan or infinite values in {bad} of {x.shape[0]} observations", "finite numbers", "remove them")
    return tuple(data)


def check_support(problem: Problem) -> None:
    """Raise `ProblemError` unless the support, where one is given, is a box of the problem's dimension."""
    if problem.support is None:
        return
    ends = problem.support
    shapes = [tuple(end.shape) if isinstance(end, Tensor) else type(end).__name__ for end in ends]
    if len(ends) != 2 or shapes != [(problem.dimension,)] * 2 or not bool((ends[0] < ends[1]).all()):
        raise ProblemError(
            f"support with ends {[end.tolist() if isinstance(end, Tensor) else end for end in ends]}",
            f"two tensors of shape ({problem.dimension},), the lower ends below the upper ones; infinite ends are allowed",
            "give e.g. support=(torch.zeros(2), torch.tensor([1.0, torch.inf]))",
        )


def is_same_data(first: Data, second: Data) -> bool:
    """Whether two data sets hold the same observations in the same order."""
    return len(first) == len(second) and all(a.shape == b.shape and bool((a == b).all()) for a, b in zip(first, second, strict=True))
