"""What the calendar warns of: pure rules, shown by cases and by whatever hypothesis thinks of."""

from datetime import date, time, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.lib.planned import Planned
from newsletter import planning
from newsletter.planning import Limits, Region, monday_of, sunday_of

MONDAY = date(2026, 3, 9)
TUESDAY = date(2026, 3, 10)
_number = count(1)


def piece(day: date | None = TUESDAY, **more: Any) -> Planned:
    key = f"{next(_number)}"
    return Planned("entries", key, "post", more.pop("title", f"Piece {key}"), day, more.pop("at", time(9)), **more)


def after(days: int) -> date:
    return TUESDAY + timedelta(days=days)


class TestAWeekWithoutFreshContent:
    def test_each_week_ahead_with_nothing_is_named_this_one_first(self) -> None:
        found = planning.empty_weeks([piece(after(8))], today=TUESDAY, weeks=3)
        assert [(one.day, one.until) for one in found] == [
            (TUESDAY, date(2026, 3, 15)),
            (date(2026, 3, 23), date(2026, 3, 29)),
        ]
        assert found[1].text == "Nothing fresh from 23 March to 29 March."

    def test_what_came_out_on_monday_fills_the_week(self) -> None:
        assert planning.empty_weeks([piece(MONDAY, status="published")], today=after(3), weeks=1) == []

    def test_an_edition_or_what_was_missed_is_nothing_fresh(self) -> None:
        assert len(planning.empty_weeks([piece(fresh=False)], today=TUESDAY, weeks=1)) == 1

    def test_an_idea_without_a_day_fills_no_week(self) -> None:
        assert len(planning.empty_weeks([piece(None)], today=TUESDAY, weeks=1)) == 1

    def test_none_is_asked_for_when_set_to_none(self) -> None:
        assert planning.empty_weeks([], today=TUESDAY, weeks=0) == []


class TestTheSameTypeTwiceInARow:
    def row(self, *entries: Planned, in_a_row: int = 2) -> list[str]:
        found = planning.same_type(entries, today=TUESDAY, in_a_row=in_a_row)
        return [one.entry.title for one in found if one.entry]

    def test_the_second_is_named_with_the_one_before_it(self) -> None:
        first, second = piece(title="One", type="story"), piece(after(2), title="Two", type="story")
        found = planning.same_type([second, first], today=TUESDAY, in_a_row=2)
        assert [one.text for one in found] == ["“Two” is of the same type as “One” before it."]

    def test_another_between_them_makes_it_good(self) -> None:
        assert self.row(piece(type="story"), piece(after(1), type="fun"), piece(after(2), type="story")) == []

    def test_an_edition_between_them_does_not(self) -> None:
        edition = piece(after(1), fresh=False)
        assert self.row(piece(type="story"), edition, piece(after(2), type="story", title="Two")) == ["Two"]

    def test_the_hour_decides_within_a_day(self) -> None:
        morning, noon = piece(type="story", at=time(9)), piece(type="fun", at=time(12))
        assert self.row(piece(type="story", at=time(15)), noon, morning) == []

    def test_what_is_said_already_is_not_held_against_anybody(self) -> None:
        assert self.row(piece(after(-3), type="story"), piece(after(-1), type="story")) == []
        assert self.row(piece(after(-3), type="story"), piece(type="story", status="published")) == []

    def test_what_came_last_week_counts_for_what_comes_now(self) -> None:
        assert self.row(piece(after(-3), type="story", status="published"), piece(type="story", title="Now")) == ["Now"]

    def test_two_regions_do_not_disturb_each_other(self) -> None:
        assert self.row(piece(type="story", region="Asia"), piece(after(1), type="story", region="Europe")) == []

    def test_what_is_for_everywhere_follows_on_what_a_region_got(self) -> None:
        assert self.row(piece(type="story", region="Asia"), piece(after(1), type="story", title="All")) == ["All"]

    def test_from_how_many_on_is_a_setting(self) -> None:
        three = [piece(after(day), type="story", title=f"{day}") for day in range(3)]
        assert self.row(*three) == ["1", "2"]
        assert self.row(*three, in_a_row=3) == ["2"]
        found = planning.same_type(three, today=TUESDAY, in_a_row=3)
        assert found[0].text == "“2” makes 3 of the same type in a row, after “1”."


