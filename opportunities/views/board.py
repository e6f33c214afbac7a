"""The board, one opportunity, claiming it, and an advocate's claims."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.lib import calendar, signed
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import public, requires
from opportunities import board as rules
from opportunities import desk, presentation
from opportunities.actions import board as actions
from opportunities.eligibility import Code, Standing, Who, standing, who, who_signed_in
from opportunities.forms.board import FeedbackForm, QuestionsForm, ReasonForm, TimeForm
from opportunities.forms.desk import zone_of
from opportunities.mails.board import organizer_of
from opportunities.models import (
    COURSE,
    UNDER_WAY,
    Claim,
    ClaimFeedback,
    Group,
    Nomination,
    Opportunity,
    ProposedTime,
    Waiting,
)

BROWSE = "opportunities.browse_board"
CLAIM = "opportunities.claim"
OFFER = "offer"
"""Purpose of signed links that answer an offered seat."""

CALENDAR = "calendar"
"""Purpose of signed links to a calendar file."""

ENDED_SHOWN = 30
ORDER_WORDS = {
    "": _lazy("For you"), "newest": _lazy("Newest"), "ending": _lazy("Closing soon"), "short": _lazy("Shortest"),
    "points": _lazy("Most points"),
}  # fmt: skip


# --- The board --------------------------------------------------------------------------------------------------------
@requires(BROWSE)
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Cards of what is open to the reader; filters and place live in the address."""
    at = timezone.now()
    filters = rules.Filters.of(request.GET)
    person = who_signed_in(request.user, at=at)
    context: dict[str, Any] = {"filters": filters, "person": person, "groups": Group.choices}
    if person is None:
        page, more = _page_for_staff(request, filters, at=at)
        since = None
    else:
        page, more = _page_for(request, person, filters, at=at)
        since = actions.see_board(person, at=at)
        context["new_count"] = presentation.board_news(request.user, person, since, at=at)
        context["missing"] = rules.missing_purposes(person)
    context |= {
        "cards": [presentation.card(one, person, since=since) for one in page],
        "more": more,
        "since": since,
        "new_words": rules.new_words(context.get("new_count", 0)),
        "orders": ORDER_WORDS.items() if person else [],
        "order_word": ORDER_WORDS[filters.order],
        "languages": settings.LANGUAGES,
        "kind_word": page[0].kind.name if page else filters.kind,
        "kept": _kept(request, "q"),
        "kept_by_more": _kept(request, "place", "language", "ends"),
    }
    return respond(request, "opportunities/board.html", context, fragment="page")


def _kept(request: HttpRequest, *changed: str) -> list[tuple[str, str]]:
    """The rest of the address, for a form that changes a part of it."""
    left = {"after", *changed}
    return [(key, value) for key, values in request.GET.lists() if key not in left for value in values]


def _page_for(
    request: HttpRequest, person: Who, filters: rules.Filters, *, at: datetime
) -> tuple[list[Opportunity], str]:
    day, token = _place(request, person.day(at))
    page = rules.page_for(person, filters, at=at, day=day, after=token)
    return page.items, _more(request, day, page.next)


def _page_for_staff(request: HttpRequest, filters: rules.Filters, *, at: datetime) -> tuple[list[Opportunity], str]:
    """Colleagues see everything that is on the board, the newest first."""
    rows = filters.apply(Opportunity.objects.open(at=at).listed(), at=at)
    day, token = _place(request, at.date())
    page = page_by_key(
        presentation.slim(rows).with_seats_taken(at=at),  # type: ignore[attr-defined]
        rules.ORDERS["newest"],
        {"after": token},
        size=rules.PAGE,
    )
    return page.items, _more(request, day, page.next)


def _place(request: HttpRequest, today: date) -> tuple[date, str]:
    """The day whose order is paged through, and the place in it. A list begun before midnight keeps its order."""
    day_said, _tilde, token = request.GET.get("after", "").partition("~")
    try:
        day = parse_date(day_said)
    except ValueError:
        day = None
    if day is None or not token or abs(today - day) > timedelta(days=1):
        return today, ""
    return day, token


def _more(request: HttpRequest, day: date, token: str) -> str:
    if not token:
        return ""
    query = request.GET.copy()
    query["after"] = f"{day.isoformat()}~{token}"
    return f"?{query.urlencode()}"


@requires(BROWSE)
@require_safe
def go(request: HttpRequest) -> HttpResponse:
    """The short address people remember."""
    query = request.GET.urlencode()
    return redirect(reverse("opportunities:board") + (f"?{query}" if query else ""))


