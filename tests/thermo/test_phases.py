import math

import pytest

from germ.errors import InputError
from germ.thermo.phases import Phase, find_transition


def test_free_energies_are_equal_at_the_transition():
    for simple, accurate in (
        (Phase(0.02, 1.0), Phase(0.0, 5.0)),
        (Phase(1.3, 7.0), Phase(1.28, 8.5, 2)),
        (Phase(1e-9, 0.5, 3), Phase(0.0, 0.5, 1)),
    ):
        n = find_transition(simple, accurate)
        assert simple.compute_free_energy(n) == pytest.approx(accurate.compute_free_energy(n), rel=1e-9)
        assert simple.compute_free_energy(0.9 * n) < accurate.compute_free_energy(0.9 * n)
        assert simple.compute_free_energy(1.1 * n) > accurate.compute_free_energy(1.1 * n)


def test_no_transition():
    assert find_transition(Phase(0.02, 5.0), Phase(0.0, 5.0)) is None, "never preferred"
    assert find_transition(Phase(1e-30, 1.0), Phase(0.0, 5.0)) is None, "beyond 10^15"
    with pytest.raises(InputError, match="exchange"):
        find_transition(Phase(0.0, 1.0), Phase(0.1, 2.0))
    with pytest.raises(InputError, match="more than e"):
        Phase(0.0, 1.0).compute_free_energy(math.e)
