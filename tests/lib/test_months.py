"""Calendar months, as contracts count them."""

from datetime import date

import pytest

from advocacy.lib.months import months_after


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 11, 23), -12, date(2025, 11, 23)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
        (date(2026, 5, 5), -100_000, date.min),
        (date(2026, 5, 5), 1_000_000, date.max),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(day, months, then):
    assert months_after(day, months) == then
