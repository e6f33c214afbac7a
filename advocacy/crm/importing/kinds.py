"""What can be imported: each kind's fields, and how its rows meet what Postgres already holds.

A kind describes itself in two halves. Its ``fields`` say what a cell may hold; Python checks those, row by row. The SQL
half (``joins``, ``values``, ``checks``) settles whole files at once: references, what a row would make of an existing
record, and what the database would refuse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils.translation import gettext as _

from advocacy.crm.importing.history import told_by_set
from advocacy.crm.importing.values import Text, ValueType

if TYPE_CHECKING:
    from advocacy.crm.importing.mapping import Plan


@dataclass(frozen=True)
class Reference(Text):
    """A cell that names another record, ``through`` one of the keys it is known by (``id`` unless told)."""

    to: str = "account"
    through: tuple[str, ...] = ("id",)
    longest: int = 254


@dataclass(frozen=True)
class Field:
    """One field a file can fill. ``keep``: an empty cell leaves what is there instead of clearing it."""

    name: str
    label: Any
    type: ValueType
    required: bool = False
    synonyms: tuple[str, ...] = ()
    keep: bool = False
    help: Any = ""


@dataclass(frozen=True)
class Check:
    """What must not be: an SQL condition over a staged row and its joins, and the reason as SQL text."""

    when: str
    reason: str


def literal(text: str) -> str:
    """A text as an SQL literal inside a statement that takes parameters."""
    return "'" + str(text).replace("'", "''").replace("%", "%%") + "'"


def sentence(text: str, **parts: str) -> str:
    """A translated sentence as SQL text; ``{name}`` stands for the SQL expression given under that name."""
    pieces: list[str] = []
    rest = text
    while rest:
        before, brace, rest = rest.partition("{")
        if before:
            pieces.append(literal(before))
        if brace:
            name, _brace, rest = rest.partition("}")
            pieces.append(f"left(coalesce({parts[name]}::text, ''), 60)")
    return " || ".join(pieces) or "''"


@dataclass(frozen=True)
class OwnWord:
    """Where an app above keeps which facts people have told about themselves: a join from the contact ``t``, and the
    jsonb whose keys are the names of the facts."""

    join: str
    told: str


_own_word: list[OwnWord] = []


def register_own_word(where: OwnWord) -> None:
    """Called once by the app that keeps what people told; imports of contacts then leave these facts alone."""
    _own_word[:] = [where]


def own_word() -> OwnWord | None:
    return _own_word[0] if _own_word else None


class Kind:
    """One kind of import. The general course is here; a kind overrides the parts that differ.

    In SQL the staged row is ``s``, the existing record ``t``.
    """

    slug: ClassVar[str]
    title: Any
    model: type[models.Model]
    fields: tuple[Field, ...]
    any_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of fields of which each row fills at least one."""
    order: ClassVar[int] = 100
    stamped: ClassVar[tuple[str, ...]] = ()
    """Columns that take the moment of the import when a row brings something new."""

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    # --- the SQL half ---------------------------------------------------------------------------------------------
    def key(self, plan: "Plan") -> str:
        """The id a row has at its source; a natural key where the file has none."""
        return "s.external_id"

    def joins(self, plan: "Plan") -> list[str]:
        """Joins from ``s`` to what it refers to."""
        return []

    def values(self, plan: "Plan") -> dict[str, str]:
        """Target column → SQL for its new value, for the fields this file gives. Plain fields come from here."""
        found = {}
        for field in self.fields:
            if field.name not in plan.given or field.name == "external_id" or isinstance(field.type, Reference):
                continue
            column = self.column(field.name)
            if column is not None:
                found[str(column.column)] = self.plain(field, column)
        return found

    def column(self, name: str) -> "models.Field[Any, Any] | None":
        return next((column for column in self.model._meta.concrete_fields if column.name == name), None)

    def plain(self, field: Field, column: "models.Field[Any, Any]") -> str:
        if field.keep:
            default = self.default(column)
            return f"coalesce(s.{field.name}, t.{column.column}{f', {default}' if default else ''})"
        default = self.default(column)
        if column.null or not default:
            return f"s.{field.name}"
        return f"coalesce(s.{field.name}, {default})"

    def default(self, column: "models.Field[Any, Any]") -> str:
        """SQL for a column's value when nothing is said; empty where NULL does."""
        if not column.has_default():
            is_text = isinstance(column, models.CharField | models.TextField)
            return "''" if is_text and not column.null else ""
        value = column.get_default()
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list):
            return "'{}'"
        if isinstance(value, datetime):
            return "%(at)s::timestamptz"
        if isinstance(value, int | float):
            return str(value)
        if column.get_internal_type() == "UUIDField":
            return "gen_random_uuid()"
        if column.name == "currency":
            return "%(currency)s"
        return literal(str(getattr(value, "value", value))) if value is not None else ""

    def defaults(self, *, beside: Sequence[str]) -> dict[str, str]:
        """SQL for the other columns of a new record."""
        columns = [column for column in self.model._meta.concrete_fields if column.attname not in (*beside, "id")]
        return {column.attname: default for column in columns if (default := self.default(column))}

    def checks(self, plan: "Plan") -> list[Check]:
        return []

    def warnings(self, plan: "Plan") -> list[Check]:
        """Like ``checks``, but the row is loaded all the same."""
        return []

    def settle(self, cursor: Any, plan: "Plan", params: Mapping[str, Any]) -> None:
        """Refuse rows of ``import_judged`` for reasons that lie in other rows of the same file."""

    def write(self, cursor: Any, plan: "Plan", params: Mapping[str, Any]) -> None:
        """Put what is new and changed in ``import_ready`` into the table."""
        table = self.model._meta.db_table
        given = list(self.values(plan))
        always = ["source", "external_id", "facts_at", "fingerprint"]
        others = self.defaults(beside=(*given, *always))
        columns = ["id", *always, *given, *others]
        picked = [
            "r.id", "%(source)s", "r.external_id", "%(at)s::timestamptz", "r.fingerprint",
            *(f"r.v_{column}" for column in given), *others.values(),
        ]  # fmt: skip
        update = ", ".join(
            f"{column} = excluded.{column}" for column in ["facts_at", "fingerprint", *self.stamped, *given]
        )
        changed = (
            "facts_at = %(at)s",
            "fingerprint = r.fingerprint",
            *(f"{column} = %(at)s" for column in self.stamped),
            *(f"{column} = r.v_{column}" for column in given),
        )
        changes = ", ".join(changed)
        match = "t.source = %(source)s AND t.external_id = r.external_id"
        with told_by_set(cursor, self.model, match, params):
            # Where somebody else brought the same record in since we looked, it is brought up to date instead.
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(picked)} FROM import_ready r"
                f" WHERE r.action = 'created' ORDER BY r.line ON CONFLICT (source, external_id) DO UPDATE SET {update}"
                f" WHERE {table}.fingerprint IS DISTINCT FROM excluded.fingerprint",
                params,
            )
            cursor.execute(
                f"UPDATE {table} t SET {changes} FROM import_ready r WHERE r.action = 'updated' AND t.id = r.id",
                params,
            )

    def changed(self, plan: "Plan") -> str:
        """SQL for the names of the fields a row would change, as an array."""
        parts = [
            f"CASE WHEN t.{column} IS DISTINCT FROM ({value}) THEN {literal(self.said(column))} END"
            for column, value in self.values(plan).items()
        ]
        return f"array_remove(ARRAY[{', '.join(parts)}]::text[], NULL)" if parts else "'{}'::text[]"

    def said(self, column: str) -> str:
        name = column.removesuffix("_id")
        return str(next((field.label for field in self.fields if field.name in (column, name)), name))

    def fingerprint(self, plan: "Plan") -> str:
        """SQL for what this row says, in 32 characters: the same row again is known by it."""
        said = self.said_by_row(plan)
        parts = ", ".join(f"coalesce(({part})::text, chr(30))" for part in said)
        return f"md5(concat_ws(chr(31), {parts}))" if parts else "md5('')"

    def said_by_row(self, plan: "Plan") -> list[str]:
        plain = [
            f"s.{field.name}"
            for field in self.fields
            if field.name in plan.given and field.name != "external_id" and not isinstance(field.type, Reference)
        ]
        references = [value for column, value in self.values(plan).items() if column.endswith("_id")]
        return [literal(",".join(sorted(plan.given))), *plain, *references]

    def known_fingerprint(self) -> str:
        """SQL for what the existing record's source said last; NULL where that is not kept."""
        return "t.fingerprint"

    def existing(self) -> str:
        """The join from a staged row (with its key as ``k.external_id``) to the record it speaks of."""
        table = self.model._meta.db_table
        return f"LEFT JOIN {table} t ON t.source = %(source)s AND t.external_id = k.external_id"


