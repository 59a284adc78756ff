"""From a question to a proof to a check, as a user runs it."""

import json
import sys

import pytest

import germ.cli


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["germ", *arguments])
    with pytest.raises(SystemExit) as exit_:
        germ.cli.main()
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


def test_proof_check_and_tree(capsys, monkeypatch, tmp_path):
    proof, tree = tmp_path / "cert.json", tmp_path / "tree.html"
    arguments = ["rlct", "--ideal", "a*b+c*d", "a*b**3+c*d**3", "--certificate", str(proof), "--tree", str(tree)]
    assert run(capsys, monkeypatch, *arguments)[0] == 0
    code, out, _ = run(capsys, monkeypatch, "verify", str(proof), "--json")
    assert code == 0
    assert json.loads(out)["accepted"] is True
    assert (json.loads(out)["lambda"], json.loads(out)["m"]) == ("2/3", 1)
    page = tree.read_text()
    assert page.count('class="card"') == len(json.loads(proof.read_text())["nodes"])
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    proof.write_text(proof.read_text().replace('"lambda": "2/3"', '"lambda": "3/4"', 1))
    code, _, err = run(capsys, monkeypatch, "verify", str(proof))
    assert code == 2
    assert "CertificateError" in err
