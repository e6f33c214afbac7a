"""The newsletter in the navigation, and what waits for editors."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, TodayItem, register
from advocates import launching
from newsletter import outlook
from newsletter.actions import editions as actions
from newsletter.models import Edition


def waiting(request: HttpRequest) -> dict[str, Any] | None:
    now = timezone.now()
    recent = Edition.objects.filter(slot__gte=now.date() - actions.FRESH - timedelta(days=2))
    drafts = recent.filter(status__in=[Edition.Status.DRAFT, Edition.Status.MISSED]).order_by("slot")
    waiting = [one for one in drafts if not actions.is_history(one, at=now)][:2]
    return {"editions": waiting} if waiting else None


def calendar_warnings(request: HttpRequest) -> int:
    return len(outlook.warnings(at=timezone.now()))


def planned(region: str, at: datetime) -> launching.Read:
    """Whether an edition is on its way that a new region's members would get."""
    ahead = Edition.objects.filter(slot__gte=at.date()).order_by("slot").first()
    said = date_format(ahead.slot, "j F Y") if ahead else gettext("none is drafted yet")
    return launching.Read(ahead is not None, said)


launching.register(
    launching.Point(
        "editions", "crawl", _("The first editions are planned"), "", reverse_lazy("newsletter:editions"), planned
    )
)
register(
    NavItem(_("Newsletter"), "newsletter:archive", "newsletter", "newsletter.read_archive", 50),
    NavItem(_("Calendar"), "newsletter:calendar", "calendar", "newsletter.edit", 64, section="staff"),
    NavItem(_("Editions"), "newsletter:editions", "edition", "newsletter.edit", 65, section="staff"),
    TodayItem(
        "calendar", _("Warnings of the calendar"), "newsletter.edit", 65, "newsletter:calendar", calendar_warnings
    ),
    Card("editions-waiting", "newsletter.edit", 20, "newsletter/cards/editions.html", waiting),
)
