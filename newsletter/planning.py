"""What a good calendar has, and what it warns of: pure rules over what is planned. Days are the desk's."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.lib.planned import Planned

WEEK = timedelta(days=7)
SAID = "published"
"""The status of what members have before them already: nobody can change it any more."""


@dataclass(frozen=True)
class Limits:
    """The settings the rules go by."""

    fresh_weeks: int = 4
    in_a_row: int = 2
    region_weeks: int = 4
    launch_weeks: int = 6
    approve_days: int = 3


@dataclass(frozen=True)
class Region:
    """A region that should have something of its own. ``launches_on`` is None when it has no day to wait for."""

    name: str
    launches_on: date | None = None


@dataclass(frozen=True)
class Warned:
    """One thing that is not as it should be. ``day`` is where to look, ``until`` where the stretch ends."""

    rule: str
    day: date
    until: date
    region: str = ""
    entry: Planned | None = None
    after: Planned | None = None
    number: int = 0
    launches_on: date | None = None

    @property
    def key(self) -> str:
        """The same for the same trouble, day after day."""
        about = self.entry.name if self.entry else self.region or f"{monday_of(self.day)}"
        return f"{self.rule}:{about}"

    @property
    def text(self) -> str:
        """What is wrong, as a sentence."""
        if self.rule == "week":
            return _("Nothing fresh from %(day)s to %(until)s.") % {
                "day": date_format(monday_of(self.day), "j F"),
                "until": date_format(self.until, "j F"),
            }
        if self.rule == "region" and self.launches_on:
            return _("%(region)s launches on %(day)s, and nothing is planned for it.") % {
                "region": self.region,
                "day": date_format(self.launches_on, "j F"),
            }
        if self.rule == "region":
            return _("Nothing for %(region)s until %(until)s.") % {
                "region": self.region,
                "until": date_format(self.until, "j F"),
            }
        assert self.entry is not None and self.entry.day is not None
        if self.rule == "row":
            assert self.after is not None
            said = _("“%(title)s” is of the same type as “%(after)s” before it.")
            if self.number > 2:
                said = _("“%(title)s” makes %(n)d of the same type in a row, after “%(after)s”.")
            return said % {"title": self.entry.title, "after": self.after.title, "n": self.number}
        return _("“%(title)s” is due on %(day)s and not approved.") % {
            "title": self.entry.title,
            "day": date_format(self.entry.day, "l, j F"),
        }

    @property
    def advice(self) -> str:
        """What to do about it."""
        if self.rule == "week":
            return _("Bring an idea to that week, or write something new.")
        if self.rule == "region" and self.launches_on:
            return _("Plan a first word for the people there.")
        if self.rule == "region":
            return _("Plan something of their own, or give an entry their region.")
        if self.rule == "row":
            return _("Move one of them, or put another type between them.")
        return _("Read and approve it, or move it.")


def monday_of(day: date) -> date:
    """The Monday a week begins with."""
    return date.fromordinal(max(day.toordinal() - day.weekday(), 1))


def sunday_of(day: date) -> date:
    return min(monday_of(day), date.max - timedelta(days=6)) + timedelta(days=6)


def _fresh(entries: Iterable[Planned]) -> list[Planned]:
    """What gives members something, in the order they get it."""
    found = [one for one in entries if one.fresh and one.day is not None]
    return sorted(found, key=lambda one: (one.day, one.at is None, one.at, one.name))


def empty_weeks(entries: Iterable[Planned], *, today: date, weeks: int) -> list[Warned]:
    """Weeks, this one and those after it, that bring nobody anything new."""
    filled = {monday_of(one.day) for one in _fresh(entries) if one.day is not None}
    coming = [monday_of(today) + number * WEEK for number in range(weeks)]
    return [Warned("week", max(monday, today), sunday_of(monday)) for monday in coming if monday not in filled]


def same_type(entries: Iterable[Planned], *, today: date, in_a_row: int) -> list[Warned]:
    """Entries still to come by which somebody gets the same type so many times in a row.

    Whoever lives in a region gets what is for it and what is for everybody; an edition in between changes nothing.
    """
    typed = [one for one in _fresh(entries) if one.type]
    found: dict[str, Warned] = {}
    for region in ["", *sorted({one.region for one in typed if one.region})]:
        for before, entry, number in _runs([one for one in typed if one.region in {"", region}]):
            assert entry.day is not None
            if number >= in_a_row and entry.day >= today and entry.status != SAID and entry.name not in found:
                found[entry.name] = Warned(
                    "row", entry.day, entry.day, region=entry.region, entry=entry, after=before, number=number
                )
    return sorted(found.values(), key=lambda one: (one.day, one.key))


def _runs(row: Sequence[Planned]) -> Iterator[tuple[Planned, Planned, int]]:
    """Each entry but the first, with the one before it and the how-manieth of its type in a row it is."""
    number = 1
    for before, entry in pairwise(row):
        number = number + 1 if entry.type == before.type else 1
        yield before, entry, number


def silent_regions(
    entries: Iterable[Planned], regions: Iterable[Region], *, today: date, weeks: int, launch_weeks: int
) -> list[Warned]:
    """Regions for which nothing of their own is planned; one not yet launched counts from weeks before its day."""
    fresh = _fresh(entries)
    found = []
    for region in sorted(regions, key=lambda one: one.name):
        until = today + weeks * WEEK
        ahead = region.launches_on is not None and region.launches_on > today
        if ahead and region.launches_on is not None:
            if today < region.launches_on - launch_weeks * WEEK or not launch_weeks:
                continue
            until = region.launches_on
        elif not weeks:
            continue
        if not any(one.region == region.name and one.day and today <= one.day <= until for one in fresh):
            launches_on = region.launches_on if ahead else None
            found.append(Warned("region", today, until, region=region.name, launches_on=launches_on))
    return found


def not_approved(entries: Iterable[Planned], *, today: date, days: int) -> list[Warned]:
    """What is due within so many days and waits for a yes without which it does not go."""
    until = today + timedelta(days=days)
    waiting = [one for one in entries if not one.settled and one.day is not None and today <= one.day <= until]
    return [
        Warned("yes", one.day, one.day, region=one.region, entry=one)
        for one in sorted(waiting, key=lambda one: (one.day, one.name))
        if one.day is not None
    ]


def warnings(entries: Iterable[Planned], regions: Iterable[Region], *, today: date, limits: Limits) -> list[Warned]:
    """All that is not as it should be, the nearest day first."""
    entries = list(entries)
    found = [
        *not_approved(entries, today=today, days=limits.approve_days),
        *empty_weeks(entries, today=today, weeks=limits.fresh_weeks),
        *silent_regions(entries, regions, today=today, weeks=limits.region_weeks, launch_weeks=limits.launch_weeks),
        *same_type(entries, today=today, in_a_row=limits.in_a_row),
    ]
    return sorted(found, key=lambda one: one.day)
