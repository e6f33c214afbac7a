"""Mails to prospects, who have no account: only where their address was given, about their own conversation."""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from advocacy.lib import calendar
from opportunities.models import Claim, Nomination, ProspectLink

REMINDER = "prospect_reminder"


def key_of(link: ProspectLink, claim: Claim, *more: str) -> str:
    """What makes a mail about a set time the same mail: this link, this time."""
    return ":".join([str(link.pk), str(claim.pk), claim.claimed_at.isoformat(), str(claim.sequence), *more])


def standing_link(nominated: Nomination) -> ProspectLink | None:
    """The link a prospect has in hand, with an address to write to."""
    return nominated.prospect_links.filter(revoked_at__isnull=True).exclude(email="").first()


def _owe(kind: str, link: ProspectLink, *, key: str, at: datetime, **more: Any) -> Message | None:
    nominated = link.nomination
    contact, wanted = nominated.advocate.contact, nominated.request
    return outbox.owe(
        kind,
        to=link.email,
        name=link.name,
        time_zone=link.time_zone,
        template=f"opportunities/{kind}",
        dedupe_key=key,
        at=at,
        counts=False,
        reply_to=wanted.requester.email,
        params={
            "link": str(link.public_id),
            "kind": wanted.kind.name,
            "name": contact.full_name,
            "title": contact.title,
            "account": contact.account.name,
            "requester": str(wanted.requester),
            "prospect": wanted.prospect,
            **more,
        },
    )


def handed_over(link: ProspectLink, *, at: datetime) -> Message | None:
    """Here is your own page: pick a time, or move the one that is set."""
    times = [one.starts_at.isoformat() for one in link.nomination.times.all() if one.starts_at > at]
    return _owe("prospect_link", link, key=str(link.pk), at=at, times=times, until=link.expires_at.isoformat())


def time_set(nominated: Nomination, claim: Claim, *, at: datetime, placed: bool = False) -> Message | None:
    """The time stands, or has moved, or they know where they meet (``placed``); with the calendar file."""
    link = standing_link(nominated)
    if link is None or claim.scheduled_for is None:
        return None
    link.nomination = nominated
    return _owe(
        "prospect_time_set", link, key=key_of(link, claim), at=at, starts_at=claim.scheduled_for.isoformat(),
        minutes=claim.minutes or 30, moved=claim.sequence > 0 and not placed, placed=placed, place=claim.meets_at,
        calendar=_part(link, claim, "REQUEST", sequence=claim.sequence, at=at),
    )  # fmt: skip


def time_gone(nominated: Nomination, claim: Claim, *, because: str, at: datetime) -> Message | None:
    """A set time does not hold: another one is looked for, or it has ended. Out of the calendar with it."""
    link = standing_link(nominated)
    if link is None or claim.scheduled_for is None or claim.scheduled_for <= at:
        return None
    link.nomination = nominated
    return _owe(
        "prospect_time_gone", link, key=key_of(link, claim), at=at, starts_at=claim.scheduled_for.isoformat(),
        because=because, calendar=_part(link, claim, "CANCEL", sequence=claim.sequence + 1, at=at),
    )  # fmt: skip


def new_times(nominated: Nomination, *, at: datetime) -> Message | None:
    """There are other times to pick from."""
    link = standing_link(nominated)
    times = [one.starts_at.isoformat() for one in nominated.times.all() if one.starts_at > at]
    if link is None or not times or not link.opens(at=at):
        return None
    link.nomination = nominated
    return _owe(
        "prospect_link", link, key=f"{link.pk}:{at.isoformat()}", at=at, times=times, again=True,
        until=link.expires_at.isoformat(),
    )  # fmt: skip


def reminder(link: ProspectLink, claim: Claim, *, ahead: str, at: datetime) -> Message | None:
    """A day before, and an hour before; each once for each time that was set."""
    assert claim.scheduled_for is not None
    return _owe(
        REMINDER, link, key=key_of(link, claim, ahead), at=at, ahead=ahead, starts_at=claim.scheduled_for.isoformat(),
        minutes=claim.minutes or 30, place=claim.meets_at,
    )  # fmt: skip


def how_was_it(link: ProspectLink, claim: Claim, *, at: datetime) -> Message | None:
    """It should be over: did it take place, and how was it? Once for each time that was set."""
    assert claim.scheduled_for is not None
    key = key_of(link, claim, "after")
    return _owe("prospect_how_was_it", link, key=key, at=at, starts_at=claim.scheduled_for.isoformat())


def _part(
    link: ProspectLink, claim: Claim, method: Literal["REQUEST", "CANCEL"], *, sequence: int, at: datetime
) -> dict[str, str]:
    file = calendar_of(link, claim, method, sequence=sequence, at=at)
    return {"method": method, "ics": file.decode()}


def calendar_of(
    link: ProspectLink,
    claim: Claim,
    method: Literal["REQUEST", "CANCEL", "PUBLISH"],
    *,
    sequence: int,
    at: datetime,
) -> bytes:
    """The prospect's own calendar file. It names the advocate and no address of theirs."""
    nominated = link.nomination
    wanted, contact = nominated.request, nominated.advocate.contact
    return calendar.invite(
        uid=claim.calendar_uid,
        sequence=sequence,
        starts_at=claim.scheduled_for or at,
        minutes=claim.minutes or 30,
        summary=f"{wanted.kind.name}: {contact.full_name}, {contact.account.name}",
        description="\n".join(filter(None, [f"{contact.full_name}, {contact.title}, {contact.account.name}"])),
        organizer=(str(wanted.manager), wanted.manager.email) if wanted.manager else settings.DEFAULT_FROM_EMAIL,
        attendees=[(link.name, link.email)] if link.email and method != "PUBLISH" else [],
        method=method,
        location=claim.meets_at,
        stamped_at=at,
    )
