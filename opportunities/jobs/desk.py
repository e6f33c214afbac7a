"""The clock's work for the desk: silence moves on, calls that are over are asked about, claims carry requests along."""

from datetime import datetime, timedelta

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Coalesce

from advocacy.lib.jobs import job
from opportunities import desk as rules
from opportunities.actions import ageing, trust
from opportunities.actions import desk as actions
from opportunities.jobs.board import DAY_AHEAD, HOUR_AHEAD
from opportunities.mails import desk as mails
from opportunities.mails import prospects as to_prospects
from opportunities.models import COURSE, Claim, ClaimFeedback, Nomination, ProposedTime, ReferenceRequest, RequestNote

A_BATCH = 500
ASK_UNTIL = timedelta(days=14)
WaitingFor = ReferenceRequest.WaitingFor


@job(every=timedelta(minutes=5))
def move_on_from_silence(*, at: datetime) -> None:
    """Nominations nobody answered in time; the desk is told when nobody is left."""
    silent = Nomination.objects.filter(status=Nomination.Status.ASKED, answer_by__lte=at)
    for nomination in silent.select_related("request").order_by("answer_by", "pk")[:A_BATCH]:
        actions.expire(nomination, at=at)


@job(every=timedelta(minutes=30), offset=timedelta(minutes=10))
def remind_of_ageing_nominations(*, at: datetime) -> None:
    """Who has not answered comes up on Today, a day before silence moves on."""
    ageing.look_at_nominations(at=at)


WARN_BEFORE = timedelta(hours=2)


@job(every=timedelta(minutes=5))
def keep_promises(*, at: datetime) -> None:
    """Promises used up go on record; whoever can still help is told two hours before, and when it has happened."""
    running = ReferenceRequest.objects.active().filter(promise_due_at__lte=at + WARN_BEFORE).order_by("promise_due_at")
    for request in running.select_related("manager", "kind", "requester")[:A_BATCH]:
        if request.promise_due_at is not None and request.promise_due_at <= at:
            actions.look_at_promise(request, at=at)
        else:
            actions.warn_of_promise(request, at=at)


@job(every=timedelta(minutes=30))
def wait_for_owners(*, at: datetime) -> None:
    """Account owners who have not answered are reminded once; their silence counts only where they want it to."""
    waiting = Nomination.objects.filter(status=Nomination.Status.WITH_OWNER).exclude(
        owner=F("advocate__contact__account__owner"), owner_asked_at__gt=at - timedelta(days=rules.REMIND_OWNER_AFTER)
    )
    for nomination in waiting.select_related("request").order_by("owner_asked_at", "pk").iterator(chunk_size=A_BATCH):
        actions.wait_for_owner(nomination, at=at)


@job(every=timedelta(minutes=1))
def follow_claims(*, at: datetime) -> None:
    """Requests go on where their claims have: over, done, told of by both sides, verified, withdrawn or missed."""
    for request in _may_have_moved(at=at).order_by("pk").iterator(chunk_size=A_BATCH):
        for nomination in request.nominations.all():
            if _has_moved(request, nomination, at=at):
                actions.follow(nomination, at=at)


def _may_have_moved(*, at: datetime) -> "QuerySet[ReferenceRequest]":
    """Requests with a claim that may have gone on without them, with all that tells whether it has."""
    as_picked = ProposedTime.objects.filter(
        nomination=OuterRef("pk"), chosen_at__isnull=False, starts_at=OuterRef("claim__scheduled_for")
    )
    theirs = [WaitingFor.ADVOCATE, WaitingFor.PROSPECT]
    moved_on = (
        ~Q(claim__status__in=COURSE)
        | Q(claim__status=Claim.Status.VERIFIED)
        | Q(claim__status=Claim.Status.DELIVERED, request__waiting_for__in=theirs)
        | Q(told=2)
        | Q(told=1, request__waiting_for__in=theirs)
        | Q(claim__status=Claim.Status.SCHEDULED, request__waiting_for=WaitingFor.PROSPECT, over_at__lte=at)
        | (Q(claim__status=Claim.Status.SCHEDULED) & ~Exists(as_picked))
        | Q(prospect_until__lte=at, request__waiting_for=WaitingFor.PROSPECT, request__status="agreed")
    )
    claims = Nomination.objects.select_related("claim").prefetch_related("times", "claim__feedback").order_by("pk")
    question = RequestNote.objects.filter(request=OuterRef("pk"), asks=True, answered_at__isnull=True)
    rows = ReferenceRequest.objects.filter(pk__in=_with_claims().filter(moved_on).values("request"))
    return (
        rows.annotate(question_out=Exists(question))
        .select_related("kind")
        .prefetch_related(Prefetch("nominations", claims))
    )


