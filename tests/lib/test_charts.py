"""Charts: what stands out, what links, what a screen reader hears, and that no word crosses a line."""

import re
from itertools import pairwise

import pytest

from advocacy.lib import charts, numbers

MONTHS = [("Mar", 38, "?m=3"), ("Apr", 44, "?m=4"), ("May", 41, "?m=5"), ("Jun", 92, "?m=6")]


def texts(svg: str) -> list[tuple[float, float, str]]:
    """Every word of a drawing with its place: (x, y of its foot, word)."""
    found = re.findall(r'<text[^>]*? x="([-\d.]+)" y="([-\d.]+)"[^>]*>([^<]*)</text>', svg)
    return [(float(x), float(y), word) for x, y, word in found]


def drawings(html: str) -> list[str]:
    return re.findall(r'<svg class="chart-svg size-.*?</svg>', html, flags=re.DOTALL)


def promise_level(svg: str) -> float:
    return float(re.search(r'class="promise"[^>]*y1="([-\d.]+)"', svg)[1])  # type: ignore[index]


EVERY_CHART = [
    charts.bars(MONTHS, title="Requests", promise=50),
    charts.line(MONTHS, title="Days", promise=5),
    charts.hbars(MONTHS, title="Asks", stands_out=3, total=300),
    charts.funnel(MONTHS, title="Stages"),
    charts.stacked(MONTHS, title="Score"),
    charts.sparkline([1, 2, 3], label="Asks a week"),
    charts.table_of(MONTHS, caption="Requests"),
    charts.nothing_yet(),
]


@pytest.mark.parametrize("html", EVERY_CHART)
def test_no_chart_carries_style_or_script(html: str) -> None:
    assert not re.search(r"style|script|\son\w+=|fill=|stroke=", html)


class TestBars:
    def test_the_present_stands_out_alone(self) -> None:
        for svg in drawings(charts.bars(MONTHS, title="Requests")):
            assert svg.count('class="past"') == 3
            assert svg.count('<rect class="now"') == 1
            assert '<text class="value now"' in svg

    def test_each_value_links_to_its_rows_and_says_so(self) -> None:
        html = charts.bars(MONTHS, title="Requests")
        assert '<a href="?m=4" aria-label="Apr: 44">' in html
        assert '<a href="?m=4">44</a>' in html, "and the table behind links as well"

    def test_with_links_it_is_a_group_and_without_a_picture(self) -> None:
        assert 'role="group"' in charts.bars(MONTHS, title="Requests")
        assert 'role="img"' in charts.bars([point[:2] for point in MONTHS], title="Requests")

    def test_a_screen_reader_hears_the_course_and_the_promise(self) -> None:
        html = charts.bars(MONTHS, title="Requests", promise=50)
        assert 'aria-label="Requests: from 38 (Mar) to 92 (Jun); the promise is 50"' in html

    @pytest.mark.parametrize("promise", range(1, 110, 3))
    def test_no_value_crosses_the_dotted_line(self, promise: int) -> None:
        for svg in drawings(charts.bars(MONTHS, title="Requests", promise=promise)):
            level = promise_level(svg)
            for _x, foot, word in texts(svg)[:-1]:
                if word.isdigit():
                    assert not (foot - 9 < level < foot + 1), (promise, word)

    def test_labels_of_many_months_never_touch(self) -> None:
        points = [(f"{month} 2026", value) for value, month in enumerate(["Jan", "Feb", "Mar", "Apr"] * 6, start=1)]
        for svg in drawings(charts.bars(points, title="Requests")):
            feet = sorted(x for x, _y, word in texts(svg) if "2026" in word)
            assert all(right - left >= 8 * charts.LETTER for left, right in pairwise(feet))
            assert any(word == "Apr 2026" for _x, _y, word in texts(svg)), "the last month is always named"

    def test_a_gap_and_a_zero_are_not_the_same(self) -> None:
        html = charts.bars([("Mar", None), ("Apr", 0), ("May", 5)], title="Requests")
        assert drawings(html)[0].count("<rect") == 2
        assert '<td class="num">–</td>' in html and '<td class="num">0</td>' in html

    def test_nothing_at_all_says_so(self) -> None:
        assert "Nothing to count" in charts.bars([], title="Requests")
        assert "Nothing to count" in charts.bars([("Mar", 0)], title="Requests")

    def test_the_time_before_is_outlined_and_in_the_table(self) -> None:
        html = charts.bars([("Mar", 5, "", 3.0)], title="Requests", before_label="Year before")
        assert 'class="before"' in html and "Year before" in html and '<td class="num">3</td>' in html

    def test_one_bar_is_enough(self) -> None:
        assert "now" in charts.bars([("Mar", 5)], title="Requests", promise=4)

    def test_labels_are_escaped(self) -> None:
        assert "<b>" not in drawings(charts.bars([("<b>", 5)], title="<b>"))[0]


