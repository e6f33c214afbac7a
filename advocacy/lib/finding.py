"""One search over everything a person may see: apps say what they have (P12), the page asks each of them.

Each source asks one bounded query, narrowed by its own ``visible_to``; who lacks its right never asks it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 6
"""Hits shown of each source; behind them stands the list itself."""
MOST_WORDS = 5
LONGEST = 100


@dataclass(frozen=True)
class Hit:
    """One thing found: its name, its page, and a few words that tell it from others of that name."""

    name: str
    url: str
    more: str = ""


@dataclass(frozen=True)
class Source:
    """What an app has to find. ``find`` takes the reader and words (one to five), best first, at most ``MOST`` + 1.

    ``all_url`` is the list that holds the rest, given the words; none: it has no such list.
    """

    key: str
    label: Any
    icon: str
    right: str
    order: int
    find: Callable[[Any, Sequence[str]], Sequence[Hit]]
    all_url: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Group:
    """What one source found; ``all_url`` only where there is more than is shown."""

    source: Source
    hits: Sequence[Hit]
    all_url: str


_sources: dict[str, Source] = {}


def register(*sources: Source) -> None:
    """Called by apps from their ``home.py``."""
    _sources.update({source.key: source for source in sources})


def words_of(text: str) -> list[str]:
    """The words somebody searches for."""
    return text[:LONGEST].split()[:MOST_WORDS]


def find(text: str, *, reader: Any) -> list[Group]:
    """Everything found, by source in their order; nothing for less than two letters."""
    words = words_of(text)
    if len("".join(words)) < 2:
        return []
    groups = []
    for source in sorted(_sources.values(), key=lambda one: one.order):
        if not reader.has_perm(source.right):
            continue
        hits = list(source.find(reader, words))
        if hits:
            more = source.all_url(" ".join(words)) if source.all_url and len(hits) > MOST else ""
            groups.append(Group(source, hits[:MOST], more))
    return groups
