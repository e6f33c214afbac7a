"""What forms say when something is missing or wrong: a sentence that says what to do, in one place for every form."""

from django import forms
from django.core import validators
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

SAID = {
    forms.Field: {"required": _("Fill this in.")},
    forms.ChoiceField: {"required": _("Choose one."), "invalid_choice": _("Choose one of those listed.")},
    forms.TypedChoiceField: {"required": _("Choose one."), "invalid_choice": _("Choose one of those listed.")},
    forms.MultipleChoiceField: {
        "required": _("Choose at least one."), "invalid_choice": _("Choose among those listed."),
        "invalid_list": _("Choose among those listed."),
    },
    forms.ModelChoiceField: {"required": _("Choose one."), "invalid_choice": _("Choose one of those listed.")},
    forms.ModelMultipleChoiceField: {"required": _("Choose at least one.")},
    forms.BooleanField: {"required": _("Tick this to go on.")},
    forms.FileField: {"required": _("Choose a file."), "empty": _("This file is empty. Choose another.")},
    forms.IntegerField: {"invalid": _("Write a whole number, such as 12.")},
    forms.DecimalField: {"invalid": _("Write a number, such as 12.5.")},
    forms.DateField: {"invalid": _("Write a day, such as 2026-03-10.")},
    forms.TimeField: {"invalid": _("Write a time, such as 14:30.")},
    forms.DateTimeField: {"invalid": _("Write a day and a time, such as 2026-03-10 14:30.")},
    forms.URLField: {"invalid": _("Write a web address, such as https://example.com/page.")},
}  # fmt: skip


def speak_plainly() -> None:
    """Give Django's fields and validators our sentences; called once at the start, before any form is made."""
    for field, sentences in SAID.items():
        field.default_error_messages = {**field.__dict__.get("default_error_messages", {}), **sentences}  # type: ignore[attr-defined]
    models.Field.default_error_messages = {
        **models.Field.default_error_messages,
        "null": _("Fill this in."),
        "blank": _("Fill this in."),
        "unique": _("There is one with this %(field_label)s already. Write another, or open that one."),
    }
    validators.MaxValueValidator.message = _("Write a number up to %(limit_value)s.")
    validators.MinValueValidator.message = _("Write a number from %(limit_value)s on.")
    validators.MaxLengthValidator.message = ngettext_lazy(
        "Shorten this to %(limit_value)d character; it has %(show_value)d.",
        "Shorten this to %(limit_value)d characters; it has %(show_value)d.",
        "limit_value",
    )
    validators.EmailValidator.message = _("Write a whole e-mail address, such as ines@example.com.")
    validators.URLValidator.message = _("Write a web address, such as https://example.com/page.")
    validators.validate_email.message = validators.EmailValidator.message