class TestARegionWithoutAnything:
    def silent(self, *entries: Planned, launches_on: date | None = None, weeks: int = 4, ahead: int = 6) -> list[str]:
        regions = [Region("Asia", launches_on)]
        found = planning.silent_regions(entries, regions, today=TUESDAY, weeks=weeks, launch_weeks=ahead)
        return [one.text for one in found]

    def test_it_has_nothing_of_its_own(self) -> None:
        assert self.silent(piece()) == ["Nothing for Asia until 7 April."]

    def test_one_word_for_it_is_enough(self) -> None:
        assert self.silent(piece(after(27), region="Asia")) == []

    def test_what_is_over_or_too_far_off_is_not(self) -> None:
        assert len(self.silent(piece(after(-1), region="Asia"), piece(after(29), region="Asia"))) == 1

    def test_before_its_launch_it_counts_from_weeks_before(self) -> None:
        launch = TUESDAY + timedelta(weeks=6)
        assert self.silent(launches_on=launch + timedelta(days=1)) == []
        assert self.silent(launches_on=launch) == ["Asia launches on 21 April, and nothing is planned for it."]
        assert self.silent(piece(launch, region="Asia"), launches_on=launch) == []

    def test_after_its_launch_as_any_other(self) -> None:
        assert self.silent(launches_on=TUESDAY) == ["Nothing for Asia until 7 April."]


class TestWhatWaitsForAYes:
    def test_is_named_some_days_ahead(self) -> None:
        drafts = [piece(after(days), settled=False, title=f"{days}") for days in (-1, 0, 3, 4)]
        found = planning.not_approved(drafts, today=TUESDAY, days=3)
        assert [one.entry.title for one in found if one.entry] == ["0", "3"]

    def test_an_edition_as_well(self) -> None:
        assert planning.not_approved([piece(fresh=False, settled=False)], today=TUESDAY, days=3)


days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
types = st.sampled_from(["", "story", "fun", "educational"])
regions = st.sampled_from(["", "Asia", "Europe"])
pieces = st.lists(
    st.builds(
        piece, day=st.none() | days, type=types, region=regions, fresh=st.booleans(), settled=st.booleans(),
        at=st.none() | st.times(), status=st.sampled_from(["draft", "approved", "published", "missed"]),
    ),
    max_size=25,
)  # fmt: skip


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may be busy: nothing here is about how fast it is."""


class TestWhateverIsPlanned:
    @unhurried
    @given(pieces, days, st.integers(0, 8))
    def test_a_week_is_named_exactly_when_nothing_fresh_lies_in_it(
        self, entries: list[Planned], today: date, weeks: int
    ) -> None:
        named = {monday_of(one.day) for one in planning.empty_weeks(entries, today=today, weeks=weeks)}
        for number in range(weeks):
            monday = monday_of(today) + timedelta(weeks=number)
            there = any(one.fresh and one.day and monday <= one.day <= sunday_of(monday) for one in entries)
            assert (monday in named) != there
        assert len(named) <= weeks

    @unhurried
    @given(pieces, days, st.integers(2, 4))
    def test_a_warned_entry_is_to_come_and_follows_its_own_type(
        self, entries: list[Planned], today: date, in_a_row: int
    ) -> None:
        found = planning.same_type(entries, today=today, in_a_row=in_a_row)
        assert len({one.key for one in found}) == len(found)
        for one in found:
            assert one.entry and one.after and one.entry.day
            assert one.entry.type == one.after.type != ""
            assert one.entry.day >= today
            assert one.number >= in_a_row
            assert one.entry.fresh and one.after.fresh

    @unhurried
    @given(pieces, days)
    def test_asking_for_more_in_a_row_never_warns_of_more(self, entries: list[Planned], today: date) -> None:
        def named(number: int) -> set[str]:
            return {one.key for one in planning.same_type(entries, today=today, in_a_row=number)}

        assert named(4) <= named(3) <= named(2)

    @unhurried
    @given(pieces, days, st.none() | days, st.integers(0, 8))
    def test_a_region_with_something_ahead_is_never_named(
        self, entries: list[Planned], today: date, launch: date | None, weeks: int
    ) -> None:
        found = planning.silent_regions(entries, [Region("Asia", launch)], today=today, weeks=weeks, launch_weeks=weeks)
        for one in found:
            ahead = [p for p in entries if p.fresh and p.region == "Asia" and p.day and today <= p.day <= one.until]
            assert ahead == []
        assert len(found) <= 1

    @unhurried
    @given(pieces, days)
    def test_every_warning_says_what_is_wrong_and_what_to_do(self, entries: list[Planned], today: date) -> None:
        found = planning.warnings(entries, [Region("Asia"), Region("Europe", today)], today=today, limits=Limits())
        assert [one.day for one in found] == sorted(one.day for one in found)
        assert len({one.key for one in found}) == len(found)
        assert all(one.text and one.advice for one in found)

    @unhurried
    @given(pieces, days)
    def test_the_order_they_come_in_changes_nothing(self, entries: list[Planned], today: date) -> None:
        there = planning.warnings(entries, [Region("Asia")], today=today, limits=Limits())
        back = planning.warnings(entries[::-1], [Region("Asia")], today=today, limits=Limits())
        assert sorted(one.key for one in there) == sorted(one.key for one in back)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_edges_of_the_calendar_are_weeks_too(day: date) -> None:
    assert monday_of(day) <= day
    assert sunday_of(monday_of(day)) >= monday_of(day)
