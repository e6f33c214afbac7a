"""Signals that follow from contracts, use, webinars and renewals, worked out daily (P16)."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from advocacy.crm import derived, jobs, merging, tasks
from advocacy.crm.models import Account, Signal, Subscription, Usage
from advocates.actions import lifecycle
from advocates.models import Firing, LifecycleRule
from advocates.segments import Segment
from tests.crm.importing import loader
from tests.factories import NOON, make_account, make_contact, make_signal, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
number = count(1)


def subscribe(account: Account, start: date, **fields: Any) -> Subscription:
    return Subscription.objects.create(external_id=f"S-{next(number)}", account=account, started_on=start, **fields)


def use(account: Account, day: date, minutes: Any = 30, feature: str = "plan") -> Usage:
    return Usage.objects.create(
        external_id=f"U-{next(number)}", account=account, day=day, minutes=minutes, feature=feature
    )


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def found(kind: str) -> list[tuple[str, date]]:
    rows = Signal.objects.filter(kind=kind, source="derived").order_by("occurred_at", "pk")
    return [(one.occurrence, one.occurred_at.date()) for one in rows]


# --- The slow way: read like the specification --------------------------------------------------------------------
def months_after(day: date, months: int) -> date:
    """The same day some months on, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def six_months(starts: Iterable[date], used: Iterable[tuple[date, Decimal]], today: date) -> date | None:
    """The day the signal occurs on; None while it does not."""
    begun = min(starts)
    if months_after(begun, 6) > today:
        return None
    for month in range(6):
        first, end = months_after(begun, month), months_after(begun, month + 1)
        if sum((minutes for day, minutes in used if first <= day < end), Decimal()) < 30:
            return None
    return months_after(begun, 6)


starts = st.one_of(
    st.dates(date(2023, 8, 1), date(2024, 9, 30)),
    st.sampled_from([date(2023, 8, 31), date(2023, 8, 29), date(2024, 2, 29), date(2024, 1, 31), date(2023, 11, 30)]),
)


@st.composite
def accounts(draw: Any) -> tuple[list[date], list[tuple[date, Decimal, str]]]:
    """An account's subscriptions and use: mostly about enough in each month, on days near its edges."""
    begun = draw(starts)
    later = [begun + timedelta(days=draw(st.integers(0, 200))) for _each in range(draw(st.integers(0, 2)))]
    used = []
    for month in range(-1, 7):
        edge = months_after(begun, month) if month >= 0 else begun - timedelta(days=20)
        for _each in range(draw(st.sampled_from([1, 1, 1, 2, 2, 0]))):
            day = draw(st.sampled_from([edge, edge, edge + DAY, edge + 14 * DAY, edge + 27 * DAY, edge - DAY]))
            minutes = draw(st.sampled_from(["30", "30", "60", "29.99", "15", "15.01"]))
            used.append((day, Decimal(minutes), draw(st.sampled_from(["plan", "count"]))))
    return [begun, *later], used


