"""What the clock does for review campaigns."""

from datetime import datetime, timedelta

from django.utils import timezone

from advocacy.lib.jobs import job
from opportunities.actions import campaigns


@job(every=timedelta(minutes=1))
def ask_for_reviews(*, at: datetime) -> None:
    """Campaigns that run ask whom they have not asked; those whose last day is over are closed."""
    campaigns.work(at=at, clock=timezone.now)
