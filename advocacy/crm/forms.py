"""Forms of the imports page: what to upload, and which column feeds which field."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from advocacy.crm.importing.kinds import Kind, Reference, all_kinds, kind_of
from advocacy.crm.importing.mapping import DEFAULT_SOURCE, REASON_COLUMN, BadMap, Map, from_toml, read_map
from advocacy.crm.importing.reading import Row
from advocacy.crm.importing.values import shown
from advocacy.lib.given import plain

LARGEST_MAP = 200_000


class UploadForm(forms.Form):
    """A file, what it holds, and a map if one is at hand."""

    kind = forms.ChoiceField(label=_("What it holds"))
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("UTF-8 or Windows-1252, with commas, semicolons or tabs, as your CRM exports it."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
    )
    map = forms.FileField(
        label=_("Map"),
        required=False,
        help_text=_("A TOML file that says which column feeds which field. Without one you choose on the next page."),
        widget=forms.ClearableFileInput(attrs={"accept": ".toml"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [(kind.slug, kind.title) for kind in all_kinds()]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        upload, kind = cleaned.get("map"), kind_of(cleaned.get("kind", ""))
        if upload and kind:
            if upload.size > LARGEST_MAP:
                self.add_error("map", _("A map is a small text file; this one is too large."))
            else:
                try:
                    cleaned["map"] = from_toml(kind, upload.read())
                except BadMap as problem:
                    self.add_error("map", str(problem))
        return cleaned


WAYS = {
    "subscription": _("by a subscription’s id"),
    "domain": _("by its web or e-mail domain"),
    "email": _("by e-mail address"),
}
"""How a reference can be looked up besides by its id."""


class MappingForm(forms.Form):
    """For each column of a file the field it feeds, and how the file is to be read."""

    source = forms.CharField(
        label=_("Where it comes from"), max_length=40,
        help_text=_("Ids belong to their source: use the same name each time."),
    )  # fmt: skip
    dates = forms.ChoiceField(
        label=_("Dates"), required=False,
        choices=[
            ("", _("as the cells show")), ("iso", _("year first")), ("day-first", _("day first")),
            ("month-first", _("month first")),
        ],
    )  # fmt: skip
    encoding = forms.ChoiceField(
        label=_("Encoding"), required=False,
        choices=[("", _("as found")), ("utf-8", "UTF-8"), ("cp1252", "Windows-1252"), ("utf-16", "UTF-16")],
    )  # fmt: skip
    delimiter = forms.ChoiceField(
        label=_("Delimiter"), required=False,
        choices=[
            ("", _("as found")), (",", _("comma")), (";", _("semicolon")), ("tab", _("tab")), ("|", _("bar")),
        ],
    )  # fmt: skip

    def __init__(
        self, data: Any = None, *, kind: Kind, header: list[str], map_: Map, samples: Sequence[Row] = ()
    ) -> None:
        self.kind, self.map = kind, map_
        columns = [column for column in dict.fromkeys(header) if column.strip() and column.strip() != REASON_COLUMN]
        self._columns = {f"c{place}": column for place, column in enumerate(columns)}
        fed = {
            feed.columns[0].strip().lower(): f"{name}:{feed.through}" if feed.through else name
            for name, feed in map_.records[0].feeds.items()
            if feed.columns
        }
        initial = {
            "source": map_.data.get("source", DEFAULT_SOURCE),
            "dates": map_.dates,
            "encoding": {"utf-8-sig": "utf-8"}.get(map_.encoding, map_.encoding),
            "delimiter": {"\t": "tab"}.get(map_.delimiter, map_.delimiter),
            **{key: fed.get(column.strip().lower(), "") for key, column in self._columns.items()},
        }
        super().__init__(data, initial=initial)
        if map_.is_plain:
            choices = _targets(kind)
            for key, column in self._columns.items():
                self.fields[key] = forms.ChoiceField(label=column, required=False, choices=choices)
        self._samples = {
            column: _samples(samples, place) for place, column in reversed(list(enumerate(header))) if samples
        }

    def say_what_was_found(self, encoding: str, delimiter: str) -> None:
        """Beside “as found”, what that is."""
        known = {"\t" if key == "tab" else key: words for key, words in self.fields["delimiter"].choices}  # type: ignore[attr-defined]
        for name, found in (("encoding", encoding), ("delimiter", known.get(delimiter, delimiter))):
            field: Any = self.fields[name]
            if not self[name].value():
                field.choices = [("", gettext("as found: %(found)s") % {"found": found}), *field.choices[1:]]

    @property
    def columns(self) -> list[tuple[Any, list[str]]]:
        """Each column of the file: the choice of its field, and what stands in it."""
        return [
            (self[key], self._samples.get(column, [])) for key, column in self._columns.items() if key in self.fields
        ]

    @property
    def needed(self) -> list[tuple[Any, bool]]:
        """The fields a row cannot do without, and whether a column feeds each."""
        chosen = {str(choice.value() or "").partition(":")[0] for choice, _samples in self.columns}
        return [(field, field.name in chosen) for field in self.kind.fields if field.required]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        data: dict[str, Any] = dict(self.map.data)
        for name in ("source", "dates", "encoding", "delimiter"):
            data.pop(name, None)
            if cleaned.get(name):
                data[name] = cleaned[name]
        if self.map.is_plain:
            data["fields"] = self._fields(cleaned)
            data.pop("records", None)
        try:
            read_map(self.kind, data) if data.get("fields") or data.get("records") else None
        except BadMap as problem:
            raise forms.ValidationError(str(problem)) from None
        cleaned["data"] = data
        return cleaned

    def _fields(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        fed_by: dict[str, str] = {}
        for key, column in self._columns.items():
            name, _colon, through = (cleaned.get(key) or "").partition(":")
            if not name:
                continue
            if name in fields:
                label = str(self.kind.field(name).label)
                raise forms.ValidationError(
                    gettext("“%(first)s” and “%(second)s” both feed %(field)s; choose one of them.")
                    % {"first": fed_by[name], "second": column, "field": label}
                )
            fields[name] = {"column": column, "through": through} if through else column
            fed_by[name] = column
        return {field.name: fields[field.name] for field in self.kind.fields if field.name in fields}


def _targets(kind: Kind) -> list[Any]:
    """What a column may feed: nothing, what is needed, or anything else the kind has."""
    needed: list[Any] = []
    others: list[Any] = []
    for field in kind.fields:
        label = str(field.label)
        (needed if field.required else others).append((field.name, label[:1].upper() + label[1:]))
        if isinstance(field.type, Reference):
            ways = [way for way in field.type.through if way in WAYS]
            others += [(f"{field.name}:{way}", f"{label[:1].upper() + label[1:]}, {WAYS[way]}") for way in ways]
    return [("", _("not imported")), (_("Needed"), needed), (_("If the file has it"), others)]


def _samples(rows: Sequence[Row], place: int) -> list[str]:
    """The first two things a column says."""
    said = dict.fromkeys(shown(row.cells[place].strip()) for row in rows[:200] if place < len(row.cells))
    said.pop("", None)
    return list(said)[:2]


class SavedMapForm(forms.Form):
    """The name under which a map is kept."""

    name = forms.CharField(label=_("Keep these columns as"), max_length=80, required=False)

    def clean_name(self) -> str:
        name = plain(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Give the map a name, such as “Accounts from our CRM”."))
        return name
