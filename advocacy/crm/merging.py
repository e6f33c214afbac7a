"""Two rows become one (P28): every reference follows, what moved is on record, and for thirty days it can be put back.

The row that goes is kept, out of everybody's sight, for the ledgers that name it and for the source that knows its id.
References are found by walking the models, so that a new table cannot be forgotten. Where both have a row and only one
may be (one consent for each purpose), the row of the one that stays is kept. Ledgers that only grow are not rewritten:
whoever keeps one says here how its standing follows (``handle``).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pghistory.models
import pgtrigger
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from advocacy.crm import consent, readiness
from advocacy.crm.duplicates import MODELS
from advocacy.crm.models import Account, ConsentEntry, ConsentState, Contact, Likeness, Merge, RecordedBasis, Twins
from advocacy.lib.lifecycle import Refused

UNDO_DAYS = 30

FIELDS: Mapping[str, tuple[str, ...]] = {
    Twins.ACCOUNT: (
        "name", "domain", "parent", "industry", "employees", "annual_value", "region", "country",
        "language", "time_zone", "products", "use_cases", "replaced_competitors", "competes_with", "contract_start",
        "contract_months", "renewal_on", "owner", "csm",
    ),
    Twins.CONTACT: (
        "given_name", "family_name", "email", "account", "title", "persona", "language", "country", "time_zone",
        "linkedin", "left_on",
    ),
}  # fmt: skip
"""The facts one chooses between."""


@dataclass(frozen=True)
class Reference:
    """One field somewhere that points at the rows to merge."""

    model: type[models.Model]
    field: Any

    @property
    def label(self) -> str:
        return f"{self.model._meta.label_lower}.{self.field.name}"


@dataclass(frozen=True)
class Handling:
    """How a table follows that cannot simply be pointed at the other row."""

    merge: Callable[["Merge", Any, Any, datetime], Any]
    undo: Callable[["Merge", Any, Any, Any, datetime], None]
    settle: Callable[["Merge", Any, Any, datetime], None] | None = None
    """What is computed from the rows, once all of them are back where they were."""


_handled: dict[str, Handling] = {}
_clashing: dict[str, Handling] = {}
_besides: dict[str, Handling] = {}
_hinders: list[Callable[[str, Any, Any], str | None]] = []


def handle(label: str, handling: Handling) -> None:
    """A ledger that only grows: ``label`` is ``app.model.field``."""
    _handled[label] = handling


def when_both_have_one(label: str, handling: Handling) -> None:
    """A row of which each may have one, and which is itself pointed at: merged in turn (two advocates of a person)."""
    _clashing[label] = handling


def besides(name: str, handling: Handling) -> None:
    """What names a row otherwise than by a reference, and what is computed from the rows that moved."""
    _besides[name] = handling


def hinder(why_not: Callable[[str, Any, Any], str | None]) -> None:
    """A sentence that says what has to be settled first; None where nothing stands against the merge."""
    _hinders.append(why_not)


def references(model: type[models.Model]) -> Iterator[Reference]:
    """Everything that points at this model, also what hides its way back; not the history, which tells what was."""
    for found in model._meta.get_fields(include_hidden=True):
        if not (found.auto_created and not found.concrete and (found.one_to_many or found.one_to_one)):
            continue
        related: Any = found.related_model
        if not issubclass(related, pghistory.models.Event):
            yield Reference(related, found.field)  # type: ignore[union-attr]


def only_grows(model: type[models.Model]) -> bool:
    """Whether a trigger keeps the rows of this table from being changed."""
    return any(
        isinstance(trigger, pgtrigger.Protect) and "UPDATE" in str(trigger.operation)
        for trigger in getattr(model._meta, "triggers", [])
    )


def unhandled(model: type[models.Model]) -> list[str]:
    """Ledgers nobody has said anything about: there must be none."""
    return [ref.label for ref in references(model) if only_grows(ref.model) and ref.label not in _handled]


# --- References -------------------------------------------------------------------------------------------------------
def _clashes(ref: Reference, stays: Any, gone: Any) -> set[Any]:
    """Rows of the one that goes for which the one that stays has a row already."""
    rows = ref.model._base_manager
    uniques: list[tuple[tuple[str, ...], Q]] = [
        (tuple(unique.fields), unique.condition or Q())
        for unique in ref.model._meta.constraints
        if isinstance(unique, models.UniqueConstraint) and ref.field.name in unique.fields
    ]
    uniques += [(tuple(names), Q()) for names in ref.model._meta.unique_together if ref.field.name in names]
    if ref.field.unique:
        uniques.append(((ref.field.name,), Q()))
    found: set[Any] = set()
    for names, condition in uniques:
        others = [name for name in names if name != ref.field.name]
        taken = set(rows.filter(condition, **{ref.field.name: stays.pk}).values_list(*others, "pk").values_list(*others)
                    if others else [()] * rows.filter(condition, **{ref.field.name: stays.pk}).count())  # fmt: skip
        for row in rows.filter(condition, **{ref.field.name: gone.pk}).values_list("pk", *others):
            if tuple(row[1:]) in taken:
                found.add(row[0])
    return found


def follow(model: type[models.Model], merge: Merge, stays: Any, gone: Any, *, at: datetime) -> dict[str, Any]:
    """Point every reference at the one that stays; returns what moved and what was kept back."""
    record: dict[str, Any] = {}
    for ref in references(model):
        if ref.label in _handled:
            record[ref.label] = {"done": _handled[ref.label].merge(merge, stays, gone, at)}
            continue
        if only_grows(ref.model):
            raise TypeError(f"{ref.label} only grows: say in crm.merging how it follows a merge.")
        kept_back = _clashes(ref, stays, gone)
        rows = ref.model._base_manager.filter(**{ref.field.name: gone.pk}).exclude(pk__in=kept_back)
        if ref.model is model:  # a parent, or an earlier merge: nobody points at themselves
            rows = rows.exclude(pk=stays.pk)
        moved = list(rows.order_by("pk").values_list("pk", flat=True))
        if moved:
            ref.model._base_manager.filter(pk__in=moved).update(**{ref.field.name: stays.pk})
        if not moved and not kept_back:
            continue
        record[ref.label] = {"moved": [str(pk) for pk in moved], "kept_back": sorted(str(pk) for pk in kept_back)}
        if kept_back and ref.label in _clashing:
            record[ref.label]["done"] = _clashing[ref.label].merge(merge, stays, gone, at)
    return record


def put_back(
    model: type[models.Model], merge: Merge, stays: Any, gone: Any, record: dict[str, Any], *, at: datetime
) -> None:
    """Point back what moved and still points there; what came since stays where it came."""
    for ref in reversed(list(references(model))):
        entry = record.get(ref.label)
        if not entry:
            continue
        if ref.label in _handled:
            _handled[ref.label].undo(merge, stays, gone, entry["done"], at)
            continue
        if entry.get("done") is not None:
            _clashing[ref.label].undo(merge, stays, gone, entry["done"], at)
        ref.model._base_manager.filter(pk__in=entry["moved"], **{ref.field.name: stays.pk}).update(
            **{ref.field.name: gone.pk}
        )


def preview(kind: str, gone: Any) -> list[tuple[str, int]]:
    """What would follow, by table, with how many rows."""
    found: dict[str, int] = {}
    for ref in references(MODELS[kind]):
        if number := ref.model._base_manager.filter(**{ref.field.name: gone.pk}).count():
            name = str(ref.model._meta.verbose_name_plural)
            found[name] = found.get(name, 0) + number
    return sorted(found.items())


# --- Values -----------------------------------------------------------------------------------------------------------
def change(row: Any, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Write these values (by column); returns those that changed as before and after."""
    changed = {}
    for name, value in values.items():
        if (before := getattr(row, name)) != value:
            changed[name] = [before, value]
            setattr(row, name, value)
    if changed:
        row.save(update_fields=list(changed))
    return changed


