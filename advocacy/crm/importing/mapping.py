"""Which column feeds which field: a map written by hand (TOML), chosen on the page, or read off the header.

A map is plain data (what TOML holds, what ``ImportRun.map`` keeps)::

    source = "ravenstack"            # under which name these facts are known; "crm" unless said
    dates = "day-first"              # or "iso", "month-first"; found out from the cells unless said
    time_zone = "Europe/Berlin"      # of days and times without an offset; UTC unless said

    [fields]
    external_id = "account_id"                                   # a column
    currency = { constant = "USD" }
    region = { column = "country", values = { DE = "Europe" }, otherwise = "Elsewhere" }
    minutes = { column = "seconds", scale = "1/60" }
    occurred_at = { columns = ["closed_at", "opened_at"] }        # the first that is not empty
    account = { column = "subscription_id", through = "subscription" }

    [[records]]                                                  # several records from one row
    when = { column = "escalated", is = "TRUE" }
    fields = { external_id = { template = "{ticket_id}:opened" }, kind = { constant = "escalation_opened" } }
"""

import operator
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from fractions import Fraction
from string import Formatter
from typing import Any

from django.utils.translation import gettext as _

from advocacy.crm.importing.kinds import Field, Kind, Reference
from advocacy.crm.importing.reading import ENCODINGS, Row
from advocacy.crm.importing.values import (
    DATE_STYLES,
    NULL,
    BadValue,
    DateEvidence,
    Day,
    Instant,
    Money,
    Reader,
    Style,
    Whole,
    decimal_mark,
)

DEFAULT_SOURCE = "crm"
REASON_COLUMN = "import_error"
"""The column a rejects file adds; ignored when the file comes back."""

Getter = Callable[[Sequence[str]], str]


class BadMap(Exception):
    """A map that cannot be used; its text says where it is wrong."""


# --- The map as data --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Condition:
    column: str
    test: Callable[[str], bool]
    shown: str = ""


@dataclass(frozen=True)
class Feed:
    """Where one field of one record comes from."""

    columns: tuple[str, ...] = ()
    constant: str | None = None
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    scale: Fraction | None = None
    dates: str = ""
    through: str = ""
    source: str = ""

    @property
    def shown(self) -> str:
        """As a page tells it."""
        if self.constant is not None:
            return _("always “{value}”").format(value=self.constant)
        said = self.template or ", ".join(self.columns)
        return said + (" …" if self.values or self.scale else "")


@dataclass(frozen=True)
class Record:
    when: tuple[Condition, ...]
    feeds: Mapping[str, Feed]


@dataclass(frozen=True)
class Map:
    """A checked map for one kind."""

    kind: Kind
    source: str
    dates: str
    decimal: str
    zone: tzinfo
    encoding: str
    delimiter: str
    records: tuple[Record, ...]
    data: Mapping[str, Any]

    @classmethod
    def lenient(cls, kind: Kind, data: Mapping[str, Any]) -> "Map":
        """A map read off a header that may feed nothing at all; then every row says what is missing."""
        return read_map(kind, data, may_be_empty=not data.get("fields"))

    @property
    def is_plain(self) -> bool:
        """One record from each row, each field from a whole column of its own: what the page's form can say."""
        return len(self.records) == 1 and not self.records[0].when and all(
            feed == Feed(columns=feed.columns, through=feed.through) and len(feed.columns) == 1
            for feed in self.records[0].feeds.values()
        ) and len(self.columns) == len(self.records[0].feeds)  # fmt: skip

    @property
    def columns(self) -> list[str]:
        found: list[str] = []
        for record in self.records:
            for feed in record.feeds.values():
                found += [column for column in (*feed.columns, *_placeholders(feed.template)) if column not in found]
        return found


