"""The kinds of things one can take part in, as the upper floor knows them: it says how to read them."""

from collections.abc import Callable

Kinds = Callable[[], list[tuple[str, str]]]

_read: list[Kinds] = []


def register(read: Kinds) -> None:
    """Called once by the app that keeps the kinds."""
    _read[:] = [read]


def choices() -> list[tuple[str, str]]:
    """Slug and name of each kind, in the board's order; empty where no app keeps any."""
    return _read[0]() if _read else []
