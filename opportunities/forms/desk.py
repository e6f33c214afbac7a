"""What requesters, advocates and managers fill in around a request."""

import zoneinfo
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Deal, StakeholderTeam
from advocacy.lib.given import whole_number
from opportunities import desk, sops
from opportunities.models import OpportunityKind, ReferenceRequest

GRADES = ((5, _("Very good")), (4, _("Good")), (3, _("All right")), (2, _("Not so good")), (1, _("Bad")))
FROM_THE_DEAL = {
    "prospect": "prospect", "industry": "industry", "employees": "employees", "region": "region", "country": "country",
    "language": "language", "product": "product", "competitor": "competitor",
}  # fmt: skip
"""Fields of the form that a deal fills in, and where in the deal they come from."""


def text_from(deal: Deal | None) -> dict[str, str]:
    """What a deal says about the prospect, as typed text."""
    if deal is None:
        return {}
    said = {field: getattr(deal, source) for field, source in FROM_THE_DEAL.items()}
    said["prospect"] = said["prospect"] or deal.name
    return {field: str(value) for field, value in said.items() if value not in (None, "")}


class FactsForm(forms.Form):
    """What matching reads of a request; requesters fill it in, the desk mends it."""

    industry = forms.CharField(label=_("Industry"), max_length=100, required=False)
    employees = forms.IntegerField(label=_("Employees"), required=False, min_value=1, max_value=10_000_000)
    region = forms.CharField(label=_("Region"), max_length=60, required=False)
    country = forms.CharField(
        label=_("Country"), max_length=2, required=False, help_text=_("Two letters, such as DE or GB.")
    )
    language = forms.ChoiceField(label=_("Language of the conversation"), required=False)
    product = forms.CharField(label=_("Product"), max_length=100, required=False)
    use_case = forms.CharField(label=_("Use case"), max_length=100, required=False)
    competitor = forms.CharField(
        label=_("Competitor"), max_length=100, required=False, help_text=_("Whom they use today, or also look at.")
    )
    prospect_domain = forms.CharField(
        label=_("Web address"),
        max_length=200,
        required=False,
        help_text=_("Keeps us from asking somebody who competes with them."),
    )
    prospect_person = forms.CharField(label=_("Who will ask"), max_length=150, required=False)
    prospect_role = forms.CharField(
        label=_("Their role"), max_length=150, required=False, help_text=_("We look for somebody with the same work.")
    )
    depth = forms.ChoiceField(
        label=_("How deep should it go?"),
        required=False,
        choices=[
            ("", _("I do not know")),
            ("overview", _("An overview")),
            ("practical", _("How it works day to day")),
            ("technical", _("Technical details")),
        ],
    )
    questions = forms.CharField(
        label=_("What do they want to know?"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The advocate reads this before saying yes."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("industry", "region", "product", "use_case", "competitor"):
            if name in self.fields:
                self.fields[name].widget.attrs["list"] = f"known-{name}"
                self.fields[name].widget.attrs["autocomplete"] = "off"
        # Languages are told in the reader's own; one the choices do not know (it came from the CRM) stays a code.
        choices = [(code, get_language_info(code)["name_translated"]) for code, _name in settings.LANGUAGES]
        code = str(self["language"].value() or "")
        if code and code not in dict(choices):
            choices.append((code, code))
        self.fields["language"].choices = [("", _("Any")), *choices]  # type: ignore[attr-defined]

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"].strip().upper()
        if country and (len(country) != 2 or not country.isalpha() or not country.isascii()):
            raise ValidationError(_("Write the country as two letters, such as DE or GB."))
        return country

    def clean_prospect_domain(self) -> str:
        domain = self.cleaned_data["prospect_domain"].strip().lower()
        return str(domain.removeprefix("https://").removeprefix("http://").removeprefix("www.").split("/")[0])

    @property
    def facts(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name in FactsForm.base_fields}


class RequestForm(FactsForm):
    """A request to the reference desk (D1)."""

    kind = forms.ModelChoiceField(
        label=_("What is wanted"), queryset=OpportunityKind.objects.filter(for_requests=True), empty_label=None
    )
    wanted = forms.IntegerField(label=_("How many advocates"), min_value=1, max_value=20, initial=1)
    needed_by = forms.DateField(
        label=_("Needed by"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": _("Say by which day it is needed.")},
    )  # fmt: skip
    needed_hour = forms.TimeField(
        label=_("By which hour"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("For media and analysts, on your clock. Others need no hour."),
    )  # fmt: skip
    team = forms.ModelChoiceField(
        label=_("Your team"), queryset=StakeholderTeam.objects.all(), required=False, empty_label=_("No team")
    )
    prospect = forms.CharField(
        label=_("Company"), max_length=200, help_text=_("Advocates read this name first."),
        error_messages={"required": _("Name the company that would like to hear from a customer.")},
    )  # fmt: skip
    deal = forms.ModelChoiceField(queryset=Deal.objects.all(), required=False, widget=forms.HiddenInput)
    anyway = forms.BooleanField(label=_("File another one all the same"), required=False, widget=forms.HiddenInput)
    too_early_because = forms.CharField(
        label=_("Why can it not wait?"), required=False, max_length=300, widget=forms.HiddenInput,
        help_text=_("Your team’s SOP asks to wait at this stage of the deal. The desk reads your reason."),
    )  # fmt: skip

    def __init__(self, *args: Any, user: Any, today: date, enough: bool = False, **kwargs: Any) -> None:
        """``enough``: something that was shown answers it, so nobody is asked and no day matters."""
        super().__init__(*args, **kwargs)
        self.user, self.today, self.enough = user, today, enough
        if enough:
            self.fields["needed_by"].required = False
            self.fields["wanted"].required = False
        self.fields["deal"].queryset = Deal.objects.visible_to(user)  # type: ignore[attr-defined]
        self.fields["needed_by"].widget.attrs["min"] = today.isoformat()
        deal = self["deal"].value()
        self.active = list(desk.active_for_deal(whole_number(str(deal or ""))).select_related("kind", "requester")[:3])
        if self.active:
            self.fields["anyway"].widget = forms.CheckboxInput()
        self.early = self._too_early()
        if self.early:
            self.fields["too_early_because"].widget = forms.TextInput()

    def _too_early(self) -> str:
        """What the SOP of the chosen team says to the stage of the chosen deal; empty where it says nothing."""
        numbers = {name: whole_number(str(self[name].value() or "")) or 0 for name in ("deal", "team")}
        deal = Deal.objects.visible_to(self.user).filter(pk=numbers["deal"]).first()
        team = StakeholderTeam.objects.filter(pk=numbers["team"]).first()
        return sops.too_early(sops.current(team), deal) if deal is not None else ""

    def clean_needed_by(self) -> date:
        needed_by: date | None = self.cleaned_data["needed_by"]
        if self.enough and (needed_by is None or needed_by < self.today):
            return self.today
        assert needed_by is not None
        if needed_by < self.today:
            raise ValidationError(_("This day has passed. Choose today or a later one."))
        return needed_by

    def clean_prospect(self) -> str:
        return " ".join(self.cleaned_data["prospect"].split())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind, day, hour = cleaned.get("kind"), cleaned.get("needed_by"), cleaned.get("needed_hour")
        cleaned["needed_at"] = None
        if kind is not None and kind.is_urgent and day is not None and hour is not None and not self.enough:
            cleaned["needed_at"] = timezone.make_aware(datetime.combine(day, hour))
            if cleaned["needed_at"] <= timezone.now():
                self.add_error("needed_hour", _("This hour has passed. Choose a later one."))
        if self.enough:
            cleaned["wanted"] = cleaned.get("wanted") or 1
            return cleaned
        if self.active and not cleaned.get("anyway"):
            self.add_error("anyway", _("This deal has a request under way. Tick this to file another one."))
        if self.early and not cleaned.get("too_early_because", "").strip():
            self.add_error("too_early_because", self.early)
        return cleaned


def draft_of(
    posted: Mapping[str, Any], *, deal: Deal | None, before: Deal | None, fields: Mapping[str, Any]
) -> dict[str, Any]:
    """What a form shows after another deal was picked: what was typed stays, what the old deal had said goes."""
    kept = {name: posted.get(name, "") for name in fields if name in posted}
    old, new = text_from(before), text_from(deal)
    for name in FROM_THE_DEAL:
        typed = str(kept.get(name, "")).strip()
        if not typed or typed == old.get(name):
            kept[name] = new.get(name, "" if typed == old.get(name) else typed)
    return {**kept, "deal": deal.pk if deal else ""}


# --- Answers ----------------------------------------------------------------------------------------------------------
class TimesForm(forms.Form):
    """Times an advocate proposes, on their own clock: the page that shows it has made that the current one."""

    def __init__(
        self, *args: Any, count: int = desk.TIMES_PROPOSED, minutes: int = 0, at: datetime, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.at, self.count, self.minutes = at, count, minutes
        for number in range(1, count + 1):
            self.fields[f"time_{number}"] = forms.DateTimeField(
                label=_("Time %(number)s") % {"number": number},
                input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
                widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 300}, format="%Y-%m-%dT%H:%M"),
                error_messages={
                    "required": _("Choose a day and an hour."),
                    "invalid": _("Write the day and the hour as 2026-03-27T14:00."),
                },
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen: set[datetime] = set()
        for name in list(self.fields):
            value = cleaned.get(name)
            if value is None:
                continue
            if value <= self.at:
                self.add_error(name, _("This time has passed. Choose one to come."))
            elif value > desk.latest_time(self.at):
                self.add_error(name, _("This time is more than half a year ahead. Choose an earlier one."))
            elif value in seen:
                self.add_error(name, _("You have this time already. Choose another one."))
            elif desk.overlaps([*seen, value], minutes=self.minutes):
                self.add_error(name, _("This time overlaps with another of yours. Leave room between them."))
            else:
                seen.add(value)
        return cleaned

    @property
    def times(self) -> list[datetime]:
        return [self.cleaned_data[name] for name in self.fields]


class DeclineForm(forms.Form):
    """Not now, or not at all."""

    reason = forms.CharField(
        label=_("Why not now?"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("If you like; your manager reads it, the prospect does not."),
    )
    rule_out = forms.BooleanField(required=False)
    never = forms.BooleanField(required=False)

    def __init__(self, *args: Any, wanted: ReferenceRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rule_out"].label = _("Rule %(prospect)s out for me, for good") % {"prospect": wanted.prospect}
        self.fields["never"].label = _("Never ask me for this kind again: %(kind)s") % {"kind": wanted.kind.name}


class HowWasItForm(forms.Form):
    """How it was, from the requester's side."""

    happened = forms.TypedChoiceField(
        label=_("Did it take place?"),
        choices=(("yes", _("Yes")), ("no", _("No"))),
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    grade = forms.TypedChoiceField(
        label=_("How much did it help?"), choices=GRADES, coerce=int, widget=forms.RadioSelect
    )
    text = forms.CharField(
        label=_("What should the advocate hear?"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A sentence about what it changed is the best thank-you."),
    )


class SayForm(forms.Form):
    """A few words: a note, a question, an answer, a reason."""

    text = forms.CharField(label=_("In words"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, label: Any = "", help_text: Any = "", rows: int = 3, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = label or self.fields["text"].label
        self.fields["text"].help_text = help_text
        self.fields["text"].widget.attrs["rows"] = rows


class MoveTimeForm(forms.Form):
    """Another time for a call that is set, on the manager's own clock."""

    starts_at = forms.DateTimeField(
        label=_("New time"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 300}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = timezone.get_current_timezone_name().replace("_", " ")
        self.fields["starts_at"].help_text = _("On your clock (%(zone)s).") % {"zone": zone}


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """A time zone by its name; UTC where the name is not one."""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
