"""Forms of the imports page: what to upload, and which column feeds which field."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from advocacy.crm.importing.kinds import Kind, Reference, all_kinds, kind_of
from advocacy.crm.importing.mapping import DEFAULT_SOURCE, BadMap, Map, from_toml, read_map

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


class MappingForm(forms.Form):
    """One choice of column for each field of a kind."""

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

    def __init__(self, data: Any = None, *, kind: Kind, header: list[str], map_: Map) -> None:
        self.kind, self.map = kind, map_
        columns = [("", "–"), *((column, column) for column in dict.fromkeys(header) if column)]
        fed = {name: feed.columns[0] for name, feed in map_.records[0].feeds.items() if feed.columns}
        initial = {
            "source": map_.data.get("source", DEFAULT_SOURCE),
            "dates": map_.dates,
            "encoding": {"utf-8-sig": "utf-8"}.get(map_.encoding, map_.encoding),
            "delimiter": {"\t": "tab"}.get(map_.delimiter, map_.delimiter),
            **{f"f_{name}": column for name, column in fed.items()},
        }
        super().__init__(data, initial=initial)
        if map_.is_plain:
            for field in kind.fields:
                self.fields[f"f_{field.name}"] = forms.ChoiceField(
                    label=field.label, required=False, choices=columns, help_text=field.help
                )

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """Each field of the kind with its choice of column."""
        return [(field, self[f"f_{field.name}"]) for field in self.kind.fields if f"f_{field.name}" in self.fields]

    @property
    def chosen(self) -> list[tuple[Any, Any]]:
        """The fields that have a column, or need one."""
        return [(field, choice) for field, choice in self.pairs if field.required or choice.value()]

    @property
    def open(self) -> list[tuple[Any, Any]]:
        """The rest, folded away."""
        return [(field, choice) for field, choice in self.pairs if not (field.required or choice.value())]

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
        for field in self.kind.fields:
            if column := cleaned.get(f"f_{field.name}"):
                # How a reference is looked up is kept when another column is chosen for it.
                before = self.map.records[0].feeds.get(field.name)
                through = before.through if before and isinstance(field.type, Reference) else ""
                fields[field.name] = {"column": column, "through": through} if through else column
        return fields
