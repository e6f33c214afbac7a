"""The time-limited incentive of an opportunity: while it lasts, and what a claim made in time was promised (O2, N3).

It ends at an instant, or with a day: then at midnight where the reader is. A claim made before keeps the promise, also
when the words change or the time is over.
"""

from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from opportunities.models import Opportunity


def ends_at(opportunity: Opportunity, zone: tzinfo) -> datetime | None:
    """When it ends on this clock; None when it has no end of its own."""
    if opportunity.incentive_on is not None:
        return datetime.combine(opportunity.incentive_on + timedelta(days=1), time(), tzinfo=zone)
    return opportunity.incentive_until


def runs(opportunity: Opportunity, *, at: datetime, zone: tzinfo) -> bool:
    """Whether whoever claims now, on this clock, gets it."""
    ends = ends_at(opportunity, zone)
    return bool(opportunity.incentive) and (ends is None or ends > at)


def promised(opportunity: Opportunity, *, at: datetime, zone: tzinfo) -> dict[str, Any]:
    """What a claim made now is promised, as its columns."""
    now = runs(opportunity, at=at, zone=zone)
    return {
        "incentive": opportunity.incentive if now else "",
        "incentive_points": opportunity.incentive_points if now else 0,
    }


def running(rows: QuerySet[Opportunity], *, at: datetime) -> QuerySet[Opportunity]:
    """Those whose incentive still runs, on the present clock."""
    today = timezone.localdate(at)
    ended = Q(incentive_until__lte=at) | Q(incentive_on__lt=today)
    return rows.exclude(incentive="").exclude(ended)


def until_words(opportunity: Opportunity, *, at: datetime) -> str:
    """Its deadline in words, on the present clock: “today, until midnight”; empty when it has none."""
    if (day := opportunity.incentive_on) is not None:
        today = timezone.localdate(at)
        if day == today:
            return _("today, until midnight")
        if day == today + timedelta(days=1):
            return _("until tomorrow at midnight")
        return _("until %(day)s, midnight") % {"day": date_format(day, "j F")}
    if opportunity.incentive_until is None:
        return ""
    return _("until %(when)s") % {"when": date_format(timezone.localtime(opportunity.incentive_until), "j F, H:i")}
