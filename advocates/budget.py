"""The ask budget: one for each advocate and each account, across desk, board, rules, campaigns and newsletter (P20).

Decisions are made by ``decide``, which reads nothing: the doors below (``why_not``, ``availability``, ``ask``) bring it
the facts. A cap holds in *every* window of its length that contains the moment asked about, also when another ask was
dated a little later by somebody quicker; so no order of arrival can exceed one.

What a person said themselves (away dates, their own limit, kinds they never want) and the state of their account cannot
be overridden. Rest and caps can, with a reason, which stays on the ask.
"""

import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.models import Account, Program
from advocacy.lib.lifecycle import Refused
from advocates.models import Advocate, Ask, AskCap, AwayPeriod

State = Literal["open", "pending", "resting", "away"]

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""How ``resting_until`` says "do not ask at all" to queries that only compare dates."""

OWN_QUARTER = 90
"""Days in the quarter of an advocate's own limit; it rolls, like every other window."""

LOOK_BACK = 730
"""No cap may be longer (a CHECK says so), so asks older than this never matter."""


@dataclass(frozen=True)
class Cap:
    """At most ``most`` asks in any ``days`` days."""

    scope: str
    most: int
    days: int
    kind: str = ""


@dataclass(frozen=True)
class PastAsk:
    """One ask that still counts."""

    at: datetime
    kind: str = ""
    answered: bool = True


@dataclass(frozen=True)
class Facts:
    """All a decision needs about one advocate; ``at`` and the kind come beside it."""

    name: str
    account: str
    asks: Sequence[PastAsk] = ()
    account_asks: Sequence[PastAsk] = ()
    caps: Sequence[Cap] = ()
    rest_days: int = 0
    answer_hours: int = 72
    own_limit: int | None = None
    never: Sequence[str] = ()
    away: Sequence[tuple[date, date]] = ()
    zone: str = "UTC"
    member: bool = True
    readiness: str = Account.Readiness.READY
    readiness_reason: str = ""


@dataclass(frozen=True)
class Availability:
    """Whether somebody can be asked, in one word, until when, and as a sentence for staff."""

    state: State
    until: datetime | None = None
    sentence: str = ""

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True)
class Refusal:
    """Why an ask is refused. ``overridable`` ones give way to a reason."""

    sentence: str
    state: State
    until: datetime | None = None
    overridable: bool = False


@dataclass(frozen=True)
class Decision:
    """Every reason against an ask, the firm ones first; none means yes."""

    refusals: Sequence[Refusal] = field(default_factory=tuple)

    @property
    def firm(self) -> Refusal | None:
        return next((refusal for refusal in self.refusals if not refusal.overridable), None)

    @property
    def first(self) -> Refusal | None:
        return self.refusals[0] if self.refusals else None


# --- Decisions: nothing is read here ----------------------------------------------------------------------------------
def most_in_any_window(moments: Iterable[datetime], *, at: datetime, days: int) -> int:
    """The most asks any window of ``days`` days would hold that contains ``at``, one more ask at ``at`` included."""
    span = timedelta(days=days)
    near = sorted([moment for moment in moments if abs(moment - at) < span] + [at])
    best, start = 0, 0
    for end, moment in enumerate(near):
        while moment - near[start] >= span:
            start += 1
        if near[start] <= at <= moment:
            best = max(best, end - start + 1)
    return best


def free_from(moments: Sequence[datetime], *, at: datetime, most: int, days: int) -> datetime | None:
    """The first moment from ``at`` on at which one more ask fits; None when it never does."""
    if most < 1:
        return None
    span = timedelta(days=days)
    for moment in [at, *sorted(past + span for past in moments if past + span > at)]:
        if most_in_any_window(moments, at=moment, days=days) <= most:
            return moment
    return None  # pragma: no cover - after the last one has left its window there is always room


def rests_until(asks: Sequence[PastAsk], *, at: datetime, rest_days: int) -> datetime | None:
    """When the rest after the asks around ``at`` ends; None when there is no rest now."""
    rest = timedelta(days=rest_days)
    until, moved = at, True
    while moved:
        moved = False
        for past in asks:
            if abs(until - past.at) < rest:
                until, moved = past.at + rest, True
    return until if until > at else None


