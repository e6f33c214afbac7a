"""What a lifecycle rule can make the board do: offer members what is open to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.models import Contact
from advocacy.lib.lifecycle import Refused
from advocates.budget import PastAsk
from advocates.lifecycle import Doing, Done, Effect, WhyNotAfter, register, rest_after
from advocates.models import AskCap
from opportunities import review_effects, survey_effects  # they register beside ours
from opportunities.actions import offers
from opportunities.models import OpportunityKind
from opportunities.surveys import COUNTS_AS


def _kinds(params: Mapping[str, Any]) -> list[str]:
    return [str(slug) for slug in params.get("kinds") or []]


def _offer(doing: Doing) -> str:
    if doing.contact is None:
        raise Refused(_("There is nobody to offer something to."))
    found = offers.offer(doing.contact, _kinds(doing.rule.effect_params), firing=doing.firing, at=doing.at)
    return _("%(name)s was offered %(what)s.") % {
        "name": doing.contact.full_name,
        "what": ", ".join(f"“{one.title}”" for one in found),
    }


def _why_not(contact: Contact | None, at: datetime, params: Mapping[str, Any]) -> str | None:
    if contact is None:
        return _("There is nobody to offer something to.")
    return offers.why_not_offer(contact, _kinds(params), at=at)


def _why_not_many(asked: Sequence[tuple[Contact, datetime]], params: Mapping[str, Any]) -> list[str | None]:
    return offers.why_not_offers(asked, _kinds(params))


def _why_not_after() -> WhyNotAfter:
    """An offer is an ask: what would have been asked before, of them and of colleagues, counts against the budget."""
    kinds_count = AskCap.objects.exclude(kind="").exists()

    def counted(one: Done) -> PastAsk:
        assert one.contact is not None
        if one.effect == survey_effects.KEY:
            return PastAsk(one.at, COUNTS_AS)
        if one.effect == review_effects.KEY:
            return PastAsk(one.at, review_effects.COUNTS_AS)
        return PastAsk(one.at, offers.counts_as(one.contact, _kinds(one.params), at=one.at) if kinds_count else "")

    def why_not(contact: Contact, done: Sequence[Done], at: datetime, params: Mapping[str, Any]) -> str | None:
        if (rest := rest_after(done, at=at)) is not None:
            return _("Asks are paused at %(account)s: %(reason)s.") % {
                "account": contact.account.name, "reason": rest.rule,
            }  # fmt: skip
        asked = [
            (one.contact, counted(one)) for one in done if one.effect in {"offer", "survey", "review"} and one.contact
        ]
        return offers.why_not_after(contact, _kinds(params), asked, at=at) if asked else None

    return why_not


def _check(params: Mapping[str, Any]) -> None:
    slugs = params.get("kinds")
    if not isinstance(slugs, list) or not slugs:
        raise ValidationError({"kinds": _("Choose at least one kind of opportunity to offer.")})
    known = dict(OpportunityKind.objects.values_list("slug", "is_review"))
    if unknown := [str(slug) for slug in slugs if slug not in known]:
        raise ValidationError({"kinds": _("There is no kind “%(kind)s”.") % {"kind": ", ".join(unknown)}})
    if any(known[slug] for slug in slugs):
        # Whatever a rule hears may say how somebody feels about us: no rule leads to a public review (P19).
        raise ValidationError({"kinds": _("A public review is never asked for by a rule. Leave that kind out.")})


register(
    Effect(
        "offer", _l("offer members an opportunity"), do=_offer, why_not=_why_not, check=_check,
        why_not_many=_why_not_many, why_not_after=_why_not_after,
    )
)  # fmt: skip
