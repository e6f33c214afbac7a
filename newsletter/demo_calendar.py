"""The calendar of the demo program: what was published, what is planned, what waits for a yes, and the ideas."""

import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from advocates.actions import launching
from community.models import Space
from newsletter import outlook
from newsletter.actions import calendar as actions
from newsletter.models import Entry
from newsletter.planning import monday_of

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "demo_calendar.toml").read_text(encoding="utf-8"))
WRITTEN = timedelta(days=6)
LAUNCH = ("Asia Pacific", timedelta(days=38))


def _moment(world: Any, entry: dict[str, Any]) -> datetime:
    """Its hour, on a working day: what lies back goes to the Friday before, what is to come to the Monday after."""
    day: date = world.today + timedelta(days=entry["day"])
    while day.weekday() > 4:
        day += timedelta(days=1 if entry["day"] > 0 else -1)
    return outlook.instant(day, time(entry.get("hour", 9)), outlook.desk_zone())


def _put(world: Any, words: dict[str, Any], due: datetime | None) -> Entry:
    maya = world.users["moderator"]
    written = min(world.now, due) - WRITTEN if due else world.now - WRITTEN
    moment = outlook.local(due, outlook.desk_zone()) if due else None
    entry = actions.add(
        by=maya,
        at=written,
        day=moment.date() if moment else None,
        hour=moment.time() if moment else None,
        title=words["title"],
        body=words.get("body", ""),
        kind=words.get("kind", "post"),
        type=words["type"],
        region=words.get("region", ""),
        space=Space.objects.filter(slug=words.get("space", "")).first(),
    )
    if due is not None and words.get("approved", True):
        actions.approve(entry, by=maya, at=written)
    return entry


def day(world: Any, day: date) -> None:
    """What was due on a day that lies back was published on it, or missed."""
    for words in WORDS["entry"]:
        if words.get("day", 1) <= 0 and (due := _moment(world, words)).date() == day:
            entry = _put(world, words, due)
            if words.get("approved", True):
                actions.publish(entry, at=due)
            else:
                actions.miss(entry, at=due + timedelta(days=1))


def end(world: Any) -> None:
    """What is planned, the ideas, and a region that will be launched."""
    for words in WORDS["entry"]:
        if words.get("day", 1) > 0:
            _put(world, words, _moment(world, words) if "day" in words else None)
    region, ahead = LAUNCH
    launch = launching.begin(region, by=world.users["lead"], at=world.now - timedelta(days=20))
    launching.plan(launch, monday_of(world.today + ahead))
    actions.tell_of_warnings(outlook.warnings(at=world.now), at=world.now)
