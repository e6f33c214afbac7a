"""A file into Postgres: checked row by row in Python, staged by COPY, settled by whole sets, all in one transaction.

Memory stays flat: rows pass through in batches, refused ones included. Either everything that can be loaded is loaded
and reported, or nothing is, also when the process is killed.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.importing.kinds import Kind, literal, sentence
from advocacy.crm.importing.mapping import Map, Plan, Refusal
from advocacy.crm.importing.reading import LONGEST_CELL, SAMPLE_ROWS, BadFile, Found, Opener, Row, Rows, look
from advocacy.crm.importing.values import CUT, escape, shown
from advocacy.crm.models import Program

BATCH = 5_000
RAW_CELL = 20_000
"""The longest refused cell kept whole for mending: more than any field holds."""
EXCERPT = 4_000
"""What is kept of a longer one: enough to know it by, and marked, so that it stays refused until it is mended."""

Beat = Callable[[str, int], None]
"""Called between batches with the phase and the rows read so far; raises ``Cancelled`` to stop."""


class Cancelled(Exception):
    """Somebody stopped the import; nothing of it stays."""


@dataclass
class Outcome:
    """What became of a file."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    superseded: int = 0
    warned: int = 0
    warnings: list[str] = field(default_factory=list)
    styles: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("rows", "created", "updated", "unchanged", "rejected")}

    @property
    def loadable(self) -> bool:
        return bool(self.created or self.updated or self.unchanged)


@dataclass(frozen=True)
class Source:
    """A file that can be opened as often as needed, and what a look through it found."""

    opener: Opener
    found: Found
    header: list[str]

    @classmethod
    def of(cls, opener: Opener, *, encoding: str = "", delimiter: str = "") -> "Source":
        found = look(opener, encoding=encoding, delimiter=delimiter)
        with opener() as stream:
            for row in _rows(stream, found):
                if any(cell.strip() for cell in row.cells):
                    if row.fault:
                        raise BadFile(_("The header cannot be read. {reason}").format(reason=row.fault))
                    return cls(opener, found, [cell.strip() for cell in row.cells])
        raise BadFile(_("The file has no header."))

    def rows(self) -> "Iterator[Row]":
        """The rows below the header that hold anything."""
        with self.opener() as stream:
            headed = False
            for row in _rows(stream, self.found):
                if not row.fault and not any(cell.strip() for cell in row.cells):
                    continue
                if headed:
                    yield row
                headed = True

    def sample(self, most: int = SAMPLE_ROWS) -> list[Row]:
        taken = []
        for row in self.rows():
            taken.append(row)
            if len(taken) >= most:
                break
        return taken


def _rows(stream: Any, found: Found) -> Iterator[Row]:
    try:
        yield from Rows(stream, found)
    except UnicodeError:
        raise BadFile(_("The file cannot be read as {encoding}.").format(encoding=found.encoding)) from None


def plan_for(source: Source, map_: Map) -> Plan:
    return Plan(map_, source.header, source.sample())


