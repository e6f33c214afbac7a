"""What apps show in the navigation and on the home page: they register here from their ``home.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True)
class NavItem:
    """One entry of the main navigation.

    ``right`` is the right that shows it (see ``users.rights``); ``badge`` returns a small number or None and must
    cost at most one query. Entries of one ``section`` stand together; those of ``me`` are in the menu under one's own
    name. ``whole_app``: pages of its app that lie under no entry belong to this one.
    """

    label: Any
    url_name: str
    icon: str
    right: str
    order: int
    badge: Callable[[HttpRequest], int | None] | None = None
    section: str = "main"
    whole_app: bool = False


@dataclass(frozen=True)
class Card:
    """One card of the home page: ``context`` returns None when the card has nothing to say."""

    key: str
    right: str
    order: int
    template: str
    context: Callable[[HttpRequest], dict[str, Any] | None]
    column: str = "main"  # or "aside"


@dataclass(frozen=True)
class TodayItem:
    """One source of work on a manager's Today page: ``count`` of what waits, and the list behind it."""

    key: str
    label: Any
    right: str
    order: int
    url_name: str
    count: Callable[[HttpRequest], int]


@dataclass(frozen=True)
class Suggestion:
    """One thing to begin with, for somebody who has just joined: what, which, where, and the word on the button."""

    icon: str
    what: Any
    which: Any
    url: str
    action: Any


_nav: dict[str, NavItem] = {}
_cards: dict[str, Card] = {}
_today: dict[str, TodayItem] = {}


def register(*items: NavItem | Card | TodayItem) -> None:
    for item in items:
        if isinstance(item, NavItem):
            _nav[item.url_name] = item
        elif isinstance(item, Card):
            _cards[item.key] = item
        else:
            _today[item.key] = item


_suggestions: dict[str, tuple[int, Callable[[HttpRequest], Suggestion | None]]] = {}


def suggest(key: str, order: int, find: Callable[[HttpRequest], Suggestion | None]) -> None:
    """Called by an app that has something for new members to begin with; None: not for this one."""
    _suggestions[key] = (order, find)


def suggestions(request: HttpRequest) -> list[Suggestion]:
    """What this person could begin with, in order."""
    found = (find(request) for _order, find in sorted(_suggestions.values(), key=lambda one: one[0]))
    return [one for one in found if one is not None]


def nav_items() -> list[NavItem]:
    return sorted(_nav.values(), key=lambda item: item.order)


def cards() -> list[Card]:
    return sorted(_cards.values(), key=lambda card: card.order)


def today_items() -> list[TodayItem]:
    return sorted(_today.values(), key=lambda item: item.order)
