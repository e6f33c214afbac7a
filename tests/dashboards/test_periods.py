"""Periods and what they are compared with (M2)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.dashboards import periods
from advocacy.dashboards.periods import Period, last_months, quarter, read

TODAY = date(2026, 11, 22)


class TestReadingAnAddress:
    def test_nine_months_up_to_today_are_the_usual_period(self):
        period = read({}, TODAY, "UTC")
        assert (period.first, period.last, period.key) == (date(2026, 3, 1), TODAY, "9m")
        assert len(period.months) == 9

    def test_this_month_and_this_quarter(self):
        assert read({"period": "1m"}, TODAY, "UTC").first == date(2026, 11, 1)
        assert read({"period": "quarter"}, TODAY, "UTC").first == date(2026, 10, 1)

    def test_from_and_to_are_both_included(self):
        period = read({"from": "2026-05-03", "to": "2026-05-17"}, TODAY, "UTC")
        assert period.until - period.since == timedelta(days=15)

    def test_a_named_period_wins_over_days_left_in_the_address(self):
        assert read({"period": "3m", "from": "2020-01-01"}, TODAY, "UTC").first == date(2026, 9, 1)

    @pytest.mark.parametrize(
        "query",
        [
            {"period": "never"},
            {"from": "2026-13-01"},
            {"from": "2026-05-17", "to": "2026-05-03"},
            {"from": "0001-01-01", "to": "9999-12-31"},
            {"from": "0001-01-01"},
            {"from": "2026-01-01", "to": "9999-12-31"},
        ],
    )
    def test_nonsense_gives_the_usual_period(self, query):
        assert read(query, TODAY, "UTC").key == "9m"

    def test_days_are_those_of_the_desk(self):
        period = Period(date(2026, 3, 1), date(2026, 3, 31), zone="Europe/Berlin")
        assert period.since == datetime(2026, 2, 28, 23, tzinfo=UTC)
        assert period.until == datetime(2026, 3, 31, 22, tzinfo=UTC)  # the clocks went forward in between


class TestComparing:
    def test_an_unfinished_month_is_held_against_the_same_part_of_the_month_before(self):
        before = last_months(1, TODAY).compared("before")
        assert (before.first, before.last) == (date(2026, 10, 1), date(2026, 10, 22))

    def test_nine_months_are_held_against_the_nine_before(self):
        before = last_months(9, TODAY).compared("before")
        assert (before.first, before.last) == (date(2025, 6, 1), date(2026, 2, 22))

    def test_a_whole_month_is_held_against_a_whole_month_whatever_its_length(self):
        before = Period(date(2026, 3, 1), date(2026, 3, 31)).compared("before")
        assert (before.first, before.last) == (date(2026, 2, 1), date(2026, 2, 28))
        assert Period(date(2026, 2, 1), date(2026, 2, 28)).moved(1).last == date(2026, 3, 31)

    def test_a_stretch_of_days_is_held_against_as_many_days(self):
        before = Period(date(2026, 5, 3), date(2026, 5, 17)).compared("before")
        assert (before.first, before.last) == (date(2026, 4, 18), date(2026, 5, 2))

    def test_the_same_time_last_year(self):
        before = quarter(TODAY).compared("year")
        assert (before.first, before.last) == (date(2025, 10, 1), date(2025, 11, 22))

    def test_the_29th_of_february_has_a_last_year(self):
        assert Period(date(2024, 2, 10), date(2024, 2, 28)).compared("year").last == date(2023, 2, 28)

    def test_before_launch_ends_on_the_eve_of_it(self):
        period = last_months(9, TODAY)
        before = period.compared("launch", date(2026, 3, 1))
        assert before.last == date(2026, 2, 28)
        assert before.last - before.first == period.last - period.first

    def test_there_is_nothing_before_a_launch_that_never_was(self):
        assert last_months(9, TODAY).compared("launch") is None
        assert last_months(9, TODAY).compared("none") is None

    @given(st.dates(date(2000, 1, 1), date(2040, 12, 31)), st.integers(0, 800))
    def test_the_period_before_never_overlaps(self, first, days):
        period = Period(first, first + timedelta(days=days))
        before = period.compared("before")
        assert before.first <= before.last < period.first

    @given(st.dates(date(2000, 1, 1), date(2040, 12, 31)), st.integers(0, 800))
    def test_months_cover_every_day_of_the_period(self, first, days):
        period = Period(first, first + timedelta(days=days))
        assert period.months[0] <= period.first and period.months[-1] <= period.last
        assert period.last < periods._shift(period.months[-1], 1)


def test_a_period_reads_as_people_say_it():
    assert last_months(9, TODAY, key="9m").words == "March to November 2026"
    assert last_months(1, TODAY, key="1m").words == "November 2026"
    assert Period(date(2026, 5, 3), date(2026, 5, 17)).words == "3 May to 17 May 2026"
    assert Period(date(2025, 12, 1), date(2026, 1, 31)).words == "December 2025 to January 2026"
