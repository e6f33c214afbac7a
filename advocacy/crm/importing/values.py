"""Cells into values: each type reads one text and gives what Postgres' COPY takes, or refuses with a sentence.

A reader gets the trimmed, non-empty text of a cell and returns text for COPY, already escaped.
"""

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator, URLValidator
from django.utils.translation import gettext as _

Reader = Callable[[str], str]

NULL = r"\N"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would run as a formula at the start of a cell."""


class BadValue(ValueError):
    """A cell that cannot be read; its text says why, for the person who mends the file."""


@dataclass(frozen=True)
class Style:
    """How one column writes dates and numbers, as its cells showed or the map said."""

    dates: str = "day-first"
    decimal: str = "."
    zone: tzinfo = UTC
    scale: Fraction | None = None


# --- Text -------------------------------------------------------------------------------------------------------------
_SPECIAL = re.compile(r"[\\\t\n\r]").search
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_QUOTED_FORMULA = re.compile(r"'[=+\-@]").match
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]").search


def escape(text: str) -> str:
    """One field of COPY's text format."""
    return text.translate(_ESCAPES) if _SPECIAL(text) else text


def shown(text: str) -> str:
    """A cell as a reason quotes it: short, on one line."""
    text = " ".join(text.replace("\x00", "\ufffd").split())
    return text if len(text) <= 40 else text[:37] + "…"


def defuse(text: str) -> str:
    """A cell no spreadsheet runs as a formula: an apostrophe in front, which a later import takes away again."""
    if text.startswith(FORMULA) and not _is_number(text):
        return "'" + text
    return text


def undefuse(text: str) -> str:
    """The cell as it was before ``defuse``."""
    return text[1:] if _QUOTED_FORMULA(text) else text


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d.,\s]+", text))


CUT = "… [cut]"
"""How a cell ends that was too long to be kept whole in the file of the refused rows."""


def _checked_text(text: str, longest: int) -> str:
    if len(text) > longest:
        raise BadValue(
            _("is {length} characters long; at most {longest} fit.").format(length=len(text), longest=longest)
        )
    if text.endswith(CUT):
        raise BadValue(
            _("was too long to be kept whole. Put the text back, at most {longest} characters.").format(longest=longest)
        )
    if _CONTROLS(text):
        raise BadValue(_("“{text}” holds control characters.").format(text=shown(text)))
    return escape(text)


@dataclass(frozen=True)
class ValueType:
    """One type of value: the column type it is staged in, and how to make a reader for a column's style."""

    sql: str

    def reader(self, style: Style) -> Reader:
        raise NotImplementedError


@dataclass(frozen=True)
class Text(ValueType):
    sql: str = "text"
    longest: int = 200

    def reader(self, style: Style) -> Reader:
        longest = self.longest

        def read(text: str) -> str:
            return _checked_text(undefuse(text), longest)

        return read


@dataclass(frozen=True)
class Words(ValueType):
    """A list of short tags, parted by semicolons, bars or line ends, or by commas where none of these stands."""

    sql: str = "varchar[]"
    longest: int = 100
    most: int = 100
    choices: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None

    def reader(self, style: Style) -> Reader:
        known = self.choices() if callable(self.choices) else self.choices
        return lru_cache(maxsize=20_000)(lambda text: self._read(text, known))

    def _read(self, text: str, known: Mapping[str, str] | None) -> str:
        parts = re.split(r"[;|\n]", text) if re.search(r"[;|\n]", text) else text.split(",")
        words = sorted({" ".join(undefuse(part.strip()).lower().split()) for part in parts} - {""})
        if known is not None:
            words = sorted({_chosen(word, known) for word in words})
        if len(words) > self.most:
            raise BadValue(_("names {count} things; at most {most} fit.").format(count=len(words), most=self.most))
        for word in words:
            if len(word) > self.longest:
                raise BadValue(
                    _("“{text}” is longer than {longest} characters.").format(text=shown(word), longest=self.longest)
                )
            _checked_text(word, self.longest)
        quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in words)
        return escape("{" + ",".join(f'"{word}"' for word in quoted) + "}")


