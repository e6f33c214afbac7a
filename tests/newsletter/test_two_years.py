"""Two years of the newsletter by the clock: every slot once, whenever its editor says yes and whoever else ticks."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from advocacy.delivery.models import Message
from advocacy.users.models import Role
from newsletter import schedule
from newsletter.actions import editions as actions
from newsletter.jobs import editions as jobs
from newsletter.models import Edition
from tests.factories import make_advocate, make_contact, make_opportunity, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
ZONES = ["Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata", "America/Santiago"]


def fate_of(slot: date, lot: random.Random) -> tuple[str, datetime | None]:
    """What its editor does: in time, late on the day, after the day is over, or never."""
    day = datetime(slot.year, slot.month, slot.day, tzinfo=UTC)
    fate = lot.choice(["in time", "in time", "late on its day", "after its day", "never"])
    at = {
        "in time": day - timedelta(hours=lot.randint(13, 60)),
        "late on its day": day + timedelta(hours=lot.randint(12, 20)),
        "after its day": schedule.ends_at(slot) + timedelta(hours=lot.randint(3, 40)),
        "never": None,
    }[fate]
    return fate, at


@pytest.mark.parametrize("weeks", [[1, 3], [2, 5]], ids=["first and third", "second and fifth"])
def test_each_slot_goes_once_or_not_at_all(weeks: list[int]) -> None:
    house = actions.settings_row()
    house.weeks, house.weekday, house.hour = weeks, 6, 2  # Sundays at two: the hour the clocks change in Europe
    house.save()
    make_opportunity("Webinar", opened_at=BEGIN - timedelta(days=1))
    maya = make_user("Maya", Role.MODERATOR)
    readers = {
        make_advocate(f"R{number}", contact=make_contact(f"R{number}", time_zone=zone)).contact_id: ZoneInfo(zone)
        for number, zone in enumerate(ZONES)
    }
    lot = random.Random(weeks[0])
    fates: dict[date, tuple[str, datetime | None]] = {}
    approved: dict[date, datetime] = {}
    at = BEGIN
    while at < END:
        for _two_clocks in range(2):
            jobs.draft_coming_editions(at=at)
            jobs.warn_about_unapproved_editions(at=at)
            jobs.send_editions(at=at)
        for edition in Edition.objects.filter(status__in=["draft", "missed"]).exclude(slot__in=approved):
            fate = fates.setdefault(edition.slot, fate_of(edition.slot, lot))
            if fate[1] is not None and at >= fate[1]:
                actions.approve(edition, by=maya, at=at)
                approved[edition.slot] = at
        # What is due goes; the sender itself is tried elsewhere.
        Message.objects.filter(status="due", due_at__lte=at).update(status="sent", sent_at=at)
        at += timedelta(minutes=lot.choice([30, 60, 90]))
    slots = list(schedule.slots_between(BEGIN.date(), (END - timedelta(days=5)).date(), weekday=6, weeks=weeks))
    editions = {one.slot: one for one in Edition.objects.filter(slot__lte=slots[-1])}
    assert sorted(editions) == slots, "every slot was drafted, and none twice"
    assert {len(weeks) * 24 - 2, len(weeks) * 24 - 1, len(weeks) * 24} & {len(slots)} or 5 in weeks
    for slot, edition in editions.items():
        fate, _when = fates[slot]
        got = Message.objects.filter(batch=actions.batch_of(edition))
        if fate == "never":
            assert (edition.status, got.count()) == ("missed", 0), slot
            continue
        assert edition.status == "sent", (slot, fate)
        assert Counter(got.values_list("contact", flat=True)) == dict.fromkeys(readers, 1), (slot, fate)
        for message in got:
            there = message.due_at.astimezone(readers[message.contact_id or 0])
            if fate == "in time":
                assert there.date() == slot and there.hour in {2, 3}, (slot, there)
            else:
                assert message.due_at >= min(schedule.due_at(slot, 2, readers[message.contact_id or 0]), approved[slot])
    assert {fate for fate, _when in fates.values()} >= {"in time", "late on its day", "after its day", "never"}
