"""The clock's work for the desk: silence moves on, calls that are over are asked about, claims carry requests along."""

from datetime import datetime, timedelta

from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from advocacy.lib.jobs import job
from opportunities.actions import desk as actions
from opportunities.mails import desk as mails
from opportunities.models import COURSE, Claim, Nomination, ProposedTime, ReferenceRequest

A_BATCH = 500
ASK_UNTIL = timedelta(days=14)
WaitingFor = ReferenceRequest.WaitingFor


@job(every=timedelta(minutes=5))
def move_on_from_silence(*, at: datetime) -> None:
    """Nominations nobody answered in time; the desk is told when nobody is left."""
    silent = Nomination.objects.filter(status=Nomination.Status.ASKED, answer_by__lte=at)
    for nomination in silent.select_related("request").order_by("answer_by", "pk")[:A_BATCH]:
        actions.expire(nomination, at=at)


@job(every=timedelta(minutes=1))
def follow_claims(*, at: datetime) -> None:
    """Requests go on where their claims have: over, told of by both sides, verified, withdrawn or missed."""
    as_picked = ProposedTime.objects.filter(
        nomination=OuterRef("pk"), chosen_at__isnull=False, starts_at=OuterRef("claim__scheduled_for")
    )
    moved_on = (
        ~Q(claim__status__in=COURSE)
        | Q(claim__status=Claim.Status.VERIFIED)
        | Q(told=2)
        | Q(told=1, request__waiting_for=WaitingFor.ADVOCATE)
        | Q(told=1, request__waiting_for=WaitingFor.PROSPECT)
        | Q(claim__status=Claim.Status.SCHEDULED, request__waiting_for=WaitingFor.PROSPECT, over_at__lte=at)
        | (Q(claim__status=Claim.Status.SCHEDULED) & ~Exists(as_picked))
    )
    for nomination in _with_claims().filter(moved_on).order_by("pk")[:A_BATCH]:
        actions.follow(nomination, at=at)


@job(every=timedelta(minutes=15))
def ask_requesters_how_it_was(*, at: datetime) -> None:
    """Once a call should be over, the requester is asked whether it took place and how it was; once for each time."""
    over = _with_claims().filter(
        Q(over_at__lte=at, over_at__gt=at - ASK_UNTIL),
        claim__status__in=[Claim.Status.SCHEDULED, Claim.Status.DELIVERED],
    )
    for nomination in over.exclude(claim__feedback__side="requester").order_by("pk")[:A_BATCH]:
        if nomination.claim is not None:
            mails.how_was_it(nomination, nomination.claim, at=at)


def _with_claims() -> "QuerySet[Nomination]":
    minutes = Coalesce(F("claim__minutes"), Value(30)) * Value(timedelta(minutes=1), output_field=DurationField())
    return (
        Nomination.objects.filter(
            status=Nomination.Status.ACCEPTED, claim__isnull=False, request__status__in=ReferenceRequest.ACTIVE
        )
        .annotate(
            told=Count("claim__feedback"),
            over_at=F("claim__scheduled_for") + ExpressionWrapper(minutes, output_field=DurationField()),
        )
        .select_related(
            "request__requester", "request__manager", "request__kind", "claim", "advocate__contact__account"
        )
    )