# --- References -------------------------------------------------------------------------------------------------------
def account_join(plan: "Plan", name: str = "account", alias: str = "a") -> list[str]:
    """Join the account a staged row names, by its id, one of its subscriptions' ids, or its domain."""
    source, through = plan.reference(name)
    if through == "subscription":
        return [
            f"LEFT JOIN (SELECT external_id, account_id AS id FROM crm_subscription"
            f" WHERE source = {literal(source)}) {alias} ON {alias}.external_id = s.{name}"
        ]
    if through == "domain":
        return [
            f"LEFT JOIN (SELECT lower(domain) AS domain, min(id) AS id FROM crm_account WHERE domain <> ''"
            f" AND merged_into_id IS NULL GROUP BY 1 HAVING count(*) = 1) {alias}"
            f" ON {alias}.domain = lower(regexp_replace(s.{name}, '^.*@', ''))"
        ]
    # What was merged into another account is that account from then on.
    return [
        f"LEFT JOIN (SELECT source, external_id, coalesce(merged_into_id, id) AS id FROM crm_account) {alias}"
        f" ON {alias}.source = {literal(source)} AND {alias}.external_id = s.{name}"
    ]


def unknown_account(plan: "Plan", name: str = "account", alias: str = "a") -> Check:
    _source, through = plan.reference(name)
    said = {
        "subscription": _("No account is known for the subscription “{id}”."),
        "domain": _("No account, or more than one, has the domain of “{id}”."),
    }.get(through, _("No account is known by the id “{id}”."))
    return Check(f"s.{name} IS NOT NULL AND {alias}.id IS NULL", sentence(said, id=f"s.{name}"))


