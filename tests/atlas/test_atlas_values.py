"""Known values, by Python and by the command line; sizes up to the limits; inputs that no model has."""

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner

import germ
from germ.atlas import compute_value, list_families, load_family
from germ.atlas.page import describe_family, format_input, format_pages, format_table
from germ.claim import Bound, Estimate, Exact, NotApplicable, to_json
from germ.cli import app
from germ.errors import AtlasError, BudgetError, GermError, InputError

ROWS = json.loads((Path(__file__).parents[1] / "data" / "atlas_values.json").read_text())["rows"]
# Rows whose value bounds λ from above.
BOUNDS = {"nmf-bound", "boltzmann-bipartite", "tensor-cp-bound", "relu-deep-bound", "hmm-bound", "vb-linear", "vb-gmm"}


def run(*words):
    return CliRunner().invoke(app, ["atlas", *words])


def name_row(row):
    return f"{row['id']}-{'-'.join(map(str, row['inputs'].values()))}"


@pytest.mark.parametrize("row", ROWS, ids=name_row)
def test_row(row):
    claim = compute_value(row["id"], **row["inputs"])
    if row["id"] in BOUNDS and isinstance(claim, Bound):
        assert claim.upper == Fraction(row["lam"])
        assert claim.learning_coefficient is None
        return
    assert claim.learning_coefficient == Fraction(row["lam"])
    if row["m"] is not None:
        assert isinstance(claim, Exact)
        assert claim.multiplicity == row["m"]
    assert claim.provenance.source
    assert claim.provenance.settings["family"] == row["id"]


@pytest.mark.parametrize("row", ROWS, ids=name_row)
def test_row_on_the_command_line(row):
    words = [word for name, value in row["inputs"].items() if value is not None for word in (f"--{name}", format_input(value).strip("'"))]
    printed = run("value", row["id"], *words, "--json")
    assert printed.exit_code == 0, printed.exception
    by_json = run("value", row["id"], "--inputs", json.dumps(row["inputs"]), "--json")
    assert by_json.stdout == printed.stdout
    answer = json.loads(printed.stdout)
    assert (answer["lambda"] or answer["upper"]) == row["lam"]
    assert row["m"] is None or answer["m"] == row["m"]
    assert answer["reliability"] == to_json(compute_value(row["id"], **row["inputs"]))["reliability"]
    assert answer["source"]


def test_all_rows_within_a_second():
    start = time.perf_counter()
    for row in ROWS:
        compute_value(row["id"], **row["inputs"])
    assert time.perf_counter() - start < 1


def test_example_of_the_front_page():
    assert germ.atlas.compute_value("dln", widths=[10, 10, 10, 10], r=5).learning_coefficient == 46
    answer = json.loads(run("value", "dln", "--widths", "10,10,10,10", "--r", "5", "--json").stdout)
    assert (answer["kind"], answer["lambda"], answer["m"], answer["reliability"]) == ("exact", "46", 3, "proved & cross-checked")


def test_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None; from germ.cli import app; from typer.testing import CliRunner; "
        "r = CliRunner().invoke(app, ['atlas', 'value', 'rrr', '--M', '6', '--N', '6', '--H', '4', '--r', '3']); assert '15' in r.stdout, r"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


