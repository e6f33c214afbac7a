"""A dry run of a past period says what a clock that ran through it has done: whom, for what, and when (P18)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from advocacy.crm.models import Account, Contact, Pause, Program, Signal
from advocates.actions import lifecycle
from advocates.models import Advocate, Firing, Invitation, InvitationTemplate, LifecycleRule
from tests.factories import make_account, make_contact

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
    """A signal: whose, which occurrence, when by the clock on the wall, and how much later it came in."""

    account: int
    occurrence: int
    day: int
    hour: float
    late: float
    value: int
    contact: int | None

    def at(self, start: datetime) -> datetime:
        wall = (start + timedelta(days=self.day)).replace(tzinfo=None) + timedelta(hours=self.hour)
        return wall.replace(tzinfo=BERLIN).astimezone(UTC)


tellings = st.builds(
    Told,
    account=st.integers(0, 2), occurrence=st.integers(0, 2), day=st.integers(0, 40), hour=st.sampled_from(HOURS),
    late=st.sampled_from([0, 0, 0, 0.3, 1, 4, 20, -3]), value=st.integers(1, 10),
    contact=st.sampled_from([None, 0, 1]),
)  # fmt: skip
rules = st.fixed_dictionaries(
    {
        "signal": st.sampled_from(["renewed", "certified"]),
        "effect": st.sampled_from(["invite", "invite", "task"]),
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

Outcome = dict[tuple[str, str], tuple[bool, list[int], datetime | None]]


class World:
    """Three accounts with two people each, what happened there, and a rule."""

    def __init__(self, start: datetime, rule: dict[str, Any], told: list[Told]) -> None:
        self.start, self.end = start.astimezone(UTC), start.astimezone(UTC) + 45 * DAY
        Program.current()
        Program.objects.update(invitation_valid_days=15)
        InvitationTemplate.objects.get_or_create(
            region="", language="en", defaults={"subject": "s", "body": "b", "basis": "x"}
        )
        LifecycleRule.objects.update(enabled=False)
        self.accounts = [make_account(f"Account {number}") for number in range(3)]
        self.people = [
            make_contact(name, account, persona=persona)
            for account in self.accounts
            for name, persona in (("Mei", "champion"), ("Omar", "admin"))
        ]
        params = {"text": "Call"} if rule["effect"] == "task" else {}
        self.rule = LifecycleRule.objects.create(name="The rule", effect_params=params, **rule)
        self.signals = [self._signal(number, one) for number, one in enumerate(told)]

    def _signal(self, number: int, one: Told) -> Signal:
        about = self.people[one.account * 2 + one.contact] if one.contact is not None else None
        occurred = one.at(self.start.astimezone(BERLIN))
        return Signal(
            source="crm", external_id=f"S-{number}", kind=self.rule.signal, account=self.accounts[one.account],
            contact=about, occurrence=f"o{one.occurrence}", occurred_at=occurred, value=one.value,
            received_at=occurred + one.late * DAY,
        )  # fmt: skip

    def pause(self, account: Account, day: int, days: int) -> None:
        began = self.start + day * DAY + timedelta(hours=7)
        Pause.objects.create(
            account=account, cause="by_hand", release="by_hand", reason="A hard quarter", key=f"{day}:{days}",
            began_at=began, released_at=began + days * DAY,
        )  # fmt: skip

    def dry(self) -> Outcome:
        found: Outcome = {}
        for one in lifecycle.dry_run(self.rule, at=self.end + 90 * DAY, start=self.start, end=self.end):
            key = (one.happening.subject, one.happening.occurrence)
            if one.fires:
                assert key not in found or not found[key][0], "an occurrence fires once"
                found[key] = (True, sorted(person.pk for person in one.people), one.due_at)
            else:
                found.setdefault(key, (False, [], None))
        return found

    def live(self, joins: list[tuple[Contact, datetime]]) -> Outcome:
        """The clock ticks whenever something happens, comes in or falls due."""
        delay = timedelta(days=self.rule.delay_days)
        LifecycleRule.objects.filter(pk=self.rule.pk).update(enabled=True, enabled_from=self.start)
        self.rule.refresh_from_db()
        Signal.objects.all().delete()
        moments = {when for _contact, when in joins}
        for one in self.signals:
            moments |= {one.occurred_at, one.received_at, one.occurred_at + delay}
        for now in sorted(moments):
            for contact, when in joins:
                if when == now:
                    member = {"status": "member", "joined_at": when}
                    Advocate.objects.update_or_create(contact=contact, defaults=member)
            for one in self.signals:
                if one.received_at == now:
                    one.pk = None
                    one.save(force_insert=True)
            lifecycle.consider(self.rule, at=now)
            lifecycle.run_due(at=now)
        found: Outcome = {}
        for firing in Firing.objects.filter(rule=self.rule):
            assert firing.status in {"done", "refused"}
            done = firing.status == "done"
            reached = sorted(
                Invitation.objects.filter(firing=firing).values_list("advocate__contact", flat=True)
            )  # fmt: skip
            found[firing.subject, firing.occurrence] = (done, reached, firing.fired_at if done else None)
        return found


@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.sampled_from(STARTS), rules, st.lists(tellings, max_size=9), pauses, joins)
@example(
    # The same occurrence by two sources: the one that came in first stands for it, though it occurred later.
    STARTS[0],
    {"signal": "renewed", "effect": "invite", "delay_days": 7, "reentry": True, "at_most": 1, "conditions": []},
    [Told(0, 0, 1, 12, 8, 5, None), Told(0, 0, 3, 12, 0, 5, None)],
    [],
    [],
)
@example(
    # A late one that occurred first, and one that was known in time, due at the same moment.
    STARTS[1],
    {"signal": "renewed", "effect": "invite", "delay_days": 7, "reentry": False, "at_most": 1, "conditions": []},
    [Told(0, 0, 0, 12, 8, 5, None), Told(0, 1, 1, 12, 0, 5, None)],
    [(0, 8, 1)],
    [],
)
def test_a_dry_run_of_a_past_period_is_what_a_live_run_did(
    start: datetime,
    rule: dict[str, Any],
    told: list[Told],
    pauses: list[tuple[int, int, int]],
    joins: list[tuple[int, int]],
) -> None:
    with transaction.atomic():
        world = World(start, rule, told)
        for number, day, days in pauses:
            world.pause(world.accounts[number], day, days)
        joining = [(world.people[who], world.start + day * DAY + timedelta(hours=9)) for who, day in joins]
        for contact, when in joining:
            Advocate.objects.create(contact=contact, status="member", joined_at=when)
        Signal.objects.bulk_create(world.signals)
        said = world.dry()
        assert not Firing.objects.exists() and not Invitation.objects.exists()
        Advocate.objects.all().delete()
        assert world.live(joining) == said
        transaction.set_rollback(True)
