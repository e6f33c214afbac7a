"""Rows that come by themselves instead of in a file: judged and written by the same rules as an import (P16, X5)."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.db import connection
from django.utils.translation import gettext as _

from advocacy.crm.importing.kinds import Kind
from advocacy.crm.importing.loading import Outcome, Source, load, plan_for
from advocacy.crm.importing.mapping import read_map
from advocacy.lib.lifecycle import Refused

HEADER_LINES = 1
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Fate:
    """What became of one row: ``created``, ``updated``, ``unchanged``, ``superseded`` or ``refused`` with a reason."""

    result: str
    id: str = ""
    reason: str = ""


def bring(
    kind: Kind, rows: Sequence[Mapping[str, str]], *, source: str, through: Mapping[str, str], at: datetime
) -> list[Fate]:
    """Load rows of a kind's own fields under a source's name; returns the fate of each, in their order.

    ``through`` says by what a reference is named, such as ``{"contact": "email"}``; its ids unless said. Sound rows
    are written, refused ones are not; nothing of it is half-written.
    """
    fields = sorted({name for row in rows for name in row})
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(fields)
    # One row is one line, by which its fate is known.
    writer.writerows([_CONTROLS.sub(" ", row.get(name, "")) for name in fields] for row in rows)
    data = text.getvalue().encode()

    def opener() -> BinaryIO:
        return io.BytesIO(data)

    feeds = {name: {"column": name, "through": through[name]} if name in through else name for name in fields}
    map_ = read_map(kind, {"source": source, "dates": "iso", "decimal": ".", "fields": feeds})
    found = Source.of(opener, encoding="utf-8", delimiter=",")
    plan = plan_for(found, map_)
    if plan.missing:
        raise Refused(" ".join(plan.missing))
    fates: dict[int, Fate] = {}

    def finish(_outcome: Outcome) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT line, CASE WHEN superseded THEN 'superseded' ELSE action END, external_id"
                " FROM import_judged WHERE reason IS NULL"
            )
            fates.update({line: Fate(result, known) for line, result, known in cursor.fetchall()})
            cursor.execute("SELECT line, coalesce(external_id, ''), reason FROM import_refused")
            fates.update({line: Fate("refused", known, reason) for line, known, reason in cursor.fetchall()})

    load(found, plan, at=at, finish=finish)
    empty = Fate("refused", "", _("The row is empty."))  # an import passes over such a line without a word
    return [fates.get(number + HEADER_LINES + 1, empty) for number in range(len(rows))]
