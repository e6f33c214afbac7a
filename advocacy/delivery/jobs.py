"""Clock work of the outbox: what no nudge reached, what a killed sender left behind, secrets nobody needs any more."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from advocacy.delivery import actions, bundles, outbox, progress, sender
from advocacy.delivery.models import Message
from advocacy.lib.jobs import job


@job(every=timedelta(seconds=15))
def wake_sender(*, at: datetime) -> None:
    """Find mail that is due although its nudge was lost, or that a sender took and never sent."""
    sender.return_expired(at=at)
    if sender.anything_due(at=at):
        outbox.nudge_sender()


@job(every=timedelta(seconds=15))
def count_runs(*, at: datetime) -> None:
    """Keep the numbers of runs that are on their way."""
    progress.count_runs(at=at)


@job(every=timedelta(hours=1))
def count_runs_again(*, at: datetime) -> None:
    """What was settled after a run had ended is counted as well."""
    progress.count_runs(at=at, also_done=True)


@job(every=timedelta(minutes=5))
def bundle_what_waits(*, at: datetime) -> None:
    """Whoever has several mails waiting for another day gets one."""
    bundles.gather(at=at)
    bundles.end_parts()


@job(every=timedelta(hours=1))
def wipe_old_secrets(*, at: datetime) -> None:
    """A sign-in code that could not be sent for a day is worth nothing, except to somebody who should not read it.

    Without it the mail says nothing, so what has not gone never goes.
    """
    old = Message.objects.filter(secret__isnull=False, created_at__lt=at - timedelta(days=1))
    status = Message.Status
    old.filter(status__in=[status.DUE, status.LEASED, status.FAILED, status.IN_DOUBT]).update(
        status=status.CANCELLED,
        secret=None,
        leased_until=None,
        leased_by="",
        result=_("What was secret in it is a day old and worth nothing any more."),
    )
    old.exclude(status=status.SENDING).update(secret=None)


@job(every=timedelta(hours=12))
def read_old_news(*, at: datetime) -> None:
    actions.read_old_news(at=at)
