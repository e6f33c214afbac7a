"""How figures read, and how they read against an earlier time."""

import pytest

from advocacy.dashboards import words
from advocacy.dashboards.registry import Measure, Rows, Unit, Value


def a_measure(unit: Unit, better: str = "") -> Measure:
    def nothing(period, filters):
        return Value(None)

    def no_rows(period, filters):
        return Rows(None, [])

    return Measure("m", "M", unit, "What it is.", (), nothing, no_rows, better=better)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (4_100_000, Unit.MONEY, "€ 4.1 m"),
        (0.31, Unit.SHARE, "31 %"),
        (0.043, Unit.SHARE, "4.3 %"),
        (5 + 1 / 3, Unit.HOURS, "5 h 20"),
        (51, Unit.HOURS, "2 d 3 h"),
        (2.84, Unit.WORKING_DAYS, "2.8 days"),
        (1.0, Unit.WORKING_DAYS, "1 day"),
        (539, Unit.COUNT, "539"),
        (0, Unit.COUNT, "0"),
        (None, Unit.HOURS, "–"),
    ],
)
def test_a_figure_reads_as_people_say_it(value, unit, said):
    assert words.figure(value, unit).replace("\u00a0", " ") == said


class TestComparing:
    def say(self, unit, better, now, before):
        found = words.compare(a_measure(unit, better), Value(now), Value(before), "EUR")
        return found.text.replace("\u00a0", " "), found.direction

    def test_faster_is_better_where_down_is(self):
        assert self.say(Unit.HOURS, "down", 5, 51) == ("was 2 d 3 h", "up")
        assert self.say(Unit.HOURS, "down", 51, 5) == ("was 5 h", "down")

    def test_a_share_says_points(self):
        assert self.say(Unit.SHARE, "up", 0.31, 0.19) == ("+ 12 points", "up")
        assert self.say(Unit.SHARE, "up", 0.19, 0.20) == ("− 1 point", "down")

    def test_what_reads_the_same_has_not_changed(self):
        assert self.say(Unit.SHARE, "up", 0.3101, 0.3099) == ("as before", "")

    def test_neither_good_nor_bad_has_no_direction(self):
        assert self.say(Unit.COUNT, "", 9, 3) == ("was 3", "")

    def test_nothing_before_is_said_so(self):
        assert self.say(Unit.HOURS, "down", 5, None)[0] == "nothing to compare with"

    def test_nothing_now_shows_what_was(self):
        assert self.say(Unit.HOURS, "down", None, 5) == ("was 5 h", "")
