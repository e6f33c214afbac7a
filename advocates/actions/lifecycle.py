"""Lifecycle rules at work: seeing signals, firing once for each occurrence, keeping the reasons (P17, P18)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush, merge
from itertools import islice
from typing import Any

import structlog
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm import derived, readiness
from advocacy.crm.models import Account, Contact, Pause, Signal
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocacy.lib.months import months_after
from advocacy.lib.paging import beyond
from advocates import invitations, lifecycle, pods, segments
from advocates.lifecycle import Doing, Done, Effect, Happening
from advocates.models import Firing, Invitation, LifecycleRule, Task, Watermark

logger = structlog.get_logger(__name__)

BATCH = 500
CANDIDATES = 50
"""People of one account looked at for one firing, at most."""
STAYS_NEWS = timedelta(days=30)
"""Bad news older than this when it is first heard opens no task of its own."""
AT_ONCE = 200
"""Firings run in one tick; the rest wait for the next, so that the clock's other work does not wait."""


def as_rule(row: LifecycleRule) -> lifecycle.Rule:
    """A stored rule as decisions see it."""
    return lifecycle.Rule(
        name=row.name,
        signal=row.signal,
        conditions=[lifecycle.Condition.read(raw) for raw in row.conditions],
        delay=timedelta(days=row.delay_days),
        reentry=row.reentry,
        enabled_from=row.enabled_from if row.enabled else None,
    )


def happening_of(signal: Signal) -> Happening:
    """An occurrence with the facts conditions look at; wants ``account`` selected."""
    account = signal.account
    return Happening(
        subject=lifecycle.subject_of(signal.kind, signal.account_id, signal.contact_id),
        occurrence=signal.occurrence,
        occurred_at=signal.occurred_at,
        facts={
            "signal.value": signal.value,
            "account.region": account.region,
            "account.country": account.country,
            "account.industry": account.industry,
            "account.language": account.language,
            "account.employees": account.employees,
            "account.annual_value": account.annual_value,
            "account.products": account.products,
            "account.use_cases": account.use_cases,
            "account.replaced_competitors": account.replaced_competitors,
            "account.months": _months_since(account.contract_start, signal.occurred_at),
            "account.days_to_renewal": _days_until(account.renewal_on, signal.occurred_at),
            "account.readiness": account.readiness,
        },
        too_late=derived.came_too_late(signal.kind, occurred_at=signal.occurred_at, received_at=signal.received_at),
    )


def _months_since(day: date | None, moment: datetime) -> int | None:
    """Full months; none before it begins."""
    there = moment.astimezone(UTC).date()
    if day is None or day > there:
        return None
    full = (there.year - day.year) * 12 + there.month - day.month
    return full if months_after(day, full) <= there else full - 1


def _days_until(day: date | None, moment: datetime) -> int | None:
    """Days left; none once it is over."""
    there = moment.astimezone(UTC).date()
    return (day - there).days if day is not None and day >= there else None


# --- The clock's work -------------------------------------------------------------------------------------------------
def follow_signals(*, at: datetime, overlap: timedelta = readiness.OVERLAP) -> None:
    """Everything a new signal leads to, in the order that keeps promises: bad news pauses before good news asks."""
    readiness.follow_signals(at=at, since=_read_mark("pauses"), overlap=overlap)
    _set_mark("pauses", at)
    open_care_tasks(at=at)
    for rule in LifecycleRule.objects.filter(enabled=True).order_by("pk"):
        consider(rule, at=at, overlap=overlap)
    run_due(at=at)


