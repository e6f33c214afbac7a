"""Medians, percentiles, working days and months, against plain Python as the judge."""

import statistics
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Count
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm.models import Account, Signal
from advocacy.dashboards.periods import Period
from advocacy.dashboards.sql import HoursBetween, Percentile, by_month, median, working_days
from opportunities.models import ReferenceRequest
from tests.factories import NOON, make_account, make_request, make_signal, make_user

pytestmark = pytest.mark.django_db
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
instants = st.integers(0, 60 * 24 * 365 * 4).map(lambda minutes: BEGIN + timedelta(minutes=minutes))


def working_days_by_hand(begin: datetime, end: datetime, zone: str) -> float:
    """Walk from day to day on the local clock and leave the weekends out."""
    begin, end = (moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in (begin, end))
    total, day = 0.0, begin.date()
    while day <= end.date():
        if day.weekday() < 5:
            midnight = datetime.combine(day, time())
            total += max(0.0, (min(end, midnight + timedelta(days=1)) - max(begin, midnight)).total_seconds())
        day += timedelta(days=1)
    return total / 86400


class TestTheMiddle:
    @pytest.mark.parametrize("hours", [[5], [1, 9], [1, 2, 40], [3, 1, 4, 1, 5, 9, 2, 6]])
    def test_median_and_percentile_are_those_of_the_textbook(self, hours):
        sam = make_user("Sam")
        for one in hours:
            make_request(sam, filed_at=NOON, first_yes_at=NOON + timedelta(hours=one))
        taken = HoursBetween("filed_at", "first_yes_at")
        found = ReferenceRequest.objects.aggregate(middle=median(taken), slow=Percentile(taken, 0.9))
        assert found["middle"] == pytest.approx(statistics.median(hours))
        ordered, place = sorted(hours), 0.9 * (len(hours) - 1)
        low = int(place)
        high = min(low + 1, len(hours) - 1)
        assert found["slow"] == pytest.approx(ordered[low] + (ordered[high] - ordered[low]) * (place - low))

    def test_there_is_no_middle_of_nothing(self):
        assert ReferenceRequest.objects.aggregate(m=median(HoursBetween("filed_at", "first_yes_at")))["m"] is None

    def test_a_share_above_one_is_a_mistake(self):
        with pytest.raises(ValueError, match="share of one"):
            Percentile("pk", 90)


class TestWorkingDays:
    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(instants, st.integers(0, 60 * 24 * 40), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
    def test_weekends_stand_still(self, begin, minutes, zone):
        end = begin + timedelta(minutes=minutes)
        with connection.cursor() as cursor:
            compiled = (
                ReferenceRequest.objects.annotate(days=working_days("filed_at", "fulfilled_at", zone))
                .values("days")
                .query.sql_with_params()
            )
            # The same expression over two given instants, without a row for each example.
            sql = compiled[0].replace('"opportunities_referencerequest"', "t")
            cursor.execute(
                f"WITH t AS (SELECT %s::timestamptz AS filed_at, %s::timestamptz AS fulfilled_at) {sql}", [begin, end]
            )
            (days,) = cursor.fetchone()
        assert days == pytest.approx(working_days_by_hand(begin, end, zone), abs=1e-6)

    def test_friday_noon_to_monday_noon_is_one_day(self):
        friday = datetime(2026, 3, 13, 12, tzinfo=UTC)
        make_request(filed_at=friday, fulfilled_at=friday + timedelta(days=3), status="fulfilled")
        found = ReferenceRequest.objects.aggregate(days=median(working_days("filed_at", "fulfilled_at", "UTC")))
        assert found["days"] == pytest.approx(1.0)

    def test_a_zone_that_is_none_goes_nowhere_near_the_statement(self):
        with pytest.raises((ValueError, KeyError)):
            working_days("filed_at", "fulfilled_at", "UTC'; DROP TABLE x; --")


class TestByMonth:
    def test_each_month_has_its_place_also_an_empty_one(self):
        account = make_account()
        for day in (date(2026, 1, 3), date(2026, 1, 31), date(2026, 3, 1)):
            make_signal("renewed", account, at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        period = Period(date(2026, 1, 1), date(2026, 3, 31))
        series = by_month(Signal.objects.all(), "occurred_at", period)
        assert [(month.first, month.value) for month in series] == [
            (date(2026, 1, 1), 2), (date(2026, 2, 1), 0), (date(2026, 3, 1), 1),
        ]  # fmt: skip

    def test_a_month_begins_at_the_desks_midnight(self):
        make_signal("renewed", make_account(), at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
        period = Period(date(2026, 1, 1), date(2026, 2, 28), zone="Europe/Berlin")
        assert [month.value for month in by_month(Signal.objects.all(), "occurred_at", period)] == [0, 1]

    def test_days_are_not_moved_by_any_clock(self):
        make_account(renewal_on=date(2026, 2, 1))
        period = Period(date(2026, 1, 1), date(2026, 2, 28), zone="America/Los_Angeles")
        series = by_month(Account.objects.filter(renewal_on__isnull=False), "renewal_on", period, Count("pk"))
        assert [month.value for month in series] == [0, 1]
