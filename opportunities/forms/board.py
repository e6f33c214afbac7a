"""What advocates fill in on the board: the questions of a kind, another time, how it was, why not."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opportunities.models import Claim, Opportunity


class QuestionsForm(forms.Form):
    """The questions of an opportunity's kind, as its data says (O4)."""

    def __init__(self, *args: Any, opportunity: Opportunity, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in opportunity.kind.questions:
            self.fields[f"q_{question['key']}"] = _field(question)

    @property
    def answers(self) -> dict[str, Any]:
        """The answers under the keys of their questions, as JSON can hold them."""
        return {
            name.removeprefix("q_"): value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in self.cleaned_data.items()
        }


def _field(question: dict[str, Any]) -> forms.Field:
    common: dict[str, Any] = {
        "label": question["label"],
        "help_text": question.get("help", ""),
        "required": bool(question.get("required")),
    }
    match question.get("type", "line"):
        case "text":
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), max_length=4000, **common)
        case "choice":
            choices = [(choice, choice) for choice in question["choices"]]
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
        case "day":
            return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), **common)
        case "yes":
            return forms.BooleanField(**common)
        case _:
            return forms.CharField(max_length=300, **common)


class TimeForm(forms.Form):
    """Another time for something that is set, on the reader's own clock."""

    starts_at = forms.DateTimeField(
        label=_("New time"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 300}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = timezone.get_current_timezone_name()
        self.fields["starts_at"].help_text = _("On your clock (%(zone)s).") % {"zone": zone.replace("_", " ")}

    def clean_starts_at(self) -> datetime:
        starts_at: datetime = self.cleaned_data["starts_at"]
        if starts_at <= timezone.now():
            raise forms.ValidationError(_("That time has passed. Choose a later one."))
        return starts_at


class ReasonForm(forms.Form):
    """Why a claim is taken back."""

    reason = forms.CharField(
        label=_("Why?"),
        help_text=_("A few words are enough; whoever planned with you will read them."),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class FeedbackForm(forms.Form):
    """How it was, from the advocate's side."""

    GRADES = ((5, _("Very good")), (4, _("Good")), (3, _("All right")), (2, _("Not so good")), (1, _("Bad")))

    happened = forms.TypedChoiceField(
        label=_("Did it take place?"),
        choices=(("yes", _("Yes")), ("no", _("No"))),
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    grade = forms.TypedChoiceField(label=_("How was it?"), choices=GRADES, coerce=int, widget=forms.RadioSelect)
    minutes = forms.IntegerField(
        label=_("Minutes it took you, all in all"), required=False, min_value=0, max_value=60 * 24 * 10
    )
    text = forms.CharField(
        label=_("Anything we should know?"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, claim: Claim, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"minutes": claim.minutes})
        super().__init__(*args, **kwargs)
        if not claim.scheduled_for:
            # Nothing was set, so nothing can have been missed: they say that they did it.
            self.fields.pop("happened")
