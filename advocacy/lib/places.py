"""What a record is called and where it lies: apps register in ``timeline.py`` what others know by type and id."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """A record's name and its page; no page: nothing to link to."""

    name: str
    url: str = ""


Read = Callable[[Collection[int], Any], Mapping[int, Place]]
"""From ids and the reader to places; one query, whatever the number. What the reader may not see is left out."""

_read: dict[str, Read] = {}


def register(source_type: str, read: Read) -> None:
    """Called by the app that keeps the records; ``source_type`` is ``app.model`` in small letters."""
    _read[source_type] = read


def find(sources: Iterable[tuple[str, str]], *, reader: Any) -> dict[tuple[str, str], Place]:
    """The places of many records of any type, in one query for each type among them."""
    wanted: dict[str, set[int]] = {}
    for source_type, source_id in sources:
        if source_type in _read and source_id.isdecimal() and len(source_id) < 19:
            wanted.setdefault(source_type, set()).add(int(source_id))
    found: dict[tuple[str, str], Place] = {}
    for source_type, ids in sorted(wanted.items()):
        for pk, place in _read[source_type](ids, reader).items():
            found[source_type, str(pk)] = place
    return found