@transaction.atomic
def open_care_tasks(*, at: datetime) -> int:
    """One care task for each pause that recent bad news began; open invitations of a paused account stop reminding.

    A file of last year's notices pauses whom it must, but nobody calls three hundred customers about old news: those
    are found in the list of paused customers.
    """
    known = Task.objects.filter(key=Concat(Value("pause:"), Cast(OuterRef("pk"), CharField())))
    by_signal = Pause.objects.filter(released_at__isnull=True, by__isnull=True).exclude(cause=Pause.Cause.BY_HAND)
    fresh = by_signal.filter(~Exists(known), began_at__gt=at - STAYS_NEWS).select_related("account__csm").order_by("pk")
    tasks = []
    for pause in fresh:
        words = {"account": pause.account.name, "reason": pause.reason}
        tasks.append(
            Task(
                kind=Task.Kind.CARE, key=f"pause:{pause.pk}", account=pause.account,
                text=(_("%(account)s: %(reason)s. Talk to them; asks are paused.") % words)[:300],
                assignee=pods.manager_of_account(pause.account), due_at=at + timedelta(days=1), created_at=at,
            )
        )  # fmt: skip
    Task.objects.bulk_create(tasks, ignore_conflicts=True)
    theirs = by_signal.filter(account=OuterRef("advocate__contact__account"))
    paused = set()
    for invitation in Invitation.objects.filter(Exists(theirs), status__in=invitations.OPEN).select_related(
        "advocate__contact"
    ):
        paused.add(invitation.advocate.contact.account_id)
        with suppress(Refused):  # they answered meanwhile
            invitation.move_to(Invitation.Status.STOPPED)
    # A mail that is owed and not yet sent would reach somebody who has just had bad news.
    Message.objects.filter(kind="invitation", contact__account__in=paused, status=Message.Status.DUE).update(
        status=Message.Status.CANCELLED, result="asks at their account are paused"
    )
    return len(tasks)


def consider(rule: LifecycleRule, *, at: datetime, overlap: timedelta = readiness.OVERLAP) -> int:
    """Put a firing on record for every new occurrence of the rule's signal; returns how many are new.

    The mark only saves reading: what was decided is known by its row, unique for rule, subject and occurrence.
    """
    if not rule.enabled or rule.enabled_from is None:
        return 0
    mark = _read_mark(name := _mark_of(rule))
    signals = Signal.objects.filter(
        kind=rule.signal, occurred_at__gte=rule.enabled_from, occurred_at__lte=at, untrue_since__isnull=True
    )
    if mark is not None:
        signals = signals.filter(_since(mark - overlap))
    made = 0
    for batch in _batches(signals):
        made += _consider(rule, batch, at=at)
    _set_mark(name, at)
    return made


@transaction.atomic
def _consider(row: LifecycleRule, signals: Sequence[Signal], *, at: datetime) -> int:
    rule = as_rule(row)
    happenings = [(signal, happening_of(signal)) for signal in signals]
    known = _fired(row, happenings)
    reached = _reached(row, happenings)
    firings = []
    for signal, happening in happenings:
        if (happening.subject, happening.occurrence) in known:
            continue
        verdict = lifecycle.decide(rule, happening, at=at, reached_before=happening.subject in reached)
        firings.append(
            Firing(
                rule=row, subject=happening.subject, occurrence=happening.occurrence, signal=signal,
                contact_id=signal.contact_id, due_at=max(verdict.due_at, at), created_at=at,
                status=Firing.Status.WAITING if verdict.fires else Firing.Status.REFUSED,
                reasons=[str(reason) for reason in verdict.reasons],
            )
        )  # fmt: skip
    Firing.objects.bulk_create(firings, ignore_conflicts=True)
    return len(firings)


def run_due(*, at: datetime, most: int = AT_ONCE) -> int:
    """Run the firings whose day has come, each in a transaction of its own."""
    done = 0
    due = Firing.objects.filter(status=Firing.Status.WAITING, due_at__lte=at, rule__enabled=True)
    for pk in list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:most]):
        try:
            done += run(pk, at=at)
        except Exception:  # one rule's fault must not keep the others from their day
            logger.exception("firing_failed", firing=pk)
            Firing.objects.filter(pk=pk, status=Firing.Status.WAITING).update(due_at=at + timedelta(hours=1))
    return done


