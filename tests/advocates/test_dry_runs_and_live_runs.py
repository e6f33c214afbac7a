"""A dry run of a past period says what a clock that ran through it has done: whom, for what, and when (P18)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from advocacy.crm import consent, readiness
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, Contact, Pause, Program, Signal
from advocates.actions import lifecycle
from advocates.models import Advocate, Ask, AskCap, Firing, Invitation, InvitationTemplate, LifecycleRule
from opportunities.models import Survey
from tests.factories import make_account, make_contact, make_opportunity

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
STARTS = [
    datetime(2024, 2, 27, tzinfo=BERLIN),  # 29 February
    datetime(2024, 3, 29, tzinfo=BERLIN),  # the clocks go forward on the 31st
    datetime(2023, 10, 27, tzinfo=BERLIN),  # … and back on the 29th
    datetime(2023, 12, 30, tzinfo=BERLIN),
]
HOURS = [0, 1, 2, 2.5, 3, 12, 23, 23.99]


@dataclass(frozen=True)
class Told:
    """A signal: whose, which occurrence, when by the clock on the wall, and how much later it came in.

    ``of`` says which rule heeds its kind, if there are several.
    """

    account: int
    occurrence: int
    day: int
    hour: float
    late: float
    value: int
    contact: int | None
    of: int = 0

    def at(self, start: datetime) -> datetime:
        wall = (start + timedelta(days=self.day)).replace(tzinfo=None) + timedelta(hours=self.hour)
        return wall.replace(tzinfo=BERLIN).astimezone(UTC)


tellings = st.builds(
    Told,
    account=st.integers(0, 2), occurrence=st.integers(0, 2), day=st.integers(0, 40), hour=st.sampled_from(HOURS),
    late=st.sampled_from([0, 0, 0, 0.3, 1, 4, 20, -3]), value=st.integers(1, 10),
    contact=st.sampled_from([None, 0, 1]), of=st.integers(0, 2),
)  # fmt: skip
rules = st.fixed_dictionaries(
    {
        "signal": st.sampled_from(["renewed", "certified"]),
        "effect": st.sampled_from(["invite", "invite", "offer", "survey", "rest", "task"]),
        "delay_days": st.sampled_from([0, 0, 1, 7, 30]),
        "reentry": st.booleans(),
        "at_most": st.sampled_from([1, 2]),
        "conditions": st.sampled_from([[], [{"fact": "signal.value", "is": "at_least", "value": 4}]]),
    }
)
pauses = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(1, 20)), max_size=2, unique_by=lambda one: one[:2]
)
joins = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60)), max_size=2, unique_by=lambda one: one[0])

PARAMS: dict[str, dict[str, Any]] = {
    "task": {"text": "Call"}, "rest": {"days": 9}, "offer": {"kinds": ["webinar"]}, "invite": {},
    "survey": {"survey": "6f1d2c3e-0000-4000-8000-00000000005a"},
}  # fmt: skip
CAPS = [("advocate", "", 2, 30), ("account", "", 2, 20), ("account", "webinar", 3, 40)]
Outcome = dict[tuple[str, str, str], tuple[bool, list[int], datetime | None]]


class World:
    """Three accounts with two people each, what happened there, and one rule or several."""

    def __init__(self, start: datetime, rules: list[dict[str, Any]], told: list[Told]) -> None:
        self.start, self.end = start.astimezone(UTC), start.astimezone(UTC) + 45 * DAY
        Program.current()
        Program.objects.update(invitation_valid_days=15, rest_days=4)
        AskCap.objects.all().delete()
        for scope, kind, most, days in CAPS:
            AskCap.objects.create(scope=scope, kind=kind, most=most, days=days)
        InvitationTemplate.objects.get_or_create(
            region="", language="en", defaults={"subject": "s", "body": "b", "basis": "x"}
        )
        LifecycleRule.objects.update(enabled=False)
        make_opportunity("Tell us how you plan", kind="webinar", opened_at=self.start - DAY)
        self.accounts = [make_account(f"Account {number}") for number in range(3)]
        self.people = [
            make_contact(name, account, persona=persona)
            for account in self.accounts
            for name, persona in (("Mei", "champion"), ("Omar", "admin"))
        ]
        self.survey = Survey.objects.create(
            public_id=PARAMS["survey"]["survey"], title="How was it?", kind="csat", by_rule=True, status="open",
            opened_at=self.start - DAY, questions=[{"key": "stars", "label": "How was it?", "type": "five"}],
        )  # fmt: skip
        for one in self.people:
            consent.grant(one, Purpose.SURVEYS, wording="You may ask.", at=self.start - DAY, source="test")
        self.rules = [
            LifecycleRule.objects.create(name=f"Rule {number}", effect_params=PARAMS[rule["effect"]], **rule)
            for number, rule in enumerate(rules)
        ]
        self.signals = [self._signal(number, one) for number, one in enumerate(told)]

    def _signal(self, number: int, one: Told) -> Signal:
        about = self.people[one.account * 2 + one.contact] if one.contact is not None else None
        occurred = one.at(self.start.astimezone(BERLIN))
        return Signal(
            source="crm", external_id=f"S-{number}", kind=self.rules[one.of % len(self.rules)].signal,
            account=self.accounts[one.account], contact=about, occurrence=f"o{one.occurrence}", occurred_at=occurred,
            value=one.value, received_at=occurred + one.late * DAY,
        )  # fmt: skip

    def pause(self, account: Account, day: int, days: int) -> None:
        began = self.start + day * DAY + timedelta(hours=7)
        Pause.objects.create(
            account=account, cause="by_hand", release="by_hand", reason="A hard quarter", key=f"{day}:{days}",
            began_at=began, released_at=began + days * DAY,
        )  # fmt: skip

    def dry(self) -> Outcome:
        found: Outcome = {}
        for one in lifecycle.dry_run_all(self.rules, at=self.end + 90 * DAY, start=self.start, end=self.end):
            key = (one.rule.name, one.happening.subject, one.happening.occurrence)
            if one.fires:
                assert key not in found or not found[key][0], "an occurrence fires once"
                found[key] = (True, sorted(person.pk for person in one.people), one.due_at)
            else:
                found.setdefault(key, (False, [], None))
        return found

    def live(self, joins: list[tuple[Contact, datetime]]) -> Outcome:
        """The clock ticks whenever something happens, comes in or falls due."""
        LifecycleRule.objects.filter(pk__in=[rule.pk for rule in self.rules]).update(
            enabled=True, enabled_from=self.start
        )
        rules = list(LifecycleRule.objects.filter(pk__in=[rule.pk for rule in self.rules]).order_by("pk"))
        Signal.objects.all().delete()
        moments = {when for _contact, when in joins}
        for one in self.signals:
            moments |= {one.occurred_at, one.received_at}
            moments |= {one.occurred_at + timedelta(days=rule.delay_days) for rule in rules}
        for now in sorted(moments):
            for contact, when in joins:
                if when == now:
                    member = {"status": "member", "joined_at": when}
                    Advocate.objects.update_or_create(contact=contact, defaults=member)
            for one in self.signals:
                if one.received_at == now:
                    one.pk = None
                    one.save(force_insert=True)
            readiness.release_on_date(at=now)
            for rule in rules:
                lifecycle.consider(rule, at=now)
            lifecycle.run_due(at=now)
        found: Outcome = {}
        for firing in Firing.objects.filter(rule__in=rules).select_related("rule"):
            assert firing.status in {"done", "refused"}
            done = firing.status == "done"
            invited = Invitation.objects.filter(firing=firing).values_list("advocate__contact", flat=True)
            asked = Ask.objects.filter(channel="rule", source_id__startswith=f"{firing.pk}:")
            surveyed = Ask.objects.filter(channel="survey", source_id=f"{self.survey.pk}:rule:{firing.pk}")
            reached = sorted([*invited, *(asked | surveyed).values_list("advocate__contact", flat=True)])
            key = (firing.rule.name, firing.subject, firing.occurrence)
            found[key] = (done, reached, firing.fired_at if done else None)
        return found


def rule(signal: str, effect: str, **more: Any) -> dict[str, Any]:
    plain = {"delay_days": 0, "reentry": True, "at_most": 1, "conditions": []}
    return {"signal": signal, "effect": effect, **plain, **more}


@settings(
    max_examples=100, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    st.sampled_from(STARTS),
    st.lists(rules, min_size=1, max_size=3),
    st.lists(tellings, max_size=9),
    pauses,
    joins,
)
@example(
    # The same occurrence by two sources: the one that came in first stands for it, though it occurred later.
    STARTS[0],
    [rule("renewed", "invite", delay_days=7)],
    [Told(0, 0, 1, 12, 8, 5, None), Told(0, 0, 3, 12, 0, 5, None)],
    [],
    [],
)
@example(
    # A late one that occurred first, and one that was known in time, due at the same moment.
    STARTS[1],
    [rule("renewed", "invite", delay_days=7, reentry=False)],
    [Told(0, 0, 0, 12, 8, 5, None), Told(0, 1, 1, 12, 0, 5, None)],
    [(0, 8, 1)],
    [],
)
@example(
    # Two rules want to invite the same person: the one whose day comes first does, the other takes the next.
    STARTS[1],
    [rule("renewed", "invite", delay_days=7), rule("certified", "invite", delay_days=1)],
    [Told(0, 0, 3, 12, 0, 5, None, 0), Told(0, 0, 4, 12, 0, 5, 0, 1)],
    [],
    [],
)
@example(
    # Asks rest because of one rule; the other neither invites nor offers until they do not any more.
    STARTS[2],
    [rule("renewed", "rest"), rule("certified", "invite"), rule("certified", "offer", delay_days=7)],
    [Told(0, 0, 1, 12, 0, 5, None, 0), *(Told(0, n, day, 12, 0, 5, 0, 1) for n, day in enumerate((2, 3, 12)))],
    [],
    [(1, 1)],
)
@example(
    # Two rules ask colleagues: what the account may be asked is used up by both.
    STARTS[3],
    [rule("renewed", "offer", at_most=2), rule("certified", "offer")],
    [Told(0, 0, 5, 12, 0, 5, None, 0), Told(0, 0, 14, 12, 0, 5, 0, 1), Told(0, 1, 30, 12, 0, 5, 0, 1)],
    [],
    [(0, 1), (1, 1)],
)
@example(
    # An offer and a survey are asks alike: one uses up what the other may ask.
    STARTS[3],
    [rule("renewed", "survey", at_most=2), rule("certified", "offer")],
    [Told(0, 0, 5, 12, 0, 5, None, 0), Told(0, 0, 14, 12, 0, 5, 0, 1), Told(0, 1, 30, 12, 0, 5, 0, 0)],
    [],
    [(0, 1), (1, 1)],
)
def test_a_dry_run_of_a_past_period_is_what_a_live_run_did(
    start: datetime,
    rules: list[dict[str, Any]],
    told: list[Told],
    pauses: list[tuple[int, int, int]],
    joins: list[tuple[int, int]],
) -> None:
    with transaction.atomic():
        world = World(start, rules, told)
        for number, day, days in pauses:
            world.pause(world.accounts[number], day, days)
        joining = [(world.people[who], world.start + day * DAY + timedelta(hours=9)) for who, day in joins]
        for contact, when in joining:
            Advocate.objects.create(contact=contact, status="member", joined_at=when)
        Signal.objects.bulk_create(world.signals)
        said = world.dry()
        assert not Firing.objects.exists() and not Invitation.objects.exists() and not Ask.objects.exists()
        Advocate.objects.all().delete()
        assert world.live(joining) == said
        transaction.set_rollback(True)
