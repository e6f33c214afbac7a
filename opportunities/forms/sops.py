"""Writing a team's SOP."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Deal
from opportunities.models import SopVersion

STAGES_KNOWN = 40


class SopForm(forms.Form):
    """The parts of an SOP; each save is a version."""

    where_to_ask = forms.CharField(
        label=_("Where to ask"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    what_to_expect = forms.CharField(
        label=_("What to expect"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )
    how_fast = forms.CharField(
        label=_("How fast"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    deal_stage = forms.CharField(
        label=_("At which stage of a deal"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    too_early = forms.MultipleChoiceField(
        label=_("Stages that are too early"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("A request for a deal at one of these is refused, unless somebody says why it cannot wait."),
    )
    too_early_words = forms.CharField(
        label=_("What is said then"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What to do instead, and when to come back."),
    )
    instead = forms.CharField(
        label=_("What can be used instead"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    read = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, version: SopVersion | None = None, **kwargs: Any) -> None:
        if version is not None:
            own = {name: getattr(version, name) for name in (*SopVersion.TEXTS, "too_early")}
            kwargs["initial"] = {**own, "read": version.number, **kwargs.get("initial", {})}
        else:
            kwargs["initial"] = {"read": 0, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        stages = Deal.objects.order_by("stage").values_list("stage", flat=True).distinct()
        known = [stage for stage in stages[:STAGES_KNOWN] if stage]
        known += [stage for stage in (version.too_early if version else []) if stage not in known]
        self.fields["too_early"].choices = [(stage, stage) for stage in known]  # type: ignore[attr-defined]
        if not known:
            del self.fields["too_early"]
