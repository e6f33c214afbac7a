"""The course of an edition: drafted by itself, worked on, approved, queued once for each reader, finished."""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Contact
from advocacy.delivery import outbox, runs
from advocacy.delivery.models import Batch, Message, Notification, Suppression
from advocacy.delivery.rendering import zone_of
from advocacy.lib import news
from advocacy.lib.lifecycle import Refused
from advocacy.lib.text import excerpt
from advocacy.users.models import Role, User
from advocates.models import Advocate, Recognition
from community.models import Topic
from newsletter import schedule
from newsletter.models import Edition, EditionItem, EditionSchedule
from opportunities.models import Opportunity

READERS_AT_ONCE = 1000
FRESH = timedelta(days=16)
"""How far back an edition looks: a little more than the time between two."""
LATE = timedelta(days=1)
"""How long after an approval past its day an edition may still begin."""
OPPORTUNITIES = 30
TOPICS = 3
TOLD = timedelta(days=60)
"""An event or a program that an edition told of is not drafted again for so long."""
CELEBRATIONS = 3

Section = EditionItem.Section


def settings_row() -> EditionSchedule:
    return EditionSchedule.objects.get_or_create(pk=1, defaults={"weeks": [1, 3]})[0]


def batch_of(edition: Edition) -> str:
    return f"edition:{edition.pk}"


# --- Drafting ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def draft(slot: date, *, at: datetime) -> Edition:
    """Make the draft of a slot from what there is; a slot has one edition, whoever asks and however often."""
    house = settings_row()
    edition, new = Edition.objects.get_or_create(slot=slot, defaults={"hour": house.hour, "drafted_at": at})
    if not new:
        return edition
    items = [
        *_opportunities(edition, at=at), *_celebrations(edition, at=at), *_programs(edition, at=at),
        *_community(edition, at=at),
    ]  # fmt: skip
    for number, item in enumerate(items, start=1):
        item.order = number * 10
    EditionItem.objects.bulk_create(items)
    edition.subject = _subject(items)
    edition.preheader = _("What is open to you, who was celebrated, what people talk about.")
    edition.intro = _("Here is what the last two weeks brought, and what you could make of the next two.")
    edition.save(update_fields=["subject", "preheader", "intro"])
    _tell_editors(
        edition,
        kind="edition.drafted",
        text=_("The edition of %(day)s is drafted. Have a look before it goes.") % {"day": f"{slot:%-d %B}"},
        at=at,
    )
    return edition


def _subject(items: list[EditionItem]) -> str:
    lead = next((item for item in items if item.section == Section.CELEBRATION), None)
    first = next((item for item in items if item.section == Section.OPPORTUNITIES), None)
    chosen = lead or first or (items[0] if items else None)
    return excerpt(chosen.title, 120) if chosen else _("News from the program")


def _opportunities(edition: Edition, *, at: datetime) -> list[EditionItem]:
    rows = Opportunity.objects.open(at=at).listed().select_related("kind").order_by("-opened_at", "-pk")[:OPPORTUNITIES]
    return [
        EditionItem(
            edition=edition,
            section=Section.OPPORTUNITIES,
            title=one.title,
            text=one.summary,
            opportunity=one,
            link=reverse("opportunities:opportunity", args=[one.public_id]),
        )
        for one in rows
    ]


def _celebrations(edition: Edition, *, at: datetime) -> list[EditionItem]:
    """Only what the celebrated person has approved, and no edition has shown."""
    shown = EditionItem.objects.filter(recognition__isnull=False, dropped=False).values("recognition")
    rows = Recognition.objects.filter(approved_at__isnull=False, approved_at__lte=at).exclude(pk__in=shown)
    rows = (
        rows.filter(approved_at__gt=at - 3 * FRESH)
        .select_related("advocate__contact__account")
        .order_by("-approved_at")
    )
    return [
        EditionItem(edition=edition, section=Section.CELEBRATION, title=one.title, text=one.text, recognition=one)
        for one in rows[:CELEBRATIONS]
    ]


def _programs(edition: Edition, *, at: datetime) -> list[EditionItem]:
    """What other parts of the portal have to tell, unless an edition told it lately."""
    lately = EditionItem.objects.filter(
        section=Section.PROGRAMS, dropped=False, edition__slot__gt=edition.slot - TOLD, edition__slot__lt=edition.slot
    )
    told = set(lately.values_list("link", flat=True))
    return [
        EditionItem(
            edition=edition, section=Section.PROGRAMS, title=excerpt(one.title, 150), text=one.text, link=one.link
        )
        for source in news.sources()
        for one in islice((one for one in source.find(at) if one.link not in told), source.most)
    ]