@requires(BROWSE)
@require_safe
def go_to(request: HttpRequest, code: str) -> HttpResponse:
    """The short address of one opportunity: the first ten digits of its id."""
    if not re.fullmatch(r"[0-9a-f]{10}", code):
        raise Http404
    low, high = UUID(code.ljust(32, "0")), UUID(code.ljust(32, "f"))
    opportunity = Opportunity.objects.visible_to(request.user).filter(public_id__range=(low, high)).first()
    if opportunity is None:
        raise Http404
    return redirect("opportunities:opportunity", opportunity.public_id)


# --- One opportunity --------------------------------------------------------------------------------------------------
@requires(BROWSE)
@require_safe
def opportunity(request: HttpRequest, public_id: UUID) -> HttpResponse:
    at = timezone.now()
    row = _get(request, public_id)
    person = who_signed_in(request.user, at=at)
    return _show(request, row, person, at=at)


def _get(request: HttpRequest, public_id: UUID) -> Opportunity:
    rows = Opportunity.objects.visible_to(request.user).select_related("kind", "run_by", "team").defer("search")
    return get_object_or_404(rows, public_id=public_id)


def _show(
    request: HttpRequest,
    row: Opportunity,
    person: Who | None,
    *,
    at: datetime,
    form: QuestionsForm | None = None,
    found: Standing | None = None,
    status: int = 200,
) -> HttpResponse:
    if person is not None:
        found = found or standing(person, row, at=at)
    context = presentation.detail(row, person, found, at=at)
    context["form"] = form or QuestionsForm(opportunity=row)
    context["is_mine"] = person is not None and request.user.has_perm(CLAIM)
    return respond(request, "opportunities/opportunity.html", context, fragment="claim", status=status)


