"""Forms about people between colleagues and advocates: nominations, letters, wishes."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.users.models import Role, RoleGrant, User
from advocates.models import ColleagueNomination, Wish

DAY = {"type": "date"}


class NominateForm(forms.ModelForm):
    """A customer a colleague puts forward."""

    class Meta:
        model = ColleagueNomination
        fields = ("given_name", "family_name", "email", "company", "title", "why", "signs")
        widgets = {"why": forms.Textarea({"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = _("Their address at work, as the records have it.")
        self.fields["why"].help_text = _("What they do with the product and how you know them; the team reads it.")

    def _get_validation_exclusions(self) -> set[str]:
        # Whether they may be nominated is the action's to say, with a name and a day.
        return {*super()._get_validation_exclusions(), "email"}  # type: ignore[misc]

    def facts(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "email"}


class WriteDownForm(forms.Form):
    """A mail or a talk from elsewhere, kept on the timeline by hand."""

    who = forms.ChoiceField(
        label=_("Who wrote or called"), choices=[("them", _("They did")), ("us", _("I did"))], widget=forms.RadioSelect,
        initial="them",
    )  # fmt: skip
    day = forms.DateField(label=_("When"), widget=forms.DateInput(DAY, format="%Y-%m-%d"))
    subject = forms.CharField(label=_("About"), max_length=300, required=False)
    text = forms.CharField(label=_("The words"), max_length=20_000, widget=forms.Textarea({"rows": 8}))
    asked_for_nothing = forms.BooleanField(
        label=_("I asked them for nothing"), required=False,
        help_text=_("Then it counts as a touch. Only for what you wrote."),
    )  # fmt: skip
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("day", timezone.localdate())


class WishForm(forms.ModelForm):
    """What an advocate asks of us."""

    class Meta:
        model = Wish
        fields = ("kind", "text")
        widgets = {"kind": forms.RadioSelect, "text": forms.Textarea({"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = Wish.Kind.choices  # type: ignore[attr-defined]
        self.fields["text"].help_text = _("With whom, where, by when: what would help you most?")


class HandOnForm(forms.Form):
    """Who takes care of a wish, and by when."""

    owner = forms.ModelChoiceField(label=_("Who takes care of it"), queryset=User.objects.none())
    due_on = forms.DateField(label=_("Answer by"), widget=forms.DateInput(DAY, format="%Y-%m-%d"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grants = RoleGrant.objects.filter(role__in=[Role.MODERATOR, Role.MANAGER, Role.LEAD, Role.ADMINISTRATOR])
        self.fields["owner"].queryset = User.objects.filter(  # type: ignore[attr-defined]
            is_active=True, pk__in=grants.values("user")
        ).order_by("name", "pk")


class OutcomeForm(forms.Form):
    """What came of a wish."""

    outcome = forms.CharField(
        label=_("What came of it"), max_length=2_000, widget=forms.Textarea({"rows": 4}),
        help_text=_("They read these words by mail and in the portal."),
    )  # fmt: skip


class SnippetForm(forms.Form):
    """Words used again and again."""

    name = forms.CharField(label=_("Name"), max_length=60)
    text = forms.CharField(label=_("Words"), max_length=2_000, widget=forms.Textarea({"rows": 6}))
    shared = forms.BooleanField(label=_("For the whole team"), required=False)

    def __init__(self, *args: Any, shares: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not shares:
            del self.fields["shared"]

    def said(self) -> dict[str, Any]:
        return {"shared": False, **self.cleaned_data}
