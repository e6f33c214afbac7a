"""The editorial calendar: what is noted, given a day, approved, moved, and published by the clock exactly once."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.delivery.models import Notification
from advocacy.lib.lifecycle import Refused
from advocacy.lib.text import excerpt
from advocacy.users.models import Role, User
from advocacy.users.rights import may
from community import actions as community
from community.models import Topic
from newsletter.models import CalendarSettings, Edition, Entry, MovedSlot
from newsletter.models.calendar import Type
from newsletter.outlook import desk_zone, instant, local
from newsletter.planning import Warned, monday_of

AHEAD = timedelta(days=730)
"""How far ahead something may be planned."""
LATE = timedelta(minutes=15)
"""From when on a publication counts as late, and somebody is told."""
SOON = timedelta(hours=24)
"""How long before its hour whoever has an entry in hand is reminded that nobody approved it."""

TOPICS: Mapping[str, str] = {
    Type.EDUCATIONAL: Topic.Type.RESOURCE,
    Type.NETWORKING: Topic.Type.DISCUSSION,
    Type.ANNOUNCEMENT: Topic.Type.ANNOUNCEMENT,
    Type.CHALLENGE: Topic.Type.CHALLENGE,
    Type.SPOTLIGHT: Topic.Type.SPOTLIGHT,
    Type.STORY: Topic.Type.STORY,
    Type.FUN: Topic.Type.DISCUSSION,
}
"""What a post of each type is called in the community."""

_Status = Entry.Status


def topic_type(entry: Entry) -> str:
    """What its topic will be: a prompt begins a conversation, the other kinds say what they are."""
    if entry.kind == Entry.Kind.PROMPT:
        return str(Topic.Type.DISCUSSION)
    if entry.kind == Entry.Kind.CHALLENGE:
        return str(Topic.Type.CHALLENGE)
    if entry.kind == Entry.Kind.EVENT:
        return str(Topic.Type.EVENT)
    return str(TOPICS[entry.type])


def may_speak(user: User) -> bool:
    """Whether a scheduled post may be published in this person's name."""
    return may(user, "newsletter.edit") and may(user, "community.post")


# --- Writing ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def add(
    *, by: User, at: datetime, day: date | None = None, hour: time | None = None, owner: User | None = None,
    **fields: Any,
) -> Entry:  # fmt: skip
    """Put something on a day, or among the ideas."""
    due_at = None if day is None else _moment(day, hour or CalendarSettings.current().usual_hour, at=at)
    return Entry.objects.create(owner=owner or by, made_by=by, made_at=at, due_at=due_at, **fields)


def fingerprint(entry: Entry) -> str:
    """Changes with every word somebody can change: what is approved is what was read."""
    words = (
        entry.title,
        entry.body,
        entry.kind,
        entry.type,
        entry.space_id,
        entry.region,
        entry.language,
        entry.owner_id,
    )
    return hashlib.blake2b(repr([str(one) for one in words]).encode(), digest_size=12).hexdigest()


def _locked(entry: Entry) -> Entry:
    return Entry.objects.select_for_update(of=("self",)).select_related("space", "owner").get(pk=entry.pk)


def _as_read(entry: Entry, seen: str | None) -> None:
    if seen is not None and seen != fingerprint(entry):
        raise Refused(_("It has been changed since you opened this page. What it says now is below; look again."))


@transaction.atomic
def change(entry: Entry, *, seen: str | None = None, **fields: Any) -> Entry:
    """Change the words of what is not approved. ``seen`` is the fingerprint of what the editor began with."""
    entry = _locked(entry)
    if entry.status == _Status.APPROVED:
        raise Refused(_("This is approved. Take the approval back to change it."))
    if entry.status not in {_Status.DRAFT, _Status.MISSED}:
        raise Refused(_("This can no longer be changed here."))
    _as_read(entry, seen)
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.save(update_fields=list(fields))
    return entry


def _moment(day: date, hour: time, *, at: datetime) -> datetime:
    """The instant of a day and hour to come; refused for those that are over."""
    zone = desk_zone()
    today = local(at, zone).date()
    if day < today:
        raise Refused(_("That day is over. Choose today or a day to come."))
    if day > today + AHEAD:
        raise Refused(_("That is too far off. Choose a day within the next two years."))
    moment = instant(day, hour, zone)
    if moment <= at:
        raise Refused(
            _("%(hour)s is over today. Choose a later hour, or another day.") % {"hour": time_format(hour, "H:i")}
        )
    return moment


