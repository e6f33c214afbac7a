"""Forms for people who sign in."""

import zoneinfo
from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from advocacy.users.models import Role, User


def zones() -> list[tuple[str, str]]:
    """Time zones people know by a city."""
    places = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    names = sorted(name for name in zoneinfo.available_timezones() if name.startswith(places))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class PersonForm(forms.ModelForm):
    """A colleague or advocate in the admin: who they are, and the roles they hold."""

    roles = forms.MultipleChoiceField(
        label=_("roles"), choices=Role.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("time zone"), help_text=_("Times are shown on this clock."))

    class Meta:
        model = User
        fields = ["email", "name", "title", "language", "time_zone", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = zones()
        if self.instance.time_zone not in dict(known):
            known.append((self.instance.time_zone, self.instance.time_zone))
        self.fields["time_zone"].choices = known  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["roles"].initial = sorted(self.instance.role_set)

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        elsewhere = EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=self.instance.pk)
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists() or elsewhere.exists():
            raise ValidationError(_("Somebody already signs in with this address. Open their page instead."))
        return email
