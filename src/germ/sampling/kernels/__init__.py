"""Kernels that leave exp(−U) invariant, U(w) = nβ (L_n(w) − L_n(w*)) + (γ/2)|w − w*|², as sums of parts.

The vocabulary: a *target* is U, made of a gradient estimator (full data, minibatch, minibatch with a control variate) and a localisation
(`target`); a *kernel* moves C chains one step and reports what it measured on the way (`parts`). Langevin dynamics with or without a
preconditioner are in `langevin`, momentum and thermostat in `momentum`, the kernels with an accept step in `metropolis`. All have
`init(position)` and `step(state, batch, rng=)`, positions are (C, d) with the chain axis leading, and every random number comes from
the generator of its chain (`streams`). A step consumes the state that it is given: positions move in place, since a large model has no room
for two.
"""

from __future__ import annotations

from germ.sampling.kernels.langevin import Langevin
from germ.sampling.kernels.metropolis import HamiltonianMonteCarlo, make_mala
from germ.sampling.kernels.momentum import StochasticGradientHMC, Thermostat

# Names as users write them in `kernel=`; "rmsprop-sgld" is Langevin with a preconditioner from a warm-up.
KERNELS = {
    "sgld": Langevin,
    "rmsprop-sgld": Langevin,
    "sghmc": StochasticGradientHMC,
    "sgnht": Thermostat,
    "mala": make_mala,
    "hmc": HamiltonianMonteCarlo,
}
NEEDS_FULL_DATA = frozenset({"mala", "hmc"})