def change_back(row: Any, changed: Mapping[str, list[Any]]) -> None:
    """Put values back that nobody has changed since."""
    row.refresh_from_db()
    fields = {field.attname: field for field in row._meta.concrete_fields}
    back = {}
    for name, (before, after) in changed.items():
        read = fields[name].target_field.to_python if fields[name].is_relation else fields[name].to_python
        if getattr(row, name) == (read(after) if after is not None else None):
            back[name] = read(before) if before is not None else None
    change(row, back)


# --- Merging ----------------------------------------------------------------------------------------------------------
def _lock(kind: str, first: int, second: int) -> dict[int, Any]:
    """The house's order: accounts, then contacts, each by id."""
    if kind == Twins.CONTACT:
        account_ids = Contact.with_merged.filter(pk__in=[first, second]).values_list("account_id", flat=True)
        list(Account.with_merged.select_for_update().filter(pk__in=list(account_ids)).order_by("pk"))
    rows = MODELS[kind].with_merged.select_for_update().filter(pk__in=[first, second]).order_by("pk")
    return {row.pk: row for row in rows}


@transaction.atomic
def merge(kind: str, *, stays: int, gone: int, take: Mapping[str, bool], by: Any, at: datetime) -> Merge:
    """Merge one row into another. ``take`` names the facts to take from the one that goes."""
    rows = _lock(kind, stays, gone)
    if len(rows) != 2:
        raise Refused(_("One of the two is not there any more."))
    kept, left = rows[stays], rows[gone]
    if kept.merged_into_id or left.merged_into_id:
        raise Refused(_("These two have been merged already."))
    if kind == Twins.CONTACT and (kept.erased_at or left.erased_at):
        raise Refused(_("Somebody who was erased is not merged with anybody."))
    for why_not in _hinders:
        if said := why_not(kind, kept, left):
            raise Refused(said)
    made = Merge.objects.create(
        kind=kind, stays=kept.pk, gone=left.pk, at=at, by=by if getattr(by, "pk", None) else None
    )
    record: dict[str, Any] = {"moved": follow(MODELS[kind], made, kept, left, at=at)}
    kept.refresh_from_db()
    columns = {name: kept._meta.get_field(name).attname for name in FIELDS[kind]}
    values = {columns[name]: getattr(left, columns[name]) for name in FIELDS[kind] if take.get(name)}
    if kind == Twins.ACCOUNT:
        if take.get("annual_value"):  # an amount is nothing without its currency
            values["currency"] = left.currency
        if values.get("parent_id", kept.parent_id) in (kept.pk, left.pk):
            values["parent_id"] = left.parent_id if left.parent_id != kept.pk else None
        values["owner_approves"] = kept.owner_approves or left.owner_approves
    record["values"] = change(kept, values)
    type(left).with_merged.filter(pk=left.pk).update(merged_into=kept.pk)
    left.merged_into_id = kept.pk
    if kind == Twins.ACCOUNT:
        readiness.project(kept)
    record["besides"] = {name: done.merge(made, kept, left, at) for name, done in sorted(_besides.items())}
    made.record = record
    made.save(update_fields=["record"])
    pair = dict(zip(("first", "second"), sorted((kept.pk, left.pk)), strict=True))
    Likeness.objects.filter(kind=kind, **pair).update(settled=Likeness.Settled.MERGED, settled_at=at, by=made.by)
    return made


