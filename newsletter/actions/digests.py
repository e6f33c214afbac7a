"""Writing the digests of the community into the outbox, and choosing how often one wants them."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Lower

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Contact
from advocacy.delivery import kinds, outbox
from advocacy.delivery.models import Message, Suppression
from advocacy.users.models import User
from advocates.models import Advocate
from newsletter import digests
from newsletter.models import DigestChoice, DigestRun, Every

KIND = "community_digest"
TEMPLATE = "newsletter/digest"
AT_ONCE = 1000
PERIODS = {Every.WEEK: timedelta(days=7), Every.DAY: timedelta(days=1)}
LONGEST = timedelta(days=14)
"""A clock that stood still does not make a digest of half a year."""
NEVER = "never"


def readers(*, at: datetime) -> Any:
    """Members who sign in, may be written to, and have not left the digest."""
    wants = ConsentState.objects.filter(purpose=Purpose.PROGRAM_MAIL).in_force(at=at)
    left = Suppression.objects.alias(address=Lower("email")).filter(address=Lower(OuterRef("email")), kind=KIND)
    return Contact.objects.filter(
        ~Exists(left),
        pk__in=wants.values("contact"),
        advocate__status=Advocate.Status.MEMBER,
        advocate__user__isnull=False,
        erased_at__isnull=True,
    ).exclude(email="")


def zones(*, at: datetime) -> list[str]:
    """Where members are."""
    return sorted(readers(at=at).order_by().values_list("time_zone", flat=True).distinct())


@transaction.atomic
def begin(day: date, every: str, zone: str, *, at: datetime) -> DigestRun:
    """The run of a day, whoever asks and however often; it tells of what came since the one before."""
    before = DigestRun.objects.filter(every=every, zone=zone, day__lt=day).order_by("-day").first()
    since = max(before.until if before else at - PERIODS[Every(every)], at - LONGEST)
    run, _new = DigestRun.objects.get_or_create(day=day, every=every, zone=zone, defaults={"since": since, "until": at})
    return run


@transaction.atomic
def write_some(run: DigestRun, *, at: datetime) -> bool:
    """Owe the digests of the next thousand members; False when nobody is left.

    ``up_to`` and the rows go in one transaction, and a mailbox has one digest a day whatever happens.
    """
    run = DigestRun.objects.select_for_update().get(pk=run.pk)
    if run.done:
        return False
    page: list[Contact] = []
    if digests.anything_new(since=run.since, until=run.until):
        rows = readers(at=at).filter(time_zone=run.zone, pk__gt=run.up_to)
        daily = DigestChoice.objects.filter(contact=OuterRef("pk"), every=Every.DAY)
        rows = rows.filter(Exists(daily) if run.every == Every.DAY else ~Exists(daily))
        page = list(rows.order_by("pk")[:AT_ONCE])
    owed = {one.email.lower(): _message(one, run, at=at) for one in reversed(page)}
    Message.objects.bulk_create(owed.values(), ignore_conflicts=True)
    run.up_to = page[-1].pk if page else run.up_to
    run.done = len(page) < AT_ONCE
    run.save(update_fields=["up_to", "done"])
    if owed:
        outbox.nudge_sender()
    return not run.done


def _message(contact: Contact, run: DigestRun, *, at: datetime) -> Message:
    return Message(
        kind=KIND,
        dedupe_key=f"{run.day}:{contact.email.lower()}"[:200],
        template=TEMPLATE,
        params={"since": run.since.isoformat(), "until": run.until.isoformat()},
        contact=contact,
        to_email=contact.email,
        to_name=contact.full_name,
        language=contact.language or "en",
        time_zone=contact.time_zone or "UTC",
        purpose=Purpose.PROGRAM_MAIL,
        message_id=outbox.new_message_id(),
        due_at=at,
        created_at=at,
    )


# --- Choosing ---------------------------------------------------------------------------------------------------------
def chosen(user: User) -> str:
    """How often this member wants the digest: ``week``, ``day`` or ``never``."""
    contact = _contact(user)
    if contact is None or kinds.left(contact.email, KIND):
        return NEVER
    return DigestChoice.objects.filter(contact=contact).values_list("every", flat=True).first() or Every.WEEK


@transaction.atomic
def choose(user: User, every: str, *, at: datetime) -> None:
    """Have it weekly, daily or never; it counts at once, also for one that is already on its way."""
    contact = _contact(user)
    if contact is None:
        return
    if every == NEVER:
        kinds.leave(contact.email, KIND, at=at)
        return
    kinds.come_back(contact.email, KIND)
    DigestChoice.objects.update_or_create(contact=contact, defaults={"every": Every(every), "at": at})


def may_choose(user: User) -> bool:
    return _contact(user) is not None


def _contact(user: User) -> Contact | None:
    members = Q(advocate__user=user, advocate__status=Advocate.Status.MEMBER)
    return Contact.objects.filter(members).exclude(email="").first()
