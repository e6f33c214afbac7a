"""Hands raised for what went out on the board without a name: who they are, and what becomes of them when it closes.

Whoever comes here has locked the request, and with it what went out.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from opportunities.actions import board
from opportunities.models import Claim, Opportunity, ReferenceRequest


def hands(one: Opportunity) -> Any:
    """Who has raised a hand and waits for the desk, first come first."""
    rows = Claim.objects.filter(opportunity=one, status=Claim.Status.CLAIMED)
    return rows.select_related("advocate__contact__account", "opportunity__kind").order_by("claimed_at", "pk")


def people(locked: ReferenceRequest) -> list[int]:
    """The advocates behind them, to be locked with the others a move concerns."""
    raised = Claim.objects.filter(opportunity__broadcast_of=locked, status=Claim.Status.CLAIMED)
    return list(raised.values_list("advocate", flat=True))


def close(locked: ReferenceRequest, *, at: datetime) -> None:
    """Take it off the board; nobody waits for an answer that will not come."""
    one = Opportunity.objects.filter(broadcast_of=locked).first()
    if one is None:
        return
    if one.status == Opportunity.Status.OPEN:
        one = board.close(one, at=at)
    for claim in hands(one).order_by("advocate__contact__account", "advocate"):
        reason = _("Somebody else was a step ahead, or it is needed no more. We are glad that you would have helped.")
        board.decline(claim, reason=reason, at=at)
