"""Problems over a torch module: the module's weights are the truth, its outputs parametrise a categorical or Gaussian distribution.

Also two small architectures of which no λ is known, a transformer and a convolutional network.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from germ.errors import InputError
from germ.problems.priors import make_gaussian_prior
from germ.problems.problem import Data, Problem
from germ.problems.regression import check_positive

_PROBES = 64  # inputs on which K of a module is summed


def make_module_problem(
    name: str,
    module: nn.Module,
    inputs: Callable[[int, torch.Generator], Tensor],
    *,
    likelihood: str = "categorical",
    scale: float = 1.0,
    seed: int = 0,
) -> Problem:
    """The model p(y|x, w) of a module, whose present weights are the truth.

    Args:
        name: Its name.
        module: Maps inputs (n, …) to outputs (n, …, o). It is copied to double precision, never changed.
        inputs: (n, generator) to inputs, first dimension n.
        likelihood: "categorical" (outputs are logits over the last dimension) or "gaussian" (means, variance one).
        scale: The prior is N(0, scale² I).
        seed: Chooses the inputs on which `divergence`, the mean K over inputs, is computed.

    Returns:
        The problem; data are (x, y).

    Raises:
        InputError: For another likelihood or a module without parameters.
    """
    if likelihood not in ("categorical", "gaussian"):
        raise InputError(f"got likelihood={likelihood!r}", "'categorical' or 'gaussian'")
    tensors = {key: p.detach().clone().double() for key, p in module.named_parameters()}
    if not tensors:
        raise InputError(f"the module {type(module).__name__} without parameters", "a module with at least one")
    fixed = {key: b.detach().clone().double() if b.is_floating_point() else b.detach().clone() for key, b in module.named_buffers()}
    truth = torch.cat([p.reshape(-1) for p in tensors.values()])
    shapes = {key: p.shape for key, p in tensors.items()}
    sizes = [p.numel() for p in tensors.values()]
    prior = make_gaussian_prior(len(truth), scale)

    def outputs(w: Tensor, x: Tensor) -> Tensor:
        def run(flat: Tensor) -> Tensor:
            pieces = {key: v.reshape(shapes[key]) for (key, v) in zip(shapes, flat.split(sizes), strict=True)}
            return functional_call(module, pieces | fixed, (x,))

        return vmap(run)(w)

    def log_likelihood(w: Tensor, data: Data) -> Tensor:
        x, y = data
        if likelihood == "categorical":
            picked = outputs(w, x).log_softmax(-1).gather(-1, y.expand(len(w), *y.shape)[..., None])[..., 0]
            return picked.flatten(2).sum(-1) if picked.ndim > 2 else picked
        error = (outputs(w, x) - y).flatten(2)
        return -0.5 * error.pow(2).sum(-1) - 0.5 * error.shape[-1] * math.log(2 * math.pi)

    def simulate(count: int, generator: torch.Generator) -> Data:
        x = inputs(count, generator)
        with torch.no_grad():
            out = outputs(truth[None], x)[0]
        if likelihood == "gaussian":
            return x, out + torch.randn(out.shape, generator=generator, dtype=torch.float64)
        flat = out.softmax(-1).flatten(0, -2)
        return x, torch.multinomial(flat, 1, generator=generator).reshape(out.shape[:-1])

    probes = inputs(_PROBES, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        target = outputs(truth[None], probes)

    def divergence(w: Tensor) -> Tensor:
        out = outputs(w, probes)
        if likelihood == "gaussian":
            return 0.5 * (out - target).pow(2).sum(-1).flatten(1).sum(1) / _PROBES
        change = out.log_softmax(-1) - target.log_softmax(-1)
        # K = Σ q (e^c - 1 - c) with c = log p/q: every term is ≥ 0, and small where c is.
        return (target.softmax(-1) * (torch.expm1(change) - change)).sum(-1).flatten(1).sum(1) / _PROBES

    return Problem(
        name=name, dimension=len(truth), log_likelihood=log_likelihood, log_prior=prior.log_density, sample_prior=prior.sample,
        simulate=simulate, truth=truth, divergence=divergence, notes=f"K is summed over {_PROBES} inputs; λ is not known", deepest=False,
    )  # fmt: skip


class _Transformer(nn.Module):
    """Embedding, causal attention with one head, a hidden layer, logits: tokens (n, t) to (n, t, v)."""

    def __init__(self, vocabulary: int, width: int, context: int, hidden: int) -> None:
        super().__init__()
        self.embed, self.position = nn.Embedding(vocabulary, width), nn.Parameter(torch.zeros(context, width))
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.expand, self.contract = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.logits = nn.Linear(width, vocabulary, bias=False)
        self.register_buffer("mask", torch.full((context, context), -1e9).triu(1))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.position
        scores = self.query(x) @ self.key(x).mT / math.sqrt(x.shape[-1]) + self.mask
        x = x + scores.softmax(-1) @ self.value(x)
        return self.logits(x + self.contract(torch.tanh(self.expand(x))))


def make_transformer(vocabulary: int = 5, width: int = 4, context: int = 4, hidden: int = 8, seed: int = 0) -> Problem:
    """A one-layer transformer with tanh units on random tokens, its truth drawn at random.

    Args:
        vocabulary: Number of tokens.
        width: Width of the residual stream.
        context: Number of positions.
        hidden: Units of the hidden layer.
        seed: Draws the truth.

    Returns:
        The problem, without known λ.
    """
    check_positive(vocabulary=vocabulary, width=width, context=context, hidden=hidden)
    module = _randomise(_Transformer(vocabulary, width, context, hidden), seed)

    def tokens(count: int, generator: torch.Generator) -> Tensor:
        return torch.randint(vocabulary, (count, context), generator=generator)

    return make_module_problem(f"transformer, width {width}", module, tokens, seed=seed)


def make_convolutional_network(size: int = 5, channels: int = 3, classes: int = 3, seed: int = 0) -> Problem:
    """Two convolutions of 3 x 3 with tanh, the mean over pixels, logits; images of Gaussian noise, the truth drawn at random.

    Args:
        size: Side of the images.
        channels: Channels of both convolutions.
        classes: Number of classes.
        seed: Draws the truth.

    Returns:
        The problem, without known λ.
    """
    check_positive(size=size, channels=channels, classes=classes)
    module = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), nn.Tanh(), nn.Conv2d(channels, channels, 3, padding=1), nn.Tanh(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes),
    )  # fmt: skip

    def images(count: int, generator: torch.Generator) -> Tensor:
        return torch.randn(count, 1, size, size, generator=generator, dtype=torch.float64)

    return make_module_problem(f"convolutional network, {channels} channels", _randomise(module, seed), images, seed=seed)


def _randomise(module: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(0.7 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    return module
