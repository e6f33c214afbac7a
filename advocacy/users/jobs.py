"""The clock's work for what people wait for."""

from datetime import datetime, timedelta

from advocacy.lib.jobs import job, nudge
from advocacy.users import exporting, tasks


@job(every=timedelta(minutes=1))
def take_up_exports(*, at: datetime) -> None:
    """Long exports nobody works at are handed to a worker again."""
    for pk in exporting.waiting(at=at):
        nudge(tasks.write_export, pk)


@job(every=timedelta(hours=1), offset=timedelta(minutes=50))
def forget_exports(*, at: datetime) -> None:
    """Files are kept for a day."""
    exporting.forget(at=at)
