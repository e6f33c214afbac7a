"""Forms of the editor."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.models import EditionItem


class EditionForm(forms.Form):
    subject = forms.CharField(
        label=_("Subject"), max_length=150, help_text=_("The line people decide by. Names and figures work."),
        error_messages={"required": _("Give it a subject: it is the line people decide by.")},
    )  # fmt: skip
    preheader = forms.CharField(label=_("Preview line"), max_length=150, required=False)
    intro = forms.CharField(
        label=_("Opening words"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    hour = forms.IntegerField(label=_("Hour, on each reader's clock"), min_value=0, max_value=23)


class ItemForm(forms.Form):
    section = forms.ChoiceField(
        label=_("Section"),
        choices=[one for one in EditionItem.Section.choices if one[0] != EditionItem.Section.OPPORTUNITIES],
    )
    title = forms.CharField(label=_("Title"), max_length=150, error_messages={"required": _("Give it a title.")})
    text = forms.CharField(label=_("Text"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    link = forms.CharField(
        label=_("Link"), max_length=300, required=False, help_text=_("A page of the portal, such as /community/.")
    )

    def __init__(self, *args: Any, item: EditionItem | None = None, **kwargs: Any) -> None:
        if item is not None:
            kwargs["initial"] = {name: getattr(item, name) for name in ("section", "title", "text", "link")}
        super().__init__(*args, **kwargs)
        if item is not None and item.opportunity_id:
            # An opportunity stays one: only its words change here.
            del self.fields["section"], self.fields["link"]

    def clean_link(self) -> str:
        link = str(self.cleaned_data["link"]).strip()
        if link and not link.startswith("/"):
            raise forms.ValidationError(
                _("Links lead to the portal's own pages: begin with a slash, such as /community/.")
            )
        if link.startswith("//") or re.search(r"[\x00-\x20\x7f\\]", link):  # browsers drop tabs: /<tab>/ is //
            raise forms.ValidationError(
                _("Links lead to the portal's own pages: begin with one slash, and leave out spaces.")
            )
        return link


class ScheduleForm(forms.Form):
    slot = forms.DateField(
        label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": _("Choose the day it should go."), "invalid": _("Write the day as 2026-03-17.")},
    )  # fmt: skip
