"""How figures read: on a tile, in a table, in a file, and held against an earlier time."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.dashboards.registry import Measure, Unit, Value
from advocacy.lib import numbers


def figure(value: Any, unit: Unit, currency: str = "EUR", *, short: bool = True) -> str:
    """A value in words: € 4.1 m, 5 h 20, 31 %, 2.8 days. ``short`` is for big figures; money is else in full."""
    if value is None or value == "":
        return numbers.NOTHING
    match unit:
        case Unit.MONEY:
            return numbers.short_money(value, currency) if short else numbers.money(value, currency)
        case Unit.AMOUNT:
            return numbers.number(value, 0)
        case Unit.SHARE:
            places = 1 if 0 < abs(float(value)) < 0.1 else 0
            return numbers.percent(value, places)
        case Unit.HOURS:
            return numbers.duration(float(value) * 3600)
        case Unit.WORKING_DAYS:
            return _days(float(value))
        case Unit.DAY:
            return date_format(value, "j M Y")
        case Unit.INSTANT:
            return date_format(timezone.localtime(value), "j M Y, H:i")
        case Unit.TEXT:
            return str(value)
    return numbers.number(value)


def _days(days: float) -> str:
    rounded = round(days, 1)
    return ngettext("%(number)s day", "%(number)s days", 1 if rounded == 1 else 2) % {"number": numbers.number(rounded)}


def plain(value: Any, unit: Unit) -> Any:
    """A value for a file: numbers as numbers, instants and days in ISO 8601."""
    if value is None:
        return ""
    if unit == Unit.INSTANT and isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 4)
    return value if isinstance(value, (int, Decimal)) else str(value)


@dataclass(frozen=True)
class Comparison:
    """A figure held against an earlier one. ``direction`` is "up" for better, "down" for worse, "" for neither."""

    text: str
    direction: str = ""


def compare(measure: Measure, now: Value, before: Value | None, currency: str) -> Comparison:
    """“was 2 d 3 h”, “+ 12 points”; whether that is good is the measure's to say."""
    if before is None:
        return Comparison("")
    if before.value is None:
        return Comparison(_("nothing to compare with"))
    if now.value is None:
        return Comparison(_("was %(value)s") % {"value": figure(before.value, measure.unit, currency)})
    change = float(now.value) - float(before.value)
    shown_now, shown_before = (figure(one.value, measure.unit, currency) for one in (now, before))
    if shown_now == shown_before:
        return Comparison(_("as before"))
    good = {"up": change > 0, "down": change < 0}.get(measure.better)
    direction = "" if good is None else "up" if good else "down"
    if measure.unit == Unit.SHARE and measure.better == "up":
        points = round(abs(change) * 100, 1)
        points = round(points) if points >= 1 else points
        sign = "+" if change > 0 else "−"
        said = ngettext("%(sign)s %(number)s point", "%(sign)s %(number)s points", 1 if points == 1 else 2)
        return Comparison(said % {"sign": sign, "number": numbers.number(points)}, direction)
    return Comparison(_("was %(value)s") % {"value": shown_before}, direction)
