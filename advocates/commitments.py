"""What a contract promised in return for a discount, what of it is delivered and what is owed (P3).

Delivered is counted from the spine each time: nothing is kept that could differ from it. A deed counts once, for the
oldest line that it fits and that is not full yet. Public reviews count for nothing, whatever a line says.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, Deed
from advocacy.crm.models import Activity
from advocates import kinds
from advocates.models import CommitmentLine

COUNTED = ACTIVITY_DEEDS - {Deed.REVIEW_WRITTEN}
AHEAD = timedelta(days=30)
"""So long before its day a line that is owed comes up on Today."""


# --- The rule ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Promise:
    """One line: so many of a deed or of a kind (neither: of anything), done from ``since`` on, by ``due_on``."""

    pk: int
    since: date
    due_on: date
    how_many: int
    deed: str = ""
    kind: str = ""

    def takes(self, done: "Done") -> bool:
        return (
            done.on >= self.since
            and done.deed in COUNTED
            and not done.is_review
            and (not self.deed or self.deed == done.deed)
            and (not self.kind or self.kind == done.kind)
        )


@dataclass(frozen=True)
class Done:
    """One completed deed of somebody at the account."""

    pk: int
    on: date
    deed: str
    kind: str = ""
    is_review: bool = False


def allot(promises: Iterable[Promise], deeds: Iterable[Done]) -> dict[int, list[Done]]:
    """Which deeds count for which line: each once, in the order they were done, for the oldest line that takes it."""
    lines = sorted(promises, key=lambda line: (line.since, line.due_on, line.pk))
    given: dict[int, list[Done]] = {line.pk: [] for line in lines}
    for done in sorted(deeds, key=lambda one: (one.on, one.pk)):
        for line in lines:
            if len(given[line.pk]) < line.how_many and line.takes(done):
                given[line.pk].append(done)
                break
    return given


# --- Reading it -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Standing:
    """Where one line stands today."""

    line: CommitmentLine
    delivered: Sequence[Done]
    today: date
    name: str = ""
    owed: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "owed", self.line.how_many - len(self.delivered))

    @property
    def late(self) -> int:
        """How many came after their day."""
        return sum(done.on > self.line.due_on for done in self.delivered)

    @property
    def overdue(self) -> bool:
        return self.owed > 0 and self.line.due_on < self.today

    @property
    def soon(self) -> bool:
        return self.owed > 0 and self.today <= self.line.due_on <= self.today + AHEAD


def standings(accounts: Collection[int] | None = None, *, at: datetime) -> dict[int, list[Standing]]:
    """Every line that still stands, by account; of all accounts unless told which. Four queries, however many."""
    rows = CommitmentLine.objects.filter(commitment__ended_at__isnull=True).select_related("commitment__account")
    if accounts is not None:
        rows = rows.filter(commitment__account__in=accounts)
    lines = list(rows.order_by("commitment__agreed_on", "due_on", "pk"))
    if not lines:
        return {}
    by_account: dict[int, list[CommitmentLine]] = defaultdict(list)
    for line in lines:
        by_account[line.commitment.account_id].append(line)
    deeds = _deeds(by_account, since=min(line.commitment.agreed_on for line in lines), at=at)
    names, today = names_of_lines(lines), timezone.localdate(at)
    found: dict[int, list[Standing]] = {}
    for account, theirs in by_account.items():
        given = allot(
            [Promise(one.pk, one.commitment.agreed_on, one.due_on, one.how_many, one.deed, one.kind) for one in theirs],
            deeds.get(account, ()),
        )
        found[account] = [Standing(one, given[one.pk], today, names[one.pk]) for one in theirs]
    return found


def owing(*, at: datetime) -> set[int]:
    """Accounts that still owe something; there are few clauses, so this reads them all."""
    return {account for account, lines in standings(at=at).items() if any(line.owed for line in lines)}


def _deeds(accounts: Mapping[int, Any], *, since: date, at: datetime) -> dict[int, list[Done]]:
    rows = Activity.objects.filter(
        account__in=list(accounts), deed__in=COUNTED, at__lte=at,
        at__gte=timezone.make_aware(datetime.combine(since, datetime.min.time())) - timedelta(days=1),
    ).values_list("pk", "account", "at", "deed", "source_type", "source_id")  # fmt: skip
    activities = list(rows)
    claims = {
        int(source) for _pk, _account, _at, _deed, kind, source in activities
        if kind == "opportunities.claim" and source.isdecimal()
    }  # fmt: skip
    known, reviews = kinds.of_claims(claims), kinds.reviews()
    found: dict[int, list[Done]] = defaultdict(list)
    for pk, account, moment, deed, source_type, source in activities:
        kind = known.get(int(source), "") if source_type == "opportunities.claim" and source.isdecimal() else ""
        found[account].append(Done(pk, timezone.localdate(moment), deed, kind, kind in reviews))
    return found


def names_of_lines(lines: Sequence[CommitmentLine]) -> dict[int, str]:
    """What each line is for, in words."""
    known = dict(kinds.choices())
    return {
        one.pk: str(one.get_deed_display()) if one.deed
        else str(known.get(one.kind) or one.kind) if one.kind
        else _("anything for the program")
        for one in lines
    }  # fmt: skip
