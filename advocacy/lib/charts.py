"""Small charts of our own: SVG shapes without style or script, coloured by classes in ``portal.css``.

One chart, one idea: the present stands out, a promise is a dotted line, the value is written at the end. Each chart
comes as a ``<figure>`` with a table behind it, so it can be read without colour, in print and by a screen reader;
values link to their rows. Text keeps its size: the same chart is drawn at three widths and the sheet shows the one
that fits its container.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from advocacy.lib.numbers import number, percent

WIDTHS = {"s": 280, "m": 620, "l": 940}
LETTER = 6.6  # the usual width of a letter at 12 px, for keeping words apart

Shown = Callable[[float], str]


@dataclass(frozen=True)
class Point:
    """One value of a chart: its label, the rows behind it, and the value of the time it is compared with."""

    label: str
    value: float | None
    href: str = ""
    before: float | None = None
    note: str = ""


AnyPoint = Point | tuple[Any, ...] | dict[str, Any]


def points_of(given: Iterable[AnyPoint]) -> list[Point]:
    """Take ``Point``s, ``(label, value[, href[, before]])`` or mappings with those keys."""
    points = []
    for one in given:
        if isinstance(one, Point):
            points.append(one)
        elif isinstance(one, dict):
            points.append(Point(**one))
        else:
            points.append(Point(str(one[0]), None if one[1] is None else float(one[1]), *one[2:]))
    return points


# --- Scales -------------------------------------------------------------------------------------------------------
def nice_top(highest: float) -> float:
    """The round number a scale ends at: the next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if highest <= step * power * (1 + 1e-9):
            return step * power
    return 10 * power


def _at(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _linked(href: str, spoken: str, inside: SafeString) -> SafeString:
    if not href:
        return inside
    return format_html('<a href="{}" aria-label="{}">{}</a>', href, spoken, inside)


def _svg(size: str, width: int, height: int, label: str, linked: bool, inside: SafeString) -> SafeString:
    # role="img" would hide the links inside from a screen reader; with links the drawing is a labelled group.
    return format_html(
        '<svg class="chart-svg size-{}" viewBox="0 0 {} {}" role="{}" aria-label="{}">{}</svg>',
        size,
        width,
        height,
        "group" if linked else "img",
        label,
        inside,
    )


def _at_each_width(draw: Callable[[int], tuple[int, SafeString]], label: str, linked: bool) -> SafeString:
    drawn = []
    for size, width in WIDTHS.items():
        height, inside = draw(width)
        drawn.append((_svg(size, width, height, label, linked, inside),))
    return format_html_join("", "{}", drawn)


def _every(points: Sequence[Point], step: float) -> int:
    """Write every n-th label so that labels never touch; the last one is always written."""
    longest = max((len(point.label) for point in points), default=1)
    return max(1, math.ceil((longest * LETTER + 8) / step))


def _label_shown(index: int, count: int, every: int) -> bool:
    return (count - 1 - index) % every == 0


def describe(title: str, points: Sequence[Point], shown: Shown, promise: float | None = None) -> str:
    """The sentence a screen reader says for the drawing."""
    known = [point for point in points if point.value is not None]
    if not known:
        return _("%(title)s: nothing to count yet") % {"title": title}
    first, last = known[0], known[-1]
    words = _("%(title)s: from %(first)s (%(first_label)s) to %(last)s (%(last_label)s)") % {
        "title": title,
        "first": shown(first.value or 0),
        "first_label": first.label,
        "last": shown(last.value or 0),
        "last_label": last.label,
    }
    if promise is not None:
        words = _("%(words)s; the promise is %(promise)s") % {"words": words, "promise": shown(promise)}
    return words


# --- The figure and the table behind it ---------------------------------------------------------------------------
def table_of(
    points: Iterable[AnyPoint],
    *,
    caption: str,
    shown: Shown = number,
    label_head: str = "",
    value_head: str = "",
    before_head: str = "",
) -> SafeString:
    """The same values as a table; a value with an address links to its rows."""
    rows = points_of(points)
    with_before = any(point.before is not None for point in rows)
    head = format_html(
        '<th scope="col">{}</th><th scope="col" class="num">{}</th>', label_head or _("When"), value_head or _("Value")
    )
    if with_before:
        head = format_html('{}<th scope="col" class="num">{}</th>', head, before_head or _("Before"))

    def cell(value: float | None, href: str = "") -> SafeString:
        words = "–" if value is None else shown(value)
        inside = format_html('<a href="{}">{}</a>', href, words) if href and value is not None else words
        return format_html('<td class="num">{}</td>', inside)

    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}{}</tr>',
        ((point.label, cell(point.value, point.href), cell(point.before) if with_before else "") for point in rows),
    )
    return format_html(
        '<div class="scroll-x"><table><caption class="visually-hidden">{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        caption,
        head,
        body,
    )


