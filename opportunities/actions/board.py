"""Opportunities and their claims: what people and the clock do to them.

Locks are always taken in one order: opportunity → account → advocate. Whoever changes who holds a seat has locked the
opportunity, so seats cannot be oversold and the waitlist moves by one at a time.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.hearing import hear
from advocacy.lib.lifecycle import IllegalMove, Refused
from advocates import budget, points, stages
from advocates.actions import thank as thank_advocate
from advocates.models import Advocate, Ask, Channel, PointEntry, Task
from opportunities import eligibility, incentives
from opportunities.eligibility import Code, Standing, Who
from opportunities.mails import board as mails
from opportunities.models import COURSE, UNDER_WAY, BoardVisit, Claim, ClaimFeedback, Opportunity, Waiting
from opportunities.models.board import guarded_audience

OFFER_LASTS = timedelta(hours=24)
"""How long a freed seat is kept for the first in line."""

UNDO_WITHIN = timedelta(minutes=15)
"""How long a claim can be taken back without a reason."""

THANK_WITHIN = timedelta(days=2)
"""A thank-you is due this long after the deed was verified, or at once when both sides have said how it was."""

A_VISIT_ENDS = timedelta(minutes=30)
"""Without a look at the board for this long, the next look is another visit."""


class NotClaimed(Refused):
    """A claim was refused; ``standing`` says why, so that a page can offer the next best thing."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(standing.sentence)
        self.standing = standing


def _lock(opportunity: Opportunity, advocate: Advocate) -> tuple[Opportunity, Advocate]:
    """Lock in the one order; both come back as they are now."""
    locked = Opportunity.objects.select_for_update(of=("self",)).select_related("kind").get(pk=opportunity.pk)
    budget.lock(advocate)
    return locked, _reread(advocate)


def _reread(advocate: Advocate) -> Advocate:
    return Advocate.objects.select_related("contact__account", "pod__manager").get(pk=advocate.pk)


def _lock_claim(claim: Claim) -> Claim:
    """The same locks for a claim that exists; it comes back as it is now, with what its moves need."""
    list(Opportunity.objects.select_for_update().filter(pk=claim.opportunity_id).values_list("pk"))
    budget.lock(claim.advocate)
    locked = Claim.objects.select_related("opportunity__kind", "opportunity__run_by").get(pk=claim.pk)
    locked.advocate = _reread(claim.advocate)
    return locked


# --- Opportunities ----------------------------------------------------------------------------------------------------
@transaction.atomic
def open_up(opportunity: Opportunity, *, at: datetime) -> Opportunity:
    """Put a draft on the board, or a closed one back."""
    locked = Opportunity.objects.select_for_update(of=("self",)).select_related("kind").get(pk=opportunity.pk)
    if refusal := guarded_audience(locked.audience, is_review=locked.kind.is_review):
        raise Refused(refusal)
    if locked.closes_at is not None and locked.closes_at <= at:
        raise Refused(_("It closes in the past. Give it a later closing time first."))
    if not locked.what.strip() and not locked.summary.strip():
        raise Refused(_("Say first what is asked, at least in a sentence."))
    locked.move_to(Opportunity.Status.OPEN, opened_at=locked.opened_at or at)
    offer_seats(locked, at=at)
    return locked


@transaction.atomic
def close(opportunity: Opportunity, *, at: datetime) -> Opportunity:
    """No new claims; those there are take their course, and nobody waits for a seat any longer."""
    locked = Opportunity.objects.select_for_update().get(pk=opportunity.pk).move_to(Opportunity.Status.CLOSED)
    Waiting.objects.filter(opportunity=locked, ended_at__isnull=True).update(ended_at=at)
    return locked


@transaction.atomic
def follow_its_date(opportunity: Opportunity, *, at: datetime) -> None:
    """Its date was moved: so are the times of those who have a seat, and their calendars follow."""
    locked = Opportunity.objects.select_for_update().get(pk=opportunity.pk)
    if locked.happens_at is None or locked.happens_at <= at:
        return
    claims = locked.claims.filter(status=Claim.Status.SCHEDULED, scheduled_for__gt=at)
    for claim in claims.order_by("advocate__contact__account", "advocate").select_related("advocate"):
        reschedule(claim, starts_at=locked.happens_at, at=at)


