"""Mails of the desk. Only the nomination asks for something: it needs the kind's consent, read again as it leaves."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from django.conf import settings

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from advocacy.lib import calendar
from opportunities.mails import prospects as to_prospects
from opportunities.models import Claim, Nomination, ReferenceRequest, RequestNote

NOMINATION = "nomination"
APPROVAL = "owner_asked"


def key_of(nominated: Nomination) -> str:
    """What makes a mail about a nomination the same mail: somebody taken back and asked again is asked anew."""
    return f"{nominated.pk}:{nominated.asked_at.astimezone(UTC).isoformat()}"


def approval_of(nominated: Nomination) -> str:
    """One question to an account owner; asked anew, it is another, and a link to the old one opens nothing."""
    asked_at = nominated.owner_asked_at
    return f"{nominated.public_id}@{asked_at.astimezone(UTC).isoformat() if asked_at else ''}"


# --- To account owners ------------------------------------------------------------------------------------------------
def owner_asked(nominated: Nomination, *, until: datetime | None, again: bool = False, at: datetime) -> Message | None:
    """May this advocate of yours be asked? ``until`` is when their silence counts as a yes, as they have chosen."""
    assert nominated.owner is not None
    wanted, contact = nominated.request, nominated.advocate.contact
    manager = wanted.manager or nominated.nominated_by
    key = approval_of(nominated)
    return outbox.owe(
        APPROVAL,
        to=nominated.owner,
        template="opportunities/owner_asked",
        dedupe_key=f"{key}:again" if again else key,
        at=at,
        counts=False,
        reply_to=manager.email if manager else "",
        params={
            "approval": key,
            "again": again,
            "until": until.isoformat() if until else "",
            "name": contact.full_name,
            "title": contact.title,
            "account": contact.account.name,
            "why": nominated.why,
            "from_name": str(manager) if manager else "",
            **_what(wanted),
        },
    )


# --- To advocates -----------------------------------------------------------------------------------------------------
def nomination(nominated: Nomination, *, at: datetime) -> Message | None:
    """Would you speak with this company? The prospect's name comes first."""
    wanted = nominated.request
    manager = wanted.manager or nominated.nominated_by
    return outbox.owe(
        NOMINATION,
        to=nominated.advocate.contact,
        template="opportunities/nomination",
        dedupe_key=key_of(nominated),
        at=at,
        purpose=wanted.kind.purpose,
        counts=not wanted.kind.is_urgent,  # past the daily cap, never past consent
        reply_to=manager.email if manager else "",
        params={
            "nomination_id": str(nominated.public_id),
            "answer_by": nominated.answer_by.isoformat(),
            "why": nominated.why,
            "points": wanted.kind.points,
            "from_name": str(manager) if manager else "",
            **_what(wanted),
        },
    )


def taken_back(nominated: Nomination, *, because: str, at: datetime) -> Message | None:
    """There is nothing to answer any more; thank you."""
    return outbox.owe(
        "nomination_taken_back",
        to=nominated.advocate.contact,
        template="opportunities/nomination_taken_back",
        dedupe_key=key_of(nominated),
        at=at,
        counts=False,
        params={"because": because, **_what(nominated.request)},
    )


def other_times(
    nominated: Nomination,
    *,
    said: str,
    again: bool = False,
    passed: bool = False,
    at: datetime,
    gone: Mapping[str, str] | None = None,
) -> Message | None:
    """None of the times fits the other side, or not the one that was set: could there be others?

    ``gone`` takes the set time out of the advocate's calendar; ``passed`` is when nobody picked one in time.
    """
    calendar_part = {"calendar": dict(gone)} if gone else {}
    return outbox.owe(
        "nomination_other_times",
        to=nominated.advocate.contact,
        template="opportunities/nomination_other_times",
        dedupe_key=f"{nominated.pk}:{at.isoformat()}",
        at=at,
        counts=False,
        params={
            "nomination_id": str(nominated.public_id),
            "said": said,
            "again": again,
            "passed": passed,
            "was_set": bool(gone),
            **_what(nominated.request),
            **calendar_part,
        },
    )


