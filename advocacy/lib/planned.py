"""What stands on the editorial calendar: apps bring their entries from a module called ``planned.py``.

Found by name like the home page's cards. A source says what it has between two days, and may let its entries be moved::

    register(Source("events", _("Event"), "events", find=events_between, one=event_of, move=move_event))

What may be moved has ``one`` and ``move``; without them an entry stays where it is, and a click leads to its own page.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Protocol


@dataclass(frozen=True)
class Planned:
    """One thing on the calendar, whoever brings it.

    ``day`` and ``at`` are on the desk's clock; without a day it is an idea. ``shown_at`` is what is said instead of an
    hour. ``type`` is one of the seven the calendar has a colour for, or nothing. ``fresh`` says whether it gives
    members something new to read or do; ``settled`` that it needs nobody's yes any more.
    """

    source: str
    key: str
    kind: str
    title: str
    day: date | None
    at: time | None = None
    shown_at: Any = ""
    type: str = ""
    region: str = ""
    language: str = ""
    status: str = ""
    status_word: Any = ""
    place: str = ""
    owner: str = ""
    url: str = ""
    movable: bool = False
    fresh: bool = True
    settled: bool = True

    @property
    def name(self) -> str:
        """What it is called in addresses and forms."""
        return f"{self.source}-{self.key}"


class Find(Protocol):
    def __call__(self, first: date, last: date, *, now: datetime) -> Iterable[Planned]: ...


class One(Protocol):
    """One entry by its key; raises ``Http404`` where there is none."""

    def __call__(self, key: str, *, now: datetime) -> Planned: ...


class Move(Protocol):
    """Raises ``Refused`` with a sentence. ``seen`` is the day the person saw it on; moved meanwhile, it is refused."""

    def __call__(
        self, key: str, *, day: date | None, hour: time | None, seen: date | None, by: Any, at: datetime
    ) -> Any: ...


@dataclass(frozen=True)
class Source:
    """Who brings entries: ``key`` (letters only), what one of them is called, and its icon."""

    key: str
    label: Any
    icon: str
    find: Find
    one: One | None = None
    move: Move | None = None
    kinds: Callable[[], Iterable[tuple[str, Any, str]]] | None = None
    """Where one source has several kinds: each as (key, label, icon). Else its only kind is the source itself."""


_sources: dict[str, Source] = {}


def register(*sources: Source) -> None:
    for one in sources:
        if not one.key.isalpha():
            raise ValueError("The key of a source is made of letters only.")
        _sources[one.key] = one


def sources() -> list[Source]:
    return list(_sources.values())


def source(key: str) -> Source | None:
    return _sources.get(key)


def kinds() -> list[tuple[str, Any, str]]:
    """Every kind of entry there is: key, label, icon."""
    found: list[tuple[str, Any, str]] = []
    for one in _sources.values():
        found += list(one.kinds()) if one.kinds else [(one.key, one.label, one.icon)]
    return found


def between(first: date, last: date, *, now: datetime) -> list[Planned]:
    """All that is planned from ``first`` to ``last``, in order of day and hour."""
    found = [entry for one in _sources.values() for entry in one.find(first, last, now=now)]
    return sorted(found, key=lambda one: (one.day or date.max, one.at or time.max, one.title, one.key))
