"""Mails of beta and advisory groups. An invitation asks, so it needs consent and counts in the daily cap; so does the
question about another term, but for the cap. The answer to an application needs neither."""

from datetime import datetime

from django.urls import reverse

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from opportunities.groups import next_term, term_from
from opportunities.models import GroupMembership

INVITATION, RENEWAL, ANSWER = "group_invitation", "group_renewal", "group_answer"


def _reply_to(membership: GroupMembership) -> str:
    runs = membership.group.run_by or membership.advocate.manager
    return runs.email if runs else ""


def invitation(membership: GroupMembership, *, at: datetime) -> Message | None:
    group = membership.group
    assert membership.answer_until is not None
    return outbox.owe(
        INVITATION,
        to=membership.advocate.contact,
        template="opportunities/group_invitation",
        dedupe_key=str(membership.public_id),
        at=at,
        purpose=group.PURPOSE,
        reply_to=_reply_to(membership),
        params={
            "membership": str(membership.public_id),
            "group": group.name,
            "what": group.what,
            "benefit": group.benefit,
            "months": group.term_months,
            "seats": group.seats,
            "answer_until": membership.answer_until.isoformat(),
            "by": str(group.run_by or membership.by or ""),
        },
    )


def call_back(membership: GroupMembership) -> bool:
    """Whether the invitation still waited, and now does not leave."""
    waiting = Message.objects.filter(
        kind=INVITATION, dedupe_key=str(membership.public_id), status=Message.Status.DUE
    )  # fmt: skip
    return bool(waiting.update(status=Message.Status.CANCELLED, result="The invitation was taken back."))


def renewal(membership: GroupMembership, *, at: datetime) -> Message | None:
    group = membership.group
    assert membership.until_on is not None
    return outbox.owe(
        RENEWAL,
        to=membership.advocate.contact,
        template="opportunities/group_renewal",
        dedupe_key=f"{membership.public_id}:{membership.until_on.isoformat()}",
        at=at,
        purpose=group.PURPOSE,
        counts=False,
        reply_to=_reply_to(membership),
        params={
            "membership": str(membership.public_id),
            "group": group.name,
            "benefit": group.benefit,
            "until_on": membership.until_on.isoformat(),
            "next_until_on": next_term(membership).isoformat(),
        },
    )


def answer(membership: GroupMembership, *, taken: bool, at: datetime) -> Message | None:
    """What became of an application."""
    group = membership.group
    until = membership.until_on or (term_from(membership.from_on, group) if membership.from_on else None)
    return outbox.owe(
        ANSWER,
        to=membership.advocate.contact,
        template="opportunities/group_answer",
        dedupe_key=f"{membership.public_id}:{membership.status}",
        at=at,
        counts=False,
        reply_to=_reply_to(membership),
        params={
            "group": group.name,
            "benefit": group.benefit,
            "taken": taken,
            "reason": "" if taken else membership.reason,
            "until_on": until.isoformat() if taken and until else "",
            "url": reverse("opportunities:my_groups"),
        },
    )
