"""Requests as their requesters see them; nominations as advocates answer them; signed pages for both."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.db.models import Case, IntegerField, Q, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.crm import consent
from advocacy.crm.models import Account, Deal, StakeholderTeam
from advocacy.lib import export, signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import public, requires
from opportunities import briefings, files, fitting, sops
from opportunities import desk as rules
from opportunities.actions import desk as actions
from opportunities.forms.desk import (
    DeclineForm,
    FactsForm,
    HowWasItForm,
    RequestForm,
    SayForm,
    TimesForm,
    draft_of,
    text_from,
    zone_of,
)
from opportunities.models import (
    Claim,
    ClaimFeedback,
    Nomination,
    OpportunityKind,
    Proof,
    ProofUse,
    ProposedTime,
    ReferenceRequest,
)
from opportunities.presentation import consent_wording
from opportunities.request_pages import happened, nominations_of, told, where_it_stands, yes_of

FILE = "opportunities.file_request"
ANSWER = "opportunities.answer_nomination"
FITS = "opportunities/desk/fits.html"
DEALS_SHOWN = 6
WORDS_KEPT = 600  # seconds the suggestions of the form are remembered


# --- Filing -----------------------------------------------------------------------------------------------------------
@requires(FILE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_request(request: HttpRequest) -> HttpResponse:
    """File a request. Its buttons also look for a deal and pick one, so nothing typed is lost without JavaScript."""
    at = timezone.now()
    today = timezone.localdate(at)
    options: dict[str, Any] = {"user": request.user, "today": today}
    if request.method != "POST":
        deal = _deal(request, request.GET.get("deal"))
        team = request.user.teams.first()  # type: ignore[union-attr]
        start = {"team": team.pk if team else "", "wanted": 1, **_like(request), **text_from(deal)}
        start["deal"] = deal.pk if deal else ""
        return _form_page(request, RequestForm(initial=start, **options), deal, query=plain(request.GET.get("q")))
    before = _deal(request, request.POST.get("deal"))
    query = plain(request.POST.get("q"))
    if "enough" in request.POST:
        return _enough(request, before, at=at)
    if "pick" in request.POST or "find" in request.POST or "look" in request.POST:
        deal = _deal(request, request.POST["pick"]) if "pick" in request.POST else before
        draft = draft_of(request.POST, deal=deal, before=before, fields=RequestForm.base_fields)
        found = query if "find" in request.POST else ""
        return _form_page(request, RequestForm(initial=draft, **options), deal, query=found)
    form = RequestForm(request.POST, **options)
    if not form.is_valid():
        return _form_page(request, form, before, query="", status=422)
    said = form.cleaned_data
    try:
        filed = actions.file_request(
            requester=request.user, kind=said["kind"], prospect=said["prospect"], needed_by=said["needed_by"],
            wanted=said["wanted"], team=said["team"], deal=said["deal"], facts=form.facts, at=at,
            too_early_because=said["too_early_because"], needed_at=said["needed_at"],
        )  # fmt: skip
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _form_page(request, form, before, query="", status=409)
    messages.success(request, _("Your request is with the desk. This page shows where it stands."))
    return redirect("opportunities:request", filed.public_id)


def _like(request: HttpRequest) -> dict[str, Any]:
    """What an earlier request of one's own said, to begin with; the day it is needed by is a new one."""
    try:
        rows = ReferenceRequest.objects.filter(requester=request.user.pk, public_id=UUID(request.GET.get("like", "")))
    except ValueError:
        return {}
    said = rows.values(*FactsForm.base_fields, "kind", "wanted", "team", "prospect").first()
    return said or {}


def _enough(request: HttpRequest, deal: Deal | None, *, at: datetime) -> HttpResponse:
    """What was shown while the form was filled in is enough: nobody is asked, and what served goes on record."""
    form = RequestForm(request.POST, user=request.user, today=timezone.localdate(at), enough=True)
    proof = _proof(request, request.POST["enough"])
    if proof is None:
        form.add_error(None, _("What you chose is not shown any more. Look at what fits now."))
        return _form_page(request, form, deal, query="", status=409)
    if not form.is_valid():
        return _form_page(request, form, deal, query="", status=422)
    said = form.cleaned_data
    try:
        filed = actions.file_as_enough(
            proof=proof, requester=request.user, kind=said["kind"], prospect=said["prospect"],
            needed_by=said["needed_by"], wanted=said["wanted"], team=said["team"], deal=said["deal"], facts=form.facts,
            at=at,
        )  # fmt: skip
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return _form_page(request, form, deal, query="", status=409)
    messages.success(request, _("Good that it helps. Nobody had to be asked."))
    return redirect("opportunities:request", filed.public_id)


