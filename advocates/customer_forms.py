"""Forms of the customers' pages: why asks rest and until when, and what a clause promised."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocates import kinds
from advocates.actions.commitments import Line, Said
from advocates.models import Commitment, CommitmentLine

DAY = {"type": "date"}


class WhyForm(forms.Form):
    """A reason, and the last day if there is one."""

    reason = forms.CharField(
        label=_l("Why"), max_length=300, help_text=_l("Whoever sees it later reads these words; customers never do.")
    )
    until = forms.DateField(
        label=_l("Last day"), required=False, widget=forms.DateInput(DAY, format="%Y-%m-%d"),
        help_text=_l("Empty: until somebody ends it by hand."),
    )  # fmt: skip


class EndForm(forms.Form):
    """Why a clause is no longer asked for."""

    reason = forms.CharField(label=_l("Why"), max_length=300)


def what_choices() -> list[tuple[str, Any]]:
    """What a line can be for: anything, a deed, or a kind of the board; public reviews are not among them."""
    reviews = kinds.reviews()
    return [
        ("", _("anything")),
        (_("Deeds"), [(f"deed:{value}", label) for value, label in CommitmentLine.What.choices]),
        (_("Kinds of the board"), [(f"kind:{slug}", name) for slug, name in kinds.choices() if slug not in reviews]),
    ]


class LineForm(forms.Form):
    """One line; an empty one says nothing."""

    pk = forms.IntegerField(required=False, widget=forms.HiddenInput)
    how_many = forms.IntegerField(
        label=_l("How many"), min_value=1, max_value=1_000, required=False, widget=forms.NumberInput({"min": 1})
    )
    what = forms.ChoiceField(label=_l("Of what"), required=False)
    due_on = forms.DateField(label=_l("By when"), required=False, widget=forms.DateInput(DAY, format="%Y-%m-%d"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = what_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("how_many") and not cleaned.get("due_on") and "due_on" not in self.errors:
            self.add_error("due_on", _("Say by when."))
        missing = not cleaned.get("how_many") and "how_many" not in self.errors
        if missing and (cleaned.get("due_on") or cleaned.get("what")):
            self.add_error("how_many", _("Say how many, or empty the whole line."))
        return cleaned

    def line(self) -> Line | None:
        said = self.cleaned_data
        if not said.get("how_many"):
            return None
        part, _colon, slug = said["what"].partition(":")
        return Line(
            how_many=said["how_many"], due_on=said["due_on"], deed=slug if part == "deed" else "",
            kind=slug if part == "kind" else "", pk=said.get("pk"),
        )  # fmt: skip


Lines = forms.formset_factory(LineForm, extra=0, max_num=50, absolute_max=60)


class CommitmentForm(forms.ModelForm):
    """The clause, where it stands and what it cost."""

    class Meta:
        model = Commitment
        fields = ("clause", "reference", "agreed_on", "discount", "currency")
        widgets = {
            "clause": forms.Textarea({"rows": 4}),
            "agreed_on": forms.DateInput(DAY, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self.initial["agreed_on"] = timezone.localdate()
        self.fields["clause"].help_text = _(
            "As it stands in the contract. Public reviews cannot be promised, and whoever is asked decides as ever."
        )

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).strip().upper()
        if len(currency) != 3 or not currency.isalpha():
            raise forms.ValidationError(_("A currency has three letters, such as EUR."))
        return currency

    def said(self, lines: Any) -> Said:
        given = self.cleaned_data
        return Said(
            clause=given["clause"], reference=given["reference"], agreed_on=given["agreed_on"],
            discount=given["discount"], currency=given["currency"],
            lines=[line for form in lines if (line := form.line()) is not None],
        )  # fmt: skip


def lines_of(commitment: Commitment | None) -> list[dict[str, Any]]:
    """The lines there are and some empty ones, for a form that needs no script."""
    known = [
        {
            "pk": line.pk, "how_many": line.how_many, "due_on": line.due_on,
            "what": f"deed:{line.deed}" if line.deed else f"kind:{line.kind}" if line.kind else "",
        }
        for line in (commitment.lines.all() if commitment else ())
    ]  # fmt: skip
    return known + [{} for _row in range(max(2, 3 - len(known)))]
