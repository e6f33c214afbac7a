"""What the newsletter brings to the calendar: editions, the coming days of their rhythm, and the entries themselves."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from advocacy.lib.planned import Planned, Source, register
from newsletter import schedule
from newsletter.actions import calendar as actions
from newsletter.models import Edition, EditionSchedule, Entry, MovedSlot
from newsletter.outlook import desk_zone, instant, local

KINDS = (
    (Entry.Kind.POST, _("Post"), "topic"),
    (Entry.Kind.PROMPT, _("Prompt"), "question"),
    (Entry.Kind.CHALLENGE, _("Challenge"), "recognition"),
    (Entry.Kind.EVENT, _("Event"), "events"),
)


# --- Entries ----------------------------------------------------------------------------------------------------------
def entries_between(first: date, last: date, *, now: datetime) -> Iterable[Planned]:
    """Everything with a day in this stretch but what was set aside."""
    zone = desk_zone()
    starts = instant(max(first, date.min + timedelta(days=2)), time(0), zone)
    ends = instant(min(last, date.max - timedelta(days=2)) + timedelta(days=1), time(0), zone)
    rows = Entry.objects.filter(due_at__gte=starts, due_at__lt=ends).exclude(status=Entry.Status.DROPPED)
    return [_entry(one, zone) for one in rows.select_related("space", "owner")]


def ideas(*, limit: int) -> list[Planned]:
    """What waits for a day, newest first."""
    rows = Entry.objects.ideas().select_related("space", "owner").order_by("-made_at", "-pk")
    return [_entry(one, None) for one in rows[:limit]]


def entry_of(key: str, *, now: datetime) -> Planned:
    return _entry(_found(Entry, key), desk_zone())


def _found(model: Any, key: str) -> Any:
    """By the id in its address; what is none is not found."""
    try:
        wanted = UUID(key)
    except ValueError:
        wanted = UUID(int=0)
    return get_object_or_404(model, public_id=wanted)


def _entry(one: Entry, zone: Any) -> Planned:
    moment = local(one.due_at, zone) if one.due_at and zone else None
    return Planned(
        source="entries",
        key=str(one.public_id),
        kind=one.kind,
        title=one.title,
        day=moment.date() if moment else None,
        at=moment.time() if moment else None,
        type=one.type,
        region=one.region,
        language=one.language,
        status=one.status,
        status_word=one.get_status_display(),
        place=one.space.name if one.space else "",
        owner=one.owner.get_full_name(),
        url=reverse("newsletter:entry", args=[one.public_id]),
        movable=one.status in {Entry.Status.DRAFT, Entry.Status.APPROVED, Entry.Status.MISSED},
        fresh=one.status != Entry.Status.MISSED,
        settled=one.status != Entry.Status.DRAFT,
    )


def move_entry(key: str, *, day: date | None, hour: time | None, seen: date | None, by: Any, at: datetime) -> Entry:
    return actions.move(_found(Entry, key), day=day, hour=hour, seen=seen, at=at)


# --- Editions ---------------------------------------------------------------------------------------------------------
def editions_between(first: date, last: date, *, now: datetime) -> Iterator[Planned]:
    """Editions that are there, and the days on which the next will draft themselves."""
    there = list(Edition.objects.filter(slot__gte=first, slot__lte=last))
    for one in there:
        yield _edition(one)
    house = EditionSchedule.objects.filter(pk=1).first() or EditionSchedule(weeks=[1, 3])
    today = local(now, desk_zone()).date()
    if not house.enabled or last < today:
        return
    taken = {one.slot for one in there} | set(
        MovedSlot.objects.filter(slot__gte=first, slot__lte=last).values_list("slot", flat=True)
    )
    for slot in schedule.slots_between(max(first, today), last, weekday=house.weekday, weeks=house.weeks):
        if slot not in taken:
            drafted = date_format(slot - timedelta(days=house.draft_days_before), "j F")
            yield Planned(
                source="editions",
                key=f"slot-{slot}",
                kind="editions",
                title=gettext("Edition, drafts itself on %(day)s") % {"day": drafted},
                day=slot,
                shown_at=gettext("%(hour)d:00 where each reader is") % {"hour": house.hour},
                status="coming",
                status_word=gettext("to come"),
                url=reverse("newsletter:editions"),
                fresh=False,
            )


def edition_of(key: str, *, now: datetime) -> Planned:
    return _edition(_found(Edition, key))


def _edition(one: Edition) -> Planned:
    return Planned(
        source="editions",
        key=str(one.public_id),
        kind="editions",
        title=one.subject or gettext("Edition without a subject"),
        day=one.slot,
        shown_at=gettext("%(hour)d:00 where each reader is") % {"hour": one.hour},
        status="published" if one.status == Edition.Status.SENT else one.status,
        status_word=one.get_status_display(),
        url=reverse("newsletter:edit", args=[one.public_id]),
        movable=one.status == Edition.Status.DRAFT,
        fresh=False,
        settled=one.status != Edition.Status.DRAFT,
    )


def move_edition(key: str, *, day: date | None, hour: time | None, seen: date | None, by: Any, at: datetime) -> Edition:
    return actions.move_edition(_found(Edition, key), day=day, seen=seen, at=at)


register(
    Source(
        "entries", _("Entry"), "topic", find=entries_between, one=entry_of, move=move_entry,
        kinds=lambda: [(str(key), label, icon) for key, label, icon in KINDS],
    ),
    Source("editions", _("Edition"), "edition", find=editions_between, one=edition_of, move=move_edition),
)  # fmt: skip
