"""What is filled in around a prospect's link and the briefings."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from advocacy.users.forms import zones


class HandOverForm(forms.Form):
    """Who of the prospect gets a link of their own."""

    name = forms.CharField(label=_("Who gets the link"), max_length=150)
    email = forms.EmailField(
        label=_("Their address"), required=False,
        help_text=_(
            "With it the portal writes to them: the link, the calendar file and reminders. Without it, you pass it on."
        ),
    )  # fmt: skip
    time_zone = forms.ChoiceField(label=_("Their time zone"), help_text=_("They can change it on their page."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known, own = zones(), str(self["time_zone"].value() or "")
        if own and own not in dict(known) and not self.is_bound:
            known.append((own, own))
        self.fields["time_zone"].choices = known  # type: ignore[attr-defined]


class NotAboutForm(forms.Form):
    """What an advocate would rather not talk about; the other side reads it before they meet."""

    not_about = forms.CharField(
        label=_("What would you rather not talk about?"), required=False, max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=_("The other side reads it beforehand, in your words."),
    )  # fmt: skip


class AfterForm(forms.Form):
    """What the prospect says once the time is over."""

    happened = forms.ChoiceField(
        label=_("Did it take place?"), choices=[("yes", _("Yes")), ("no", _("No"))], widget=forms.RadioSelect,
        error_messages={"required": _("Choose yes or no.")},
    )  # fmt: skip
    text = forms.CharField(
        label=_("How was it?"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A sentence is plenty. Whoever gave you the link reads it, and the desk behind them."),
    )  # fmt: skip