# --- Numbers ----------------------------------------------------------------------------------------------------------
_PLAIN_NUMBER = re.compile(r"-?\d+(?:\.\d+)?$").match
_MONEY_SIGNS = re.compile(r"[\s\u00a0\u202f'’]|[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY)\b")


def _number(text: str, decimal: str) -> str:
    """The plain form of a number as people and programs write it (``1.234,50 €``)."""
    if decimal == "." and _PLAIN_NUMBER(text):
        return text
    plain = _MONEY_SIGNS.sub("", undefuse(text))
    other = "," if decimal == "." else "."
    whole, _point, rest = plain.partition(decimal)
    if other in whole and not re.fullmatch(rf"-?\d{{1,3}}(?:{re.escape(other)}\d{{3}})+", whole):
        raise BadValue(_("“{text}” is not a number.").format(text=shown(text)))
    plain = whole.replace(other, "") + ("." + rest if rest else "")
    if not _PLAIN_NUMBER(plain):
        raise BadValue(_("“{text}” is not a number.").format(text=shown(text)))
    return plain


@dataclass(frozen=True)
class Whole(ValueType):
    sql: str = "bigint"
    least: int = 0
    most: int = 2_147_483_647

    def reader(self, style: Style) -> Reader:
        least, most, decimal, scale = self.least, self.most, style.decimal, style.scale

        @lru_cache(maxsize=20_000)
        def read(text: str) -> str:
            value = Fraction(Decimal(_number(text, decimal))) * (scale or 1)
            if scale is not None:
                value = Fraction(round(value))
            if value.denominator != 1:
                raise BadValue(_("“{text}” is not a whole number.").format(text=shown(text)))
            if not least <= value <= most:
                raise BadValue(
                    _("“{text}” is not between {least} and {most}.").format(text=shown(text), least=least, most=most)
                )
            return str(value.numerator)

        return read


@dataclass(frozen=True)
class Money(ValueType):
    """A number with two decimals; ``digits`` before the point. More decimals are rounded."""

    sql: str = "numeric"
    digits: int = 12
    least: int | None = 0

    def reader(self, style: Style) -> Reader:
        limit, least, decimal, scale = Decimal(10) ** self.digits, self.least, style.decimal, style.scale
        cent = Decimal("0.01")

        @lru_cache(maxsize=20_000)
        def read(text: str) -> str:
            try:
                value = Decimal(_number(text, decimal))
                if scale is not None:
                    value = value * scale.numerator / scale.denominator
                value = value.quantize(cent)
            except InvalidOperation:
                raise BadValue(_("“{text}” is too large.").format(text=shown(text))) from None
            if abs(value) >= limit:
                raise BadValue(_("“{text}” is too large.").format(text=shown(text)))
            if least is not None and value < least:
                raise BadValue(_("“{text}” is less than {least}.").format(text=shown(text), least=least))
            return str(value)

        return read


def decimal_mark(cells: Iterable[str]) -> str | None:
    """Which mark the cells of a column use for decimals: ``.``, ``,`` or None when they do not show it."""
    point = comma = 0
    for cell in cells:
        if not cell[-1:].isdigit() and not cell[:1].isdigit():
            continue
        last_point, last_comma = cell.rfind("."), cell.rfind(",")
        if last_point >= 0 and last_comma >= 0:
            point, comma = (point + 1, comma) if last_point > last_comma else (point, comma + 1)
        elif re.search(r",\d{1,2}\D*$", cell) or cell.count(".") > 1:
            comma += 1
        elif re.search(r"\.\d{1,2}\D*$", cell) or cell.count(",") > 1:
            point += 1
    if point == comma:
        return None
    return "." if point > comma else ","