def _figure(drawing: SafeString, legend: SafeString, table: SafeString) -> SafeString:
    return format_html(
        '<figure class="chart">{}{}<details class="more"><summary>{}</summary>{}</details></figure>',
        drawing,
        legend,
        _("As a table"),
        table,
    )


def _legend(promise: str, before: str) -> SafeString:
    entries = []
    if promise:
        entries.append((mark_safe('<line class="promise" x1="1" y1="6" x2="23" y2="6"/>'), promise))
    if before:
        entries.append((mark_safe('<rect class="before" x="5" y="1.5" width="13" height="9" rx="2"/>'), before))
    if not entries:
        return mark_safe("")
    items = format_html_join(
        "",
        '<li><svg class="chart-svg" viewBox="0 0 24 12" aria-hidden="true" focusable="false">{}</svg>{}</li>',
        entries,
    )
    return format_html('<ul class="legend">{}</ul>', items)


def nothing_yet(text: str = "") -> SafeString:
    """What stands where a chart will be once there is something to count."""
    return format_html('<p class="chart-empty muted">{}</p>', text or _("Nothing to count in this period yet."))


# --- Bars by month ------------------------------------------------------------------------------------------------
def bars(
    points: Iterable[AnyPoint],
    *,
    title: str,
    shown: Shown = number,
    promise: float | None = None,
    promise_label: str = "",
    before_label: str = "",
    label_head: str = "",
    value_head: str = "",
    present: int = -1,
) -> SafeString:
    """Bars over time. The present (the last, or index ``present``) stands out; ``before`` draws a dashed outline."""
    given = points_of(points)
    if not any(point.value for point in given):
        return nothing_yet()
    now = present % len(given)
    highest = max(*(point.value or 0 for point in given), *(point.before or 0 for point in given), promise or 0, 0)
    linked = any(point.href for point in given)

    def draw(width: int) -> tuple[int, SafeString]:
        height = 180 if width == WIDTHS["s"] else 220
        left, right, top, bottom = 6.0, 6.0, 26.0, height - 26.0
        if promise is not None:
            right += len(shown(promise)) * LETTER + 6
        step = (width - left - right) / len(given)
        thick = min(step * 0.68, 52.0)
        top_value = nice_top(highest)
        level = lambda value: bottom - (bottom - top) * max(0.0, value) / top_value  # noqa: E731
        # The value over each bar where it fits, else only over the present one.
        roomy = max(len(shown(point.value or 0)) for point in given) * LETTER + 4 <= step
        every = _every(given, step)
        line_at = level(promise) if promise is not None else None
        drawn: list[SafeString] = []
        drawn.append(
            format_html(
                '<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>', *map(_at, (left, width - right, bottom, bottom))
            )
        )
        for index, point in enumerate(given):
            centre = left + step * (index + 0.5)
            is_now = index == now
            inside = []
            if point.before is not None:
                y = level(point.before)
                inside.append(
                    format_html(
                        '<rect class="before" x="{}" y="{}" width="{}" height="{}" rx="4"/>',
                        *map(_at, (centre - thick / 2 - 3, y, thick + 6, max(0.0, bottom - y))),
                    )
                )
            if point.value is not None:
                y = level(point.value)
                inside.append(
                    format_html(
                        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="4"/>',
                        "now" if is_now else "past",
                        *map(_at, (centre - thick / 2, y, thick, max(1.5 if point.value else 0.0, bottom - y))),
                    )
                )
                if is_now or roomy:
                    base = y - 7
                    if point.before is not None:
                        base = min(base, level(point.before) - 7)
                    if not roomy:
                        # Wider than its own bar: it stands clear above those it reaches over.
                        reach = len(shown(point.value)) * 7.6 / 2
                        for other, beside in enumerate(given):
                            if abs(other - index) * step - thick / 2 < reach:
                                base = min(base, level(beside.value or 0) - 7)
                    if line_at is not None and line_at - 4 < base < line_at + 15:
                        base = line_at - 6  # never across the dotted line
                    inside.append(
                        format_html(
                            '<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>',
                            "value now" if is_now else "each",
                            _at(centre),
                            _at(base),
                            shown(point.value),
                        )
                    )
            if _label_shown(index, len(given), every):
                inside.append(
                    format_html(
                        '<text class="{}" x="{}" y="{}" text-anchor="middle">{}</text>',
                        "value" if is_now else "label",
                        _at(centre),
                        _at(height - 7),
                        point.label,
                    )
                )
            spoken = f"{point.label}: {'–' if point.value is None else shown(point.value)}"
            drawn.append(_linked(point.href, spoken, format_html_join("", "{}", ((one,) for one in inside))))
        if line_at is not None and promise is not None:
            drawn.append(
                format_html(
                    '<line class="promise" x1="{}" x2="{}" y1="{}" y2="{}"/>',
                    *map(_at, (left, width - right, line_at, line_at)),
                )
            )
            drawn.append(
                format_html('<text x="{}" y="{}">{}</text>', _at(width - right + 6), _at(line_at + 4), shown(promise))
            )
        return height, format_html_join("", "{}", ((one,) for one in drawn))

    with_before = any(point.before is not None for point in given)
    return _figure(
        _at_each_width(draw, describe(title, given, shown, promise), linked),
        _legend(
            "" if promise is None else promise_label or _("Promise: %(value)s") % {"value": shown(promise)},
            (before_label or _("Before")) if with_before else "",
        ),
        table_of(
            given, caption=title, shown=shown, label_head=label_head, value_head=value_head, before_head=before_label
        ),
    )


