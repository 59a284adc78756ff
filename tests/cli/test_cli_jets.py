import json
import subprocess
import sys

COMMAND = [sys.executable, "-c", "from germ.cli import main; main()", "jets"]


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)


def test_table_and_json():
    found = run("y**2-x**3", "--order", "12", "--json")
    document = json.loads(found.stdout)
    assert [r["dim"] for r in document["rows"]] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15]
    assert document["lct"] == "5/6"
    assert document["attained"] == [5, 11]
    assert "threshold over C: 5/6" in run("y**2-x**3", "--order", "6", "--prime", "5").stdout


def test_errors_have_no_traceback():
    for arguments in (["y**2-"], ["0.5*x"], ["x", "--order", "-1"], ["x-x"]):
        found = run(*arguments)
        assert found.returncode != 0
        assert "Traceback" not in found.stderr
        assert found.stderr.strip()
