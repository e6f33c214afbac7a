"""What the clock does for beta and advisory groups. Each finds what is owed in Postgres; twice, or late, it changes
nothing."""

from datetime import datetime, timedelta

from advocacy.lib.jobs import job
from opportunities.actions import groups


@job(every=timedelta(hours=1), offset=timedelta(minutes=25))
def follow_groups(*, at: datetime) -> None:
    """Seats nobody answered for are free again; terms end; who has a month left is asked for another."""
    groups.expire_invitations(at=at)
    groups.end_terms(at=at)
    groups.ask_to_renew(at=at)
