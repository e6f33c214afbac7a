"""Error pages with a way on. They use no database, so that they also work when it is away."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    # Only what is known already: asking now would be a query.
    known = getattr(request, "_cached_user", None)
    context = {"status": status, "title": title, "text": text, "signed_in": bool(known and known.is_authenticated)}
    return render(request, "errors/error.html", context, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    title = _("That did not come through")
    text = _("Something in the address or the form was not right. Go back and try once more.")
    return _page(request, 400, title, text)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    said = str(exception) if exception else ""
    title = _("This page is not open to you")
    text = said or _("Your role does not include it. If it should, ask your administrator.")
    return _page(request, 403, title, text)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    title = _("There is nothing here")
    text = _("The page may have moved or been closed, or it is meant for others.")
    return _page(request, 404, title, text)


def too_many(request: HttpRequest, exception: Any = None) -> HttpResponse:
    title = _("A little slower, please")
    text = _("There were many tries in a short time. Wait a minute, then try again.")
    return _page(request, 429, title, text)


def conflict(request: HttpRequest, text: str) -> HttpResponse:
    return _page(request, 409, _("Somebody was quicker"), text)


def server_error(request: HttpRequest) -> HttpResponse:
    title = _("That went wrong on our side")
    text = _("Nothing you did is lost that was saved before. Try again in a moment.")
    return _page(request, 500, title, text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    title = _("This form had grown old")
    text = _("For your safety a form works only for a while. Go back, reload the page and send it again.")
    return _page(request, 403, title, text)
