"""What is under way for a company that somebody no longer speaks for is called off, with a word (P27)."""

from datetime import datetime
from typing import Any

from advocates.models import Advocate
from opportunities.actions import board, desk
from opportunities.models import Claim, Nomination, Opportunity, ReferenceRequest, Waiting

UNDER_WAY = (Claim.Status.CLAIMED, Claim.Status.CONFIRMED, Claim.Status.SCHEDULED)
UNANSWERED = (Nomination.Status.ASKED, Nomination.Status.WITH_OWNER)


def call_off(advocate: Advocate, reason: str, at: datetime, by: Any) -> int:
    """Take open questions back and call claims off; requests and opportunities are locked first, in order."""
    asked = list(Nomination.objects.filter(advocate=advocate, status__in=UNANSWERED).order_by("request_id"))
    claims = list(Claim.objects.filter(advocate=advocate, status__in=UNDER_WAY).order_by("opportunity_id"))
    of_requests = {
        one.claim_id: one for one in Nomination.objects.filter(claim__in=claims, status=Nomination.Status.ACCEPTED)
    }
    requests = {one.request_id for one in [*asked, *of_requests.values()]}
    list(ReferenceRequest.objects.select_for_update().filter(pk__in=requests).order_by("pk").values_list("pk"))
    opportunities = {claim.opportunity_id for claim in claims}
    list(Opportunity.objects.select_for_update().filter(pk__in=opportunities).order_by("pk").values_list("pk"))
    for nomination in asked:
        desk.recall(nomination, by=by, at=at)
    for claim in claims:
        board.decline(claim, reason=reason, at=at, by=by, because="called_off")
        if claim.pk in of_requests:
            desk.follow(of_requests[claim.pk], at=at)
    Waiting.objects.filter(advocate=advocate, ended_at__isnull=True).update(ended_at=at)
    return len(asked) + len(claims)
