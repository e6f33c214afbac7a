"""What the clock does for the editorial calendar. Each finds what is owed in Postgres, so late or twice is harmless."""

from datetime import datetime, timedelta

import structlog

from advocacy.lib.jobs import job
from newsletter import outlook
from newsletter.actions import calendar as actions
from newsletter.models import Entry

logger = structlog.get_logger(__name__)


@job(every=timedelta(seconds=15))
def publish_entries(*, at: datetime) -> None:
    """Publish what is approved and due; one that fails does not hold up the others."""
    failed = []
    for entry in Entry.objects.due(at=at).order_by("due_at", "pk")[:200]:
        try:
            actions.publish(entry, at=at)
        except Exception as problem:
            logger.exception("entry_not_published", entry=entry.pk)
            failed.append(problem)
    if failed:
        raise failed[0]


@job(every=timedelta(minutes=10))
def warn_about_unapproved_entries(*, at: datetime) -> None:
    """Say a day ahead what waits for a yes, and let go of what never got one."""
    drafts = Entry.objects.filter(status=Entry.Status.DRAFT, due_at__lte=at + actions.SOON)
    for entry in drafts.select_related("owner", "made_by").order_by("due_at", "pk"):
        if entry.due_at is not None and entry.due_at > at:
            actions.warn(entry, at=at)
        else:
            actions.miss(entry, at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=6))
def tell_editors_of_the_calendar(*, at: datetime) -> None:
    """One line a week about what is missing in the weeks to come."""
    actions.tell_of_warnings(outlook.warnings(at=at), at=at)
