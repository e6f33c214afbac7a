"""Lifecycle rules: signal + conditions + delay → effect (P17, P18). Decisions are pure; effects register here.

A rule fires at most once for a subject and an *occurrence* of its signal. What an app can be made to do, it declares in
its ``effects.py``; an effect nobody declared cannot be chosen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from advocacy.crm.catalogue import SIGNAL_KINDS
from advocacy.crm.models import Contact
from advocates import reviews
from advocates.segments import Segment


# --- Facts a condition can look at ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Fact:
    """Something a condition can ask about. ``timed`` facts are known as of the signal; others only as of today."""

    key: str
    label: Any
    number: bool = False
    many: bool = False
    timed: bool = False
    sentiment: bool = False


FACTS: dict[str, Fact] = {
    fact.key: fact
    for fact in (
        Fact("signal.value", _l("the signal's value"), number=True, timed=True),
        Fact("account.region", _l("the account's region")),
        Fact("account.country", _l("the account's country")),
        Fact("account.industry", _l("the account's industry")),
        Fact("account.language", _l("the account's language")),
        Fact("account.employees", _l("the account's employees"), number=True),
        Fact("account.annual_value", _l("the account's annual value"), number=True),
        Fact("account.products", _l("the account's products"), many=True),
        Fact("account.use_cases", _l("the account's use cases"), many=True),
        Fact("account.replaced_competitors", _l("the competitors it replaced"), many=True),
        Fact("account.months", _l("months since the contract began"), number=True, timed=True),
        Fact("account.days_to_renewal", _l("days until the renewal"), number=True, timed=True),
        Fact("account.readiness", _l("the account's readiness"), sentiment=True),
    )
}

OPERATORS: dict[str, Any] = {
    "is": _l("is"),
    "is_not": _l("is not"),
    "one_of": _l("is one of"),
    "at_least": _l("is at least"),
    "at_most": _l("is at most"),
}


@dataclass(frozen=True)
class Condition:
    """One thing that must hold."""

    fact: str
    operator: str
    value: Any

    @classmethod
    def read(cls, raw: Any) -> "Condition":
        """From a rule's JSON, or ``ValidationError`` with a sentence."""
        if not isinstance(raw, Mapping) or set(raw) != {"fact", "is", "value"}:
            raise ValidationError(_("A condition has a fact, an “is” and a value."))
        fact, operator, value = raw["fact"], raw["is"], raw["value"]
        known = FACTS.get(fact) if isinstance(fact, str) else None
        if known is None:
            raise ValidationError(_("“%(fact)s” is no fact a rule can look at.") % {"fact": fact})
        if operator not in OPERATORS:
            raise ValidationError(_("“%(word)s” is not a way to compare.") % {"word": operator})
        if operator in {"at_least", "at_most"} and not known.number:
            raise ValidationError(_("“%(fact)s” is not a number.") % {"fact": known.label})
        if operator == "one_of" and not (isinstance(value, list) and value):
            raise ValidationError(_("“is one of” needs a list."))
        if operator != "one_of" and isinstance(value, (list, dict)):
            raise ValidationError(_("Only “is one of” takes a list."))
        if known.number:
            for one in value if isinstance(value, list) else [value]:
                _number(one)
        return cls(fact, operator, value)

    def holds(self, actual: Any) -> bool:
        known = FACTS[self.fact]
        if known.many:
            has = {str(one).casefold() for one in actual or ()}
            wanted = {str(one).casefold() for one in (self.value if self.operator == "one_of" else [self.value])}
            return not has & wanted if self.operator == "is_not" else bool(has & wanted)
        if known.number:
            if actual is None:
                return False
            number = Decimal(str(actual))
            match self.operator:
                case "at_least":
                    return number >= _number(self.value)
                case "at_most":
                    return number <= _number(self.value)
                case "one_of":
                    return number in {_number(one) for one in self.value}
                case "is_not":
                    return number != _number(self.value)
                case _:
                    return number == _number(self.value)
        said = str(actual or "").casefold()
        if self.operator == "one_of":
            return said in {str(one).casefold() for one in self.value}
        same = said == str(self.value).casefold()
        return not same if self.operator == "is_not" else same

    def __str__(self) -> str:
        value = ", ".join(map(str, self.value)) if isinstance(self.value, list) else str(self.value)
        return f"{FACTS[self.fact].label} {OPERATORS[self.operator]} {value}"


def _number(value: Any) -> Decimal:
    try:
        if isinstance(value, bool):
            raise ValueError
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise ValidationError(_("“%(value)s” is not a number.") % {"value": value}) from None
    if not number.is_finite():
        raise ValidationError(_("“%(value)s” is not a number.") % {"value": value})
    return number


