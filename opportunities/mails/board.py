"""Mails about claims and offers. Most answer what the advocate did or accepted: they need no consent and pass the cap.
An offer is the other way round: it asks, so it needs consent and counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.urls import reverse

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from advocacy.lib import calendar
from advocates.models import Advocate
from opportunities.models import COURSE, Claim, Nomination, Opportunity, Waiting

REMINDER = "claim_reminder"
HOW_WAS_IT = "claim_how_was_it"


def key_of(claim: Claim, *more: str) -> str:
    """What makes a mail about a claim the same mail: this yes, this set time."""
    return ":".join([str(claim.pk), claim.claimed_at.isoformat(), str(claim.sequence), *more])


def _owe(kind: str, claim: Claim, *, key: str, at: datetime, **more: Any) -> Message | None:
    manager = claim.advocate.manager
    opportunity = claim.opportunity
    return outbox.owe(
        kind,
        to=claim.advocate.contact,
        template=f"opportunities/{kind}",
        dedupe_key=key,
        at=at,
        counts=False,
        reply_to=manager.email if manager else "",
        params={
            "title": opportunity.title,
            "kind": opportunity.kind.name,
            "minutes": claim.minutes or opportunity.minutes or opportunity.kind.minutes,
            "effort": opportunity.effort,
            "points": opportunity.points + claim.incentive_points,
            "incentive": claim.incentive,
            "what": opportunity.what,
            "place": claim.meets_at,
            "starts_at": claim.scheduled_for.isoformat() if claim.scheduled_for else "",
            "claim_url": reverse("opportunities:claim", args=[claim.public_id]),
            "feedback_url": reverse("opportunities:feedback", args=[claim.public_id]),
            "claim": str(claim.public_id),
            "nomination_id": _nomination_of(claim),
            **more,
        },
    )


def _nomination_of(claim: Claim) -> str:
    """The nomination a claim of the desk came of, whose briefing goes along with its mails."""
    if claim.opportunity.request_id is None:
        return ""
    found = Nomination.objects.filter(claim=claim.pk).values_list("public_id", flat=True).first()
    return str(found or "")


def claim_received(claim: Claim, *, at: datetime) -> None:
    """You are in; this is what comes next. A claim made again after it was withdrawn is told again."""
    _owe("claim_received", claim, key=key_of(claim), at=at, next_step=next_step(claim))


def claim_scheduled(claim: Claim, *, at: datetime, moved: bool, placed: bool = False) -> None:
    """The time is set, or has moved, or they know where (``placed``); with the invitation for the calendar."""
    _owe(
        "claim_scheduled", claim, key=key_of(claim), at=at, moved=moved, placed=placed,
        calendar=_invitation(claim, "REQUEST", sequence=claim.sequence, at=at),
    )  # fmt: skip


def claim_reminder(claim: Claim, *, at: datetime, ahead: str) -> None:
    """A day before, and an hour before; each once for each time that was set."""
    _owe(REMINDER, claim, key=key_of(claim, ahead), at=at, ahead=ahead)


def claim_how_was_it(claim: Claim, *, at: datetime) -> None:
    """It should have taken place: did it, and how was it?"""
    _owe(HOW_WAS_IT, claim, key=key_of(claim), at=at)


def claim_ended(claim: Claim, *, at: datetime, because: str) -> None:
    """We had to end it: called off, declined, or the other side did not come. Takes it out of the calendar."""
    gone = {}
    if claim.scheduled_for and claim.scheduled_for > at:
        gone = {"calendar": _invitation(claim, "CANCEL", sequence=claim.sequence + 1, at=at)}
    _owe("claim_ended", claim, key=key_of(claim, because), at=at, because=because, reason=claim.reason, **gone)


def organizer_of(claim: Claim) -> Any:
    """Who invites to it: of a request its manager, in every calendar the same; otherwise the advocate's own."""
    opportunity = claim.opportunity
    theirs = opportunity.run_by if opportunity.request_id else None
    return theirs or claim.advocate.manager


def _invitation(claim: Claim, method: Literal["REQUEST", "CANCEL"], *, sequence: int, at: datetime) -> dict[str, str]:
    """The calendar part of a mail."""
    assert claim.scheduled_for is not None
    contact, manager = claim.advocate.contact, organizer_of(claim)
    file = calendar.invite(
        uid=claim.calendar_uid,
        sequence=sequence,
        starts_at=claim.scheduled_for,
        minutes=claim.minutes or 30,
        summary=claim.opportunity.title,
        description=claim.opportunity.summary,
        organizer=(str(manager), manager.email) if manager else settings.DEFAULT_FROM_EMAIL,
        attendees=[(contact.full_name, contact.email)] if contact.email else [],
        method=method,
        location=claim.meets_at,
        stamped_at=at,
    )
    return {"method": method, "ics": file.decode()}


def out_of_the_calendar(claim: Claim, *, at: datetime) -> dict[str, str]:
    """What takes the set time of a claim out of the advocate's calendar."""
    return _invitation(claim, "CANCEL", sequence=claim.sequence + 1, at=at)


def seat_free(waiting: Waiting, *, at: datetime) -> None:
    """A seat is kept for the first in line, for a while."""
    assert waiting.offered_at is not None
    assert waiting.offer_until is not None
    opportunity: Opportunity = waiting.opportunity
    outbox.owe(
        "seat_free",
        to=waiting.advocate.contact,
        template="opportunities/seat_free",
        dedupe_key=f"{waiting.pk}:{waiting.offered_at.isoformat()}",
        at=at,
        counts=False,
        params={
            "title": opportunity.title,
            "kind": opportunity.kind.name,
            "until": waiting.offer_until.isoformat(),
            "waiting": waiting.pk,
            "url": reverse("opportunities:opportunity", args=[opportunity.public_id]),
        },
    )


def offered(advocate: Advocate, opportunities: Sequence[Opportunity], *, key: str, at: datetime) -> None:
    """What is open to a member, offered because something happened. It asks, so it wants their consent and counts."""
    manager = advocate.manager
    outbox.owe(
        "offered",
        to=advocate.contact,
        template="opportunities/offered",
        dedupe_key=key,
        at=at,
        purpose=Purpose.PROGRAM_MAIL,
        reply_to=manager.email if manager else "",
        params={
            "items": [
                {
                    "title": one.title,
                    "kind": one.kind.name,
                    "minutes": one.minutes or one.kind.minutes,
                    "points": one.points,
                    "summary": one.summary,
                    "url": reverse("opportunities:opportunity", args=[one.public_id]),
                }
                for one in opportunities
            ]
        },
    )


def next_step(claim: Claim) -> str:
    """The word for what comes after the present step, for mails and pages to say in a sentence."""
    if claim.opportunity.broadcast_of_id:
        return "confirmed"  # a hand raised: somebody looks at who fits
    kind, skips = claim.opportunity.kind, "delivered" if claim.has_its_work else ""
    course = [step for step in COURSE if kind.has_step(step) and step != skips]
    after = course.index(claim.status) + 1 if claim.status in course else 0
    return course[after] if 0 < after < len(course) else ""
