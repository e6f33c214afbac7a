"""The proof library, and the signed page on which a customer says yes (D13, D14)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.crm.models import Account, Deal
from advocacy.lib import signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.lib.searching import by_words
from advocacy.users.rights import public, requires
from opportunities import showing
from opportunities.actions import approvals
from opportunities.actions import proof as actions
from opportunities.forms.proof import AnswerForm, AskForm, ProofForm, RecordForm, WhyForm
from opportunities.models import Approval, Proof, ProofUse, Scope, Story

READ = "opportunities.read_proof"
KEEP = "opportunities.keep_proof"
A_PAGE = 24
LINK_FOR = approvals.LINK_FOR
SHOWS = ("usable", "drafts", "ended")


# --- The library ------------------------------------------------------------------------------------------------------
@requires(READ)
@require_safe
def library(request: HttpRequest) -> HttpResponse:
    """What may be shown now, found by facts and words; for who keeps it, drafts and what has ended as well."""
    at, query = timezone.now(), request.GET
    keeps = request.user.has_perm(KEEP)
    show = query.get("show", "") if keeps and query.get("show") in SHOWS else "usable"
    rows: Any = Proof.objects.visible_to(request.user)
    usable = Proof.objects.usable(at=at)
    if show == "usable":
        rows = usable.filter(pk__in=rows.values("pk"))
    elif show == "drafts":
        rows = rows.filter(status=Proof.Status.DRAFT)
    else:
        rows = rows.exclude(status=Proof.Status.DRAFT).exclude(pk__in=usable.values("pk"))
    rows, narrowed = _narrowed(rows, query)
    rows = rows.select_related("account").defer("search", "body").annotate(used=Count("uses"))
    page = page_by_key(rows, ("-created_at", "-pk"), query, size=A_PAGE)
    context = {
        "page": page, "kinds": Proof.Kind.choices, "scopes": Scope.choices, "narrowed": narrowed, "show": show,
        "keeps": keeps, "query": plain(query.get("q")),
    }  # fmt: skip
    return respond(request, "opportunities/proof/library.html", context, fragment="list")


def _narrowed(rows: Any, query: Any) -> tuple[Any, bool]:
    """Rows by what the address asks for; whether it asks for anything."""
    words, narrowed = by_words(plain(query.get("q"))[:200]), False
    if words is not None:
        rows, narrowed = rows.filter(Q(search=words) | Q(account__name__icontains=plain(query.get("q"))[:100])), True
    if (kind := query.get("kind")) in Proof.Kind.values:
        rows, narrowed = rows.filter(kind=kind), True
    if (scope := query.get("scope")) in Scope.values:
        allowed = Approval.objects.standing().filter(scopes__contains=[scope])
        of_proof = Q(pk__in=allowed.values("proof")) | Q(story__in=allowed.values("story"))
        rows, narrowed = rows.filter(of_proof), True
    if industry := plain(query.get("industry"))[:100]:
        rows, narrowed = rows.filter(industry__iexact=industry), True
    return rows, narrowed


def _proof(request: HttpRequest, public_id: UUID) -> Proof:
    rows = Proof.objects.visible_to(request.user).select_related("account", "contact", "story", "kept_by")
    return get_object_or_404(rows.defer("search"), public_id=public_id)


@requires(READ)
@require_safe
def one_proof(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One proof: its words, where it may be used, how to use it; the evidence and the moves for who keeps it."""
    return _page(request, _proof(request, public_id), at=timezone.now())


