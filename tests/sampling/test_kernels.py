"""Stationary laws of the kernels on a skewed target, the two identities, and that wrong twins fail."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from germ.errors import DivergenceError, InputError
from germ.sampling.driver import adapt_step_size, run_chains
from germ.sampling.generators import make_generators
from germ.sampling.kernels import HamiltonianMonteCarlo, Langevin, StochasticGradientHMC, Thermostat, make_mala
from germ.sampling.kernels.langevin import estimate_preconditioner
from germ.sampling.kernels.streams import Batches, Streams
from germ.sampling.kernels.target import PlainTarget

SHAPES = torch.tensor([0.6, 1.5, 4.0], dtype=torch.float64)
CENTER = torch.tensor([0.4, -0.3, 1.0], dtype=torch.float64)
NBETA, GAMMA = 1.7, 0.6


def skewed(position):
    """Mean loss e^x − bx: logarithms of gamma variables, skewed to the left; w* is not its minimum."""
    return (position.exp() - SHAPES * position).sum(1), position.exp() - SHAPES


def exact_moments():
    x = np.linspace(-14, 8, 40_001)
    out = []
    for b, c in zip(SHAPES.numpy(), CENTER.numpy(), strict=True):
        log = -NBETA * (np.exp(x) - b * x) - GAMMA / 2 * (x - c) ** 2
        p = np.exp(log - log.max())
        p /= p.sum()
        mean = p @ x
        out.append([mean, p @ (x - mean) ** 2, p @ (x - mean) ** 3])
    return np.array(out).T


def all_samples(chains, seed=0):
    return Batches(1, 1, make_generators(seed, chains, stream=1))


def noisy(function, scale, seed=3):
    generator = torch.Generator().manual_seed(seed)

    def evaluate(position):
        loss, gradient = function(position)
        return loss, gradient + scale * torch.randn(gradient.shape, generator=generator, dtype=gradient.dtype)

    return evaluate


class _OneStream(Streams):
    # Chains of a test may share a generator: the law does not care, and 400 generators are slow.
    def __init__(self, chains):
        super().__init__([torch.Generator().manual_seed(11)] * chains, torch.float64)

    def _draw(self, count):
        return torch.randn(self.chains, count, generator=self.generators[0], dtype=torch.float64)

    def uniform(self):
        return torch.rand(self.chains, generator=self.generators[0], dtype=torch.float64)


def sample_law(kernel, chains=400, warmup=600, snapshots=60, gap=30):
    """Moments and their standard errors, from independent chains."""
    rng, batches = _OneStream(chains), all_samples(1)
    state = kernel.init(CENTER.repeat(chains, 1))
    for _ in range(warmup):
        state, _ = kernel.step(state, batches.next(), rng=rng)
    kept = []
    for _ in range(snapshots):
        for _ in range(gap):
            state, _ = kernel.step(state, batches.next(), rng=rng)
        kept.append(state.position.clone())
    x = torch.stack(kept, 1).numpy()  # chain, snapshot, coordinate
    mean = exact_moments()[0]
    moments = np.stack([x, (x - mean) ** 2, (x - mean) ** 3]).mean(2)  # moment, chain, coordinate
    return moments.mean(1), moments.std(1, ddof=1) / math.sqrt(chains)


def deviation(kernel):
    found, error = sample_law(kernel)
    return np.abs((found - exact_moments()) / error).max()


def target(function=skewed):
    return PlainTarget(function, CENTER, nbeta=NBETA, localization=GAMMA)


PRECONDITIONER = torch.tensor([2.0, 0.8, 0.2], dtype=torch.float64)
RIGHT = {
    "sgld": lambda: Langevin(target(), 0.01),
    "rmsprop-sgld": lambda: Langevin(target(), 0.01, PRECONDITIONER),
    "sghmc": lambda: StochasticGradientHMC(target(), 0.004, friction=0.1),
    "sgnht": lambda: Thermostat(target(), 0.002, diffusion=1.0),
    "sgnht with gradient noise": lambda: Thermostat(target(noisy(skewed, 8.0 / NBETA)), 0.002, diffusion=0.5),
    "mala": lambda: make_mala(target(), 0.5),
    "hmc": lambda: HamiltonianMonteCarlo(target(), 0.15, leapfrog_steps=5),
}


@pytest.mark.parametrize("name", RIGHT)
def test_stationary_law_on_a_skewed_target(name):
    assert deviation(RIGHT[name]()) < 4.5  # nine moments: 4.5 sigma is passed with probability 0.9999


class _NoThermostat(Thermostat):
    def step(self, state, batch, *, rng):
        moved, info = super().step(state, batch, rng=rng)
        return replace(moved, friction=torch.full_like(moved.friction, self.diffusion)), info


WRONG = {
    "noise of half the size": lambda: Langevin(target(lambda x: tuple(2 * part for part in skewed(x))), 0.01),
    "localisation forgotten": lambda: Langevin(PlainTarget(skewed, CENTER, nbeta=NBETA), 0.01),
    "thermostat not connected": lambda: _NoThermostat(target(noisy(skewed, 8.0 / NBETA)), 0.002, diffusion=0.5),
    "a step without the accept step": lambda: Langevin(target(), 0.5),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_twins_are_found_out(name):
    assert deviation(WRONG[name]()) > 7


def quadratic(h, sigma, seed=5):
    generator = torch.Generator().manual_seed(seed)

    def evaluate(position):
        delta = position - CENTER
        noise = sigma * torch.randn(delta.shape, generator=generator, dtype=delta.dtype)
        return (h * delta * delta).sum(1) / 2 + (noise * delta).sum(1), h * delta + noise

    return evaluate


def run_on(kernel, chains=100, warmup=400, draws=1500):
    rng, batches = Streams(make_generators(7, chains), torch.float64), all_samples(chains)
    state = kernel.init(CENTER.repeat(chains, 1))
    _, state = run_chains(kernel, state, batches, rng, draws=warmup)
    fields, _ = run_chains(kernel, state, batches, rng, draws=draws)
    per_chain = {key: value.mean(1) for key, value in fields.items()}
    return per_chain


def mean_and_error(values):
    return values.mean(), values.std(ddof=1) / math.sqrt(len(values))


@pytest.mark.parametrize("sigma", [0.0, 3.0])
@pytest.mark.parametrize("name", ["sgld", "rmsprop-sgld", "sghmc", "sgnht"])
def test_identities_on_a_quadratic_loss(name, sigma):
    # Steps so large that the bias of the raw value is tens of per cent; h differs between directions.
    h = torch.tensor([1.0, 3.0, 9.0], dtype=torch.float64)
    u = PlainTarget(quadratic(h, sigma), CENTER)
    kernel = {
        "sgld": Langevin(u, 0.2),
        "rmsprop-sgld": Langevin(u, 0.2, PRECONDITIONER),
        "sghmc": StochasticGradientHMC(u, 0.08, friction=0.3),
        "sgnht": Thermostat(u, 0.04, diffusion=2.0),
    }[name]
    found = run_on(kernel)
    gap, error = mean_and_error(found["virial"] - found["expected"])
    assert abs(gap) < 4 * error  # identity 1
    raw, raw_error = mean_and_error(found["difference"])
    value, error = mean_and_error(found["difference"] - found["correction"])
    assert abs(value - 1.5) < 4 * error  # identity 2: λ = d/2
    if name in ("sgld", "rmsprop-sgld"):
        assert abs(raw - 1.5) > 15 * raw_error  # the raw value is wrong, and its own error bar does not say so


def test_identity_1_tells_chains_that_have_not_equilibrated():
    h = torch.tensor([0.0, 0.001, 9.0], dtype=torch.float64)
    kernel = Langevin(PlainTarget(quadratic(h, 0.0), CENTER, localization=1e-3), 0.2)
    found = run_on(kernel, warmup=50, draws=200)
    assert found["virial"].mean() / found["expected"].mean() < 0.6


def test_identity_1_on_a_skewed_target():
    found = run_on(Langevin(target(), 0.3))
    gap, error = mean_and_error(found["virial"] - found["expected"])
    assert abs(gap) < 4 * error
    found = run_on(make_mala(target(), 0.5))
    gap, error = mean_and_error(found["virial"] - 3)
    assert abs(gap) < 4 * error


def test_the_warm_up_finds_the_scales():
    h = torch.tensor([1.0, 100.0, 10_000.0], dtype=torch.float64)
    kernel = Langevin(PlainTarget(quadratic(h, 0.0), CENTER), 1e-4)
    chains = 8
    p, _ = estimate_preconditioner(
        kernel, kernel.init(CENTER + torch.randn(chains, 3).double()), all_samples(chains), Streams(make_generators(0, chains)), steps=200
    )
    assert p[0] > p[1] > p[2] > 0
    assert float(p.mean()) == pytest.approx(1)


def test_step_sizes_are_found_from_acceptance():
    chains = 32
    kernel = make_mala(target(), 1e-4)
    rng, batches = Streams(make_generators(0, chains), torch.float64), all_samples(chains)
    tuned, state = adapt_step_size(kernel, kernel.init(CENTER.repeat(chains, 1)), batches, rng, steps=300)
    fields, _ = run_chains(tuned, state, batches, rng, draws=300)
    assert abs(fields["acceptance"].mean() - 0.57) < 0.08


def test_minibatches_are_independent_of_chain_and_reshuffled():
    batches = Batches(10, 3, make_generators(0, 2))
    epochs = [torch.stack([batches.next() for _ in range(3)], 1) for _ in range(2)]
    for epoch in epochs:
        assert all(len(set(row.tolist())) == 3 for chain in epoch for row in chain)
    assert not torch.equal(epochs[0][0], epochs[0][1])
    assert not torch.equal(epochs[0], epochs[1])


def test_what_a_batch_leaves_out_does_not_depend_on_the_batches_before():
    # Without replacement within an epoch, the mean of a batch given the one before is off by −1/(m − 1) of that one.
    values = torch.linspace(-1, 1, 12, dtype=torch.float64) ** 3 + 0.1
    batches = Batches(12, 3, make_generators(1, 1))
    means = torch.stack([values[batches.next()[0]].mean() for _ in range(40_000)]) - values.mean()
    assert abs(float(means.mean())) < 4 * float(means.std()) / 200
    assert abs(float((means[1:] * means[:-1]).mean())) < 4 * float(means.var()) / 200


def test_divergence_names_chain_and_draw():
    kernel = Langevin(target(), 50.0)
    with pytest.raises(DivergenceError, match=r"chain \d+ diverged at draw \d+") as caught:
        run_on(kernel, chains=2)
    assert "step_size" in caught.value.remedy
    with pytest.raises(InputError, match="accept step"):
        make_mala(target(), 0.1).step(None, torch.zeros(1, 1), rng=Streams(make_generators(0, 1)))


def test_one_chain_is_the_same_alone_and_among_others():
    few, many = (Streams(make_generators(3, count), torch.float64) for count in (1, 4))
    for _ in range(3):
        assert torch.equal(few.normal(5)[0], many.normal(5)[0])