@transaction.atomic
def call_off(opportunity: Opportunity, *, reason: str, at: datetime, by: Any = None) -> Opportunity:
    """It will not take place: whoever claimed it and has not done it yet is told, with the reason."""
    reason = _reason(reason)
    locked = Opportunity.objects.select_for_update().get(pk=opportunity.pk).move_to(Opportunity.Status.CANCELLED)
    Waiting.objects.filter(opportunity=locked, ended_at__isnull=True).update(ended_at=at)
    claims = locked.claims.filter(status__in=UNDER_WAY).order_by("advocate__contact__account", "advocate")
    for claim in claims.select_related("advocate", "opportunity"):
        decline(claim, reason=reason, at=at, by=by, because="called_off")
    return locked


@transaction.atomic
def offer_seats(opportunity: Opportunity, *, at: datetime) -> list[Waiting]:
    """Offer what seats are free to the first in line, each with time to answer. The opportunity is locked here.

    Called whenever a seat is given back or added, and by the clock, which also ends offers nobody took.
    """
    locked = Opportunity.objects.select_for_update(of=("self",)).select_related("kind").get(pk=opportunity.pk)
    Waiting.objects.filter(opportunity=locked, ended_at__isnull=True, offer_until__lte=at).update(ended_at=at)
    closes = locked.closes_at
    if locked.status != Opportunity.Status.OPEN or (closes is not None and closes <= at):
        return []
    in_line = list(
        Waiting.objects.in_line()
        .filter(opportunity=locked)
        .select_related("advocate__contact__account", "opportunity__kind")
    )
    if not in_line:
        return []
    free = len(in_line)
    if locked.seats is not None:
        taken = Opportunity.objects.filter(pk=locked.pk).with_seats_taken(at=at).values_list("seats_taken", flat=True)
        free = locked.seats - taken.get()
    offered: list[Waiting] = []
    for waiting in in_line:
        if len(offered) >= free:
            break
        person = eligibility.who(waiting.advocate, at=at)
        found = eligibility.standing(person, locked, at=at)
        if found.code not in {Code.OPEN, Code.WAITING, Code.FULL}:
            # Meanwhile they left, withdrew consent or their account rests: the seat goes to the next.
            Waiting.objects.filter(pk=waiting.pk).update(ended_at=at)
            continue
        waiting.offered_at = at
        waiting.offer_until = min(at + OFFER_LASTS, closes) if closes else at + OFFER_LASTS
        waiting.save(update_fields=["offered_at", "offer_until"])
        mails.seat_free(waiting, at=at)
        offered.append(waiting)
    return offered


# --- Claiming ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def claim(
    advocate: Advocate,
    opportunity: Opportunity,
    *,
    at: datetime,
    answers: Mapping[str, Any] | None = None,
    consent_wording: str = "",
) -> Claim:
    """Take a seat for an advocate, or raise ``NotClaimed`` with a sentence and where they stand.

    ``consent_wording`` is set when they agreed to exactly these words along with the claim: the consent is then put on
    record in the same transaction. Claiming is never refused for rest, but counts as load.
    """
    if Waiting.objects.filter(opportunity=opportunity, ended_at__isnull=True).exists():
        offer_seats(opportunity, at=at)  # the line comes first, also where the clock has not looked yet
    opportunity, advocate = _lock(opportunity, advocate)
    person = eligibility.who(advocate, at=at)
    found = eligibility.standing(person, opportunity, at=at)
    if found.code == Code.CONSENT and consent_wording:
        consent.grant(advocate.contact, found.purpose, wording=consent_wording, at=at, source="board", by=advocate.user)
        person = eligibility.who(advocate, at=at)
        found = eligibility.standing(person, opportunity, at=at)
    if not found.may_claim:
        raise NotClaimed(found)
    given = _answers(opportunity, answers or {})
    made = _take_seat(person, opportunity, found, at=at, answers=given)
    _count_as_load(made, at=at)
    if opportunity.happens_at and opportunity.happens_at > at and not opportunity.kind.has_step("confirmed"):
        made = _set_to_its_date(made, at=at)
    if made.status == Claim.Status.CLAIMED:  # otherwise the mail with the time has said it already
        mails.claim_received(made, at=at)
    return made