def _community(edition: Edition, *, at: datetime) -> list[EditionItem]:
    """The topics people answered most since the last edition; nothing hidden."""
    rows = Topic.objects.shown().in_open_spaces().filter(last_at__gt=at - FRESH, last_at__lte=at)
    return [
        EditionItem(
            edition=edition,
            section=Section.COMMUNITY,
            title=topic.title,
            text=excerpt(topic.body, 200),
            topic=topic,
            link=reverse("community:topic", args=[topic.public_id]),
        )
        for topic in rows.order_by("-number_of_replies", "-last_at")[:TOPICS]
    ]


# --- Editing ----------------------------------------------------------------------------------------------------------
def _for_editing(edition: Edition) -> Edition:
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    if edition.status not in {Edition.Status.DRAFT, Edition.Status.MISSED}:
        raise Refused(_("This edition is approved. Take the approval back to change it."))
    return edition


WORDS = ("subject", "preheader", "intro", "hour")


def mark_of_words(edition: Edition) -> str:
    """Changes with subject, preview line, opening words and hour: a form says with it what it has read."""
    words = [getattr(edition, name) for name in WORDS]
    return hashlib.blake2b(repr(words).encode(), digest_size=8).hexdigest()


@transaction.atomic
def change(edition: Edition, *, seen: str | None = None, **fields: Any) -> Edition:
    """Change subject, preview line, opening words or hour of a draft.

    ``seen`` is the mark of the words the editor has begun from: what somebody else wrote since is not overwritten.
    """
    edition = _for_editing(edition)
    if seen is not None and seen != mark_of_words(edition):
        raise Refused(_("Somebody else has changed these words meanwhile. Copy yours, then open the page anew."))
    for name, value in fields.items():
        setattr(edition, name, value)
    edition.save(update_fields=list(fields))
    return edition


@transaction.atomic
def put_item(
    edition: Edition, item: EditionItem | None, *, section: str, title: str, text: str, link: str
) -> EditionItem:
    """Write an item anew or change one."""
    edition = _for_editing(edition)
    if item is None:
        last = edition.items.aggregate(last=Max("order"))["last"] or 0
        item = EditionItem(edition=edition, order=last + 10)
    item.section, item.title, item.text, item.link = section, title, text, link
    item.save()
    return item


@transaction.atomic
def drop(item: EditionItem, dropped: bool) -> None:
    """Leave an item out, or take it back in."""
    _for_editing(item.edition)
    EditionItem.objects.filter(pk=item.pk).update(dropped=dropped)


@transaction.atomic
def move(item: EditionItem, *, up: bool) -> tuple[int, int]:
    """One place up or down within its section; returns which place it has now, and of how many."""
    edition = _for_editing(item.edition)
    row = list(edition.items.filter(section=item.section).order_by("order", "pk"))
    here = next(number for number, one in enumerate(row) if one.pk == item.pk)
    there = here + (-1 if up else 1)
    if not 0 <= there < len(row):
        return here + 1, len(row)
    row[here], row[there] = row[there], row[here]
    _number(row)
    return there + 1, len(row)


@transaction.atomic
def place(item: EditionItem, *, before: EditionItem | None) -> tuple[int, int]:
    """Put an item before another of its section, or last; returns which place it has now, and of how many."""
    edition = _for_editing(item.edition)
    row = list(edition.items.filter(section=item.section).order_by("order", "pk"))
    here = next((one for one in row if one.pk == item.pk), None)
    if here is None or (before is not None and before.section != item.section):
        raise Refused(_("Items are put in order within their section. To change the section, open the item."))
    if before is not None and before.pk != item.pk:
        row.remove(here)
        row.insert(next(number for number, one in enumerate(row) if one.pk == before.pk), here)
    elif before is None:
        row.remove(here)
        row.append(here)
    _number(row)
    return row.index(here) + 1, len(row)


def _number(row: list[EditionItem]) -> None:
    for number, one in enumerate(row, start=1):
        one.order = number * 10
    EditionItem.objects.bulk_update(row, ["order"])


# --- Approving and going ----------------------------------------------------------------------------------------------
def fingerprint(edition: Edition) -> str:
    """Changes with every word an editor can change: what somebody approves is what they have read."""
    items = edition.items.filter(dropped=False).order_by("section", "order", "pk")
    words = [edition.subject, edition.preheader, edition.intro, edition.hour]
    words += list(items.values_list("pk", "section", "title", "text", "link"))
    return hashlib.blake2b(repr(words).encode(), digest_size=12).hexdigest()