BAD = [
    ("dln", {"widths": [10, 4, 10], "r": 5}, "r <= every width"),
    ("dln", {"widths": [3], "r": 1}, "input and an output width"),
    ("dln", {"widths": [], "r": 0}, "list of integers"),
    ("dln", {"widths": [3, 0, 3], "r": 0}, ">= 1"),
    ("dln", {"widths": [3, 3.0, 3], "r": 0}, "float"),
    ("dln", {"widths": [3, True, 3], "r": 0}, "bool"),
    ("dln", {"widths": 3, "r": 0}, "list"),
    ("dln", {"widths": "3,3", "r": 0}, "list"),
    ("dln", {"widths": [3, 3], "r": -1}, ">= 0"),
    ("dln", {"widths": [3, 3]}, "missing input 'r'"),
    ("dln", {"widths": [3, 3], "r": 1, "h": 2}, "unknown input 'h'"),
    ("dln", {"widths": [10**30, 3], "r": 1}, "at most"),
    ("dln", {"widths": [2] * 2000, "r": 1}, "at most"),
    ("rrr", {"M": 6, "N": 6, "H": 2, "r": 3}, "rrr-underfit"),
    ("rrr", {"M": 2, "N": 6, "H": 4, "r": 3}, "r <= min"),
    ("rrr-underfit", {"M": 3, "N": 3, "H": 3}, "H < min"),
    ("rrr-local", {"M": 2, "N": 2, "H": 2, "r": 0, "rankA": 2, "rankB": 2}, "Sylvester"),
    ("rrr-local", {"M": 2, "N": 2, "H": 2, "r": 1, "rankA": 0, "rankB": 2}, "at most the ranks"),
    ("dln-local", {"widths": [2, 2, 2], "r": 0, "ranks": [2, 2]}, "Sylvester"),
    ("dln-local", {"widths": [2, 2, 2], "r": 0, "ranks": [1]}, "one rank a layer"),
    ("softmax-dln", {"widths": [3, 3, 1], "r": 0}, "two classes"),
    ("normal-crossing", {"k": [0, 0]}, "at least one k_j"),
    ("normal-crossing", {"k": [1, 1], "h": [0]}, "as many"),
    ("normal-crossing", {"k": [1, 1], "h": [0, -1]}, "h_j > -1"),
    ("monomial-ideal", {"exponents": [[1, 0], [2]]}, "one length"),
    ("monomial-ideal", {"exponents": [[0, 0], [1, 1]]}, "vanishes at the origin"),
    ("monomial-ideal", {"exponents": []}, "list of lists"),
    ("mixture", {"H": 1, "r": 2, "N": 1, "alpha": 1}, "r <= H"),
    ("mixture", {"H": 2, "r": 1, "N": 1, "alpha": 0}, "alpha > 0"),
    ("mixture", {"H": 2, "r": 1, "N": 1, "alpha": 0.5}, "float"),
    ("mixture", {"H": 2, "r": 2, "N": 1, "alpha": "1", "weights": ["1/2", "1/3"]}, "sum to 1"),
    ("multinomial-boundary", {"alpha": [1, 1], "truth": ["1/2", "1/3"]}, "sum to 1"),
    ("multinomial-boundary", {"alpha": [1, 1], "zero": [0, 1]}, "positive probability"),
    ("multinomial-boundary", {"alpha": [1, 1], "zero": [2]}, "indices"),
    ("multinomial-boundary", {"alpha": [1, 1], "zero": [0, 0]}, "distinct"),
    ("multinomial-boundary", {"alpha": [1, 1]}, "exactly one"),
    ("factor-analysis", {"m": 3, "k": 4, "l": 0}, "k <= m"),
    ("factor-analysis", {"m": 6, "k": 1, "l": 2}, "l <= k"),
    ("psd-factor", {"p": 2, "k": 3, "r": 3}, "r <= min"),
    ("lda", {"M": 2, "N": 5, "H": 3, "rho": 2}, "affine rank"),
    ("gaussian-latent-forest", {"sup": [0] * 7, "sub": [1] * 7}, "sub within sup"),
    ("gaussian-latent-forest", {"sup": [1, 1], "sub": [1, 1]}, "one entry an edge"),
    ("gaussian-latent-forest", {"sup": [1] * 3, "sub": [2] * 3, "edges": [[1, 4], [2, 4], [3, 4]]}, "0 or 1"),
    ("gaussian-latent-forest", {"sup": [1] * 3, "sub": [1] * 3, "edges": [[1, 2], [2, 3], [3, 1]]}, "a tree"),
    ("binary-latent-tree-interior", {"n_v": 6, "n_e": 5, "l2": 0, "l0": 1}, "l2 >= 1"),
    ("binary-latent-tree-interior", {"n_v": 4, "n_e": 4, "l2": 0, "l0": 0}, "a tree"),
    ("naive-bayes-binary", {"n": 3, "case": "some"}, "one of"),
    ("diagonal-linear", {"d": 5, "s": 2, "L": 2, "tied": 1}, "true or false"),
    ("diagonal-linear", {"d": 5, "s": 6, "L": 2, "tied": True}, "s <= d"),
    ("hyperplane", {"arrangement": "E9"}, "finite Coxeter"),
    ("hyperplane", {"arrangement": "three lines"}, "braid A2"),
    ("hyperplane", {"arrangement": "1,0;0,0"}, "non-zero normals"),
    ("tanh-general", {"H": 2, "r": 3}, "r <= H"),
    ("vandermonde-H2", {"M": 1, "N": 1, "H": 3, "Q": 1}, "H = 2"),
    ("pnn-2d", {"r": 2, "L": 10**9}, "at most"),
    ("pnn-2d", {"r": 1, "L": 2}, ">= 2"),
    ("singular-fluctuation", {"lam": "1/2", "p": 2, "half_line": True}, "p = 1"),
    ("uniform-attention", {"v": 1, "e": 2}, ">= 2"),
]


