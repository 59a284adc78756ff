"""Mutation testing of the checker: no spoiled certificate may prove another λ or m.

Certificates of germs of every kind (domains, priors, boxes, ties, sums, cusps) are changed at one random place, or at two places that fit
together, or lose a part. Each mutant has to be rejected, or to prove the same pair: a change that does not matter, such as another true
reason for the same unit, may be accepted.
"""

import copy
import json
import random
from fractions import Fraction
from pathlib import Path

import pytest

from germ.algebra.resolution import Budget
from germ.algebra.rlct import compute_rlct
from germ.checker.check import check_certificate
from germ.claim import Exact
from germ.errors import CertificateError

SUBJECTS = {
    "normal crossing": ("x**2*y**4", {}),
    "cusp": (["y**2-x**3"], {}),
    "quintic": (["y**3-x**5"], {}),
    "two tanh units": (["a*b+c*d", "a*b**3+c*d**3"], {}),
    "half plane and prior": (["x+y**2"], {"domain": "x>=0", "prior": "abs(y)**(1/2)"}),
    "box": ("y**2+x**2*(x-1)**4", {"box": "-1:2,-1:1"}),
    "three squares": ("x**2+y**2+z**2", {}),
    "tie": (["x**2-y**2"], {}),
    "rank one": (["a*c", "a*d", "b*c", "b*d"], {}),
    "off the origin": (["(x-1)*(y+2)**2"], {"at": "1,-2"}),
    "curved domain": ("x**2", {"domain": "x>=y**2"}),
    "strict transform": (["x**3+y**3+z**3"], {}),
}
MUTANTS_EACH = 40
UNLISTED = {row["id"]: row for row in json.loads((Path(__file__).parents[1] / "data" / "unlisted.json").read_text())["rows"]}
MAX_NODES = 60  # of the certificates of those that are mutated too


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def look(document, path):
    for key in path:
        document = document[key]
    return document


def change(value, rng):
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return "1"
    if isinstance(value, int):
        return value + rng.choice([-1, 1])
    if isinstance(value, str):
        try:
            return str(Fraction(value) + rng.choice([Fraction(1), Fraction(-1), Fraction(1, 2)]))
        except ValueError:
            signs = ["any", "nonnegative", "positive", "negative"]
            if value in signs:
                return rng.choice([s for s in signs if s != value])
            digits = [i for i, c in enumerate(value) if c.isdigit()]
            if digits and rng.random() < 0.7:
                i = rng.choice(digits)
                return f"{value[:i]}{(int(value[i]) + 1) % 10}{value[i + 1 :]}"
            return rng.choice([f"{value} + 1", f"-({value})", f"({value})*2", "1", "0"])
    if isinstance(value, list):
        copied = list(value)
        if not copied:
            return [*copied, "1"]
        kind = rng.randrange(3)
        if kind == 0:
            copied.pop(rng.randrange(len(copied)))
        elif kind == 1:
            copied.append(copy.deepcopy(rng.choice(copied)))
        else:
            i, j = rng.randrange(len(copied)), rng.randrange(len(copied))
            copied[i], copied[j] = copied[j], copied[i]
        return copied
    copied = dict(value)
    if copied:
        copied.pop(rng.choice(list(copied)))
    return copied


def mutate(certificate, rng):
    """A certificate that is spoiled at one place, or consistently in the claim and at the optimal leaf, or without one of its charts."""
    mutant = copy.deepcopy(certificate)
    kind = rng.random()
    if kind < 0.2:  # a wrong claim that its leaf supports in words
        leaf = mutant["nodes"][mutant["optimal"]["node"]]["step"] if isinstance(mutant["optimal"], dict) else None
        m = mutant["claim"]["m"] + rng.choice([-1, 1])
        mutant["claim"]["m"] = m
        if leaf is not None and rng.random() < 0.7:
            leaf["m"] = m
        return mutant
    if kind < 0.4:  # a stratum that is dropped with its whole subtree
        inner = [i for i, node in enumerate(mutant["nodes"]) if len(node["children"]) > 1]
        if inner:
            node = mutant["nodes"][rng.choice(inner)]
            lost = rng.randrange(len(node["children"]))
            node["children"].pop(lost)
            if "charts" in node["step"]:
                node["step"]["charts"].pop(lost)
            return keep_reachable(mutant)
    while True:
        path = rng.choice([p for p in places(mutant) if p and p[0] in ("nodes", "claim", "optimal")])
        parent, old = look(mutant, path[:-1]), look(mutant, path)
        parent[path[-1]] = change(old, rng)
        if parent[path[-1]] != old:
            return mutant


def keep_reachable(document):
    """Number the nodes anew without those that lost their parent, so that what is dropped is the stratum and not the form of the file."""
    order, pending = [], [0]
    while pending:
        i = pending.pop()
        order.append(i)
        pending.extend(document["nodes"][i]["children"])
    order.sort()
    new = {old: i for i, old in enumerate(order)}
    nodes = []
    for old in order:
        node = document["nodes"][old]
        node["children"] = [new[c] for c in node["children"]]
        node["parent"] = None if old == 0 else new[node["parent"]]
        if node["step"]["kind"] == "same":
            node["step"]["node"] = new.get(node["step"]["node"], 0)
        nodes.append(node)
    document["nodes"] = nodes
    for item in document["optimal"] if isinstance(document["optimal"], list) else [document["optimal"]]:
        item["path"] = [new.get(i, 0) for i in item["path"]]
        item["node"] = item["path"][-1]
    return document


def count_rejected(answer, mutants, seed):
    """How many mutants of an answer's certificate are rejected; the others have to prove the same pair."""
    proof, truth = answer.certificate, (answer.learning_coefficient, answer.multiplicity)
    verdict = check_certificate(proof)
    assert (verdict.lower, verdict.multiplicity) == truth
    rng = random.Random(seed)
    rejected = 0
    for number in range(mutants):
        mutant = mutate(proof, rng)
        try:
            found = check_certificate(mutant)
        except CertificateError:
            rejected += 1
            continue
        assert (found.lower, found.multiplicity) == truth, f"mutant {number} proves {found}"
    return rejected


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_mutant_proves_another_value(name):
    subject, options = SUBJECTS[name]
    rejected = count_rejected(compute_rlct(subject, **options), MUTANTS_EACH, f"mutants of {name}")
    assert rejected > MUTANTS_EACH / 2  # most places matter


def test_no_mutant_of_the_unlisted_germs_proves_another_value():
    rejected = mutants = 0
    for name, row in UNLISTED.items():
        options = {key: row[key] for key in ("at", "domain", "prior", "box", "everywhere") if key in row}
        answer = compute_rlct(row.get("polynomial") or row["ideal"], budget=Budget(seconds=200, nodes=MAX_NODES), **options)
        if isinstance(answer, Exact):
            rejected += count_rejected(answer, 6, f"mutants of {name}")
            mutants += 6
    assert mutants >= 400
    assert rejected > 0.8 * mutants