# --- Dates ------------------------------------------------------------------------------------------------------------
DATE_STYLES = ("iso", "day-first", "month-first")
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$"
).match
_PARTED = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$").match


def _moment(text: str, style: str, zone: tzinfo) -> tuple[date, datetime]:
    if found := _ISO(text):
        year, month, day, hour, minute, second, offset = found.groups()
    elif (found := _PARTED(text)) and style != "iso":
        first, _mark, other, year, hour, minute, second = found.groups()
        day, month = (first, other) if style == "day-first" else (other, first)
        offset = None
    else:
        wanted = {"iso": "2026-03-27", "day-first": "27.03.2026", "month-first": "03/27/2026"}[style]
        raise BadValue(_("“{text}” is not a date like {wanted} or 2026-03-27.").format(text=shown(text), wanted=wanted))
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=zone
        )
        if offset:
            moment = moment.replace(tzinfo=datetime.fromisoformat(f"2000-01-01T00:00:00{offset}").tzinfo)
    except ValueError:
        how = {"iso": _("year first"), "day-first": _("day first"), "month-first": _("month first")}
        raise BadValue(
            _("“{text}”, read with the {style}, is no day of the calendar.").format(
                text=shown(text), style=how["iso" if _ISO(text) else style]
            )
        ) from None
    if not 1900 <= moment.year <= 2200:
        raise BadValue(_("“{text}” lies outside the years 1900 to 2200.").format(text=shown(text)))
    return moment.date(), moment


@dataclass(frozen=True)
class Day(ValueType):
    sql: str = "date"

    def reader(self, style: Style) -> Reader:
        dates, zone = style.dates, style.zone

        @lru_cache(maxsize=20_000)
        def read(text: str) -> str:
            return _moment(text, dates, zone)[0].isoformat()

        return read


@dataclass(frozen=True)
class Instant(ValueType):
    """A moment; a day alone is its midnight in the map's time zone."""

    sql: str = "timestamptz"

    def reader(self, style: Style) -> Reader:
        dates, zone = style.dates, style.zone

        @lru_cache(maxsize=20_000)
        def read(text: str) -> str:
            return _moment(text, dates, zone)[1].astimezone(UTC).isoformat()

        return read


@dataclass
class DateEvidence:
    """What the cells of one column show about the order of day and month."""

    iso: int = 0
    day_first: int = 0
    month_first: int = 0
    either: int = 0
    dotted: int = 0
    because: str = ""
    """The first cell that decides the order, or one that leaves it open."""

    def add(self, text: str) -> None:
        if found := _PARTED(text):
            first, second = int(found[1]), int(found[3])
            if first > 12 or second > 12:
                if not (self.day_first or self.month_first):
                    self.because = text
                self.day_first += first > 12
                self.month_first += first <= 12
            else:
                self.because = self.because or text
                self.either += 1
                self.dotted += found[2] == "."
        elif _ISO(text):
            self.iso += 1
            self.because = self.because or text

    @property
    def style(self) -> str | None:
        """The style shown, or None where the cells leave it open."""
        if self.day_first or self.month_first:
            return "day-first" if self.day_first >= self.month_first else "month-first"
        if self.either:
            return "day-first" if self.dotted == self.either else None
        return "iso" if self.iso else None


# --- Fixed vocabularies -----------------------------------------------------------------------------------------------
def _plain(text: str) -> str:
    return re.sub(r"[\s_\-/]+", "_", text.strip().lower())


def _chosen(text: str, choices: Mapping[str, str]) -> str:
    chosen = choices.get(text) or choices.get(_plain(text))
    if chosen is None:
        known = ", ".join(sorted(set(choices.values()))) or "–"
        raise BadValue(_("“{text}” is not known here. Known are: {known}.").format(text=shown(text), known=known))
    return chosen