@transaction.atomic
def run(pk: int, *, at: datetime) -> int:
    """Run one firing: look again, choose the people, do it, keep the reasons. Whoever comes second finds it locked."""
    firing = (
        Firing.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("rule", "signal__account", "contact")
        .filter(pk=pk, status=Firing.Status.WAITING)
        .first()
    )
    if firing is None:
        return 0
    if firing.signal is None:
        firing.move_to(Firing.Status.CANCELLED, fired_at=at, reasons=[*firing.reasons, _("Its signal is gone.")])
        return 1
    rule, signal = firing.rule, firing.signal
    if signal.untrue_since is not None:
        said = _("What it follows from was corrected meanwhile: it is no longer so.")
        firing.move_to(Firing.Status.CANCELLED, fired_at=at, reasons=[*firing.reasons, said])
        return 1
    Account.objects.select_for_update().get(pk=signal.account_id)  # two occurrences of one subject wait for each other
    effect = lifecycle.effects().get(rule.effect)
    happening = happening_of(signal)
    before = Firing.objects.filter(rule=rule, subject=firing.subject, status=Firing.Status.DONE).exclude(pk=pk).exists()
    verdict = lifecycle.decide(as_rule(rule), happening, at=at, reached_before=before)
    reasons = [str(reason) for reason in verdict.reasons]
    if effect is None:
        reasons.append(_("The portal cannot do “%(effect)s” now.") % {"effect": rule.effect})
    refusal = _review_refused(rule, effect)
    if refusal:
        reasons.append(refusal)
    if not verdict.fires or effect is None or refusal:
        firing.move_to(Firing.Status.REFUSED, fired_at=at, reasons=reasons)
        return 1
    reached = _do(effect, firing, at=at, reasons=reasons)
    firing.move_to(
        Firing.Status.DONE if reached else Firing.Status.REFUSED,
        fired_at=at,
        reasons=reasons,
        contact=reached[0] if reached and reached[0] else firing.contact,
    )
    return 1


def _do(effect: Effect, firing: Firing, *, at: datetime, reasons: list[str]) -> list[Contact | None]:
    """Do it for each person it reaches; what was said about each goes on record. Nobody: a task for the manager."""
    rule, signal = firing.rule, firing.signal
    assert signal is not None
    reached: list[Contact | None] = []
    if not effect.needs_person:
        people: list[Contact | None] = [None]
    else:
        people = [*choose_people(rule, signal, effect, at=at, reasons=reasons)]
    for person in people:
        try:
            with transaction.atomic():
                reasons.append(effect.do(Doing(rule, firing, signal, person, at)))
            reached.append(person)
        except Refused as refusal:
            reasons.append(str(refusal))
    # Where asks are paused a care task is open already; looking for somebody else there would only add to it. And what
    # is about one person is about nobody else.
    about_account = firing.subject.startswith("account:")
    if about_account and effect.needs_person and not reached and signal.account.readiness == Account.Readiness.READY:
        manager = pods.manager_of_account(signal.account)
        Task.objects.get_or_create(
            key=f"firing:{firing.pk}",
            defaults={
                "kind": Task.Kind.FIND,
                "text": _("%(account)s: nobody fits the rule “%(rule)s”. Find somebody to reach.")[:300]
                % {"account": signal.account.name, "rule": rule.name},
                "account": signal.account, "assignee": manager, "due_at": at + timedelta(days=3), "created_at": at,
            },
        )  # fmt: skip
        reasons.append(
            _("Nobody fits; a task was opened for %(name)s.") % {"name": manager}
            if manager
            else _("Nobody fits; a task was opened for the reference managers.")
        )
    return reached


def _is_about_a_person(signal: Signal) -> bool:
    return lifecycle.subject_of(signal.kind, 0, signal.contact_id).startswith("contact:")