# --- Claiming ---------------------------------------------------------------------------------------------------------
@requires(CLAIM)
@require_POST
def take(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One tap, or the answered questions; from a card or from the page."""
    at = timezone.now()
    row = _get(request, public_id)
    person = _me(request, at=at)
    form = QuestionsForm(request.POST, opportunity=row)
    from_card = request.POST.get("from") == "card"
    if not form.is_valid():
        if from_card:
            return redirect("opportunities:opportunity", public_id)
        return _show(request, row, person, at=at, form=form, status=422)
    wording = presentation.consent_wording(row) if row.kind.purpose and request.POST.get("agree") == "yes" else ""
    try:
        made = actions.claim(person.advocate, row, at=at, answers=form.answers, consent_wording=wording)
    except actions.NotClaimed as refusal:
        return _not_claimed(request, row, person, refusal.standing, form, at=at, from_card=from_card)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _show(request, row, person, at=at, form=form, status=409)
    messages.success(request, _("You are in: “%(title)s”.") % {"title": row.title})
    if from_card and getattr(request, "htmx", False):
        return _card(request, row, Standing(Code.CLAIMED, claim=made), person, at=at)
    if getattr(request, "htmx", False):
        return _show(request, row, person, at=at, found=Standing(Code.CLAIMED, claim=made))
    return redirect("opportunities:claim", made.public_id)


def _not_claimed(
    request: HttpRequest,
    row: Opportunity,
    person: Who,
    found: Standing,
    form: QuestionsForm,
    *,
    at: datetime,
    from_card: bool,
) -> HttpResponse:
    if found.code == Code.CLAIMED and found.claim is not None:
        # A second tap: nothing has changed, and nothing is wrong.
        messages.info(request, found.sentence)
        if not getattr(request, "htmx", False):
            return redirect("opportunities:claim", found.claim.public_id)
        status = 200
    else:
        if not from_card:
            messages.warning(request, found.sentence)
        status = 409
    if from_card and getattr(request, "htmx", False):
        return _card(request, row, found, person, at=at, status=status)
    return _show(request, row, person, at=at, form=form, found=found, status=status)


def _card(
    request: HttpRequest, row: Opportunity, found: Standing, person: Who, *, at: datetime, status: int = 200
) -> HttpResponse:
    """The one card that was tapped, as it stands now."""
    rows = Opportunity.objects.filter(pk=row.pk).with_seats_taken(at=at, besides=person.advocate)
    fresh = presentation.slim(rows).get()
    rules.judge([fresh], person, day=person.day(at))
    shown = {**presentation.card(fresh, person), "code": found.code, "claim": found.claim, "sentence": found.sentence}
    return respond(request, "opportunities/card.html", {"card": shown}, fragment="card", status=status)


def _me(request: HttpRequest, *, at: datetime) -> Who:
    person = who_signed_in(request.user, at=at)
    if person is None:
        raise Http404
    return person


@requires(CLAIM)
@require_POST
def wait(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A place on the waitlist."""
    at = timezone.now()
    row, person = _get(request, public_id), _me(request, at=at)
    try:
        actions.wait(person.advocate, row, at=at)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _show(request, row, person, at=at, status=409)
    messages.success(request, _("You are on the waitlist. We write to you as soon as a seat is yours."))
    return _after(request, row, person, at=at)


@requires(CLAIM)
@require_POST
def stop_waiting(request: HttpRequest, public_id: UUID) -> HttpResponse:
    at = timezone.now()
    row, person = _get(request, public_id), _me(request, at=at)
    actions.stop_waiting(person.advocate, row, at=at)
    messages.info(request, _("You have left the waitlist."))
    return _after(request, row, person, at=at)


def _after(request: HttpRequest, row: Opportunity, person: Who, *, at: datetime) -> HttpResponse:
    if getattr(request, "htmx", False):
        return _show(request, row, person, at=at)
    return redirect("opportunities:opportunity", row.public_id)


# --- An offered seat, answered from the mail (O5) ---------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, token: str) -> HttpResponse:
    """Public, because the signed link stands in for the sign-in. It shows on GET and acts on POST only."""
    at = timezone.now()
    try:
        found = signed.read(OFFER, token, timedelta(days=30))
    except signed.BadLink as bad:
        return respond(request, "opportunities/offer.html", {"gone": str(bad)}, status=410)
    rows = Waiting.objects.select_related("opportunity__kind", "advocate__contact__account")
    waiting = rows.filter(pk=int(found)).first()
    if waiting is None:
        raise Http404
    contact = waiting.advocate.contact
    with timezone.override(zone_of(contact.time_zone or contact.account.time_zone)):
        return _offer(request, waiting, at=at)


def _offer(request: HttpRequest, waiting: Waiting, *, at: datetime) -> HttpResponse:
    row = waiting.opportunity
    person = who(waiting.advocate, at=at)
    stands = standing(person, row, at=at)
    form = QuestionsForm(request.POST if request.method == "POST" else None, opportunity=row)
    context: dict[str, Any] = {"waiting": waiting, "opportunity": row, "form": form, "person": person}
    if request.method != "POST":
        if stands.code not in {Code.OFFERED, Code.OPEN}:
            return respond(request, "opportunities/offer.html", {**context, "gone": stands.sentence}, status=410)
        return respond(request, "opportunities/offer.html", {**context, "standing": stands})
    answer = request.POST.get("answer", "")
    if answer == "yes":
        if not form.is_valid():
            return respond(request, "opportunities/offer.html", {**context, "standing": stands}, status=422)
        try:
            actions.claim(person.advocate, row, at=at, answers=form.answers)
        except Refused as refusal:
            return respond(request, "opportunities/offer.html", {**context, "gone": str(refusal)}, status=409)
        context["done"] = _("The seat is yours. We have written to you with what comes next.")
    elif answer == "never":
        actions.never_again(person.advocate, row, at=at)
        context["done"] = _("Understood. We will not offer you this kind again; you can change that in your profile.")
    elif answer == "no":
        actions.stop_waiting(person.advocate, row, at=at)
        context["done"] = _("Thank you for telling us. The seat goes to the next in line.")
    else:
        messages.warning(request, _("Choose one of the answers, so that we know what to do with the seat."))
        return respond(request, "opportunities/offer.html", {**context, "standing": stands}, status=422)
    return respond(request, "opportunities/offer.html", context)


# --- My claims --------------------------------------------------------------------------------------------------------
@requires(CLAIM)
@require_safe
def claims(request: HttpRequest) -> HttpResponse:
    """What I have said yes to, where each stands, and what I have done."""
    at = timezone.now()
    said = ClaimFeedback.objects.filter(claim=models.OuterRef("pk"), side=ClaimFeedback.Side.ADVOCATE)
    mine = _claims_of(request).defer("opportunity__search", "opportunity__what")
    mine = mine.annotate(has_feedback=models.Exists(said))
    under_way = mine.filter(status__in=[*UNDER_WAY, Claim.Status.DELIVERED])
    under_way = under_way.order_by(models.F("scheduled_for").asc(nulls_last=True), "-claimed_at")[:100]
    ended = mine.exclude(status__in=[*UNDER_WAY, Claim.Status.DELIVERED]).order_by("-claimed_at")
    waiting = Waiting.objects.filter(advocate__user=request.user.pk, ended_at__isnull=True)
    context = {
        "under_way": [presentation.shown(one, at=at) for one in under_way],
        "ended": [presentation.shown(one, at=at) for one in ended[:ENDED_SHOWN]],
        "waiting": waiting.select_related("opportunity__kind").defer("opportunity__search").order_by("since"),
        "at": at,
    }
    return respond(request, "opportunities/claims.html", context)


def _claims_of(request: HttpRequest) -> Any:
    rows = Claim.objects.filter(advocate__user=request.user.pk)
    return rows.select_related(
        "opportunity__kind", "opportunity__run_by", "advocate__contact", "advocate__pod__manager"
    )


def _claim(request: HttpRequest, public_id: UUID) -> Claim:
    found: Claim = get_object_or_404(_claims_of(request), public_id=public_id)
    return found


@requires(CLAIM)
@require_safe
def claim(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One claim with everything that can be done about it."""
    at = timezone.now()
    one = _claim(request, public_id)
    return respond(request, "opportunities/claim.html", _claim_context(request, one, at=at), fragment="claim")


def _claim_context(request: HttpRequest, one: Claim, *, at: datetime) -> dict[str, Any]:
    said = {question["key"]: question["label"] for question in one.opportunity.kind.questions}
    feedback = list(one.feedback.all())
    facts = presentation.shown(one, at=at)
    mine = next((given for given in feedback if given.side == ClaimFeedback.Side.ADVOCATE), None)
    asked, times = _times_of(one, at=at)
    if asked is not None:
        facts["sentence"] = (
            _("These are your times. As soon as one is picked you get a mail with a calendar file.")
            if times
            else _("None of your times is left. Could you propose others?")
        )
    return {
        **facts,
        "nomination": asked,
        "times": times,
        "may_give_feedback": facts["may_give_feedback"] and mine is None,
        "feedback": mine,
        "answers": [(said.get(key, key), answer) for key, answer in one.answers.items()],
        "manager": one.advocate.manager,
        "undo_minutes": int(actions.UNDO_WITHIN.total_seconds() // 60),
        "link": signed.sign(CALENDAR, str(one.public_id)) if one.scheduled_for else "",
    }


def _times_of(one: Claim, *, at: datetime) -> tuple[Nomination | None, list[ProposedTime]]:
    """Where the claim came from a request and no time is picked yet: the nomination, and its times to come."""
    if one.opportunity.request_id is None or not one.opportunity.kind.has_step("scheduled"):
        return None, []
    nomination = Nomination.objects.select_related("claim").filter(claim=one).prefetch_related("times").first()
    if nomination is None or not desk.wants_time(nomination):
        return None, []
    return nomination, [time for time in nomination.times.all() if time.starts_at > at]


@requires(CLAIM)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a claim back: undone with one tap shortly after, with a reason later."""
    at = timezone.now()
    one = _claim(request, public_id)
    undo = request.method == "POST" and request.POST.get("undo") == "yes"
    form = ReasonForm(request.POST if request.method == "POST" and not undo else None)
    if undo or (request.method == "POST" and form.is_valid()):
        try:
            actions.withdraw(one, reason="" if undo else form.cleaned_data["reason"], at=at)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            if undo:
                return _about_claim(request, one, at=at, status=409)
            return _withdraw_page(request, one, form, status=409)
        messages.info(request, _("Taken back: “%(title)s”.") % {"title": one.opportunity.title})
        if request.POST.get("from") == "card" and getattr(request, "htmx", False):
            person = _me(request, at=at)
            return _card(request, one.opportunity, standing(person, one.opportunity, at=at), person, at=at)
        return redirect("opportunities:claims")
    return _withdraw_page(request, one, form, status=422 if form.errors else 200)


def _withdraw_page(request: HttpRequest, one: Claim, form: ReasonForm, *, status: int) -> HttpResponse:
    context = {"form": form, "claim": one, "opportunity": one.opportunity, "back_url": _claim_url(one), "danger": True}
    return respond(request, "opportunities/claim_withdraw.html", context, status=status)


@requires(CLAIM)
@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Another time for what is set."""
    at = timezone.now()
    one = _claim(request, public_id)
    if not presentation.shown(one, at=at)["may_move"]:
        messages.warning(request, _("This time cannot be moved here. Write to your manager, or take the claim back."))
        return _about_claim(request, one, at=at, status=409)
    form = TimeForm(
        request.POST if request.method == "POST" else None,
        initial={"starts_at": timezone.localtime(one.scheduled_for) if one.scheduled_for else None},
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.reschedule(one, starts_at=form.cleaned_data["starts_at"], at=at, by=request.user)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            return _about_claim(request, one, at=at, status=409)
        messages.success(request, _("Moved. The calendar file in your mail moves it in your calendar, too."))
        return redirect(_claim_url(one))
    context = {"form": form, "claim": one, "opportunity": one.opportunity, "back_url": _claim_url(one)}
    return respond(request, "opportunities/claim_move.html", context, status=422 if form.errors else 200)


@requires(CLAIM)
@require_POST
def done(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The advocate says that it is done, for kinds without a set time."""
    at = timezone.now()
    one = _claim(request, public_id)
    try:
        actions.deliver(one, at=at, by=request.user)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _about_claim(request, one, at=at, status=409)
    messages.success(request, _("Thank you! We look at it, and then the points are yours."))
    return redirect(_claim_url(one))


@requires(CLAIM)
@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """How it was, from the advocate's side."""
    at = timezone.now()
    one = _claim(request, public_id)
    form = FeedbackForm(request.POST if request.method == "POST" else None, claim=one)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            actions.give_feedback(
                one,
                side=ClaimFeedback.Side.ADVOCATE,
                grade=said["grade"],
                happened=said.get("happened", True),
                text=said["text"],
                minutes=said["minutes"],
                at=at,
                by=request.user,
            )
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
        else:
            messages.success(request, _("Thank you for telling us."))
            return redirect(_claim_url(one))
    context = {"form": form, "claim": one, "opportunity": one.opportunity, "back_url": _claim_url(one)}
    return respond(request, "opportunities/claim_feedback.html", context, status=status)


@requires(CLAIM)
@require_safe
def calendar_file(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return _calendar(_claim(request, public_id))


@public
@require_safe
def calendar_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Public, because a calendar follows the signed link of a mail without anybody's session. It only reads."""
    try:
        public_id = signed.read(CALENDAR, token)
    except signed.BadLink:
        raise Http404 from None
    rows = Claim.objects.select_related("opportunity__kind", "advocate__contact", "advocate__pod__manager")
    return _calendar(get_object_or_404(rows, public_id=public_id))


def _calendar(one: Claim) -> HttpResponse:
    if one.scheduled_for is None:
        raise Http404
    ended = one.status not in COURSE
    manager = organizer_of(one)
    file = calendar.invite(
        uid=one.calendar_uid,
        sequence=one.sequence + (1 if ended else 0),
        starts_at=one.scheduled_for,
        minutes=one.minutes or 30,
        summary=one.opportunity.title,
        description=one.opportunity.summary,
        organizer=(str(manager), manager.email) if manager else "",
        method="CANCEL" if ended else "PUBLISH",
        location=one.meets_at,
    )
    answer = HttpResponse(file, content_type=f"text/calendar; charset=utf-8; method={'CANCEL' if ended else 'PUBLISH'}")
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename="appointment.ics") or ""
    return answer


def _claim_url(one: Claim) -> str:
    return reverse("opportunities:claim", args=[one.public_id])


def _about_claim(request: HttpRequest, one: Claim, *, at: datetime, status: int) -> HttpResponse:
    fresh = _claim(request, one.public_id)
    context = _claim_context(request, fresh, at=at)
    return respond(request, "opportunities/claim.html", context, fragment="claim", status=status)


urlpatterns: list[URLPattern] = [
    path("go", go, name="go"),
    path("go/<slug:code>", go_to, name="go_to"),
    path("opportunities/", board, name="board"),
    path("opportunities/<uuid:public_id>/", opportunity, name="opportunity"),
    path("opportunities/<uuid:public_id>/claim/", take, name="take"),
    path("opportunities/<uuid:public_id>/wait/", wait, name="wait"),
    path("opportunities/<uuid:public_id>/stop-waiting/", stop_waiting, name="stop_waiting"),
    path("offer/<str:token>/", offer, name="offer"),
    path("claims/", claims, name="claims"),
    path("claims/<uuid:public_id>/", claim, name="claim"),
    path("claims/<uuid:public_id>/calendar.ics", calendar_file, name="calendar"),
    path("claims/<uuid:public_id>/withdraw/", withdraw, name="withdraw"),
    path("claims/<uuid:public_id>/time/", move, name="move"),
    path("claims/<uuid:public_id>/done/", done, name="done"),
    path("claims/<uuid:public_id>/feedback/", feedback, name="feedback"),
    path("calendar/<str:token>.ics", calendar_by_mail, name="calendar_by_mail"),
]