def choices(values: Iterable[tuple[str, Any]], **synonyms: str) -> dict[str, str]:
    """What may stand in a cell for each value: the value, its English name, and synonyms."""
    from django.utils import translation

    with translation.override("en"):
        found = {_plain(str(name)): value for value, name in values}
    found |= {_plain(value): value for value in set(found.values())}
    return {**{_plain(word): value for word, value in synonyms.items()}, **found}


@dataclass(frozen=True)
class Choice(ValueType):
    sql: str = "text"
    choices: Mapping[str, str] = field(default_factory=dict)

    def reader(self, style: Style) -> Reader:
        known = dict(self.choices)

        @lru_cache(maxsize=5_000)
        def read(text: str) -> str:
            return _chosen(text, known)

        return read


_YES = frozenset({"true", "yes", "y", "1", "t", "x", "ja", "oui", "sí", "si", "sim", "wahr", "vrai"})
_NO = frozenset({"false", "no", "n", "0", "f", "nein", "non", "não", "nao", "falsch", "faux", "-"})


@dataclass(frozen=True)
class YesNo(ValueType):
    sql: str = "boolean"

    def reader(self, style: Style) -> Reader:
        @lru_cache(maxsize=500)
        def read(text: str) -> str:
            word = text.lower()
            if word in _YES:
                return "t"
            if word in _NO:
                return "f"
            raise BadValue(_("“{text}” is neither yes nor no.").format(text=shown(text)))

        return read


