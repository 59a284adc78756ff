"""What the site's pages show: counts, lists and states, computed from the catalogue and the stored results."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from germ.errors import SeminarError
from germ.seminar.catalogue import Catalogue, Reference, Talk, Topic
from germ.seminar.experiment import NothingToCompute, NotYet, find_experiment
from germ.seminar.results import Result

SECTIONS = {
    "canonical": "The two books", "introductory": "Introductions", "literature": "Papers behind the computations",
    "discussion": "Papers to be discussed", "background": "Background", "notes": "Handwritten notes",
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """What became of a talk's experiment.

    Args:
        kind: "pass", "fail", "unrun", "not-yet" or "nothing".
        label: A few words for lists.
        reason: Why there is no result, where there is none.
    """

    kind: str
    label: str
    reason: str = ""


@dataclass(frozen=True)
class Counts:
    """The numbers of the front page.

    Args:
        talks: All talks.
        green: Talks whose current result has no failed claim.
        failed: Talks whose current result has a failed claim.
        unrun: Talks with an experiment and no current result.
        not_yet: Talks that wait for a capability.
        nothing: Talks with nothing to compute.
        claims_held: Claims that hold, in current results.
        past_listed: Talks before the page's day.
        green_listed: Those of them that are green.
    """

    talks: int
    green: int
    failed: int
    unrun: int
    not_yet: int
    nothing: int
    claims_held: int
    past_listed: int
    green_listed: int


@dataclass(frozen=True)
class Site:
    """Everything that the templates need.

    Args:
        catalogue: The catalogue.
        results: By talk id.
        today: The day that divides past from upcoming.
    """

    catalogue: Catalogue
    results: Mapping[str, Result]
    today: datetime.date
    _states: dict[str, State] = field(default_factory=dict, repr=False, compare=False)

    def describe(self, talk: Talk) -> State:
        """What became of a talk's experiment."""
        if talk.id not in self._states:
            self._states[talk.id] = self._describe(talk)
        return self._states[talk.id]

    def _describe(self, talk: Talk) -> State:
        try:
            entry = find_experiment(talk.id)
        except SeminarError:
            return State("not-yet", "not yet", "no experiment is registered for it")
        if isinstance(entry, NotYet):
            return State("not-yet", "not yet", entry.capability)
        if isinstance(entry, NothingToCompute):
            return State("nothing", "—", entry.reason)
        result = self.results.get(talk.id)
        if result is None:
            return State("unrun", "not run")
        if not result.is_current:
            return State("unrun", "changed since its run")
        held = sum(claim.passed for claim in result.claims)
        number = len(result.claims)
        return State(
            "pass" if result.passed else "fail", f"{held} of {number} hold" if held < number else f"{number} claim{'s' * (number > 1)}"
        )

    @cached_property
    def counts(self) -> Counts:
        """The numbers of the front page, counted from what the pages show."""
        states = [(talk, self.describe(talk).kind) for talk in self.catalogue.talks]
        kinds = [kind for _, kind in states]
        listed = [kind for talk, kind in states if talk.listed and not talk.is_upcoming(self.catalogue.page.as_of)]
        held = sum(claim.passed for talk, kind in states if kind in ("pass", "fail") for claim in self.results[talk.id].claims)
        return Counts(
            talks=len(states), green=kinds.count("pass"), failed=kinds.count("fail"), unrun=kinds.count("unrun"),
            not_yet=kinds.count("not-yet"), nothing=kinds.count("nothing"), claims_held=held,
            past_listed=len(listed), green_listed=listed.count("pass"),
        )  # fmt: skip

    @property
    def page_month(self) -> str:
        """The month of the seminar's page."""
        return f"{self.catalogue.page.as_of:%B %Y}"

    @cached_property
    def upcoming(self) -> list[Talk]:
        """Upcoming talks, the next one first."""
        return [t for t in self.catalogue.talks if t.is_upcoming(self.today)]

    @cached_property
    def years(self) -> list[tuple[int, list[Talk]]]:
        """Past talks by year, newest first."""
        past = [t for t in self.catalogue.talks if not t.is_upcoming(self.today)]
        return [(y, sorted((t for t in past if t.date.year == y), key=lambda t: (-t.date.toordinal(), t.id))) for y in self._years(past)]

    @staticmethod
    def _years(talks: list[Talk]) -> list[int]:
        return sorted({t.date.year for t in talks}, reverse=True)

    @cached_property
    def talks(self) -> dict[str, Talk]:
        """Talks by id."""
        return {t.id: t for t in self.catalogue.talks}

    @cached_property
    def areas(self) -> dict[str, Topic]:
        """Areas by id."""
        return {a.id: a for a in self.catalogue.areas}

    @cached_property
    def series(self) -> dict[str, Topic]:
        """Series by id."""
        return {s.id: s for s in self.catalogue.series}

    @cached_property
    def references(self) -> dict[str, Reference]:
        """References by id."""
        return {r.id: r for r in self.catalogue.references}

    @cached_property
    def talks_by_reference(self) -> dict[str, list[Talk]]:
        """Which talks use a reference."""
        return {r: [t for t in self.catalogue.talks if r in t.references] for r in self.references}

    @cached_property
    def bibliography(self) -> list[tuple[str, list[Reference]]]:
        """References by section."""
        groups = [(heading, [r for r in self.catalogue.references if r.section == key]) for key, heading in SECTIONS.items()]
        return [(heading, items) for heading, items in groups if items]

    @cached_property
    def slugs(self) -> dict[str, str]:
        """File names of speakers' pages."""
        found: dict[str, str] = {}
        for speaker in self.catalogue.speakers:
            slug = re.sub(r"[\W_]+", "-", speaker.name.casefold()).strip("-") or "speaker"
            while slug in found.values():
                slug += "-2"
            found[speaker.name] = slug
        return found

    def find_talks_of(self, name: str) -> list[Talk]:
        """Talks of a speaker, those announced with the speaker included."""
        return [t for t in self.catalogue.talks if name in (*t.current_speakers, *t.speakers)]