def resting_until(facts: Facts, *, at: datetime) -> datetime | None:
    """The first moment rest, general caps and their own limit all let another ask through; None when that is now."""
    own = [past.at for past in facts.asks]
    account = [past.at for past in facts.account_asks]
    limits = [
        (own if cap.scope == AskCap.Scope.ADVOCATE else account, cap.most, cap.days)
        for cap in facts.caps if not cap.kind
    ]  # fmt: skip
    if facts.own_limit is not None:
        limits.append((own, facts.own_limit, OWN_QUARTER))
    moment = at
    while True:
        later = rests_until(facts.asks, at=moment, rest_days=facts.rest_days) or moment
        for moments, most, days in limits:
            free = free_from(moments, at=later, most=most, days=days)
            if free is None:
                return NEVER
            later = free
        if later == moment:
            return moment if moment > at else None
        moment = later


def decide(facts: Facts, *, at: datetime, kind: str = "") -> Decision:
    """All that stands against asking this person now. The order is the order in which it is told."""
    refusals = [*_own_word(facts, at=at, kind=kind), *_account_state(facts), *_budget(facts, at=at, kind=kind)]
    return Decision(tuple(sorted(refusals, key=lambda refusal: refusal.overridable)))


def _own_word(facts: Facts, *, at: datetime, kind: str) -> Iterable[Refusal]:
    if not facts.member:
        yield Refusal(_("%(name)s is not a member of the program.") % {"name": facts.name}, "away")
    if kind and kind in facts.never:
        yield Refusal(_("%(name)s does not want to be asked for this kind.") % {"name": facts.name}, "away")
    if until := _away_until(facts, at=at):
        said = _("%(name)s is away until %(day)s.") % {
            "name": facts.name,
            "day": _day(until - timedelta(days=1), facts.zone),
        }
        yield Refusal(said, "away", until)
    if facts.own_limit is not None:
        moments = [past.at for past in facts.asks]
        if most_in_any_window(moments, at=at, days=OWN_QUARTER) > facts.own_limit:
            until = free_from(moments, at=at, most=facts.own_limit, days=OWN_QUARTER)
            if until is None:
                said = _("%(name)s does not want to be asked; they choose from the board.") % {"name": facts.name}
            else:
                said = ngettext(
                    "%(name)s wants at most %(most)s ask a quarter; the next can come on %(day)s.",
                    "%(name)s wants at most %(most)s asks a quarter; the next can come on %(day)s.",
                    facts.own_limit,
                ) % {"name": facts.name, "most": facts.own_limit, "day": _day(until)}
            yield Refusal(said, "resting", until)


def _account_state(facts: Facts) -> Iterable[Refusal]:
    if facts.readiness == Account.Readiness.READY:
        return
    words = {"account": facts.account, "reason": facts.readiness_reason or _("no reason given")}
    if facts.readiness == Account.Readiness.PAUSED:
        yield Refusal(_("Asks are paused at %(account)s: %(reason)s.") % words, "resting")
    else:
        yield Refusal(_("%(account)s is not ready to be asked: %(reason)s.") % words, "resting")


def _budget(facts: Facts, *, at: datetime, kind: str) -> Iterable[Refusal]:
    if until := rests_until(facts.asks, at=at, rest_days=facts.rest_days):
        if _is_pending(facts, at=at):
            said = _("%(name)s was asked and has not answered yet; the rest after it ends on %(day)s.")
            yield Refusal(said % {"name": facts.name, "day": _day(until)}, "pending", until, overridable=True)
        else:
            said = _("%(name)s rests until %(day)s, after the last ask.")
            yield Refusal(said % {"name": facts.name, "day": _day(until)}, "resting", until, overridable=True)
    for cap in facts.caps:
        if cap.kind and cap.kind != kind:
            continue
        theirs = cap.scope == AskCap.Scope.ADVOCATE
        moments = [
            past.at for past in (facts.asks if theirs else facts.account_asks) if not cap.kind or past.kind == cap.kind
        ]
        if most_in_any_window(moments, at=at, days=cap.days) <= cap.most:
            continue
        until = free_from(moments, at=at, most=cap.most, days=cap.days)
        said = ngettext(
            "%(who)s had %(most)s ask in %(days)s days already", "%(who)s had %(most)s asks in %(days)s days already",
            cap.most,
        ) % {"who": facts.name if theirs else facts.account, "most": cap.most, "days": cap.days}  # fmt: skip
        said += _("; the next can come on %(day)s.") % {"day": _day(until)} if until else "."
        yield Refusal(said, "resting", until, overridable=True)


