"""Pages of the editorial calendar: a month or a week, an entry, moving, undoing. The state is in the address."""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.lib import planned, signed
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.months import months_after
from advocacy.lib.pages import respond
from advocacy.lib.planned import Planned
from advocacy.lib.text import markdown
from advocacy.users.rights import requires
from newsletter import outlook
from newsletter.actions import calendar as actions
from newsletter.forms.calendar import EntryForm, IdeaForm, MoveForm, WhenForm
from newsletter.models import CalendarSettings, Entry
from newsletter.models.calendar import Type
from newsletter.planned import ideas
from newsletter.planning import Warned, monday_of, sunday_of

STATE = ("month", "week", "region", "type", "kind")
IDEAS = 60
UNDO = "calendar-undo"
UNDO_WITHIN = timedelta(hours=16)
EARLIEST, LATEST = 2000, 2199


# --- What is shown ----------------------------------------------------------------------------------------------------
@dataclass
class Day:
    """One day of the page."""

    date: date
    outside: bool = False
    past: bool = False
    today: bool = False
    entries: list[Planned] = field(default_factory=list)


@dataclass
class Week:
    monday: date
    sunday: date
    days: list[Day]
    empty: Warned | None = None


@dataclass(frozen=True)
class Span:
    """The month or week an address asks for."""

    by: str
    first: date
    last: date
    inside: tuple[date, date]
    before: str
    after: str

    @property
    def value(self) -> str:
        return month_name(self.inside[0]) if self.by == "month" else week_name(self.first)


def month_name(day: date) -> str:
    return f"{day:%Y-%m}"


def week_name(day: date) -> str:
    year, week, _weekday = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def span_of(given: Any, *, today: date) -> Span:
    """What ``?month=2026-11`` or ``?week=2026-W48`` asks for; this month where it asks for nothing there is."""
    week = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", given.get("week", ""))
    if week and EARLIEST <= int(week[1]) <= LATEST:
        try:
            monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        except ValueError:
            monday = monday_of(today)
        sunday = sunday_of(monday)
        days = timedelta(days=7)
        return Span("week", monday, sunday, (monday, sunday), week_name(monday - days), week_name(monday + days))
    month = re.fullmatch(r"([0-9]{4})-([0-9]{2})", given.get("month", ""))
    first = today.replace(day=1)
    if month and EARLIEST <= int(month[1]) <= LATEST and 1 <= int(month[2]) <= 12:
        first = date(int(month[1]), int(month[2]), 1)
    last = months_after(first, 1) - timedelta(days=1)
    before, after = month_name(months_after(first, -1)), month_name(months_after(first, 1))
    return Span("month", monday_of(first), sunday_of(last), (first, last), before, after)


def kept(request: HttpRequest, **more: str) -> str:
    """The address of the calendar as it is looked at, with something more."""
    state = {name: plain(request.GET[name])[:60] for name in STATE if request.GET.get(name)}
    query = urlencode({**state, **more})
    return reverse("newsletter:calendar") + (f"?{query}" if query else "")


def _matching(entries: Iterable[Planned], chosen: dict[str, str]) -> list[Planned]:
    """What the filters let through; whoever looks at a region sees what is for everywhere as well."""
    return [
        one
        for one in entries
        if (not chosen["region"] or one.region in {"", chosen["region"]})
        and (not chosen["type"] or one.type == chosen["type"])
        and (not chosen["kind"] or one.kind == chosen["kind"])
    ]


