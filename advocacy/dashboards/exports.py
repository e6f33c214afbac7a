"""The rows of a measure as a file. Cells that a spreadsheet would take for a formula are disarmed."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from advocacy.dashboards import words
from advocacy.dashboards.registry import Column

FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # the wide forms work in some spreadsheets, too


def safe(value: Any) -> Any:
    """A cell a spreadsheet will not run: text that would begin a formula gets an apostrophe before it."""
    if isinstance(value, (int, float, Decimal)):
        return value
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip(" \u00a0").startswith(FORMULA) else text


class _Line:
    """What ``csv`` writes to when each line is handed on at once."""

    def write(self, text: str) -> str:
        return text


def lines(rows: "QuerySet[Any]", columns: list[Column] | tuple[Column, ...]) -> Iterator[str]:
    """The file line by line, a thousand rows at a time, beginning with the mark that tells Excel it is UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff"
    yield writer.writerow([safe(column.label) for column in columns])
    for row in rows.iterator(chunk_size=1000):
        yield writer.writerow([safe(words.plain(column.value(row), column.unit)) for column in columns])