@transaction.atomic
def move(entry: Entry, *, day: date | None, hour: time | None = None, seen: date | None, at: datetime) -> Entry:
    """To another day, or back among the ideas. Its hour stays, unless another is given; so does its approval.

    ``seen`` is the day it was on for whoever moves it: what somebody else has moved meanwhile is not moved unseen.
    """
    entry = _locked(entry)
    zone = desk_zone()
    before = local(entry.due_at, zone) if entry.due_at else None
    here = before.date() if before else None
    clock = hour or (before.time() if before else CalendarSettings.current().usual_hour)
    if entry.status == _Status.PUBLISHED:
        raise Refused(_("It is published: what has been said stays on its day."))
    if entry.status == _Status.DROPPED:
        raise Refused(_("It is set aside. Take it back first."))
    if here == day and (before is None or before.time() == clock) and entry.status != _Status.MISSED:
        return entry
    if here != seen:
        now_on = date_format(here, "l, j F") if here else _("the ideas")
        raise Refused(_("Somebody has moved it meanwhile, to %(day)s. Look again, then move it.") % {"day": now_on})
    due_at = None if day is None else _moment(day, clock, at=at)
    if entry.status == _Status.MISSED or (due_at is None and entry.status == _Status.APPROVED):
        return entry.move_to(_Status.DRAFT, due_at=due_at, approved_at=None, approved_by=None, result="")
    entry.due_at = due_at
    entry.save(update_fields=["due_at"])
    return entry


# --- Approving --------------------------------------------------------------------------------------------------------
def why_not(entry: Entry) -> str | None:
    """Why this could not be published as it is; None when it could."""
    if entry.due_at is None:
        return _("Give it a day first.")
    if not entry.title.strip() or not entry.body.strip():
        return _("Write what it says first: it needs a title and a text.")
    if entry.space is None:
        return _("Choose the space it goes to.")
    if not entry.space.is_open:
        return _("The space “%(space)s” is closed. Choose another, or open it.") % {"space": entry.space.name}
    if not may_speak(entry.owner):
        return _("%(name)s cannot publish here any more. Choose in whose name it goes.") % {
            "name": entry.owner.get_full_name()
        }
    return None


@transaction.atomic
def approve(entry: Entry, *, by: User, at: datetime, seen: str | None = None, now: bool = False) -> Entry:
    """Let it be published at its hour, or ``now``. Without this it never is."""
    entry = _locked(entry)
    _as_read(entry, seen)
    due_at = at if now else entry.due_at
    entry.due_at = due_at
    if refusal := why_not(entry):
        raise Refused(refusal)
    if due_at is None or due_at < at:
        raise Refused(_("Its hour is over. Move it to another day, or publish it now."))
    return entry.move_to(_Status.APPROVED, due_at=due_at, approved_at=at, approved_by=by, result="")


@transaction.atomic
def unapprove(entry: Entry) -> Entry:
    """Take the approval back while it is not published."""
    return _locked(entry).move_to(_Status.DRAFT, approved_at=None, approved_by=None)


@transaction.atomic
def drop(entry: Entry) -> Entry:
    """Set it aside: it is on no list any more, and can be taken back from its page."""
    entry = _locked(entry)
    if entry.status == _Status.APPROVED:
        raise Refused(_("This is approved. Take the approval back to set it aside."))
    return entry.move_to(_Status.DROPPED)


@transaction.atomic
def take_back(entry: Entry, *, at: datetime) -> Entry:
    """From what was set aside back to its day, or among the ideas when that is over."""
    entry = _locked(entry)
    due_at = entry.due_at if entry.due_at and entry.due_at > at else None
    return entry.move_to(_Status.DRAFT, due_at=due_at)


# --- Publishing -------------------------------------------------------------------------------------------------------
@transaction.atomic
def publish(entry: Entry, *, at: datetime) -> Entry:
    """What the clock does when the hour has come: one topic, in one transaction with the mark that it is done.

    Killed half-way nothing has happened; two clocks wait for each other and the second finds it done. The topic
    carries the entry's own key besides, so that even a lost mark could not make it two.
    """
    entry = _locked(entry)
    if entry.status != _Status.APPROVED or entry.due_at is None or entry.due_at > at:
        return entry
    late = at - entry.due_at
    if late > timedelta(hours=CalendarSettings.current().late_hours):
        return _missed(entry, _("The clock stood still at its hour, and it became too late."), at=at)
    if (refusal := why_not(entry)) or entry.space is None:
        return _missed(entry, refusal or "", at=at)
    try:
        with transaction.atomic():
            topic = community.start_topic(
                entry.owner,
                entry.space,
                title=entry.title,
                body=entry.body,
                at=at,
                type=topic_type(entry),
                key=entry.public_id,
            )
    except Refused as refusal:
        return _missed(entry, str(refusal), at=at)
    said = ""
    if late > LATE:
        zone = desk_zone()
        said = _("Published late: at %(now)s instead of %(due)s.") % {
            "now": date_format(local(at, zone), "j F, H:i"),
            "due": date_format(local(entry.due_at, zone), "j F, H:i"),
        }
        _tell(_hands(entry), kind="late", key=str(entry.pk), text=f"“{entry.title}”: {said}", url=page_of(entry), at=at)
    return entry.move_to(_Status.PUBLISHED, topic=topic, published_at=at, result=said)


