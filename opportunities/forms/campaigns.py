"""Forms of review campaigns."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from advocates.models import Cohort
from opportunities import campaigns as rules
from opportunities.models import ReviewCampaign, ReviewSite

USUAL = _(
    "You use the product every day, and others who think about it would like to read what you think, good or bad. It "
    "takes about ten minutes."
)


class CampaignForm(forms.Form):
    """One campaign. Only cohorts that say nothing about feelings pass."""

    title = forms.CharField(label=_("Title"), max_length=120, help_text=_("For us; customers do not read it."))
    site = forms.ModelChoiceField(label=_("Review site"), queryset=ReviewSite.objects.none(), empty_label=None)
    cohort = forms.ModelChoiceField(
        label=_("Whom"),
        queryset=Cohort.objects.all(),
        required=False,
        empty_label=_("Everybody who has agreed to mail from the program"),
        help_text=_(
            "A cohort of facts about people and their account. How somebody feels, and membership, may not choose."
        ),
    )
    by_rule = forms.BooleanField(
        label=_("Only when a rule asks"),
        required=False,
        help_text=_("Nobody is asked at the start; a rule asks whom it reaches, such as after a renewal."),
    )
    words = forms.CharField(
        label=_("What we write"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        initial=USUAL,
        help_text=_("Everybody reads the same. Not a word about what to think."),
    )
    thanks = forms.CharField(
        label=_("Thanks"),
        max_length=200,
        required=False,
        help_text=_("The same for everybody and any opinion, such as a donation of 10 €. Empty: none."),
    )
    closes_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, campaign: ReviewCampaign | None = None, **kwargs: Any) -> None:
        if campaign is not None:
            own = ("title", "words", "thanks", "closes_on")
            start = {name: getattr(campaign, name) for name in own}
            kwargs["initial"] = {
                **start,
                "site": campaign.site_id,
                "cohort": campaign.cohort_id,
                "by_rule": campaign.by_rule,
            }
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = ReviewSite.objects.filter(is_used=True)  # type: ignore[attr-defined]

    def clean_cohort(self) -> Cohort | None:
        cohort: Cohort | None = self.cleaned_data["cohort"]
        if refusal := rules.why_not(cohort.definition if cohort is not None else None):
            raise ValidationError(refusal)
        return cohort

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("by_rule") and said.get("cohort"):
            self.add_error("cohort", _now("Where a rule asks, the rule says whom. Keep it to a cohort there."))
        return said

    def clean_closes_on(self) -> Any:
        day = self.cleaned_data["closes_on"]
        if day is not None and day < timezone.localdate():
            raise ValidationError(_now("This day has passed. Choose a later one, or leave it empty."))
        return day


class ToldForm(forms.Form):
    """The reviewer says where it stands."""

    review_url = forms.URLField(
        label=_("Address of your review"), max_length=500, required=False, assume_scheme="https"
    )
    shown_as = forms.CharField(label=_("Or the name it is shown under"), max_length=150, required=False)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not said.get("review_url") and not said.get("shown_as") and not self.errors:
            self.add_error("review_url", _now("Tell us where it stands, or under which name, so that we can find it."))
        return said
