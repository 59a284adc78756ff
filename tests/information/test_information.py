"""Identities of information theory on asymmetric data, and values of physics that tables print."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from germ.errors import InputError
from germ.information.codes import (
    compute_expected_length,
    compute_kraft_sum,
    find_ambiguity,
    is_prefix_code,
    make_huffman_code,
    make_prefix_code,
    make_shannon_code,
)
from germ.information.complexity import (
    compute_multinomial_complexity,
    compute_multinomial_evidence,
    compute_multinomial_fisher_volume,
    compute_razor,
)
from germ.information.entropy import (
    compute_entropy,
    compute_gaussian_relative_entropy,
    compute_mutual_information,
    compute_relative_entropy,
    estimate_entropy,
)
from germ.information.fisher import compute_fisher_information, estimate_fisher_information
from germ.information.physics import (
    CRITICAL_TEMPERATURE,
    compute_free_energy_excess,
    compute_gibbs_distribution,
    compute_ising_energy,
    compute_ising_magnetisation,
    compute_ising_torus,
    compute_sackur_tetrode_entropy,
)

weights = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=9).map(lambda x: np.array(x) / sum(x))


@given(weights)
@settings(max_examples=60, deadline=None)
def test_huffman_is_within_a_bit_of_the_entropy_and_no_longer_than_shannon(p):
    entropy = compute_entropy(p) / math.log(2)
    huffman, shannon = make_huffman_code(p), make_shannon_code(p)
    assert is_prefix_code(huffman)
    assert is_prefix_code(shannon)
    assert entropy - 1e-9 <= compute_expected_length(huffman, p) <= compute_expected_length(shannon, p) + 1e-9
    assert compute_expected_length(shannon, p) < entropy + 1 + 1e-9
    assert compute_kraft_sum([len(w) for w in huffman]) == 1


@given(st.lists(st.text("01", min_size=1, max_size=4), min_size=2, max_size=5, unique=True))
@settings(max_examples=150, deadline=None)
def test_unique_decodability_against_counting_all_texts(words):
    ambiguous = find_ambiguity(words)
    counts = {"": 1}
    for length in range(1, 11):
        for text in (format(i, f"0{length}b") for i in range(2**length)):
            counts[text] = sum(counts[text[: -len(w)]] for w in words if text.endswith(w))
    if ambiguous is None:
        assert max(counts.values()) <= 1
        assert compute_kraft_sum([len(w) for w in words]) <= 1  # McMillan
    elif len(ambiguous) <= 10:
        assert counts[ambiguous] > 1
        assert all(c <= 1 for text, c in counts.items() if len(text) < len(ambiguous))


def test_kraft_refuses_lengths_that_no_code_has():
    with pytest.raises(InputError, match="5/4"):
        make_prefix_code([1, 2, 2, 2])


@given(weights, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_chain_rule_of_mutual_information(p, seed):
    rng = np.random.default_rng(seed)
    channel = rng.dirichlet(np.ones(4), size=len(p))
    joint = p[:, None] * channel
    conditional = sum(w * compute_entropy(row) for w, row in zip(p, channel, strict=True))
    assert compute_mutual_information(joint) == pytest.approx(compute_entropy(joint.sum(0)) - conditional, abs=1e-10)


def test_gaussian_divergence_against_quadrature():
    x = np.linspace(-30, 30, 200_001)
    p = np.exp(-((x - 0.7) ** 2) / (2 * 1.7**2)) / math.sqrt(2 * math.pi * 1.7**2)
    log_ratio = -((x - 0.7) ** 2) / (2 * 1.7**2) + (x + 0.4) ** 2 / (2 * 0.9**2) - math.log(1.7 / 0.9)
    value = float((p * log_ratio).sum() * (x[1] - x[0]))
    assert compute_gaussian_relative_entropy(0.7, 1.7**2, -0.4, 0.9**2) == pytest.approx(value, abs=1e-9)


def test_entropy_estimates_cover_and_the_plug_in_alone_does_not():
    rng = np.random.default_rng(3)
    p = np.array([0.4, 0.3, 0.1, 0.08, 0.07, 0.05])
    truth, runs = compute_entropy(p), [estimate_entropy(rng.multinomial(60, p)) for _ in range(400)]
    covered = np.mean([abs(r.value - truth) <= 2 * r.standard_error for r in runs])
    bias = np.mean([r.value for r in runs]) - truth
    plug_in_bias = np.mean([r.value - r.corrections[0].amount for r in runs]) - truth
    assert covered > 0.9
    assert abs(bias) < 0.012 < 0.03 < abs(plug_in_bias)  # Miller: (6 - 1)/120 = 0.042


def test_relative_entropy_has_the_fisher_information_as_its_hessian():
    w, h = 0.3, 1e-4
    second = (compute_relative_entropy([w, 1 - w], [w + h, 1 - w - h]) + compute_relative_entropy([w, 1 - w], [w - h, 1 - w + h])) / h**2
    info = compute_fisher_information([[1 / w], [-1 / (1 - w)]], [w, 1 - w])
    assert second == pytest.approx(info.matrix[0, 0], rel=1e-5)
    assert info.volume == pytest.approx(1 / math.sqrt(w * (1 - w)))


def test_sampled_fisher_information_keeps_the_null_direction():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 2))
    info = estimate_fisher_information(np.stack([z[:, 0], 2 * z[:, 0], z[:, 1]], 1))
    assert info.rank == 2
    assert np.abs(info.null_directions @ [1, 2, 0]).max() < 1e-8
    assert abs(info.matrix[2, 2] - 1) < 4 * info.standard_error[2, 2]


def test_normalised_maximum_likelihood_against_summing_over_all_counts():
    n = 7
    total = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            c = np.array([a, b, n - a - b])
            ways = math.factorial(n) / np.prod([math.factorial(int(v)) for v in c])
            total += ways * np.prod([(v / n) ** v for v in c])
    assert compute_multinomial_complexity(n, 3) == pytest.approx(math.log(total), abs=1e-12)


def test_the_razor_approaches_the_exact_evidence():
    for n, k in ((200, 60), (20_000, 6_000)):
        w = k / n
        fisher = [[1 / (w * (1 - w))]]
        fit = k * math.log(w) + (n - k) * math.log(1 - w)
        razor = compute_razor(fit, n, compute_multinomial_fisher_volume(2), fisher)
        assert razor.total == pytest.approx(-compute_multinomial_evidence([k, n - k]), abs=0.3 / n * 10)
    with pytest.raises(InputError, match="singular"):
        compute_razor(0.0, 10, 1.0, [[0.0]])


def test_noble_gases_as_in_tables():
    values = [compute_sackur_tetrode_entropy(weight) for weight in (4.002602, 20.1797, 39.948)]
    assert values == pytest.approx([126.153, 146.329, 154.846], abs=0.002)


def test_free_energy_excess_is_the_divergence_from_gibbs():
    energies, p = np.array([0.0, 1.0, 3.5]), np.array([0.2, 0.5, 0.3])
    excess = compute_free_energy_excess(p, energies, 0.7)
    assert excess == pytest.approx(compute_relative_entropy(p, compute_gibbs_distribution(energies, 0.7)))


def test_ising_on_a_torus_approaches_onsager_away_from_the_critical_point():
    assert pytest.approx(2.269185314213, abs=1e-12) == CRITICAL_TEMPERATURE
    for temperature in (1.2, 5.0):
        assert compute_ising_torus(10, temperature)[1] == pytest.approx(compute_ising_energy(temperature), abs=2e-4)
    small = [compute_ising_torus(3, 2.0)[0], _count_ising(3, 2.0)]
    assert small[0] == pytest.approx(small[1], abs=1e-10)
    assert compute_ising_magnetisation(2.0) == pytest.approx(0.911319, abs=1e-6)


def _count_ising(side, temperature):
    states = 1 - 2 * ((np.arange(2**side**2)[:, None] >> np.arange(side**2)) & 1).reshape(-1, side, side)
    bonds = (states * np.roll(states, 1, 1)).sum((1, 2)) + (states * np.roll(states, 1, 2)).sum((1, 2))
    return float(np.log(np.exp(bonds / temperature).sum()))
