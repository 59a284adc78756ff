"""Second opinions, where they are installed (Debian: singular-ui, macaulay2); a polite word where they are not."""

from fractions import Fraction

import pytest

from germ.algebra.peers import compute_complex_threshold, find_peer
from germ.algebra.rlct import compute_rlct
from germ.errors import BudgetError, MissingDependencyError

CASES = [(["y^2-x^3"], Fraction(5, 6)), (["x^2*y", "x*y^2"], Fraction(2, 3)), (["a*b+c*d", "a*b^3+c*d^3"], Fraction(4, 3))]


@pytest.mark.parametrize("program", ["Singular", "Macaulay2"])
@pytest.mark.parametrize(("ideal", "threshold"), CASES)
def test_peers_agree_with_the_engine(program, ideal, threshold):
    if find_peer(program) is None:
        pytest.skip(f"{program} is not installed; install Debian's package to run this test")
    assert compute_complex_threshold(ideal, program) == threshold
    assert compute_rlct(ideal).learning_coefficient == threshold / 2


def test_absent_peers_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingDependencyError, match="singular-ui"):
        compute_complex_threshold("x^2-y^3")


def test_a_peer_that_takes_too_long_is_stopped():
    if find_peer("Singular") is None:
        pytest.skip("Singular is not installed; install Debian's singular-ui to run this test")
    hard = ["a*b+c*d+e*f", "a*b^3+c*d^3+e*f^3", "a*b^5+c*d^5+e*f^5"]
    with pytest.raises(BudgetError, match="within 1 s"):
        compute_complex_threshold(hard, seconds=1)