@transaction.atomic
def claim_for_nomination(advocate: Advocate, opportunity: Opportunity, *, at: datetime, minutes: int) -> Claim:
    """The yes to a nomination becomes a claim of the request's own frame.

    The caller holds the request and writes its own mail. Listing and audience are not asked; consent, readiness and
    seats are, at this last moment. A second yes returns the same claim. The ask of the desk is the load: none is added.
    """
    opportunity, advocate = _lock(opportunity, advocate)
    person = eligibility.who(advocate, at=at)
    found = eligibility.standing(person, opportunity, at=at, for_request=True)
    if found.code == Code.CLAIMED and found.claim is not None:
        return found.claim
    if not found.may_claim:
        raise NotClaimed(found)
    return _take_seat(person, opportunity, found, at=at, answers={}, minutes=minutes)


def _take_seat(
    person: Who,
    opportunity: Opportunity,
    found: Standing,
    *,
    at: datetime,
    answers: Mapping[str, Any],
    minutes: int | None = None,
) -> Claim:
    fresh = {
        "status": Claim.Status.CLAIMED, "answers": dict(answers), "claimed_at": at, "scheduled_for": None, "place": "",
        "minutes": minutes or opportunity.minutes or opportunity.kind.minutes, "ended_at": None, "reason": "",
        **incentives.promised(opportunity, at=at, zone=person.zone),
    }  # fmt: skip
    made, new = Claim.objects.get_or_create(opportunity=opportunity, advocate=person.advocate, defaults=fresh)
    if not new:  # it was withdrawn before; the calendar's sequence goes on, so that the new date replaces the old one
        fresh.pop("status")
        if made.scheduled_for:  # what took the old time out of the calendars was a version of its own
            fresh["sequence"] = made.sequence + 1
        made.move_to(Claim.Status.CLAIMED, **fresh)
    made.opportunity, made.advocate = opportunity, person.advocate
    if found.waiting is not None:
        Waiting.objects.filter(pk=found.waiting.pk).update(ended_at=at)
    else:
        Waiting.objects.filter(opportunity=opportunity, advocate=person.advocate, ended_at__isnull=True).update(
            ended_at=at
        )
    spine.record(Deed.CLAIMED, at=at, source=made, contact=person.contact, by=person.advocate.user)
    _book(made, before="", at=at)
    return made


