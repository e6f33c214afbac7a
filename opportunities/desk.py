"""Where a request stands, what may be done with it now, and how the queue reads. Reads and decisions only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Account, Activity
from opportunities.models import COURSE, Claim, ClaimFeedback, Nomination, ReferenceRequest

Status = ReferenceRequest.Status
WaitingFor = ReferenceRequest.WaitingFor

SOON = timedelta(hours=72)
REMIND_OWNER_AFTER = 2
SILENCE_AFTER = 4
"""Working days until an account owner is reminded of an ask, and until their silence counts, where they want that."""
ENDED = frozenset({Status.FULFILLED, Status.DEFLECTED, Status.UNFILLED, Status.WITHDRAWN})
TIMES_PROPOSED = 3
"""How many times an advocate proposes with a yes."""
TIMES_AHEAD = timedelta(days=183)


def latest_time(at: datetime) -> datetime:
    """The last moment that can be proposed: a year mistyped is a call nobody comes to."""
    return at + TIMES_AHEAD


def overlaps(times: Iterable[datetime], *, minutes: int) -> bool:
    """Whether two of these times would be one conversation: the second begins before the first is over."""
    ordered = sorted(times)
    length = timedelta(minutes=minutes or 30)
    return any(later - earlier < length for earlier, later in pairwise(ordered))


# --- Where it stands --------------------------------------------------------------------------------------------------
def took_place(claim: Claim, *, at: datetime) -> bool:
    """Whether the set time of a claim is over."""
    if claim.scheduled_for is None:
        return False
    return claim.scheduled_for + timedelta(minutes=claim.minutes or 30) <= at


def stands(
    wanted: ReferenceRequest, nominations: Iterable[Nomination], *, question_out: bool, at: datetime
) -> tuple[str, str]:
    """The status of a request under way and who is waited for, from what has become of its nominations.

    Wants ``claim__feedback`` and ``times`` prefetched.
    """
    nominations = list(nominations)
    said_yes = [(one, one.claim) for one in nominations if _under_course(one) and one.claim]
    done = [claim for _one, claim in said_yes if claim.status == Claim.Status.VERIFIED]
    if len(done) >= wanted.wanted:
        return Status.FULFILLED, WaitingFor.NOBODY
    timed = wanted.kind.has_step("scheduled")
    open_ones = [one for one in nominations if one.status == Nomination.Status.ASKED]
    with_owner = any(one.status == Nomination.Status.WITH_OWNER for one in nominations)
    without_time = [one for one, _claim in said_yes if timed and wants_time(one)]
    nobody_asked = len(said_yes) < wanted.wanted and not open_ones and not with_owner
    if without_time and not nobody_asked:
        ready = [one for one in without_time if _has_time_to_pick(one, at=at)]
        if ready and all(prospect_picks(one, at=at) for one in ready):
            return Status.AGREED, WaitingFor.PROSPECT
        return Status.AGREED, WaitingFor.REQUESTER if ready else WaitingFor.ADVOCATE
    status: str = Status.MATCHING
    if said_yes:
        status = Status.SCHEDULED if timed and not without_time else Status.AGREED
    if len(said_yes) < wanted.wanted:
        if open_ones:
            return (status if said_yes else Status.ASKED), WaitingFor.ADVOCATE
        if with_owner:
            return status, WaitingFor.OWNER
        return status, between(wanted, question_out=question_out)
    return status, _after_the_yes([claim for _one, claim in said_yes if claim not in done], at=at)


def between(wanted: ReferenceRequest, *, question_out: bool) -> str:
    """Whose turn it is while nobody is asked: the spokesperson's, the requester's who has a question, or the desk's."""
    if wanted.waits_for_approver:
        return WaitingFor.APPROVER
    return WaitingFor.REQUESTER if question_out else WaitingFor.DESK


def _has_time_to_pick(nomination: Nomination, *, at: datetime) -> bool:
    """Whether it is the requester's turn: there is a time to come, or the missed one, to be asked for another."""
    return any(time.starts_at > at or time.chosen_at for time in nomination.times.all())


def prospect_picks(nomination: Nomination, *, at: datetime) -> bool:
    """Whether the time is the prospect's to pick: they have a link that opens, and a time to come."""
    until = nomination.prospect_until
    if until is None or until <= at or not wants_time(nomination):
        return False
    return any(time.starts_at > at and time.chosen_at is None for time in nomination.times.all())


def _after_the_yes(claims: Sequence[Claim], *, at: datetime) -> str:
    """Everybody has said yes and every time is set: it is to take place, or to be told how it was."""
    if any(claim.status == Claim.Status.SCHEDULED and not took_place(claim, at=at) for claim in claims):
        return WaitingFor.PROSPECT
    silent = {
        side
        for claim in claims
        for side in ClaimFeedback.Side.values
        if side not in {feedback.side for feedback in claim.feedback.all()}
    }
    if any(claim.status in ("claimed", "confirmed") for claim in claims) and ClaimFeedback.Side.ADVOCATE in silent:
        return WaitingFor.ADVOCATE  # nothing to meet for: they do it in their own time
    if ClaimFeedback.Side.REQUESTER in silent:
        return WaitingFor.REQUESTER
    if ClaimFeedback.Side.ADVOCATE in silent:
        return WaitingFor.ADVOCATE
    return WaitingFor.DESK


