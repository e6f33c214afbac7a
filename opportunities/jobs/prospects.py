"""The clock's work for times that are to be picked: those that have passed are of use to nobody."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from advocacy.lib.jobs import job
from opportunities.actions import prospects as actions
from opportunities.models import Nomination, ProposedTime, ReferenceRequest

A_BATCH = 200


@job(every=timedelta(minutes=15))
def ask_for_others_when_times_have_passed(*, at: datetime) -> None:
    """Nobody picked one in time: the advocate is asked for others, and whoever was to pick hears of it."""
    times = ProposedTime.objects.filter(nomination=OuterRef("pk"))
    stuck = Nomination.objects.filter(
        Exists(times), ~Exists(times.filter(Q(starts_at__gt=at) | Q(chosen_at__isnull=False))),
        status=Nomination.Status.ACCEPTED, claim__status__in=["claimed", "confirmed"],
        request__status__in=ReferenceRequest.ACTIVE,
    )  # fmt: skip
    for nomination in stuck.select_related("request").order_by("pk")[:A_BATCH]:
        actions.times_have_passed(nomination, at=at)