def _context(request: HttpRequest, *, now: datetime) -> dict[str, Any]:
    zone = outlook.desk_zone()
    today = outlook.local(now, zone).date()
    span = span_of(request.GET, today=today)
    chosen = {name: plain(request.GET.get(name))[:60] for name in ("region", "type", "kind")}
    warned = outlook.warnings(at=now)
    shown = _matching(planned.between(span.first, span.last, now=now), chosen)
    days = {}
    for number in range((span.last - span.first).days + 1):
        day = span.first + timedelta(days=number)
        outside = not span.inside[0] <= day <= span.inside[1]
        days[day] = Day(day, outside=outside, past=day < today, today=day == today)
    for one in shown:
        if one.day in days:
            days[one.day].entries.append(one)
    empty = {monday_of(one.day): one for one in warned if one.rule == "week"}
    mondays = [day for day in days if day.weekday() == 0]
    weeks = [
        Week(monday, sunday_of(monday), [days[monday + timedelta(days=n)] for n in range(7)], empty.get(monday))
        for monday in mondays
    ]
    backlog = _matching(ideas(limit=IDEAS + 1), chosen)
    return {
        "span": span,
        "weeks": weeks,
        "today": today,
        "this": {"month": month_name(today), "week": week_name(today)},
        "as_week": week_name(today if span.inside[0] <= today <= span.inside[1] else span.inside[0]),
        "as_month": month_name(today if span.first <= today <= span.last else span.inside[0] + timedelta(days=3)),
        "heading": _title(span),
        "ideas": backlog[:IDEAS],
        "more_ideas": len(backlog) > IDEAS,
        "warned": warned,
        "doubles": {one.entry.name for one in warned if one.rule == "row" and one.entry},
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "types": Type.choices,
        "kinds": planned.kinds(),
        "regions": sorted({*(one.name for one in outlook.regions()), *_regions_of_entries(), chosen["region"]} - {""}),
        "zone": str(zone),
        "query": urlencode({name: plain(request.GET[name])[:60] for name in STATE if request.GET.get(name)}),
        "undo": _just_moved(request.GET.get("moved", ""), now=now, today=today),
        "number": len(shown),
        "earlier": today in days and any(one.day and span.inside[0] <= one.day < today for one in shown),
    }


def _regions_of_entries() -> Iterable[str]:
    return Entry.objects.exclude(region="").order_by().values_list("region", flat=True).distinct()


def _title(span: Span) -> str:
    if span.by == "month":
        return date_format(span.inside[0], "F Y")
    week = span.first.isocalendar()[1]
    same_month, same_year = span.first.month == span.last.month, span.first.year == span.last.year
    return _("%(first)s to %(last)s, week %(week)d") % {
        "first": date_format(span.first, "j" if same_month else "j F" if same_year else "j F Y"),
        "last": date_format(span.last, "j F Y"),
        "week": week,
    }


def _page(request: HttpRequest, *, said: str = "", status: int = 200, **more: Any) -> HttpResponse:
    context = {**_context(request, now=timezone.now()), "said": said, **more}
    return respond(request, "newsletter/calendar.html", context, fragment="calendar", status=status)


@requires("newsletter.edit")
def calendar(request: HttpRequest) -> HttpResponse:
    """A month or a week: what is planned, what is missing, and the ideas that wait for a day."""
    return _page(request)


# --- Moving, and back -------------------------------------------------------------------------------------------------
def _found(source: str, key: str, *, now: datetime) -> tuple[planned.Source, Planned, planned.Move]:
    """An entry that may be moved, whoever brings it."""
    origin = planned.source(source)
    if origin is None or origin.one is None or origin.move is None:
        raise Http404
    return origin, origin.one(key, now=now), origin.move


