import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-c", "from germ.cli import main; main()", "seminar"]
PAGE = Path(__file__).parents[1] / "data" / "seminar" / "page.md"


def run(*arguments, **keywords):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120, **keywords)


def test_page_goes_round(tmp_path):
    found = run("import", PAGE)
    assert (
        found.stdout.strip() == "51 talks, 46 past, 45 video, 39 transcript, 5 upcoming, 24 pocket, 3 notes" or "51 talks" in found.stdout
    )
    exported = tmp_path / "page.md"
    exported.write_text(run("export", "--format", "md").stdout, encoding="utf-8")
    assert run("import", exported, "--json").stdout == run("import", PAGE, "--json").stdout
    assert run("list", "--upcoming", "--today", "2023-03-15", "--catalogue", PAGE).stdout.endswith("5 talks\n")


def test_formats_and_json():
    assert json.loads(run("export", "--format", "json").stdout)["talks"][0]["id"] == "2022-01-13a"
    assert run("export", "--format", "rss").stdout.startswith("<?xml")
    assert subprocess.run([*COMMAND, "export", "--format", "ics"], capture_output=True).stdout.startswith(b"BEGIN:VCALENDAR\r\n")
    talks = json.loads(run("list", "--speaker", "Goyder", "--json").stdout)
    assert [t["id"] for t in talks] == ["2022-12-22", "2023-01-19", "2023-04-13"]


def test_run_prints_claims_and_writes_figures(tmp_path):
    found = run("run", "2022-11-24", "--output", tmp_path)
    assert found.returncode == 0, found.stderr
    assert "5 claims, 0 failed" in found.stdout
    assert (tmp_path / "2022-11-24-ratios.svg").is_file()
    document = json.loads(run("run", "2022-02-10b", "--json", "--output", tmp_path).stdout)
    assert document["passed"]
    assert {"statement", "expected", "computed", "error", "verdict", "source"} <= set(document["claims"][0])
    assert "nothing to compute" in run("run", "2022-11-03").stdout


def test_failed_claims_exit_non_zero(tmp_path):
    program = """
import sys
import germ.seminar.experiments.jet_schemes as module
from germ.seminar.claims import claim_equal
from germ.seminar.experiment import Outcome
module.run = lambda size, seed: Outcome((claim_equal("one is two", 1, 2, "arithmetic"),))
from germ.cli import main
main()
"""
    found = subprocess.run([sys.executable, "-c", program, "seminar", "run", "2022-11-24"], capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 1
    assert "FAIL" in found.stdout


def test_errors_are_messages(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("title: [", encoding="utf-8")
    cases = [
        (["show", "2029-01-01"], "no talk '2029-01-01'"),
        (["run", "nonsense"], "no talk 'nonsense'"),
        (["run", "2022-11-24", "--size", "huge"], "the size 'huge'"),
        (["list", "--area", "B7"], "no area 'B7'"),
        (["list", "--today", "2022-31-12", "--upcoming"], "is not a date"),
        (["export", "--format", "pdf"], "the format 'pdf'"),
        (["list", "--catalogue", broken], "broken.yaml:"),
        (["list", "--catalogue", tmp_path / "absent.yaml"], "cannot read"),
        (["import", tmp_path / "absent.md"], "cannot read"),
        (["add", "--date", "2027-02-05", "--title", "x", "--catalogue", broken], "broken.yaml:"),
    ]
    for arguments, message in cases:
        found = run(*arguments)
        assert found.returncode == 2
        assert message in found.stderr
        assert "Traceback" not in found.stderr
