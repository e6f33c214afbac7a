"""The desk's clock: business hours, holidays, zones, pauses by who is waited for (D4)."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opportunities.working_time import Office, Wait, spent, used_up

BERLIN, MINUTE, HOUR = ZoneInfo("Europe/Berlin"), timedelta(minutes=1), timedelta(hours=1)
EASTER_MONDAY = date(2026, 4, 6)
DESK = Office(BERLIN)


def berlin(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


class TestOfficeHours:
    def test_the_night_and_the_weekend_do_not_count(self) -> None:
        friday_afternoon, monday_morning = berlin(13, 16), berlin(16, 10)
        assert DESK.between(friday_afternoon, monday_morning) == 2 * HOUR
        assert DESK.after(friday_afternoon, 2 * HOUR) == monday_morning

    def test_a_holiday_is_a_day_off(self) -> None:
        desk = Office(BERLIN, is_holiday=lambda day: day in {EASTER_MONDAY, date(2026, 4, 3)})
        assert desk.after(berlin(2, 16, month=4), 2 * HOUR) == berlin(7, 10, month=4)

    def test_the_hours_are_the_offices_own_whatever_the_season(self) -> None:
        winter, summer = berlin(27, 9), berlin(30, 9)  # the clocks go forward on 29 March 2026
        assert (winter.hour, summer.hour) == (8, 7)
        assert DESK.between(winter, summer) == 8 * HOUR

    def test_a_night_shift_over_the_change_is_an_hour_shorter_in_spring(self) -> None:
        shift = Office(BERLIN, opens=time(0), closes=time(6), weekdays=frozenset(range(7)))
        sunday = date(2026, 3, 29)
        begins, ends = shift.hours_of(sunday) or pytest.fail("nobody works")
        assert ends - begins == 5 * HOUR

    def test_backwards_nothing_is_worked(self) -> None:
        assert DESK.between(berlin(16, 12), berlin(16, 10)) == timedelta()

    def test_an_office_that_never_works_has_no_later(self) -> None:
        assert Office(BERLIN, weekdays=frozenset()).after(berlin(16, 10), HOUR) is None

    def test_no_time_at_all_is_over_at_once(self) -> None:
        assert DESK.after(berlin(14, 3), timedelta()) == berlin(14, 3)


class TestThePromise:
    """Sam asks on Monday at ten; Rita has promised eight hours."""

    def test_it_stands_while_an_advocate_is_waited_for(self) -> None:
        asked, answered = berlin(16, 12), berlin(18, 12)
        waits = [Wait(True, berlin(16, 10), asked), Wait(False, asked, answered), Wait(True, answered)]
        assert spent(waits, DESK, at=berlin(18, 13)) == 3 * HOUR
        assert used_up(waits, DESK, 8 * HOUR) == berlin(19, 10)

    def test_with_time_left_and_somebody_else_to_wait_for_nothing_runs(self) -> None:
        waits = [Wait(True, berlin(16, 10), berlin(16, 12)), Wait(False, berlin(16, 12))]
        assert used_up(waits, DESK, 8 * HOUR) is None
        assert spent(waits, DESK, at=berlin(30, 12)) == 2 * HOUR

    def test_what_was_used_up_stays_so_whoever_is_waited_for_later(self) -> None:
        waits = [Wait(True, berlin(16, 9), berlin(18, 9)), Wait(False, berlin(18, 9))]
        assert used_up(waits, DESK, 8 * HOUR) == berlin(16, 17)


# --- Against counting minute by minute --------------------------------------------------------------------------------
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago", "UTC"]
START = datetime(2026, 3, 20, tzinfo=UTC)


@st.composite
def offices(draw: st.DrawFn) -> Office:
    first, last = sorted(draw(st.lists(st.integers(0, 95), min_size=2, max_size=2, unique=True)))
    off = draw(st.frozensets(st.integers(0, 20), max_size=4))
    return Office(
        ZoneInfo(draw(st.sampled_from(ZONES))),
        opens=time(first // 4, first % 4 * 15),
        closes=time(last // 4, last % 4 * 15),
        weekdays=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        is_holiday=lambda day: (day - START.date()).days in off,
    )


def works_at(office: Office, moment: datetime) -> bool:
    """The plain reading, for one minute."""
    local = moment.astimezone(office.zone)
    if local.weekday() not in office.weekdays or office.is_holiday(local.date()):
        return False
    # Moments are compared as such: a wall clock shows some hours twice, and others never.
    opens = datetime.combine(local.date(), office.opens, office.zone).astimezone(UTC)
    closes = datetime.combine(local.date(), office.closes, office.zone).astimezone(UTC)
    return opens <= moment < closes


@st.composite
def courses(draw: st.DrawFn) -> list[Wait]:
    """A request's waits in turn, over about two weeks around a change of the clocks."""
    moments = [
        START + minutes * MINUTE for minutes in sorted(draw(st.sets(st.integers(0, 15_000), min_size=2, max_size=6)))
    ]
    desk = draw(st.booleans())
    waits = []
    for since, until in pairwise(moments):
        waits.append(Wait(desk, since, until))
        desk = not desk
    return waits


@settings(max_examples=60, deadline=None)
@given(office=offices(), waits=courses(), hours=st.integers(1, 40))
@example(
    office=Office(ZoneInfo("Australia/Lord_Howe"), time(1), time(4)),
    waits=[Wait(True, START, START + 15_000 * MINUTE)],
    hours=9,
)
def test_the_clock_equals_counting_minute_by_minute(office: Office, waits: list[Wait], hours: int) -> None:
    promise, counted, breached = hours * HOUR, timedelta(), None
    for one in waits:
        moment = one.since
        while one.desk and one.until and moment < one.until:
            if works_at(office, moment):
                counted += MINUTE
                if counted == promise:
                    breached = moment + MINUTE
            moment += MINUTE
    assert spent(waits, office, at=waits[-1].until or START) == counted
    assert used_up(waits, office, promise) == breached
