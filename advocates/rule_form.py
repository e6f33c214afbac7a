"""A lifecycle rule as a sentence: when, and only if, then, after, for whom. What it cannot say is refused in words."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.catalogue import SIGNAL_CHOICES
from advocacy.crm.models import Contact
from advocates import kinds, lifecycle
from advocates.forms import regions
from advocates.lifecycle import FACTS, OPERATORS, Condition
from advocates.models import Cohort, LifecycleRule
from advocates.segments import Segment

EMPTY_ROWS = 3
MOST_ROWS = 20
MOST_DAYS = 730

PARAMS: dict[str, tuple[str, ...]] = {
    "invite": ("beta",), "task": ("text", "days"), "connect": ("text", "days"), "rest": ("days",), "offer": ("kinds",),
}  # fmt: skip
"""Which of these fields an effect takes; one that is not named here takes the words and the days."""


def _params_of(effect: str) -> tuple[str, ...]:
    known = lifecycle.effects().get(effect)
    return PARAMS.get(effect, () if known and known.options else ("text", "days"))


def _choosing() -> dict[str, lifecycle.Effect]:
    """Effects for which one of several is chosen, by the name of the field that chooses."""
    return {f"which_{key}": one for key, one in lifecycle.effects().items() if one.options is not None}


class RuleForm(forms.Form):
    """Every part of a rule in a field of its own; the conditions are rows of fact, comparison and value."""

    name = forms.CharField(
        label=_l("Its name"),
        max_length=120,
        help_text=_l("As it stands in the list: “Onboarded: invite the champion”."),
    )
    signal = forms.ChoiceField(label=_l("This happens"), choices=SIGNAL_CHOICES)
    region = forms.ChoiceField(label=_l("In"), required=False)
    effect = forms.ChoiceField(label=_l("The portal does this"))
    delay_days = forms.IntegerField(
        label=_l("Days later"), min_value=0, max_value=MOST_DAYS, required=False, help_text=_l("0: at once.")
    )
    text = forms.CharField(
        label=_l("What the task says"),
        max_length=200,
        required=False,
        help_text=_l("For a task: “Call and say hello”."),
    )
    days = forms.IntegerField(
        label=_l("Days for it"), min_value=1, max_value=365, required=False,
        help_text=_l("For a task: until it is due. For a rest: how long asks rest."),
    )  # fmt: skip
    kinds = forms.MultipleChoiceField(
        label=_l("What is offered"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_l("For an offer: members are offered what is open to them of these kinds."),
    )  # fmt: skip
    beta = forms.BooleanField(
        label=_l("With early access"), required=False,
        help_text=_l("For an invitation: it says that members can try what is new first."),
    )  # fmt: skip
    roles = forms.MultipleChoiceField(
        label=_l("Whoever at the account"), choices=Contact.Persona.choices, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _l("Tick at least one role.")},
    )  # fmt: skip
    at_most = forms.TypedChoiceField(
        label=_l("At most"), coerce=int, choices=[(1, _l("one person")), (2, _l("two people"))]
    )
    cohort = forms.ModelChoiceField(
        label=_l("Only people of the cohort"), queryset=Cohort.objects.order_by("name"), required=False,
        empty_label=_l("anybody who has the role"),
        help_text=_l("Any fact about people and their accounts; who belongs is looked up anew each time."),
        error_messages={"invalid_choice": _l("This cohort is gone. Choose another one, or anybody.")},
    )  # fmt: skip
    reentry = forms.BooleanField(
        label=_l("Again when it happens again"), required=False, help_text=_l("Otherwise each account or person once.")
    )
    switch_on = forms.BooleanField(
        label=_l("Switch it on now"), required=False,
        help_text=_l("Otherwise it is a draft. It heeds what happens from then on; the past never fires it."),
    )  # fmt: skip

    def __init__(self, *args: Any, rule: LifecycleRule | None = None, **kwargs: Any) -> None:
        self.rule = rule
        region, conditions = _region_apart(rule.conditions if rule else [])
        kwargs.setdefault("initial", _initial(rule, region, conditions) if rule else {"roles": ["champion"]})
        super().__init__(*args, **kwargs)
        known = list(dict.fromkeys([*regions(), *([region] if region else [])]))
        self.fields["region"].choices = [("", _("every region")), *((one, one) for one in known)]  # type: ignore[attr-defined]
        self.fields["effect"].choices = [(key, one.label) for key, one in lifecycle.effects().items()]  # type: ignore[attr-defined]
        there = kinds.choices()
        gone = [slug for slug in (self.initial.get("kinds") or []) if slug not in dict(there)]
        self.fields["kinds"].choices = [*there, *zip(gone, kinds.words(gone), strict=True)]  # type: ignore[attr-defined]
        for name, one in _choosing().items():
            self.fields[name] = forms.ChoiceField(
                label=one.options_label, required=False, choices=_with_chosen(one, rule),
            )  # fmt: skip
        if rule is not None and rule.enabled:
            del self.fields["switch_on"]  # its page switches it off
        self.rows = min(self._posted_rows() or len(conditions) + EMPTY_ROWS, MOST_ROWS)
        facts = [("", _("nothing more")), *((fact.key, fact.label) for fact in FACTS.values())]
        for number in range(self.rows):
            self.fields[f"fact_{number}"] = forms.ChoiceField(
                label=_("and this fact") if number else _("this fact"), choices=facts, required=False
            )
            self.fields[f"is_{number}"] = forms.ChoiceField(
                label=_("compares so"), choices=list(OPERATORS.items()), required=False
            )
            self.fields[f"value_{number}"] = forms.CharField(label=_("with this"), max_length=300, required=False)

    @property
    def taken_by(self) -> dict[str, str]:
        """For each field only some effects have a use for: their keys, parted by spaces, for the page."""
        effects = lifecycle.effects().values()
        taking = {
            name: [one.key for one in effects if name in _params_of(one.key)]
            for name in ("text", "days", "kinds", "beta")
        }
        taking |= {name: [one.key] for name, one in _choosing().items()}
        taking["cohort"] = [one.key for one in effects if one.needs_person]
        return {name: " ".join(keys) for name, keys in taking.items()}

    def which(self) -> Iterator[tuple[forms.BoundField, str]]:
        """The fields that choose one of several, each with the effect it is for."""
        for name, one in _choosing().items():
            yield self[name], one.key

    def _posted_rows(self) -> int:
        return sum(1 for name in self.data if name.startswith("fact_")) if self.is_bound else 0

    def condition_rows(self) -> Iterator[tuple[forms.BoundField, forms.BoundField, forms.BoundField]]:
        for number in range(self.rows):
            yield self[f"fact_{number}"], self[f"is_{number}"], self[f"value_{number}"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = LifecycleRule.objects.exclude(pk=self.rule.pk) if self.rule else LifecycleRule.objects.all()
        if others.filter(name=name).exists():
            raise ValidationError(_("Another rule has this name. Choose one that tells them apart."))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["conditions"] = [one for number in range(self.rows) if (one := self._condition(number, data)) is not None]
        if region := data.get("region"):
            data["conditions"].insert(0, {"fact": "account.region", "is": "is", "value": region})
        data["whom"] = ",".join(_in_order(data.get("roles") or [], self.rule))
        data["effect_params"] = self._params(data)
        if self.errors:
            return data
        wrong = lifecycle.check_rule(
            signal=data["signal"], conditions=data["conditions"], effect=data["effect"],
            effect_params=data["effect_params"], whom=data["whom"],
            among=Segment.read(cohort.definition) if (cohort := data.get("cohort")) else None,
        )  # fmt: skip
        if "effect_params" in wrong:
            self._say_params(data["effect"], data["effect_params"])
        for field, sentences in wrong.items():
            for sentence in sentences:
                if field != "effect_params":
                    self.add_error({"whom": "roles", "conditions": None}.get(field, field), sentence)
        return data

    def _condition(self, number: int, data: dict[str, Any]) -> dict[str, Any] | None:
        fact, operator = data.get(f"fact_{number}"), data.get(f"is_{number}") or "is"
        said = (data.get(f"value_{number}") or "").strip()
        if not fact:
            if said:
                self.add_error(f"fact_{number}", _("Choose what is compared with “%(value)s”.") % {"value": said})
            return None
        if not said:
            self.add_error(f"value_{number}", _("Say what it is compared with, or choose “nothing more”."))
            return None
        words = [word.strip() for word in said.split(",") if word.strip()]
        value: Any = [_plain(fact, word) for word in words] if operator == "one_of" else _plain(fact, said)
        raw = {"fact": fact, "is": operator, "value": value}
        try:
            Condition.read(raw)
        except ValidationError as error:
            self.add_error(f"value_{number}", error.messages)
            return None
        return raw

    def _params(self, data: dict[str, Any]) -> dict[str, Any]:
        effect = data.get("effect", "")
        kept = dict(self.rule.effect_params) if self.rule and self.rule.effect == effect else {}
        for name in ("text", "days", "kinds", "beta"):
            kept.pop(name, None)
            if name in _params_of(effect) and data.get(name) not in (None, "", [], False):
                kept[name] = data[name]
        for name, one in _choosing().items():
            if one.key == effect:
                kept.pop(effect, None)
                if data.get(name):
                    kept[effect] = data[name]
        return kept

    def _say_params(self, effect: str, params: dict[str, Any]) -> None:
        """What an effect wants, beside the field it is about."""
        try:
            lifecycle.effects()[effect].check(params)
        except ValidationError as error:
            said = error.message_dict if hasattr(error, "error_dict") else {"effect": error.messages}
            for field, sentences in said.items():
                where = [name for name in (field, f"which_{field}") if name in self.fields]
                self.add_error(where[0] if where else "effect", sentences)

    def write(self, rule: LifecycleRule) -> LifecycleRule:
        """Put what was said on the rule; the caller saves it."""
        data = self.cleaned_data
        for name in ("name", "signal", "conditions", "effect", "effect_params", "whom", "at_most", "cohort", "reentry"):
            setattr(rule, name, data[name])
        rule.delay_days = data["delay_days"] or 0
        return rule


def _region_apart(conditions: list[Any]) -> tuple[str, list[Any]]:
    """The plain condition on a region has a field of its own."""
    for number, one in enumerate(conditions):
        if one.get("fact") == "account.region" and one.get("is") == "is":
            return str(one["value"]), [*conditions[:number], *conditions[number + 1 :]]
    return "", list(conditions)


def _initial(rule: LifecycleRule, region: str, conditions: list[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": rule.name, "signal": rule.signal, "effect": rule.effect, "delay_days": rule.delay_days,
        "text": rule.effect_params.get("text", ""), "days": rule.effect_params.get("days"), "at_most": rule.at_most,
        "cohort": rule.cohort_id,
        "kinds": rule.effect_params.get("kinds", []), "beta": rule.effect_params.get("beta", False),
        "reentry": rule.reentry, "region": region, "roles": [role.strip() for role in rule.whom.split(",")],
    }  # fmt: skip
    told |= {name: rule.effect_params.get(one.key, "") for name, one in _choosing().items()}
    for number, one in enumerate(conditions):
        value = one["value"]
        told[f"fact_{number}"], told[f"is_{number}"] = one["fact"], one["is"]
        told[f"value_{number}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return told


def _with_chosen(effect: lifecycle.Effect, rule: LifecycleRule | None) -> list[tuple[str, Any]]:
    """What can be chosen, and what a rule has chosen before although it cannot be any more."""
    there = list(effect.options()) if effect.options else []
    chosen = str(rule.effect_params.get(effect.key, "")) if rule and rule.effect == effect.key else ""
    gone = [(chosen, _("one that is gone"))] if chosen and chosen not in dict(there) else []
    return [("", _("choose one")), *there, *gone]


def _in_order(roles: list[str], rule: LifecycleRule | None) -> list[str]:
    """Roles are tried in order: as the rule had them, then new ones as the page lists them."""
    before = [role.strip() for role in rule.whom.split(",")] if rule else ["champion", "admin", "decider"]
    return [role for role in before if role in roles] + [role for role in roles if role not in before]


def _plain(fact: str, word: str) -> Any:
    """A number where the fact is one, so that it reads back as it was written."""
    if FACTS[fact].number:
        try:
            number = Decimal(word)
        except InvalidOperation:
            return word  # refused by the condition, in words
        if number.is_finite() and number == number.to_integral_value() and abs(number) < 10**15:
            return int(number)
    return word