def _answers(opportunity: Opportunity, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers to the questions of the kind and nothing else; a missing one that is required is refused."""
    given = {}
    for question in opportunity.kind.questions:
        answer = answers.get(question["key"])
        if isinstance(answer, str):
            answer = answer.strip()
        if question.get("required") and answer in (None, "", False):
            raise Refused(_("One answer is missing: %(question)s") % {"question": question["label"]})
        if answer not in (None, ""):
            given[question["key"]] = answer
    return given


def _count_as_load(made: Claim, *, at: datetime) -> None:
    """What somebody chose themselves is never refused for rest, but the next ask takes it into account (P20)."""
    Ask.objects.update_or_create(
        channel=Channel.BOARD,
        source_id=str(made.pk),
        advocate=made.advocate,
        defaults={
            "account": made.advocate.contact.account, "kind": made.opportunity.kind.slug, "asked_at": at,
            "answered_at": at, "released_at": None,
        },
    )  # fmt: skip
    budget.project(made.advocate.contact.account, at=at)


def _set_to_its_date(made: Claim, *, at: datetime) -> Claim:
    """Where the opportunity has a date of its own, that is the time of each claim."""
    if made.opportunity.happens_at is None or not made.opportunity.kind.has_step("scheduled"):
        return made
    return schedule(made, starts_at=made.opportunity.happens_at, minutes=made.minutes or 30, at=at)


# --- The waitlist -----------------------------------------------------------------------------------------------------
@transaction.atomic
def wait(advocate: Advocate, opportunity: Opportunity, *, at: datetime) -> Waiting:
    """Take a place in the line for a full opportunity. A second tap changes nothing."""
    opportunity, advocate = _lock(opportunity, advocate)
    found = eligibility.standing(eligibility.who(advocate, at=at), opportunity, at=at)
    if found.code == Code.WAITING and found.waiting is not None:
        return found.waiting
    if found.may_claim:
        raise Refused(_("There is a seat for you: claim it right away."))
    if found.code != Code.FULL:
        raise NotClaimed(found)
    return Waiting.objects.update_or_create(
        opportunity=opportunity,
        advocate=advocate,
        defaults={"since": at, "offered_at": None, "offer_until": None, "ended_at": None},
    )[0]


@transaction.atomic
def stop_waiting(advocate: Advocate, opportunity: Opportunity, *, at: datetime) -> None:
    """Leave the line; a seat that was kept goes to the next."""
    opportunity, advocate = _lock(opportunity, advocate)
    if Waiting.objects.filter(opportunity=opportunity, advocate=advocate, ended_at__isnull=True).update(ended_at=at):
        offer_seats(opportunity, at=at)


@transaction.atomic
def never_again(advocate: Advocate, opportunity: Opportunity, *, at: datetime) -> None:
    """They leave the line, and do not want to be offered this kind again; their profile says so and can be changed."""
    stop_waiting(advocate, opportunity, at=at)
    fresh = Advocate.objects.get(pk=advocate.pk)  # locked by now
    if opportunity.kind.slug not in fresh.never:
        Advocate.objects.filter(pk=fresh.pk).update(never=[*fresh.never, opportunity.kind.slug])


# --- The course of a claim --------------------------------------------------------------------------------------------
@transaction.atomic
def confirm(claim: Claim, *, at: datetime, by: Any = None) -> Claim:
    """Somebody of ours says yes to this claim; where a date stands already, it is then set."""
    claim = _lock_claim(claim)
    if claim.status == Claim.Status.CONFIRMED:
        return claim
    _must_have_step(claim, "confirmed")
    claim = _move(claim, "confirmed", at=at)
    if claim.opportunity.happens_at and claim.opportunity.happens_at > at:
        return _set_to_its_date(claim, at=at)
    return claim


@transaction.atomic
def schedule(claim: Claim, *, starts_at: datetime, minutes: int, at: datetime, by: Any = None) -> Claim:
    """Set the time of a claim; the advocate gets it by mail. The same time again changes nothing."""
    claim = _lock_claim(claim)
    if claim.status == Claim.Status.SCHEDULED:
        if claim.scheduled_for == starts_at and claim.minutes == minutes:
            return claim
        return _reschedule(claim, starts_at=starts_at, minutes=minutes, at=at, by=by)
    _must_have_step(claim, "scheduled")
    _must_be_ahead(starts_at, at=at)
    if claim.status == Claim.Status.MISSED:
        _must_have_room(claim, at=at)
    # A time set once more, after it was missed or the claim withdrawn, is a new version of the same appointment.
    sequence = claim.sequence + 1 if claim.scheduled_for or claim.sequence else 0
    claim = _move(claim, "scheduled", at=at, scheduled_for=starts_at, minutes=minutes, sequence=sequence, ended_at=None)
    spine.record(Deed.SCHEDULED, at=at, source=claim, contact=claim.advocate.contact, by=by)
    mails.claim_scheduled(claim, at=at, moved=False)
    return claim


@transaction.atomic
def unschedule(claim: Claim, *, at: datetime) -> Claim:
    """The set time does not hold, and the yes does: another time is looked for. The caller tells everybody.

    What takes the time out of the calendars is a version of the appointment, so that the next one replaces it.
    """
    claim = _lock_claim(claim)
    if claim.status != Claim.Status.SCHEDULED or claim.scheduled_for is None:
        raise Refused(_("There is no set time to move."))
    _must_be_ahead(claim.scheduled_for, at=at)
    before = "confirmed" if claim.opportunity.kind.has_step("confirmed") else "claimed"
    return _move(claim, before, at=at, scheduled_for=None, sequence=claim.sequence + 1)


@transaction.atomic
def reschedule(claim: Claim, *, starts_at: datetime, minutes: int | None = None, at: datetime, by: Any = None) -> Claim:
    """Move a set time; calendars follow, for the appointment keeps its id and gets the next sequence."""
    claim = _lock_claim(claim)
    return _reschedule(claim, starts_at=starts_at, minutes=minutes, at=at, by=by)


def _reschedule(claim: Claim, *, starts_at: datetime, minutes: int | None, at: datetime, by: Any) -> Claim:
    if claim.status != Claim.Status.SCHEDULED:
        raise Refused(_("There is no set time to move."))
    _must_be_ahead(starts_at, at=at)
    minutes = minutes or claim.minutes
    if claim.scheduled_for == starts_at and claim.minutes == minutes:
        return claim
    claim = _move(claim, "scheduled", at=at, scheduled_for=starts_at, minutes=minutes, sequence=claim.sequence + 1)
    mails.claim_scheduled(claim, at=at, moved=True)
    if by is not None and by.pk == claim.advocate.user_id and claim.opportunity.request_id is None:
        _tell_of_the_move(claim, at=at)  # the desk follows its own
    return claim


@transaction.atomic
def meet_at(claim: Claim, *, place: str, at: datetime) -> Claim:
    """Where they meet: a link, a number to dial, an address. Where a time is set, calendars follow."""
    claim = _lock_claim(claim)
    if claim.status not in UNDER_WAY:
        raise Refused(_("There is nothing to meet for any more."))
    if claim.place == place:
        return claim
    if claim.status != Claim.Status.SCHEDULED or claim.scheduled_for is None or claim.scheduled_for <= at:
        Claim.objects.filter(pk=claim.pk).update(place=place)
        claim.place = place
        return claim
    claim = _move(claim, "scheduled", at=at, place=place, sequence=claim.sequence + 1)
    mails.claim_scheduled(claim, at=at, moved=False, placed=True)
    return claim


def _tell_of_the_move(claim: Claim, *, at: datetime) -> None:
    """Whoever looks after it hears that the advocate has moved it, and tells those who planned with the old time."""
    assert claim.scheduled_for is not None
    Task.objects.get_or_create(
        key=f"moved:{claim._meta.label_lower}:{claim.pk}:{claim.sequence}",
        defaults={
            "kind": Task.Kind.OTHER,
            "text": _("%(name)s has moved “%(title)s” to %(time)s. Tell those who planned with the old time.")
            % {
                "name": claim.advocate.contact.full_name,
                "title": claim.opportunity.title[:100],
                "time": date_format(claim.scheduled_for, "j F Y, H:i e"),
            },
            "advocate": claim.advocate,
            "account": claim.advocate.contact.account,
            "assignee_id": _who_cares(claim),
            "due_at": at,
            "created_at": at,
        },
    )


@transaction.atomic
def deliver(claim: Claim, *, at: datetime, by: Any = None) -> Claim:
    """It was done. Done twice changes nothing."""
    claim = _lock_claim(claim)
    if claim.status in {Claim.Status.DELIVERED, Claim.Status.VERIFIED}:
        return claim
    if claim.status == Claim.Status.SCHEDULED and claim.scheduled_for and claim.scheduled_for > at:
        raise Refused(_("Its time has not come yet."))
    if by is not None and by.pk == claim.advocate.user_id:  # one of ours may say it of a call nobody wrote down
        _must_have_had_a_time(claim)
    return _deliver(claim, at=at, by=by)


def _deliver(claim: Claim, *, at: datetime, by: Any) -> Claim:
    claim = _move(claim, "delivered", at=at, delivered_at=at)
    spine.record(
        Deed.DELIVERED, at=at, source=claim, contact=claim.advocate.contact, by=by, quantity=claim.minutes or None
    )
    return claim


@transaction.atomic
def verify(claim: Claim, *, at: datetime, by: Any = None) -> Claim:
    """Somebody of ours vouches that it was done: an activity of theirs from now on, and a thank-you is due.

    Books the points unless an earlier step did. Verified twice changes nothing.
    """
    claim = _lock_claim(claim)
    if claim.status == Claim.Status.VERIFIED:
        return claim
    _must_have_come(claim, at=at)
    if claim.status in UNDER_WAY and claim.opportunity.kind.has_step("delivered"):
        claim = _deliver(claim, at=at, by=by)
    claim = _move(claim, "verified", at=at, verified_at=at)
    spine.record(
        Deed.VERIFIED, at=at, source=claim, contact=claim.advocate.contact, by=by, quantity=claim.minutes or None
    )
    if claim.opportunity.kind.signal:
        hear(claim.opportunity.kind.signal, contact=claim.advocate.contact, occurrence=f"claim:{claim.pk}", at=at)
    stages.refresh([claim.advocate.contact_id], at=at)
    _thank_you_due(claim, at=at)
    return claim


@transaction.atomic
def withdraw(claim: Claim, *, reason: str, at: datetime, by: Any = None) -> Claim:
    """The advocate takes their yes back: without a reason only at once (undo), and not when others count on a day."""
    claim = _lock_claim(claim)
    if claim.status == Claim.Status.WITHDRAWN:
        return claim
    if claim.status not in UNDER_WAY:
        raise Refused(_("This has been done already; it cannot be taken back."))
    if claim.status == Claim.Status.SCHEDULED and claim.ends_at and claim.ends_at <= at:
        raise Refused(_("Its time is over. Tell us instead whether it took place."))
    at_once = claim.status == Claim.Status.CLAIMED and at - claim.claimed_at <= UNDO_WITHIN
    if not reason.strip() and not at_once:
        raise Refused(_("Tell us in a few words why, so that we can plan."))
    claim = _leave(claim, "withdrawn", Deed.WITHDREW, reason=reason, at=at, by=by or claim.advocate.user)
    _take_points_back(claim, at=at)
    return claim


@transaction.atomic
def decline(
    claim: Claim, *, reason: str, at: datetime, by: Any = None, because: str = "declined", tell: bool = True
) -> Claim:
    """We cannot take the advocate up on it, and say why."""
    claim = _lock_claim(claim)
    if claim.status == Claim.Status.DECLINED:
        return claim
    claim = _leave(claim, "declined", None, reason=_reason(reason), at=at, by=by)
    _take_points_back(claim, at=at)
    if tell:
        mails.claim_ended(claim, at=at, because=because)
    return claim


@transaction.atomic
def miss(claim: Claim, *, reason: str, at: datetime, by: Any = None, by_other_side: bool = False) -> Claim:
    """It did not take place. If it was the other side who did not come: an apology, and the points all the same."""
    claim = _lock_claim(claim)
    if claim.status == Claim.Status.MISSED:
        return claim
    _must_have_come(claim, at=at)
    claim = _leave(claim, "missed", None if by_other_side else Deed.MISSED, reason=_reason(reason), at=at, by=by)
    if not by_other_side:
        _take_points_back(claim, at=at)
    else:
        Claim.objects.filter(pk=claim.pk).update(kept_waiting_at=at)
        claim.kept_waiting_at = at
        _give_points(claim, at=at)
        mails.claim_ended(claim, at=at, because="other_side_missed")
    return claim


def _leave(claim: Claim, status: str, deed: str | None, *, reason: str, at: datetime, by: Any) -> Claim:
    claim = _move(claim, status, at=at, ended_at=at, reason=reason.strip()[:300])
    if deed:
        spine.record(deed, at=at, source=claim, contact=claim.advocate.contact, by=by)
    if status != "missed":
        budget.release(Channel.BOARD, claim.pk, claim.advocate, at=at)
    offer_seats(claim.opportunity, at=at)
    return claim


@transaction.atomic
def give_feedback(
    claim: Claim,
    *,
    side: str,
    grade: int,
    happened: bool = True,
    text: str = "",
    minutes: int | None = None,
    at: datetime,
    by: Any = None,
) -> ClaimFeedback:
    """One side says whether it took place and how it was, once. Their yes to the first delivers the claim."""
    claim = _lock_claim(claim)
    if claim.status not in {*COURSE, Claim.Status.MISSED}:
        raise Refused(_("This claim has ended; there is nothing to say how it was."))
    if claim.scheduled_for and claim.scheduled_for > at:
        raise Refused(_("Its time has not come yet."))
    _must_have_had_a_time(claim)
    if not 1 <= grade <= 5:
        raise Refused(_("A grade is from 1 to 5."))
    feedback, new = ClaimFeedback.objects.get_or_create(
        claim=claim,
        side=side,
        defaults={"grade": grade, "happened": happened, "text": text.strip(), "minutes": minutes, "at": at},
    )
    if not new:
        raise Refused(_("You have told us already. Thank you!"))
    spine.record(Deed.FEEDBACK_GIVEN, at=at, source=feedback, contact=claim.advocate.contact, quantity=grade, by=by)
    if happened and claim.status in UNDER_WAY and claim.opportunity.kind.has_step("delivered"):
        claim = _deliver(claim, at=at, by=by)
    if not happened and claim.status in {*UNDER_WAY, Claim.Status.DELIVERED}:
        look_into_it(claim, side=side, at=at)
    if claim.status == Claim.Status.VERIFIED:
        _thank_you_due(claim, at=at)
    return feedback


@transaction.atomic
def thank(claim: Claim, *, text: str, by: Any, at: datetime) -> Claim:
    """Thank the advocate for this deed in one's own words; once."""
    claim = _lock_claim(claim)
    if claim.status not in {Claim.Status.DELIVERED, Claim.Status.VERIFIED}:
        raise Refused(_("Thank them when it is done."))
    if claim.thanked_at is None:
        thank_advocate(claim.advocate, text=text, by=by, about=claim, at=at)
        Claim.objects.filter(pk=claim.pk).update(thanked_at=at)
        claim.thanked_at = at
    return claim


# --- Parts of the moves -----------------------------------------------------------------------------------------------
def _move(claim: Claim, status: str, *, at: datetime, **stamps: Any) -> Claim:
    before = claim.status
    if claim.opportunity.broadcast_of_id and status in COURSE:
        raise Refused(_("A hand raised for this goes on at the desk: they are put forward there."))
    if not claim.may_move_to(status):
        raise IllegalMove(
            _("This claim is %(before)s; it cannot become %(after)s.")
            % {"before": claim.get_status_display(), "after": Claim.Status(status).label}
        )
    opportunity, advocate = claim.opportunity, claim.advocate
    claim.move_to(status, **stamps)
    claim.opportunity, claim.advocate = opportunity, advocate  # move_to reads the row anew and forgets what hangs on it
    _book(claim, before=before, at=at)
    return claim


def _book(claim: Claim, *, before: str, at: datetime) -> None:
    """Book the points when the claim reaches the step its kind names, or passes it."""
    if claim.status not in COURSE or _worth(claim) <= 0:
        return
    step = COURSE.index(claim.opportunity.kind.points_at)
    if COURSE.index(claim.status) >= step and (before not in COURSE or COURSE.index(before) < step):
        _give_points(claim, at=at)


def _worth(claim: Claim) -> int:
    """Its points, with what was promised for claiming in time."""
    return claim.opportunity.points + claim.incentive_points


def _give_points(claim: Claim, *, at: datetime) -> None:
    """Its points, unless they are there; a claim made again after its points were taken back earns them anew."""
    booked, times = _points_of(claim)
    if booked <= 0:
        reason = claim.opportunity.title
        if times:
            reason = _("%(title)s (claimed again, entry %(number)d)") % {"title": reason, "number": times + 1}
        points.book(claim.advocate, _worth(claim), reason=reason, source=claim, at=at)


def _take_points_back(claim: Claim, *, at: datetime) -> None:
    """What an early step has brought is corrected, as far as it is still there, when nothing comes of the claim.

    Who was there once while the other side was not has earned the points, whatever becomes of another time.
    """
    if claim.kept_waiting_at is not None:
        return
    booked, times = _points_of(claim)
    taken = min(booked, points.total(claim.advocate))
    if taken > 0:
        reason = _("%(title)s (taken back, entry %(number)d)") % {
            "title": claim.opportunity.title, "number": times + 1,
        }  # fmt: skip
        points.book(claim.advocate, -taken, reason=reason, source=claim, at=at)


def _points_of(claim: Claim) -> tuple[int, int]:
    """The points booked for a claim, corrections included, and in how many entries."""
    found = PointEntry.objects.filter(
        advocate=claim.advocate, source_type=claim._meta.label_lower, source_id=str(claim.pk)
    )
    said = found.aggregate(sum=Sum("points"), times=Count("pk"))
    return said["sum"] or 0, said["times"]


def _must_have_step(claim: Claim, step: str) -> None:
    kind = claim.opportunity.kind
    if not kind.has_step(step):
        raise Refused(
            _("A claim of the kind “%(kind)s” is never %(step)s.")
            % {"kind": kind.name, "step": Claim.Status(step).label}
        )


def _must_be_ahead(starts_at: datetime, *, at: datetime) -> None:
    if starts_at <= at:
        raise Refused(_("That time has passed. Choose a later one."))


def _must_have_come(claim: Claim, *, at: datetime) -> None:
    if claim.status == Claim.Status.SCHEDULED and claim.scheduled_for and claim.scheduled_for > at:
        raise Refused(_("Its time has not come yet."))


def _must_have_had_a_time(claim: Claim) -> None:
    """What takes place at a time cannot be over before one was agreed."""
    if claim.status in UNDER_WAY and claim.scheduled_for is None and claim.opportunity.kind.has_step("scheduled"):
        raise Refused(_("No time has been set for it yet. Agree on one first."))


def _must_have_room(claim: Claim, *, at: datetime) -> None:
    """A missed claim has given its seat back: another time needs one that is free."""
    rows = Opportunity.objects.filter(pk=claim.opportunity_id).with_seats_taken(at=at)
    seats, taken = rows.values_list("seats", "seats_taken").get()
    if claim.opportunity.status != Opportunity.Status.OPEN:
        raise Refused(_("It is not open any more; put it on the board again first."))
    if seats is not None and taken >= seats:
        raise Refused(_("Its seat has gone to somebody else. Add a seat first."))


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Refused(_("Give a reason in a few words; the other side will read it."))
    return reason.strip()


def _who_cares(claim: Claim) -> int | None:
    """Who looks after it: whoever runs the opportunity, else the advocate's own manager."""
    return claim.opportunity.run_by_id or (claim.advocate.pod.manager_id if claim.advocate.pod else None)


def _thank_you_due(claim: Claim, *, at: datetime) -> None:
    """A thank-you is somebody's task until it is said; when both sides have spoken it is due at once."""
    if claim.thanked_at is not None:
        return
    both = claim.feedback.count() == len(ClaimFeedback.Side.values)
    task, new = Task.objects.get_or_create(
        key=f"thank:{claim._meta.label_lower}:{claim.pk}",
        defaults={
            "kind": Task.Kind.THANK,
            "text": _("Thank %(name)s for “%(title)s”.")
            % {"name": claim.advocate.contact.full_name, "title": claim.opportunity.title},
            "advocate": claim.advocate,
            "account": claim.advocate.contact.account,
            "assignee_id": _who_cares(claim),
            "due_at": at if both else at + THANK_WITHIN,
            "created_at": at,
        },
    )
    if both and not new:
        Task.objects.filter(pk=task.pk, done_at__isnull=True, due_at__gt=at).update(due_at=at)


def look_into_it(claim: Claim, *, side: str, at: datetime) -> None:
    """One side says it did not take place: a person finds out what happened before it counts as missed."""
    said = {
        ClaimFeedback.Side.ADVOCATE: _("%(name)s says that “%(title)s” did not take place. Find out what happened."),
        ClaimFeedback.Side.REQUESTER: _("“%(title)s” with %(name)s is said not to have taken place. Find out why."),
    }[ClaimFeedback.Side(side)]
    Task.objects.get_or_create(
        key=f"not-happened:{claim._meta.label_lower}:{claim.pk}",
        defaults={
            "kind": Task.Kind.CARE,
            "text": (said % {"name": claim.advocate.contact.full_name, "title": claim.opportunity.title})[:300],
            "advocate": claim.advocate,
            "account": claim.advocate.contact.account,
            "assignee_id": _who_cares(claim),
            "due_at": at,
            "created_at": at,
        },
    )


# --- Looking at the board ---------------------------------------------------------------------------------------------
def see_board(person: Who, *, at: datetime) -> datetime | None:
    """Note that somebody looks at the board; returns since when things are new to them, None on the first visit.

    Written at most once in a few minutes, so that browsing costs no writes.
    """
    visit = person.visit
    if visit is None:
        BoardVisit.objects.bulk_create([BoardVisit(advocate=person.advocate, seen_at=at)], ignore_conflicts=True)
        return None
    if at - visit.seen_at > A_VISIT_ENDS:
        BoardVisit.objects.filter(pk=visit.pk, seen_at=visit.seen_at).update(since=visit.seen_at, seen_at=at)
        return visit.seen_at
    if at - visit.seen_at > A_VISIT_ENDS / 6:
        BoardVisit.objects.filter(pk=visit.pk).update(seen_at=at)
    return visit.since
