"""Error pages with a way on. They use no database, so that they also work when it is away."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "errors/error.html", {"status": status, "title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _page(request, 400, _("That did not come through"), _("Something in the address or the form was not right. Go back and try once more."))


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    said = str(exception) if exception else ""
    return _page(request, 403, _("This page is not open to you"), said or _("Your role does not include it. If it should, ask your administrator."))


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _page(request, 404, _("There is nothing here"), _("The page may have moved or been closed, or it is meant for others."))


def too_many(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _page(request, 429, _("A little slower, please"), _("There were many tries in a short time. Wait a minute, then try again."))


def conflict(request: HttpRequest, text: str) -> HttpResponse:
    return _page(request, 409, _("Somebody was quicker"), text)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(request, 500, _("That went wrong on our side"), _("Nothing you did is lost that was saved before. Try again in a moment."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(request, 403, _("This form had grown old"), _("For your safety a form works only for a while. Go back, reload the page and send it again."))