def _under_course(nomination: Nomination) -> bool:
    return (
        nomination.status == Nomination.Status.ACCEPTED
        and nomination.claim is not None
        and (nomination.claim.status in COURSE or missed_by_prospect(nomination))
    )


def missed_by_prospect(nomination: Nomination) -> bool:
    """Whether it was the prospect who did not come: the advocate's yes still stands, for another time."""
    claim = nomination.claim
    if nomination.status != Nomination.Status.ACCEPTED or claim is None or claim.status != Claim.Status.MISSED:
        return False
    if claim.scheduled_for is None:
        return False
    told = {"source_type": Claim._meta.label_lower, "source_id": str(claim.pk), "deed": Deed.MISSED}
    return not Activity.objects.filter(**told).exists()  # a miss of their own is on record


def wants_time(nomination: Nomination) -> bool:
    """Whether somebody has said yes and no time is set."""
    claim = nomination.claim
    if nomination.status != Nomination.Status.ACCEPTED or claim is None:
        return False
    return claim.status in ("claimed", "confirmed") or missed_by_prospect(nomination)


def yes_count(nominations: Iterable[Nomination]) -> int:
    """How many have said yes and still stand by it."""
    return sum(_under_course(one) for one in nominations)


# --- What may be done -------------------------------------------------------------------------------------------------
def may_nominate(wanted: ReferenceRequest, nominations: Iterable[Nomination]) -> bool:
    return wanted.status not in ENDED and yes_count(nominations) < wanted.wanted


def may_go_out(wanted: ReferenceRequest) -> bool:
    """Whether whoever speaks for the company, where somebody is named who does, keeps advocates from being asked."""
    return not wanted.waits_for_approver and wanted.approver_said != "no"


def may_be_enough(wanted: ReferenceRequest) -> bool:
    """Whether something published can still end a request: nobody has said yes to it yet."""
    return wanted.status in (Status.NEW, Status.MATCHING, Status.ASKED)


# --- The queue --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class View:
    """One filter of the queue."""

    key: str
    name: Any


VIEWS = (
    View("mine", _("Mine")),
    View("unassigned", _("Unassigned")),
    View("urgent", _("Urgent")),
    View("active", _("All active")),
    View("waiting", _("Waiting for others")),
    View("approval", _("Waiting for approval")),
    View("promised", _("Promise due today or broken")),
    View("soon", _("Due within 72 hours")),
    View("overdue", _("Overdue")),
    View("ended", _("Ended")),
)
WITH_OTHERS = ~Q(waiting_for__in=[WaitingFor.DESK, WaitingFor.NOBODY])


def promise_presses(today: date) -> Q:
    """The promise of a request is broken, or will be today if nobody but the desk is waited for."""
    return Q(promise_broken_at__isnull=False) | Q(promise_due_at__date__lte=today)


WITH_OWNER = Exists(Nomination.objects.filter(request=OuterRef("pk"), status=Nomination.Status.WITH_OWNER))
URGENT = Q(kind__is_urgent=True)
SORTS = {
    "need": _("Needed first"),
    "value": _("Largest deal first"),
    "filed": _("Newest first"),
}


def in_view(rows: "QuerySet[ReferenceRequest]", view: str, *, user: Any, today: date) -> "QuerySet[ReferenceRequest]":
    """The requests of one filter; days are those of the desk."""
    active = Q(status__in=ReferenceRequest.ACTIVE)
    conditions = {
        "mine": active & Q(manager=user.pk),
        "unassigned": active & Q(manager__isnull=True),
        "urgent": active & URGENT,
        "waiting": active & WITH_OTHERS,
        "approval": active & WITH_OWNER,
        "promised": active & promise_presses(today),
        "soon": active & Q(needed_by__gte=today, needed_by__lte=today + SOON),
        "overdue": active & Q(needed_by__lt=today),
        "ended": Q(status__in=ENDED),
    }
    return rows.filter(conditions.get(view, active))


def sorted_by(rows: "QuerySet[ReferenceRequest]", sort: str) -> "QuerySet[ReferenceRequest]":
    if sort == "value":
        return rows.order_by(F("deal__value").desc(nulls_last=True), "needed_by", "pk")
    if sort == "filed":
        return rows.order_by("-filed_at", "-pk")
    return rows.order_by("needed_by", "filed_at", "pk")


# --- Facts ------------------------------------------------------------------------------------------------------------
def as_the_crm_writes(fact: str, text: str) -> str:
    """A region or industry in the spelling accounts have it in, so that equal ones are equal for matching."""
    text = " ".join(text.split())
    if not text or Account.objects.filter(**{fact: text}).exists():
        return text
    known = Account.objects.filter(**{f"{fact}__iexact": text}).values_list(fact, flat=True).first()
    return known or text


def active_for_deal(deal_id: int | None, *, besides: int | None = None) -> "QuerySet[ReferenceRequest]":
    """Requests under way for the same deal: the warning of the form."""
    rows = ReferenceRequest.objects.active().filter(deal=deal_id) if deal_id else ReferenceRequest.objects.none()
    return rows.exclude(pk=besides) if besides else rows
