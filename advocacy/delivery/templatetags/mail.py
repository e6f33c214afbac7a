"""What templates of mail need: absolute addresses, signed links, times on the reader's own clock."""

from datetime import date, datetime
from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.lib import signed

register = template.Library()


@register.filter
def absolute(address: Any) -> str:
    """An address as it must stand in a mail: ``/requests/`` becomes ``https://portal.example/requests/``."""
    text = str(address)
    return f"{settings.SITE_URL}{text}" if text.startswith("/") else text


@register.simple_tag
def portal_url(name: str, *args: Any, **kwargs: Any) -> str:
    """The absolute address of a page: ``{% portal_url "opportunities:board" as board %}``."""
    return absolute(reverse(name, args=args, kwargs=kwargs))


@register.simple_tag
def signed_url(name: str, purpose: str, value: Any) -> str:
    """The absolute address of a signed link: ``{% signed_url "opportunities:answer" "answer" id as url %}``."""
    return absolute(reverse(name, args=[signed.sign(purpose, value)]))


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = parse_datetime(value)
    if not isinstance(value, datetime):
        return None
    return timezone.localtime(value) if timezone.is_aware(value) else value


@register.filter
def when(value: Any) -> str:
    """An instant in words, on the reader's clock: ``Tuesday 10 March 2026, 13:00 (Europe/Berlin)``."""
    instant = _instant(value)
    if instant is None:
        return str(value)
    return _("%(day)s, %(time)s (%(zone)s)") % {
        "day": date_format(instant, "l j F Y"),
        "time": date_format(instant, "H:i"),
        "zone": timezone.get_current_timezone_name(),
    }


@register.filter
def day(value: Any) -> str:
    """A day in words; an instant is first taken to the reader's clock: ``Tuesday 10 March 2026``."""
    instant = _instant(value)
    found: date | None = instant.date() if instant else None
    if found is None:
        found = parse_date(value) if isinstance(value, str) else value if isinstance(value, date) else None
    return date_format(found, "l j F Y") if found else str(value)


@register.filter
def clock(value: Any) -> str:
    """Only the time of an instant, on the reader's clock: ``13:00``."""
    instant = _instant(value)
    return date_format(instant, "H:i") if instant else str(value)
