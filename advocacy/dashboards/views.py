"""What the program is worth: the overview, and each measure with its definition and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from advocacy.crm.models import Account, Program, StakeholderTeam
from advocacy.dashboards import filters, memory, periods, registry, words
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from advocacy.dashboards.registry import Column, Measure, Rows, Value
from advocacy.lib import charts
from advocacy.lib import export as files
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires

TILES = ("influenced_revenue", "time_to_first_yes", "fill_rate", "ask_concentration")
ROWS_A_PAGE = 25
CELLS = {registry.Unit.TEXT: "", registry.Unit.INSTANT: "", registry.Unit.DAY: "nowrap"}
FILTER_NAMES = {"region": gettext_lazy("region"), "team": gettext_lazy("team"), "industry": gettext_lazy("industry")}


@dataclass
class Frame:
    """What an address asks for: a period, what it is compared with, and filters."""

    program: Program
    period: Period
    before: Period | None
    compare: str
    filters: Filters

    @classmethod
    def of(cls, request: HttpRequest) -> "Frame":
        program = Program.current()
        today = timezone.now().astimezone(ZoneInfo(program.desk_time_zone)).date()
        period = periods.read(request.GET, today, program.desk_time_zone)
        compare = request.GET.get("compare", "")
        if compare not in periods.COMPARISONS:
            compare = "before"
        return cls(program, period, period.compared(compare, program.launched_on), compare, filters.read(request.GET))

    def address(self, **changes: str) -> str:
        """The query that keeps this frame, with some keys set or (empty) taken away."""
        query = dict(self.filters.held)
        if self.period.key in periods.CHOICES or self.period.key == "quarter":
            if self.period.key != periods.DEFAULT:
                query["period"] = self.period.key
        else:
            query |= {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()}
        if self.compare != "before":
            query["compare"] = self.compare
        query |= changes
        return urlencode({key: value for key, value in query.items() if value})

    @property
    def lead(self) -> str:
        if self.before is None:
            return self.period.words
        if self.compare == "launch":
            return _("%(period)s, against the same length of time before launch") % {"period": self.period.words}
        return _("%(period)s, against %(before)s") % {"period": self.period.words, "before": self.before.words}


@dataclass
class Shown:
    """A measure taken for a frame, ready for a page."""

    measure: Measure
    frame: Frame
    user: Any

    @cached_property
    def now(self) -> Value:
        return self.measure.value(self.frame.period, self.frame.filters)

    @cached_property
    def then(self) -> Value | None:
        if self.frame.before is None:
            return None
        return memory.headline(self.measure, self.frame.before, self.frame.filters, at=timezone.now())

    def say(self, value: Any, *, short: bool = True) -> str:
        return words.figure(value, self.measure.unit, self.frame.program.currency, short=short)

    @property
    def figure(self) -> str:
        return self.say(self.now.value)

    @property
    def in_full(self) -> str:
        return self.say(self.now.value, short=False)

    @property
    def numerator(self) -> str:
        unit = registry.Unit.COUNT if self.measure.unit == registry.Unit.SHARE else self.measure.unit
        return "" if self.now.numerator is None else self._in(unit, self.now.numerator)

    @property
    def denominator(self) -> str:
        return "" if self.now.denominator is None else self._in(registry.Unit.COUNT, self.now.denominator)

    def _in(self, unit: registry.Unit, value: Any) -> str:
        return words.figure(value, unit, self.frame.program.currency, short=False)

    @property
    def was(self) -> str:
        return self.say(self.then.value) if self.then else ""

    @cached_property
    def comparison(self) -> words.Comparison:
        return words.compare(self.measure, self.now, self.then, self.frame.program.currency)

    @property
    def tile_note(self) -> str:
        parts = [self.comparison.text, str(self.now.note)]
        if missing := self.measure.ignored(self.frame.filters):
            parts.append(
                _("not narrowed by %(names)s") % {"names": ", ".join(str(FILTER_NAMES[one]) for one in missing)}
            )
        return " · ".join(part for part in parts if part)

    @property
    def url(self) -> str:
        query = self.frame.address()
        return reverse("dashboards:measure", args=[self.measure.key]) + (f"?{query}" if query else "")

    @property
    def details(self) -> list[tuple[str, str]]:
        currency = self.frame.program.currency
        return [(str(one.label), words.figure(one.value, one.unit, currency, short=False)) for one in self.now.further]

    @property
    def what_link(self) -> str:
        """“see the 539 requests”."""
        what = str(self.measure.rows(self.frame.period, self.frame.filters).what) or _("rows")
        return _("See the %(number)s %(what)s") % {
            "number": words.figure(self.now.n, registry.Unit.COUNT),
            "what": what,
        }

    def month_url(self, first: date) -> str:
        """The same measure over one month."""
        last = min(Period(first, first).moved(1).first - date.resolution, self.frame.period.last)
        first = max(first, self.frame.period.first)
        query = self.frame.address(**{"period": "", "from": first.isoformat(), "to": last.isoformat()})
        return f"{reverse('dashboards:measure', args=[self.measure.key])}?{query}#rows"

    def part_url(self, key: str) -> str:
        return f"{reverse('dashboards:measure', args=[self.measure.key])}?{self.frame.address(part=key)}#rows"

    @property
    def is_monthly(self) -> bool:
        """Whether the chart shows months, so that its figures differ from that of the period."""
        return self.measure.chart not in {"funnel", "shares"} and len(self.now.series) > 1

    @cached_property
    def chart(self) -> SafeString:
        """The measure drawn: its parts, or its months."""
        kind, title = self.measure.chart, str(self.measure.name)
        if kind in {"funnel", "shares"}:
            return self._parts(kind, title)
        series = self.now.series
        if not series:
            return SafeString("")
        shown = lambda value: self.say(value)  # noqa: E731
        with_year = len({month.first.year for month in series}) > 1
        points = [
            charts.Point(
                date_format(month.first, "M y" if with_year and (month.first.month == 1 or index == 0) else "M"),
                None if month.value is None else float(month.value),
                self.month_url(month.first) if month.n else "",
            )
            for index, month in enumerate(series)
        ]
        promise = None if self.now.promise is None else float(self.now.promise)
        draw = charts.line if kind == "line" else charts.bars
        return draw(points, title=title, shown=shown, promise=promise, label_head=_("Month"), value_head=title)

    @cached_property
    def parts_chart(self) -> SafeString:
        """The parts of a figure whose chart shows its months."""
        if self.measure.chart in {"funnel", "shares"} or not self.now.breakdown:
            return SafeString("")
        return self._parts("shares", str(self.measure.name))

    def _parts(self, kind: str, title: str) -> SafeString:
        parts = self.now.breakdown
        if not parts:
            return charts.nothing_yet()
        points = []
        for place, part in enumerate(parts, start=1):
            named = not part.right or self.user.has_perm(part.right)
            label = str(part.label) if named else _("No. %(place)s") % {"place": place}
            points.append(charts.Point(label, float(part.value), self.part_url(part.key) if named else ""))
        if kind == "funnel":
            return charts.funnel(points, title=title, **self._heads)  # type: ignore[arg-type]
        unit, currency = parts[0].unit, self.frame.program.currency
        counted = unit == registry.Unit.COUNT and self.measure.chart == "shares" and self.now.denominator
        return charts.hbars(
            points,
            title=title,
            total=float(self.now.denominator or 0) if counted else None,
            stands_out=3 if self.measure.chart == "shares" else 0,
            shown=lambda value: words.figure(value, unit, currency, short=False),
            **self._heads,
        )

    @property
    def _heads(self) -> dict[str, str]:
        return {"label_head": str(self.measure.part_word), "value_head": str(self.measure.count_word)}


def _choices(frame: Frame, request: HttpRequest) -> dict[str, Any]:
    """What the filters offer: what the data hold."""
    held = frame.filters
    regions = list(Account.objects.order_by("region").values_list("region", flat=True).distinct())
    industries = list(Account.objects.order_by("industry").values_list("industry", flat=True).distinct())
    teams = list(StakeholderTeam.objects.values_list("slug", "name"))

    known = {"region": set(regions), "team": {slug for slug, _name in teams}, "industry": set(industries)}
    without = frame.address(region="", team="", industry="")

    def options(values: Sequence[Any], chosen: str) -> list[tuple[str, str, bool]]:
        pairs = [value if isinstance(value, tuple) else (value, value) for value in values]
        if chosen and chosen not in {key for key, _name in pairs}:
            pairs.append((chosen, chosen))
        return [(key, name, key == chosen) for key, name in pairs if key]

    offered = {
        "regions": options(regions, held.region),
        "teams": options(teams, held.team),
        "industries": options(industries, held.industry),
    }
    return {
        **offered,
        "unmatched": [value for name, value in held.held.items() if value not in known[name]],
        "reset_url": f"{request.path}?{without}" if without else request.path,
        "backwards": periods.is_backwards(request.GET),
        "held": [name for choices in offered.values() for _key, name, chosen in choices if chosen],
        "period_choices": [
            (key, name, frame.address(period=key, **{"from": "", "to": ""}), frame.period.key == key)
            for key, (name, _months) in (*periods.CHOICES.items(), ("quarter", (_("This quarter"), 3)))
        ],
        "compare_choices": [
            (key, name, frame.compare == key)
            for key, name in periods.COMPARISONS.items()
            if key != "launch" or frame.program.launched_on
        ],
    }


@requires("dashboards.view")
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What the program is worth, on one page."""
    frame = Frame.of(request)
    shown = {one.key: Shown(one, frame, request.user) for one in registry.every()}
    context = {
        "frame": frame,
        "by_key": shown,
        "tiles": [shown[key] for key in TILES if key in shown],
        "all": list(shown.values()),
        "empty": not any(one.now.n for one in shown.values()),
        **_choices(frame, request),
    }
    return respond(request, "dashboards/overview.html", context)


