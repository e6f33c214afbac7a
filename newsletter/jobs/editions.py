"""What the clock does for the newsletter. Each finds what is owed in Postgres, so late, twice or killed is harmless."""

from datetime import datetime, timedelta

from advocacy.lib.jobs import job
from newsletter import schedule
from newsletter.actions import editions as actions
from newsletter.models import Edition, MovedSlot


@job(every=timedelta(hours=1))
def draft_coming_editions(*, at: datetime) -> None:
    """Draft the slots that begin within the days set; a slot that is over is not made up for."""
    house = actions.settings_row()
    if not house.enabled:
        return
    today = at.date()
    coming = schedule.slots_between(
        today, today + timedelta(days=house.draft_days_before), weekday=house.weekday, weeks=house.weeks
    )
    moved = set(MovedSlot.objects.filter(slot__gte=today).values_list("slot", flat=True))
    for slot in coming:
        if at < schedule.ends_at(slot) and slot not in moved:
            actions.draft(slot, at=at)


@job(every=timedelta(minutes=10))
def warn_about_unapproved_editions(*, at: datetime) -> None:
    for edition in Edition.objects.filter(status=Edition.Status.DRAFT, slot__lte=at.date() + timedelta(days=1)):
        if at >= schedule.ends_at(edition.slot):
            actions.miss(edition, at=at)
        else:
            actions.warn(edition, at=at)


@job(every=timedelta(seconds=15))
def send_editions(*, at: datetime) -> None:
    """Begin what is approved and due, queue its readers, and close what is done."""
    for edition in Edition.objects.filter(status=Edition.Status.APPROVED):
        if actions.too_late(edition, at=at):
            actions.miss(edition, at=at)
        elif at >= schedule.opens_at(edition.slot, edition.hour):
            actions.begin(edition, at=at)
    for edition in Edition.objects.filter(status=Edition.Status.SENDING):
        while actions.queue_some(edition, at=at):
            pass
        actions.finish_if_done(edition, at=at)
