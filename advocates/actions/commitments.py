"""Commitments: put on record, corrected, let go of; and the tasks that remind of what is owed (P3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm.models import Account
from advocacy.lib.lifecycle import Refused
from advocates import commitments, pods
from advocates.models import Commitment, CommitmentLine, Task


@dataclass(frozen=True)
class Line:
    """What one line says; ``pk`` when it is one that is there already."""

    how_many: int
    due_on: date
    deed: str = ""
    kind: str = ""
    pk: int | None = None


@dataclass(frozen=True)
class Said:
    """What somebody has written about a clause."""

    clause: str
    reference: str
    agreed_on: date
    lines: Sequence[Line]
    discount: Decimal | None = None
    currency: str = "EUR"


def record(account: Account, said: Said, *, by: Any, at: datetime) -> Commitment:
    """Put a clause on record with all it promises."""
    return _write(Commitment(account=account, created_at=at, by=by if getattr(by, "pk", None) else None), said)


def correct(commitment: Commitment, said: Said, *, by: Any, at: datetime) -> Commitment:
    """Write what a clause says anew; lines that are not among it any more go. The history keeps what stood there."""
    return _write(commitment, said)


@transaction.atomic
def _write(commitment: Commitment, said: Said) -> Commitment:
    if not said.lines:
        raise Refused(_("Say what was promised: at least one line."))
    for line in said.lines:
        if line.due_on < said.agreed_on:
            raise Refused(_("A line is due before the clause was agreed on. Look at the two days."))
    commitment.clause, commitment.reference = said.clause.strip(), said.reference.strip()
    commitment.agreed_on, commitment.discount, commitment.currency = said.agreed_on, said.discount, said.currency
    known = {line.pk: line for line in commitment.lines.select_for_update()} if commitment.pk else {}
    try:
        commitment.save()
        kept = set()
        for line in said.lines:
            row = known.get(line.pk or 0) or CommitmentLine(commitment=commitment)
            row.how_many, row.due_on, row.deed, row.kind = line.how_many, line.due_on, line.deed, line.kind
            row.full_clean()
            row.save()
            kept.add(row.pk)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    CommitmentLine.objects.filter(commitment=commitment).exclude(pk__in=kept).delete()
    return commitment


@transaction.atomic
def end(commitment: Commitment, *, reason: str, by: Any, at: datetime) -> None:
    """Nothing more is asked for: the contract was changed, or we let them off."""
    reason = reason.strip()[:300]
    if not reason:
        raise Refused(_("Say why it is no longer asked for, for whoever looks later."))
    changed = Commitment.objects.filter(pk=commitment.pk, ended_at__isnull=True).update(
        ended_at=at, ended_reason=reason, ended_by=by if getattr(by, "pk", None) else None
    )
    if not changed:
        raise Refused(_("This is no longer asked for already."))
    remind(at=at)


@transaction.atomic
def bring_back(commitment: Commitment, *, by: Any) -> None:
    """Undo letting go of it: what was promised is asked for again."""
    if not Commitment.objects.filter(pk=commitment.pk, ended_at__isnull=False).update(
        ended_at=None, ended_reason="", ended_by=None
    ):
        raise Refused(_("This is asked for as it is."))


# --- The clock's work -------------------------------------------------------------------------------------------------
@transaction.atomic
def remind(*, at: datetime) -> int:
    """A task for the account's manager thirty days before a line is due, and one when it is overdue; both close when
    nothing is owed any more. Nobody is asked by it: who it could be, and whether they may, the budget says."""
    wanted: list[tuple[str, commitments.Standing]] = []
    for lines in commitments.standings(at=at).values():
        for standing in lines:
            if standing.overdue:
                wanted.append((f"commitment:{standing.line.pk}:overdue:{standing.line.due_on}", standing))
            elif standing.soon:
                wanted.append((f"commitment:{standing.line.pk}:soon:{standing.line.due_on}", standing))
    # What is delivered, let go of, corrected or overdue since is not waiting for anybody any more.
    keys = [key for key, _standing in wanted]
    Task.objects.filter(key__startswith="commitment:", done_at__isnull=True).exclude(key__in=keys).update(done_at=at)
    known = set(Task.objects.filter(key__in=keys).values_list("key", flat=True))
    made = []
    for key, standing in wanted:
        if key in known:
            continue
        account = standing.line.commitment.account
        words = {
            "account": account.name, "what": standing.name, "owed": standing.owed,
            "day": date_format(standing.line.due_on, "j F Y"),
        }  # fmt: skip
        if standing.overdue:
            said = _("%(account)s owed %(owed)s × %(what)s by contract until %(day)s. Talk about what else would do.")
        else:
            said = _("%(account)s owes %(owed)s × %(what)s by contract until %(day)s. See who would be glad to.")
        made.append(
            Task(
                kind=Task.Kind.OTHER, key=key, account=account, text=(said % words)[:300],
                assignee=pods.manager_of_account(account), created_at=at,
                due_at=datetime.combine(timezone.localdate(at), time(8), tzinfo=timezone.get_current_timezone()),
            )
        )  # fmt: skip
    Task.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)
