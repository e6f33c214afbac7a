"""How numbers read: thousands apart, money short and in full, lengths of time as people say them."""

import math
from datetime import timedelta
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _

NOTHING = "–"
GAP = "\u00a0"  # a number and its unit stay on one line
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def number(value: Any, places: int | None = None) -> str:
    """A number with its thousands apart; whole unless it is not: 12345 is 12,345 and 2.84 is 2.8."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool) or not (isinstance(value, (int, float)) or hasattr(value, "as_tuple")):
        return str(value)
    if places is None:
        places = 0 if round(float(value), 1) == int(value) else 1
    return str(number_format(round(value, places), decimal_pos=places, use_l10n=True, force_grouping=True))


def money(value: Any, currency: str = "EUR") -> str:
    """An amount in full: € 184,000."""
    if value is None or value == "":
        return NOTHING
    return f"{SIGNS.get(currency, currency)}{GAP}{number(value, 0)}"


def short_money(value: Any, currency: str = "EUR") -> str:
    """An amount for a big figure: € 4.1 m, € 184 k."""
    if value is None or value == "":
        return NOTHING
    amount, unit = float(value), ""
    for limit, word in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        # 999,600 is a million when rounded, not 1,000 k.
        if abs(amount) >= limit * 0.9995:
            amount, unit = amount / limit, word
            break
    places = 1 if unit and abs(amount) < 100 and round(amount, 1) != round(amount) else 0
    words = f"{SIGNS.get(currency, currency)}{GAP}{number(amount, places)}"
    return f"{words}{GAP}{unit}" if unit else words


def percent(value: Any, places: int = 0) -> str:
    """A share of one as per cent: 0.31 is 31 %."""
    return NOTHING if value is None or value == "" else f"{number(float(value) * 100, places)}{GAP}%"


def duration(value: Any) -> str:
    """A length of time as people say it: 40 min, 5 h 20, 2 d 3 h. Takes a timedelta or seconds."""
    if value is None or value == "":
        return NOTHING
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    whole_minutes = math.floor(abs(seconds) / 60 + 0.5)
    hours, minutes_left = divmod(whole_minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        words = f"{days}{GAP}d {hours_left}{GAP}h" if hours_left and days < 10 else f"{days}{GAP}d"
    elif hours:
        words = f"{hours}{GAP}h {minutes_left:02d}" if minutes_left else f"{hours}{GAP}h"
    else:
        words = f"{whole_minutes}{GAP}min"
    return f"−{words}" if seconds < 0 else words


def minutes(value: Any) -> str:
    """Minutes of effort in words: 30 min, 1 h, 1 h 30 min."""
    if value is None or value == "":
        return NOTHING
    hours, rest = divmod(int(value), 60)
    if not hours:
        return _("%(count)d min") % {"count": rest}
    if not rest:
        return _("%(count)d h") % {"count": hours}
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": rest}
