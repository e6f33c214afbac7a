"""What people tell about themselves."""

import re
import zoneinfo
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Account
from advocacy.users.models import User
from advocates import invitations, types, wording
from advocates import kinds as kinds_kept
from advocates.actions.joining import Details
from advocates.models import AwayPeriod, InvitationTemplate

Group = tuple[Any, Any, list[forms.BoundField]]


def zones() -> list[tuple[str, str]]:
    """Time zones people know by a city, with their present name."""
    names = sorted(
        name
        for name in zoneinfo.available_timezones()
        if name.split("/")[0] in {"Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


lazy_zones = lazy(zones, list)


class ConsentFields(forms.Form):
    """One box for each purpose, none ticked beforehand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for _heading, _hint, purposes in wording.GROUPS:
            for purpose in purposes:
                self.fields[f"consent_{purpose}"] = forms.BooleanField(
                    label=wording.CONSENT[purpose], required=False, initial=False
                )

    @property
    def consent_groups(self) -> list[Group]:
        return [
            (heading, hint, [self[f"consent_{purpose}"] for purpose in purposes])
            for heading, hint, purposes in wording.GROUPS
        ]

    def consents(self) -> dict[str, str]:
        """The purposes ticked, each with the words that stood beside its box."""
        ticked = [
            purpose
            for _heading, _hint, purposes in wording.GROUPS
            for purpose in purposes
            if self.cleaned_data.get(f"consent_{purpose}")
        ]
        return wording.shown(ticked)


class JoinForm(ConsentFields):
    """Joining: who you are, two questions, what we may do."""

    given_name = forms.CharField(
        label=_("Given name"), max_length=100, widget=forms.TextInput({"autocomplete": "given-name"})
    )
    family_name = forms.CharField(
        label=_("Family name"), max_length=100, widget=forms.TextInput({"autocomplete": "family-name"})
    )
    title = forms.CharField(
        label=_("What you do"), max_length=150, required=False, help_text=_("Your title, as you would say it."),
        widget=forms.TextInput({"autocomplete": "organization-title"}),
    )  # fmt: skip
    take_part = forms.ChoiceField(
        label=_("How would you like to take part?"), choices=types.TAKE_PART, widget=forms.RadioSelect,
        help_text=_("The closest one. It decides what we show you first, nothing more."),
    )  # fmt: skip
    thanked = forms.ChoiceField(
        label=_("How would you like to be thanked?"), choices=types.THANKED, widget=forms.RadioSelect
    )

    about_fields: tuple[str, ...] = ("given_name", "family_name", "title")

    def about(self) -> list[forms.BoundField]:
        return [self[name] for name in self.about_fields if name in self.fields]

    def details(self, **more: Any) -> Details:
        data = self.cleaned_data
        return Details(
            given_name=data["given_name"].strip(), family_name=data["family_name"].strip(), title=data["title"].strip(),
            type=types.type_of(data["take_part"]), thanks=data["thanked"], consents=self.consents(), **more,
        )  # fmt: skip


class AcceptForm(JoinForm):
    """The yes to an invitation: as joining, and how to sign in from now on."""

    password = forms.CharField(
        label=_("A password"), required=False, strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("Leave it empty to sign in with a code we mail you each time."),
    )  # fmt: skip

    def __init__(self, *args: Any, email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if password:
            person = User(email=self.email, name=self.cleaned_data.get("given_name", ""))
            validate_password(password, person)
        return password


class ApplyForm(JoinForm):
    """The public form: as joining, and where they work."""

    email = forms.EmailField(
        label=_("Your e-mail at work"), max_length=254, widget=forms.EmailInput({"autocomplete": "email"}),
        help_text=_("We write to it once, so that you can confirm it."),
    )  # fmt: skip
    company = forms.CharField(
        label=_("Your company"), max_length=200, widget=forms.TextInput({"autocomplete": "organization"})
    )
    region = forms.ChoiceField(label=_("Where you are"))
    why = forms.CharField(
        label=_("What would make this worth your time?"), required=False, max_length=2000,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
    # Shown to nobody: whoever fills it in is a machine.
    website = forms.CharField(required=False, widget=forms.TextInput({"tabindex": "-1", "autocomplete": "off"}))

    about_fields = ("given_name", "family_name", "email", "company", "title", "region")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name, name) for name in regions()]
        self.fields["region"].choices = [("", gettext("Somewhere else")), *known]  # type: ignore[attr-defined]
        self.fields["region"].required = False
        if not known:
            del self.fields["region"]

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


def regions() -> list[str]:
    """The regions the program knows, by its accounts and the invitations written for them."""
    known = set(Account.objects.exclude(region="").order_by().values_list("region", flat=True).distinct())
    return sorted(known | set(InvitationTemplate.objects.exclude(region="").values_list("region", flat=True)))


class WordsField(forms.CharField):
    """Tags as people type them: with commas between."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value) or ""
        found: list[str] = []
        for word in (part.strip() for part in text.split(",")):
            if word and word.casefold() not in {known.casefold() for known in found}:
                found.append(word)
        if any(len(word) > 100 for word in found):
            raise ValidationError(_("Each of them can be up to 100 characters long."))
        if len(found) > 30:
            raise ValidationError(_("Thirty are enough."))
        return found


class WelcomeForm(forms.Form):
    """The short talk after joining: what is it worth to you, what would you like, how often?"""

    valuable = forms.CharField(
        label=_("What would make this worth your time?"), required=False, max_length=5000,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("For example: meet two planners who have done the same rollout."),
    )  # fmt: skip
    wants = forms.MultipleChoiceField(
        label=_("What sounds like you?"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("We look for these first. You are never bound to any."),
    )  # fmt: skip
    expertise = WordsField(
        label=_("What do others ask you about?"), required=False, max_length=1000,
        help_text=_("A few words with commas between: “forecasting, change management”."),
    )  # fmt: skip
    asks_a_quarter = forms.TypedChoiceField(
        label=_("How often may we ask you for something?"), required=False, coerce=int, empty_value=None,
        choices=[
            ("", _("Whenever it fits; you rest after each ask anyway")), ("1", _("Once a quarter at most")),
            ("2", _("Twice a quarter at most")), ("0", _("Do not ask; I choose from the board")),
        ],
    )  # fmt: skip
    time_zone = forms.ChoiceField(label=_("Your time zone"), choices=lazy_zones())

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kinds:
            self.fields["wants"].choices = kinds  # type: ignore[attr-defined]
        else:
            del self.fields["wants"]
        self.keep_what_stands()

    def keep_what_stands(self) -> None:
        """What stands already can be chosen, also where the list does not offer it: saving must not drop it."""
        for name in ("time_zone", "language"):
            stands = self.initial.get(name)
            if name in self.fields and stands:
                self._offer(name, [(stands, str(stands))])
        limit = self.initial.get("asks_a_quarter")
        if limit is not None:
            self._offer("asks_a_quarter", [(str(limit), _("%(number)s times a quarter at most") % {"number": limit})])
        for name in ("wants", "never"):
            if name in self.fields:
                stand = list(self.initial.get(name) or ())
                self._offer(name, list(zip(stand, kinds_kept.words(stand), strict=True)))

    def _offer(self, name: str, more: list[tuple[str, Any]]) -> None:
        field: Any = self.fields[name]
        offered = list(field.choices)
        known = {value for value, _label in offered}
        field.choices = [*offered, *(one for one in more if one[0] not in known)]


class WelcomeStepForm(WelcomeForm):
    """One step of the talk: only its questions."""

    def __init__(self, *args: Any, names: Collection[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in [name for name in self.fields if name not in names]:
            del self.fields[name]

    def shelves(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """The kinds in their groups, each with its minutes; what was chosen before and is kept no more comes last."""
        chosen = {str(value) for value in self["wants"].value() or ()}
        found = kinds_kept.shelves()
        offered = {slug for _name, rows in found for slug, _word, _minutes in rows}
        choices: Any = self.fields["wants"].choices  # type: ignore[attr-defined]
        if rest := [(slug, word, 0) for slug, word in choices if slug not in offered]:
            found.append((gettext("Chosen before"), rest))
        return [
            (
                group,
                [
                    {"slug": slug, "name": name, "minutes": minutes, "chosen": slug in chosen}
                    for slug, name, minutes in rows
                ],
            )
            for group, rows in found
        ]


class ProfileForm(WelcomeForm):
    """Everything an advocate says about themselves."""

    given_name = forms.CharField(label=_("Given name"), max_length=100)
    family_name = forms.CharField(label=_("Family name"), max_length=100)
    title = forms.CharField(label=_("What you do"), max_length=150, required=False)
    linkedin = forms.URLField(
        label=_("LinkedIn"), required=False, max_length=200, assume_scheme="https",
        widget=forms.TextInput({"inputmode": "url", "placeholder": "linkedin.com/in/…"}),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"))
    years_of_experience = forms.IntegerField(label=_("Years of experience"), required=False, min_value=0, max_value=80)
    about = forms.CharField(
        label=_("About you"), required=False, max_length=5000, widget=forms.Textarea({"rows": 3}),
        help_text=_("Shown to other members where you are listed in the directory."),
    )  # fmt: skip
    interests = WordsField(label=_("Interests and hobbies"), required=False, max_length=1000)
    goals = forms.CharField(
        label=_("Where do you want to be in a year?"), required=False, max_length=5000,
        widget=forms.Textarea({"rows": 2}), help_text=_("Only the people who run the program see this."),
    )  # fmt: skip
    never = forms.MultipleChoiceField(
        label=_("What should nobody ask you for?"), required=False, widget=forms.CheckboxSelectMultiple
    )
    ruled_out = WordsField(
        label=_("Companies you do not want to talk to"), required=False, max_length=1000,
        help_text=_("Competitors, former employers … we never ask why."),
    )  # fmt: skip
    take_part = forms.ChoiceField(
        label=_("How would you like to take part?"), choices=types.TAKE_PART, widget=forms.RadioSelect, required=False
    )
    thanked = forms.ChoiceField(
        label=_("How would you like to be thanked?"), choices=types.THANKED, widget=forms.RadioSelect, required=False
    )
    prefers_private = forms.BooleanField(
        label=_("I prefer to stay private: nothing public by name, and no celebration in front of others"),
        required=False,
    )

    sections: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (_("Who you are"), ("given_name", "family_name", "title", "linkedin", "language", "time_zone")),
        (_("What you know and like"), ("expertise", "years_of_experience", "about", "interests")),
        (_("What you would like here"), ("take_part", "thanked", "wants", "valuable", "goals")),
        (_("Your limits"), ("asks_a_quarter", "never", "ruled_out", "prefers_private")),
    )

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], languages: Any, **kwargs: Any) -> None:
        super().__init__(*args, kinds=kinds, **kwargs)
        self.fields["language"].choices = languages  # type: ignore[attr-defined]
        if kinds:
            self.fields["never"].choices = kinds  # type: ignore[attr-defined]
        else:
            del self.fields["never"]
        self.keep_what_stands()

    def say_where_from(self, provenance: Mapping[str, str]) -> None:
        """Show beside each value who gave it."""
        for name, words in provenance.items():
            if name in self.fields:
                self.fields[name].where_from = words  # type: ignore[attr-defined]

    def in_sections(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(heading, [self[name] for name in names if name in self.fields]) for heading, names in self.sections]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        both = set(data.get("wants") or ()) & set(data.get("never") or ())
        if both:
            self.add_error("never", _("You cannot both want something and never be asked for it."))
        return data


class AwayForm(forms.ModelForm):
    """Days on which nobody should ask."""

    class Meta:
        model = AwayPeriod
        fields = ("starts_on", "ends_on")
        labels = {"starts_on": _("From"), "ends_on": _("To, included")}
        widgets = {
            # They belong to the profile's form on the page, so that neither button throws away what the other keeps.
            "starts_on": forms.DateInput({"type": "date", "form": "profile"}, format="%Y-%m-%d"),
            "ends_on": forms.DateInput({"type": "date", "form": "profile"}, format="%Y-%m-%d"),
        }

    use_required_attribute = False

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        starts, ends = data.get("starts_on"), data.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", _("That is before the first day."))
        elif ends and ends < self.today:
            self.add_error("ends_on", _("That is over already."))
        elif starts and ends and (ends - starts).days > 366:
            self.add_error("ends_on", _("For more than a year, set your own limit to “do not ask” instead."))
        return data


class NoteForm(forms.Form):
    """A few words to somebody."""

    text = forms.CharField(label=_("Your message"), max_length=2000, widget=forms.Textarea({"rows": 5}))


class InvitationTemplateForm(forms.ModelForm):
    """Words of an invitation; a merge field nobody knows is refused here, not in somebody's mailbox."""

    class Meta:
        model = InvitationTemplate
        fields = ("region", "language", "subject", "body", "basis")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["body"].widget.attrs["rows"] = 12
        self.fields["basis"].widget = forms.Textarea(attrs={"rows": 2})
        self.fields["region"].help_text = gettext("Empty: everywhere no other invitation is written for.")

    def clean_language(self) -> str:
        language = str(self.cleaned_data["language"]).strip().lower().replace("_", "-")
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,4})?", language):
            raise ValidationError(gettext("Write the language as its code, such as en, de or pt-br."))
        return language

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        invitations.check_merge_fields(subject)
        if "\n" in subject or "\r" in subject:
            raise ValidationError(gettext("A subject is one line."))
        return subject

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"]
        invitations.check_merge_fields(body)
        return body