class TestSixMonthsWithUse:
    def account(self, begun: date = date(2025, 8, 31)) -> Account:
        acorn = make_account("Acorn")
        subscribe(acorn, begun)
        for month in range(6):
            use(acorn, months_after(begun, month))
        return acorn

    def test_thirty_minutes_in_each_of_six_months_is_a_signal_on_the_day_half_a_year_is_over(self) -> None:
        acorn = self.account()
        derived.derive(at=noon(date(2026, 2, 27)))
        assert found("six_months_use") == []
        derived.derive(at=noon(date(2026, 2, 28)))
        assert found("six_months_use") == [("six_months:2025-08-31", date(2026, 2, 28))]
        signal = Signal.objects.get(kind="six_months_use")
        assert (signal.account, signal.contact, signal.received_at) == (acorn, None, noon(date(2026, 2, 28)))

    def test_it_is_one_signal_however_often_the_clock_looks(self) -> None:
        self.account()
        for days in (0, 1, 1, 40, 400):
            jobs.derive_signals(at=noon(date(2026, 3, 1) + timedelta(days=days)))
        assert len(found("six_months_use")) == 1

    def test_minutes_of_all_features_and_subscriptions_are_added_up(self) -> None:
        acorn = self.account()
        Usage.objects.filter(day=date(2025, 10, 31)).delete()
        subscribe(acorn, date(2025, 12, 1), product="Count")
        use(acorn, date(2025, 11, 29), "14.50", "plan")
        use(acorn, date(2025, 11, 29), "15.50", "count")
        assert derived.derive(at=NOON)["six_months_use"] == 1

    @pytest.mark.parametrize("day", [date(2025, 10, 30), date(2025, 11, 30)])
    def test_a_month_without_use_is_not_made_good_by_its_neighbours(self, day: date) -> None:
        acorn = self.account()
        Usage.objects.filter(day=date(2025, 10, 31)).delete()
        use(acorn, day, 500)
        assert derived.derive(at=NOON)["six_months_use"] == 0

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(accounts(), min_size=1, max_size=4), st.dates(date(2024, 1, 1), date(2025, 4, 1)))
    @example(
        [([date(2023, 8, 31)], [(months_after(date(2023, 8, 31), month), Decimal(30), "plan") for month in range(6)])],
        date(2024, 2, 29),
    )
    def test_it_is_what_plain_reading_finds(self, told: Any, today: date) -> None:
        Signal.objects.all().delete()
        wanted = set()
        for begins, used in told:
            account = make_account()
            for start in begins:
                subscribe(account, start)
            for day, minutes, feature in used:
                use(account, day, minutes, feature)
            day_of_it = six_months(begins, [(day, minutes) for day, minutes, _feature in used], today)
            if day_of_it is not None:
                wanted.add((account.pk, f"six_months:{min(begins)}", day_of_it))
        derived.derive(at=noon(today))
        rows = Signal.objects.filter(kind="six_months_use")
        assert {(one.account_id, one.occurrence, one.occurred_at.date()) for one in rows} == wanted
        Account.objects.all().delete()


class TestTheOthers:
    def test_nine_months_in_where_something_still_runs(self) -> None:
        acorn, gone = make_account("Acorn"), make_account("Gone")
        subscribe(acorn, date(2025, 5, 31))
        subscribe(gone, date(2025, 5, 31), ended_on=date(2025, 12, 31))
        derived.derive(at=noon(date(2026, 2, 27)))
        assert found("nine_months") == []
        derived.derive(at=noon(date(2026, 2, 28)))
        assert found("nine_months") == [("nine_months:2025-05-31", date(2026, 2, 28))]
        assert Signal.objects.get(kind="nine_months").account == acorn

    def test_the_second_webinar_of_a_person(self) -> None:
        acorn = make_account("Acorn")
        mei, omar = make_contact("Mei", acorn), make_contact("Omar", acorn)
        make_signal("attended_webinar", acorn, contact=mei, at=NOON - 9 * DAY, occurrence="spring")
        make_signal("attended_webinar", acorn, contact=omar, at=NOON - 9 * DAY, occurrence="spring")
        make_signal("attended_webinar", acorn, contact=mei, at=NOON - 9 * DAY, occurrence="spring", source="other")
        derived.derive(at=NOON)
        assert found("two_webinars") == [], "the same webinar, told by two sources, is one"
        make_signal("attended_webinar", acorn, contact=mei, at=NOON - 2 * DAY, occurrence="summer")
        make_signal("attended_webinar", acorn, contact=mei, at=NOON + 2 * DAY, occurrence="autumn")
        for days in (0, 5):
            derived.derive(at=NOON + days * DAY)
        (signal,) = Signal.objects.filter(kind="two_webinars")
        assert (signal.contact, signal.occurred_at) == (mei, NOON - 2 * DAY)

    def test_each_renewal_ahead_is_another_occurrence(self) -> None:
        acorn = make_account("Acorn", renewal_on=date(2026, 6, 9))
        derived.derive(at=NOON)
        assert found("renewal_ahead") == [], "91 days ahead"
        derived.derive(at=NOON + DAY)
        derived.derive(at=NOON + 2 * DAY)
        assert found("renewal_ahead") == [("renewal:2026-06-09", date(2026, 3, 11))]
        acorn.renewal_on = date(2027, 6, 9)
        acorn.save()
        derived.derive(at=NOON + 400 * DAY)
        assert [name for name, _day in found("renewal_ahead")] == ["renewal:2026-06-09", "renewal:2027-06-09"]

    def test_an_account_that_went_into_another_renews_nothing(self) -> None:
        acorn = make_account("Acorn", renewal_on=date(2026, 6, 1))
        make_account("Acorn Ltd", renewal_on=date(2026, 6, 2), merged_into=acorn)
        derived.derive(at=NOON)
        assert found("renewal_ahead") == [("renewal:2026-06-01", date(2026, 3, 3))]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(-30, 30)), max_size=12),
        st.lists(st.integers(-40, 40), min_size=1, max_size=4),
    )
    def test_second_webinars_are_those_plain_reading_finds_whenever_the_clock_looked(
        self, told: list[tuple[int, int, int]], looks: list[int]
    ) -> None:
        Signal.objects.all().delete()
        acorn = make_account("Acorn")
        people = [make_contact(name, acorn) for name in ("Ines", "Omar", "Mei")]
        first: dict[int, dict[str, datetime]] = defaultdict(dict)
        for who, webinar, days in told:
            when = NOON + days * DAY
            make_signal("attended_webinar", acorn, contact=people[who], at=when, occurrence=f"w{webinar}")
            known = first[people[who].pk].get(f"w{webinar}", when)
            first[people[who].pk][f"w{webinar}"] = min(known, when)
        for days in sorted(looks):
            derived.derive(at=NOON + days * DAY)
        until = NOON + max(looks) * DAY
        wanted = set()
        for contact, webinars in first.items():
            attended = sorted(when for when in webinars.values() if when <= until)
            if len(attended) > 1:
                wanted.add((contact, attended[1]))
        rows = Signal.objects.filter(kind="two_webinars").values_list("contact", "occurred_at")
        assert set(rows) == wanted