def _what(wanted: ReferenceRequest) -> dict[str, Any]:
    return {
        "prospect": wanted.prospect,
        "industry": wanted.industry,
        "region": wanted.region,
        "role": wanted.prospect_role,
        "questions": wanted.questions,
        "kind": wanted.kind.name,
        "minutes": wanted.kind.minutes,
        "timed": wanted.kind.has_step("scheduled"),
    }


# --- To the requester -------------------------------------------------------------------------------------------------
def _tell(kind: str, wanted: ReferenceRequest, *, key: str, at: datetime, **params: Any) -> Message | None:
    manager = wanted.manager
    return outbox.owe(
        kind,
        to=wanted.requester,
        template=f"opportunities/{kind}",
        dedupe_key=f"{wanted.pk}:{key}",
        at=at,
        counts=False,
        reply_to=manager.email if manager else "",
        params={
            "request_id": str(wanted.public_id),
            "prospect": wanted.prospect,
            "kind": wanted.kind.name,
            "manager_name": str(manager) if manager else "",
            **params,
        },
    )


def filed(wanted: ReferenceRequest, *, at: datetime) -> Message | None:
    """We have it; where it stands can be read at any time by the link, without signing in."""
    return _tell(
        "request_filed", wanted, key="", at=at, needed_by=wanted.needed_by.isoformat(), hours=wanted.promised_hours
    )


def said_yes(nominated: Nomination, *, at: datetime) -> Message | None:
    """Somebody said yes: who they are, and their times to pick from; a prospect who has a link hears of new ones."""
    contact = nominated.advocate.contact
    to_prospects.new_times(nominated, at=at)
    return _tell(
        "request_yes",
        nominated.request,
        key=f"{nominated.pk}:{at.isoformat()}",
        at=at,
        nomination_id=str(nominated.public_id),
        name=contact.full_name,
        title=contact.title,
        account=contact.account.name,
        times=[time.starts_at.isoformat() for time in nominated.times.all() if time.starts_at > at],
    )


def time_set(nominated: Nomination, claim: Claim, *, at: datetime, placed: bool = False) -> Message | None:
    """The time stands; with the calendar file. The prospect gets theirs, where they have a link and an address."""
    contact = nominated.advocate.contact
    wanted = nominated.request
    to_prospects.time_set(nominated, claim, at=at, placed=placed)
    return _tell(
        "request_time_set",
        wanted,
        key=f"{claim.pk}:{claim.claimed_at.isoformat()}:{claim.sequence}",
        at=at,
        name=contact.full_name,
        title=contact.title,
        account=contact.account.name,
        email=contact.email,
        nomination_id=str(nominated.public_id),
        starts_at=claim.scheduled_for.isoformat() if claim.scheduled_for else "",
        minutes=claim.minutes or 30,
        moved=claim.sequence > 0 and not placed,
        placed=placed,
        place=claim.meets_at,
        calendar=_calendar(nominated, claim, "REQUEST", sequence=claim.sequence, at=at),
    )


def _calendar(
    nominated: Nomination, claim: Claim, method: Literal["REQUEST", "CANCEL"], *, sequence: int, at: datetime
) -> dict[str, str]:
    """The calendar part of a mail to the requester."""
    contact, wanted = nominated.advocate.contact, nominated.request
    file = calendar.invite(
        uid=claim.calendar_uid,
        sequence=sequence,
        starts_at=claim.scheduled_for or at,
        minutes=claim.minutes or 30,
        summary=f"{wanted.kind.name}: {wanted.prospect} · {contact.full_name}",
        description="\n".join(filter(None, [f"{contact.full_name}, {contact.title}, {contact.account.name}",
                                            wanted.questions])),
        organizer=(str(wanted.manager), wanted.manager.email) if wanted.manager else settings.DEFAULT_FROM_EMAIL,
        attendees=[(str(wanted.requester), wanted.requester.email)],
        method=method,
        location=claim.meets_at,
        stamped_at=at,
    )  # fmt: skip
    return {"method": method, "ics": file.decode()}


