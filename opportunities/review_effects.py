"""What a lifecycle rule can do with review campaigns: ask whom it reaches for a review on a public site (P17, O8).

The guard (P19) looks at the rule when it is saved and each time it runs: neither its signal nor a condition nor a
cohort it is kept to may tell how somebody feels. Budget, rest and readiness do not hold an ask for a review back, since
they may follow from feelings; it counts for everybody else who would ask.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.models import Contact
from advocacy.lib.lifecycle import Refused
from advocates.lifecycle import Doing, Done, Effect, WhyNotAfter, register
from opportunities import campaigns as rules
from opportunities.actions import campaigns
from opportunities.actions.campaigns import COUNTS_AS as COUNTS_AS
from opportunities.models import ReviewCampaign

KEY = "review"


def _found(params: Mapping[str, Any]) -> ReviewCampaign | None:
    try:
        public_id = UUID(str(params.get(KEY) or ""))
    except ValueError:
        return None
    return ReviewCampaign.objects.filter(public_id=public_id, by_rule=True).first()


def _nobody() -> str:
    return _("There is nobody to ask for a review.")


def _gone() -> str:
    return _("The review campaign this rule asks in is gone.")


def _review(doing: Doing) -> str:
    if doing.contact is None:
        raise Refused(_nobody())
    campaign = _found(doing.rule.effect_params)
    if campaign is None:
        raise Refused(_gone())
    campaigns.ask(doing.contact, campaign, at=doing.at)
    return _("%(name)s was asked for a review on %(site)s.") % {
        "name": doing.contact.full_name, "site": campaign.site.name,
    }  # fmt: skip


def _why_not(contact: Contact | None, at: datetime, params: Mapping[str, Any]) -> str | None:
    if contact is None:
        return _nobody()
    campaign = _found(params)
    return _gone() if campaign is None else campaigns.why_not(contact, campaign, at=at)


def _why_not_many(asked: Sequence[tuple[Contact, datetime]], params: Mapping[str, Any]) -> list[str | None]:
    """``_why_not`` for many, each at a moment of their own, in a few queries whatever their number."""
    campaign = _found(params)
    if campaign is None:
        return [_gone() for _one in asked]
    known = rules.known_of(contact for contact, _at in asked)
    return [
        rules.not_going(campaign, at=at) or rules.keeps_from(known(contact, at), campaign.pk, at=at)
        for contact, at in asked
    ]


def _why_not_after() -> WhyNotAfter:
    """Who would have been asked for a review before is asked for none within a year; no rest stands in the way."""

    def why_not(contact: Contact, done: Sequence[Done], at: datetime, params: Mapping[str, Any]) -> str | None:
        campaign = _found(params)
        if campaign is None:
            return _gone()
        before = [(one.at, found.pk) for one in done
                  if one.effect == KEY and one.contact == contact and (found := _found(one.params))]  # fmt: skip
        known = rules.Known(agreed=True, has_address=True, never=False, asked=before)
        return rules.keeps_from(known, campaign.pk, at=at)

    return why_not


def _options() -> list[tuple[str, str]]:
    """The campaigns a rule may ask in: those in which rules ask, and not closed."""
    rows = ReviewCampaign.objects.filter(by_rule=True).exclude(status=ReviewCampaign.Status.CLOSED)
    return [
        (str(public_id), title) for public_id, title in rows.order_by("title", "pk").values_list("public_id", "title")
    ]


def _check(params: Mapping[str, Any]) -> None:
    if not params.get(KEY):
        raise ValidationError(
            {KEY: _("Choose the review campaign. If there is none, write one that asks “only when a rule asks”.")}
        )
    campaign = _found(params)
    if campaign is None or campaign.status == ReviewCampaign.Status.CLOSED:
        raise ValidationError({KEY: _("This campaign is closed, or not asked by rules. Choose another one.")})


register(
    Effect(
        KEY, _l("ask for a review on a public site"), do=_review, why_not=_why_not, check=_check,
        asks_public_review=True, why_not_many=_why_not_many, why_not_after=_why_not_after,
        options=_options, options_label=_l("Which review campaign"),
    )
)  # fmt: skip