def availability_of(facts: Facts, *, at: datetime) -> Availability:
    """The word for lists and cards: open, pending, resting or away, with the date it ends."""
    decision = decide(facts, at=at)
    first = decision.first
    if first is None:
        if _is_pending(facts, at=at):  # a program without rest: still worth knowing that a question is out
            return Availability(
                "pending", None, _("%(name)s was asked and has not answered yet.") % {"name": facts.name}
            )
        return Availability("open", None, _("%(name)s can be asked.") % {"name": facts.name})
    # With several reasons the one that lasts longest tells the date; a firm one tells the word.
    until = (
        None if any(r.until is None for r in decision.refusals) else max(r.until for r in decision.refusals if r.until)
    )
    return Availability(first.state, until, first.sentence)


def _is_pending(facts: Facts, *, at: datetime) -> bool:
    wait = timedelta(hours=facts.answer_hours)
    return any(not past.answered and past.at <= at < past.at + wait for past in facts.asks)


def _away_until(facts: Facts, *, at: datetime) -> datetime | None:
    """The first moment they are back; periods that touch are one."""
    zone = _zone(facts.zone)
    day = at.astimezone(zone).date()
    back = day
    for start, end in sorted(facts.away):
        if start <= back <= end:
            back = end + timedelta(days=1)
    return datetime.combine(back, time.min, zone) if back > day else None


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


def _day(moment: datetime, zone: str = "") -> str:
    return date_format(moment.astimezone(_zone(zone) if zone else timezone.get_current_timezone()), "j F Y")


# --- Bringing the facts -----------------------------------------------------------------------------------------------
def facts_of(advocates: Sequence[Advocate], *, at: datetime, without: Ask | None = None) -> dict[int, Facts]:
    """The facts of many advocates in four queries, whatever their number. Wants ``contact__account`` selected.

    ``without``: an ask that is set aside, because it is about to be dated anew.
    """
    if not advocates:
        return {}
    program = Program.current()
    caps = [Cap(cap.scope, cap.most, cap.days, cap.kind) for cap in AskCap.objects.order_by("scope", "days", "kind")]
    accounts = {advocate.contact.account_id for advocate in advocates}
    ids = [advocate.pk for advocate in advocates]
    by_advocate: dict[int, list[PastAsk]] = defaultdict(list)
    by_account: dict[int, list[PastAsk]] = defaultdict(list)
    since = at - timedelta(days=LOOK_BACK)
    rows = Ask.objects.filter(
        Q(advocate__in=ids) | Q(account__in=accounts), released_at__isnull=True, asked_at__gt=since
    ).values_list("advocate", "account", "asked_at", "kind", "answered_at")
    if without is not None:
        rows = rows.exclude(pk=without.pk)
    for advocate_id, account_id, asked_at, kind, answered_at in rows:
        past = PastAsk(asked_at, kind, answered_at is not None)
        by_advocate[advocate_id].append(past)
        by_account[account_id].append(past)
    away: dict[int, list[tuple[date, date]]] = defaultdict(list)
    periods = AwayPeriod.objects.filter(advocate__in=ids, ends_on__gte=at.date() - timedelta(days=1))
    for advocate_id, starts_on, ends_on in periods.values_list("advocate", "starts_on", "ends_on"):
        away[advocate_id].append((starts_on, ends_on))
    return {
        advocate.pk: Facts(
            name=advocate.contact.full_name,
            account=advocate.contact.account.name,
            asks=by_advocate[advocate.pk],
            account_asks=by_account[advocate.contact.account_id],
            caps=caps,
            rest_days=program.rest_days,
            answer_hours=program.nomination_answer_hours,
            own_limit=advocate.asks_a_quarter,
            never=advocate.never,
            away=away[advocate.pk],
            zone=advocate.contact.time_zone or advocate.contact.account.time_zone or "UTC",
            member=advocate.status == Advocate.Status.MEMBER,
            readiness=advocate.contact.account.readiness,
            readiness_reason=advocate.contact.account.readiness_reason,
        )
        for advocate in advocates
    }