def from_toml(kind: Kind, text: bytes) -> Map:
    try:
        return read_map(kind, tomllib.loads(text.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise BadMap(_("The map is not UTF-8.")) from None
    except tomllib.TOMLDecodeError as error:
        raise BadMap(_("The map is not TOML: {error}.").format(error=error)) from None


_TOP = {"kind", "source", "dates", "decimal", "time_zone", "encoding", "delimiter", "fields", "records", "title"}


def read_map(kind: Kind, data: Mapping[str, Any], *, may_be_empty: bool = False) -> Map:
    """Check a map for a kind; every mistake is a sentence that names its place."""
    data = _plain(data)
    if unknown := sorted(set(data) - _TOP):
        raise BadMap(_("The map says “{key}”, which means nothing here.").format(key=unknown[0]))
    if data.get("kind", kind.slug) != kind.slug:
        raise BadMap(_("This map is for {theirs}, not for {ours}.").format(theirs=data["kind"], ours=kind.slug))
    for key in ("source", "dates", "decimal", "time_zone", "encoding", "delimiter"):
        if not isinstance(data.get(key, ""), str):
            raise BadMap(_("“{key}” must be a text.").format(key=key))
    source = data.get("source", DEFAULT_SOURCE)
    if not re.fullmatch(r"[\w .-]{1,40}", source):
        raise BadMap(_("“source” must be a name of up to 40 letters, digits, dots and dashes."))
    dates = data.get("dates", "")
    if dates and dates not in DATE_STYLES:
        raise BadMap(_("“dates” must be one of: {known}.").format(known=", ".join(DATE_STYLES)))
    decimal = data.get("decimal", "")
    if decimal not in ("", ".", ","):
        raise BadMap(_("“decimal” must be “.” or “,”."))
    zone: tzinfo = UTC
    if data.get("time_zone"):
        try:
            zone = zoneinfo.ZoneInfo(data["time_zone"])
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise BadMap(_("“{zone}” is not a time zone.").format(zone=data["time_zone"])) from None
    encoding = data.get("encoding", "").lower()
    encoding = {"windows-1252": "cp1252", "utf8": "utf-8"}.get(encoding, encoding)
    if encoding and encoding not in ENCODINGS:
        raise BadMap(_("“encoding” must be one of: {known}.").format(known=", ".join(ENCODINGS)))
    delimiter = {"tab": "\t", "comma": ",", "semicolon": ";"}.get(data.get("delimiter", ""), data.get("delimiter", ""))
    if len(delimiter) > 1 or delimiter in ('"', "\n", "\r"):
        raise BadMap(_("“delimiter” must be one character."))
    common = data.get("fields", {})
    parts = data.get("records", [])
    if not isinstance(common, Mapping) or not isinstance(parts, list) or not all(isinstance(p, Mapping) for p in parts):
        raise BadMap(_("“fields” must be a table, and “records” a list of tables."))
    records = tuple(_record(kind, common, part) for part in (parts or [{}]))
    if not may_be_empty and not any(record.feeds for record in records):
        raise BadMap(_("The map feeds no field."))
    checked = Map(kind, source, dates, decimal, zone, encoding, delimiter, records, data)
    for one in kind.fields:
        if isinstance(one.type, Reference):
            ways = {(feed.through, feed.source) for feed in (r.feeds.get(one.name) for r in records) if feed}
            if len(ways) > 1:
                raise BadMap(_("“{field}” must be looked up the same way in all records.").format(field=one.name))
    return checked


def _plain(data: Any) -> Any:
    """TOML's dates as text, so that a map is JSON too."""
    if isinstance(data, Mapping):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    return data.isoformat() if isinstance(data, date) else data


def _record(kind: Kind, common: Mapping[str, Any], part: Mapping[str, Any]) -> Record:
    if unknown := sorted(set(part) - {"when", "fields", "title"}):
        raise BadMap(_("A record says “{key}”, which means nothing here.").format(key=unknown[0]))
    when = part.get("when", [])
    conditions = [_condition(one) for one in (when if isinstance(when, list) else [when])]
    fields = part.get("fields", {})
    if not isinstance(fields, Mapping):
        raise BadMap(_("The fields of a record must be a table."))
    feeds = {}
    for name, said in {**common, **fields}.items():
        if name not in kind.names:
            raise BadMap(
                _("{kind} have no field “{field}”. Their fields are: {known}.").format(
                    kind=str(kind.title), field=name, known=", ".join(kind.names)
                )
            )
        feeds[name] = _feed(kind.field(name), said)
    return Record(tuple(conditions), feeds)


_FEED = {"column", "columns", "constant", "template", "values", "otherwise", "scale", "dates", "through", "source"}


def _feed(target: Field, said: Any) -> Feed:
    name = target.name
    if isinstance(said, str):
        said = {"column": said}
    if not isinstance(said, Mapping):
        raise BadMap(_("“{field}” must name a column or be a table.").format(field=name))
    if unknown := sorted(set(said) - _FEED):
        raise BadMap(_("“{field}” says “{key}”, which means nothing here.").format(field=name, key=unknown[0]))
    if len({"column", "columns", "constant", "template"} & set(said)) != 1:
        raise BadMap(_("“{field}” needs one of: column, columns, constant, template.").format(field=name))
    columns = said.get("columns", [said["column"]] if "column" in said else [])
    values = said.get("values", {})
    if not isinstance(columns, list) or not all(isinstance(column, str) and column for column in columns):
        raise BadMap(_("“{field}”: columns must be a list of names.").format(field=name))
    if not isinstance(values, Mapping):
        raise BadMap(_("“{field}”: values must be a table.").format(field=name))
    through = said.get("through", "")
    if through and (not isinstance(target.type, Reference) or through not in target.type.through):
        known = ", ".join(target.type.through) if isinstance(target.type, Reference) else "–"
        raise BadMap(_("“{field}” can be looked up through: {known}.").format(field=name, known=known))
    if said.get("source") and not isinstance(target.type, Reference):
        raise BadMap(_("“{field}” refers to nothing, so it has no source of its own.").format(field=name))
    if said.get("dates", "") not in ("", *DATE_STYLES):
        raise BadMap(_("“{field}”: dates must be one of: {known}.").format(field=name, known=", ".join(DATE_STYLES)))
    template = str(said.get("template", ""))
    try:
        _placeholders(template)
    except ValueError:
        raise BadMap(
            _("“{field}”: the template “{text}” has a stray brace.").format(field=name, text=template)
        ) from None
    return Feed(
        columns=tuple(columns),
        constant=_said(said["constant"]) if "constant" in said else None,
        template=template,
        values={str(key).strip().lower(): _said(value) for key, value in values.items()},
        otherwise=_said(said["otherwise"]) if "otherwise" in said else None,
        scale=_scale(name, said["scale"]) if "scale" in said else None,
        dates=said.get("dates", ""),
        through=through if through != "id" else "",
        source=str(said.get("source", "")),
    )


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value))
    return str(value).strip()


