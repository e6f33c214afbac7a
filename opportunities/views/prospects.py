"""The prospect's own page behind a signed link, what the requester does to a set time, and briefings (D7, D8)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.lib import signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.forms import zones
from advocacy.users.rights import public, requires
from opportunities import briefings
from opportunities import desk as rules
from opportunities.actions import prospects as actions
from opportunities.forms.desk import SayForm, zone_of
from opportunities.forms.prospects import AfterForm, HandOverForm, NotAboutForm
from opportunities.mails.prospects import calendar_of
from opportunities.models import Claim, Nomination, ProposedTime, ProspectLink, ReferenceRequest

FILE = "opportunities.file_request"
ANSWER = "opportunities.answer_nomination"


# --- The prospect's page ----------------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def prospect(request: HttpRequest, token: str) -> HttpResponse:
    """A prospect picks, moves or calls off a time without an account. Opening the page changes nothing."""
    at, status = timezone.now(), 200
    try:
        link = actions.read(token, at=at)
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    zone = actions.known_zone(plain(request.POST.get("zone") or request.GET.get("zone"))) or link.time_zone
    forms: dict[str, Any] = {}
    with timezone.override(zone_of(zone)):
        if request.method == "POST":
            status, done = _take(request, link, forms, zone=zone, at=at)
            if done:
                messages.success(request, done)
                done_for_good = reverse("opportunities:prospect_done")  # the link opens nothing any more
                told = {"call_off": done_for_good, "tell": f"{done_for_good}?told=yes"}
                return redirect(told.get(request.POST.get("do", ""), request.path))
            try:
                link = actions.read(token, at=at)
            except signed.BadLink as problem:
                return _bad_link(request, str(problem))
        return _prospect_page(request, link, zone=zone, token=token, at=at, status=status, **forms)


def _take(
    request: HttpRequest, link: ProspectLink, forms: dict[str, Any], *, zone: str, at: datetime
) -> tuple[int, str]:
    """One deed of the prospect; the status to show the page with, or the sentence of success."""
    do = request.POST.get("do", "")
    try:
        if do == "pick":
            number = whole_number(request.POST.get("time"))
            time = ProposedTime.objects.filter(pk=number or 0).first()
            if time is None:
                gone = _("The times have changed meanwhile. Pick one of those that are shown now.")
                messages.warning(request, gone if number else _("Choose one of the times first."))
                return 422, ""
            actions.pick(link, time, zone=zone, at=at)
            return 200, _("The time is set. Your calendar file is below.")
        if do == "other":
            form = forms["other_form"] = _other_form(request.POST)
            if form.is_valid():
                actions.none_fits(link, text=form.cleaned_data["text"], at=at)
                return 200, _("Thank you. New times are on their way to you.")
        if do == "tell":
            after = forms["after_form"] = AfterForm(request.POST)
            if after.is_valid():
                said = after.cleaned_data
                actions.say_how_it_was(link, happened=said["happened"] == "yes", text=said["text"], at=at)
                return 200, _("Thank you for telling us.")
        if do == "call_off":
            form = forms["off_form"] = _off_form(request.POST)
            if form.is_valid():
                actions.call_off(link, reason=form.cleaned_data["text"], at=at)
                return 200, _("It is called off, and everybody is told. Thank you for letting us know.")
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return 409, ""
    return 422, ""


def _prospect_page(
    request: HttpRequest, link: ProspectLink, *, zone: str, token: str, at: datetime, status: int, **forms: Any
) -> HttpResponse:
    nomination = link.nomination
    claim, wanted = nomination.claim, nomination.request
    is_set = actions.is_set(nomination, at=at)
    stands = nomination.status == Nomination.Status.ACCEPTED and wanted.status not in rules.ENDED
    times = [one for one in nomination.times.all() if one.starts_at > at]
    if is_set and claim:
        times = [one for one in times if one.starts_at != claim.scheduled_for]
    context = {
        "link": link, "nomination": nomination, "wanted": wanted, "claim": claim, "token": token,
        "times": times, "is_set": is_set and stands, "stands": stands,
        "to_pick": stands and not is_set and rules.wants_time(nomination) and bool(times),
        "to_come": stands and not is_set and rules.wants_time(nomination) and not times,
        "zone": zone.replace("_", " "), "zone_key": zone, "zones": zones(), "off_limits": nomination.not_about,
        "other_form": forms.get("other_form") or _other_form(None),
        "off_form": forms.get("off_form") or _off_form(None),
        "after_form": (forms.get("after_form") or AfterForm()) if actions.may_tell(nomination, at=at) else None,
    }  # fmt: skip
    answer = respond(request, "opportunities/desk/prospect.html", context, status=status)
    # The address is the key: it goes to nobody else. (No referrer at all would make browsers post from nowhere.)
    answer["Referrer-Policy"] = "same-origin"
    answer["X-Robots-Tag"] = "noindex"
    return answer


def _other_form(data: Any) -> SayForm:
    return SayForm(
        data, label=_("When would it suit?"), help_text=_("They read this and propose other times."), prefix="other",
        rows=2,
    )  # fmt: skip


def _off_form(data: Any) -> SayForm:
    return SayForm(
        data, label=_("Why?"), help_text=_("A few words; everybody who planned with it reads them."), prefix="off",
        rows=2,
    )  # fmt: skip


@public
@require_safe
def prospect_done(request: HttpRequest) -> HttpResponse:
    """Says that it is called off, or thanks: by then the link opens nothing, and this page knows nothing."""
    return respond(request, "opportunities/desk/prospect_done.html", {"told": request.GET.get("told") == "yes"})


@public
@require_safe
def prospect_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """Public, because a calendar follows the prospect's link without anybody's session. It only reads."""
    at = timezone.now()
    try:
        link = actions.read(token, at=at)
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    claim = link.nomination.claim
    if claim is None or claim.scheduled_for is None or claim.status != Claim.Status.SCHEDULED:
        return _bad_link(request, _("No time is set, so there is nothing for your calendar yet."))
    file = calendar_of(link, claim, "PUBLISH", sequence=claim.sequence, at=at)
    answer = HttpResponse(file, content_type="text/calendar; charset=utf-8; method=PUBLISH")
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename="appointment.ics") or ""
    return answer


def _bad_link(request: HttpRequest, sentence: str) -> HttpResponse:
    return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)


# --- The requester ----------------------------------------------------------------------------------------------------
def _of_own(request: HttpRequest, public_id: UUID, nomination: UUID) -> Nomination:
    """The nomination of a request one may see; whoever may not learns nothing of it."""
    wanted = get_object_or_404(ReferenceRequest.objects.visible_to(request.user), public_id=public_id)
    rows = Nomination.objects.select_related(
        "request__kind", "request__requester", "request__manager", "advocate__contact__account", "claim"
    )
    found: Nomination = get_object_or_404(rows.prefetch_related("times"), request=wanted, public_id=nomination)
    return found


@requires(FILE)
@require_http_methods(["GET", "HEAD", "POST"])
def for_prospect(request: HttpRequest, public_id: UUID, nomination: UUID) -> HttpResponse:
    """The link for the prospect: made, shown to be copied, mailed, taken back."""
    at, status = timezone.now(), 200
    one = _of_own(request, public_id, nomination)
    wanted = one.request
    if one.status != Nomination.Status.ACCEPTED:
        raise Http404
    start = {"name": wanted.prospect_person, "time_zone": wanted.requester.time_zone}
    form = HandOverForm(initial=start)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "take_back":
                standing = ProspectLink.objects.filter(nomination=one, revoked_at__isnull=True).first()
                if standing is not None:
                    actions.take_back(standing, by=request.user, at=at)
                messages.success(request, _("The link opens nothing any more."))
                return redirect(request.path)
            form = HandOverForm(request.POST)
            status = 422
            if form.is_valid():
                said = form.cleaned_data
                made = actions.hand_over(
                    one, name=said["name"], email=said["email"], zone=said["time_zone"], by=request.user, at=at
                )
                messages.success(request, _("The link is on its way to %(email)s.") % {"email": made.email}
                                 if made.email else _("Here is the link. Pass it on to them alone."))  # fmt: skip
                return redirect(request.path)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    link = ProspectLink.objects.filter(nomination=one, revoked_at__isnull=True).select_related("made_by").first()
    shown = link is not None and (link.opens(at=at) or actions.is_set(one, at=at))
    address = ""
    if link is not None and shown:
        address = request.build_absolute_uri(reverse("opportunities:prospect", args=[actions.token_of(link)]))
    context = {
        "wanted": wanted, "nomination": one, "link": link, "address": address, "form": form,
        "may": actions.may_be_handed(one) and wanted.status not in rules.ENDED,
        "back_url": reverse("opportunities:request", args=[wanted.public_id]),
    }  # fmt: skip
    return respond(request, "opportunities/desk/for_prospect.html", context, status=status)


@requires(FILE)
@require_POST
def move_set_time(request: HttpRequest, public_id: UUID, nomination: UUID) -> HttpResponse:
    """The requester moves a set time to another one proposed, asks for others, or says where they meet."""
    one, at = _of_own(request, public_id, nomination), timezone.now()
    back = redirect("opportunities:request", one.request.public_id)
    try:
        if "place" in request.POST:
            actions.meet_at(one, place=plain(request.POST.get("place")), by=request.user, at=at)
            messages.success(request, _("Everybody has it, and so have their calendars once a time is set."))
        elif request.POST.get("time"):
            number = whole_number(request.POST.get("time"))
            time = next((time for time in one.times.all() if time.pk == number), None)
            if time is None:
                messages.warning(request, _("The times have changed meanwhile. Pick one of those that are shown now."))
                return back
            actions.move(one, time, at=at, by=request.user)
            messages.success(request, _("Moved. Every calendar follows."))
        else:
            actions.another_time(one, text=plain(request.POST.get("text"))[:2000], at=at, by=request.user)
            messages.success(request, _("Every calendar is freed, and the advocate is asked for other times."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return back


# --- Briefings --------------------------------------------------------------------------------------------------------
def _nominations() -> Any:
    return Nomination.objects.select_related(
        "request__kind", "request__manager", "request__requester", "advocate__contact__account", "advocate__user",
        "claim", "nominated_by",
    )  # fmt: skip


@requires(ANSWER)
@require_http_methods(["GET", "HEAD", "POST"])
def briefing(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What an advocate reads before they meet; their own, and nobody else's."""
    one = get_object_or_404(_nominations(), public_id=public_id, advocate__user=request.user.pk)
    if not briefings.may_be_read(one):
        raise Http404
    return _briefing(request, one)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def briefing_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The same by the signed link of a mail to the advocate."""
    try:
        one = _nominations().get(public_id=UUID(signed.read("briefing", token)))
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (Nomination.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link was about is gone."))
    if not briefings.may_be_read(one):
        return _bad_link(request, _("This has ended meanwhile: there is nothing to prepare for."))
    return _briefing(request, one)


def _briefing(request: HttpRequest, one: Nomination) -> HttpResponse:
    contact = one.advocate.contact
    zone = zone_of(contact.time_zone or contact.account.time_zone)
    form, status = NotAboutForm(initial={"not_about": one.not_about}), 200
    with timezone.override(zone):
        if request.method == "POST":
            form, status = NotAboutForm(request.POST), 422
            if form.is_valid():
                try:
                    actions.rather_not(one, text=form.cleaned_data["not_about"], at=timezone.now())
                    messages.success(request, _("Thank you. The other side reads it before you meet."))
                    return redirect(request.path)
                except Refused as refusal:
                    messages.warning(request, str(refusal))
                    status = 409
        context = {
            "brief": briefings.for_advocate(one), "nomination": one, "wanted": one.request, "claim": one.claim,
            "form": form, "zone": str(zone).replace("_", " "), "manager": one.request.manager or one.nominated_by,
        }  # fmt: skip
        return respond(request, "opportunities/desk/briefing.html", context, status=status)


@requires(FILE)
@require_safe
def seller_briefing(request: HttpRequest, public_id: UUID, nomination: UUID) -> HttpResponse:
    """What the seller reads before they meet: from the yes on, and not before."""
    one = _of_own(request, public_id, nomination)
    if not briefings.may_be_read(one):
        raise Http404
    context = {
        "brief": briefings.for_seller(one, at=timezone.now()), "nomination": one, "wanted": one.request,
        "claim": one.claim, "contact": one.advocate.contact,
        "back_url": reverse("opportunities:request", args=[one.request.public_id]),
    }  # fmt: skip
    return respond(request, "opportunities/desk/seller_briefing.html", context)


urlpatterns: list[URLPattern] = [
    path("requests/<uuid:public_id>/prospect/<uuid:nomination>/", for_prospect, name="for_prospect"),
    path("requests/<uuid:public_id>/set-time/<uuid:nomination>/", move_set_time, name="move_set_time"),
    path("requests/<uuid:public_id>/briefing/<uuid:nomination>/", seller_briefing, name="seller_briefing"),
    path("nominations/<uuid:public_id>/briefing/", briefing, name="briefing"),
    path("briefing/<str:token>/", briefing_by_mail, name="briefing_by_mail"),
    path("with-us/done/", prospect_done, name="prospect_done"),
    path("with-us/<str:token>/", prospect, name="prospect"),
    path("with-us/<str:token>/appointment.ics", prospect_calendar, name="prospect_calendar"),
]