def _candidates(rule: LifecycleRule, signals: Sequence[Signal]) -> dict[int, list[Contact]]:
    """Whom the rule might reach by each of these signals, best first, by the signals' keys: two queries for many."""
    about = {signal.contact_id or 0 for signal in signals if _is_about_a_person(signal)}
    people = {one.pk: one for one in Contact.objects.filter(pk__in=about).select_related("account")} if about else {}
    accounts = {signal.account_id for signal in signals if not _is_about_a_person(signal)}
    roles = [role.strip() for role in rule.whom.split(",")]
    there: dict[int, list[Contact]] = defaultdict(list)
    if accounts:
        contacts = Contact.objects.filter(account__in=accounts, persona__in=roles, left_on__isnull=True)
        for contact in contacts.exclude(email="").select_related("account"):
            there[contact.account_id].append(contact)
    in_order = {pk: lifecycle.people_in_order(contacts, rule.whom, CANDIDATES) for pk, contacts in there.items()}
    return {
        signal.pk: [people[signal.contact_id]] if signal.contact_id in people and _is_about_a_person(signal)
        else in_order.get(signal.account_id, [])
        for signal in signals
    }  # fmt: skip


def choose_people(
    rule: LifecycleRule,
    signal: Signal,
    effect: Effect,
    *,
    at: datetime,
    reasons: list[str],
    ahead: "_Ahead | None" = None,
    done: Sequence[Done] = (),
) -> list[Contact]:
    """The people the effect reaches, in the order of the rule's roles; whoever cannot be reached is passed over.

    A dry run looks ``ahead`` for many signals at once, and counts what it would have ``done`` at the account before;
    the effect says whether that stands in the way.
    """
    candidates = ahead.candidates[signal.pk] if ahead else _candidates(rule, [signal])[signal.pk]
    if not candidates:
        reasons.append(
            _("Nobody at %(account)s has one of the roles %(roles)s and an address.")
            % {"account": signal.account.name, "roles": rule.whom}
        )
    belong = _belong(rule, candidates, at=at)
    people: list[Contact] = []
    for place, contact in enumerate(candidates):
        if len(people) >= rule.at_most:
            break
        if contact.pk not in belong:
            words = {"name": contact.full_name, "cohort": rule.cohort}
            reasons.append(_("%(name)s does not belong to the cohort “%(cohort)s”.") % words)
            continue
        refusal = ahead.why_not(place, contact, at) if ahead else effect.why_not(contact, at, rule.effect_params)
        if refusal is None and ahead and done:
            refusal = ahead.why_not_after(contact, done, at, rule.effect_params)
        if refusal:
            reasons.append(refusal)
        else:
            people.append(contact)
    return people


def _review_refused(rule: LifecycleRule, effect: Effect | None) -> str | None:
    """Whether a public review would be asked for by feelings, as the rule and its cohort stand now (P19)."""
    if effect is None or not effect.asks_public_review:
        return None
    return lifecycle.review_refused(
        effect,
        signal=rule.signal,
        conditions=as_rule(rule).conditions,
        among=segments.Segment.read(rule.cohort.definition) if rule.cohort else None,
    )


def _belong(rule: LifecycleRule, candidates: Sequence[Contact], *, at: datetime) -> set[int]:
    """Which of these people the rule is for, as the cohort it is kept to stands today."""
    known = {contact.pk for contact in candidates}
    if rule.cohort is None or not known:
        return known
    segment = segments.Segment.read(rule.cohort.definition)
    return set(segment.people(at=at, among=Contact.objects.filter(pk__in=known)).values_list("pk", flat=True))


# --- Switching --------------------------------------------------------------------------------------------------------
@transaction.atomic
def switch_on(rule: LifecycleRule, *, at: datetime) -> None:
    """Switch a rule on for signals from now on; what happened before never fires it."""
    wrong = lifecycle.check_rule(
        signal=rule.signal,
        conditions=rule.conditions,
        effect=rule.effect,
        effect_params=rule.effect_params,
        whom=rule.whom,
        among=segments.Segment.read(rule.cohort.definition) if rule.cohort else None,
    )
    if wrong:
        raise Refused(" ".join(sentence for sentences in wrong.values() for sentence in sentences))
    if not LifecycleRule.objects.filter(pk=rule.pk, enabled=False).update(enabled=True, enabled_from=at):
        raise Refused(_("This rule is on already."))
    rule.refresh_from_db()


