"""Mails of the urgent lane to whoever speaks for the company."""

from datetime import UTC, datetime

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from opportunities.models import ReferenceRequest

ASKED = "media_asked"


def key_of(wanted: ReferenceRequest) -> str:
    """One question to a spokesperson; asked anew, it is another, and a link to the old one opens nothing."""
    asked_at = wanted.approver_asked_at
    return f"{wanted.public_id}@{asked_at.astimezone(UTC).isoformat() if asked_at else ''}"


def asked(wanted: ReferenceRequest, *, at: datetime, again: bool = False) -> Message | None:
    """May we go to customers with this? Until they have said yes, nobody is asked."""
    assert wanted.approver is not None
    return outbox.owe(
        ASKED,
        to=wanted.approver,
        template="opportunities/media_asked",
        dedupe_key=f"{key_of(wanted)}:again" if again else key_of(wanted),
        at=at,
        counts=False,
        reply_to=wanted.requester.email,
        params={
            "approval": key_of(wanted),
            "again": again,
            "prospect": wanted.prospect,
            "kind": wanted.kind.name,
            "questions": wanted.questions,
            "person": wanted.prospect_person,
            "role": wanted.prospect_role,
            "from_name": str(wanted.requester),
            "needed_at": wanted.needed_at.isoformat() if wanted.needed_at else "",
            "needed_by": wanted.needed_by.isoformat(),
        },
    )
