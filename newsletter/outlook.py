"""What the calendar has before it: the desk's clock, the regions that count, and the warnings as of now. Reads."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

from advocacy.crm.models import Program
from advocacy.delivery.rendering import zone_of
from advocacy.lib import planned
from advocates.models import Launch
from community.models import Space
from newsletter import planning
from newsletter.models import CalendarSettings

BACK = timedelta(days=28)
"""How far back the rules look for what came before."""


def desk_zone() -> zoneinfo.ZoneInfo:
    """The clock all days and hours of the calendar are on."""
    return zone_of(Program.current().desk_time_zone)


def instant(day: date, hour: time, zone: zoneinfo.ZoneInfo) -> datetime:
    """The moment of an hour of a day on the desk's clock; one skipped by daylight saving is the moment of the jump."""
    return datetime.combine(day, hour, tzinfo=zone).astimezone(UTC)


def local(at: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    return at.astimezone(zone)


def limits(house: CalendarSettings) -> planning.Limits:
    return planning.Limits(
        fresh_weeks=house.fresh_weeks,
        in_a_row=house.in_a_row,
        region_weeks=house.region_weeks,
        launch_weeks=house.launch_weeks,
        approve_days=house.approve_days,
    )


def regions() -> list[planning.Region]:
    """Regions with a program of their own: those launched or being launched, and those with a space that is open."""
    launches = dict(Launch.objects.values_list("region", "opens_on"))
    spaces = Space.objects.filter(is_open=True).exclude(region="").values_list("region", flat=True)
    return [planning.Region(name, launches.get(name)) for name in sorted({*launches, *spaces})]


def warnings(*, at: datetime) -> list[planning.Warned]:
    """What is not as it should be, as of this moment."""
    house = CalendarSettings.current()
    today = local(at, desk_zone()).date()
    known = regions()
    days = [one.launches_on for one in known if one.launches_on is not None]
    weeks = max(house.fresh_weeks, house.region_weeks, house.launch_weeks, 4) + 1
    last = max(today + timedelta(weeks=weeks), *days) if days else today + timedelta(weeks=weeks)
    last = min(last, today + timedelta(weeks=53))
    entries = planned.between(today - BACK, last, now=at)
    return planning.warnings(entries, known, today=today, limits=limits(house))