def why_not(
    advocate: Advocate,
    *,
    at: datetime,
    channel: str,
    kind: str = "",
    own: Sequence[PastAsk] = (),
    of_account: Sequence[PastAsk] = (),
) -> str | None:
    """Why this person cannot be asked now, as a sentence for staff; None when they can.

    ``channel`` is named by the caller because the same budget answers for all of them. ``own`` and ``of_account`` are
    asks nobody made, which a dry run counts as well.
    """
    facts = facts_of([advocate], at=at)[advocate.pk]
    facts = replace(facts, asks=[*facts.asks, *own], account_asks=[*facts.account_asks, *of_account])
    first = decide(facts, at=at, kind=kind).first
    return first.sentence if first else None


def availability(advocate: Advocate, *, at: datetime) -> Availability:
    """Whether this person can be asked now, with the date a pause of theirs ends."""
    return availability_of(facts_of([advocate], at=at)[advocate.pk], at=at)


def availabilities(advocates: Sequence[Advocate], *, at: datetime) -> dict[int, Availability]:
    """``availability`` for a whole list, by primary key, in a fixed number of queries."""
    return {pk: availability_of(facts, at=at) for pk, facts in facts_of(advocates, at=at).items()}


def used_up(advocate: Advocate, *, at: datetime) -> list[Ask]:
    """The last asks of a year that still count, newest first: what a rest or a limit comes from."""
    rows = Ask.objects.filter(
        advocate=advocate, released_at__isnull=True, asked_at__gt=at - timedelta(days=365), asked_at__lte=at
    )
    return list(rows.select_related("by").order_by("-asked_at", "-pk")[:3])


# --- Asking -----------------------------------------------------------------------------------------------------------
@transaction.atomic
def ask(
    advocate: Advocate,
    *,
    channel: str,
    source_id: str | int,
    kind: str,
    at: datetime,
    by: Any = None,
    override_reason: str = "",
) -> Ask:
    """Count one ask against the budget, or raise ``Refused`` with the reason. The same source twice is one ask.

    Call it inside the transaction of the deed that asks, with the request or opportunity locked already: it locks the
    account, then the advocate, and holds both to the end. ``override_reason`` gets past rest and caps, nothing else.
    """
    account = lock(advocate)
    known = Ask.objects.filter(channel=channel, source_id=str(source_id), advocate=advocate).first()
    if known is not None and known.released_at is None:
        return known
    fresh = Advocate.objects.select_related("contact__account").get(pk=advocate.pk)
    decision = decide(facts_of([fresh], at=at)[fresh.pk], at=at, kind=kind)
    override_reason = override_reason.strip()
    refusal = decision.firm or (None if override_reason else decision.first)
    if refusal:
        raise Refused(refusal.sentence)
    made, _new = Ask.objects.update_or_create(
        channel=channel,
        source_id=str(source_id),
        advocate=advocate,
        defaults={
            "account": account,
            "kind": kind,
            "asked_at": at,
            "released_at": None,
            "answered_at": None,
            # Kept only where it was needed: an override that overrode nothing would blur the audit.
            "override_reason": override_reason[:300] if decision.first else "",
            "by": by if getattr(by, "pk", None) else None,
        },
    )
    project(account, at=at)
    return made


@transaction.atomic
def asked_already(
    advocate: Advocate, *, channel: str, source_id: str | int, kind: str, at: datetime, by: Any = None, reason: str
) -> Ask:
    """Count an ask that somebody has made beside the portal: it refuses nothing, because it has happened.

    Whatever stood against it, the rest after it and the caps count it from here. The same source twice is one ask.
    """
    account = lock(advocate)
    made, _new = Ask.objects.get_or_create(
        channel=channel, source_id=str(source_id), advocate=advocate,
        defaults={
            "account": account, "kind": kind, "asked_at": at, "answered_at": at, "override_reason": reason[:300],
            "by": by if getattr(by, "pk", None) else None,
        },
    )  # fmt: skip
    project(account, at=at)
    return made


