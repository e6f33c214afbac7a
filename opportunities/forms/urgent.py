"""What is filled in around the urgent lane."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class DeadlineForm(forms.Form):
    """The hour something is needed by, on the reader's own clock."""

    needed_at = forms.DateTimeField(
        label=_("Needed by the hour"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 300}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": _("Write the day and the hour as 2026-03-27T14:00.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = timezone.get_current_timezone_name().replace("_", " ")
        self.fields["needed_at"].help_text = _("On your clock (%(zone)s).") % {"zone": zone}
