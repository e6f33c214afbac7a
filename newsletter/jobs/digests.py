"""The clock's part in the digest of the community: on each reader's own clock, once for a day and zone."""

from datetime import datetime, timedelta

from advocacy.delivery.rendering import zone_of
from advocacy.lib.jobs import job
from newsletter.actions import digests as actions
from newsletter.models import DigestSchedule, Every


@job(every=timedelta(minutes=10))
def write_digests(*, at: datetime) -> None:
    """Write what is due today where the hour has come; a day that is over is not made up for."""
    house = DigestSchedule.current()
    if not house.enabled:
        return
    for zone in actions.zones(at=at):
        here = at.astimezone(zone_of(zone))
        if here.hour < house.hour:
            continue
        for every in [Every.DAY, *([Every.WEEK] if here.weekday() == house.weekday else [])]:
            run = actions.begin(here.date(), every, zone, at=at)
            while actions.write_some(run, at=at):
                pass