# --- Loading ----------------------------------------------------------------------------------------------------------
def load(
    source: Source,
    plan: Plan,
    *,
    at: datetime,
    dry_run: bool = False,
    run: int | None = None,
    by: int | None = None,
    beat: Beat = lambda phase, rows: None,
    finish: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Load a file, or only say what loading would do (``dry_run``).

    ``run`` is the ``ImportRun`` under which each row's fate is kept, ``by`` whose it is. ``finish`` is called last,
    inside the transaction, so that what it writes stands exactly when the facts do.
    """
    outcome = Outcome(warnings=list(plan.warnings), styles=dict(plan.styles))
    params = {"source": plan.source, "at": at, "run": run, "by": by, "currency": Program.current().currency}
    with transaction.atomic(), connection.cursor() as cursor:
        if run is not None:
            # Held as long as this transaction lives: whoever can take it knows that the import is no longer running.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RUN_LOCK, run])
        cursor.execute("SET LOCAL work_mem = '64MB'")
        _notice_a_killed_client(cursor)
        # References are checked at the end of each statement, not kept until the commit: the history trigger opens a
        # subtransaction for each row, and each of these looks through all that is kept.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        _stage(cursor, source, plan, outcome, beat)
        if outcome.rows > MANY_ROWS:
            # Statistics say nothing of rows this transaction has just written, and after an analyze in between they
            # may say "none": a plan that compares each row with each would then look cheap, and take an hour.
            cursor.execute("SET LOCAL enable_nestloop = off")
        beat("matching", outcome.rows)
        # Two imports of one kind follow each other, so that the second sees what the first brought.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [KIND_LOCK, plan.kind.slug])
        if not plan.missing:
            _judge(cursor, plan, params)
            beat("matching", outcome.rows)
            _count(cursor, outcome)
            if not dry_run:
                beat("writing", outcome.rows)
                plan.kind.write(cursor, plan, params)
        cursor.execute("SELECT count(DISTINCT line) FROM import_refused")
        outcome.rejected = cursor.fetchone()[0]
        if run is not None:
            beat("reporting", outcome.rows)
            _keep_raw(cursor, source, plan)
            _report(cursor, plan, params)
        if outcome.superseded:
            outcome.warnings.append(
                ngettext(
                    "%(count)s row stands under an id that comes again further down; the last one counts.",
                    "%(count)s rows stand under an id that comes again further down; the last one counts.",
                    outcome.superseded,
                )
                % {"count": outcome.superseded}
            )
        if outcome.warned:
            outcome.warnings.append(
                ngettext(
                    "%(count)s row was loaded with a remark.",
                    "%(count)s rows were loaded with a remark.",
                    outcome.warned,
                )
                % {"count": outcome.warned}
            )
        finish(outcome)
        for table in ("import_staged", "import_refused", "import_judged"):
            cursor.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return outcome


RUN_LOCK, KIND_LOCK = 710_101, 710_102

MANY_ROWS = 1_000
"""From here on reading a whole table once is cheaper than being wrong about its size."""


def _notice_a_killed_client(cursor: Any) -> None:
    """Postgres ends a statement whose client has died, where its platform can tell; else at the statement's end."""
    try:
        with transaction.atomic():
            cursor.execute("SET LOCAL client_connection_check_interval = '2s'")
    except DatabaseError:
        pass


def _stage(cursor: Any, source: Source, plan: Plan, outcome: Outcome, beat: Beat) -> None:
    columns = {"line": "integer", "record": "smallint", "external_id": "text"}
    columns |= {field.name: field.type.sql for field in plan.fields}
    for other in plan.kind.fields:  # fields the file does not give are NULL columns, so that SQL may name any
        columns.setdefault(other.name, other.type.sql)
    listed = ", ".join(f"{name} {sql}" for name, sql in columns.items())
    cursor.execute(f"CREATE TEMP TABLE import_staged ({listed}) ON COMMIT DROP")
    cursor.execute(
        "CREATE TEMP TABLE import_refused (line integer, external_id text, reason text, raw text) ON COMMIT DROP"
    )
    names = ["line", "record", *(field.name for field in plan.fields)]
    staging = f"COPY import_staged ({', '.join(names)}) FROM STDIN"
    good, bad = io.StringIO(), io.StringIO()

    def flush() -> None:
        for buffer, statement in ((good, staging), (bad, "COPY import_refused FROM STDIN")):
            if buffer.tell():
                buffer.seek(0)
                cursor.copy_expert(statement, buffer)
                buffer.seek(0)
                buffer.truncate()
        beat("reading", outcome.rows)

    read = plan.read
    for row in source.rows():
        outcome.rows += 1
        try:
            records = read(row)
        except Refusal as refusal:
            said = [str(row.number), escape(shown_id(plan.id_of(row.cells))), escape(_reason(refusal.reasons))]
            bad.write("\t".join([*said, escape(raw_of(row.cells))]) + "\n")
        else:
            for number, values in enumerate(records):
                good.write(f"{row.number}\t{number}\t" + "\t".join(values) + "\n")
        if outcome.rows % BATCH == 0:
            flush()
    flush()
    cursor.execute("ANALYZE import_staged")


def shown_id(text: str) -> str:
    return shown(text.encode("utf-8", "replace").decode("utf-8"))[:200]


def _reason(reasons: Iterable[str]) -> str:
    text = " ".join(reason if reason.endswith((".", "…")) else reason + "." for reason in reasons)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= 500 else text[:497] + "…"


def raw_of(cells: list[str]) -> str:
    """The cells of a refused row as JSON that Postgres can hold."""
    kept = []
    for cell in cells:
        text = cell[:LONGEST_CELL].replace("\x00", "\ufffd")
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        kept.append(text if len(text) <= RAW_CELL else text[:EXCERPT] + CUT)
    return json.dumps(kept, ensure_ascii=False)


def _judge(cursor: Any, plan: Plan, params: dict[str, Any]) -> None:
    """Settle each staged record: refused, superseded by a later row of the same id, created, changed or the same."""
    kind: Kind = plan.kind
    too_long = sentence(_("The id “{id}” is longer than 200 characters."), id="k.external_id")
    checks = [(check.when, check.reason) for check in kind.checks(plan)]
    checks.append(("length(k.external_id) > 200", too_long))
    warnings = kind.warnings(plan)
    reason = "CASE " + " ".join(f"WHEN {when} THEN {said}" for when, said in checks) + " END"
    warning = (
        "NULLIF(concat_ws(' ', "
        + ", ".join(f"CASE WHEN {one.when} THEN {one.reason} END" for one in warnings)
        + "), '')"
        if warnings
        else "NULL::text"
    )
    values = "".join(f", ({value}) AS v_{column}" for column, value in kind.values(plan).items())
    fingerprint, known = kind.fingerprint(plan), kind.known_fingerprint()
    joins = "\n".join(
        [*kind.joins(plan), f"CROSS JOIN LATERAL (SELECT {kind.key(plan)} AS external_id) k", kind.existing()]
    )
    kept = "".join(f", s.{field.name} AS s_{field.name}" for field in kind.fields if field.name in plan.given)
    table = kind.model._meta.db_table
    cursor.execute(
        f"""CREATE TEMP TABLE import_judged ON COMMIT DROP AS
        SELECT found.*, coalesce(old_id, nextval(pg_get_serial_sequence('{table}', 'id'))) AS id, false AS superseded,
            CASE WHEN old_id IS NULL THEN 'created' WHEN cardinality(changed) > 0 THEN 'updated' ELSE 'unchanged' END
                AS action
        FROM (
            SELECT s.line, s.record, k.external_id, t.id AS old_id, {fingerprint} AS fingerprint,
                CASE WHEN t.id IS NULL OR {known} IS NOT DISTINCT FROM {fingerprint} THEN '{{}}'::text[]
                    ELSE {kind.changed(plan)} END AS changed,
                {reason} AS reason, {warning} AS warning{values}{kept}
            FROM import_staged s {joins}
        ) found""",
        params,
    )
    kind.settle(cursor, plan, params)
    if len(plan.map.records) > 1:
        # A row that gives several records is loaded whole or not at all.
        cursor.execute(
            "UPDATE import_judged j SET reason = f.reason FROM (SELECT line, min(reason) AS reason FROM import_judged"
            " WHERE reason IS NOT NULL GROUP BY line) f WHERE j.line = f.line AND j.reason IS NULL"
        )
    # Of several sound rows of one id the last one counts.
    place = "line::bigint * 32768 + record"
    cursor.execute(
        f"UPDATE import_judged j SET superseded = true FROM (SELECT external_id, max({place}) AS last"
        " FROM import_judged WHERE reason IS NULL GROUP BY external_id HAVING count(*) > 1) twice"
        f" WHERE j.reason IS NULL AND j.external_id = twice.external_id AND {place} < twice.last"
    )
    # Without it Postgres may take a file of thousands for a handful, and compare each row with each.
    cursor.execute("ANALYZE import_judged")
    cursor.execute(
        "CREATE TEMP VIEW import_ready AS SELECT * FROM import_judged WHERE reason IS NULL AND NOT superseded"
    )
    cursor.execute(
        "INSERT INTO import_refused SELECT DISTINCT ON (line) line, left(external_id, 200), left(reason, 500)"
        " FROM import_judged WHERE reason IS NOT NULL ORDER BY line, record"
    )


def _count(cursor: Any, outcome: Outcome) -> None:
    cursor.execute(
        "SELECT count(*) FILTER (WHERE action = 'created'), count(*) FILTER (WHERE action = 'updated'),"
        " count(*) FILTER (WHERE action = 'unchanged'), count(warning) FROM import_ready"
    )
    outcome.created, outcome.updated, outcome.unchanged, outcome.warned = cursor.fetchone()
    cursor.execute("SELECT count(*) FROM import_judged WHERE superseded")
    outcome.superseded = cursor.fetchone()[0]


def _keep_raw(cursor: Any, source: Source, plan: Plan) -> None:
    """Read the file again for the cells of rows that only the database could refuse."""
    cursor.execute("SELECT line FROM import_refused WHERE raw IS NULL LIMIT 1")
    if cursor.fetchone() is None:
        return
    cursor.execute("CREATE INDEX ON import_refused (line)")
    batch: list[Row] = []

    def fill() -> None:
        cursor.execute(
            "SELECT line FROM import_refused WHERE raw IS NULL AND line BETWEEN %s AND %s",
            [batch[0].number, batch[-1].number],
        )
        wanted = {line for (line,) in cursor.fetchall()}
        if wanted:
            pairs = [(row.number, raw_of(row.cells)) for row in batch if row.number in wanted]
            cursor.execute(
                "UPDATE import_refused r SET raw = p.raw FROM unnest(%s::integer[], %s::text[]) AS p (line, raw)"
                " WHERE r.line = p.line",
                [[line for line, _raw in pairs], [raw for _line, raw in pairs]],
            )
        batch.clear()

    for row in source.rows():
        batch.append(row)
        if len(batch) >= BATCH:
            fill()
    if batch:
        fill()


def _report(cursor: Any, plan: Plan, params: dict[str, Any]) -> None:
    """Keep what became of each row, for the page and the rejects file."""
    into = "INSERT INTO crm_importrow (run_id, line, external_id, result, reason, raw) "
    cursor.execute(
        into + "SELECT %(run)s, line, coalesce(external_id, ''), 'rejected', reason, raw::jsonb FROM import_refused"
        " ORDER BY line",
        params,
    )
    if plan.missing:
        return
    superseded = literal(_("Its id comes again further down; the last one counts."))
    cursor.execute(
        into + "SELECT %(run)s, line, external_id, action, left(array_to_string(changed, ', '), 500), NULL"
        " FROM import_ready WHERE action <> 'unchanged' ORDER BY line",
        params,
    )
    cursor.execute(
        into + "SELECT %(run)s, line, external_id, 'warning', left(warning, 500), NULL FROM import_ready"
        " WHERE warning IS NOT NULL ORDER BY line",
        params,
    )
    cursor.execute(
        into + f"SELECT %(run)s, line, external_id, 'warning', {superseded}, NULL FROM import_judged"
        " WHERE superseded ORDER BY line",
        params,
    )


def said_of(error: DatabaseError) -> str:
    """A database's complaint as a sentence for a person, without its statement."""
    first = str(error).strip().splitlines()
    return _("The database refused the load, and nothing was written: {reason}").format(
        reason=first[0] if first else "?"
    )