def _out_of_the_calendar(nominated: Nomination, *, at: datetime) -> dict[str, Any]:
    """What takes a set time that is still to come out of the requester's calendar."""
    claim = nominated.claim
    if claim is None or claim.scheduled_for is None or claim.scheduled_for <= at:
        return {}
    return {"calendar": _calendar(nominated, claim, "CANCEL", sequence=claim.sequence + 1, at=at)}


def called_off(nominated: Nomination, *, at: datetime, because: str = "ended", said: str = "") -> Message | None:
    """A set time is gone, for the request has ended or another time is looked for: calendars follow."""
    claim, gone = nominated.claim, _out_of_the_calendar(nominated, at=at)
    if claim is None or claim.scheduled_for is None or not gone:
        return None
    to_prospects.time_gone(nominated, claim, because=because, at=at)
    return _tell(
        "request_called_off",
        nominated.request,
        key=f"{claim.pk}:{claim.claimed_at.isoformat()}:{claim.sequence}",
        at=at,
        name=nominated.advocate.contact.full_name,
        starts_at=claim.scheduled_for.isoformat(),
        because=because,
        said=said,
        **gone,
    )


def prospect_missed(nominated: Nomination, claim: Claim, *, at: datetime) -> Message | None:
    """The advocate was there and the prospect was not; another time can be asked for."""
    return _tell(
        "request_prospect_missed",
        nominated.request,
        key=f"{claim.pk}:{claim.claimed_at.isoformat()}:{claim.sequence}",
        at=at,
        name=nominated.advocate.contact.full_name,
    )


REMINDER = "request_reminder"


def reminder(nominated: Nomination, claim: Claim, *, ahead: str, at: datetime) -> Message | None:
    """A day before, and an hour before; each once for each time that was set."""
    contact = nominated.advocate.contact
    return _tell(
        REMINDER,
        nominated.request,
        key=reminder_key(claim, ahead),
        at=at,
        nomination_id=str(nominated.public_id),
        name=contact.full_name,
        title=contact.title,
        account=contact.account.name,
        ahead=ahead,
        starts_at=claim.scheduled_for.isoformat() if claim.scheduled_for else "",
        minutes=claim.minutes or 30,
        place=claim.meets_at,
    )


def reminder_key(claim: Claim, ahead: str) -> str:
    return f"{claim.pk}:{claim.claimed_at.isoformat()}:{claim.sequence}:{ahead}"


def how_was_it(nominated: Nomination, claim: Claim, *, at: datetime) -> Message | None:
    """It should be over: did it take place, and how was it?"""
    return _tell(
        "request_how_was_it",
        nominated.request,
        key=f"{claim.pk}:{claim.claimed_at.isoformat()}:{claim.sequence}",
        at=at,
        claim_id=str(claim.public_id),
        name=nominated.advocate.contact.full_name,
    )


def question(note: RequestNote, *, at: datetime) -> Message | None:
    """The desk needs to know something; the clock rests until it is answered."""
    return _tell("request_question", note.request, key=f"{note.pk}", at=at, text=note.text, by=str(note.by or ""))


def fell_through(nominated: Nomination, *, at: datetime) -> Message | None:
    """A yes or a set time did not hold; the desk looks again."""
    if nominated.claim is not None:
        to_prospects.time_gone(nominated, nominated.claim, because="fell_through", at=at)
    return _tell(
        "request_fell_through",
        nominated.request,
        key=f"{nominated.pk}",
        at=at,
        name=nominated.advocate.contact.full_name,
        **_out_of_the_calendar(nominated, at=at),
    )


def ended(wanted: ReferenceRequest, *, at: datetime) -> Message | None:
    """The desk has ended it without an advocate, and why."""
    return _tell("request_ended", wanted, key=f"{wanted.status}:{at.isoformat()}", at=at, status=wanted.status,
                 reason=wanted.close_reason)  # fmt: skip