@transaction.atomic
def switch_off(rule: LifecycleRule, *, at: datetime) -> int:
    """Switch a rule off; firings that wait for their day are cancelled, and stay on record."""
    if not LifecycleRule.objects.filter(pk=rule.pk, enabled=True).update(enabled=False):
        raise Refused(_("This rule is off already."))
    rule.refresh_from_db()
    return _drop_waiting(rule, said=_("The rule was switched off before its day came."), at=at)


@transaction.atomic
def save(rule: LifecycleRule, *, at: datetime) -> int:
    """Keep a rule that somebody has written or rewritten; returns how many firings it no longer waits for.

    One that is on begins anew when it now heeds or does something else: what happened before never fires it, and what
    waits is dropped, on record. Its name, whom it reaches and its words count for what waits, too.
    """
    before = LifecycleRule.objects.select_for_update().filter(pk=rule.pk).first()
    if before is None:
        rule.save()
        return 0
    rule.enabled, rule.enabled_from = before.enabled, before.enabled_from  # only switching switches
    cancelled = 0
    if before.enabled and _gist(before) != _gist(rule):
        rule.enabled_from = at
        cancelled = _drop_waiting(rule, said=_("The rule was changed before its day came."), at=at)
    rule.save()
    return cancelled


def _gist(rule: LifecycleRule) -> tuple[Any, ...]:
    """What a rule heeds and does. The order of its conditions says nothing."""

    def told(value: Any) -> Any:
        return sorted(map(str, value)) if isinstance(value, list) else str(value)

    conditions = sorted(str((one["fact"], one["is"], told(one["value"]))) for one in rule.conditions)
    return rule.signal, conditions, rule.delay_days, rule.effect, rule.reentry


def _drop_waiting(rule: LifecycleRule, *, said: str, at: datetime) -> int:
    cancelled = 0
    for firing in Firing.objects.select_for_update().filter(rule=rule, status=Firing.Status.WAITING):
        firing.move_to(Firing.Status.CANCELLED, fired_at=at, reasons=[*firing.reasons, said])
        cancelled += 1
    return cancelled


# --- Dry run ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Tried:
    """One line of a dry run: who, which signal, whether, why and why not.

    ``waits``: it is on record as a firing that waits for its day, ``due_at``; ``fires`` says what would come of it.
    """

    rule: LifecycleRule
    signal: Signal
    happening: Happening
    fires: bool
    due_at: datetime
    people: Sequence[Contact] = ()
    reasons: Sequence[str] = field(default_factory=tuple)
    waits: bool = False


@dataclass(frozen=True)
class _Known:
    """A firing on record, as far as a dry run cares."""

    pk: int
    status: str
    due_at: datetime


