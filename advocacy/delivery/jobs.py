"""Clock work of the outbox: what no nudge reached, what a killed sender left behind, secrets nobody needs any more."""

from datetime import datetime, timedelta

from advocacy.delivery import outbox, sender
from advocacy.delivery.models import Message
from advocacy.lib.jobs import job


@job(every=timedelta(seconds=15))
def wake_sender(*, at: datetime) -> None:
    """Find mail that is due although its nudge was lost, or that a sender took and never sent."""
    sender.return_expired(at=at)
    if sender.anything_due(at=at):
        outbox.nudge_sender()


@job(every=timedelta(hours=1))
def wipe_old_secrets(*, at: datetime) -> None:
    """A sign-in code that could not be sent for a day is worth nothing, except to somebody who should not read it."""
    Message.objects.filter(secret__isnull=False, created_at__lt=at - timedelta(days=1)).update(secret=None)