class TestWhatComesOfThem:
    @pytest.fixture(autouse=True)
    def rule(self) -> LifecycleRule:
        LifecycleRule.objects.update(enabled=False)
        return LifecycleRule.objects.create(
            name="Half a year: peers", signal="six_months_use", effect="task", effect_params={"text": "peers"},
            enabled=True, enabled_from=NOON - 100 * DAY,
        )  # fmt: skip

    def account(self, six_months_on: date) -> Account:
        acorn = make_account("Acorn")
        begun = months_after(six_months_on, -6)
        subscribe(acorn, begun)
        for month in range(6):
            use(acorn, months_after(begun, month))
        return acorn

    def look(self, at: datetime) -> None:
        derived.derive(at=at)
        lifecycle.follow_signals(at=at)

    def test_the_rule_fires_once(self) -> None:
        self.account((NOON - 3 * DAY).date())
        self.look(NOON)
        self.look(NOON + DAY)
        assert Firing.objects.get().status == "done"

    def test_use_that_arrives_late_still_counts(self) -> None:
        acorn = self.account((NOON - 10 * DAY).date())
        last = Usage.objects.filter(account=acorn).order_by("day").last()
        assert last is not None
        last.delete()
        self.look(NOON)
        assert not Firing.objects.exists()
        use(acorn, last.day)
        self.look(NOON + 20 * DAY)
        assert Firing.objects.get().status == "done"

    def test_what_is_found_long_afterwards_leads_to_nothing_and_says_so(self) -> None:
        self.account((NOON - 40 * DAY).date())
        self.look(NOON)
        firing = Firing.objects.get()
        assert firing.status == "refused"
        assert "It was found only long afterwards, too late to act on it." in firing.reasons

    def test_history_fires_nothing_and_can_be_tried(self, rule: LifecycleRule) -> None:
        acorn = self.account((NOON - 200 * DAY).date())
        self.look(NOON)
        assert not Firing.objects.exists()
        (said,) = lifecycle.dry_run(rule, at=NOON, start=NOON - 300 * DAY)
        assert said.fires and said.signal.account == acorn
        assert said.due_at.date() == (NOON - 200 * DAY).date()