def _scale(name: str, said: Any) -> Fraction:
    try:
        scale = Fraction(str(said).replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise BadMap(
            _("“{field}”: the scale must be a number or a fraction such as 1/60.").format(field=name)
        ) from None
    if scale <= 0:
        raise BadMap(_("“{field}”: the scale must be more than zero.").format(field=name))
    return scale


_TESTS = {"is", "is_not", "in", "not_in", "empty"}


def _condition(said: Any) -> Condition:
    if not isinstance(said, Mapping) or not isinstance(said.get("column"), str):
        raise BadMap(_("“when” needs a column and one of: is, is_not, in, not_in, empty."))
    tests = set(said) - {"column"}
    if len(tests) != 1 or not tests <= _TESTS:
        raise BadMap(_("“when” needs a column and one of: is, is_not, in, not_in, empty."))
    word = tests.pop()
    value = said[word]
    if word == "empty":
        shown = _("where “{column}” is empty") if value else _("where “{column}” is not empty")
        return Condition(said["column"], operator.not_ if value else bool, shown.format(column=said["column"]))
    listed = value if isinstance(value, list) else [value]
    wanted = frozenset(
        ("true" if one is True else "false" if one is False else str(one)).strip().lower() for one in listed
    )
    is_in = word in ("is", "in")
    shown = _("where “{column}” is {values}") if is_in else _("where “{column}” is not {values}")
    said_values = ", ".join(map(str, listed))
    return Condition(
        said["column"],
        (lambda text: text.lower() in wanted) if is_in else (lambda text: text.lower() not in wanted),
        shown.format(column=said["column"], values=said_values),
    )


def _placeholders(template: str) -> tuple[str, ...]:
    return tuple(name for _text, name, _spec, _conversion in Formatter().parse(template) if name is not None)


# --- Without a map ----------------------------------------------------------------------------------------------------
def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.strip().lower()).strip("_")


