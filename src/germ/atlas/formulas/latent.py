"""Discrete and Gaussian latent variables: naive Bayes, latent classes, latent forests, hidden Markov and Boltzmann machines."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from germ.atlas.answer import Interval, Outside, Pole, require

# Edges of the tree of Drton, Lin, Weihs & Zwiernik (2017), as the R package sBIC tests it: five leaves, inner nodes 6, 7, 8.
FIVE_LEAVES = ((1, 6), (2, 6), (6, 7), (7, 8), (3, 7), (4, 8), (5, 8))


def compute_naive_bayes(n: int, case: str) -> Pole | Outside:
    """Binary class, n binary features, truth with no, exactly one, or generic dependence."""
    if case == "all_independent":
        return compute_latent_class((2,) * n)
    require(n >= 2, f"n = {n}, case = {case}", "at least two features for a dependence")
    if case == "one_dependent_pair":
        # n = 2: the map to the four probabilities is a submersion, 3/2 as well.
        return Pole(Fraction(2 * n - 1, 2))
    if n == 2:
        return Outside("n >= 3 features for a generic truth", "with two features every dependent truth is the case one_dependent_pair")
    return Pole(Fraction(2 * n + 1, 2))


def compute_latent_class(levels: tuple[int, ...]) -> Pole:
    """Two classes, features with k_i levels, independent truth.

    The margins solve Σ (k_i - 1) equations. What remains is the ideal of all a δ_i δ_j, with a the weight of the rarer class and δ_i the
    difference of the classes in feature i: a = 0 costs 1/2, and for two features δ_1 = 0 or δ_2 = 0 costs (k_i - 1)/2.
    """
    margins = Fraction(sum(k - 1 for k in levels), 2)
    if len(levels) == 1:
        return Pole(margins)
    return Pole(margins + Fraction(1, 2), 1 + (sum(k == 2 for k in levels) if len(levels) == 2 else 0))


def compute_binary_tree(n_v: int, n_e: int, l2: int, l0: int) -> Pole:
    """Trivalent tree of binary variables, inner nodes non-degenerate: λ = (n_v + n_e)/2 - l2 - 5 l0/4, m = 1."""
    require(n_v % 2 == 0, f"n_v = {n_v}", "an even number of nodes (a trivalent tree with n leaves has 2 n - 2)")
    require(n_e == n_v - 1, f"n_e = {n_e}, n_v = {n_v}", "n_e = n_v - 1 edges (a tree)")
    inner = n_v // 2 - 1
    require(l0 + l2 <= inner, f"l0 + l2 = {l0 + l2}, {inner} inner nodes", "at most all inner nodes")
    # The neighbours of an isolated inner node have lost an edge: one of them that is not isolated has degree 2.
    require(
        l2 > 0 or l0 in (0, inner), f"l0 = {l0}, l2 = 0, {inner} inner nodes", "l2 >= 1 where some but not all inner nodes are isolated"
    )
    return Pole(Fraction(n_v + n_e, 2) - l2 - Fraction(5 * l0, 4))


def prune(edges: tuple[tuple[int, ...], ...], leaves: set[int]) -> tuple[tuple[int, ...], ...]:
    """The edges that lie on a path between two leaves."""
    while True:
        degree = Counter(v for e in edges for v in e)
        kept = tuple(e for e in edges if all(v in leaves or degree[v] > 1 for v in e))
        if kept == edges:
            return kept
        edges = kept


def _is_tree(edges: tuple[tuple[int, ...], ...]) -> bool:
    component = {v: {v} for e in edges for v in e}
    for a, b in edges:
        if component[a] is component[b]:
            return False
        component[a] |= component[b]
        for v in component[b]:
            component[v] = component[a]
    return len(edges) == len(component) - 1


def compute_gaussian_forest(sup: tuple[int, ...], sub: tuple[int, ...], edges: tuple[tuple[int, ...], ...]) -> Pole:
    """Gaussian latent forest `sup` with a truth of the smaller forest `sub` (0/1 for each edge of the tree).

    λ = dim(sub)/2 + (1/4) Σ_{removed edges} #(ends in the true forest), m = 1 + #(nodes of degree 2 of the model outside the true
    forest, on chains with an end in it). Leaves are in the true forest.
    """
    require(all(len(e) == 2 for e in edges), f"edges = {[list(e) for e in edges]}", "two nodes an edge")
    require(_is_tree(edges), f"edges = {[list(e) for e in edges]}", "the edges of a tree")
    require(len(sup) == len(sub) == len(edges), f"{len(sup)} and {len(sub)} entries for {len(edges)} edges", "one entry an edge")
    require(set(sup) | set(sub) <= {0, 1}, f"sup = {list(sup)}, sub = {list(sub)}", "entries 0 or 1")
    require(
        all(s <= b for s, b in zip(sub, sup, strict=True)),
        f"sup = {list(sup)}, sub = {list(sub)}",
        "sub within sup (the truth is in the model)",
    )
    degree = Counter(v for e in edges for v in e)
    require(
        2 not in degree.values(), f"nodes of degree 2: {sorted(v for v in degree if degree[v] == 2)}", "inner nodes of degree 3 or more"
    )
    leaves = {v for v in degree if degree[v] == 1}
    model = prune(tuple(e for e, on in zip(edges, sup, strict=True) if on), leaves)
    truth = prune(tuple(e for e, on in zip(edges, sub, strict=True) if on), leaves)
    in_model, in_truth = (Counter(v for e in forest for v in e) for forest in (model, truth))
    dimension = len(leaves) + len(truth) - sum(in_truth[v] == 2 for v in in_truth if v not in leaves)
    ends = sum(v in leaves or v in in_truth for e in model if e not in truth for v in e)
    passing = {v for v in in_model if in_model[v] == 2 and v not in leaves and v not in in_truth}
    return Pole(Fraction(dimension, 2) + Fraction(ends, 4), 1 + _count_on_paying_chains(model, passing, leaves | set(in_truth)))


def _count_on_paying_chains(edges: tuple[tuple[int, ...], ...], passing: set[int], paying: set[int]) -> int:
    """Nodes of degree 2 on chains with an end in the true forest.

    Only the product of the edges of a chain matters. Where an end pays, its price may be split among the edges in any way, a simplex of
    minimisers; where no end pays, no edge has a weight and there is nothing to split.
    """
    around: dict[int, list[int]] = {v: [] for v in passing}
    for a, b in edges:
        for v, w in ((a, b), (b, a)):
            if v in passing:
                around[v].append(w)
    count = 0
    left = set(passing)
    while left:
        chain, stack, pays = set(), [left.pop()], False
        while stack:
            v = stack.pop()
            chain.add(v)
            pays |= any(w in paying for w in around[v])
            stack += [w for w in around[v] if w in passing and w not in chain]
        left -= chain
        count += len(chain) * pays
    return count


def compute_hidden_markov_bound(K: int, K0: int, M: int) -> Interval:
    """(K0 (K0 - 1) + K0 (M - 1) + (K - K0) K0)/2: surplus states that are never entered."""
    require(K0 <= K, f"K0 = {K0} true states, K = {K}", "K0 <= K (the truth is in the model)")
    return Interval(
        None, Fraction(K0 * (K0 - 1) + K0 * (M - 1) + (K - K0) * K0, 2), "one point of the fibre, of which others may be deeper"
    )


def compute_boltzmann(M: int, K: int, K0: int) -> Pole | Interval:
    """Bipartite Boltzmann machine without biases: M (K + K0)/4; exact for one hidden unit and the uniform truth."""
    require(K0 <= K, f"K0 = {K0} true hidden units, K = {K}", "K0 <= K (the truth is in the model)")
    if (K, K0) == (1, 0) and M >= 2:
        # K is comparable to the sum of squares of all w_i w_j, i < j.
        return Pole(Fraction(1, 2), 2, reliability="derived here") if M == 2 else Pole(Fraction(M, 4), 1, reliability="derived here")
    if M == 1:
        return Pole(Fraction(0), 1, note="one visible unit without bias is uniform: K vanishes identically", reliability="derived here")
    return Interval(None, Fraction(M * (K + K0), 4), "a bound; equality is known for one hidden unit and the uniform truth")
