"""Cohorts: describing people, seeing who they are, inviting them in rounds (P13)."""

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm.models import Account, Contact, Program
from advocacy.lib import charts, export
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.models import User
from advocacy.users.rights import requires
from advocates import cohorts, files, segments
from advocates.actions import cohorts as acting
from advocates.cohort_form import CohortForm, InviteForm
from advocates.models import Advocate, Cohort, CohortBatch, Invitation

SHOWN = 25
LEFT_OUT_SHOWN = 5


# --- Seeing -----------------------------------------------------------------------------------------------------------
@requires("advocates.view_cohort")
def cohort_list(request: HttpRequest) -> HttpResponse:
    """Every cohort: whom it describes, how many they were, what came of inviting them."""
    page = page_by_key(Cohort.objects.all(), ("name", "pk"), request.GET, size=SHOWN)
    came = {
        cohort: {"invited": invited, "accepted": accepted}
        for cohort, invited, accepted in Invitation.objects.filter(batch__cohort__in=[one.pk for one in page.items])
        .order_by()
        .values_list("batch__cohort")
        .annotate(invited=Count("pk"), accepted=Count("pk", filter=Q(status=Invitation.Status.ACCEPTED)))
    }
    rows = [(one, _in_words(one), came.get(one.pk)) for one in page.items]
    return respond(request, "advocates/cohorts.html", {"page": page, "rows": rows})


