"""What the board reads of a request that goes out without a name."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class BroadcastForm(forms.Form):
    """The words advocates read; ``anyway`` is asked for only where they point at the prospect."""

    title = forms.CharField(label=_("Title"), max_length=150)
    summary = forms.CharField(label=_("In a sentence"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    what = forms.CharField(
        label=_("What is asked"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("In your own words. The questions of the request stay with whoever is put forward."),
    )  # fmt: skip
    gain = forms.CharField(
        label=_("What they get from it"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    anyway = forms.BooleanField(label=_("I have looked: nobody can tell who asks."), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pointing: list[str] = []

    @property
    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in ("title", "summary", "what", "gain")}
