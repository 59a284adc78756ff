import datetime
import subprocess
import sys

import pytest

from germ.errors import SeminarError
from germ.seminar.catalogue import DEFAULT_CATALOGUE, load_catalogue, search_talks, select_talks
from germ.seminar.edit import add_talk
from germ.seminar.experiments import EXPERIMENTS
from germ.seminar.schema import read_catalogue

TEXT = DEFAULT_CATALOGUE.read_text(encoding="utf-8")
MINIMAL = """title: T
description: D
weekday: Thursday
time: {start: '16:00', end: '17:30', zone: Australia/Melbourne}
updated: 2023-01-01
areas: [{id: A1, title: Algebra}]
speakers:
  - {name: Ada}
page: {as_of: 2023-01-01}
talks:
  - id: 2023-01-05
    date: 2023-01-05
    speakers: [Ada]
    title: One
"""


def test_the_catalogue_holds_everything():
    catalogue = load_catalogue()
    assert (len(catalogue.talks), sum(t.listed for t in catalogue.talks)) == (66, 51)
    talk = catalogue.find_talk("2023-04-13")
    assert (talk.title, talk.current_title) == ("TBD", "The Quantization Model of Neural Scaling")
    assert (talk.speakers, talk.current_speakers) == (("Russell Goyder",), ("Eric Michaud",))
    assert catalogue.find_talk("2023-09-06").weekday == "Wednesday"
    assert all(t.area for t in catalogue.talks)
    assert {a.id for a in catalogue.areas} == {f"A{i}" for i in range(13)}
    assert list(EXPERIMENTS) == [t.id for t in catalogue.talks]


def test_upcoming_is_a_matter_of_the_day():
    talks = load_catalogue().talks[:51]
    assert sum(t.is_upcoming(datetime.date(2023, 3, 10)) for t in talks) == 5
    assert sum(t.is_upcoming(datetime.date(2023, 3, 16)) for t in talks) == 5, "a talk is upcoming on its own day"
    assert sum(t.is_upcoming(datetime.date(2023, 3, 17)) for t in talks) == 4
    assert not any(t.is_upcoming(datetime.date(2024, 1, 1)) for t in talks)


def test_select_and_search():
    catalogue = load_catalogue()
    assert len(select_talks(catalogue, speaker="wong")) == 5
    assert len(select_talks(catalogue, area="a3", year=2023)) == 1
    assert search_talks(catalogue, ["Newton"])[0].id == "2022-11-10"
    assert search_talks(catalogue, ["newton", "zebra"]) == []
    for call in (
        lambda: select_talks(catalogue, speaker="Zorro"),
        lambda: select_talks(catalogue, area="B1"),
        lambda: search_talks(catalogue, [" "]),
    ):
        with pytest.raises(SeminarError):
            call()
    with pytest.raises(SeminarError, match="2022-01-13a or 2022-01-13b"):
        catalogue.find_talk("2022-01-13")