@requires("advocates.view_cohort")
def cohort(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One cohort: how many, their mix, each of them, and what came of inviting them."""
    found = get_object_or_404(Cohort, pk=pk)
    at = timezone.now()
    try:
        segment = segments.Segment.read(found.definition)
    except ValidationError as error:  # a fact that is no longer there
        return respond(request, "advocates/cohort.html", {"cohort": found, "wrong": error.messages})
    visible = segment.people(at=at, among=Contact.objects.visible_to(request.user)).select_related(
        "account", "advocate"
    )
    order = ("family_name", "given_name", "pk")
    if wanted := export.wanted(request):
        return export.answer(request, f"cohort {found.name}", visible.order_by(*order), files.PEOPLE, kind=wanted)
    people = segment.people(at=at)
    mix = cohorts.mix(people, at=at)
    acting.keep_count(found, mix.total, at=at)
    page = page_by_key(visible, order, request.GET, size=SHOWN)
    results = cohorts.results(found)
    context = {
        "cohort": found,
        "parts": _parts(segment),
        "sentiment": segment.carries_sentiment,
        "mix": mix,
        "charts": _charts(mix) if mix.total else [],
        "page": page,
        "rows": [(contact, _standing(contact)) for contact in page.items],
        "batches": _batches(found),
        "funnel": _funnel(results) if results else "",
        "invited": sum(results.values()),
    }
    return respond(request, "advocates/cohort.html", context, fragment="people")


def _batches(found: Cohort) -> list[CohortBatch]:
    batches = list(found.batches.select_related("by").order_by("-pk")[:10])
    for batch in batches:
        batch.left_out_total = sum(batch.left_out.values())  # type: ignore[attr-defined]
        batch.reasons = [  # type: ignore[attr-defined]
            (cohorts.refused_as(key), number)
            for key, number in sorted(batch.left_out.items(), key=lambda pair: -pair[1])
        ]
    return batches


def _standing(contact: Contact) -> str:
    advocate: Advocate | None = getattr(contact, "advocate", None)
    return advocate.get_status_display() if advocate else ""


def _in_words(found: Cohort) -> list[tuple[str, list[str]]]:
    try:
        return _parts(segments.Segment.read(found.definition))
    except ValidationError as error:
        return [("", error.messages)]


def _parts(segment: segments.Segment) -> list[tuple[str, list[str]]]:
    """The definition in words, part by part; parts that say nothing are left away."""
    words = {"all": _("all of these"), "any": _("one of these"), "exclude": _("none of these")}
    told = [(words[part], [str(one) for one in getattr(segment, part)]) for part in segments.PARTS]
    return [one for one in told if one[1]]


def _charts(mix: cohorts.Mix) -> list[tuple[str, str]]:
    return [
        (_("Known and new"), charts.stacked(mix.known, title=_("Known and new"))),
        (_("Talkers and listeners"), charts.stacked(mix.talking, title=_("Talkers and listeners"))),
        (_("Regions"), charts.hbars(mix.regions, title=_("Regions"))),
        (_("Industries"), charts.hbars(mix.industries, title=_("Industries"))),
    ]


def _funnel(results: Any) -> str:
    status = Invitation.Status
    sent = sum(results.values()) - results.get(status.QUEUED, 0) - results.get(status.BOUNCED, 0)
    return str(
        charts.funnel(
            [
                charts.Point(_("invited"), sum(results.values())),
                charts.Point(_("reached"), sent),
                charts.Point(
                    _("answered"),
                    sum(results.get(one, 0) for one in (status.CLICKED, status.ACCEPTED, status.DECLINED)),
                ),
                charts.Point(_("accepted"), results.get(status.ACCEPTED, 0)),
            ],
            title=_("What came of it"),
        )
    )


# --- Describing -------------------------------------------------------------------------------------------------------
@requires("advocates.change_cohort")
@require_http_methods(["GET", "HEAD", "POST"])
def new_cohort(request: HttpRequest) -> HttpResponse:
    """Describe people anew; ``?fast_in=REGION`` begins with who answers fastest there."""
    region = plain(request.GET.get("fast_in"))[:60]
    return _edit(request, None, begin=cohorts.fastest_in(region) if region else None)


@requires("advocates.change_cohort")
@require_http_methods(["GET", "HEAD", "POST"])
def edit_cohort(request: HttpRequest, pk: int) -> HttpResponse:
    """Describe them otherwise. Rounds that are under way keep to the description they began with."""
    return _edit(request, get_object_or_404(Cohort, pk=pk))


def _edit(request: HttpRequest, found: Cohort | None, *, begin: Any = None) -> HttpResponse:
    form = CohortForm(request.POST or None, cohort=found, definition=begin)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        context = {"form": form, "cohort": found, "counted": _counted(form)}
        return respond(request, "advocates/cohort_edit.html", context, status=status)
    changed = form.write(found or Cohort(by=who(request)))
    changed.save()
    messages.success(request, _("Saved."))
    return redirect("advocates:cohort", changed.pk)


@requires("advocates.change_cohort")
@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """How many the rows on the page describe, while they are being written."""
    form = CohortForm(request.POST)
    form.is_valid()
    return respond(request, "advocates/cohort_edit.html", {"form": form, "counted": _counted(form)}, fragment="count")


def who(request: HttpRequest) -> User:
    """Whoever is signed in; the right each of these pages demands nobody else holds."""
    assert isinstance(request.user, User)
    return request.user


def _counted(form: CohortForm) -> dict[str, Any] | None:
    """The count of what can be read; None while nothing is said. Rows that are wrong are told apart by the form."""
    definition = getattr(form, "cleaned_data", {}).get("definition") if form.is_bound else form.told
    if not definition or not any(definition.values()):
        return None
    try:
        segment = segments.Segment.read(definition)
    except ValidationError:
        return None
    counts = segment.counts(at=timezone.now())
    numbers = iter(counts.each)
    return {
        "total": counts.total,
        "everybody": counts.everybody,
        "parts": [(words, [(said, next(numbers, None)) for said in sentences]) for words, sentences in _parts(segment)],
        "sentiment": segment.carries_sentiment,
        # Facts of accounts are said of their contacts: where there are none, the right line finds nobody.
        "without_people": Account.objects.filter(contacts__isnull=True)[:100_000].count() if not counts.total else 0,
    }


@requires("advocates.change_cohort")
def value(request: HttpRequest) -> HttpResponse:
    """The field for the value of one row, as its fact wants it."""
    part, _dot, number = request.GET.get("row", "").partition(".")
    if part not in segments.PARTS or not number.isascii() or not number.isdecimal() or len(number) > 2:
        raise Http404
    fact = segments.facts().get(request.GET.get(f"fact_{part}_{number}", ""))
    context = {
        "name": f"value_{part}_{number}",
        "label": _("Value %(number)s") % {"number": int(number) + 1},
        "fact": fact,
        "known": cohorts.known_words(fact.key) if fact else [],
    }
    return respond(request, "advocates/parts/cohort_value.html", context)


# --- Inviting ---------------------------------------------------------------------------------------------------------
@requires("advocates.change_cohort")
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Who would be invited, who is left out and why; then a round of invitations."""
    found = get_object_or_404(Cohort, pk=pk)
    at = timezone.now()
    try:
        people = segments.Segment.read(found.definition).people(at=at)
    except ValidationError:
        return redirect("advocates:cohort", pk)
    free, left_out = cohorts.by_refusal(people, at=at)
    form = InviteForm(request.POST or None, initial={"most": min(free, 50) or None})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                batch = acting.begin(
                    found, most=form.cleaned_data["most"], by=request.user, at=at,
                    starts_at=_morning(form.cleaned_data["starts_on"], at=at),
                )  # fmt: skip
                messages.success(
                    request,
                    _("On its way: at most %(number)s invitations. You can stop the round below.")
                    % {"number": batch.most},
                )
                return redirect("advocates:cohort", pk)
            except Refused as refusal:
                messages.warning(request, str(refusal))
                status = 409
    some = cohorts.examples(people, [key for key, _words, _number in left_out], at=at, each=LEFT_OUT_SHOWN)
    context = {
        "cohort": found,
        "form": form,
        "free": free,
        "left_out": [(key, words, number, some[key]) for key, words, number in left_out],
        "total": free + sum(number for _key, _words, number in left_out),
    }
    return respond(request, "advocates/cohort_invite.html", context, status=status)


def _morning(day: Any, *, at: datetime) -> datetime:
    """Nine o'clock of that day at the desk; now, for none."""
    if day is None:
        return at
    return datetime.combine(day, time(9), ZoneInfo(Program.current().desk_time_zone))


@requires("advocates.change_cohort")
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Invite nobody more in this round."""
    batch = get_object_or_404(CohortBatch.objects.select_related("cohort"), pk=pk)
    try:
        acting.stop(batch, at=timezone.now())
        messages.success(request, _("Stopped. Nobody more is invited; who is invited stays so."))
    except Refused:
        messages.warning(request, _("This round is over already."))
    return redirect("advocates:cohort", batch.cohort_id)


# --- Look-alike -------------------------------------------------------------------------------------------------------
@requires("advocates.change_cohort")
@require_http_methods(["GET", "HEAD", "POST"])
def alike(request: HttpRequest) -> HttpResponse:
    """What the most active advocates have in common; ticked facts become a cohort."""
    at = timezone.now()
    found = cohorts.likenesses(at=at)
    if request.method == "POST":
        ticked = set(request.POST.getlist("fact"))
        chosen = [one for one in found if one.key in ticked]
        if chosen:
            made = acting.make_alike(chosen, by=request.user, at=at)
            messages.success(request, _("A cohort of people like them. Look it over before you invite."))
            return redirect("advocates:cohort", made.pk)
        messages.warning(request, _("Tick at least one fact."))
    context = {"likenesses": found, "active": found[0].active if found else 0}
    return respond(request, "advocates/cohorts_alike.html", context, status=409 if request.method == "POST" else 200)
