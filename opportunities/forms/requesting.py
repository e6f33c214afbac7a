"""What makes asking easier: change a request, tell of a reference beside the desk, stop an ask."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Deal
from opportunities.actions.beside import LONG_AGO
from opportunities.forms.desk import FactsForm
from opportunities.models import OpportunityKind, ReferenceRequest


class ChangeForm(FactsForm):
    """What a requester may change while the desk looks."""

    needed_by = forms.DateField(label=_("Needed by"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, wanted: ReferenceRequest, today: date, **kwargs: Any) -> None:
        start = {name: getattr(wanted, name) for name in FactsForm.base_fields}
        kwargs["initial"] = {**start, "needed_by": wanted.needed_by, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.wanted, self.today = wanted, today
        self.fields["needed_by"].widget.attrs["min"] = min(today, wanted.needed_by).isoformat()

    def clean_needed_by(self) -> date:
        needed_by: date = self.cleaned_data["needed_by"]
        if needed_by < self.today and needed_by != self.wanted.needed_by:
            raise ValidationError(_("This day has passed. Choose today or a later one."))
        return needed_by


class BesideForm(forms.Form):
    """A reference that happened beside the desk: who, for whom, when."""

    prospect = forms.CharField(label=_("For which prospect?"), max_length=200, required=False)
    deal = forms.ModelChoiceField(
        label=_("Or for which deal of yours?"), queryset=Deal.objects.none(), required=False, empty_label=_("No deal")
    )
    happened_on = forms.DateField(label=_("When?"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    kind = forms.ModelChoiceField(
        label=_("What was it?"), queryset=OpportunityKind.objects.filter(for_requests=True), empty_label=None
    )
    minutes = forms.IntegerField(label=_("How many minutes?"), required=False, min_value=1, max_value=2000)
    text = forms.CharField(label=_("In a few words"), required=False, max_length=300)
    direct = forms.BooleanField(
        label=_("I asked them directly, and they said yes"),
        error_messages={"required": _("Tick this: the desk needs to know that it did not ask.")},
        help_text=_("It counts as an ask of theirs, so that nobody asks them again too soon."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"happened_on": timezone.localdate(), **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        mine = Deal.objects.visible_to(user).filter(owner=user.pk).order_by("-opened_on", "-pk")
        ids = list(mine.values_list("pk", flat=True)[:100])
        self.fields["deal"].queryset = Deal.objects.filter(pk__in=ids).order_by("prospect", "name")  # type: ignore[attr-defined]
        today = timezone.localdate()
        self.fields["happened_on"].widget.attrs.update(
            max=today.isoformat(), min=(today - LONG_AGO + timedelta(days=1)).isoformat()
        )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        deal = said.get("deal")
        if not said.get("prospect") and deal is not None:
            said["prospect"] = deal.prospect or deal.name
        if not said.get("prospect") and "prospect" not in self.errors:
            self.add_error("prospect", _("Name the prospect, or choose a deal."))
        return said


class StopForm(forms.Form):
    """Why an ask is stopped."""

    reason = forms.CharField(
        label=_("Why should it not be asked?"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("The desk reads this. The advocate hears only that it is needed no more."),
    )
