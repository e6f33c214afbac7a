"""The clock's work for proof and stories: yeses that soon end, customers who have not answered."""

from datetime import datetime, timedelta

from django.utils import timezone

from advocacy.lib.jobs import job
from opportunities.actions import approvals
from opportunities.actions import proof as actions
from opportunities.models import Approval

A_BATCH = 200
WARN_BEFORE = timedelta(days=30)
REMIND_AFTER = timedelta(days=7)


@job(every=timedelta(hours=1), offset=timedelta(minutes=20))
def warn_of_yeses_that_end(*, at: datetime) -> None:
    """A month before a yes ends, whoever keeps the proof hears of it; once for each yes."""
    day = timezone.localdate(at)
    ending = Approval.objects.standing().filter(
        expires_on__gte=day, expires_on__lte=day + WARN_BEFORE, warned_at__isnull=True
    )
    for one in ending.order_by("expires_on", "pk")[:A_BATCH]:
        actions.warn_of_end(one, at=at)


@job(every=timedelta(hours=1), offset=timedelta(minutes=25))
def remind_customers(*, at: datetime) -> None:
    """Who was asked for a yes a week ago and has not answered is reminded, once."""
    silent = Approval.objects.waiting().filter(reminded_at__isnull=True, asked_at__lte=at - REMIND_AFTER)
    for one in silent.order_by("asked_at", "pk")[:A_BATCH]:
        approvals.remind(one, at=at)
