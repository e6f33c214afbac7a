"""Who gave each value of a profile, and when (P5): the person themselves, the CRM, or somebody of the team."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocates.actions.profile import OF_ADVOCATE, OF_CONTACT
from advocates.models import Advocate

ALSO: Mapping[str, str] = {"take_part": "type", "thanked": "thanks"}
"""Answers of the form, and the field they are kept in."""


def of(advocate: Advocate, *, reader_is_self: bool = True) -> dict[str, str]:
    """For each value that is there, where it comes from, in words; by the form's name of it."""
    contact, said = advocate.contact, dict[str, str]()
    imported = contact.source != "portal"
    for name in (*OF_CONTACT, *OF_ADVOCATE, *ALSO):
        here: Any = contact if name in OF_CONTACT else advocate
        value = getattr(here, ALSO.get(name, name))
        if value in (None, "", [], False):
            continue
        if day := _day(advocate.told.get(name)):
            words = _("from you, %(day)s") if reader_is_self else _("from them, %(day)s")
            said[name] = words % {"day": day}
        elif name in OF_CONTACT and imported:
            said[name] = _("from our CRM, as of %(day)s") % {"day": _shown(contact.facts_at)}
        elif name in OF_CONTACT:
            said[name] = _("from you, when you joined") if reader_is_self else _("from them, when they joined")
        else:
            said[name] = _("from the team")
    return said


def _day(raw: Any) -> str:
    moment = parse_datetime(raw) if isinstance(raw, str) else None
    return _shown(moment) if moment else ""


def _shown(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y")
