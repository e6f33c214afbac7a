"""What the board may read of a request that goes out without a name, and what would give the name away (D6)."""

import re
import unicodedata
from typing import Any

from django.utils.formats import localize
from django.utils.translation import gettext as _

from opportunities.matching import BANDS, names_of
from opportunities.models import ReferenceRequest

TEXTS = ("title", "summary", "what", "gain")
"""The words of an opportunity an advocate reads."""

ARTICLES = frozenset({"the", "die", "der", "das", "le", "la", "les", "el", "los", "il", "a"})
"""What a company's name may begin with and tells nothing."""


def prefilled(wanted: ReferenceRequest) -> dict[str, str]:
    """A first draft from facts alone: what kind, industry, size band, region and use case. The manager rewrites it."""
    about = wanted.use_case or wanted.product or wanted.industry
    words: dict[str, Any] = {"kind": wanted.kind.name, "about": about}
    title = _("%(kind)s about %(about)s") % words if about else wanted.kind.name
    facts = [
        wanted.industry,
        _("%(band)s people") % {"band": size_band(wanted.employees)} if wanted.employees else "",
        wanted.region,
    ]
    said = ", ".join(filter(None, facts))
    company = _("A company (%(facts)s)") % {"facts": said} if said else _("A company")
    summary = (
        _("%(company)s would like to hear about %(about)s from somebody who has done it.")
        if about and about != wanted.industry
        else _("%(company)s would like to hear from somebody who has done it.")
    ) % {"company": company, "about": about}
    return {"title": title[:150], "summary": summary[:300], "what": "", "gain": ""}


def size_band(employees: int | None) -> str:
    """How many people work there, as a band: an exact number is a name to those who know the field."""
    if not employees:
        return ""
    least, most = next((low, high) for low, high in BANDS if employees <= high)
    if most == BANDS[-1][1]:
        return _("more than %(n)s") % {"n": localize(least - 1)}
    return _("%(least)s to %(most)s") % {"least": localize(least), "most": localize(most)}


def points_at(wanted: ReferenceRequest, *texts: str) -> list[str]:
    """The words in these texts that point at the prospect: their name, domain or person, or the telling part of one."""
    said = _plain(" \n ".join(texts))
    return sorted(word for word in _telling(wanted) if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said))


def _telling(wanted: ReferenceRequest) -> set[str]:
    account = wanted.deal.account if wanted.deal else None
    companies = [wanted.prospect, account.name if account else "", wanted.deal.prospect if wanted.deal else ""]
    words = {_plain(name) for company in companies for name in names_of(company)}
    said = [word for word in wanted.prospect.split() if _plain(word) not in ARTICLES]
    if said and (len(said[0]) >= 4 or (len(said[0]) >= 2 and said[0].isupper())):  # IBM is as telling as Kestrel
        words.add(_plain(said[0]))
    for known in (wanted.prospect_domain, account.domain if account else ""):
        domain = _plain(known).removeprefix("www.")
        words.add(domain)
        stem = domain.rsplit(".", 1)[0] if "." in domain else ""
        words |= {part for part in stem.split(".") if len(part) >= 4}
    person = _plain(wanted.prospect_person)
    words.add(person)
    if len(person.split(" ")) > 1 and len(person.split(" ")[-1]) >= 3:
        words.add(person.split(" ")[-1])
    return words - {""}


def _plain(text: str) -> str:
    """Lower case, single spaces, and no marks on letters: nobody hides a name behind an accent."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).split())
