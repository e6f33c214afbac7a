"""The clock's work for the urgent lane: whoever can still help hears before the hour is there, and when it is gone."""

from datetime import datetime, timedelta

from advocacy.lib.jobs import job
from opportunities.actions import urgent as actions
from opportunities.models import ReferenceRequest

A_BATCH = 200
BEFORE = timedelta(hours=1)
GONE_FOR = timedelta(days=1)
"""Whose hour is gone for longer has been told of; what lies there unanswered must not keep others from being told."""
REMIND_AFTER, REMIND_UNTIL = timedelta(hours=2), timedelta(days=2)
"""When whoever speaks for the company is reminded, once."""


@job(every=timedelta(minutes=5))
def watch_the_hour(*, at: datetime) -> None:
    """An hour before an urgent one is needed, and once it is too late; each once for each hour that was set."""
    near = ReferenceRequest.objects.active().filter(
        kind__is_urgent=True, needed_at__lte=at + BEFORE, needed_at__gt=at - GONE_FOR, first_yes_at__isnull=True
    )
    for request in near.select_related("manager", "kind").order_by("needed_at", "pk")[:A_BATCH]:
        actions.tell_of_the_hour(request, at=at)


@job(every=timedelta(minutes=5), offset=timedelta(minutes=2))
def remind_spokespeople(*, at: datetime) -> None:
    """Whoever speaks for the company and has not answered is reminded once, and the desk hears of it."""
    silent = ReferenceRequest.objects.active().filter(
        kind__is_urgent=True, approver_said="", approver_asked_at__lte=at - REMIND_AFTER,
        approver_asked_at__gt=at - REMIND_UNTIL,
    )  # fmt: skip
    for request in silent.order_by("approver_asked_at", "pk")[:A_BATCH]:
        actions.remind_spokesperson(request, at=at)
