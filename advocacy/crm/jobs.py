"""Clock work of the ground's customer facts."""

from datetime import datetime, timedelta

from advocacy.crm import derived, duplicates, merging
from advocacy.crm.importing import runs
from advocacy.lib.jobs import job


@job(every=timedelta(seconds=15))
def carry_out_waiting_imports(*, at: datetime) -> None:
    """Begin an import no nudge reached, or whose runner died; one for each slot, the next slot takes the next."""
    for waiting in runs.waiting(at=at)[:1]:
        runs.carry_out(waiting, at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=3))
def forget_old_imports(*, at: datetime) -> None:
    """Uploaded files and refused rows are people's data; they are not kept beyond their use."""
    runs.forget(at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=4))
def derive_signals(*, at: datetime) -> None:
    """Signals that follow from contracts, use, webinars and renewals; days that were missed are caught up."""
    derived.derive(at=at)


@job(every=timedelta(minutes=1))
def derive_after_imports(*, at: datetime) -> None:
    """What follows from a file that has just been loaded, also where no worker was there to be nudged."""
    if runs.fed(since=at - timedelta(minutes=2)):
        derived.derive(at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=4))
def propose_duplicates(*, at: datetime) -> None:
    """Look for accounts and contacts that are there twice; forget what can no longer be put back."""
    duplicates.look(at=at)
    merging.forget(at=at)