def _page(request: HttpRequest, one: Proof, *, at: datetime, status: int = 200, **forms: Any) -> HttpResponse:
    keeps = request.user.has_perm(KEEP)
    of = Q(story=one.story_id) if one.story_id else Q(proof=one.pk)
    evidence = list(Approval.objects.filter(of).select_related("asked_by").prefetch_related("comments"))
    usable = Proof.objects.usable(at=at).filter(pk=one.pk).exists()
    version = one.story.version if one.story else one.version
    yes = next(
        (a for a in evidence if a.said == Approval.Said.YES and a.revoked_at is None and a.version == version), None
    )
    gone = showing.why_not_usable(one, evidence, usable=usable, today=timezone.localdate(at))
    mine = Deal.objects.visible_to(request.user).open().filter(owner=request.user.pk)
    waiting = next((a for a in evidence if not a.said and a.superseded_at is None), None)
    context = {
        "one": one, "keeps": keeps, "evidence": evidence, "usable": usable, "gone": gone, "yes": yes,
        "parts": showing.sections(one) if usable or keeps else [], "waiting": waiting,
        "uses": ProofUse.objects.filter(proof=one).select_related("by", "deal", "request").order_by("-at", "-pk")[:10],
        "used": ProofUse.objects.filter(proof=one).count(), "deals": mine.order_by("close_on", "pk")[:50],
        "scopes": [(label, key in (yes.scopes if yes else [])) for key, label in Scope.choices],
        "ask_form": AskForm(account=one.account, contact=one.contact) if keeps else None,
        "record_form": RecordForm() if keeps else None, "why_form": WhyForm() if keeps else None, **forms,
    }  # fmt: skip
    return respond(request, "opportunities/proof/proof.html", context, status=status)