@transaction.atomic
def miss(entry: Entry, *, at: datetime) -> Entry:
    """Its hour is long over and nobody approved it: it does not go by itself any more."""
    entry = _locked(entry)
    late = timedelta(hours=CalendarSettings.current().late_hours)
    if entry.status != _Status.DRAFT or entry.due_at is None or at - entry.due_at <= late:
        return entry
    return _missed(entry, _("Nobody approved it in time."), at=at)


def _missed(entry: Entry, why: str, *, at: datetime) -> Entry:
    assert entry.due_at is not None
    day = date_format(local(entry.due_at, desk_zone()), "j F")
    text = _("“%(title)s” was not published on %(day)s. %(why)s") % {"title": entry.title, "day": day, "why": why}
    _tell(_hands(entry), kind="missed", key=f"{entry.pk}:{entry.due_at}", text=text, url=page_of(entry), at=at)
    return entry.move_to(_Status.MISSED, result=excerpt(why, 290), approved_at=None, approved_by=None)


def warn(entry: Entry, *, at: datetime) -> None:
    """The day before: whoever has it in hand is told once that it waits for a yes."""
    if entry.due_at is None:
        return
    due = date_format(local(entry.due_at, desk_zone()), "l, H:i")
    text = _("“%(title)s” is due on %(due)s and not approved. Without a yes it is not published.")
    _tell(
        _hands(entry), kind="unapproved", key=f"{entry.pk}:{entry.due_at}",
        text=text % {"title": entry.title, "due": due}, url=page_of(entry), at=at,
    )  # fmt: skip


def tell_of_warnings(found: list[Warned], *, at: datetime) -> None:
    """What the calendar warns of, in one line for each editor, once a week at most."""
    if not found:
        return
    text = ngettext(
        "The calendar has a warning: %(first)s", "The calendar has %(n)d warnings. The first: %(first)s", len(found)
    ) % {"n": len(found), "first": found[0].text}
    week = monday_of(local(at, desk_zone()).date())
    _tell(editors(), kind="warnings", key=f"week:{week}", text=text, url=reverse("newsletter:calendar"), at=at)


def editors() -> list[User]:
    """Those whose work the calendar is."""
    return list(User.objects.filter(is_active=True, role_grants__role=Role.MODERATOR).distinct())


def _hands(entry: Entry) -> Iterable[User]:
    """Who is told about one entry: its owner and whoever put it there; the editors where both are gone."""
    people = {person.pk: person for person in (entry.owner, entry.made_by) if person is not None}
    active = [person for person in people.values() if may_speak(person)]
    return active or editors()


def page_of(entry: Entry) -> str:
    return reverse("newsletter:entry", args=[entry.public_id])


def _tell(people: Iterable[User], *, kind: str, key: str, text: str, url: str, at: datetime) -> None:
    rows = [
        Notification(user=one, kind=f"calendar.{kind}", key=key, text=excerpt(text, 290), url=url, at=at)
        for one in people
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True)


# --- Editions ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def move_edition(edition: Edition, *, day: date | None, seen: date | None, at: datetime) -> Edition:
    """A draft to another day that is free. The day of the rhythm it leaves is not drafted a second time."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    if day is None:
        raise Refused(_("An edition always has a day."))
    if edition.slot == day:
        return edition
    if edition.status != Edition.Status.DRAFT:
        raise Refused(_("Only the draft of an edition can be moved. Take its approval back first."))
    if edition.slot != seen:
        now_on = date_format(edition.slot, "l, j F")
        raise Refused(_("Somebody has moved it meanwhile, to %(day)s. Look again, then move it.") % {"day": now_on})
    today = local(at, desk_zone()).date()
    if not today <= day <= today + AHEAD:
        raise Refused(_("Choose today or a day to come, within the next two years."))
    if Edition.objects.filter(slot=day).exists():
        raise Refused(_("There is an edition on that day already. Choose a free day."))
    origin = MovedSlot.objects.filter(edition=edition).first()
    if origin is None:
        MovedSlot.objects.get_or_create(slot=edition.slot, defaults={"edition": edition})
    elif origin.slot == day:
        origin.delete()  # back where it came from
    edition.slot = day
    edition.save(update_fields=["slot"])
    return edition