# --- A line -------------------------------------------------------------------------------------------------------
def line(
    points: Iterable[AnyPoint],
    *,
    title: str,
    shown: Shown = number,
    promise: float | None = None,
    promise_label: str = "",
    label_head: str = "",
    value_head: str = "",
) -> SafeString:
    """A line over time from zero, its last value written beside its end; a gap where nothing is known."""
    given = points_of(points)
    known = [(index, point) for index, point in enumerate(given) if point.value is not None]
    if not known:
        return nothing_yet()
    highest = max(*(point.value or 0 for _index, point in known), promise or 0, 0)
    linked = any(point.href for point in given)
    end_words = shown(known[-1][1].value or 0)

    def draw(width: int) -> tuple[int, SafeString]:
        height = 180 if width == WIDTHS["s"] else 220
        # Half a label on the left, so that the first one stands under its point.
        left, top, bottom = 8 + len(given[0].label) * LETTER / 2, 14.0, height - 26.0
        right = 16 + max(len(end_words) * 7.6, len(shown(promise)) * LETTER if promise is not None else 0)
        span = width - left - right
        step = span / max(1, len(given) - 1)
        top_value = nice_top(highest)
        where = lambda index: left + step * index if len(given) > 1 else left + span  # noqa: E731
        level = lambda value: bottom - (bottom - top) * max(0.0, value) / top_value  # noqa: E731
        drawn: list[SafeString] = [
            format_html(
                '<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>', *map(_at, (left, left + span, bottom, bottom))
            )
        ]
        runs: list[list[tuple[float, float]]] = [[]]
        for index, point in enumerate(given):
            if point.value is None:
                runs.append([])
            else:
                runs[-1].append((where(index), level(point.value)))
        for run in filter(None, runs):
            path = " ".join(f"{_at(x)},{_at(y)}" for x, y in run)
            if len(run) > 1:
                area = f"{_at(run[0][0])},{_at(bottom)} {path} {_at(run[-1][0])},{_at(bottom)}"
                drawn.append(format_html('<polygon class="area" points="{}"/>', area))
                drawn.append(format_html('<polyline class="line" points="{}"/>', path))
        end_x, end_y = where(known[-1][0]), level(known[-1][1].value or 0)
        end_text = min(max(end_y + 4.5, top + 4), bottom - 2)
        if promise is not None:
            y = level(promise)
            drawn.append(
                format_html(
                    '<line class="promise" x1="{}" x2="{}" y1="{}" y2="{}"/>', *map(_at, (left, left + span, y, y))
                )
            )
            promise_text = y + 4
            if abs(promise_text - end_text) < 16:  # two words beside one another: the promise gives way
                promise_text = end_text + (16 if y >= end_y else -16)
            drawn.append(
                format_html('<text x="{}" y="{}">{}</text>', _at(left + span + 12), _at(promise_text), shown(promise))
            )
        every = _every(given, step)
        for index, point in enumerate(given):
            x = where(index)
            inside: list[SafeString] = []
            is_end = index == known[-1][0]
            if point.value is not None:
                y = level(point.value)
                if point.href and not is_end:
                    # A point to meet with the finger or the key, seen when met.
                    inside.append(format_html('<circle class="spot" cx="{}" cy="{}" r="12"/>', _at(x), _at(y)))
                    inside.append(format_html('<circle class="point quiet" cx="{}" cy="{}" r="3.5"/>', _at(x), _at(y)))
                if is_end:
                    inside.append(
                        format_html('<circle class="point" cx="{}" cy="{}" r="5.5"/>', _at(end_x), _at(end_y))
                    )
                    inside.append(
                        format_html(
                            '<text class="value now" x="{}" y="{}">{}</text>',
                            _at(left + span + 12),
                            _at(end_text),
                            end_words,
                        )
                    )
            if _label_shown(index, len(given), every):
                inside.append(
                    format_html(
                        '<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>',
                        _at(x),
                        _at(height - 7),
                        point.label,
                    )
                )
            spoken = f"{point.label}: {'–' if point.value is None else shown(point.value)}"
            drawn.append(
                _linked(
                    point.href if point.value is not None else "",
                    spoken,
                    format_html_join("", "{}", ((one,) for one in inside)),
                )
            )
        return height, format_html_join("", "{}", ((one,) for one in drawn))

    return _figure(
        _at_each_width(draw, describe(title, given, shown, promise), linked),
        _legend("" if promise is None else promise_label or _("Promise: %(value)s") % {"value": shown(promise)}, ""),
        table_of(given, caption=title, shown=shown, label_head=label_head, value_head=value_head),
    )