@transaction.atomic
def approve(edition: Edition, *, by: User, at: datetime, seen: str | None = None) -> Edition:
    """Let it go at its hour. Without this nothing is sent. ``seen`` is the fingerprint of what the editor has read."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    if is_history(edition, at=at):
        raise Refused(_("This edition missed its day too long ago. Draft a new one; it finds what is new since."))
    if seen is not None and seen != fingerprint(edition):
        raise Refused(_("It has been changed since you opened this page. Read it as it is now, then approve it."))
    if not edition.subject.strip():
        raise Refused(_("Give it a subject first: it is the line people decide by."))
    if not edition.items.filter(dropped=False).exists():
        raise Refused(_("There is nothing in it. Add an item, or take one back."))
    return edition.move_to(Edition.Status.APPROVED, approved_at=at, approved_by=by)


@transaction.atomic
def unapprove(edition: Edition) -> Edition:
    """Take the approval back while nothing has been queued."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    return edition.move_to(Edition.Status.DRAFT)


@transaction.atomic
def begin(edition: Edition, *, at: datetime) -> Edition:
    """Start queueing an approved edition whose hour comes."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    Batch.objects.get_or_create(key=batch_of(edition))
    return edition.move_to(Edition.Status.SENDING, sending_since=at)


@transaction.atomic
def queue_some(edition: Edition, *, at: datetime) -> bool:
    """Write the messages of the next thousand readers; False when there are no more.

    One transaction moves ``queued_up_to`` and writes the rows, so a kill repeats nothing and leaves nobody out; the
    outbox's own key keeps each mailbox at one message whatever happens, also where two contacts have the same.
    """
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    if edition.status != Edition.Status.SENDING:
        return False
    page = list(readers(at=at, after=edition.queued_up_to).order_by("pk")[:READERS_AT_ONCE])
    if not page:
        return False
    hours = {
        zone: schedule.due_at(edition.slot, edition.hour, zone_of(zone)) for zone in {one.time_zone for one in page}
    }
    owed = {
        one["dedupe_key"]: one
        for one in (_for_reader(edition, contact, hour=hours[contact.time_zone], at=at) for contact in reversed(page))
    }
    edition.queued_up_to = page[-1].pk
    edition.readers += outbox.owe_alike(_alike(edition, at=at), list(owed.values()))
    edition.save(update_fields=["queued_up_to", "readers"])
    return len(page) == READERS_AT_ONCE


def readers(*, at: datetime, after: int = 0) -> Any:
    """Members who want the newsletter and can be reached; ``after`` a contact's key, for page after page."""
    wants = ConsentState.objects.filter(purpose=Purpose.NEWSLETTER).in_force(at=at)
    against = Suppression.objects.alias(address=Lower("email")).filter(
        address=Lower(OuterRef("email")), kind__in=["*", Purpose.NEWSLETTER]
    )
    # As the sender will ask once more: a yes that came after leaving counts, a mailbox that is not there stays so.
    regained = wants.filter(contact=OuterRef(OuterRef("pk")), entry__at__gt=OuterRef("at"))
    left = against.filter(~Exists(regained) | (Q(kind="*") & ~Q(reason="unsubscribed")))
    found = Contact.objects.filter(
        ~Exists(left), pk__in=(wants.filter(contact__gt=after) if after else wants).values("contact"),
        advocate__status=Advocate.Status.MEMBER, erased_at__isnull=True,
    ).exclude(email="")  # fmt: skip
    # Said of each side: Postgres would walk through all who come before otherwise, on every page.
    return found.filter(pk__gt=after, advocate__contact__gt=after) if after else found


def number_of_readers(*, at: datetime) -> int:
    """How many mailboxes an edition would reach."""
    return int(readers(at=at).aggregate(n=Count(Lower("email"), distinct=True))["n"])


def _alike(edition: Edition, *, at: datetime) -> Message:
    """What the messages of an edition share."""
    return Message(
        kind="newsletter", template="newsletter/edition", params={"edition": edition.pk}, purpose=Purpose.NEWSLETTER,
        counts=False, batch=batch_of(edition), created_at=at,
    )  # fmt: skip


def _for_reader(edition: Edition, contact: Contact, *, hour: datetime, at: datetime) -> dict[str, Any]:
    """What is a reader's own: one message for each mailbox, at their hour."""
    mailbox = hashlib.blake2b(contact.email.lower().encode(), digest_size=16).hexdigest()
    return {
        "dedupe_key": f"{edition.pk}:{mailbox}", "contact_id": contact.pk, "to_email": contact.email,
        "to_name": contact.full_name[: outbox.NAME], "language": contact.language or "en",
        "time_zone": contact.time_zone or "UTC", "due_at": max(hour, at),
    }  # fmt: skip


