"""Two years of slots: each once, at the reader's own hour, whatever the clocks do (N1)."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.schedule import due_at, ends_at, opens_at, slots_between, slots_of_month

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


class TestSlots:
    def test_first_and_third_tuesday_of_march(self) -> None:
        assert slots_of_month(2026, 3, weekday=1, weeks=[1, 3]) == [date(2026, 3, 3), date(2026, 3, 17)]

    def test_a_fifth_tuesday_is_there_in_some_months_only(self) -> None:
        assert slots_of_month(2026, 3, weekday=1, weeks=[5]) == [date(2026, 3, 31)]
        assert slots_of_month(2026, 2, weekday=1, weeks=[5]) == []

    def test_two_years_have_forty_eight_slots_each_once_and_in_order(self) -> None:
        slots = list(slots_between(date(2026, 1, 1), date(2027, 12, 31), weekday=1, weeks=[1, 3]))
        assert len(slots) == 48
        assert slots == sorted(set(slots))
        assert all(day.weekday() == 1 for day in slots)

    @given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(0, 400), st.integers(0, 6))
    def test_two_halves_of_a_time_hold_what_the_whole_holds(self, first: date, days: int, weekday: int) -> None:
        last, middle = first + timedelta(days=days), first + timedelta(days=days // 2)
        whole = list(slots_between(first, last, weekday=weekday, weeks=[1, 3]))
        halves = [
            *slots_between(first, middle, weekday=weekday, weeks=[1, 3]),
            *slots_between(middle + timedelta(days=1), last, weekday=weekday, weeks=[1, 3]),
        ]
        assert whole == halves


class TestTheReadersHour:
    def test_nine_in_berlin_is_eight_or_seven_in_utc(self) -> None:
        assert due_at(date(2026, 3, 3), 9, BERLIN) == datetime(2026, 3, 3, 8, tzinfo=UTC)
        assert due_at(date(2026, 7, 7), 9, BERLIN) == datetime(2026, 7, 7, 7, tzinfo=UTC)

    def test_an_hour_the_night_skips_is_when_the_clocks_jump(self) -> None:
        assert due_at(date(2026, 3, 29), 2, BERLIN) == datetime(2026, 3, 29, 1, tzinfo=UTC)

    def test_an_hour_that_comes_twice_is_the_first(self) -> None:
        assert due_at(date(2026, 10, 25), 2, BERLIN) == datetime(2026, 10, 25, 0, tzinfo=UTC)

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Kolkata", "America/St_Johns", "Pacific/Pago_Pago"])
    @pytest.mark.parametrize("hour", [0, 9, 23])
    def test_lies_between_opening_and_end_of_the_slot_wherever_one_reads(self, zone: str, hour: int) -> None:
        slot = date(2026, 3, 3)
        assert opens_at(slot, hour) < due_at(slot, hour, zoneinfo.ZoneInfo(zone)) < ends_at(slot)