@dataclass(order=True)
class _Line:
    """A signal on its way to its moment: lines are judged in the order in which the clock would run them.

    ``known_at`` is when the clock would have seen it: the first one seen of an occurrence stands for it, any other is
    seen ``again``.
    """

    due_at: datetime
    known_at: datetime
    order: tuple[Any, ...]
    rule: LifecycleRule = field(compare=False)
    signal: Signal = field(compare=False)
    happening: Happening = field(compare=False)
    firing: _Known | None = field(compare=False, default=None)
    again: bool = field(compare=False, default=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.happening.subject, self.happening.occurrence

    @property
    def waits(self) -> bool:
        return self.firing is not None and self.firing.status == Firing.Status.WAITING

    def moment(self, *, at: datetime, past: bool) -> datetime:
        """What is over is read as it was at its moment; what is to come, as it is now or will be by what is known."""
        return self.due_at if past else max(self.due_at, at)

    def place(self, *, past: bool) -> tuple[Any, ...]:
        """Its place among the lines of other rules: firings run by their day, then as they came on record."""
        if past:
            return self.due_at, self.known_at, self.rule.pk, self.order
        return self.due_at, self.order[0], *(() if self.waits else (self.rule.pk,)), *self.order[1:]


@dataclass
class _Course:
    """What a dry run has done so far, which the clock would find done."""

    seen: set[tuple[int, tuple[str, str]]] = field(default_factory=set)
    reached: set[tuple[int, str]] = field(default_factory=set)
    done: dict[int, list[Done]] = field(default_factory=lambda: defaultdict(list))


class _Ahead:
    """What stands in the way of people, found out for many lines of one rule together.

    The first candidate of each line is looked up with the first candidates of all others, the second when a second one
    is asked about, and so on; so a batch costs a few queries, and nobody far down a list is looked up in vain.
    """

    def __init__(self, rule: LifecycleRule, effect: Effect, lines: Sequence[tuple[Signal, datetime]]) -> None:
        self.candidates = _candidates(rule, [signal for signal, _moment in lines])
        self.why_not_after = effect.why_not_after()
        self._rule, self._effect, self._lines = rule, effect, lines
        self._known: dict[tuple[int, datetime], str | None] = {}

    def why_not(self, place: int, contact: Contact, at: datetime) -> str | None:
        key = (contact.pk, at)
        if key not in self._known:
            if self._effect.why_not_many is None:
                self._known[key] = self._effect.why_not(contact, at, self._rule.effect_params)
            else:
                asked = {
                    (candidates[place].pk, moment): (candidates[place], moment) for signal, moment in self._lines
                    if len(candidates := self.candidates[signal.pk]) > place
                } | {key: (contact, at)}  # fmt: skip
                found = self._effect.why_not_many(list(asked.values()), self._rule.effect_params)
                self._known |= zip(asked, found, strict=True)
        return self._known[key]


def dry_run(
    rule: LifecycleRule,
    *,
    at: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    undecided: bool = False,
    most: int | None = None,
) -> Iterator[Tried]:
    """What the rule would do, without doing it, in the order in which it would do it.

    With a period: for the signals that occurred in it, as if the rule had been on. Without: for what it would see now,
    with what waits for its day. What is over is judged as of its own moment, what is still to come no earlier than now.
    ``undecided`` leaves out what the clock has decided on long ago, and ``most`` ends after so many lines: a page reads
    no more than it shows.
    """
    return dry_run_all([rule], at=at, start=start, end=end, undecided=undecided, most=most)


def dry_run_all(
    rules: Iterable[LifecycleRule],
    *,
    at: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    undecided: bool = False,
    most: int | None = None,
) -> Iterator[Tried]:
    """``dry_run`` of several rules in one go, line by line as the clock would run them.

    So each sees what the others would have done before: an invitation, an ask that counts, asks that rest.
    """
    past = start is not None or end is not None
    streams = list[Iterator[_Line]]()
    begins: dict[int, datetime] = {}
    for rule in rules:
        begin = start or (datetime(2000, 1, 1, tzinfo=UTC) if past else rule.enabled_from)
        if begin is None:
            continue
        begins[rule.pk] = begin
        signals = Signal.objects.filter(kind=rule.signal, occurred_at__gte=begin, untrue_since__isnull=True)
        signals = signals.filter(occurred_at__lt=end) if end else signals.filter(occurred_at__lte=at)
        if undecided and (mark := _read_mark(_mark_of(rule))) is not None:
            signals = signals.filter(_since(mark - readiness.OVERLAP))
        streams.append(_lines(rule, signals, at=at, past=past, most=most))
        if not past:
            streams.append(_waiting_lines(rule, most=most))
    course = _Course()
    for batch in _some(islice(merge(*streams, key=lambda line: line.place(past=past)), most)):
        yield from _try_batch(batch, course, begins, at=at, past=past)


def _try_batch(
    batch: Sequence[_Line], course: _Course, begins: Mapping[int, datetime], *, at: datetime, past: bool
) -> Iterator[Tried]:
    """Lines one after the other; what they need of the database is read for all of them at once."""
    by_rule: dict[int, list[_Line]] = defaultdict(list)
    for line in batch:
        by_rule[line.rule.pk].append(line)
    decided, ahead = dict[int, lifecycle.Rule](), dict[int, _Ahead | None]()
    for pk, lines in by_rule.items():
        rule = lines[0].rule
        decided[pk] = as_rule(rule)
        before = begins[pk] if past else None
        reached = _reached(rule, [(line.signal, line.happening) for line in lines], before=before)
        course.reached |= {(pk, subject) for subject in reached}
        effect = lifecycle.effects().get(rule.effect)
        ahead[pk] = None
        if effect is not None and effect.needs_person:
            open_lines = [
                (line.signal, line.moment(at=at, past=past)) for line in lines
                if not line.again and decided[pk].heeds(line.happening)
            ]  # fmt: skip
            ahead[pk] = _Ahead(rule, effect, open_lines)
    for line in batch:
        yield _try(line, decided[line.rule.pk], ahead[line.rule.pk], course, at=at, past=past)


def _lines(
    rule: LifecycleRule, signals: "QuerySet[Signal]", *, at: datetime, past: bool, most: int | None
) -> Iterator[_Line]:
    """Signals by the moment the clock would act on them; without a period, those that wait are left to their firings.

    They are read by the day they occurred on. A line is let go when nothing that follows can be due, or be seen, before
    it; so what is held back is what came in late. What came in much later is history that was loaded afterwards: it is
    tried as though it had come in on its day.
    """
    delay = timedelta(days=rule.delay_days)
    held, first = list[_Line](), dict[tuple[str, str], _Line]()
    for batch in _batches(signals, size=min(BATCH, most or BATCH)):
        happenings = [(signal, happening_of(signal)) for signal in batch]
        known = _fired(rule, happenings)
        for signal, happening in happenings:
            while held and held[0].due_at <= signal.occurred_at + delay and held[0].known_at <= signal.occurred_at:
                yield _let_go(held, first)
            firing = known.get((happening.subject, happening.occurrence))
            waits = firing is not None and firing.status == Firing.Status.WAITING
            if waits and not past:
                continue
            late = past and signal.occurred_at < signal.received_at <= signal.occurred_at + derived.late()
            seen_at = signal.received_at if late else signal.occurred_at
            due = max(signal.occurred_at + delay, seen_at if past else at)
            if firing is not None and waits:
                due = firing.due_at
            line = _Line(due, seen_at, (1, signal.occurred_at, signal.pk), rule, signal, happening, firing)
            other = first.setdefault(line.key, line)
            if other is not line:
                earlier, later = sorted((other, line), key=lambda one: (one.known_at, one.order))
                first[line.key], later.again = earlier, True
            heappush(held, line)
    while held:
        yield _let_go(held, first)


def _let_go(held: list[_Line], first: dict[tuple[str, str], _Line]) -> _Line:
    line = heappop(held)
    if first.get(line.key) is line:
        del first[line.key]
    return line


def _waiting_lines(rule: LifecycleRule, *, most: int | None) -> Iterator[_Line]:
    """What waits for its day, in the order of the days."""
    waiting = Firing.objects.filter(rule=rule, status=Firing.Status.WAITING, signal__isnull=False)
    waiting = waiting.filter(signal__untrue_since__isnull=True)
    waiting = waiting.select_related("signal__account").order_by("due_at", "pk")
    for firing in waiting[:most] if most else waiting.iterator(chunk_size=BATCH):
        assert firing.signal is not None
        yield _Line(
            firing.due_at, firing.created_at, (0, firing.pk), rule, firing.signal, happening_of(firing.signal),
            _Known(firing.pk, firing.status, firing.due_at),
        )  # fmt: skip


def _try(
    line: _Line, decided: lifecycle.Rule, ahead: _Ahead | None, course: _Course, *, at: datetime, past: bool
) -> Tried:
    """One line, judged at its moment, with what the lines before it would have done."""
    rule, signal, happening = line.rule, line.signal, line.happening
    effect = lifecycle.effects().get(rule.effect)
    fired = line.again or (rule.pk, line.key) in course.seen or (line.firing is not None and not line.waits)
    reached_before = (rule.pk, happening.subject) in course.reached
    verdict = lifecycle.decide(decided, happening, at=at, past=past, fired=fired, reached_before=reached_before)
    if not line.again:
        course.seen.add((rule.pk, line.key))
    if line.firing is not None and line.firing.status == Firing.Status.DONE:
        course.reached.add((rule.pk, happening.subject))
    moment = line.moment(at=at, past=past)
    reasons = [str(reason) for reason in verdict.reasons]
    fires, people = verdict.fires, list[Contact]()
    if line.waits and not fired:
        reasons.append(_("It waits until %(day)s.") % {"day": date_format(line.due_at, "j F Y")})
    if effect is None:
        fires = False
        reasons.append(_("The portal cannot do “%(effect)s” now.") % {"effect": rule.effect})
    elif refusal := _review_refused(rule, effect):
        fires = False
        reasons.append(refusal)
    elif fires and effect.needs_person:
        before = course.done[signal.account_id]
        people = choose_people(rule, signal, effect, at=moment, reasons=reasons, ahead=ahead, done=before)
        fires = bool(people)
        if not people and happening.subject.startswith("account:"):
            reasons.append(_("Nobody fits; a task would be opened for the manager."))
    elif fires and (refusal := effect.why_not(None, moment, rule.effect_params)):
        fires = False
        reasons.append(refusal)
    if fires and effect is not None:
        course.reached.add((rule.pk, happening.subject))
        whom: list[Contact | None] = [*people] or [None]
        for person in whom:
            course.done[signal.account_id].append(
                Done(rule.name, effect.key, signal.account_id, person, moment, rule.effect_params)
            )
    return Tried(rule, signal, happening, fires, line.due_at, people, reasons, waits=line.waits and not fired)


# --- Helpers ----------------------------------------------------------------------------------------------------------
def _batches(signals: "QuerySet[Signal]", *, size: int = BATCH) -> Iterator[list[Signal]]:
    """Signals by the moment they occurred, key after key: each query reads one batch and no more."""
    ordered = signals.select_related("account").order_by("occurred_at", "pk")
    batch = list(ordered[:size])
    while batch:
        yield batch
        if len(batch) < size:
            return
        last = (batch[-1].occurred_at, batch[-1].pk)
        batch = list(ordered.filter(beyond(("occurred_at", "pk"), last))[:size])


def _some(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    while batch := list(islice(lines, BATCH)):
        yield batch


def _since(moment: datetime) -> Q:
    """What may have come in since; a signal dated ahead counts from its day on, however long ago it was received."""
    return Q(received_at__gt=moment) | Q(occurred_at__gt=moment)


def _mark_of(rule: LifecycleRule) -> str:
    return f"rule:{rule.pk}:{rule.enabled_from.isoformat() if rule.enabled_from else ''}"


def _fired(rule: LifecycleRule, happenings: Sequence[tuple[Signal, Happening]]) -> dict[tuple[str, str], _Known]:
    rows = Firing.objects.filter(
        rule=rule,
        subject__in={happening.subject for _signal, happening in happenings},
        occurrence__in={happening.occurrence for _signal, happening in happenings},
    ).values_list("subject", "occurrence", "pk", "status", "due_at")
    return {(subject, occurrence): _Known(pk, status, due_at) for subject, occurrence, pk, status, due_at in rows}


def _reached(
    rule: LifecycleRule, happenings: Sequence[tuple[Signal, Happening]], *, before: datetime | None = None
) -> set[str]:
    done = Firing.objects.filter(
        rule=rule, status=Firing.Status.DONE, subject__in={happening.subject for _signal, happening in happenings}
    )
    if before is not None:
        done = done.filter(fired_at__lt=before)
    return set(done.values_list("subject", flat=True))


def _read_mark(name: str) -> datetime | None:
    return Watermark.objects.filter(name=name).values_list("at", flat=True).first()


def _set_mark(name: str, at: datetime) -> None:
    Watermark.objects.update_or_create(name=name, defaults={"at": at})


def as_instant(day: Any) -> datetime:
    """The start of a day, in UTC."""
    return datetime.combine(day, time.min, UTC)
