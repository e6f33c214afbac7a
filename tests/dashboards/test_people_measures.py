"""Members, the funnel, active share, concentration of asks (M3)."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from advocates.measures import (
    active_rows,
    active_share,
    ask_concentration,
    ask_rows,
    funnel,
    funnel_rows,
    member_rows,
    members,
)
from advocates.models import Advocate, Ask
from tests.factories import NOON, make_account, make_advocate

pytestmark = pytest.mark.django_db
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
ALL = Filters()


@pytest.fixture(autouse=True)
def _in_march():
    with time_machine.travel(NOON, tick=False):
        yield


def ask(advocate: Advocate, at: datetime = NOON, **fields) -> Ask:
    number = Ask.objects.count()
    return Ask.objects.create(
        channel="desk",
        source_id=str(number),
        advocate=advocate,
        account=advocate.contact.account,
        asked_at=at,
        **fields,
    )


def deed(advocate: Advocate, what: str, at: datetime = NOON) -> None:
    spine.record(what, contact=advocate.contact, at=at, source=("test", f"{advocate.pk}-{what}-{at.isoformat()}"))


class TestMembers:
    def test_those_who_joined_and_have_not_left(self):
        make_advocate("Ines")
        make_advocate("Omar", joined_at=NOON)
        make_advocate("Mei", status="invited", joined_at=None)
        make_advocate("Lea", joined_at=NOON - timedelta(days=90), left_at=NOON - timedelta(days=30), status="left")
        found = members(MARCH, ALL)
        assert found.value == member_rows(MARCH, ALL).queryset.count() == 2
        assert [detail.value for detail in found.further] == [1, 0]

    def test_each_month_counts_who_was_a_member_at_its_end(self):
        make_advocate("Ines", joined_at=datetime(2026, 1, 20, tzinfo=UTC))
        make_advocate(
            "Omar", joined_at=datetime(2026, 2, 1, tzinfo=UTC), left_at=datetime(2026, 3, 5, tzinfo=UTC), status="left"
        )
        quarter = Period(date(2026, 1, 1), date(2026, 3, 31))
        assert [month.value for month in members(quarter, ALL).series] == [1, 2, 1]

    def test_somebody_who_came_back_is_a_member(self):
        make_advocate("Ines", left_at=NOON - timedelta(days=60), joined_at=NOON - timedelta(days=10))
        assert members(MARCH, ALL).value == 1

    def test_region_is_that_of_the_account(self):
        make_advocate("Ines", make_account(region="Asia"))
        make_advocate("Omar")
        assert members(MARCH, Filters(region="Asia")).value == 1


class TestTheFunnel:
    def test_each_stage_holds_those_beyond_it(self):
        for stage in (1, 2, 2, 3, 4, 5, 6):
            make_advocate("Ines", stage=stage)
        found = funnel(MARCH, ALL)
        assert [part.value for part in found.breakdown] == [7, 4, 3, 2, 1]
        assert found.value == pytest.approx(3 / 7)
        for part in found.breakdown:
            assert funnel_rows(MARCH, Filters(part=part.key)).queryset.count() == part.value

    def test_what_stages_were_in_the_past_is_not_guessed(self):
        make_advocate("Ines")
        assert funnel(Period(date(2026, 1, 1), date(2026, 1, 31)), ALL).value is None


class TestActiveMembers:
    def test_one_completed_activity_in_the_period_makes_active(self):
        ines, omar, mei, lea = (make_advocate(name) for name in ("Ines", "Omar", "Mei", "Lea"))
        deed(ines, Deed.VERIFIED)
        deed(ines, Deed.TALK_GIVEN)
        deed(omar, Deed.POSTED)
        deed(mei, Deed.VERIFIED, NOON - timedelta(days=40))
        found = active_share(MARCH, ALL)
        assert (found.value, found.numerator, found.denominator) == (0.25, 1, 4)
        assert [row.pk for row in active_rows(MARCH, ALL).queryset] == [ines.pk]
        assert lea.pk

    def test_somebody_who_left_is_in_neither_number(self):
        make_advocate("Ines")
        gone = make_advocate("Omar", status="left", left_at=NOON)
        deed(gone, Deed.VERIFIED, NOON - timedelta(days=2))
        found = active_share(MARCH, ALL)
        assert (found.numerator, found.denominator) == (0, 1)

    def test_months_count_people_and_not_deeds(self):
        ines = make_advocate("Ines")
        make_advocate("Omar")
        deed(ines, Deed.VERIFIED)
        deed(ines, Deed.REVIEW_WRITTEN)
        assert [month.value for month in active_share(MARCH, ALL).series] == [0.5]

    def test_each_month_is_what_a_page_of_that_month_shows(self):
        ines = make_advocate("Ines")
        omar = make_advocate(
            "Omar", joined_at=NOON - timedelta(days=200), left_at=NOON - timedelta(days=2), status="left"
        )
        make_advocate("Mei", joined_at=datetime(2026, 2, 10, tzinfo=UTC))
        for advocate in (ines, omar):
            deed(advocate, Deed.VERIFIED, datetime(2026, 1, 10, tzinfo=UTC))
        deed(ines, Deed.VERIFIED, datetime(2026, 2, 20, tzinfo=UTC))
        quarter = Period(date(2026, 1, 1), date(2026, 3, 31))
        months = [Period(date(2026, 1, 1), date(2026, 1, 31)), Period(date(2026, 2, 1), date(2026, 2, 28)), MARCH]
        drawn = [month.value for month in active_share(quarter, ALL).series]
        assert drawn == [active_share(month, ALL).value for month in months] == [1, pytest.approx(1 / 3), 0]


class TestConcentrationOfAsks:
    def test_it_is_the_share_of_the_three_most_asked(self):
        people = [make_advocate(name) for name in ("Ines", "Omar", "Mei", "Lea", "Noa")]
        for advocate, times in zip(people, (4, 3, 1, 1, 1), strict=True):
            for _time in range(times):
                ask(advocate)
        found = ask_concentration(MARCH, ALL)
        assert (found.value, found.numerator, found.denominator) == (0.8, 8, 10)
        assert [part.value for part in found.breakdown] == [4, 3, 1, 1, 1]
        assert ask_rows(MARCH, Filters(part=str(people[0].pk))).queryset.count() == 4

    def test_an_ask_that_was_released_is_left_out(self):
        ask(make_advocate("Ines"), released_at=NOON)
        assert ask_concentration(MARCH, ALL).value is None

    def test_a_part_that_is_none_finds_nothing(self):
        ask(make_advocate("Ines"))
        assert ask_rows(MARCH, Filters(part="x'; --")).queryset.count() == 0