@pytest.mark.parametrize(("family", "inputs", "words"), BAD, ids=lambda x: x if isinstance(x, str) else "")
def test_impossible_inputs_raise_the_rule_that_they_break(family, inputs, words):
    with pytest.raises(InputError) as caught:
        compute_value(family, **inputs)
    assert words in str(caught.value)
    assert caught.value.expected
    assert caught.value.remedy


def test_unknown_families_suggest_names():
    with pytest.raises(AtlasError, match="perhaps dln"):
        compute_value("dnl", r=1)


def test_outside_the_hypotheses_there_is_no_number():
    beyond = compute_value("factor-analysis", m=3, k=3, l=0)
    assert isinstance(beyond, Bound)
    assert (beyond.lower, beyond.upper) == (None, 3)  # the formula would say 15/4, above dim/2
    assert isinstance(compute_value("naive-bayes-binary", n=2, case="generic"), NotApplicable)
    assert isinstance(compute_value("rbm"), NotApplicable)
    open_rank = compute_value("dln-local", widths=[3, 3, 3, 3], r=0, ranks=[1, 1, 1])
    assert isinstance(open_rank, Bound)
    assert open_rank.lower < open_rank.upper


def test_unpublished_multiplicity_is_not_invented():
    claim = compute_value("vandermonde-H2", M=2, N=2, H=2, Q=1)
    assert isinstance(claim, Bound)
    assert claim.learning_coefficient == Fraction(7, 4)
    assert to_json(claim)["m"] is None
    assert to_json(claim)["lambda"] == "7/4"
    assert compute_value("vandermonde-H2", M=1, N=1, H=2, Q=2).multiplicity == 1  # scalar b: known


