"""The clock's work for the urgent lane: whoever can still help hears before the hour is there, and when it is gone."""

from datetime import datetime, timedelta

from advocacy.lib.jobs import job
from opportunities.actions import urgent as actions
from opportunities.models import ReferenceRequest

A_BATCH = 200
BEFORE = timedelta(hours=1)


@job(every=timedelta(minutes=5))
def watch_the_hour(*, at: datetime) -> None:
    """An hour before an urgent one is needed, and once it is too late; each once for each hour that was set."""
    near = ReferenceRequest.objects.active().filter(
        kind__is_urgent=True, needed_at__lte=at + BEFORE, first_yes_at__isnull=True
    )
    for request in near.select_related("manager", "kind").order_by("needed_at", "pk")[:A_BATCH]:
        actions.tell_of_the_hour(request, at=at)
