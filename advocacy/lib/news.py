"""What an edition of the newsletter is drafted from, besides what the newsletter finds itself.

Apps bring their pieces (programs that take members, events to come) from a module called ``news.py``, found by name
like the home page's cards. A piece with the same link is not drafted again within two months.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Piece:
    """One item: a title, a sentence or two, and a page of the portal that every member may read."""

    title: str
    text: str
    link: str


@dataclass(frozen=True)
class Source:
    """Who brings pieces: ``find(at)`` gives the best first, ``most`` is how many an edition takes."""

    key: str
    find: Callable[[datetime], Iterable[Piece]]
    most: int = 3


_sources: dict[str, Source] = {}


def register(*found: Source) -> None:
    """Let pieces of an app stand in editions, under “events and programs”."""
    for source in found:
        _sources[source.key] = source


def sources() -> list[Source]:
    """All of them, always in the same order."""
    return [source for _key, source in sorted(_sources.items())]
