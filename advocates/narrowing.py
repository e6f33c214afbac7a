"""What staff may narrow the list of advocates by: what profiles say (P5), and all of it in the address."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from advocacy.crm.models import Contact
from advocacy.lib.given import plain, whole_number
from advocates import kinds
from advocates.models import Advocate

CHOSEN = {
    "type": "type",
    "thanks": "thanks",
    "persona": "contact__persona",
    "language": "contact__language",
    "time_zone": "contact__time_zone",
    "country": "contact__country",
}
"""Where a profile holds one of a few words: name in the address, and column."""
TAGS = ("expertise", "interests", "ruled_out")
TEXTS = ("contact__title", "contact__linkedin", "goals", "about", "valuable")
NAMES = (*CHOSEN, "wants", "private", "years", "has")


def by_profile(rows: Any, given: Mapping[str, Any]) -> Any:
    """Those whose profile says all that is asked for; what is left empty asks for nothing."""
    for name, column in CHOSEN.items():
        if value := plain(given.get(name))[:60]:
            rows = rows.filter(**{column: value})
    if kind := plain(given.get("wants"))[:100]:
        rows = rows.filter(wants__contains=[kind])
    if (private := plain(given.get("private"))) in {"yes", "no"}:
        rows = rows.filter(prefers_private=private == "yes")
    if (years := whole_number(given.get("years"))) is not None:
        rows = rows.filter(years_of_experience__gte=years)
    if words := plain(given.get("has"))[:100].split()[:5]:
        rows = rows.alias(**{f"{tag}_said": Cast(tag, TextField()) for tag in TAGS})
        for word in words:
            said = Q()
            for place in (*TEXTS, *(f"{tag}_said" for tag in TAGS)):
                said |= Q(**{f"{place}__icontains": word})
            rows = rows.filter(said)
    return rows


def choices(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The choices as the page offers them, each with its name, what it is called, and what is chosen."""
    offered: list[tuple[str, str, list[tuple[str, Any]]]] = [
        ("type", _("Every type"), list(Advocate.Type.choices)),
        ("wants", _("Likes to do anything"), list(kinds.choices())),
        ("thanks", _("Any thanks"), list(Advocate.Thanks.choices)),
        ("persona", _("Every role at the account"), list(Contact.Persona.choices)),
        ("language", _("Every language"), _there("contact__language")),
        ("time_zone", _("Every time zone"), _there("contact__time_zone")),
        ("country", _("Every country"), _there("contact__country")),
        ("private", _("Public or private"), [("no", _("may be public")), ("yes", _("prefers to stay private"))]),
    ]
    return [
        {"name": name, "all": every, "rows": rows, "chosen": plain(given.get(name))} for name, every, rows in offered
    ]


def _there(column: str) -> list[tuple[str, Any]]:
    known = Advocate.objects.exclude(**{column: ""}).order_by(column).values_list(column, flat=True).distinct()[:500]
    return [(value, value) for value in known]


def narrowed(given: Mapping[str, Any]) -> bool:
    """Whether the address asks for something a profile says."""
    return any(plain(given.get(name)) for name in NAMES)
