"""What is filled in around surveys: one answer at a time, the survey itself, what came of somebody's words."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.models import Program, StakeholderTeam
from advocates.models import Cohort
from opportunities.models import AnsweredBy, Feedback, Survey
from opportunities.models.surveys import MOST_QUESTIONS
from opportunities.surveys import LONGEST_WORDS, USUAL, Question

YEARS_AHEAD = 2


class AnswerForm(forms.Form):
    """One question of a survey, as it is answered."""

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.question = question
        common: dict[str, Any] = {"label": question.label, "required": question.required}
        if question.in_words:
            self.fields["answer"] = forms.CharField(
                widget=forms.Textarea(attrs={"rows": 5}), max_length=LONGEST_WORDS, **common
            )
        else:
            choices = [(str(one), str(one)) for one in (question.scale or question.choices)]
            missing = _("Choose a number.") if question.scale else _("Choose one of them.")
            self.fields["answer"] = forms.ChoiceField(
                choices=choices, widget=forms.RadioSelect, **common,
                error_messages={"required": missing, "invalid_choice": missing},
            )  # fmt: skip


class SurveyForm(forms.ModelForm):
    """A survey as a draft: its words, its questions in rows, who is asked, who reads the answers."""

    closes_on = forms.DateField(
        label=_l("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_l("Empty: it stays open until you close it."),
    )  # fmt: skip

    class Meta:
        model = Survey
        fields = ("title", "intro", "team", "cohort", "by_rule", "shows_names")
        widgets = {"intro": forms.Textarea(attrs={"rows": 3})}
        labels = {
            "title": _l("Title"), "intro": _l("What it is for"), "team": _l("Team that reads the answers"),
            "cohort": _l("Members of the cohort"), "by_rule": _l("Only when a rule asks"),
            "shows_names": _l("The team reads who said what"),
        }  # fmt: skip
        help_texts = {
            "intro": _l("A sentence or two before the first question. People answer more often when they know why."),
            "cohort": _l("Only members are asked. Empty: all of them."),
            "by_rule": _l("Nobody is asked when it opens; a rule asks whom it reaches, such as after an escalation."),
            "shows_names": _l(
                "Otherwise nothing is told of fewer than five answers, and nothing is heard as a signal."
            ),
        }  # fmt: skip

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.instance.kind = kind
        self.fields["team"].queryset = StakeholderTeam.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["team"].required = kind != Survey.Kind.PROGRAM
        self.fields["team"].empty_label = (  # type: ignore[attr-defined]
            _("whoever runs the program") if kind == Survey.Kind.PROGRAM else _("choose a team")
        )
        self.fields["cohort"].queryset = Cohort.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["cohort"].empty_label = _("all members")  # type: ignore[attr-defined]
        if kind == Survey.Kind.PROGRAM:
            for name in ("cohort", "by_rule", "closes_on"):
                del self.fields[name]
        elif self.instance.closes_at is not None:
            self.initial.setdefault("closes_on", _day_of(self.instance.closes_at))
        there = self.instance.questions if self.instance.pk else _usual(kind)
        for number in range(MOST_QUESTIONS):
            one = there[number] if number < len(there) else {}
            self._row(number, one)

    def _row(self, number: int, one: dict[str, Any]) -> None:
        place = {"number": number + 1}
        self.fields[f"label_{number}"] = forms.CharField(
            label=_("Question %(number)s") % place, max_length=200, required=False, initial=one.get("label", "")
        )
        self.fields[f"type_{number}"] = forms.ChoiceField(
            label=_("Answered"), choices=AnsweredBy.choices, required=False, initial=one.get("type", AnsweredBy.TEXT)
        )
        self.fields[f"choices_{number}"] = forms.CharField(
            label=_("To choose from, one a line"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
            initial="\n".join(one.get("choices") or []),
        )  # fmt: skip
        self.fields[f"required_{number}"] = forms.BooleanField(
            label=_("has to be answered"), required=False, initial=bool(one.get("required"))
        )

    def own_fields(self) -> Iterator[forms.BoundField]:
        """Everything besides the questions."""
        for name in ("title", "intro", "team", "cohort", "closes_on", "by_rule", "shows_names"):
            if name in self.fields:
                yield self[name]

    def rows(self) -> Iterator[tuple[forms.BoundField, ...]]:
        for number in range(MOST_QUESTIONS):
            yield tuple(self[f"{name}_{number}"] for name in ("label", "type", "choices", "required"))

    def clean_closes_on(self) -> Any:
        day = self.cleaned_data["closes_on"]
        today = timezone.localdate()
        if day is not None and not today <= day <= today + timedelta(days=365 * YEARS_AHEAD):
            raise forms.ValidationError(_("Choose a day from today on, within two years."))
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        asked = []
        for number in range(MOST_QUESTIONS):
            label = (data.get(f"label_{number}") or "").strip()
            lines = [line.strip() for line in (data.get(f"choices_{number}") or "").splitlines()]
            choices = list(dict.fromkeys(line[:120] for line in lines if line))
            if not label:
                if choices:
                    self.add_error(f"label_{number}", _("Write the question these are the answers to."))
                continue
            one: dict[str, Any] = {
                "key": f"q{number + 1}", "label": label, "type": data.get(f"type_{number}") or AnsweredBy.TEXT,
                "required": bool(data.get(f"required_{number}")),
            }  # fmt: skip
            if one["type"] == AnsweredBy.CHOICE:
                one["choices"] = choices
                if len(choices) < 2:
                    self.add_error(f"choices_{number}", _("Write at least two answers to choose from, one a line."))
            asked.append(one)
        if not asked and not self.errors:
            self.add_error("label_0", _("Write at least one question."))
        self.instance.questions = asked
        return data

    def save(self, commit: bool = True) -> Any:
        self.instance.closes_at = _end_of(self.cleaned_data.get("closes_on"))
        return super().save(commit)


def _usual(kind: str) -> list[dict[str, Any]]:
    return [
        {"label": str(label), "type": type_, "required": required, "choices": list(map(str, choices))}
        for label, type_, required, choices in USUAL.get(kind, ())
    ]


def _desk() -> ZoneInfo:
    return ZoneInfo(Program.current().desk_time_zone)


def _end_of(day: Any) -> datetime | None:
    """The end of this day at the desk."""
    return datetime.combine(day, time(23, 59), _desk()) if day else None


def _day_of(moment: datetime) -> Any:
    return moment.astimezone(_desk()).date()


class FollowUpForm(forms.Form):
    """Where somebody's words stand, and what came of them."""

    status = forms.ChoiceField(label=_l("It is now"), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_l("What came of it"), required=False, max_length=LONGEST_WORDS,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_l("Whoever gave it reads this, by mail and at home. Nothing is needed while it is looked at."),
    )  # fmt: skip

    def __init__(self, *args: Any, feedback: Feedback, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        legal = [(value, label) for value, label in Feedback.Status.choices if feedback.may_move_to(value)]
        self.fields["status"].choices = legal  # type: ignore[attr-defined]
        self.fields["status"].error_messages["required"] = _("Say where it stands now.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        over = data.get("status") in {Feedback.Status.DONE, Feedback.Status.NOT_NOW}
        if over and not (data.get("note") or "").strip():
            self.add_error("note", _("Say what came of it; they read your words."))
        return data