class TestWhatIsNoLongerSo:
    """Use is corrected, a contract's start is moved, accounts are merged: what followed before is withdrawn."""

    @pytest.fixture(autouse=True)
    def rules(self) -> None:
        LifecycleRule.objects.update(enabled=False)

    def rule(self, signal: str, **fields: Any) -> LifecycleRule:
        return LifecycleRule.objects.create(
            name=f"On {signal}", signal=signal, effect="task", effect_params={"text": "peers"}, enabled=True,
            enabled_from=NOON - 100 * DAY, **fields,
        )  # fmt: skip

    def account(self, name: str = "Acorn", begun: date = date(2025, 9, 5)) -> Account:
        acorn = make_account(name)
        subscribe(acorn, begun)
        for month in range(6):
            use(acorn, months_after(begun, month))
        return acorn

    def test_corrected_use_withdraws_it_and_more_use_brings_it_back(self) -> None:
        acorn = self.account()
        derived.derive(at=NOON)
        Usage.objects.filter(account=acorn, day=date(2025, 11, 5)).update(minutes=29)
        assert derived.derive(at=NOON + DAY)["six_months_use"] == 0
        assert found("six_months_use") == []
        use(acorn, date(2025, 11, 9), 1)
        assert derived.derive(at=NOON + 2 * DAY)["six_months_use"] == 1

    def test_a_moved_start_of_the_contract_is_another_occurrence(self) -> None:
        acorn = self.account(begun=date(2025, 5, 5))
        derived.derive(at=NOON)
        assert found("nine_months") == [("nine_months:2025-05-05", date(2026, 2, 5))]
        acorn.subscriptions.update(started_on=date(2025, 6, 1))
        derived.derive(at=NOON + DAY)
        assert found("nine_months") == [("nine_months:2025-06-01", date(2026, 3, 1))]

    def test_what_was_acted_upon_stays_on_record_and_says_so(self, client: Client) -> None:
        self.rule("six_months_use")
        acorn = self.account()
        derived.derive(at=NOON)
        lifecycle.follow_signals(at=NOON)
        Usage.objects.filter(account=acorn).delete()
        derived.derive(at=NOON + DAY)
        (signal,) = Signal.objects.filter(kind="six_months_use")
        assert signal.untrue_since == NOON + DAY
        assert Firing.objects.get().signal == signal
        client.force_login(make_user("Rita Morgan", "manager"))
        page = client.get(reverse("advocates:customer", args=[acorn.pk]), {"kind": "signals"}).content.decode()
        assert "no longer so since 11 March 2026" in page
        derived.derive(at=NOON + 2 * DAY)
        signal.refresh_from_db()
        assert signal.untrue_since == NOON + DAY, "since then, however often the clock looks"
        for month in range(6):
            use(acorn, months_after(date(2025, 9, 5), month))
        derived.derive(at=NOON + 3 * DAY)
        signal.refresh_from_db()
        assert signal.untrue_since is None, "it is so after all, and nobody is asked twice"
        lifecycle.follow_signals(at=NOON + 3 * DAY)
        assert Firing.objects.count() == 1

    def test_what_waits_for_its_day_is_not_done(self) -> None:
        rule = self.rule("six_months_use", delay_days=14)
        acorn = self.account()
        derived.derive(at=NOON)
        lifecycle.follow_signals(at=NOON)
        Usage.objects.filter(account=acorn).delete()
        derived.derive(at=NOON + DAY)
        assert list(lifecycle.dry_run(rule, at=NOON + DAY)) == []
        lifecycle.follow_signals(at=NOON + 20 * DAY)
        firing = Firing.objects.get()
        assert firing.status == "cancelled"
        assert "it is no longer so" in firing.reasons[-1]

    def test_no_cohort_counts_it(self) -> None:
        acorn = self.account()
        mei = make_contact("Mei", acorn)
        among = Segment.read({"all": [{"fact": "signal.six_months_use", "value": 30}]})
        self.rule("six_months_use")
        derived.derive(at=NOON)
        lifecycle.follow_signals(at=NOON)
        assert list(among.people(at=NOON)) == [mei]
        Usage.objects.filter(account=acorn).delete()
        derived.derive(at=NOON + DAY)
        assert not among.people(at=NOON + DAY).exists()

    def test_of_two_accounts_that_become_one_the_earlier_contract_counts(self) -> None:
        acorn, limited = self.account("Acorn", date(2025, 3, 5)), self.account("Acorn Ltd", date(2025, 6, 1))
        derived.derive(at=NOON)
        assert len(found("nine_months")) == 2
        made = merging.merge("account", stays=acorn.pk, gone=limited.pk, take={}, by=None, at=NOON)
        derived.derive(at=NOON + DAY)
        assert found("nine_months") == [("nine_months:2025-03-05", date(2025, 12, 5))]
        merging.undo(made, by=None, at=NOON + 2 * DAY)
        derived.derive(at=NOON + 2 * DAY)
        assert len(found("nine_months")) == 2

    @pytest.mark.parametrize(
        ("moved", "stays"),
        [(date(2026, 5, 20), False), (date(2026, 9, 1), False), (None, False), (date(2027, 5, 1), True)],
    )
    def test_a_renewal_that_is_moved_was_not_ahead_but_the_next_one_says_nothing_of_it(
        self, moved: date | None, stays: bool
    ) -> None:
        acorn = make_account("Acorn", renewal_on=date(2026, 5, 1))
        derived.derive(at=NOON)
        Account.objects.filter(pk=acorn.pk).update(renewal_on=moved)
        derived.derive(at=NOON + DAY)
        assert (("renewal:2026-05-01", date(2026, 1, 31)) in found("renewal_ahead")) is stays

    def test_a_renewal_whose_day_is_over_or_that_came_early_was_ahead(self) -> None:
        acorn, birch = (make_account(name, renewal_on=date(2026, 5, 1)) for name in ("Acorn", "Birch"))
        derived.derive(at=NOON)
        make_signal("renewed", birch, at=NOON + DAY)
        Account.objects.filter(pk=birch.pk).update(renewal_on=date(2026, 6, 30))
        derived.derive(at=NOON + 2 * DAY)
        assert len(found("renewal_ahead")) == 2
        Account.objects.filter(pk=acorn.pk).update(renewal_on=None)
        derived.derive(at=NOON + 60 * DAY)
        assert len(Signal.objects.filter(kind="renewal_ahead", occurrence="renewal:2026-05-01")) == 2

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(accounts(), accounts()), min_size=1, max_size=3),
        st.dates(date(2024, 6, 1), date(2025, 4, 1)),
    )
    def test_after_any_correction_it_is_what_plain_reading_of_the_new_data_finds(self, told: Any, today: date) -> None:
        Signal.objects.all().delete()
        wanted: set[tuple[int, str, date]] = set()
        known = [make_account() for _each in told]
        for turn in range(2):
            Usage.objects.all().delete()
            Subscription.objects.all().delete()
            wanted.clear()
            for account, both in zip(known, told, strict=True):
                begins, used = both[turn]
                for start in begins:
                    subscribe(account, start)
                for day, minutes, feature in used:
                    use(account, day, minutes, feature)
                day_of_it = six_months(begins, [(day, minutes) for day, minutes, _feature in used], today)
                if day_of_it is not None:
                    wanted.add((account.pk, f"six_months:{min(begins)}", day_of_it))
            derived.derive(at=noon(today) + turn * timedelta(hours=1))
        rows = Signal.objects.filter(kind="six_months_use")
        assert {(one.account_id, one.occurrence, one.occurred_at.date()) for one in rows} == wanted
        Account.objects.all().delete()