def contact_join(plan: "Plan", name: str = "contact", alias: str = "c") -> list[str]:
    """Join the contact a staged row names, by id, or by an e-mail address only one contact has."""
    source, through = plan.reference(name)
    if through == "email":
        return [
            f"LEFT JOIN (SELECT lower(email) AS email, min(id) AS id, min(account_id) AS account_id,"
            f" max(erased_at) AS erased_at FROM crm_contact WHERE email <> ''"
            f" AND merged_into_id IS NULL GROUP BY 1 HAVING count(*) = 1) {alias}"
            f" ON {alias}.email = lower(s.{name})"
        ]
    return [
        f"LEFT JOIN crm_contact {alias}_named"
        f" ON {alias}_named.source = {literal(source)} AND {alias}_named.external_id = s.{name}"
        f" LEFT JOIN crm_contact {alias} ON {alias}.id = coalesce({alias}_named.merged_into_id, {alias}_named.id)"
    ]


def unknown_contact(plan: "Plan", name: str = "contact", alias: str = "c") -> Check:
    _source, through = plan.reference(name)
    said = (
        _("No contact, or more than one, has the e-mail address “{id}”.")
        if through == "email"
        else _("No contact is known by the id “{id}”.")
    )
    return Check(f"s.{name} IS NOT NULL AND {alias}.id IS NULL", sentence(said, id=f"s.{name}"))


def colleague_join(name: str) -> list[str]:
    """Join the colleague (a person who signs in and is no advocate's account alone) by e-mail address."""
    return [f"LEFT JOIN users_user u_{name} ON lower(u_{name}.email) = lower(s.{name}) AND u_{name}.is_active"]


def unknown_colleague(name: str) -> Check:
    said = _("Nobody signs in here with the address “{email}”; that field is left as it is.")
    return Check(f"s.{name} IS NOT NULL AND u_{name}.id IS NULL", sentence(said, email=f"s.{name}"))


def colleague_value(name: str) -> str:
    """Clears with an empty cell, stays as it is with an unknown address."""
    return f"CASE WHEN s.{name} IS NULL THEN NULL ELSE coalesce(u_{name}.id, t.{name}_id) END"


# --- Registry ---------------------------------------------------------------------------------------------------------
_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    for kind in kinds:
        _kinds[kind.slug] = kind


def kind_of(slug: str) -> Kind | None:
    return _kinds.get(slug)


def all_kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: kind.order)
