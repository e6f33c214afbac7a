"""Requests, time to first yes, time to fulfil, fill rate (M4)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from advocacy.crm.models import Program
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from opportunities.measures import (
    ended_rows,
    filed_rows,
    fill_rate,
    first_yes_rows,
    fulfilled_rows,
    promised_rows,
    promises_kept,
    requests,
    requests_fulfilled,
    time_to_first_yes,
    time_to_fulfil,
)
from tests.factories import NOON, make_request, make_team

pytestmark = pytest.mark.django_db
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
ALL = Filters()
MONDAY = datetime(2026, 3, 9, 9, tzinfo=UTC)


def details(value):
    return {str(one.label): one.value for one in value.further}


class TestRequests:
    def test_what_was_filed_in_the_period_counts_whatever_became_of_it(self):
        make_request(filed_at=NOON)
        make_request(filed_at=NOON, status="withdrawn", closed_at=NOON)
        make_request(filed_at=NOON - timedelta(days=30))
        assert requests(MARCH, ALL).value == 2
        assert filed_rows(MARCH, ALL).queryset.count() == 2

    def test_the_first_and_the_last_moment_of_the_month_are_in_it(self):
        make_request(filed_at=datetime(2026, 3, 1, tzinfo=UTC))
        make_request(filed_at=datetime(2026, 3, 31, 23, 59, 59, 999999, tzinfo=UTC))
        make_request(filed_at=datetime(2026, 4, 1, tzinfo=UTC))
        assert requests(MARCH, ALL).value == 2

    def test_filters_narrow_to_region_industry_and_team(self):
        sales = make_team("Sales")
        make_request(team=sales, region="Asia", industry="Steel")
        make_request(team=sales)
        make_request(region="Asia")
        assert requests(MARCH, Filters(team="sales")).value == 2
        assert requests(MARCH, Filters(region="Asia", industry="Steel", team="sales")).value == 1
        assert requests(MARCH, Filters(region="Nowhere")).value == 0

    def test_fulfilled_ones_count_when_they_were_fulfilled(self):
        make_request(filed_at=NOON - timedelta(days=40), fulfilled_at=NOON, status="fulfilled")
        make_request(filed_at=NOON, fulfilled_at=NOON + timedelta(days=40), status="fulfilled")
        assert requests_fulfilled(MARCH, ALL).value == 1
        assert [month.value for month in requests_fulfilled(MARCH, ALL).series] == [1]


class TestTimeToFirstYes:
    def test_it_is_the_median_and_nine_of_ten(self):
        for hours in (1, 5, 50):
            make_request(filed_at=MONDAY, first_yes_at=MONDAY + timedelta(hours=hours))
        make_request(filed_at=MONDAY)  # nobody has said yes: nothing to measure yet
        found = time_to_first_yes(MARCH, ALL)
        assert found.value == pytest.approx(5)
        assert details(found)["Nine of ten within"] == pytest.approx(41)
        assert found.n == first_yes_rows(MARCH, ALL).queryset.count() == 3

    def test_a_month_without_a_yes_is_a_gap_and_not_nought(self):
        make_request(filed_at=MONDAY, first_yes_at=MONDAY + timedelta(hours=4))
        spring = Period(date(2026, 2, 1), date(2026, 3, 31))
        assert [month.value for month in time_to_first_yes(spring, ALL).series] == [None, pytest.approx(4)]

    def test_without_any_there_is_no_figure(self):
        assert time_to_first_yes(MARCH, ALL).value is None


class TestTimeToFulfil:
    def test_the_weekend_does_not_count(self):
        friday = datetime(2026, 3, 13, 9, tzinfo=UTC)
        make_request(filed_at=friday, fulfilled_at=friday + timedelta(days=3), status="fulfilled")
        found = time_to_fulfil(MARCH, ALL)
        assert found.value == pytest.approx(1)
        assert [row.days for row in fulfilled_rows(MARCH, ALL).queryset] == [pytest.approx(1)]

    def test_the_promise_is_the_programs(self):
        Program.current()
        Program.objects.update(promise_days=2)
        for days in (1, 2, 4):
            make_request(filed_at=MONDAY, fulfilled_at=MONDAY + timedelta(days=days), status="fulfilled")
        found = time_to_fulfil(MARCH, ALL)
        assert found.promise == 2
        assert details(found)["Within the promise"] == pytest.approx(2 / 3)

    def test_without_a_promise_none_is_drawn_or_judged(self):
        Program.current()
        Program.objects.update(promise_days=None)
        make_request(filed_at=MONDAY, fulfilled_at=MONDAY + timedelta(days=1), status="fulfilled")
        found = time_to_fulfil(MARCH, ALL)
        assert found.promise is None
        assert "Within the promise" not in details(found)


class TestFillRate:
    def test_what_needed_no_advocate_is_left_out(self):
        make_request(status="fulfilled", fulfilled_at=NOON)
        make_request(status="fulfilled", fulfilled_at=NOON)
        make_request(status="unfilled", closed_at=NOON)
        make_request(status="deflected", closed_at=NOON)
        make_request(status="withdrawn", closed_at=NOON)
        make_request()
        found = fill_rate(MARCH, ALL)
        assert (found.value, found.numerator, found.denominator) == (pytest.approx(2 / 3), 2, 3)
        assert {part.key: part.value for part in found.breakdown} == {
            "fulfilled": 2, "unfilled": 1, "deflected": 1, "withdrawn": 1,
        }  # fmt: skip
        assert found.n == ended_rows(MARCH, ALL).queryset.count() == 5
        assert ended_rows(MARCH, Filters(part="unfilled")).queryset.count() == 1
        assert [month.value for month in found.series] == [pytest.approx(2 / 3)]

    def test_only_deflected_ones_make_no_rate(self):
        make_request(status="deflected", closed_at=NOON)
        assert fill_rate(MARCH, ALL).value is None

    def test_a_request_ends_when_it_is_fulfilled_not_when_its_papers_are_closed(self):
        make_request(status="fulfilled", fulfilled_at=NOON, closed_at=NOON + timedelta(days=60))
        assert fill_rate(MARCH, ALL).value == 1


class TestPromisesKept:
    def test_of_those_that_had_one_and_ended_in_the_period(self):
        make_request(status="fulfilled", fulfilled_at=NOON, promised_hours=8)
        make_request(status="unfilled", closed_at=NOON, promised_hours=8, promise_broken_at=NOON)
        make_request(status="withdrawn", closed_at=NOON, promised_hours=8)
        make_request(status="fulfilled", fulfilled_at=NOON)
        make_request(promised_hours=8, promise_broken_at=NOON)
        found = promises_kept(MARCH, ALL)
        assert (found.value, found.numerator, found.denominator) == (pytest.approx(2 / 3), 2, 3)
        assert {part.key: part.value for part in found.breakdown} == {"kept": 2, "broken": 1}
        assert promised_rows(MARCH, Filters(part="broken")).queryset.get().status == "unfilled"

    def test_where_nothing_was_promised_nothing_is_judged(self):
        make_request(status="fulfilled", fulfilled_at=NOON)
        assert promises_kept(MARCH, ALL).value is None
