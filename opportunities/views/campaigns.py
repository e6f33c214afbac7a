"""Review campaigns for those who run them, and the signed page of whoever is asked (O8)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.lib import charts, signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import public, requires
from opportunities import campaigns as rules
from opportunities.actions import campaigns as actions
from opportunities.forms.campaigns import CampaignForm, ToldForm
from opportunities.models import ReviewAsk, ReviewCampaign, ReviewSite

RUN = "opportunities.run_campaigns"


@requires(RUN)
@require_safe
def campaign_list(request: HttpRequest) -> HttpResponse:
    """Every campaign, and the sites with the reviews we have seen there."""
    rows = ReviewCampaign.objects.select_related("site", "cohort")
    if (status := request.GET.get("status", "")) in ReviewCampaign.Status.values:
        rows = rows.filter(status=status)
    page = page_by_key(rows, ("-created_at", "-pk"), request.GET, size=20)
    sites = rules.by_site()
    context = {
        "page": page, "statuses": ReviewCampaign.Status.choices, "sites": sites, "status": status,
        "chart": _chart(sites),
    }  # fmt: skip
    return respond(request, "opportunities/campaigns/list.html", context)


@requires(RUN)
@require_http_methods(["GET", "HEAD", "POST"])
def write_campaign(request: HttpRequest, public_id: UUID | None = None) -> HttpResponse:
    """A new campaign, or a draft changed."""
    one = get_object_or_404(ReviewCampaign, public_id=public_id) if public_id else None
    form = CampaignForm(request.POST or None, campaign=one)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            kept = actions.write(one, **form.cleaned_data, by=request.user, at=timezone.now())
            messages.success(request, _("Kept. Nobody is asked before you start it."))
            return redirect("opportunities:campaign", kept.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    context = {"form": form, "one": one, "no_sites": not ReviewSite.objects.filter(is_used=True).exists()}
    return respond(request, "opportunities/campaigns/write.html", context, status=status)


def _chart(sites: list[tuple[ReviewSite, int, int]]) -> Any:
    if not any(seen for _site, _asked, seen in sites):
        return charts.nothing_yet(_("No review has been seen yet."))
    points = [(site.name, seen) for site, _asked, seen in sites]
    return charts.hbars(points, title=_("Reviews seen on each site"), label_head=_("Site"), value_head=_("Reviews"))


def _campaign(public_id: UUID) -> ReviewCampaign:
    rows = ReviewCampaign.objects.select_related("site", "cohort", "run_by")
    return get_object_or_404(rows, public_id=public_id)


@requires(RUN)
@require_safe
def one_campaign(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Whom it asks and why not the others, how far it is, and the reviews people told of."""
    return _page(request, _campaign(public_id), at=timezone.now())


def _page(request: HttpRequest, one: ReviewCampaign, *, at: datetime, status: int = 200, **more: Any) -> HttpResponse:
    asks = ReviewAsk.objects.filter(campaign=one)
    told = asks.filter(told_at__isnull=False).select_related("contact__account")
    if request.GET.get("show") == "waiting":
        told = told.filter(verified_at__isnull=True)
    page = page_by_key(told, ("-told_at", "-pk"), request.GET, size=30)
    draft = one.status == ReviewCampaign.Status.DRAFT
    context = {
        "one": one, "draft": draft, "standing": rules.standing(asks), "page": page,
        "by_rules": rules.asking(one) if one.by_rule else (),
        "reach": rules.reach(one, at=at) if draft and not one.by_rule else None,
        "refusal": rules.why_not(rules.definition_of(one)),
        **more,
    }  # fmt: skip
    return respond(request, "opportunities/campaigns/campaign.html", context, status=status)


@requires(RUN)
@require_POST
def act(request: HttpRequest, public_id: UUID, what: str) -> HttpResponse:
    """Start or close it."""
    one, at = _campaign(public_id), timezone.now()
    try:
        if what == "start":
            actions.start(one, by=request.user, at=at)
            said = _("It is on its way: the first mails leave within a minute.")
            messages.success(request, _("It is open: rules that choose it ask from now on.") if one.by_rule else said)
        else:
            actions.close(one, at=at)
            messages.success(request, _("It is closed; nobody more is asked."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:campaign", one.public_id)


@requires(RUN)
@require_POST
def act_on_review(request: HttpRequest, public_id: UUID, what: str) -> HttpResponse:
    """We have seen a review, or not; the thanks have been sent."""
    one, at = _campaign(public_id), timezone.now()
    ask = get_object_or_404(ReviewAsk, campaign=one, pk=whole_number(request.POST.get("ask", "")) or 0)
    try:
        if what == "seen":
            actions.verify(ask, by=request.user, at=at)
            messages.success(request, _("Counted."))
        elif what == "thanked":
            actions.thanked(ask, at=at)
            messages.success(request, _("Noted."))
        else:
            actions.not_there(ask, reason=plain(request.POST.get("reason")), at=at)
            messages.success(request, _("Noted; their page says so."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:campaign", one.public_id)


# --- Whoever is asked -------------------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, token: str) -> HttpResponse:
    """Where to write, what to disclose, and a word that it is done; opening it changes nothing."""
    try:
        rows = ReviewAsk.objects.select_related("campaign__site", "campaign__run_by", "contact")
        ask = rows.get(public_id=UUID(signed.read("review", token)))
    except signed.BadLink as problem:
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": str(problem)}, status=404)
    except (ReviewAsk.DoesNotExist, ValueError):
        sentence = _("What this link asked about is gone.")
        return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)
    at, status = timezone.now(), 200
    form = ToldForm(request.POST or None, initial={"review_url": ask.review_url, "shown_as": ask.shown_as})
    if request.method == "POST":
        status = 422
        try:
            if request.POST.get("said") == "no":
                actions.would_rather_not(ask, at=at)
                return redirect(request.path)
            if form.is_valid():
                actions.tell(ask, **form.cleaned_data, at=at)
                return redirect(request.path)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    context = {"ask": ask, "campaign": ask.campaign, "form": form, "disclosure": rules.DISCLOSURE}
    return respond(request, "opportunities/campaigns/review.html", context, status=status)


urlpatterns: list[URLPattern] = [
    path("reviews/", campaign_list, name="campaigns"),
    path("reviews/new/", write_campaign, name="campaign_new"),
    path("reviews/<uuid:public_id>/", one_campaign, name="campaign"),
    path("reviews/<uuid:public_id>/write/", write_campaign, name="campaign_write"),
    path("review/<str:token>/", review, name="review"),
]
urlpatterns += [
    path(f"reviews/<uuid:public_id>/{what}/", act, {"what": what}, name=f"campaign_{what}")
    for what in ("start", "close")
]
urlpatterns += [
    path(f"reviews/<uuid:public_id>/{what}/", act_on_review, {"what": what}, name=f"review_{what.replace('-', '_')}")
    for what in ("seen", "not-there", "thanked")
]
