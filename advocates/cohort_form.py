"""A cohort said in rows: all of these, any of those, none of the others. What it cannot say is refused in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocates import segments
from advocates.models import Cohort

SPARE = {"all": 2, "any": 2, "exclude": 1}
MOST_ROWS = 12


@dataclass(frozen=True)
class Line:
    """One row of the page: the two fields, and what fits into the second."""

    fact: forms.BoundField
    value: forms.BoundField
    chosen: segments.Fact | None


class CohortForm(forms.Form):
    """Every condition in a row of its own: a fact and its value."""

    name = forms.CharField(label=_l("Its name"), max_length=120)
    note = forms.CharField(label=_l("What it is for"), max_length=300, required=False)

    def __init__(self, *args: Any, cohort: Cohort | None = None, definition: Any = None, **kwargs: Any) -> None:
        self.cohort = cohort
        self.told = told = cohort.definition if cohort else definition or {}
        if "initial" not in kwargs:
            kwargs["initial"] = _initial(told) | ({"name": cohort.name, "note": cohort.note} if cohort else {})
        super().__init__(*args, **kwargs)
        choices: list[Any] = [("", _("choose …"))]
        choices += [(name, [(one.key, one.label) for one in members]) for name, members in segments.grouped()]
        self.numbers = {part: self._rows_of(part, told) for part in segments.PARTS}
        for part, rows in self.numbers.items():
            for number in range(rows):
                words = {"number": number + 1}
                self.fields[f"fact_{part}_{number}"] = forms.ChoiceField(
                    label=_("Fact %(number)s") % words, choices=choices, required=False
                )
                self.fields[f"value_{part}_{number}"] = forms.CharField(
                    label=_("Value %(number)s") % words, max_length=300, required=False
                )

    def _rows_of(self, part: str, told: Mapping[str, Any]) -> int:
        if self.is_bound:
            rows = sum(1 for name in self.data if name.startswith(f"fact_{part}_"))
        else:
            rows = len(told.get(part) or ()) + SPARE[part]
        return min(max(rows, SPARE[part]), MOST_ROWS)

    def parts(self) -> Iterator[tuple[str, list[Line]]]:
        """The rows of each part."""
        known = segments.facts()
        for part, rows in self.numbers.items():
            yield (
                part,
                [
                    Line(
                        self[f"fact_{part}_{number}"],
                        self[f"value_{part}_{number}"],
                        known.get(self[f"fact_{part}_{number}"].value() or ""),
                    )
                    for number in range(rows)
                ],
            )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Cohort.objects.exclude(pk=self.cohort.pk) if self.cohort else Cohort.objects.all()
        if others.filter(name=name).exists():
            raise ValidationError(_("Another cohort has this name. Choose one that tells them apart."))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["definition"] = {
            part: [one for number in range(rows) if (one := self._condition(part, number, data)) is not None]
            for part, rows in self.numbers.items()
        }
        if not self.errors and not (data["definition"]["all"] or data["definition"]["any"]):
            raise ValidationError(_("Say who belongs: at least one fact under “all of these” or “one of these”."))
        return data

    def _condition(self, part: str, number: int, data: dict[str, Any]) -> dict[str, Any] | None:
        key, said = data.get(f"fact_{part}_{number}"), (data.get(f"value_{part}_{number}") or "").strip()
        if not key:
            if said:
                self.add_error(
                    f"fact_{part}_{number}", _("Choose the fact that “%(value)s” is about.") % {"value": said}
                )
            return None
        fact = segments.facts()[key]
        if not said:
            self.add_error(f"value_{part}_{number}", _("Say what “%(fact)s” is compared with.") % {"fact": fact.label})
            return None
        try:
            return segments.Condition.read({"fact": key, "value": said}).raw
        except ValidationError as error:
            self.add_error(f"value_{part}_{number}", error.messages)
            return None

    def write(self, cohort: Cohort) -> Cohort:
        """Put what was said on the cohort; the caller saves it."""
        for name in ("name", "note", "definition"):
            setattr(cohort, name, self.cleaned_data[name])
        return cohort


def _initial(definition: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for part in segments.PARTS:
        for number, one in enumerate(definition.get(part) or ()):
            value = one["value"]
            told[f"fact_{part}_{number}"] = one["fact"]
            told[f"value_{part}_{number}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return told


class InviteForm(forms.Form):
    """A round of invitations: how many at most, and from when."""

    most = forms.IntegerField(label=_l("Invite at most"), min_value=1, max_value=1_000_000)
    starts_on = forms.DateField(
        label=_l("Begin on"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_l("Empty: at once. A later day begins at nine, by the desk’s clock."),
    )  # fmt: skip
