"""What a lifecycle rule can do with surveys: ask whom it reaches for feedback, within their budget (P17, O9)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Contact
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.budget import PastAsk
from advocates.lifecycle import Doing, Done, Effect, WhyNotAfter, register, rest_after
from advocates.models import Advocate, Channel
from opportunities import surveys as rules
from opportunities.actions import campaigns as reviews
from opportunities.actions import surveys
from opportunities.models import Survey

KEY = "survey"


def _found(params: Mapping[str, Any]) -> Survey | None:
    try:
        public_id = UUID(str(params.get(KEY) or ""))
    except ValueError:
        return None
    return Survey.objects.filter(public_id=public_id, by_rule=True).first()


def _survey(doing: Doing) -> str:
    if doing.contact is None:
        raise Refused(_nobody())
    survey = _found(doing.rule.effect_params)
    if survey is None:
        raise Refused(_gone())
    # Another occurrence is another occasion: whoever had an escalation closed twice may be asked twice.
    surveys.ask(doing.contact, survey, slot=f"rule:{doing.firing.pk}", at=doing.at)
    return _("%(name)s was asked: “%(title)s”.") % {"name": doing.contact.full_name, "title": survey.title}


def _nobody() -> str:
    return _("There is nobody to ask for feedback.")


def _gone() -> str:
    return _("The survey this rule asks with is gone.")


def _why_not(contact: Contact | None, at: datetime, params: Mapping[str, Any]) -> str | None:
    if contact is None:
        return _nobody()
    survey = _found(params)
    if survey is None:
        return _gone()
    if refusal := surveys.why_not(contact, survey, slot="rule:", at=at):
        return refusal
    advocate = Advocate.objects.select_related("contact__account").get(contact=contact)
    return budget.why_not(advocate, at=at, channel=Channel.SURVEY, kind=rules.COUNTS_AS)


def _why_not_many(asked: Sequence[tuple[Contact, datetime]], params: Mapping[str, Any]) -> list[str | None]:
    """``_why_not`` for many, each at a moment of their own, in a few queries whatever their number."""
    survey = _found(params)
    if survey is None:
        return [_gone() for _one in asked]
    contacts = {contact.pk for contact, _at in asked}
    found = Advocate.objects.filter(contact__in=contacts).select_related("contact__account")
    advocates = {advocate.contact_id: advocate for advocate in found}
    agreed: dict[int, list[ConsentState]] = defaultdict(list)
    for state in ConsentState.objects.filter(contact__in=contacts, purpose=Purpose.SURVEYS, given=True):
        agreed[state.contact_id].append(state)
    since = min((at for _contact, at in asked), default=None)
    facts = budget.facts_of(list(advocates.values()), at=since) if since else {}

    def why_not(contact: Contact, at: datetime) -> str | None:
        advocate = advocates.get(contact.pk)
        has_agreed = any(one.expires_at is None or one.expires_at > at for one in agreed[contact.pk])
        if refusal := surveys.keeps_from(contact, advocate, survey, has_agreed=has_agreed, at=at):
            return refusal
        assert advocate is not None
        against = budget.decide(facts[advocate.pk], at=at, kind=rules.COUNTS_AS).first
        return against.sentence if against else None

    return [why_not(contact, at) for contact, at in asked]


def _why_not_after() -> WhyNotAfter:
    """A survey is an ask: what would have been asked before, of them and of colleagues, counts against the budget."""

    def why_not(contact: Contact, done: Sequence[Done], at: datetime, params: Mapping[str, Any]) -> str | None:
        if (rest := rest_after(done, at=at)) is not None:
            return _("Asks are paused at %(account)s: %(reason)s.") % {
                "account": contact.account.name, "reason": rest.rule,
            }  # fmt: skip
        counts_as = {KEY: rules.COUNTS_AS, "review": reviews.COUNTS_AS, "offer": ""}
        asked = [(one.contact, PastAsk(one.at, counts_as[one.effect])) for one in done
                 if one.effect in counts_as and one.contact]  # fmt: skip
        if not asked:
            return None
        advocate = Advocate.objects.select_related("contact__account").get(contact=contact)
        return budget.why_not(
            advocate, at=at, channel=Channel.SURVEY, kind=rules.COUNTS_AS,
            own=[ask for one, ask in asked if one == contact], of_account=[ask for _one, ask in asked],
        )  # fmt: skip

    return why_not


def _options() -> list[tuple[str, str]]:
    """The surveys a rule may ask with: those that are asked by rules only, and not closed."""
    rows = Survey.objects.filter(by_rule=True).exclude(status=Survey.Status.CLOSED).order_by("title", "pk")
    return [(str(public_id), title) for public_id, title in rows.values_list("public_id", "title")]


def _check(params: Mapping[str, Any]) -> None:
    if not params.get(KEY):
        raise ValidationError(
            {KEY: _("Choose the survey. If there is none, write one that is asked “only when a rule asks”.")}
        )
    survey = _found(params)
    if survey is None or survey.status == Survey.Status.CLOSED:
        raise ValidationError({KEY: _("This survey is closed, or not asked by rules. Choose another one.")})


register(
    Effect(
        KEY, _l("ask for feedback by a survey"), do=_survey, why_not=_why_not, check=_check,
        why_not_many=_why_not_many, why_not_after=_why_not_after, options=_options, options_label=_l("Which survey"),
    )
)  # fmt: skip