# --- Bars side by side: chart and table in one ----------------------------------------------------------------------
def _bar_cell(share: float, kind: str) -> SafeString:
    return format_html(
        '<td class="drawn" aria-hidden="true">'
        '<svg class="bar tall" viewBox="0 0 100 10" preserveAspectRatio="none" focusable="false">'
        '<rect class="{}" width="{}" height="10"/></svg></td>',
        kind,
        f"{max(0.0, min(1.0, share)) * 100:.2f}",
    )


def hbars(
    points: Iterable[AnyPoint],
    *,
    title: str,
    shown: Shown = number,
    stands_out: int = 0,
    total: float | None = None,
    label_head: str = "",
    value_head: str = "",
) -> SafeString:
    """Values beside their names: a table that is its own chart.

    The first ``stands_out`` rows are drawn in the accent and the others paler (concentration: the top three). With
    ``total`` bars are shares of it and the share is written, too; else the longest bar fills the width.
    """
    given = points_of(points)
    if not given:
        return nothing_yet()
    whole = total or max((point.value or 0 for point in given), default=0) or 1

    def rows() -> Iterable[tuple[Any, ...]]:
        for index, point in enumerate(given):
            value = point.value or 0
            words = "–" if point.value is None else shown(value)
            note = format_html("<small>{}</small>", point.note) if point.note else ""
            name = format_html('<a href="{}">{}</a>', point.href, point.label) if point.href else point.label
            kind = "s1" if not stands_out or index < stands_out else "past"
            share = format_html('<td class="num muted">{}</td>', percent(value / total)) if total else ""
            yield name, note, _bar_cell(value / whole, kind), words, share

    body = format_html_join("", '<tr><th scope="row">{}{}</th>{}<td class="num"><b>{}</b></td>{}</tr>', rows())
    return _bars_table(title, body, label_head or _("What"), value_head or _("Value"), _("Share") if total else "")


