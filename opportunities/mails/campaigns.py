"""The mail of a review campaign: one question, the same words for everybody."""

from datetime import datetime

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from opportunities.campaigns import PURPOSE
from opportunities.models import ReviewAsk

ASK = "review_ask"


def review_ask(ask: ReviewAsk, *, at: datetime) -> Message | None:
    """Would you write what you think, good or bad? Consent is read again as it leaves."""
    campaign, contact = ask.campaign, ask.contact
    return outbox.owe(
        ASK, to=contact, template="opportunities/review_ask", dedupe_key=str(ask.public_id), at=at, purpose=PURPOSE,
        batch=f"reviews:{campaign.pk}", reply_to=campaign.run_by.email if campaign.run_by else "",
        params={
            "ask_id": str(ask.public_id), "site": campaign.site.name, "words": campaign.words,
            "thanks": campaign.thanks, "given_name": contact.given_name or contact.full_name,
            "from_name": str(campaign.run_by) if campaign.run_by else "",
            "closes_on": campaign.closes_on.isoformat() if campaign.closes_on else "",
        },
    )  # fmt: skip
