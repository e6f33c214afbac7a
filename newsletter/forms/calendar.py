"""Forms of the calendar: the words of an entry, its day and hour, an idea in one line."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from advocacy.users.models import Role, User
from advocacy.users.rights import role_may
from advocates.forms import regions
from community.models import Space
from newsletter import outlook
from newsletter.models import Entry
from newsletter.models.calendar import Type

LONGEST = 20_000


def speakers() -> Any:
    """In whose name something may be published: those who edit the calendar."""
    roles = [role for role in Role.values if role_may(role, "newsletter.edit")]
    return User.objects.filter(is_active=True, role_grants__role__in=roles).distinct().order_by("name", "pk")


class Name(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.get_full_name())


def _worded(choices: Iterable[tuple[str, Any]]) -> Callable[[], list[tuple[str, str]]]:
    """Choices with a capital, as they stand alone in a field."""
    kept = list(choices)
    return lambda: [(value, capfirst(str(label))) for value, label in kept]


class EntryForm(forms.Form):
    """The words of an entry. Only the title is needed for an idea; the rest is asked for when it is approved."""

    title = forms.CharField(
        label=_("Title"), max_length=150,
        help_text=_("What it is about, as members will read it."),
        error_messages={
            "required": _("Give it a title, even a rough one."),
            "max_length": _("Shorten the title to 150 characters."),
        },
    )  # fmt: skip
    body = forms.CharField(
        label=_("Text"), required=False, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 9}),
        help_text=_("Markdown works: **bold**, *slanted*, lists, > quotes."),
        error_messages={"max_length": _("That is longer than a post can be (20,000 characters). Make it two.")},
    )  # fmt: skip
    kind = forms.ChoiceField(label=_("Kind"), choices=_worded(Entry.Kind.choices), initial=Entry.Kind.POST)
    type = forms.ChoiceField(label=_("Type"), choices=_worded(Type.choices), initial=Type.EDUCATIONAL)
    space = forms.ModelChoiceField(
        Space.objects.none(), label=_("Space"), required=False, empty_label=_("Not chosen yet")
    )
    region = forms.ChoiceField(label=_("Region"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    owner = Name(User.objects.none(), label=_("In whose name"), empty_label=None)

    def __init__(self, *args: Any, entry: Entry | None = None, **kwargs: Any) -> None:
        if entry is not None:
            names = ("title", "body", "kind", "type", "space", "region", "language", "owner")
            kwargs["initial"] = {name: getattr(entry, name) for name in names}
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["space"].queryset = Space.objects.filter(is_open=True)
        fields["owner"].queryset = speakers()
        if entry is not None and entry.space_id:
            fields["space"].queryset = Space.objects.filter(is_open=True) | Space.objects.filter(pk=entry.space_id)
        known = sorted({*regions(), *(one.name for one in outlook.regions()), *([entry.region] if entry else [])})
        if kwargs.get("initial", {}).get("region") not in (None, "", *known):
            known.append(kwargs["initial"]["region"])
        fields["region"].choices = [("", _("Everywhere")), *((one, one) for one in known if one)]
        fields["language"].choices = [("", _("Any")), *settings.LANGUAGES]


class WhenForm(forms.Form):
    """A day and an hour on the desk's clock; without a day it is an idea."""

    day = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": _("Write the day as 2026-03-17.")},
    )  # fmt: skip
    hour = forms.TimeField(
        label=_("Hour"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("Write the hour as 09:30.")},
    )  # fmt: skip


class MoveForm(WhenForm):
    """As ``WhenForm``, and the day it stood on for whoever moves it."""

    seen = forms.DateField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, with_hour: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not with_hour:
            del self.fields["hour"]
            self.fields["day"].required = True
            self.fields["day"].error_messages["required"] = _("Choose the day.")
        else:
            self.fields["day"].help_text = _("Leave it empty to put it back among the ideas.")


class IdeaForm(forms.Form):
    title = forms.CharField(
        max_length=150,
        error_messages={
            "required": _("Write the idea in a few words."),
            "max_length": _("Shorten the idea to 150 characters; its page has room for more."),
        },
    )
