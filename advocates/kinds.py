"""The kinds of things one can take part in, as the upper floor knows them: it says how to read them."""

from collections.abc import Callable, Iterable

Kinds = Callable[[], list[tuple[str, str]]]

_read: list[Kinds] = []


def register(read: Kinds) -> None:
    """Called once by the app that keeps the kinds."""
    _read[:] = [read]


def choices() -> list[tuple[str, str]]:
    """Slug and name of each kind, in the board's order; empty where no app keeps any."""
    return _read[0]() if _read else []


def words(slugs: Iterable[str]) -> list[str]:
    """The names of these kinds; one that is no longer kept reads as its slug does."""
    names = dict(choices())
    return [str(names.get(slug) or slug.replace("-", " ").replace("_", " ").capitalize()) for slug in slugs]