class TestLine:
    def test_its_end_is_written_beside_it(self) -> None:
        for svg in drawings(charts.line(MONTHS, title="Days", shown=lambda days: f"{days:.0f} days")):
            end = re.search(r'<circle class="point" cx="([-\d.]+)"', svg)
            word = re.search(r'<text class="value now" x="([-\d.]+)"[^>]*>92 days<', svg)
            assert end and word and float(word[1]) >= float(end[1]) + 6

    @pytest.mark.parametrize("promise", [2.5, 2.7, 2.8, 2.9, 3.1, 5])
    def test_value_and_promise_stand_apart(self, promise: float) -> None:
        html = charts.line([("Mar", 9.1), ("Apr", 5.6), ("May", 2.8)], title="Days", promise=promise)
        for svg in drawings(html):
            heights = [y for x, y, _word in texts(svg) if x > max(x for x, _y, w in texts(svg) if w == "May")]
            assert len(heights) == 2
            assert abs(heights[0] - heights[1]) >= 14

    def test_words_stay_inside_the_drawing(self) -> None:
        for svg in drawings(
            charts.line([("March", 9), ("April", 2.8)], title="Days", shown=lambda d: f"{d} working days")
        ):
            width = float(re.search(r'viewBox="0 0 (\d+)', svg)[1])  # type: ignore[index]
            for x, _y, word in texts(svg):
                assert x + len(word) * charts.LETTER * (0.5 if word in ("March", "April") else 1) <= width + 8

    def test_a_month_without_a_value_leaves_a_gap(self) -> None:
        html = charts.line([("Mar", 1), ("Apr", 2), ("May", None), ("Jun", 3), ("Jul", 4)], title="Days")
        assert drawings(html)[0].count("<polyline") == 2

    def test_a_single_value_is_a_point(self) -> None:
        assert '<circle class="point"' in charts.line([("Mar", 3)], title="Days")


class TestTablesThatAreCharts:
    def test_concentration_marks_the_first_three(self) -> None:
        html = charts.hbars([(name, 5) for name in "ABCDE"], title="Asks", stands_out=3, total=25)
        assert html.count('class="s1"') == 3 and html.count('class="past"') == 2
        assert "20\u00a0%" in html

    def test_a_funnel_says_what_part_went_on(self) -> None:
        html = charts.funnel([("Members", 412), ("Socializers", 268), ("Creators", 0), ("Proven", 0)], title="Stages")
        assert "65\u00a0%" in html and "0\u00a0%" in html

    def test_an_empty_funnel_says_so(self) -> None:
        assert "Nothing to count" in charts.funnel([("Members", 0)], title="Stages")

    def test_the_drawing_is_hidden_from_ears_and_the_numbers_are_not(self) -> None:
        html = charts.funnel([("Members", 412)], title="Stages")
        assert '<td class="drawn" aria-hidden="true">' in html
        assert '<th scope="row">Members</th>' in html


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.4, 0.4), (9.1, 10), (92, 100), (101, 120), (1_000_000, 1_000_000)]
)
def test_a_scale_ends_at_a_round_number(highest: float, top: float) -> None:
    assert charts.nice_top(highest) == pytest.approx(top)


def test_a_sparkline_needs_two_values() -> None:
    assert charts.sparkline([3], label="Asks") == ""
    assert 'aria-label="Asks"' in charts.sparkline([3, None, 4], label="Asks")


def test_values_are_shown_in_the_words_given() -> None:
    html = charts.bars([("Mar", 184000)], title="Revenue", shown=lambda amount: numbers.short_money(amount, "EUR"))
    assert "€\u00a0184\u00a0k" in html