def undoable_until(made: Merge) -> datetime:
    return made.at + timedelta(days=UNDO_DAYS)


@transaction.atomic
def undo(made: Merge, *, by: Any, at: datetime) -> None:
    """Put a merge back: what moved returns, values nobody changed since as well; what came since stays."""
    rows = _lock(made.kind, made.stays, made.gone)
    made = Merge.objects.select_for_update().get(pk=made.pk)
    if made.undone_at:
        raise Refused(_("This has been put back already."))
    if at > undoable_until(made) or not made.record:
        raise Refused(_("A merge can be put back for thirty days; this one is older."))
    kept, left = rows[made.stays], rows[made.gone]
    if kept.merged_into_id:
        raise Refused(_("The one that stayed has been merged into another since. Put that back first."))
    later = Merge.objects.filter(kind=made.kind, stays=made.stays, undone_at__isnull=True, pk__gt=made.pk)
    if later.exists():
        raise Refused(_("Something else has been merged into the same one since. Put that back first."))
    type(left).with_merged.filter(pk=left.pk).update(merged_into=None)
    for name, done in sorted(_besides.items(), reverse=True):
        done.undo(made, kept, left, made.record["besides"].get(name), at)
    change_back(kept, made.record["values"])
    put_back(MODELS[made.kind], made, kept, left, made.record["moved"], at=at)
    for _name, done in sorted(_besides.items()):
        if done.settle:
            done.settle(made, kept, left, at)
    if made.kind == Twins.ACCOUNT:
        for account in (kept, left):
            account.refresh_from_db()
            readiness.project(account)
    Merge.objects.filter(pk=made.pk).update(undone_at=at, undone_by=by if getattr(by, "pk", None) else None, record={})
    pair = dict(zip(("first", "second"), sorted((made.stays, made.gone)), strict=True))
    Likeness.objects.filter(kind=made.kind, settled=Likeness.Settled.MERGED, **pair).update(
        settled="", settled_at=None, by=None
    )


