"""Context for every page: the navigation entries this person may use."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from advocacy.lib.home import nav_items


def navigation(request: HttpRequest) -> dict[str, Any]:
    def entries() -> list[dict[str, Any]]:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        match = request.resolver_match
        here = match.view_name if match else ""
        area = here.split(":")[0] if ":" in here else here
        shown = []
        for item in nav_items():
            if user.has_perm(item.right):
                current = item.url_name == here or (":" in item.url_name and item.url_name.split(":")[0] == area)
                shown.append({"item": item, "current": current, "badge": item.badge(request) if item.badge else None})
        return shown

    return {"navigation": SimpleLazyObject(entries)}
