"""The kinds of things one can take part in, as the upper floor knows them: it says how to read them."""

from collections.abc import Callable, Collection, Iterable, Mapping

Shelf = tuple[str, list[tuple[str, str, int]]]
"""A group of kinds: its name, and slug, name and usual minutes of each."""
Kinds = Callable[[], list[tuple[str, str]]]
Shelves = Callable[[], list[Shelf]]
Reviews = Callable[[], Collection[str]]
OfClaims = Callable[[Collection[int]], Mapping[int, str]]

_read: list[Kinds] = []
_shelves: list[Shelves] = []
_reviews: list[Reviews] = []
_of_claims: list[OfClaims] = []


def register(
    read: Kinds, *, shelves: Shelves | None = None, reviews: Reviews | None = None, of_claims: OfClaims | None = None
) -> None:
    """Called once by the app that keeps the kinds: all, in groups, which are public reviews, and each claim's kind."""
    _read[:] = [read]
    _shelves[:] = [shelves] if shelves else []
    _reviews[:] = [reviews] if reviews else []
    _of_claims[:] = [of_claims] if of_claims else []


def reviews() -> frozenset[str]:
    """Slugs of the kinds that are public reviews: no contract may ask for them."""
    return frozenset(_reviews[0]()) if _reviews else frozenset()


def of_claims(ids: Collection[int]) -> Mapping[int, str]:
    """The kind each of these claims is of, in one query."""
    return _of_claims[0](ids) if _of_claims and ids else {}


def choices() -> list[tuple[str, str]]:
    """Slug and name of each kind, in the board's order; empty where no app keeps any."""
    return _read[0]() if _read else []


def shelves() -> list[Shelf]:
    """All kinds in the groups of the board; empty where no app keeps any."""
    return _shelves[0]() if _shelves else []


def words(slugs: Iterable[str]) -> list[str]:
    """The names of these kinds; one that is no longer kept reads as its slug does."""
    names = dict(choices())
    return [str(names.get(slug) or slug.replace("-", " ").replace("_", " ").capitalize()) for slug in slugs]
