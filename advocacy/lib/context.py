"""Context for every page: the navigation entries this person may use."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from advocacy.lib.home import NavItem, nav_items


def navigation(request: HttpRequest) -> dict[str, Any]:
    def entries() -> list[dict[str, Any]]:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        shown = by_section([item for item in nav_items() if user.has_perm(item.right)])
        here = current_of(shown, request)
        return [
            {"item": item, "current": item is here, "badge": item.badge(request) if item.badge else None}
            for item in shown
        ]

    everything = SimpleLazyObject(entries)
    # What is about oneself stands in the menu under one's own name, not between the places of the portal.
    return {
        "navigation": SimpleLazyObject(lambda: [one for one in everything if one["item"].section != "me"]),
        "own_pages": SimpleLazyObject(lambda: [one for one in everything if one["item"].section == "me"]),
    }


def by_section(items: list[NavItem]) -> list[NavItem]:
    """Entries of one section stand together; a section stands where its first entry does."""
    first: dict[str, int] = {}
    for item in items:
        first[item.section] = min(item.order, first.get(item.section, item.order))
    return sorted(items, key=lambda item: (first[item.section], item.section, item.order))


def current_of(items: list[NavItem], request: HttpRequest) -> NavItem | None:
    """The one entry this page belongs to: the page itself, else the entry whose address it lies under, else the one
    that stands for its app.

    Two entries may share an app (the board and the desk); never are both of them current.
    """
    match = request.resolver_match
    view = match.view_name if match else ""
    # The admin is no app of ours: its lists belong to no entry but their own.
    app = view.split(":")[0] if ":" in view and not view.startswith("admin:") else ""
    best: tuple[int, int] = (0, 0)
    found = None
    for item in items:
        try:
            address = reverse(item.url_name)
        except NoReverseMatch:
            continue
        if item.url_name == view:
            rank = (3, 0)
        elif address != "/" and request.path.startswith(address):
            rank = (2, len(address))
        elif item.whole_app and app and item.url_name.split(":")[0] == app:
            rank = (1, 0)
        else:
            continue
        if rank > best:
            best, found = rank, item
    return found