@transaction.atomic
def pause(edition: Edition) -> Edition:
    """Hold it: what is not on its way yet waits. The sender asks before each message."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk).move_to(Edition.Status.PAUSED)
    Batch.objects.get(key=batch_of(edition)).move_to(Batch.Status.PAUSED)
    return edition


@transaction.atomic
def resume(edition: Edition, *, by: User | None = None, note: str = "", at: datetime | None = None) -> Edition:
    """Go on; one that readers complained about only when somebody says what they found."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk).move_to(Edition.Status.SENDING)
    batch = Batch.objects.get(key=batch_of(edition))
    if batch.held_for_complaints_at is not None:
        runs.looked_into(batch.key, by=by, note=note, at=at or timezone.now())
    batch.move_to(Batch.Status.RUNNING)
    return edition


@transaction.atomic
def stop(edition: Edition, *, at: datetime) -> Edition:
    """End it for good: whoever has it keeps it, the others never get it."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk).move_to(Edition.Status.STOPPED, finished_at=at)
    Batch.objects.get(key=batch_of(edition)).move_to(Batch.Status.STOPPED)
    waiting = Message.objects.filter(batch=batch_of(edition), status__in=[Message.Status.DUE, Message.Status.LEASED])
    waiting.update(status=Message.Status.CANCELLED, result=_("The edition was stopped."))
    return edition


@transaction.atomic
def finish_if_done(edition: Edition, *, at: datetime) -> bool:
    """Sent, once every message has come to an end."""
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    open_ones = Message.objects.filter(
        batch=batch_of(edition), status__in=[Message.Status.DUE, Message.Status.LEASED, Message.Status.SENDING]
    )
    if edition.status != Edition.Status.SENDING or open_ones.exists():
        return False
    edition.move_to(Edition.Status.SENT, finished_at=at)
    return True


@transaction.atomic
def miss(edition: Edition, *, at: datetime) -> Edition:
    """Its day is over and nobody approved it, or what was approved could not go: it does not go by itself any more.

    One that was approved in time, or a moment ago, stays so.
    """
    edition = Edition.objects.select_for_update().get(pk=edition.pk)
    if edition.status == Edition.Status.DRAFT:
        text = _("The edition of %(day)s was not approved and did not go. Approve it to send it now.")
    elif edition.status == Edition.Status.APPROVED and too_late(edition, at=at):
        text = _("The edition of %(day)s was approved but could not go on its day. Approve it again to send it now.")
    else:
        return edition
    edition.move_to(Edition.Status.MISSED)
    if is_history(edition, at=at):
        text = _("The edition of %(day)s did not go, and its time is over.")
    day = {"day": f"{edition.slot:%-d %B}"}
    _tell_editors(edition, kind="edition.missed", text=text % day, at=at)
    return edition


def too_late(edition: Edition, *, at: datetime) -> bool:
    """Whether an approval has lost its meaning: its day is over everywhere, and no editor said since to send it now."""
    ends = schedule.ends_at(edition.slot)
    if edition.approved_at is not None and edition.approved_at >= ends:
        ends = edition.approved_at + LATE
    return at >= ends


def is_history(edition: Edition, *, at: datetime) -> bool:
    """Whether it missed its day so long ago that the next has come: nobody would read it as news any more."""
    return edition.status == Edition.Status.MISSED and at >= schedule.ends_at(edition.slot) + FRESH


def warn(edition: Edition, *, at: datetime) -> None:
    """The day before: nobody has approved it yet. Once, in the portal and by mail."""
    text = _("Tomorrow's edition is not approved yet. Without your approval it does not go.")
    for editor in _tell_editors(edition, kind="edition.warning", text=text, at=at):
        outbox.owe(
            "edition_warning",
            to=editor,
            template="newsletter/warning",
            dedupe_key=f"{edition.pk}:{editor.pk}",
            at=at,
            params={"edition": edition.pk, "subject_line": edition.subject, "slot": edition.slot.isoformat()},
            counts=False,
        )


def send_test(edition: Edition, *, to: User, as_contact: Contact | None, at: datetime) -> None:
    """One mail to the editor, as it would reach this reader; without one, as the preview shows it."""
    outbox.owe(
        "newsletter_test",
        to=to,
        template="newsletter/edition",
        dedupe_key=f"{edition.pk}:{to.pk}:{at.isoformat()}",
        at=at,
        params={"edition": edition.pk, "as_contact": as_contact.pk if as_contact else None, "test": True},
        counts=False,
    )


def _tell_editors(edition: Edition, *, kind: str, text: str, at: datetime) -> Iterable[User]:
    editors = list(User.objects.filter(is_active=True, role_grants__role=Role.MODERATOR).distinct())
    Notification.objects.bulk_create(
        [
            Notification(
                user=editor,
                kind=kind,
                key=f"edition:{edition.pk}",
                text=text,
                url=reverse("newsletter:edit", args=[edition.public_id]),
                at=at,
            )
            for editor in editors
        ],
        ignore_conflicts=True,
    )
    return editors
