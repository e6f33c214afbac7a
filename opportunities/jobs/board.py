"""The clock's work for the board: it finds what is owed in the database and calls actions, safe to run twice."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import F, Q, QuerySet

from advocacy.delivery.models import Message
from advocacy.lib.jobs import job
from opportunities.actions import board as actions
from opportunities.mails import board as mails
from opportunities.models import Claim, Opportunity, Waiting

A_BATCH = 500
DAY_AHEAD = (timedelta(hours=6), timedelta(hours=24))
HOUR_AHEAD = (timedelta(0), timedelta(hours=1))
ASK_UNTIL = timedelta(days=14)


@job(every=timedelta(minutes=1))
def keep_the_line_moving(*, at: datetime) -> None:
    """Ends offers nobody took and offers free seats to the next; makes good what an action missed."""
    waiting = Waiting.objects.filter(ended_at__isnull=True).filter(Q(offered_at__isnull=True) | Q(offer_until__lte=at))
    still_open = Opportunity.objects.filter(status="open").exclude(closes_at__lte=at)
    for opportunity in still_open.filter(pk__in=waiting.values("opportunity")).order_by("pk").iterator(A_BATCH):
        actions.offer_seats(opportunity, at=at)


@job(every=timedelta(minutes=5))
def close_what_is_over(*, at: datetime) -> None:
    """Pages go by the closing time itself; this only makes the status follow."""
    for opportunity in Opportunity.objects.filter(status="open", closes_at__lte=at).order_by("pk")[:A_BATCH]:
        actions.close(opportunity, at=at)


@job(every=timedelta(minutes=5))
def remind(*, at: datetime) -> None:
    """A day before and an hour before what is set, each once for each time that was set."""
    for ahead, (nearest, farthest) in {"day": DAY_AHEAD, "hour": HOUR_AHEAD}.items():
        due = _with_status(Claim.Status.SCHEDULED).filter(
            scheduled_for__gt=at + nearest, scheduled_for__lte=at + farthest
        )
        for claim in _not_told(due, mails.REMINDER, ahead):
            mails.claim_reminder(claim, at=at, ahead=ahead)


@job(every=timedelta(minutes=15))
def ask_how_it_was(*, at: datetime) -> None:
    """Once something should be over, the advocate is asked how it was, also where others have vouched for it first."""
    over = _with_status(Claim.Status.SCHEDULED, Claim.Status.DELIVERED, Claim.Status.VERIFIED).filter(
        scheduled_for__gt=at - ASK_UNTIL, scheduled_for__lte=at - F("minutes") * timedelta(minutes=1)
    )
    for claim in _not_told(over.exclude(feedback__side="advocate"), mails.HOW_WAS_IT):
        mails.claim_how_was_it(claim, at=at)


def _with_status(*states: str) -> QuerySet[Claim]:
    return (
        Claim.objects.filter(status__in=states)
        .select_related("opportunity__kind", "advocate__contact", "advocate__pod__manager")
        .defer("opportunity__search")
        .order_by("scheduled_for", "pk")
    )


def _not_told(claims: QuerySet[Claim], kind: str, *more: str) -> Iterator[Claim]:
    """Those the outbox does not know this mail of yet; one look for each batch, whatever was told before."""
    everyone = iter(claims.iterator(chunk_size=A_BATCH))
    while batch := list(islice(everyone, A_BATCH)):
        keys = {mails.key_of(claim, *more): claim for claim in batch}
        told = Message.objects.filter(kind=kind, dedupe_key__in=list(keys)).values_list("dedupe_key", flat=True)
        for key in told:
            keys.pop(key, None)
        yield from keys.values()