BROKEN = {
    "malformed": (MINIMAL + "  - id: [unclosed\n", r"c\.yaml:1[56]: malformed YAML"),
    "duplicate id": (MINIMAL + MINIMAL.partition("talks:\n")[2], r"c\.yaml:15: the talk '2023-01-05' again; it is already on line 11"),
    "impossible date": (MINIMAL.replace("date: 2023-01-05", "date: 2023-02-30"), r"c\.yaml:12: '2023-02-30' is not a date"),
    "another order of day and month": (MINIMAL.replace("date: 2023-01-05", "date: 05-01-2023"), r"c\.yaml:12: '05-01-2023' is not a date"),
    "wrong weekday": (MINIMAL.replace("2023-01-05", "2023-01-06"), r"c\.yaml:12: 2023-01-06 is a Friday, not a Thursday"),
    "unknown key": (MINIMAL + "    tittle: Two\n", r"c\.yaml:15: unknown key 'tittle'"),
    "key twice": (MINIMAL + "    title: Two\n", r"c\.yaml:15: the key 'title' for the second time"),
    "missing key": (MINIMAL.replace("    title: One\n", ""), r"c\.yaml:11: no 'title' here"),
    "empty value": (MINIMAL.replace("title: One", "title:"), r"c\.yaml:14: found nothing"),
    "id of another day": (MINIMAL.replace("id: 2023-01-05", "id: 2023-01-12"), r"c\.yaml:11: the id '2023-01-12' of a talk on 2023-01-05"),
    "unknown speaker": (MINIMAL.replace("speakers: [Ada]", "speakers: [Eve]"), r"c\.yaml:11: unknown speaker 'Eve'"),
    "unknown area": (MINIMAL + "    area: A9\n", r"c\.yaml:11: unknown area 'A9'"),
    "unknown kind of link": (MINIMAL + "    links: {vidoe: https://a.org}\n", r"c\.yaml:15: unknown key 'vidoe'"),
    "script as address": (MINIMAL + "    links: {video: 'javascript:alert(1)'}\n", r"c\.yaml:15: .* is not a web address"),
    "own prerequisite": (MINIMAL + "    prerequisites: [2023-01-05]\n", r"c\.yaml:11: .* is not before it"),
    "a list where a text belongs": (MINIMAL.replace("title: One", "title: [One]"), r"c\.yaml:14: found a list"),
    "ends before it starts": (MINIMAL.replace("17:30", "15:30"), r"c\.yaml:4: starts at"),
    "not a mapping": ("- 1\n", r"c\.yaml:1: found a list"),
    "empty": ("", r"c\.yaml: an empty document"),
    "two documents": (MINIMAL + "---\na: 1\n", r"c\.yaml:15: malformed YAML"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_named_with_file_and_line(name):
    text, message = BROKEN[name]
    with pytest.raises(SeminarError, match=message):
        read_catalogue(text, "c.yaml")


def test_minimal_catalogue_is_valid_and_yaml_builds_no_objects():
    assert read_catalogue(MINIMAL, "c.yaml").talks[0].title == "One"
    hostile = MINIMAL.replace("title: One", "title: !!python/object/apply:os.system ['true']")
    with pytest.raises(SeminarError, match=r"c\.yaml:14: found a list"):
        read_catalogue(hostile, "c.yaml")


def test_add_keeps_the_rest_of_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(TEXT, encoding="utf-8")
    day = datetime.date(2027, 2, 4)
    first = add_talk(
        path, day, 'Title: with "quotes" # and <b>', ["Dan Murfet", "New Speaker"], links={"video": "https://a.org/?q=1"}, area="A2"
    )
    second = add_talk(path, day, "Another", ["New Speaker"])
    assert (first.id, second.id) == ("2027-02-04", "2027-02-04b")
    assert first.title == 'Title: with "quotes" # and <b>'
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if line in set(TEXT.splitlines())]
    assert [line for line in kept if line.strip()] != []
    old = load_catalogue()
    new = load_catalogue(path)
    assert new.talks[:-2] == old.talks
    assert new.references == old.references
    assert [s.name for s in new.speakers if s not in old.speakers] == ["New Speaker"]


@pytest.mark.parametrize(
    ("day", "keywords", "message"),
    [
        (datetime.date(2027, 2, 5), {}, "is a Friday, not a Thursday"),
        (datetime.date(2027, 2, 4), {"area": "Z9"}, "unknown area 'Z9'"),
        (datetime.date(2027, 2, 4), {"links": {"video": "ftp://a"}}, "not a web address"),
        (datetime.date(2027, 2, 4), {"links": {"film": "https://a.org"}}, "unknown kind of link 'film'"),
        (datetime.date(2027, 2, 4), {"title": "two\nlines"}, "2 lines"),
        (datetime.date(2027, 2, 4), {"title": "red \x1b[31m"}, "control character"),
        (datetime.date(2027, 2, 4), {"speakers": ["A\u2028B"]}, "control character"),
    ],
)
def test_add_changes_nothing_when_it_refuses(tmp_path, day, keywords, message):
    path = tmp_path / "c.yaml"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(SeminarError, match=message):
        add_talk(**{"path": path, "date": day, "title": "Title", "speakers": ["Dan Murfet"]} | keywords)
    assert path.read_text(encoding="utf-8") == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_catalogue_needs_no_torch():
    program = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('torch', 'matplotlib', 'scipy', 'mkdocs'):
            raise ImportError(name)
sys.meta_path.insert(0, Block())
from germ.cli import app
for arguments in (['list'], ['show', '2022-11-24'], ['search', 'jet'], ['export', '--format', 'ics']):
    app(['seminar', *arguments], standalone_mode=False)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr
    assert "66 talks" in found.stdout