def forget(*, at: datetime) -> int:
    """Values and ids of merges that cannot be put back any more are nobody's business."""
    old = Merge.objects.filter(at__lt=at - timedelta(days=UNDO_DAYS)).exclude(record={})
    return old.update(record={})


# --- Consent: the stricter standing wins ------------------------------------------------------------------------------
def _consents(contact: Contact) -> dict[str, ConsentState]:
    return {state.purpose: state for state in ConsentState.objects.filter(contact=contact).select_related("entry")}


def _merge_consents(merge: Merge, stays: Any, gone: Any, at: datetime) -> list[dict[str, Any]]:
    """Both ledgers keep their rows; the standing of the one that stays takes in the other's, a no before a yes."""
    mine, done = _consents(stays), []
    for purpose, theirs in sorted(_consents(gone).items()):
        own = mine.get(purpose)
        more: dict[str, Any] = {"scope": theirs.scope, "expires_at": theirs.expires_at}
        if own is None and theirs.given:
            # The very words, and when they were said.
            moment = theirs.entry.at
        elif own is None or (own.given and not theirs.given):
            moment = at
        elif own.given and theirs.expires_at and (own.expires_at is None or theirs.expires_at < own.expires_at):
            moment, more["scope"] = at, own.scope
        else:
            continue
        entry = consent.put_on_record(
            stays, purpose, given=theirs.given, wording=theirs.entry.wording, at=moment, source="merge", by=merge.by,
            **more,
        )  # fmt: skip
        done.append({"purpose": purpose, "entry": entry.pk, "before": own.entry_id if own else None})
    return done


def _undo_consents(merge: Merge, stays: Any, gone: Any, done: list[dict[str, Any]], at: datetime) -> None:
    now = _consents(stays)
    for step in done:
        if now[step["purpose"]].entry_id != step["entry"]:
            continue  # they have spoken since
        before = ConsentEntry.objects.filter(pk=step["before"]).first()
        given = before is not None and before.given
        consent.put_on_record(
            stays, step["purpose"], given=given, wording=before.wording if before and given else "", at=at,
            source="merge undone", scope=before.scope if before else "",
            expires_at=before.expires_at if before else None,
        )  # fmt: skip
    # A no that came meanwhile may have been meant for either: it counts for both.
    for purpose, state in now.items():
        own = ConsentEntry.objects.filter(contact=stays, purpose=purpose, recorded_at__gt=merge.at, given=False)
        theirs = ConsentState.objects.filter(contact=gone, purpose=purpose, given=True)
        if not state.given and own.exclude(source="merge").exists() and theirs.exists():
            consent.withdraw(gone, purpose, at=at, source="merge undone")


def _nothing(*_args: Any) -> None:
    """The projection stays with its own ledger."""


def _merge_bases(merge: Merge, stays: Any, gone: Any, at: datetime) -> list[int]:
    """Who opted out with one address has opted out."""
    ended = RecordedBasis.objects.filter(contact=gone, ended_at__isnull=False).values_list("purpose", flat=True)
    own = RecordedBasis.objects.filter(contact=stays, ended_at__isnull=True, purpose__in=list(ended))
    ids = list(own.values_list("pk", flat=True))
    RecordedBasis.objects.filter(pk__in=ids).update(ended_at=at)
    return ids


def _undo_bases(merge: Merge, stays: Any, gone: Any, done: list[int], at: datetime) -> None:
    """An opt-out is not taken back by a correction of ours."""


handle("crm.consententry.contact", Handling(_merge_consents, _undo_consents))
handle("crm.consentstate.contact", Handling(_nothing, _nothing))
when_both_have_one("crm.recordedbasis.contact", Handling(_merge_bases, _undo_bases))
