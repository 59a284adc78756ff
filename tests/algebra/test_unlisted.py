"""Germs whose (λ, m) follow from theory that the engine does not use: each is answered exactly, with a certificate that is accepted."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from germ import Exact, compute_rlct
from germ.checker.check import check_certificate

GERMS = {row["id"]: row for row in json.loads((Path(__file__).parents[1] / "data" / "unlisted.json").read_text())["rows"]}
BUDGET = 200  # seconds: none needs two on an idle machine, and a busy one must not change the answer


LARGE = 600  # nodes of certificates that take the checker more than a second


def ask(row):
    options = {key: row[key] for key in ("at", "domain", "prior", "box", "everywhere") if key in row}
    return compute_rlct(row.get("polynomial") or row["ideal"], budget=BUDGET, **options)


def check_proof(found):
    verdict = check_certificate(json.loads(json.dumps(found.certificate)))
    value = found.learning_coefficient
    assert (verdict.lower, verdict.upper, verdict.multiplicity) == (value, value, found.multiplicity)


@pytest.mark.parametrize("name", GERMS)
def test_germs_with_values_from_theory(name):
    row = GERMS[name]
    found = ask(row)
    assert isinstance(found, Exact), found
    assert (found.learning_coefficient, found.multiplicity) == (Fraction(row["lambda"]), row["m"])
    if found.details["nodes"] <= LARGE:
        check_proof(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["braid5", "D4", "vandermonde_4_1"])
def test_large_certificates_are_accepted(name):
    check_proof(ask(GERMS[name]))