def _has_moved(request: ReferenceRequest, nomination: Nomination, *, at: datetime) -> bool:
    """Whether following this claim would change anything; what has been followed once is left alone."""
    claim = nomination.claim
    if nomination.status != Nomination.Status.ACCEPTED or claim is None:
        return False
    if claim.status not in COURSE and not rules.missed_by_prospect(nomination):
        return True
    told = [one.happened for one in claim.feedback.all()]
    if claim.status != Claim.Status.VERIFIED and len(told) == len(ClaimFeedback.Side.values) and all(told):
        return True
    picked = {time.starts_at for time in nomination.times.all() if time.chosen_at}
    if claim.status == Claim.Status.SCHEDULED and picked != {claim.scheduled_for}:
        return True
    question_out = request.question_out  # type: ignore[attr-defined]
    stands = rules.stands(request, request.nominations.all(), question_out=question_out, at=at)
    return stands != (request.status, request.waiting_for)


@job(every=timedelta(minutes=5))
def remind_both_sides(*, at: datetime) -> None:
    """Requester and prospect are reminded a day and an hour before, each once for each time that was set."""
    for ahead, (nearest, farthest) in {"day": DAY_AHEAD, "hour": HOUR_AHEAD}.items():
        due = _with_claims().filter(
            claim__status=Claim.Status.SCHEDULED, claim__scheduled_for__gt=at + nearest,
            claim__scheduled_for__lte=at + farthest,
        )  # fmt: skip
        for nomination in due.order_by("pk").iterator(chunk_size=A_BATCH):
            if nomination.claim is not None:
                mails.reminder(nomination, nomination.claim, ahead=ahead, at=at)
                link = to_prospects.standing_link(nomination)
                if link is not None:
                    link.nomination = nomination
                    to_prospects.reminder(link, nomination.claim, ahead=ahead, at=at)


@job(every=timedelta(minutes=15))
def ask_requesters_how_it_was(*, at: datetime) -> None:
    """Once it should be over, requester and prospect are asked whether it took place, and how it was; once for a time.

    Where no time is set, it is over when the advocate says that it is done.
    """
    over = _with_claims().filter(
        Q(over_at__lte=at, over_at__gt=at - ASK_UNTIL),
        claim__status__in=[Claim.Status.SCHEDULED, Claim.Status.DELIVERED],
    )
    told = ClaimFeedback.objects.filter(claim=OuterRef("claim"), side=ClaimFeedback.Side.REQUESTER)
    for nomination in over.filter(~Exists(told)).order_by("pk"):
        if nomination.claim is not None:
            mails.how_was_it(nomination, nomination.claim, at=at)
    for nomination in over.filter(claim__scheduled_for__isnull=False).order_by("pk"):
        link = to_prospects.standing_link(nomination)
        if link is not None and nomination.claim is not None:
            link.nomination = nomination
            to_prospects.how_was_it(link, nomination.claim, at=at)


def _with_claims() -> "QuerySet[Nomination]":
    minutes = Coalesce(F("claim__minutes"), Value(30)) * Value(timedelta(minutes=1), output_field=DurationField())
    return (
        Nomination.objects.filter(
            status=Nomination.Status.ACCEPTED, claim__isnull=False, request__status__in=ReferenceRequest.ACTIVE
        )
        .annotate(
            told=Count("claim__feedback"),
            over_at=Coalesce(
                F("claim__scheduled_for") + ExpressionWrapper(minutes, output_field=DurationField()),
                F("claim__delivered_at"),
            ),
        )
        .select_related(
            "request__requester",
            "request__manager",
            "request__kind",
            "claim__opportunity",
            "advocate__contact__account",
        )
    )


@job(every=timedelta(hours=1), offset=timedelta(minutes=5))
def send_weekly_notes(*, at: datetime) -> None:
    """On Mondays, what was asked of the customers somebody answers for; once a week, also when the clock was late."""
    trust.send_weekly_notes(at=at)
