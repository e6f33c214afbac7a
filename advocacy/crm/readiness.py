"""Readiness of accounts: pauses come from negative signals or by hand, each with a release of its own (P2).

``Account.readiness`` is a projection for gates: *not ready* while what staff said stands (``NotReady``: until they take
it back, or its last day is over); *paused* while any pause is open; *ready* else. ``project`` alone writes it, with the
account locked.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import SIGNAL_KINDS, Sign
from advocacy.crm.models import Account, NotReady, Pause, Signal
from advocacy.crm.signals import RECOVERED_BY, Heard, ends, key_of, wants_pause
from advocacy.lib.lifecycle import Refused

OVERLAP = timedelta(minutes=10)
"""A signal may become visible a while after its ``received_at``: an import is one transaction."""

LONG_OVERLAP = timedelta(days=1)
"""How far back an hourly look goes, for imports that take long; not every minute, for it reads everything again."""

MATTERS = frozenset(kind.slug for kind in SIGNAL_KINDS.values() if kind.sign in {Sign.NEGATIVE, Sign.BY_VALUE}) | {
    "escalation_closed",
    *(later for kinds in RECOVERED_BY.values() for later in kinds),
}
BATCH = 500


def follow_signals(*, at: datetime, since: datetime | None = None, overlap: timedelta = OVERLAP) -> list[Pause]:
    """Pause and release accounts by the signals received since then (None: ever); returns the new pauses.

    An account is looked at whole, so that what arrives in any order, twice or late comes to the same end.
    """
    heard = Signal.objects.filter(kind__in=MATTERS)
    if since is not None:
        heard = heard.filter(received_at__gt=since - overlap)
    accounts = list(heard.order_by("account").values_list("account", flat=True).distinct())
    made: list[Pause] = []
    for start in range(0, len(accounts), BATCH):
        made += _settle(accounts[start : start + BATCH], at=at)
    return made


def release_on_date(*, at: datetime) -> int:
    """Release pauses, and what was said to be not ready, whose last day is over."""
    over = {"released_at__isnull": True, "until__lt": at.date()}
    accounts = sorted(
        {*Pause.objects.filter(**over).values_list("account", flat=True)}
        | {*NotReady.objects.filter(**over).values_list("account", flat=True)}
    )
    for account_id in accounts:
        with transaction.atomic():
            account = Account.with_merged.select_for_update().get(pk=account_id)
            Pause.objects.filter(account=account, **over).update(released_at=at)
            NotReady.objects.filter(account=account, **over).update(released_at=at)
            project(account)
    return len(accounts)


@transaction.atomic
def _settle(account_ids: Sequence[int], *, at: datetime) -> list[Pause]:
    accounts = list(Account.objects.select_for_update().filter(pk__in=account_ids).order_by("pk"))
    signals: dict[int, list[Heard]] = defaultdict(list)
    rows = Signal.objects.filter(account__in=accounts, kind__in=MATTERS, occurred_at__lte=at).order_by("occurred_at")
    for account_id, kind, occurrence, occurred_at, value, contact in rows.values_list(
        "account", "kind", "occurrence", "occurred_at", "value", "contact"
    ):
        signals[account_id].append(Heard(kind, occurrence, occurred_at, value, contact))
    known: dict[int, dict[tuple[str, str], Pause]] = defaultdict(dict)
    for pause in Pause.objects.filter(account__in=accounts):
        known[pause.account_id][pause.cause, pause.key] = pause
    made = []
    for account in accounts:
        changed = False
        asking = {(wanted.cause, wanted.key) for bad in signals[account.pk] if (wanted := wants_pause(bad))}
        heard = {key_of(signal) for signal in signals[account.pk]}
        for (cause, key), old in known[account.pk].items():
            by_signal = cause != Pause.Cause.BY_HAND and old.released_at is None
            if by_signal and key in heard and (cause, key) not in asking:  # the answer was corrected
                old.released_at = at
                old.save(update_fields=["released_at"])
                changed = True
        for bad in signals[account.pk]:
            wanted = wants_pause(bad)
            if wanted is None:
                continue
            over = next((later for later in signals[account.pk] if ends(wanted, bad, later)), None)
            past = wanted.until is not None and wanted.until < at.date()
            found = known[account.pk].get((wanted.cause, wanted.key))
            if found is None and over is None and not past:
                found = Pause.objects.create(
                    account=account, cause=wanted.cause, release=wanted.release, key=wanted.key,
                    reason=_reason(bad), began_at=wanted.began_at, until=wanted.until,
                )  # fmt: skip
                known[account.pk][wanted.cause, wanted.key] = found
                made.append(found)
                changed = True
            elif found is not None and found.released_at is None and (over or past):
                found.released_at = at
                found.save(update_fields=["released_at"])
                changed = True
        if changed:
            project(account)
    return made


def _reason(signal: Heard) -> str:
    name, day = str(SIGNAL_KINDS[signal.kind].name), date_format(signal.occurred_at, "j F Y")
    if signal.value is not None and SIGNAL_KINDS[signal.kind].sign == Sign.BY_VALUE:
        value = f"{signal.value.normalize():f}"
        return _("%(signal)s: %(value)s on %(day)s") % {
            "signal": name, "value": value, "day": day,
        }  # fmt: skip
    return _("%(signal)s on %(day)s") % {"signal": name, "day": day}


def project(account: Account) -> None:
    """Write ``readiness`` from what stands: not ready first, then the open pauses. The caller holds the account."""
    said_not_ready = NotReady.objects.filter(account=account, released_at__isnull=True).values_list("reason", flat=True)
    reasons = list(
        Pause.objects.filter(account=account, released_at__isnull=True)
        .order_by("began_at")
        .values_list("reason", flat=True)
    )
    if (why := said_not_ready.first()) is not None:
        readiness, said = Account.Readiness.NOT_READY, why
    else:
        readiness = Account.Readiness.PAUSED if reasons else Account.Readiness.READY
        said = reasons[0] if reasons else ""
        if len(reasons) > 1:
            more = len(reasons) - 1
            said += ngettext(", and %(number)s more reason", ", and %(number)s more reasons", more) % {"number": more}
    said = said[:300]
    if (account.readiness, account.readiness_reason) != (readiness, said):
        account.readiness, account.readiness_reason = readiness, said
        account.save(update_fields=["readiness", "readiness_reason"])


FARTHEST = timedelta(days=731)


def last_day(until: date | None, *, at: datetime) -> date | None:
    """The last day somebody gave, if it makes sense."""
    if until is not None and until < at.date():
        raise Refused(_("That day is over already."))
    if until is not None and until > at.date() + FARTHEST:
        raise Refused(_("Choose a day within two years, or leave it empty: then it lasts until somebody ends it."))
    return until


def _who(by: Any) -> Any:
    return by if getattr(by, "pk", None) else None


@transaction.atomic
def pause(account: Account, *, reason: str, by: Any, at: datetime, until: date | None = None, key: str = "") -> Pause:
    """A colleague pauses asks at an account, until a date or until somebody lifts it.

    ``key`` names what it is about, where something other than a person asks for it: the same key pauses once.
    """
    reason = reason.strip()
    if not reason:
        raise Refused(_("Say why asks should pause, for whoever looks later."))
    last_day(until, at=at)
    locked = Account.objects.select_for_update().get(pk=account.pk)
    made, _new = Pause.objects.get_or_create(
        account=locked, cause=Pause.Cause.BY_HAND, key=key or f"by-hand:{at.isoformat()}",
        defaults={
            "release": Pause.Release.DATE if until else Pause.Release.BY_HAND,
            "reason": reason[:300], "began_at": at, "until": until, "by": by,
        },
    )  # fmt: skip
    project(locked)
    return made


@transaction.atomic
def lift(pause: Pause, *, by: Any, at: datetime) -> None:
    """A colleague ends one pause by hand; the others of the account stay."""
    account = Account.objects.select_for_update().get(pk=pause.account_id)
    if not Pause.objects.filter(pk=pause.pk, released_at__isnull=True).update(released_at=at, released_by=_who(by)):
        raise Refused(_("This pause is over already."))
    project(account)


@transaction.atomic
def set_not_ready(account: Account, *, reason: str, by: Any, at: datetime, until: date | None = None) -> NotReady:
    """Staff say that an account is not ready, until a day or until they take it back.

    Said anew with other words or another day, the entry before ends and stays in the history.
    """
    reason = reason.strip()[:300]
    if not reason:
        raise Refused(_("Say why the account is not ready."))
    last_day(until, at=at)
    locked = Account.objects.select_for_update().get(pk=account.pk)
    known = NotReady.objects.filter(account=locked, released_at__isnull=True).first()
    if known is not None and (known.reason, known.until) == (reason, until):
        return known
    if known is not None:
        known.released_at, known.released_by = at, _who(by)
        known.save(update_fields=["released_at", "released_by"])
    made = NotReady.objects.create(account=locked, reason=reason, began_at=at, until=until, by=_who(by))
    project(locked)
    return made


@transaction.atomic
def set_ready(account: Account, *, by: Any, at: datetime) -> None:
    """Staff take *not ready* back; open pauses keep it paused."""
    locked = Account.objects.select_for_update().get(pk=account.pk)
    standing = NotReady.objects.filter(account=locked, released_at__isnull=True)
    if not standing.update(released_at=at, released_by=_who(by)):
        raise Refused(_("Nobody says any more that this account is not ready."))
    project(locked)


def open_pauses(accounts: Iterable[Account | int]) -> Any:
    """The open pauses of these accounts, oldest first."""
    return Pause.objects.filter(Q(account__in=list(accounts)), released_at__isnull=True).order_by("began_at")