def funnel(
    points: Iterable[AnyPoint],
    *,
    title: str,
    shown: Shown = number,
    label_head: str = "",
    value_head: str = "",
    share_head: str = "",
) -> SafeString:
    """Stages one after another: how many are left, and what part of the stage before went on."""
    given = points_of(points)
    if not given or not given[0].value:
        return nothing_yet()
    whole = given[0].value or 1

    def rows() -> Iterable[tuple[Any, ...]]:
        before: float | None = None
        for index, point in enumerate(given):
            value = point.value or 0
            went_on = percent(value / before) if before else ("–" if index else "")
            note = format_html("<small>{}</small>", point.note) if point.note else ""
            name = format_html('<a href="{}">{}</a>', point.href, point.label) if point.href else point.label
            yield name, note, _bar_cell(value / whole, f"f{min(index, 5)}"), shown(value), went_on
            before = value

    body = format_html_join(
        "", '<tr><th scope="row">{}{}</th>{}<td class="num"><b>{}</b></td><td class="num muted">{}</td></tr>', rows()
    )
    return _bars_table(
        title, body, label_head or _("Stage"), value_head or _("People"), share_head or _("Of the stage before")
    )


def _bars_table(title: str, body: SafeString, label_head: str, value_head: str, share_head: str) -> SafeString:
    share = format_html('<th scope="col" class="num">{}</th>', share_head) if share_head else ""
    return format_html(
        '<figure class="chart"><table class="bars-table"><caption class="visually-hidden">{}</caption>'
        '<thead><tr><th scope="col">{}</th>'
        '<td class="drawn"></td><th scope="col" class="num">{}</th>{}</tr></thead><tbody>{}</tbody></table></figure>',
        title,
        label_head,
        value_head,
        share,
        body,
    )


# --- Parts of a whole -----------------------------------------------------------------------------------------------
def stacked(shares: Iterable[AnyPoint], *, title: str, total: float | None = None, shown: Shown = number) -> SafeString:
    """The parts of one score or sum: a stacked bar with each part named and numbered under it, in the same order."""
    given = points_of(shares)
    whole = total or sum(point.value or 0 for point in given) or 1
    at = 0.0
    rects = []
    for index, point in enumerate(given):
        width = (point.value or 0) / whole * 100
        rects.append((index % 5 + 1, f"{at:.2f}", f"{max(0.0, width - 0.5):.2f}"))
        at += width
    drawing = format_html_join("", '<rect class="s{}" x="{}" width="{}" height="10"/>', rects)
    spoken = f"{title}: " + "; ".join(f"{point.label} {shown(point.value or 0)}" for point in given)
    legend = format_html_join(
        "",
        '<li><svg class="chart-svg" viewBox="0 0 12 12" aria-hidden="true" focusable="false">'
        '<rect class="s{}" width="12" height="12" rx="3"/></svg>'
        '{} <b class="num">{}</b></li>',
        (
            (
                index % 5 + 1,
                format_html('<a href="{}">{}</a>', point.href, point.label) if point.href else point.label,
                shown(point.value or 0),
            )
            for index, point in enumerate(given)
        ),
    )
    return format_html(
        '<figure class="chart">'
        '<svg class="parts tall" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
        '<ul class="legend">{}</ul></figure>',
        spoken,
        drawing,
        legend,
    )


# --- A word-sized line ------------------------------------------------------------------------------------------------
def sparkline(values: Sequence[float | None], *, label: str) -> SafeString:
    """A line as small as a word, for a row of a table or a tile."""
    known = [(index, float(value)) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return mark_safe("")
    low, high = min(value for _index, value in known), max(value for _index, value in known)
    span = (high - low) or 1
    last = max(1, len(values) - 1)
    spots = [(index / last * 90 + 2, 24 - (value - low) / span * 20) for index, value in known]
    return format_html(
        '<svg class="spark" viewBox="0 0 96 28" role="img" aria-label="{}"><polyline class="line" points="{}"/>'
        '<circle class="point" cx="{}" cy="{}" r="2.6"/></svg>',
        label,
        " ".join(f"{_at(x)},{_at(y)}" for x, y in spots),
        _at(spots[-1][0]),
        _at(spots[-1][1]),
    )
