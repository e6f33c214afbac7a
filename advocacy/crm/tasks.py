"""Nudges of the ground's customer facts."""

from celery import shared_task
from django.utils import timezone

from advocacy.crm import derived
from advocacy.crm.importing import runs


@shared_task(name="advocacy.crm.carry_out_import")
def carry_out_import(run_id: int) -> None:
    """Begin a queued import now rather than at the clock's next tick; harmless twice or never."""
    runs.carry_out(run_id)


@shared_task(name="advocacy.crm.derive_signals")
def derive_signals() -> None:
    """What follows from rows that have just come in; lost, the clock does it within a minute."""
    derived.derive(at=timezone.now())
