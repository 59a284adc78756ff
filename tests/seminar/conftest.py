import datetime
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hostile import HOSTILE, TODAY

from germ.seminar.catalogue import Talk, load_catalogue
from germ.seminar.experiment import run_experiment
from germ.seminar.results import save_run
from germ.seminar.site.build import build_site
from germ.seminar.site.pages import Site


@dataclass(frozen=True)
class Built:
    folder: Path
    site: Site


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A site in March 2023 with two results and one talk whose title is hostile."""
    root = tmp_path_factory.mktemp("seminar")
    for talk in ("2022-11-24", "2022-02-10b"):
        save_run(run_experiment(talk), root / "results")
    catalogue = load_catalogue()
    hostile = Talk("2027-02-04", datetime.date(2027, 2, 4), HOSTILE, ("Dan Murfet",), {"video": "https://a.org/?a=1&b=%22"}, area="A2")
    catalogue = replace(catalogue, talks=(*catalogue.talks, hostile))
    site = build_site(catalogue, root / "site", today=TODAY, results=root / "results")
    return Built(root / "site", site)
