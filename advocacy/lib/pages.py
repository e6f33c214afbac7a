"""How a view answers: a whole page, or to htmx the one fragment that changed with the messages beside it."""

from collections.abc import Mapping
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers


def respond(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """Answer with the page, or, when htmx asks, with ``template#fragment`` and the messages out of band.

    A boosted or history-restoring request gets the whole page. The same address answers in both ways, so caches are
    told that the answer varies.
    """
    values = dict(context or {})
    htmx = getattr(request, "htmx", None)
    if fragment and htmx and not htmx.boosted and not htmx.history_restore_request:
        html = render_to_string(f"{template}#{fragment}", values, request)
        if len(get_messages(request)):
            html += render_to_string("components/messages.html", {"out_of_band": True}, request)
        response = HttpResponse(html, status=status)
    else:
        response = render(request, template, values, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response