def automatic(kind: Kind, header: Sequence[str]) -> dict[str, Any]:
    """A map read off the header: columns named like our fields, or by a common synonym. May feed nothing."""
    columns = {_word(column): column for column in reversed(header) if column.strip()}
    used: set[str] = set()
    feeds: dict[str, str] = {}
    for exact in (True, False):
        for one in kind.fields:
            if one.name in feeds:
                continue
            for word in (one.name,) if exact else one.synonyms:
                column = columns.get(word)
                if column is not None and column not in used:
                    feeds[one.name] = column
                    used.add(column)
                    break
    return {"fields": {one.name: feeds[one.name] for one in kind.fields if one.name in feeds}}


# --- The map on a file ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """One field of one record: get its text from the row, read it."""

    get: Getter
    read: Reader
    field: Field


class Refusal(Exception):
    """A row that is not loaded; ``reasons`` for the person who mends it."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class Plan:
    """A map put on the columns of one file: reads rows into lines for COPY.

    ``missing`` names what the file lacks altogether; then every row is refused for it.
    """

    def __init__(self, map_: Map, header: Sequence[str], samples: Iterable[Row] = ()) -> None:
        self.map = map_
        self.kind = map_.kind
        self.source = map_.source
        self.header = list(header)
        self.warnings: list[str] = []
        self.missing: list[str] = []
        self.styles: dict[str, str] = {}
        """How the date columns were read: column → style."""
        self.date_reasons: list[str] = []
        """How each column of dates is read, and what says so."""
        self._columns = self._places()
        self._ignored_at_end = bool(header) and header[-1].strip() == REASON_COLUMN
        named = {name for record in map_.records for name in record.feeds}
        self.given = {
            name
            for name in named
            if any(self._has_columns(record.feeds[name]) for record in map_.records if name in record.feeds)
        }
        self._look_for_missing(named)
        self._evidence = self._weigh([row for row in samples if not row.fault])
        self.fields = [field for field in self.kind.fields if field.name in self.given]
        self._records = [
            (
                [(self._place(condition.column), condition.test) for condition in record.when],
                [self._step(field, record.feeds.get(field.name)) for field in self.fields],
            )
            for record in map_.records
        ] if not self.missing else []  # fmt: skip
        self._groups = [
            [index for index, field in enumerate(self.fields) if field.name in group] for group in self.kind.any_of
        ]

    # --- columns ----------------------------------------------------------------------------------------------------
    def _places(self) -> dict[str, int]:
        places: dict[str, int] = {}
        for index, column in enumerate(self.header):
            places.setdefault(column.strip(), index)
        lower = {column.lower(): index for column, index in reversed(places.items())}
        wanted = {_column_key(column) for column in self.map.columns}
        doubled = {
            column.strip() for column in self.header if sum(c.strip() == column.strip() for c in self.header) > 1
        }
        for column in sorted(doubled - {""}):
            if _column_key(column) in wanted:
                self.missing.append(_("The column “{column}” stands twice in the file.").format(column=column))
        return {**lower, **places}

    def _place(self, column: str) -> int:
        found = self._columns.get(column.strip())
        return self._columns.get(column.strip().lower(), -1) if found is None else found

    def _needed(self, feed: Feed) -> tuple[str, ...]:
        return (*feed.columns, *_placeholders(feed.template))

    def _has_columns(self, feed: Feed) -> bool:
        if feed.constant is not None:
            return True
        places = [self._place(column) >= 0 for column in self._needed(feed)]
        return any(places) if feed.columns else all(places)

    def _look_for_missing(self, named: set[str]) -> None:
        for record in self.map.records:
            for condition in record.when:
                if self._place(condition.column) < 0:
                    self._lacks(condition.column)
        for name in sorted(named - self.given):
            absent = [
                column
                for record in self.map.records
                if name in record.feeds
                for column in self._needed(record.feeds[name])
                if self._place(column) < 0
            ]
            one = self.kind.field(name)
            if one.required or any(name in group for group in self.kind.any_of):
                self._lacks(absent[0])
            else:
                self.warnings.append(
                    _("The file has no column “{column}”; “{field}” is left as it is.").format(
                        column=absent[0], field=one.label
                    )
                )
        for one in self.kind.fields:
            if one.required and one.name not in named:
                self.missing.append(_("No column of the file feeds “{field}” ({name}).").format(
                    field=one.label, name=one.name))  # fmt: skip
        for group in self.kind.any_of:
            if not set(group) & named:
                self.missing.append(
                    _("No column of the file feeds any of: {fields}.").format(
                        fields=", ".join(str(self.kind.field(name).label) for name in group)
                    )
                )

    def _lacks(self, column: str) -> None:
        said = _("The file has no column “{column}”.").format(column=column)
        if said not in self.missing:
            self.missing.append(said)

    def reference(self, name: str) -> tuple[str, str]:
        """Under which source, and through which key, a reference is looked up."""
        for record in self.map.records:
            if feed := record.feeds.get(name):
                return feed.source or self.source, feed.through
        return self.source, ""

    # --- styles -----------------------------------------------------------------------------------------------------
    def _weigh(self, samples: list[Row]) -> dict[int, tuple[str, str | None]]:
        """For each column that feeds a date or number: the date style and decimal mark its cells show."""
        dated: set[int] = set()
        numbered: set[int] = set()
        for record in self.map.records:
            for name, feed in record.feeds.items():
                kind_of_value = self.kind.field(name).type
                for column in feed.columns:
                    if (place := self._place(column)) >= 0 and not feed.values:
                        if isinstance(kind_of_value, Day | Instant):
                            dated.add(place)
                        elif isinstance(kind_of_value, Money | Whole):
                            numbered.add(place)
        cells = {
            place: [row.cells[place].strip() for row in samples if place < len(row.cells) and row.cells[place].strip()]
            for place in dated | numbered
        }
        evidence = {place: DateEvidence() for place in dated}
        for place, found in evidence.items():
            for cell in cells[place]:
                found.add(cell)
        shown = {found.style for found in evidence.values() if found.day_first or found.month_first}
        of_file = shown.pop() if len(shown) == 1 else None
        styles: dict[int, tuple[str, str | None]] = {}
        for place in sorted(dated | numbered):
            style = ""
            if place in evidence:
                style = self._date_style(place, evidence[place], of_file)
            mark = decimal_mark(cells[place]) if place in numbered else None
            styles[place] = (style, mark)
        return styles

    def _date_style(self, place: int, found: DateEvidence, of_file: str | None) -> str:
        column = self.header[place].strip()
        style = self.map.dates or found.style or of_file
        if style is None and found.either:
            style = "day-first"
            self.warnings.append(
                _(
                    "The dates of “{column}” could be read with the day or the month first; they were read with the"
                    ' day first. Choose the order under “Dates” (in a map: dates = "month-first") if that is wrong.'
                ).format(column=column)
            )
        elif not self.map.dates and found.day_first and found.month_first:
            self.warnings.append(
                _("The dates of “{column}” contradict each other; they were read as {style}.").format(
                    column=column, style=style
                )
            )
        # Year first is read in every style, so a file that also holds another order is not refused for it.
        self.styles[column] = style or "iso"
        if found.because:
            self.date_reasons.append(self._date_reason(column, found, self.styles[column]))
        return "day-first" if style in (None, "iso") and not self.map.dates else str(style)

    def _date_reason(self, column: str, found: DateEvidence, style: str) -> str:
        words = {"iso": _("year first"), "day-first": _("day first"), "month-first": _("month first")}[style]
        if self.map.dates:
            said = _("“{column}”: {style}, as chosen")
        elif found.style == style:
            said = _("“{column}”: {style}, because of {cell}")
        else:
            said = _("“{column}”: {style}, but {cell} could be either")
        return said.format(column=column, style=words, cell=found.because[:30])

    def _style(self, feed: Feed) -> Style:
        dates, decimal = feed.dates or self.map.dates, self.map.decimal
        for column in feed.columns:
            found_dates, found_mark = self._evidence.get(self._place(column), ("", None))
            dates = dates or found_dates
            decimal = decimal or found_mark or ""
        return Style(dates=dates or "day-first", decimal=decimal or ".", zone=self.map.zone, scale=feed.scale)

    # --- steps ------------------------------------------------------------------------------------------------------
    def _step(self, target: Field, feed: Feed | None) -> Step:
        if feed is None or not self._has_columns(feed):
            return Step(lambda cells: "", lambda text: text, target)
        get = self._getter(feed)
        if feed.values or feed.otherwise is not None:
            get = _translated(get, feed.values, feed.otherwise)
        return Step(get, target.type.reader(self._style(feed)), target)

    def _getter(self, feed: Feed) -> Getter:
        if feed.constant is not None:
            constant = feed.constant
            return lambda cells: constant
        if feed.template:
            # Put together by hand: str.format would follow dots and brackets in a column's name.
            pieces = [
                (text, self._place(name) if name is not None else None)
                for text, name, _spec, _conversion in Formatter().parse(feed.template)
            ]

            def filled(cells: Sequence[str]) -> str:
                made = []
                for text, place in pieces:
                    made.append(text)
                    if place is not None:
                        if not (cell := cells[place].strip()):
                            return ""
                        made.append(cell)
                return "".join(made)

            return filled
        indexes = [place for column in feed.columns if (place := self._place(column)) >= 0]
        if len(indexes) == 1:
            return operator.itemgetter(indexes[0])
        return lambda cells: next((cells[index] for index in indexes if cells[index].strip()), "")

    # --- rows -------------------------------------------------------------------------------------------------------
    def fitted(self, cells: list[str]) -> list[str]:
        """The cells of a row, as many as the header has; raises ``Refusal`` where they are not."""
        width = len(self.header)
        if len(cells) == width:
            return cells
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            return cells[:width]
        if self._ignored_at_end and len(cells) == width - 1:
            return [*cells, ""]
        raise Refusal(
            [
                _(
                    "This row has {count} cells, the header has {width}: a delimiter or a quotation mark is amiss."
                ).format(count=len(cells), width=width)
            ]
        )

    def read(self, row: Row) -> list[list[str]]:
        """The records of a row, each a list of texts for COPY in the order of ``fields``; raises ``Refusal``."""
        if row.fault:
            raise Refusal([row.fault])
        if self.missing:
            raise Refusal(self.missing)
        cells = row.cells if len(row.cells) == len(self.header) else self.fitted(row.cells)
        records: list[list[str]] = []
        reasons: list[str] = []
        for conditions, steps in self._records:
            if conditions and not all(test(cells[place].strip()) for place, test in conditions):
                continue
            values: list[str] = []
            append = values.append
            for step in steps:
                text = step.get(cells).strip()
                if text:
                    try:
                        append(step.read(text))
                    except BadValue as bad:
                        append(NULL)
                        reasons.append(_("{field}: {reason}").format(field=_capital(str(step.field.label)), reason=bad))
                else:
                    append(NULL)
                    if step.field.required:
                        reasons.append(_("{field} is empty.").format(field=_capital(str(step.field.label))))
            for group in self._groups:
                if all(values[index] == NULL for index in group) and not reasons:
                    reasons.append(
                        _("One of these must be filled: {fields}.").format(
                            fields=", ".join(str(self.fields[index].label) for index in group)
                        )
                    )
            records.append(values)
        if reasons:
            raise Refusal(list(dict.fromkeys(reasons)))
        return records

    def id_of(self, cells: Sequence[str]) -> str:
        """What a refused row calls itself, as far as can be told."""
        for record in self.map.records:
            for name in ("external_id", "contact"):
                if (feed := record.feeds.get(name)) and feed.columns:
                    place = self._place(feed.columns[0])
                    if 0 <= place < len(cells):
                        return cells[place].strip()[:200]
        return ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _column_key(column: str) -> str:
    return column.strip().lower()


def _translated(get: Getter, values: Mapping[str, str], otherwise: str | None) -> Getter:
    def translated(cells: Sequence[str]) -> str:
        text = get(cells).strip()
        if not text and "" not in values:
            return ""
        return values.get(text.lower(), text if otherwise is None else otherwise)

    return translated
