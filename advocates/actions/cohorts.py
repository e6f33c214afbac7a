"""Cohorts: counting them, and inviting them in rounds that the clock works through (P13)."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm.models import Contact
from advocacy.lib.lifecycle import Refused
from advocates import cohorts, invitations, segments
from advocates.actions.invitations import invite
from advocates.cohorts import Likeness
from advocates.models import Cohort, CohortBatch

AT_ONCE = 200
"""People of one round that are looked at together, each in a transaction of their own."""
IN_ONE_TICK = timedelta(seconds=40)
"""A round is worked through this long, so that the next tick of the clock finds it free."""


def keep_count(cohort: Cohort, number: int, *, at: datetime) -> None:
    """Keep how many belong, so that lists of cohorts need not count."""
    Cohort.objects.filter(pk=cohort.pk).update(counted=number, counted_at=at)
    cohort.counted, cohort.counted_at = number, at


def make_alike(chosen: Sequence[Likeness], *, by: Any, at: datetime) -> Cohort:
    """A cohort of people who share these facts with the most active, named after its day."""
    day = date_format(timezone.localtime(at), "j F Y")
    name = _("Like our most active, %(day)s") % {"day": day}
    for number in range(1, 100):
        with suppress(IntegrityError), transaction.atomic():  # somebody made one of that name
            return Cohort.objects.create(
                name=name if number == 1 else f"{name} ({number})", definition=cohorts.alike(chosen), by=by,
                created_at=at, note=_("Facts that are more common among the most active advocates."),
            )  # fmt: skip
    raise Refused(_("There are a hundred cohorts of this day already. Give some of them names that say more."))


@transaction.atomic
def begin(cohort: Cohort, *, most: int, starts_at: datetime, by: Any, at: datetime) -> CohortBatch:
    """Send off a round of at most ``most`` invitations; raises ``Refused`` while another is under way.

    Who belongs is fixed as it is described now; whether each can be invited is looked at when their turn comes.
    """
    Cohort.objects.select_for_update().get(pk=cohort.pk)
    if most < 1:
        raise Refused(_("Say how many to invite: at least one."))
    try:
        with transaction.atomic():
            return CohortBatch.objects.create(
                cohort=cohort, definition=cohort.definition, most=most, starts_at=max(starts_at, at), by=by,
                created_at=at,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(_("A round of invitations to this cohort is under way already.")) from None


@transaction.atomic
def stop(batch: CohortBatch, *, at: datetime) -> None:
    """Invite nobody more in this round; who is invited stays invited."""
    CohortBatch.objects.select_for_update().get(pk=batch.pk)
    batch.move_to(CohortBatch.Status.STOPPED, finished_at=at)


def work(*, at: datetime, clock: Any = None) -> int:
    """Go on with every round that is under way; returns how many were invited. ``clock()`` tells the time now."""
    invited = 0
    for pk in (
        CohortBatch.objects.filter(status=CohortBatch.Status.RUNNING, starts_at__lte=at)
        .order_by("pk")
        .values_list("pk", flat=True)
    ):
        began = clock() if clock else at
        while (step := _go_on(pk, at=at)) is not None:
            invited += step
            if clock and clock() - began > IN_ONE_TICK:
                break
    return invited


def _go_on(pk: int, *, at: datetime) -> int | None:
    """The next people of a round; None when it is over or somebody else is at it."""
    batch = CohortBatch.objects.filter(pk=pk, status=CohortBatch.Status.RUNNING).first()
    if batch is None:
        return None
    people = segments.Segment.read(batch.definition).people(at=at).filter(pk__gt=batch.cursor).order_by("pk")
    waiting = list(invitations.with_refusal(people, at=at)[:AT_ONCE])
    cursor, invited = batch.cursor, 0
    left_out: Counter[str] = Counter()
    for contact in waiting:
        if refusal := str(contact.refusal):  # type: ignore[attr-defined]
            left_out[refusal] += 1
            continue
        done = _step(pk, cursor, contact, left_out, at=at)
        if done is None:
            return None
        cursor, left_out, invited = contact.pk, Counter(), invited + done
    if left_out and _step(pk, cursor, waiting[-1], left_out, at=at, invites=False) is None:
        return None
    if len(waiting) < AT_ONCE:
        _finish(pk, at=at)
    return invited


@transaction.atomic
def _step(
    pk: int, cursor: int, contact: Contact, left_out: Counter[str], *, at: datetime, invites: bool = True
) -> int | None:
    """Up to and with one person: the cursor moves with what was done, so that a kill neither skips nor repeats anybody.

    None when the round is over, or somebody else has moved it on meanwhile.
    """
    batch = (
        CohortBatch.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("by")
        .filter(pk=pk, status=CohortBatch.Status.RUNNING, cursor=cursor)
        .first()
    )
    if batch is None:
        return None
    if invites and batch.invited >= batch.most:
        batch.move_to(CohortBatch.Status.DONE, finished_at=at)
        return None
    invited, missed = 0, Counter(left_out)
    if invites:
        try:
            with transaction.atomic():
                invite(contact, at=at, by=batch.by, batch=batch)
            invited = 1
        except Refused:
            missed["meanwhile"] += 1
    batch.left_out = dict(Counter(batch.left_out) + missed)
    batch.invited += invited
    batch.cursor = contact.pk
    batch.save(update_fields=["invited", "left_out", "cursor"])
    return invited


@transaction.atomic
def _finish(pk: int, *, at: datetime) -> None:
    batch = (
        CohortBatch.objects.select_for_update(skip_locked=True).filter(pk=pk, status=CohortBatch.Status.RUNNING).first()
    )
    if batch is not None:
        batch.move_to(CohortBatch.Status.DONE, finished_at=at)
