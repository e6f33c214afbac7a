"""Nudges of what people wait for."""

from celery import shared_task


@shared_task(name="advocacy.users.write_export")
def write_export(pk: int) -> None:
    """Begin a long export now rather than at the clock's next tick; harmless twice or never."""
    from advocacy.users import exporting

    exporting.carry_out(pk)