def test_large_sizes_answer_at_once():
    start = time.perf_counter()
    big = 10**12
    compute_value("rrr", M=big, N=big, H=big, r=big // 2)
    compute_value("tanh-zero", H=big)
    compute_value("tanh-general", H=big, r=big // 3)
    compute_value("vandermonde-N1", M=7, H=big, Q=3)
    compute_value("relu-1d-zero", M=big, H=big)
    compute_value("mixture", H=big, r=1, N=2, alpha=1)
    compute_value("dln", widths=list(range(1, 1001)), r=1)
    compute_value("hyperplane", arrangement="braid A999999999")
    planes = ";".join(",".join(str(int(i == j)) for j in range(12)) for i in range(12))
    assert compute_value("hyperplane", arrangement=planes).multiplicity == 12
    compute_value("pnn-2d", r=1000, L=1000)
    compute_value("latent-class-H2-r1", levels=[big] * 1000)
    assert time.perf_counter() - start < 2
    with pytest.raises(BudgetError):
        compute_value("monomial-ideal", exponents=[[int(i == j) for j in range(200)] for i in range(200)])
    with pytest.raises(BudgetError):
        compute_value("prior-zeros", h=[Fraction(1, 10**20 + 2 * i) for i in range(1000)])


def test_fluctuations():
    claim = compute_value("singular-fluctuation", lam="1/6", p=1)
    assert isinstance(claim, Estimate)
    assert claim.value == pytest.approx(0.278366, abs=1e-6)
    assert 0 < claim.standard_error < 1e-9
    assert compute_value("singular-fluctuation", lam=50, p=100).value == pytest.approx(50, abs=1e-8)


def test_recalled_formulas_say_so():
    for family in ("nmf-bound", "vb-linear", "vb-gmm", "mixture-gmm-bound", "mixture-signed"):
        assert load_family(family).reliability == "recalled, unverified"
    assert compute_value("boltzmann-bipartite", M=5, K=3, K0=1).provenance.reliability == "recalled, unverified"
    assert compute_value("boltzmann-bipartite", M=5, K=1, K0=0).provenance.reliability == "derived here"
    assert compute_value("tanh-general", H=4, r=1).provenance.reliability == "derived here"
    assert compute_value("tanh-general", H=7, r=1).provenance.reliability == "recalled, unverified"


def test_command_line_words():
    assert json.loads(run("value", "diagonal-linear", "--d", "5", "--s", "2", "--L=2", "--tied", "--json").stdout)["lambda"] == "7/4"
    assert json.loads(run("value", "normal-crossing", "--k", "1,2", "--h", "null", "--json").stdout)["lambda"] == "1/4"
    assert json.loads(run("value", "monomial-ideal", "--exponents", "[[1,0],[0,2]]", "--json").stdout)["lambda"] == "3/4"
    assert json.loads(run("value", "mixture", "--H", "2", "--r", "1", "--N", "1", "--alpha", "0.5", "--json").stdout)["lambda"] == "3/4"
    for words, message in (
        (["value", "rrr", "--M", "2", "--N", "-1", "--H", "1", "--r", "0"], ">= 1"),
        (["value", "rrr", "--M", "2", "--M", "1"], "given twice"),
        (["value", "rrr", "--M"], "no value"),
        (["value", "rrr", "--q", "1"], "not an input"),
        (["value", "rrr", "--M", "1e3", "--N", "1", "--H", "1", "--r", "0"], "an integer"),
        (["value", "dln", "--widths", "", "--r", "0"], "empty"),
        (["value", "mixture", "--H", "2", "--r", "1", "--N", "1", "--alpha", "1/0"], "a rational"),
        (["value", "mixture", "--H", "2", "--r", "1", "--N", "1", "--alpha", "1e99999999"], "a rational"),
        (["value", "dln", "--inputs", "[1]"], "JSON object"),
    ):
        result = run(*words)
        assert result.exit_code != 0
        assert isinstance(result.exception, GermError)
        assert message in str(result.exception)


def test_list_and_show():
    families = json.loads(run("list", "--json").stdout)["families"]
    assert {row["id"] for row in ROWS} <= {f["id"] for f in families}
    assert {"rbm", "hmm", "activation-general", "relu-three-layer", "cnn-skip"} <= {f["id"] for f in families if f["kind"] == "open"}
    for name in list_families():
        shown = json.loads(run("show", name, "--json").stdout)
        assert shown["id"] == name
        text = describe_family(load_family(name))
        assert text.startswith(name)
        assert all(len(line) <= 120 for line in text.splitlines()[1:])
    for name in list_families():
        assert f"`{name}`" in (table := format_table())
        assert table.count("\n") == len(list_families()) + 1
    assert format_pages().count("<details>") == len(list_families())
    assert "dln" in run("list").stdout
