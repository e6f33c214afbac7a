"""Mails about stories and proof: the question for a yes to the customer, and its reminder."""

from datetime import datetime

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from opportunities.models import Approval

APPROVAL = "approval_asked"


def key_of(approval: Approval) -> str:
    return str(approval.public_id)


def approval_asked(approval: Approval, *, again: bool = False, at: datetime) -> Message | None:
    """May we publish these words of yours? The page behind it shows them, and acts only on a button."""
    by = approval.asked_by
    title = next((row["text"] for row in approval.shown if row["key"] == "title"), "")
    return outbox.owe(
        APPROVAL,
        to=approval.contact if approval.contact is not None and approval.contact.email else approval.email,
        template="opportunities/approval_asked",
        dedupe_key=f"{key_of(approval)}:again" if again else key_of(approval),
        at=at,
        counts=False,  # it answers what they have begun with us
        reply_to=by.email if by else "",
        params={
            "approval_id": key_of(approval), "again": again, "name": approval.name, "title": title,
            "from_name": str(by) if by else "", "is_story": approval.story_id is not None,
            "account": approval.of.account.name,
        },
    )  # fmt: skip