def _measure_or_404(key: str) -> Measure:
    found = registry.find(key)
    if found is None:
        raise Http404(key)
    return found


def visible(rows: Rows, user: Any) -> "QuerySet[Any]":
    """The rows this person may see one by one; the figure itself is open to whoever reads dashboards."""
    narrow = getattr(rows.queryset, "visible_to", None)
    if narrow:
        return narrow(user)
    model = rows.queryset.model._meta
    return rows.queryset if user.has_perm(f"{model.app_label}.view_{model.model_name}") else rows.queryset.none()


def columns(rows: Rows, user: Any) -> list[Column]:
    """The columns this person may read."""
    return [column for column in rows.columns if not column.right or user.has_perm(column.right)]


def part_label(shown: Shown) -> str:
    """The name of the part whose rows are asked for, as far as this person may read it."""
    for part in shown.now.breakdown if shown.frame.filters.part else ():
        if part.key == shown.frame.filters.part and (not part.right or shown.user.has_perm(part.right)):
            return str(part.label)
    return ""


@requires("dashboards.view")
@require_safe
def measure(request: HttpRequest, key: str) -> HttpResponse:
    """One measure: its figure, definition, chart, and the rows it was counted from."""
    frame = Frame.of(request)
    shown = Shown(_measure_or_404(key), frame, request.user)
    rows = shown.measure.rows(frame.period, frame.filters)
    page = page_by_key(visible(rows, request.user), rows.order, request.GET, size=ROWS_A_PAGE)
    currency = frame.program.currency
    shown_columns = columns(rows, request.user)
    table = [
        [
            {
                "label": column.label,
                "text": words.figure(column.value(row), column.unit, currency, short=False),
                "url": column.link(row) if column.link else "",
                "css": CELLS.get(column.unit, "num"),
            }
            for column in shown_columns
        ]
        for row in page.items
    ]
    context = {
        "frame": frame,
        "shown": shown,
        "measure": shown.measure,
        "rows": rows,
        "sources": [str(apps.get_model(label)._meta.verbose_name_plural) for label in shown.measure.sources],
        "table": table,
        "page": page,
        "part": part_label(shown),
        "ignored": [str(FILTER_NAMES[name]) for name in shown.measure.ignored(frame.filters)],
        "export_url": f"{reverse('dashboards:export', args=[key])}?{frame.address(part=frame.filters.part)}",
        "back_url": f"{reverse('dashboards:overview')}?{frame.address()}",
        "others": [one for one in registry.every() if one.key != key],
        **_choices(frame, request),
    }
    return respond(request, "dashboards/measure.html", context)


@requires("dashboards.view")
@require_safe
def export(request: HttpRequest, key: str) -> HttpResponseBase:
    """The rows behind a figure as a file, as far as this person may see them."""
    frame = Frame.of(request)
    rows = _measure_or_404(key).rows(frame.period, frame.filters)
    return files.answer(
        request,
        key,
        visible(rows, request.user).order_by(*rows.order),
        [files.Column(column.label, partial(_in_file, column)) for column in columns(rows, request.user)],
        kind=files.wanted(request) or "csv",
        name=slugify(f"{key} {frame.period.first} {frame.period.last}"),
    )


def _in_file(column: Column, row: Any) -> Any:
    return words.plain(column.value(row), column.unit)
