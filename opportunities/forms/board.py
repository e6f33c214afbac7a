"""What advocates fill in on the board: the questions of a kind, another time, how it was, why not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from opportunities import broadcast
from opportunities.models import Claim, Opportunity, OpportunityKind, Step
from opportunities.models.board import AUDIENCE_PARTS, guarded_audience, validate_audience

YEARS_AHEAD = 2
"""How far ahead a time can be set."""


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
        _must_be_near(starts_at)
        if starts_at <= timezone.now():
            raise forms.ValidationError(_("That time has passed. Choose a later one."))
        return starts_at


def _must_be_near(starts_at: datetime) -> None:
    """Years a slip of the finger makes are refused before anybody's clock has to turn them into another zone."""
    if starts_at.year > timezone.now().year + YEARS_AHEAD:
        raise forms.ValidationError(_("That is more than two years ahead. Choose an earlier time."))


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


# --- For those who run the board --------------------------------------------------------------------------------------
class KindForm(forms.ModelForm):
    """A kind, with its steps to tick."""

    steps = forms.MultipleChoiceField(
        label=_("steps of a claim"), choices=Step.choices, widget=forms.CheckboxSelectMultiple, required=False
    )

    class Meta:
        model = OpportunityKind
        fields = (
            "name", "slug", "group", "points", "points_at", "minutes", "purpose", "steps", "questions",
            "answers_are_the_work", "is_public", "for_requests", "is_review", "is_urgent", "answer_hours", "order",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("is_review") and said.get("for_requests"):
            # The desk asks whom it knows to be glad.
            problem = _("A public review cannot be asked for through requests. Leave one of the two unticked.")
            self.add_error("is_review", problem)
        return said


class OpportunityForm(forms.ModelForm):
    """An opportunity; for whom it is in three lists, one fact a line."""

    audience_all = forms.CharField(label=_("all of"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    audience_any = forms.CharField(label=_("at least one of"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    audience_exclude = forms.CharField(label=_("none of"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    points = forms.IntegerField(
        label=_("points"), required=False, min_value=0, help_text=_("Empty: as many as its kind usually brings.")
    )

    class Meta:
        model = Opportunity
        exclude = ("audience", "status", "opened_at", "created_at")  # noqa: DJ006 - everything else is for people

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.initial["points"] = None
        if "incentive_points" in self.fields:
            self.fields["incentive_points"].required = False
        for part in AUDIENCE_PARTS:
            self.initial.setdefault(f"audience_{part}", "\n".join(self.instance.audience.get(part) or []))

    def _new_words_that_tell(self, said: Mapping[str, Any]) -> list[str]:
        """What would give a prospect away that was not there before; somebody has looked at that."""
        wanted = self.instance.broadcast_of
        if wanted is None:
            return []
        before = {name: getattr(self.instance, name) for name in broadcast.TEXTS}
        now = [str(said.get(name, old)) for name, old in before.items()]
        return sorted({*broadcast.points_at(wanted, *now)} - {*broadcast.points_at(wanted, *before.values())})

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if words := self._new_words_that_tell(said):
            problem = _(
                "Your text points at the prospect of the request this was made of: %(words)s. Change it, or send it "
                "out from the page of the request, where you can say that nobody can tell."
            )
            self.add_error(None, problem % {"words": ", ".join(words)})
        audience = {}
        for part in AUDIENCE_PARTS:
            facts = [line.strip() for line in said.get(f"audience_{part}", "").splitlines() if line.strip()]
            if facts:
                audience[part] = facts
        try:
            validate_audience(audience)
        except forms.ValidationError as problem:
            self.add_error("audience_all", problem)
        kind = said.get("kind") or (self.instance.kind if self.instance.kind_id else None)  # fixed on the board
        if kind and (refusal := guarded_audience(audience, is_review=kind.is_review)):
            self.add_error("audience_all", refusal)
        self.instance.audience = audience
        if said.get("incentive_on") and said.get("incentive_until"):
            self.add_error("incentive_on", _("It ends once: give a day, or a day and an hour, and empty the other."))
        for name in ("incentive_points", "incentive_on", "incentive_until"):
            if said.get(name) and not said.get("incentive"):
                self.add_error("incentive", _("Say in words what people get for claiming in time."))
                break
        if "incentive_points" in self.fields and said.get("incentive_points") is None:
            said["incentive_points"] = 0
        if said.get("points") is None:
            said["points"] = kind.points if kind else 0
        return said

    def clean_seats(self) -> int | None:
        """Seats that are taken cannot be taken away; nobody can claim one between this look and the save."""
        seats: int | None = self.cleaned_data["seats"]
        if seats is not None and self.instance.pk:
            list(Opportunity.objects.select_for_update().filter(pk=self.instance.pk).values_list("pk"))
            rows = Opportunity.objects.filter(pk=self.instance.pk).with_seats_taken(at=timezone.now())
            taken = rows.values_list("seats_taken", flat=True).get()
            if seats < taken:
                raise forms.ValidationError(
                    ngettext(
                        "%(count)d seat is taken or offered; there cannot be fewer.",
                        "%(count)d seats are taken or offered; there cannot be fewer.",
                        taken,
                    )
                    % {"count": taken}
                )
        return seats


class WhyForm(forms.Form):
    """A reason that those concerned will read."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Everybody who has claimed it reads this."),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ClaimMoveForm(forms.Form):
    """What the moves of a claim need; only what the chosen one needs is required."""

    starts_at = TimeForm.base_fields["starts_at"]
    minutes = forms.IntegerField(label=_("Minutes"), required=False, min_value=5, max_value=24 * 60)
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)
    by_other_side = forms.BooleanField(label=_("The other side did not come"), required=False)
    text = forms.CharField(
        label=_("Your thanks"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4})
    )

    NEEDS = {"scheduled": "starts_at", "declined": "reason", "missed": "reason", "thank": "text"}

    def __init__(self, *args: Any, claim: Claim, target: str = "", **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"minutes": claim.minutes, "starts_at": claim.scheduled_for})
        super().__init__(*args, **kwargs)
        self.target = target
        for name, field in self.fields.items():
            field.required = name == self.NEEDS.get(target)
            field.error_messages["required"] = _("%(field)s is missing.") % {"field": field.label}
        zone = timezone.get_current_timezone_name()
        self.fields["starts_at"].help_text = _("On your clock (%(zone)s).") % {"zone": zone.replace("_", " ")}

    def clean_starts_at(self) -> datetime | None:
        starts_at: datetime | None = self.cleaned_data.get("starts_at")
        if starts_at is not None:
            _must_be_near(starts_at)
        return starts_at