@requires(READ)
@require_POST
def share(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """It was shown to a prospect: counted."""
    one = _proof(request, public_id)
    deals = Deal.objects.visible_to(request.user)
    deal = deals.filter(pk=whole_number(request.POST.get("deal", "")) or 0).first()
    try:
        actions.share(one, deal=deal, by=request.user, at=timezone.now())
        messages.success(request, _("Noted. Good to know what helps."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:proof", one.public_id)


# --- Keeping it -------------------------------------------------------------------------------------------------------
@requires(KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def new_proof(request: HttpRequest) -> HttpResponse:
    """Put something in: first whose it is, then what it says."""
    account = find_account(request)
    if account is None:
        return choose_account(request, _("Put something into the library"), "opportunities:library")
    form = ProofForm(request.POST or None, account=account)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            kept = actions.keep(
                account=account, said=said, facts=form.facts, contact=said["contact"], by=request.user,
                at=timezone.now(),
            )  # fmt: skip
            messages.success(request, _("It is in the library as a draft. Now it needs the customer’s yes."))
            return redirect("opportunities:proof", kept.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    return respond(request, "opportunities/proof/write.html", {"form": form, "account": account}, status=status)


def find_account(request: HttpRequest) -> Account | None:
    """The account the address names; who keeps proof or writes stories does so for any customer."""
    number = whole_number(request.GET.get("account", ""))
    return None if number is None else Account.objects.filter(pk=number).first()


def choose_account(request: HttpRequest, title: str, back: str) -> HttpResponse:
    """Find the customer first: what is typed narrows the list."""
    words = plain(request.GET.get("q"))[:100]
    rows = Account.objects.all()
    for word in words.split()[:5]:
        rows = rows.filter(name__icontains=word)
    found = rows.order_by("name", "pk")[:20] if words else []
    context = {"title": title, "words": words, "found": found, "back": back}
    return respond(request, "opportunities/proof/choose_account.html", context, fragment="found")


@requires(KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_proof(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change the words of a draft, and what any proof is found by."""
    one = _proof(request, public_id)
    form = ProofForm(request.POST or None, account=one.account, proof=one)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            actions.rewrite(
                one, said=said, facts=form.facts, contact=said["contact"], by=request.user, at=timezone.now(),
                read=said["read"],
            )  # fmt: skip
            messages.success(request, _("Kept."))
            return redirect("opportunities:proof", one.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    context = {"form": form, "account": one.account, "one": one}
    return respond(request, "opportunities/proof/write.html", context, status=status)


@requires(KEEP)
@require_POST
def act(request: HttpRequest, public_id: UUID, what: str) -> HttpResponse:
    """Ask for a yes, put one on record, publish, withdraw, take up again."""
    one, at = _proof(request, public_id), timezone.now()
    forms: dict[str, Any] = {
        "ask": lambda: AskForm(request.POST, account=one.account), "record": lambda: RecordForm(request.POST),
        "withdraw": lambda: WhyForm(request.POST),
    }  # fmt: skip
    form = forms[what]() if what in forms else None
    name = {"ask": "ask_form", "record": "record_form", "withdraw": "why_form"}.get(what, "")
    if form is not None and not form.is_valid():
        return _page(request, one, at=at, status=422, **{name: form})
    said = form.cleaned_data if form is not None else {}
    try:
        done = take(one, what, form, said, by=request.user, at=at)
    except Refused as refusal:
        if form is not None:
            form.add_error(None, str(refusal))
            return _page(request, _proof(request, public_id), at=at, status=409, **{name: form})
        messages.warning(request, str(refusal))
        return redirect("opportunities:proof", one.public_id)
    messages.success(request, done)
    return redirect("opportunities:proof", one.public_id)


def take(of: Any, what: str, form: Any, said: dict[str, Any], *, by: Any, at: datetime) -> str:
    """Do one of these, and the sentence that says it was done; ``Refused`` where the rules stand against it."""
    if what == "ask":
        approvals.ask(
            of, scopes=said["scopes"], expires_on=said["expires_on"], contact=said["contact"], name=said["name"],
            email=said["email"], by=by, at=at,
        )  # fmt: skip
        return _("The question is on its way. The page in the mail shows them these words.")
    if what == "record":
        approvals.put_on_record(
            of, name=said["name"], said_at=min(form.said_at, at), scopes=said["scopes"], means=said["means"],
            evidence=said["evidence"], expires_on=said["expires_on"], by=by, at=at,
        )  # fmt: skip
        return _("The yes is on record.")
    if what == "take-back":
        approvals.take_back(of, at=at)
        return _("The question is taken back; its link says so.")
    if what == "publish":
        actions.publish(of, by=by, at=at)
        return _("It is published: whoever asks for something like it sees it first.")
    if what == "withdraw":
        actions.withdraw(of, reason=said["reason"], by_customer=said["by_customer"], by=by, at=at)
        return _("It is shown no more, anywhere.")
    actions.redraft(of, by=by, at=at)
    return _("It is a draft again.")


# --- The customer's word ----------------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def customer_yes(request: HttpRequest, token: str) -> HttpResponse:
    """What we would like to publish, for the customer to say yes to or to comment on; opening it changes nothing."""
    try:
        rows = Approval.objects.select_related("story__account", "proof__account", "asked_by").prefetch_related(
            "comments"
        )
        one = rows.get(public_id=UUID(signed.read("approval", token, LINK_FOR)))
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (Approval.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    at, status = timezone.now(), 200
    form = AnswerForm(request.POST or None, approval=one)
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            try:
                one = approvals.answer(
                    one, said=request.POST.get("said", ""), signed=said["signed"], note=said["note"],
                    comments=form.comments, scopes=said["scopes"], at=at,
                )  # fmt: skip
                return redirect(request.path)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
    of = one.of
    context = {
        "one": one, "of": of, "parts": [(part, form[f"on_{part.key}"]) for part in showing.shown(one)], "form": form,
        "open": not one.said and one.superseded_at is None and one.version == of.version,
        "stale": not one.said and (one.superseded_at is not None or one.version != of.version),
        "is_story": isinstance(of, Story),
    }  # fmt: skip
    return respond(request, "opportunities/proof/customer.html", context, status=status)


def _bad_link(request: HttpRequest, sentence: str) -> HttpResponse:
    return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)


WHATS = "ask|record|take-back|publish|withdraw|redraft"
urlpatterns: list[URLPattern] = [
    path("proof/", library, name="library"),
    path("proof/new/", new_proof, name="proof_new"),
    path("proof/<uuid:public_id>/", one_proof, name="proof"),
    path("proof/<uuid:public_id>/edit/", edit_proof, name="proof_edit"),
    path("proof/<uuid:public_id>/share/", share, name="proof_share"),
    path("yes/<str:token>/", customer_yes, name="customer_yes"),
]
urlpatterns += [
    path(f"proof/<uuid:public_id>/{what}/", act, {"what": what}, name=f"proof_{what.replace('-', '_')}")
    for what in WHATS.split("|")
]