@requires("newsletter.edit")
@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, source: str, key: str) -> HttpResponse:
    """Another day for an entry: by dragging, by keys, or by this plain form."""
    now = timezone.now()
    _origin, item, moving = _found(source, key, now=now)
    form = MoveForm(
        request.POST or None,
        initial={"day": item.day, "hour": item.at, "seen": item.day},
        with_hour=source == "entries",
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = form.cleaned_data
            try:
                moving(key, day=given["day"], hour=given.get("hour"), seen=given["seen"], by=request.user, at=now)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                return _moved(request, item, given["day"])
        if request.htmx:  # type: ignore[attr-defined]
            problem = str(next(iter(form.errors.values()))[0])
            messages.warning(request, problem)
            return _page(request, said=problem, status=status)
    context = {"item": item, "form": form, "back": kept(request), "zone": str(outlook.desk_zone())}
    return respond(request, "newsletter/calendar_move.html", context, status=status)


def _moved(request: HttpRequest, item: Planned, day: date | None) -> HttpResponse:
    token = signed.sign(UNDO, "|".join([item.source, item.key, *map(_word, (item.day, item.at, day))]))
    if request.htmx:  # type: ignore[attr-defined]
        now = timezone.now()
        undo = _just_moved(token, now=now, today=outlook.local(now, outlook.desk_zone()).date())
        return _page(request, said=_where(item.title, day), undo=undo)
    return redirect(kept(request, moved=token))


def _word(given: date | time | None) -> str:
    return given.isoformat() if given else ""


def _where(title: str, day: date | None) -> str:
    if day is None:
        return _("“%(title)s” is among the ideas.") % {"title": title}
    return _("“%(title)s” is on %(day)s now.") % {"title": title, "day": date_format(day, "l, j F")}


@dataclass(frozen=True)
class Moved:
    """A move that can be undone."""

    source: str
    key: str
    day: date | None
    hour: time | None
    to: date | None


def _read(token: str) -> Moved:
    source, key, day, hour, to = signed.read(UNDO, token, UNDO_WITHIN).split("|")
    return Moved(
        source,
        key,
        date.fromisoformat(day) if day else None,
        time.fromisoformat(hour) if hour else None,
        date.fromisoformat(to) if to else None,
    )


def _just_moved(token: str, *, now: datetime, today: date) -> dict[str, Any] | None:
    """What was moved a moment ago, for the button beside the words that say so; not when it has been moved since."""
    if not token:
        return None
    try:
        moved = _read(token)
        _origin, item, _moving = _found(moved.source, moved.key, now=now)
    except (signed.BadLink, Http404):
        return None
    if item.day != moved.to or not item.movable:
        return None
    may = moved.day is None or moved.day >= today
    return {"token": token if may else "", "text": _where(item.title, item.day)}


@requires("newsletter.edit")
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Back to where it was before a move."""
    now = timezone.now()
    said, status = "", 200
    try:
        moved = _read(request.POST.get("token", ""))
        _origin, item, moving = _found(moved.source, moved.key, now=now)
        moving(moved.key, day=moved.day, hour=moved.hour, seen=moved.to, by=request.user, at=now)
        said = _where(item.title, moved.day)
        messages.success(request, said)
    except (Refused, signed.BadLink) as refusal:
        said, status = str(refusal), 409
        messages.warning(request, said)
    if request.htmx:  # type: ignore[attr-defined]
        return _page(request, said=said, status=status)
    return redirect(kept(request))


# --- Entries ----------------------------------------------------------------------------------------------------------
@requires("newsletter.edit")
@require_POST
def note(request: HttpRequest) -> HttpResponse:
    """An idea in one line."""
    user: Any = request.user
    form = IdeaForm({"title": plain(request.POST.get("title"))})
    if not form.is_valid():
        problem = str(form.errors["title"][0])
        messages.warning(request, problem)
        return _page(request, said=problem, status=422, idea=request.POST.get("title", "")[:500])
    made = actions.add(by=user, at=timezone.now(), title=form.cleaned_data["title"])
    said = _("Noted: “%(title)s”.") % {"title": made.title}
    if request.htmx:  # type: ignore[attr-defined]
        return _page(request, said=said)
    messages.success(request, said)
    return redirect(kept(request))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@requires("newsletter.edit")
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Something new, on the day that was clicked or among the ideas."""
    user: Any = request.user
    day = _day(request.GET.get("day", ""))
    fields = {"owner": user, "region": plain(request.GET.get("for"))[:60]}
    usual = CalendarSettings.current().usual_hour
    form = EntryForm(request.POST or None, initial=fields)
    when = WhenForm(request.POST or None, initial={"day": day, "hour": usual})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and when.is_valid():
            try:
                made = actions.add(by=user, at=timezone.now(), **when.cleaned_data, **form.cleaned_data)
            except Refused as refusal:
                when.add_error("day", str(refusal))
                status = 409
            else:
                return _written(request, made, actions.fingerprint(made))
    context = {"form": form, "when": when, "day": day, "back": kept(request), "zone": str(outlook.desk_zone())}
    return respond(request, "newsletter/calendar_new.html", context, status=status)


def _written(request: HttpRequest, entry: Entry, seen: str) -> HttpResponse:
    """After saving: approved as well, when that was asked for; else back to the calendar or on at the entry."""
    if request.POST.get("then") == "approve":
        try:
            actions.approve(entry, by=request.user, at=timezone.now(), seen=seen)  # type: ignore[arg-type]
        except Refused as refusal:
            messages.warning(request, _("It is saved as a draft. %(why)s") % {"why": refusal})
            return _to_entry(request, entry)
        messages.success(request, _("Saved and approved. It is published at its hour."))
    else:
        messages.success(request, _("Saved."))
    return redirect(kept(request))


def _to_entry(request: HttpRequest, entry: Entry) -> HttpResponse:
    query = kept(request).partition("?")[2]
    return redirect(actions.page_of(entry) + (f"?{query}" if query else ""))


@requires("newsletter.edit")
@require_http_methods(["GET", "POST"])
def entry(request: HttpRequest, entry_id: uuid.UUID) -> HttpResponse:
    """One entry: its words, how members will read it, its day, its approval and what came of it."""
    rows = Entry.objects.select_related("space", "owner", "made_by", "approved_by", "topic")
    here = get_object_or_404(rows, public_id=entry_id)
    open_to_change = here.status in {Entry.Status.DRAFT, Entry.Status.MISSED}
    form = EntryForm(request.POST or None, entry=here)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                saved = actions.change(here, seen=request.POST.get("seen"), **form.cleaned_data)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                here.refresh_from_db()
                status = 409
            else:
                return _written(request, saved, actions.fingerprint(saved))
    zone = outlook.desk_zone()
    now = timezone.now()
    moment = outlook.local(here.due_at, zone) if here.due_at else None
    context = {
        "entry": here,
        "form": form,
        "may_edit": open_to_change or bool(form.errors),
        "open": open_to_change,
        "moment": moment,
        "published": outlook.local(here.published_at, zone) if here.published_at else None,
        "approved": outlook.local(here.approved_at, zone) if here.approved_at else None,
        "over": here.due_at is not None and here.due_at <= now,
        "seen": actions.fingerprint(here),
        "html": markdown(here.body),
        "refusal": actions.why_not(here) if open_to_change else None,
        "move": MoveForm(
            initial={
                "day": moment.date() if moment else None,
                "hour": moment.time() if moment else CalendarSettings.current().usual_hour,
                "seen": moment.date() if moment else None,
            }
        ),
        "movable": here.status in {Entry.Status.DRAFT, Entry.Status.APPROVED, Entry.Status.MISSED},
        "back": kept(request),
        "query": kept(request).partition("?")[2],
        "zone": str(zone),
    }
    return respond(request, "newsletter/calendar_entry.html", context, status=status)


@requires("newsletter.edit")
@require_POST
def decide(request: HttpRequest, entry_id: uuid.UUID, what: str) -> HttpResponse:
    """Approve, publish now, take the approval back, set aside, take back."""
    here = get_object_or_404(Entry, public_id=entry_id)
    user: Any = request.user
    now = timezone.now()
    seen = request.POST.get("seen", "")
    try:
        if what == "approve":
            actions.approve(here, by=user, at=now, seen=seen)
            messages.success(request, _("Approved. It is published at its hour; until then you can take that back."))
        elif what == "now":
            actions.approve(here, by=user, at=now, seen=seen, now=True)
            messages.success(request, _("Approved. It is published within a minute."))
        elif what == "unapprove":
            actions.unapprove(here)
            messages.success(request, _("Taken back. It is not published until somebody approves it again."))
        elif what == "drop":
            actions.drop(here)
            messages.success(request, _("Set aside. You can take it back on this page."))
        elif what == "back":
            actions.take_back(here, at=now)
            messages.success(request, _("It is back."))
        else:
            raise Http404
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return _to_entry(request, here)
