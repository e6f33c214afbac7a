"""Forms of the proof library and of stories: facts, the words, the customer's yes."""

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Account, Contact
from advocacy.users.models import Role, User
from opportunities.models import RESULT, Approval, Findable, Proof, Scope, Story
from opportunities.showing import SECTIONS

RESULT_ROWS = 5
PEOPLE_SHOWN = 300


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class WordsField(forms.CharField):
    """Several words with commas between, as a list without doubles."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return list(dict.fromkeys(word for one in text.split(",") if (word := " ".join(one.split())[:100])))


def people_of(account: Account) -> Any:
    """Who works at an account, to choose from."""
    rows = Contact.objects.filter(account=account, left_on__isnull=True, erased_at__isnull=True)
    return rows.order_by("family_name", "given_name", "pk")[:PEOPLE_SHOWN]


class _PersonField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.full_name}, {obj.title}" if obj.title else str(obj.full_name)


def _person_field(account: Account, **more: Any) -> forms.ModelChoiceField:
    ids = list(people_of(account).values_list("pk", flat=True))
    rows = Contact.objects.filter(pk__in=ids).order_by("family_name", "given_name", "pk")
    return _PersonField(queryset=rows, required=False, empty_label=_("Nobody in particular"), **more)


class FoundByForm(forms.Form):
    """The facts a proof or story is found by."""

    industry = forms.CharField(label=_("Industry"), max_length=100, required=False)
    employees = forms.IntegerField(label=_("Employees"), required=False, min_value=1, max_value=2_000_000_000)
    region = forms.CharField(label=_("Region"), max_length=60, required=False)
    country = forms.CharField(label=_("Country"), max_length=2, required=False, help_text=_("Two letters, such as DE."))
    language = forms.ChoiceField(label=_("Language it is in"), required=False)
    products = WordsField(label=_("Products"), required=False, help_text=_("With commas between."))
    use_cases = WordsField(label=_("Use cases"), required=False, help_text=_("With commas between."))
    replaced_competitors = WordsField(
        label=_("Competitors replaced"), required=False, help_text=_("With commas between.")
    )

    FACTS = Findable.FACTS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(code, get_language_info(code)["name_translated"]) for code, _name in settings.LANGUAGES]
        code = str(self["language"].value() or "")
        if code and code not in dict(choices):
            choices.append((code, code))
        self.fields["language"].choices = [("", _("not said")), *choices]  # type: ignore[attr-defined]

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"].strip().upper()
        if country and (len(country) != 2 or not country.isalpha() or not country.isascii()):
            raise ValidationError(_("Write the country as two letters, such as DE or GB."))
        return country

    @property
    def facts(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in Findable.FACTS}

    def fact_fields(self) -> list[Any]:
        return [self[name] for name in Findable.FACTS]


class ProofForm(FoundByForm):
    """Something for the library."""

    kind = forms.ChoiceField(label=_("What it is"), choices=Proof.Kind.choices)
    title = forms.CharField(label=_("Title"), max_length=200)
    summary = forms.CharField(
        label=_("In a sentence"), max_length=300, required=False, help_text=_("What it shows; stands in lists.")
    )
    body = forms.CharField(label=_("Its words"), required=False, max_length=20_000, widget=_area(6))
    said_by = forms.CharField(
        label=_("Who says it"),
        max_length=200,
        required=False,
        help_text=_("As it may be shown, such as “Ines Barbosa, Head of Planning, Moinho Claro”."),
    )
    url = forms.URLField(label=_("Where it can be seen"), required=False, max_length=500, assume_scheme="https")
    read = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, account: Account, proof: Proof | None = None, **kwargs: Any) -> None:
        source: Any = proof or account
        start = {name: getattr(source, name) for name in Findable.FACTS}
        if proof is not None:
            start |= {name: getattr(proof, name) for name in ("kind", "title", "summary", "body", "said_by", "url")}
            start |= {"contact": proof.contact_id, "read": proof.version}
        kwargs["initial"] = {**start, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        self.fields["contact"] = _person_field(account, label=_("Person shown"))
        if proof is not None and proof.status != Proof.Status.DRAFT:
            for name in ("kind", "title", "summary", "body", "said_by", "url", "contact"):
                self.fields[name].disabled = True

    def text_fields(self) -> list[Any]:
        return [self[name] for name in ("kind", "title", "summary", "body", "said_by", "contact", "url")]


class ScopesForm(forms.Form):
    """Where it may be used, and until when."""

    scopes = forms.MultipleChoiceField(
        label=_("May be used on"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one place where it may be used.")},
    )
    expires_on = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Its last day. Empty: without end."),
    )

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and day < timezone.localdate():
            raise ValidationError(_("This day has passed. Choose a later one, or leave it empty for no end."))
        return day


class AskForm(ScopesForm):
    """Ask the customer for their yes, by a signed page."""

    name = forms.CharField(label=_("Or somebody else: name"), max_length=150, required=False)
    email = forms.EmailField(label=_("and address"), required=False)

    field_order = ("contact", "name", "email", "scopes", "expires_on")

    def __init__(self, *args: Any, account: Account, contact: Contact | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "ask")
        kwargs["initial"] = {
            "scopes": Scope.values,
            "contact": contact.pk if contact else None,
            **kwargs.get("initial", {}),
        }
        super().__init__(*args, **kwargs)
        self.fields["contact"] = _person_field(account, label=_("Who may say yes"))
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if said.get("contact") is None and not (said.get("name") and said.get("email")) and "email" not in self.errors:
            self.add_error("contact", _("Choose a person at the customer, or write a name and an address."))
        if (person := said.get("contact")) is not None and not person.email:
            self.add_error("contact", _("%(name)s has no address.") % {"name": person.full_name})
        return said


class RecordForm(ScopesForm):
    """A yes that was given by mail or in a letter."""

    name = forms.CharField(label=_("Who said yes"), max_length=150)
    said_on = forms.DateField(label=_("When"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    means = forms.ChoiceField(
        label=_("How"), choices=[one for one in Approval.Means.choices if one[0] != Approval.Means.PAGE]
    )
    evidence = forms.CharField(
        label=_("Where the evidence lies"),
        max_length=300,
        help_text=_("Such as the mail of 3 March, or the number of the contract."),
    )

    field_order = ("name", "said_on", "means", "evidence", "scopes", "expires_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "record")
        super().__init__(*args, **kwargs)
        self.fields["said_on"].widget.attrs["max"] = timezone.localdate().isoformat()

    def clean_said_on(self) -> date:
        day: date = self.cleaned_data["said_on"]
        if day > timezone.localdate():
            raise ValidationError(_("A yes cannot be of a day to come."))
        return day

    @property
    def said_at(self) -> datetime:
        """The moment the yes counts from: the beginning of that day here, since nobody wrote down the hour."""
        return timezone.make_aware(datetime.combine(self.cleaned_data["said_on"], time.min))


class WhyForm(forms.Form):
    """Why something is withdrawn, parked or refused."""

    reason = forms.CharField(label=_("Why?"), max_length=300, widget=_area(2))
    by_customer = forms.BooleanField(
        label=_("The customer has taken their yes back"),
        required=False,
        help_text=_("Then it needs a new yes before it is shown again."),
    )


# --- Stories ----------------------------------------------------------------------------------------------------------
class _ColleagueField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


def colleagues() -> Any:
    """Who may own or review a story."""
    roles = [Role.MANAGER, Role.LEAD, Role.MODERATOR, Role.ADMINISTRATOR]
    return User.objects.filter(is_active=True, role_grants__role__in=roles).distinct().order_by("name", "pk")


class StoryForm(FoundByForm):
    """The words of a story, what we know besides, and whose work it is."""

    title = forms.CharField(label=SECTIONS["title"], max_length=200)
    customer = forms.CharField(
        label=SECTIONS["customer"],
        required=False,
        max_length=20_000,
        widget=_area(3),
        help_text=_("Who they are: industry, size, what they do."),
    )
    challenge = forms.CharField(label=SECTIONS["challenge"], required=False, max_length=20_000, widget=_area(5))
    solution = forms.CharField(label=SECTIONS["solution"], required=False, max_length=20_000, widget=_area(5))
    quote = forms.CharField(label=SECTIONS["quote"], required=False, max_length=5_000, widget=_area(3))
    quote_by = forms.CharField(label=SECTIONS["quote_by"], required=False, max_length=200)
    lessons = forms.CharField(label=SECTIONS["lessons"], required=False, max_length=20_000, widget=_area(3))
    questions = forms.CharField(
        label=_("Questions for the interview"), required=False, max_length=20_000, widget=_area(5)
    )
    notes = forms.CharField(
        label=_("Notes of the interview"),
        required=False,
        max_length=50_000,
        widget=_area(6),
        help_text=_("For us only."),
    )
    owner = _ColleagueField(
        label=_("Whose work it is"), queryset=User.objects.none(), required=False, empty_label=_("Nobody yet")
    )
    reviewer = _ColleagueField(
        label=_("Who reviews it"), queryset=User.objects.none(), required=False, empty_label=_("Nobody yet")
    )
    due_on = forms.DateField(
        label=_("Due"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    read = forms.IntegerField(widget=forms.HiddenInput, required=False)

    TEXTS = ("title", "customer", "challenge", "solution", "quote", "quote_by", "lessons")
    WORK = ("owner", "reviewer", "due_on", "contact")
    OURS = ("questions", "notes")

    def __init__(self, *args: Any, story: Story, held: bool = False, **kwargs: Any) -> None:
        plain = (*self.TEXTS, *self.OURS, *Findable.FACTS, "due_on")
        start: dict[str, Any] = {name: getattr(story, name) for name in plain}
        start |= {
            "owner": story.owner_id,
            "reviewer": story.reviewer_id,
            "contact": story.contact_id,
            "read": story.version,
        }
        for number, row in enumerate(story.results[:RESULT_ROWS], start=1):
            start |= {f"result_{number}_{key}": row.get(key, "") for key in RESULT}
        kwargs["initial"] = {**start, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        people = colleagues()
        self.fields["owner"].queryset = self.fields["reviewer"].queryset = people  # type: ignore[attr-defined]
        self.fields["contact"] = _person_field(story.account, label=_("Told by"))
        labels = {
            "figure": _("What changed"), "unit": _("Unit"), "before": _("Before"), "after": _("After"),
            "over": _("Over what time"),
        }  # fmt: skip
        for number in range(1, RESULT_ROWS + 1):
            for key in RESULT:
                self.fields[f"result_{number}_{key}"] = forms.CharField(
                    label=labels[key], required=False, max_length=120
                )
        if held:
            for name in (*self.TEXTS, *(f"result_{n}_{key}" for n in range(1, RESULT_ROWS + 1) for key in RESULT)):
                self.fields[name].disabled = True

    def result_rows(self) -> list[list[Any]]:
        return [[self[f"result_{number}_{key}"] for key in RESULT] for number in range(1, RESULT_ROWS + 1)]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        results = []
        for number in range(1, RESULT_ROWS + 1):
            row = {key: str(said.get(f"result_{number}_{key}") or "").strip() for key in RESULT}
            if any(row.values()) and not row["figure"]:
                self.add_error(f"result_{number}_figure", _("Say what changed."))
            elif row["figure"]:
                results.append({key: value for key, value in row.items() if value})
        said["results"] = results
        return said

    @property
    def said(self) -> dict[str, Any]:
        """What an action takes."""
        names = (*self.TEXTS, *self.OURS, *self.WORK, *Findable.FACTS, "results")
        return {name: self.cleaned_data[name] for name in names}


class NewStoryForm(forms.Form):
    """An idea: what it is about, and who could tell it."""

    title = forms.CharField(label=_("What is it about?"), max_length=200)
    due_on = forms.DateField(
        label=_("Due"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"] = _person_field(account, label=_("Who could tell it?"))
        self.order_fields(["title", "contact", "due_on"])


class TellForm(forms.Form):
    """“I have a story”: a few questions to an advocate."""

    title = forms.CharField(
        label=_("What happened, in one line?"), max_length=200, help_text=_("Such as “We close the books in two days”.")
    )
    challenge = forms.CharField(label=_("What was it like before?"), required=False, max_length=5_000, widget=_area(3))
    solution = forms.CharField(label=_("What did you do?"), required=False, max_length=5_000, widget=_area(3))
    figure = forms.CharField(label=_("Is there a figure you are proud of?"), required=False, max_length=120)

    @property
    def said(self) -> dict[str, Any]:
        told = self.cleaned_data
        return {
            "challenge": told["challenge"], "solution": told["solution"],
            "results": [{"figure": told["figure"].strip()}] if told["figure"].strip() else [],
        }  # fmt: skip


class AnswerForm(forms.Form):
    """The customer's word on the signed page: a comment beside each part, and a name under it."""

    signed = forms.CharField(
        label=_("Your name"),
        max_length=150,
        error_messages={"required": _("Write your name, so that your word can be kept on record.")},
    )
    note = forms.CharField(label=_("Anything else?"), required=False, max_length=4000, widget=_area(2))

    def __init__(self, *args: Any, approval: Approval, **kwargs: Any) -> None:
        kwargs["initial"] = {"signed": approval.name, "scopes": approval.scopes, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        asked = [(key, capfirst(label)) for key, label in Scope.choices if key in approval.scopes]
        self.fields["scopes"] = forms.MultipleChoiceField(
            label=_("May be used on"),
            choices=asked,
            widget=forms.CheckboxSelectMultiple,
            required=False,
            help_text=_("Take away what you do not want."),
        )
        for row in approval.shown:
            self.fields[f"on_{row['key']}"] = forms.CharField(
                label=_("Your comment on “%(part)s”") % {"part": row["label"]},
                required=False,
                max_length=4000,
                widget=_area(2),
            )

    @property
    def comments(self) -> dict[str, str]:
        return {name.removeprefix("on_"): text for name, text in self.cleaned_data.items() if name.startswith("on_")}
