"""Editions of the demo program: each slot was drafted, approved and sent; the next one waits for its editor."""

from datetime import date, timedelta
from typing import Any

from advocacy.delivery.models import Message
from newsletter import demo_calendar, demo_results, schedule
from newsletter.actions import editions as actions
from newsletter.models import Edition


def day(world: Any, day: date) -> None:
    house = actions.settings_row()
    slots = set(
        schedule.slots_between(
            day, day + timedelta(days=house.draft_days_before), weekday=house.weekday, weeks=house.weeks
        )
    )
    for slot in slots:
        actions.draft(slot, at=world.at(day, 7, 0))
    for edition in Edition.objects.filter(slot=day, status=Edition.Status.DRAFT):
        if day < world.today and edition.items.filter(dropped=False).exists():
            at = world.at(day, 8, 0)
            actions.approve(edition, by=world.users["moderator"], at=at)
            actions.begin(edition, at=at)
            while actions.queue_some(edition, at=at):
                pass
            Message.objects.filter(batch=actions.batch_of(edition)).update(
                status=Message.Status.SENT, sent_at=at, attempts=1
            )
            actions.finish_if_done(edition, at=at)
            demo_results.happened(edition, list(Message.objects.filter(batch=actions.batch_of(edition))), at=at)
    demo_calendar.day(world, day)


def end(world: Any) -> None:
    """There is always a draft to look at."""
    if not Edition.objects.filter(status=Edition.Status.DRAFT, slot__gt=world.today).exists():
        house = actions.settings_row()
        coming = schedule.slots_between(
            world.today + timedelta(days=1), world.today + timedelta(days=40), weekday=house.weekday, weeks=house.weeks
        )
        actions.draft(next(coming), at=world.now)
    demo_calendar.end(world)