_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&*+/=?^_`{|}~'-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$").match
_valid_email = EmailValidator()


@dataclass(frozen=True)
class Email(ValueType):
    sql: str = "text"
    longest: int = 254

    def reader(self, style: Style) -> Reader:
        longest = self.longest

        def read(text: str) -> str:
            text = undefuse(text)
            # The quick test takes nearly every address; the strict one settles the rest.
            if not _EMAIL(text) or ".." in text:
                try:
                    _valid_email(text)
                except ValidationError:
                    raise BadValue(_("“{text}” is not an e-mail address.").format(text=shown(text))) from None
            return _checked_text(text, longest)

        return read


_valid_url = URLValidator(schemes=["http", "https"])


@dataclass(frozen=True)
class Url(ValueType):
    sql: str = "text"
    longest: int = 200

    def reader(self, style: Style) -> Reader:
        longest = self.longest

        def read(text: str) -> str:
            if "://" not in text and re.match(r"(?:[\w-]+\.)+[a-z]{2,}(?:/|$)", text):
                text = "https://" + text
            try:
                _valid_url(text)
            except ValidationError:
                raise BadValue(_("“{text}” is not a web address.").format(text=shown(text))) from None
            return _checked_text(text, longest)

        return read


@dataclass(frozen=True)
class Domain(ValueType):
    """The bare domain of a company, also where a whole web address stands."""

    sql: str = "text"
    longest: int = 200

    def reader(self, style: Style) -> Reader:
        longest = self.longest

        def read(text: str) -> str:
            bare = re.sub(r"^[a-z]+://", "", text.lower()).split("/")[0].removeprefix("www.").rstrip(".")
            if not re.fullmatch(r"(?:[\w-]+\.)+[\w-]{2,}", bare):
                raise BadValue(_("“{text}” is not a domain such as example.com.").format(text=shown(text)))
            return _checked_text(bare, longest)

        return read


@cache
def _zones() -> Mapping[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}


@dataclass(frozen=True)
class TimeZone(ValueType):
    sql: str = "text"

    def reader(self, style: Style) -> Reader:
        @lru_cache(maxsize=1_000)
        def read(text: str) -> str:
            name = _zones().get(text.lower().replace(" ", "_"))
            if name is None:
                raise BadValue(_("“{text}” is not a time zone such as Europe/Berlin.").format(text=shown(text)))
            return name

        return read


@dataclass(frozen=True)
class Language(ValueType):
    sql: str = "text"

    def reader(self, style: Style) -> Reader:
        @lru_cache(maxsize=1_000)
        def read(text: str) -> str:
            word = text.strip().lower().replace("_", "-")
            word = LANGUAGES.get(word, word)
            if not re.fullmatch(r"[a-z]{2,3}(?:-[a-z0-9]{2,6})?", word):
                raise BadValue(_("“{text}” is not a language such as en or de.").format(text=shown(text)))
            return word

        return read


@dataclass(frozen=True)
class Country(ValueType):
    sql: str = "text"

    def reader(self, style: Style) -> Reader:
        @lru_cache(maxsize=1_000)
        def read(text: str) -> str:
            code = COUNTRIES.get(text.lower()) or (text.upper() if re.fullmatch(r"[A-Za-z]{2}", text) else None)
            if code is None:
                raise BadValue(
                    _("“{text}” is not a country's two letters, such as DE. Say in the map what it stands for.").format(
                        text=shown(text)
                    )
                )
            return code

        return read


@dataclass(frozen=True)
class Currency(ValueType):
    sql: str = "text"

    def reader(self, style: Style) -> Reader:
        @lru_cache(maxsize=1_000)
        def read(text: str) -> str:
            code = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}.get(text, text.upper())
            if not re.fullmatch(r"[A-Z]{3}", code):
                raise BadValue(_("“{text}” is not a currency's three letters, such as EUR.").format(text=shown(text)))
            return code

        return read


LANGUAGES = {
    "english": "en", "german": "de", "deutsch": "de", "french": "fr", "français": "fr", "spanish": "es",
    "español": "es", "portuguese": "pt", "português": "pt", "italian": "it", "italiano": "it", "dutch": "nl",
    "nederlands": "nl", "japanese": "ja", "chinese": "zh", "korean": "ko", "polish": "pl", "swedish": "sv",
    "danish": "da", "norwegian": "no", "finnish": "fi", "czech": "cs", "turkish": "tr", "arabic": "ar", "hebrew": "he",
    "hindi": "hi", "greek": "el", "hungarian": "hu", "romanian": "ro", "ukrainian": "uk", "russian": "ru",
}  # fmt: skip

COUNTRIES = {
    "uk": "GB", "united kingdom": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "usa": "US",
    "u.s.a.": "US", "u.s.": "US", "united states": "US", "united states of america": "US", "germany": "DE",
    "deutschland": "DE", "france": "FR", "spain": "ES", "españa": "ES", "portugal": "PT", "italy": "IT", "italia": "IT",
    "netherlands": "NL", "the netherlands": "NL", "belgium": "BE", "luxembourg": "LU", "switzerland": "CH",
    "schweiz": "CH", "austria": "AT", "österreich": "AT", "poland": "PL", "czechia": "CZ", "czech republic": "CZ",
    "slovakia": "SK", "slovenia": "SI", "hungary": "HU", "romania": "RO", "bulgaria": "BG", "greece": "GR",
    "croatia": "HR", "serbia": "RS", "denmark": "DK", "sweden": "SE", "norway": "NO", "finland": "FI", "iceland": "IS",
    "ireland": "IE", "estonia": "EE", "latvia": "LV", "lithuania": "LT", "ukraine": "UA",
    "turkey": "TR", "türkiye": "TR",
    "israel": "IL", "united arab emirates": "AE", "uae": "AE", "saudi arabia": "SA", "qatar": "QA", "egypt": "EG",
    "morocco": "MA", "nigeria": "NG", "kenya": "KE", "south africa": "ZA", "canada": "CA", "mexico": "MX",
    "méxico": "MX", "brazil": "BR", "brasil": "BR", "argentina": "AR", "chile": "CL", "colombia": "CO", "peru": "PE",
    "india": "IN", "china": "CN", "hong kong": "HK", "taiwan": "TW", "japan": "JP", "south korea": "KR", "korea": "KR",
    "singapore": "SG", "malaysia": "MY", "thailand": "TH", "vietnam": "VN", "indonesia": "ID", "philippines": "PH",
    "australia": "AU", "new zealand": "NZ",
}  # fmt: skip