@transaction.atomic
def release(channel: str, source_id: str | int, advocate: Advocate, *, at: datetime) -> None:
    """An ask came to nothing through no fault of theirs: it counts no more."""
    account = lock(advocate)
    if Ask.objects.filter(
        channel=channel, source_id=str(source_id), advocate=advocate, released_at__isnull=True
    ).update(released_at=at):
        project(account, at=at)


@transaction.atomic
def asked_now(channel: str, source_id: str | int, advocate: Advocate, *, at: datetime) -> None:
    """A question that was held back until now reaches them: the rest after it counts from here.

    Raises ``Refused`` where it no longer fits, because others have asked them or their colleagues meanwhile.
    """
    account = lock(advocate)
    held = Ask.objects.filter(
        channel=channel, source_id=str(source_id), advocate=advocate, released_at__isnull=True
    ).first()  # fmt: skip
    if held is None:
        return
    fresh = Advocate.objects.select_related("contact__account").get(pk=advocate.pk)
    decision = decide(facts_of([fresh], at=at, without=held)[fresh.pk], at=at, kind=held.kind)
    refusal = decision.firm or (None if held.override_reason else decision.first)
    if refusal:
        raise Refused(refusal.sentence)
    Ask.objects.filter(pk=held.pk).update(asked_at=at)
    project(account, at=at)


def why_not_again(channel: str, source_id: str | int, advocate: Advocate, *, at: datetime) -> str | None:
    """Why nobody is reminded of a question that is out, that question itself aside, as a sentence; None when they may.

    A question that was released, or that nobody put, is not repeated.
    """
    rows = Ask.objects.filter(channel=channel, source_id=str(source_id), advocate=advocate, released_at__isnull=True)
    held = rows.first()
    if held is None:
        return _("This is no longer asked.")
    first = decide(facts_of([advocate], at=at, without=held)[advocate.pk], at=at, kind=held.kind).first
    return first.sentence if first else None


def answered(channel: str, source_id: str | int, advocate: Advocate, *, at: datetime) -> None:
    """They said yes or no: the question is no longer out. The rest after it stays."""
    Ask.objects.filter(
        channel=channel, source_id=str(source_id), advocate=advocate, answered_at__isnull=True
    ).update(answered_at=at)  # fmt: skip


def lock(advocate: Advocate) -> Account:
    """Lock the account, then the advocate: the order everybody keeps, so that nobody waits in a circle."""
    account = Account.objects.select_for_update(of=("self",)).get(contacts__advocate=advocate.pk)
    locked = Advocate.objects.select_for_update(of=("self",)).select_related("contact").get(pk=advocate.pk)
    if locked.contact.account_id != account.pk:
        raise Refused(_("%(name)s has just moved to another account. Try again.") % {"name": locked.contact.full_name})
    return account


def project(account: Account, *, at: datetime) -> None:
    """Write what matching reads: ``resting_until``, ``last_asked_at`` and the year's count for all of an account.

    The account is locked, so whoever else would write these waits. Caps for one kind are left to the budget itself.
    """
    project_all([account], at=at)


def project_all(accounts: Sequence[Account], *, at: datetime) -> None:
    """``project`` for several accounts, all of them locked, in the same number of queries."""
    people = list(
        Advocate.objects.filter(contact__account__in=accounts).select_related("contact__account").order_by("pk")
    )
    known = facts_of(people, at=at)
    changed = []
    for advocate in people:
        facts = known[advocate.pk]
        last = max((past.at for past in facts.asks), default=None)
        year = sum(1 for past in facts.asks if past.at > at - timedelta(days=365))
        until = resting_until(facts, at=at)
        if (advocate.resting_until, advocate.last_asked_at, advocate.asks_in_year) != (until, last, year):
            advocate.resting_until, advocate.last_asked_at, advocate.asks_in_year = until, last, year
            changed.append(advocate)
    Advocate.objects.bulk_update(changed, ["resting_until", "last_asked_at", "asks_in_year"])