# --- Effects ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Doing:
    """What an effect is called with: one person (None where the effect needs nobody), why, and when."""

    rule: Any
    firing: Any
    signal: Any
    contact: Contact | None
    at: datetime


@dataclass(frozen=True)
class Done:
    """What the lines of a dry run before this one would have done: which effect, where, to whom and when."""

    rule: str
    effect: str
    account: int
    contact: Contact | None
    at: datetime
    params: Mapping[str, Any] = field(default_factory=dict)


REST = "rest"
"""The effect that lets asks rest; what others would do at the account stops at it."""
REST_DAYS = 30


def rest_ends(params: Mapping[str, Any], *, at: datetime) -> date:
    """The last day of a rest that begins at this moment."""
    return (at + timedelta(days=int(params.get("days") or REST_DAYS))).date()


def rest_after(done: Iterable[Done], *, at: datetime) -> Done | None:
    """The rest that stands at this moment by what would have been done before."""
    return next(
        (one for one in done if one.effect == REST and one.at <= at and at.date() <= rest_ends(one.params, at=one.at)),
        None,
    )


WhyNotAfter = Callable[[Contact, Sequence[Done], datetime, Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Effect:
    """What a rule can make an app do.

    ``do`` does it and returns a sentence for the record, or raises ``Refused``. ``why_not`` is the same judgement
    without doing anything, for dry runs; ``why_not_many`` gives it for many people at once, each at a moment of their
    own. ``why_not_after`` reads once what it needs, and gives a function that says whether what would have been done at
    the account before stands in the way now. ``check`` looks at the rule's ``effect_params`` when it is saved.
    ``options`` are what one of is chosen for it; the choice is kept in ``effect_params`` under the effect's own key.
    """

    key: str
    label: Any
    do: Callable[[Doing], str]
    why_not: Callable[[Contact | None, datetime, Mapping[str, Any]], str | None]
    needs_person: bool = True
    asks_public_review: bool = False
    check: Callable[[Mapping[str, Any]], None] = field(default=lambda params: None)
    why_not_many: Callable[[Sequence[tuple[Contact, datetime]], Mapping[str, Any]], list[str | None]] | None = None
    why_not_after: Callable[[], WhyNotAfter] = field(default=lambda: lambda contact, done, at, params: None)
    options: Callable[[], Sequence[tuple[str, str]]] | None = None
    options_label: Any = ""


_effects: dict[str, Effect] = {}


def register(effect: Effect) -> None:
    """Declare an effect; called from an app's ``effects.py``."""
    _effects[effect.key] = effect


def effects() -> dict[str, Effect]:
    """All that a rule can do now."""
    return dict(_effects)


# --- Decisions --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Rule:
    """A rule as decisions see it."""

    name: str
    signal: str
    conditions: Sequence[Condition] = ()
    delay: timedelta = timedelta(0)
    reentry: bool = False
    enabled_from: datetime | None = None

    def heeds(self, happening: "Happening") -> bool:
        """Whether all its conditions hold."""
        return all(one.holds(happening.facts.get(one.fact)) for one in self.conditions)


@dataclass(frozen=True)
class Happening:
    """One occurrence of a signal for one subject, with the facts conditions look at.

    ``too_late``: what it follows from came in so late that nothing should come of it any more.
    """

    subject: str
    occurrence: str
    occurred_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    too_late: bool = False


@dataclass(frozen=True)
class Verdict:
    """Whether a rule fires, when, and every reason for and against."""

    fires: bool
    due_at: datetime
    reasons: Sequence[str] = ()


def subject_of(kind: str, account_id: int, contact_id: int | None) -> str:
    """Whom a signal is about: its contact where its kind is about contacts and names one, its account else."""
    if contact_id is not None and SIGNAL_KINDS[kind].subject == "contact":
        return f"contact:{contact_id}"
    return f"account:{account_id}"


def decide(
    rule: Rule,
    happening: Happening,
    *,
    at: datetime,
    fired: bool = False,
    reached_before: bool = False,
    past: bool = False,
) -> Verdict:
    """Whether this occurrence makes the rule fire.

    ``fired``: it has, for this very occurrence. ``reached_before``: it has, for another one of this subject. ``past``:
    a dry run over a period, which asks what would have happened had the rule been on.
    """
    why: list[str] = []
    against: list[str] = []
    why.append(
        _("%(signal)s on %(day)s")
        % {"signal": SIGNAL_KINDS[rule.signal].name, "day": date_format(happening.occurred_at, "j F Y")}
    )
    if not past:
        if rule.enabled_from is None:
            against.append(_("The rule is switched off."))
        elif happening.occurred_at < rule.enabled_from:
            against.append(
                _("It happened before the rule was switched on (%(day)s); history never fires a rule.")
                % {"day": date_format(rule.enabled_from, "j F Y H:i")}
            )
        if happening.occurred_at > at:
            against.append(_("It lies in the future."))
        if happening.too_late:
            against.append(_("It was found only long afterwards, too late to act on it."))
    for condition in rule.conditions:
        actual = happening.facts.get(condition.fact)
        known = FACTS[condition.fact]
        suffix = _(" (as known today)") if past and not known.timed else ""
        if condition.holds(actual):
            why.append(_("%(condition)s: yes") % {"condition": condition} + suffix)
        else:
            said = _("nothing") if actual in (None, "", []) else actual
            against.append(_("%(condition)s: no, it is %(actual)s") % {"condition": condition, "actual": said} + suffix)
    if fired:
        against.append(_("The rule has fired for this occurrence already."))
    elif reached_before and not rule.reentry:
        against.append(_("The rule has reached them before, and re-entry is off."))
    return Verdict(not against, happening.occurred_at + rule.delay, (*why, *against))


def people_in_order(contacts: Iterable[Contact], roles: str, at_most: int) -> list[Contact]:
    """The people of an account a rule reaches: by role in the order named, then by name.

    Whoever has left the account, was erased or has no address is nobody to reach.
    """
    order = {role.strip(): place for place, role in enumerate(roles.split(",")) if role.strip()}
    fitting = [
        contact
        for contact in contacts
        if contact.persona in order and contact.email and contact.left_on is None and contact.erased_at is None
    ]
    fitting.sort(key=lambda contact: (order[contact.persona], contact.family_name.casefold(), contact.pk))
    return fitting[:at_most]


def dropped(number: int) -> str:
    """What is said of firings that no longer wait."""
    return ngettext(
        "%(number)s firing that waited for its day was cancelled.",
        "%(number)s firings that waited for their day were cancelled.",
        number,
    ) % {"number": number}


def check_rule(
    *, signal: str, conditions: Any, effect: str, effect_params: Any, whom: str, among: Segment | None = None
) -> dict[str, list[str]]:
    """Everything wrong with a rule about to be saved, by field. ``among``: the people it is kept to, if any."""
    wrong: dict[str, list[str]] = {}
    read: list[Condition] = []
    if not isinstance(conditions, list):
        wrong["conditions"] = [_("Conditions are a list.")]
    else:
        for raw in conditions:
            try:
                read.append(Condition.read(raw))
            except ValidationError as error:
                wrong.setdefault("conditions", []).extend(error.messages)
    roles = [role.strip() for role in whom.split(",") if role.strip()]
    if unknown := [role for role in roles if role not in Contact.Persona.values]:
        wrong["whom"] = [
            _("“%(role)s” is not a role; roles are %(roles)s.")
            % {"role": ", ".join(unknown), "roles": ", ".join(Contact.Persona.values)}
        ]
    elif not roles:
        wrong["whom"] = [_("Name at least one role.")]
    chosen = _effects.get(effect)
    if not isinstance(effect_params, Mapping):
        wrong["effect_params"] = [
            _('What the effect needs is an object of names and values, like {"days": 30}; {} where it needs nothing.')
        ]
    if chosen is None:
        wrong["effect"] = [_("“%(effect)s” is not something the portal can do.") % {"effect": effect}]
        return wrong
    if isinstance(effect_params, Mapping):
        try:
            chosen.check(effect_params)
        except ValidationError as error:
            wrong["effect_params"] = error.messages
    if among is not None and not chosen.needs_person:
        wrong["cohort"] = [
            _("This reaches nobody in person, so no cohort can choose. Say it by conditions on the account instead.")
        ]
    # Nobody may be chosen for a public review by how they feel about us (P19).
    if refusal := review_refused(chosen, signal=signal, conditions=read, among=among):
        wrong["effect"] = [refusal]
    return wrong


def review_refused(
    effect: Effect, *, signal: str, conditions: Iterable[Condition], among: Segment | None = None
) -> str | None:
    """Why this effect must not follow from what a rule looks at, as a sentence; asked at saving and at running."""
    return reviews.why_not(
        asks_public_review=effect.asks_public_review,
        signals=[signal],
        felt=any(FACTS[one.fact].sentiment for one in conditions),
        among=[among] if among is not None else [],
    )
