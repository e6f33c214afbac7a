"""Nudges of the ground's customer facts."""

from celery import shared_task

from advocacy.crm.importing import runs


@shared_task(name="advocacy.crm.carry_out_import")
def carry_out_import(run_id: int) -> None:
    """Begin a queued import now rather than at the clock's next tick; harmless twice or never."""
    runs.carry_out(run_id)
