"""The schema of a family's file: each way to be malformed is refused with file, key and reason."""

import tomllib
from pathlib import Path

import pytest

import germ.atlas.family as family_module
from germ.atlas import list_families, load_family, read_family
from germ.atlas.formulas import FORMULAS
from germ.errors import AtlasError

FOLDER = Path(family_module.__file__).parent / "families"


@pytest.mark.parametrize("name", list_families())
def test_every_family_is_complete(name):
    entry = load_family(name)
    assert (entry.kind == "open") == (name not in FORMULAS)
    assert entry.hypotheses
    assert entry.sources
    assert entry.conventions
    assert entry.kind == "open" or (entry.values and entry.checks and entry.inputs and entry.formula)
    if entry.kind in ("bound", "contrast"):
        assert all(v.multiplicity is None for v in entry.values if name != "nmf-bound" and name != "boltzmann-bipartite")


BROKEN = [
    ('title = "', 'titel = "', "titel", "unknown"),
    ('kind = "exact"', 'kind = "exakt"', "kind", "not one of"),
    ('reliability = "proved & cross-checked"', 'reliability = "sure"', "reliability", "not one of"),
    ('statement = "', 'statement = 3 # "', "statement", "is a int"),
    ('id = "rrr"', 'id = "rrrr"', "id", "file is named"),
    ("minimum = 0", 'minimum = "0"', "inputs[3].minimum", "not a int"),
    ("minimum = 0", "minimum = true", "inputs[3].minimum", "not a int"),
    ('kind = "integer"', 'kind = "number"', "inputs[0].kind", "not one of"),
    ('name = "M"', 'name = "M x"', "inputs[0].name", "letters"),
    ('name = "M"', 'name = "N"', "inputs", "two inputs"),
    ('lambda = "27/2"', 'lambda = "27/0"', "values[0].lambda", "not a fraction"),
    ('lambda = "27/2"', "lambda = 13.5", "values[0].lambda", "not a str"),
    ('lambda = "27/2"\n', "", "values[0].lambda", "exactly one"),
    ("\nm = 1\n", '\nm = "1"\n', "values[0].m", "not a int"),
    ("{ M = 6, N = 6, H = 3, r = 3 }", "{ M = 6, N = 6, H = 3 }", "values[0].inputs.r", "missing"),
    ("{ M = 6, N = 6, H = 3, r = 3 }", "{ M = 6, N = 6, H = 3, r = 3, q = 1 }", "values[0].inputs.q", "not an input"),
    ("{ M = 6, N = 6, H = 3, r = 3 }", "{ M = 6.5, N = 6, H = 3, r = 3 }", "values[0].inputs.M", "float"),
    ('read = "through another source"', 'read = "somewhere"', "sources[0].read", "not one of"),
    ("year = 2005", 'year = "2005"', "sources[0].year", "not a int"),
    ("completeness = ", "completeness = ''\n# ", "completeness", "is empty"),
    ("conventions = ", "# ", "conventions", "missing"),
    ("[[inputs]]", "[[input]]", "input", "unknown"),
    ("[[sources]]", "[sources", "(whole file)", "TOML"),
]


@pytest.mark.parametrize(("old", "new", "key", "reason"), BROKEN, ids=lambda text: text[:20])
def test_malformed_files_are_refused(old, new, key, reason, tmp_path):
    text = (FOLDER / "rrr.toml").read_text()
    assert old in text
    file = tmp_path / "rrr.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(AtlasError) as caught:
        read_family(file)
    message = str(caught.value)
    assert str(file) in message
    assert f"{key!r}" in message
    assert reason in message


def test_open_families_say_what_is_missing(tmp_path):
    text = (FOLDER / "rbm.toml").read_text()
    assert load_family("rbm").missing
    (tmp_path / "rbm.toml").write_text("\n".join(line for line in text.splitlines() if not line.startswith("missing")))
    with pytest.raises(AtlasError, match="what is missing"):
        read_family(tmp_path / "rbm.toml")
    (tmp_path / "rbm.toml").write_text('formula = "1"\n' + text)
    with pytest.raises(AtlasError, match="an open family has none"):
        read_family(tmp_path / "rbm.toml")


def test_every_file_survives_a_round_trip_of_its_texts():
    for name in list_families():
        document = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        entry = load_family(name)
        assert entry.statement == document["statement"]
        assert len(entry.values) == len(document.get("values", []))
        assert entry.source.count(";") >= len(entry.sources) - 1