def _proof(request: HttpRequest, public_id: str) -> Proof | None:
    try:
        return Proof.objects.visible_to(request.user).filter(public_id=UUID(public_id)).first()
    except ValueError:
        return None


@requires(FILE)
@require_POST
def proof_that_fits(request: HttpRequest) -> HttpResponse:
    """What we have published that fits what is typed so far; nothing is kept."""
    return respond(request, FITS, {"fits": _fits(request.POST, at=timezone.now()), "looked": True})


def _fits(draft: Mapping[str, Any], *, at: datetime) -> list[fitting.Fit]:
    kind = OpportunityKind.objects.filter(pk=whole_number(str(draft.get("kind") or "")) or 0).first()
    return fitting.fitting(fitting.Wanted.of_draft(draft, kind=kind.slug if kind else ""), at=at)


def _form_page(
    request: HttpRequest, form: RequestForm, deal: Deal | None, *, query: str, status: int = 200
) -> HttpResponse:
    context = {
        "form": form, "deal": deal, "query": query, "deals": _deals(request, query),
        "known": _known_words(), "kinds_on_show": form.fields["kind"].queryset,  # type: ignore[attr-defined]
        "fits": _fits({name: form[name].value() for name in form.fields}, at=timezone.now()),
        "looked": bool(query) or "look" in request.POST,
        "sop": sops.current(_team(form["team"].value())),
    }  # fmt: skip
    return respond(request, "opportunities/desk/new.html", context, status=status)


def _team(pk: Any) -> StakeholderTeam | None:
    return StakeholderTeam.objects.filter(pk=whole_number(str(pk or "")) or 0).first()


@requires(FILE)
@require_safe
def deals(request: HttpRequest) -> HttpResponse:
    """The deals that fit what is typed, while it is typed."""
    query = plain(request.GET.get("q"))
    context = {"deals": _deals(request, query), "query": query, "looked": bool(query.strip())}
    return respond(request, "opportunities/desk/deals.html", context)


def _deal(request: HttpRequest, pk: Any) -> Deal | None:
    number = whole_number(str(pk or ""))
    return None if number is None else Deal.objects.visible_to(request.user).filter(pk=number).first()