def test_what_follows_from_a_file_is_there_within_a_minute_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead who has just brought a year of subscriptions tries a rule on it, whether or not a worker was nudged."""
    nudged: list[str] = []
    monkeypatch.setattr("advocacy.crm.importing.runs.nudge", lambda task, *_a: nudged.append(task.name))
    make_account("Acorn", external_id="A-1")
    rows = "subscription_id,account_id,started_on\nS-1,A-1,2024-01-31\n"
    load = loader(tmp_path)
    load("subscriptions", rows, dry_run=True)
    jobs.derive_after_imports(at=timezone.now())
    assert (found("nine_months"), nudged) == ([], [])
    load("subscriptions", rows)
    assert (found("nine_months"), nudged) == ([], ["advocacy.crm.derive_signals"])
    jobs.derive_after_imports(at=timezone.now() + timedelta(minutes=1))
    assert found("nine_months") == [("nine_months:2024-01-31", date(2024, 10, 31))]


def test_the_clock_works_nothing_out_anew_when_nothing_came_in(tmp_path: Path) -> None:
    make_account("Acorn", external_id="A-1")
    load = loader(tmp_path)
    load("subscriptions", "subscription_id,account_id,started_on\nS-1,A-1,2024-01-31\n")
    jobs.derive_after_imports(at=timezone.now() + timedelta(minutes=3))
    assert found("nine_months") == []
    tasks.derive_signals()
    assert found("nine_months") == [("nine_months:2024-01-31", date(2024, 10, 31))]