def _deals(request: HttpRequest, query: str) -> list[Deal]:
    """Open deals whose name or prospect holds every word; one's own come first."""
    rows = Deal.objects.visible_to(request.user).open().select_related("account", "owner")
    words = query.split()[:5]
    if not words:
        return list(rows.filter(owner=request.user.pk).order_by("close_on", "pk")[:DEALS_SHOWN])
    for word in words:
        rows = rows.filter(Q(name__icontains=word) | Q(prospect__icontains=word))
    mine = Case(When(owner=request.user.pk, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(rows.order_by(mine, "close_on", "pk")[:DEALS_SHOWN])


def _known_words() -> Mapping[str, list[str]]:
    """What accounts have in these facts, as suggestions; remembered for a while, since it reads them all."""
    known: Mapping[str, list[str]] | None = cache.get("desk:known-words")
    if known is None:
        accounts = Account.objects.order_by()
        known = {
            fact: sorted(word for word in accounts.values_list(fact, flat=True).distinct()[:300] if word)
            for fact in ("industry", "region")
        }
        cache.set("desk:known-words", known, WORDS_KEPT)
    return known


# --- Following --------------------------------------------------------------------------------------------------------
@requires(FILE)
@require_safe
def requests(request: HttpRequest) -> HttpResponseBase:
    """One's own requests, those under way first."""
    ended = request.GET.get("show") == "ended"
    mine = ReferenceRequest.objects.filter(requester=request.user.pk).select_related("kind", "deal", "manager")
    rows = mine.filter(status__in=rules.ENDED) if ended else mine.active()
    if wanted := export.wanted(request):
        rows = rows.select_related("requester", "team").order_by("-filed_at", "-pk")
        return export.answer(request, "your requests", rows, files.REQUESTS, kind=wanted)
    page = page_by_key(rows, ("-filed_at", "-pk"), request.GET)
    context = {"page": page, "ended": ended, "any": bool(page.items) or mine.exists()}
    return respond(request, "opportunities/desk/requests.html", context, fragment="list")


def _own(request: HttpRequest, public_id: UUID) -> ReferenceRequest:
    rows = ReferenceRequest.objects.visible_to(request.user)
    found: ReferenceRequest = get_object_or_404(
        rows.select_related("kind", "deal", "manager", "requester", "team"), public_id=public_id
    )
    return found


@requires(FILE)
@require_safe
def one_request(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Where a request stands, who is waited for, and what its requester can do now."""
    return _request_page(request, _own(request, public_id), at=timezone.now())


def _request_page(
    request: HttpRequest, wanted: ReferenceRequest, *, at: datetime, status: int = 200, **forms: Any
) -> HttpResponse:
    nominations = list(nominations_of(wanted))
    notes = list(wanted.notes.filter(for_requester=True).select_related("by"))
    context = {
        "wanted": wanted,
        "mine": wanted.requester_id == request.user.pk,
        "sentence": where_it_stands(wanted, nominations, at=at),
        "people": [
            (yes_of(one, at=at), *_forms_of(one, **forms))
            for one in nominations
            if one.status == Nomination.Status.ACCEPTED
        ],
        "asked": sum(one.status == Nomination.Status.ASKED for one in nominations),
        "question": next((note for note in notes if note.asks and note.answered_at is None), None),
        "happened": happened(wanted, nominations, map(told, notes), for_desk=False),
        "ended": wanted.status in rules.ENDED,
        "fits": fitting.fitting(fitting.Wanted.of_request(wanted), at=at) if rules.may_be_enough(wanted) else [],
        "served": ProofUse.objects.filter(request=wanted, how=ProofUse.How.DEFLECTED).select_related("proof").first()
        if wanted.status == ReferenceRequest.Status.DEFLECTED
        else None,
        "answer_form": SayForm(label=_("Your answer"), prefix="answer"),
        **forms,
    }
    return respond(request, "opportunities/desk/request.html", context, fragment="page", status=status)


def _forms_of(
    one: Nomination, *, other_form: SayForm | None = None, feedback_form: HowWasItForm | None = None, **_more: Any
) -> tuple[SayForm, HowWasItForm]:
    """The forms of one who said yes, each with ids of its own; what was typed stays with whom it was said about."""
    other = other_form if other_form and other_form.auto_id == _ids(one) else _other_form(None, one)
    said = feedback_form if feedback_form and feedback_form.auto_id == _ids(one) else _feedback_form(None, one)
    return other, said


def _ids(one: Nomination) -> str:
    return f"id_{one.pk}_%s"


def _other_form(data: Any, one: Nomination) -> SayForm:
    return SayForm(
        data, label=_("When would it suit?"), help_text=_("The advocate reads this and proposes other times."),
        prefix="other", rows=2, auto_id=_ids(one),
    )  # fmt: skip


def _feedback_form(data: Any, one: Nomination) -> HowWasItForm:
    return HowWasItForm(data, prefix="how", auto_id=_ids(one))


@requires(FILE)
@require_POST
def enough(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Something we have published is enough for a request under way."""
    wanted, at = _own(request, public_id), timezone.now()
    proof = _proof(request, request.POST.get("enough", ""))
    try:
        if proof is None:
            raise Refused(_("What you chose is not shown any more. Look at what fits now."))
        actions.deflect(wanted, proof, by=request.user, at=at)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _request_page(request, _own(request, public_id), at=at, status=409)
    messages.success(request, _("Good that it helps. Whoever was asked has been told."))
    return _back_to(request, wanted)


@requires(FILE)
@require_POST
def answer_question(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Answer what the desk asked, or tell it something."""
    wanted, at = _own(request, public_id), timezone.now()
    form = SayForm(request.POST, label=_("Your answer"), prefix="answer")
    if not form.is_valid():
        return _request_page(request, wanted, at=at, status=422, answer_form=form)
    actions.answer_question(wanted, text=form.cleaned_data["text"], by=request.user, at=at)
    messages.success(request, _("The desk has your answer."))
    return _back_to(request, wanted)


@requires(FILE)
@require_POST
def choose_time(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take one of the times an advocate proposed."""
    wanted, at = _own(request, public_id), timezone.now()
    times = ProposedTime.objects.filter(nomination__request=wanted).select_related("nomination__request")
    picked = request.POST.get("time", "")
    time = times.filter(pk=whole_number(picked) or 0).first()
    if time is None:
        messages.warning(request, _no_such_time(picked))
        return _request_page(request, wanted, at=at, status=422)
    try:
        actions.pick_time(time, at=at, by=request.user)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _request_page(request, _own(request, public_id), at=at, status=409)
    messages.success(request, _("The time is set. Both of you get it by mail, with a calendar file."))
    return _back_to(request, wanted)


def _no_such_time(picked: str) -> str:
    if not picked:
        return _("Choose one of the times first.")
    return _("The times have changed meanwhile. Pick one of those that are shown now.")


@requires(FILE)
@require_POST
def other_times(request: HttpRequest, public_id: UUID, nomination: UUID) -> HttpResponse:
    """None of the times suits: ask the advocate for others."""
    wanted, at = _own(request, public_id), timezone.now()
    one = get_object_or_404(Nomination.objects.select_related("request"), request=wanted, public_id=nomination)
    form = _other_form(request.POST, one)
    if not form.is_valid():
        return _request_page(request, wanted, at=at, status=422, other_form=form)
    try:
        actions.no_time_fits(one, text=form.cleaned_data["text"], by=request.user, at=at)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _request_page(request, wanted, at=at, status=409, other_form=form)
    messages.success(request, _("We have asked for other times."))
    return _back_to(request, wanted)


@requires(FILE)
@require_POST
def tell(request: HttpRequest, public_id: UUID, claim: UUID) -> HttpResponse:
    """Say how it was."""
    wanted, at = _own(request, public_id), timezone.now()
    one = get_object_or_404(Claim.objects.select_related("nomination"), public_id=claim, nomination__request=wanted)
    form = _feedback_form(request.POST, one.nomination)
    refused = _tell(request, form, one, at=at) if form.is_valid() else 422
    if refused:
        return _request_page(request, _own(request, public_id), at=at, status=refused, feedback_form=form)
    return _back_to(request, wanted)


def _tell(request: HttpRequest, form: HowWasItForm, claim: Claim, *, at: datetime) -> int:
    said = form.cleaned_data
    by = request.user if request.user.is_authenticated else None
    try:
        actions.say_how_it_was(claim, grade=said["grade"], happened=said["happened"], text=said["text"], at=at, by=by)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return 409
    messages.success(request, _("Thank you. We pass your words on."))
    return 0


@requires(FILE)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_request(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """It is needed no more: ask once, then tell everybody it concerns."""
    wanted = _own(request, public_id)
    form = SayForm(
        request.POST or None, label=_("Why is it needed no more?"),
        help_text=_("Whoever was asked reads this."), rows=2,
    )  # fmt: skip
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.withdraw(wanted, reason=form.cleaned_data["text"], by=request.user, at=timezone.now())
            messages.success(request, _("The request is withdrawn. Whoever was asked has been told."))
            return _back_to(request, wanted)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    context = {"wanted": wanted, "form": form, "back_url": _url_of(wanted), "danger": True}
    return respond(request, "opportunities/desk/withdraw.html", context, status=status)


def _url_of(wanted: ReferenceRequest) -> str:
    return reverse("opportunities:request", args=[wanted.public_id])


def _back_to(request: HttpRequest, wanted: ReferenceRequest) -> HttpResponse:
    return redirect(_url_of(wanted))


# --- The advocate answers ---------------------------------------------------------------------------------------------
def _nominations() -> Any:
    rows = Nomination.objects.select_related(
        "request__kind", "request__manager", "request__requester", "advocate__contact__account", "advocate__user",
        "nominated_by", "claim",
    )  # fmt: skip
    return rows.prefetch_related("times")


@public
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The answer by a signed link, without signing in: whoever holds the mail may answer for its reader.

    Opening it only shows the question; a scanner that follows every link changes nothing.
    """
    try:
        public_id = signed.read("answer", token)
        nomination = _nominations().get(public_id=UUID(public_id))
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (Nomination.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    return _answer(request, nomination, back=request.path)


@requires(ANSWER)
@require_http_methods(["GET", "HEAD", "POST"])
def nomination(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The same question in the portal; until the account owner has agreed there is none, and no prospect to read of."""
    unheard = [Nomination.Status.WITH_OWNER, Nomination.Status.REFUSED]
    rows = _nominations().exclude(status__in=unheard)
    one = get_object_or_404(rows, public_id=public_id, advocate__user=request.user.pk)
    return _answer(request, one, back=request.path)


def _answer(request: HttpRequest, nomination: Nomination, *, back: str) -> HttpResponse:
    """Show the question, or take the answer; all times are on the advocate's own clock."""
    at = timezone.now()
    contact = nomination.advocate.contact
    zone = zone_of(contact.time_zone or contact.account.time_zone)
    wanted = nomination.request
    with timezone.override(zone):
        timed = wanted.kind.has_step("scheduled")
        yes = TimesForm(None, count=rules.TIMES_PROPOSED if timed else 0, minutes=wanted.kind.minutes, at=at)
        no = DeclineForm(None, wanted=wanted)
        status = 200
        if request.method == "POST":
            said = request.POST.get("answer", "")
            # Both forms are bound, so that what was typed into the other one is still there when this one is wrong.
            yes = (
                TimesForm(request.POST, count=yes.count, minutes=yes.minutes, at=at)
                if said in ("yes", "times")
                else yes
            )
            no = DeclineForm(request.POST, wanted=wanted) if said == "no" else no
            status, done = _take_answer(request, nomination, said, yes, no, at=at)
            if done:
                messages.success(request, done)
                return redirect(back)
            nomination = _nominations().get(pk=nomination.pk)
        stands = nomination.status
        claim = nomination.claim
        is_open = stands in ("asked", "expired") and wanted.status not in rules.ENDED
        context = {
            "nomination": nomination, "wanted": wanted, "contact": contact, "yes": yes, "no": no, "timed": timed,
            "zone": str(zone).replace("_", " "), "manager": wanted.manager or nomination.nominated_by,
            "open": is_open, "claim": claim, "agree": _consent_missing(nomination, at=at) if is_open else "",
            "times": [time for time in nomination.times.all() if time.starts_at > at],
            "needs_times": timed and rules.wants_time(nomination),
            "missed_by_prospect": rules.missed_by_prospect(nomination),
            "signed_in_as_them": request.user.is_authenticated and nomination.advocate.user_id == request.user.pk,
            "too_late": nomination.answer_by <= at, "briefing_url": _briefing_url(request, nomination),
        }  # fmt: skip
        return respond(request, "opportunities/desk/answer.html", context, status=status)


def _briefing_url(request: HttpRequest, nomination: Nomination) -> str:
    """Where the advocate's briefing is, by the door they came through; nothing before the yes."""
    if not briefings.may_be_read(nomination):
        return ""
    if request.user.is_authenticated and nomination.advocate.user_id == request.user.pk:
        return reverse("opportunities:briefing", args=[nomination.public_id])
    return reverse("opportunities:briefing_by_mail", args=[signed.sign("briefing", str(nomination.public_id))])


def _consent_missing(nomination: Nomination, *, at: datetime) -> str:
    """The words to agree to along with a yes, where the consent of this kind is not or no longer given."""
    purpose = nomination.request.kind.purpose
    if not purpose or consent.allows(nomination.advocate.contact, purpose, at=at):
        return ""
    return consent_wording(nomination.request)


def _take_answer(
    request: HttpRequest, nomination: Nomination, said: str, yes: TimesForm, no: DeclineForm, *, at: datetime
) -> tuple[int, str]:
    """Take one answer; the status to show the page with, or the sentence of success."""
    by = request.user if request.user.is_authenticated else nomination.advocate.user
    try:
        if said == "yes" and yes.is_valid():
            agreed = _consent_missing(nomination, at=at) if request.POST.get("agree") == "yes" else ""
            actions.accept(nomination, times=yes.times, at=at, by=by, consent_wording=agreed)
            return 200, _("Thank you! You will hear from us as soon as a time is picked.") if yes.count else _(
                "Thank you! We let them know."
            )
        if said == "times" and yes.is_valid():
            actions.propose_times(nomination, times=yes.times, at=at)
            return 200, _("Thank you! You will hear from us as soon as a time is picked.")
        if said == "no" and no.is_valid():
            words = no.cleaned_data
            actions.decline(
                nomination, reason=words["reason"], rule_out=words["rule_out"], never=words["never"], at=at, by=by
            )
            return 200, _("All right, not this time. Thank you for telling us.")
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return 409, ""
    return 422, ""


def _bad_link(request: HttpRequest, sentence: str) -> HttpResponse:
    return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)


# --- Signed pages for the requester -----------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def pick_time(request: HttpRequest, token: str) -> HttpResponse:
    """Pick one of the proposed times by a signed link: the requester, or the prospect they passed it on to."""
    try:
        nomination = _nominations().get(public_id=UUID(signed.read("pick_time", token)))
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (Nomination.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    at, status = timezone.now(), 200
    zone = zone_of(nomination.request.requester.time_zone)
    with timezone.override(zone):
        if request.method == "POST":
            picked = request.POST.get("time", "")
            time = next((one for one in nomination.times.all() if str(one.pk) == picked), None)
            if time is None:
                messages.warning(request, _no_such_time(picked))
                status = 422
            else:
                try:
                    actions.pick_time(time, at=at)
                    messages.success(request, _("The time is set. It is on its way by mail, with a calendar file."))
                    return redirect(request.path)
                except Refused as refusal:
                    messages.warning(request, str(refusal))
                    status = 409
        nomination = _nominations().get(pk=nomination.pk)
        context = {
            "yes": yes_of(nomination, at=at), "nomination": nomination, "wanted": nomination.request,
            "zone": str(zone).replace("_", " "),
        }  # fmt: skip
        return respond(request, "opportunities/desk/pick_time.html", context, status=status)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def how_was_it(request: HttpRequest, token: str) -> HttpResponse:
    """How it was, by the requester's signed link."""
    try:
        claim = Claim.objects.select_related("advocate__contact", "nomination__request__kind").get(
            public_id=UUID(signed.read("how_was_it", token)), nomination__isnull=False
        )
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (Claim.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    at, status = timezone.now(), 200
    form = HowWasItForm(None)
    if request.method == "POST":
        form = HowWasItForm(request.POST)
        status = _tell(request, form, claim, at=at) if form.is_valid() else 422
        if not status:
            return redirect(request.path)
    said = claim.feedback.filter(side=ClaimFeedback.Side.REQUESTER).first()
    context = {
        "claim": claim, "wanted": claim.nomination.request, "form": form, "said": said,
        "over": claim.scheduled_for is None or claim.scheduled_for <= at,
    }  # fmt: skip
    return respond(request, "opportunities/desk/how_was_it.html", context, status=status)


urlpatterns: list[URLPattern] = [
    path("requests/", requests, name="requests"),
    path("requests/new/", new_request, name="new_request"),
    path("requests/deals/", deals, name="deals"),
    path("requests/proof/", proof_that_fits, name="request_proof"),
    path("requests/<uuid:public_id>/enough/", enough, name="request_enough"),
    path("requests/<uuid:public_id>/", one_request, name="request"),
    path("requests/<uuid:public_id>/answer/", answer_question, name="request_answer"),
    path("requests/<uuid:public_id>/time/", choose_time, name="request_time"),
    path("requests/<uuid:public_id>/other-times/<uuid:nomination>/", other_times, name="request_other_times"),
    path("requests/<uuid:public_id>/how-was-it/<uuid:claim>/", tell, name="request_tell"),
    path("requests/<uuid:public_id>/withdraw/", withdraw_request, name="request_withdraw"),
    path("nominations/<uuid:public_id>/", nomination, name="nomination"),
    path("answer/<str:token>/", answer, name="answer"),
    path("time/<str:token>/", pick_time, name="pick_time"),
    path("how-was-it/<str:token>/", how_was_it, name="how_was_it"),
]
