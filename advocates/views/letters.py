"""Letters on the timeline, and what advocates ask of us (P11)."""

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.delivery.inbound import keep_address
from advocacy.lib import export
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires
from advocates import files, snippets
from advocates.actions import letters as keeping
from advocates.actions import wishes as acting
from advocates.models import Advocate, Letter, Task, Wish
from advocates.people_forms import HandOnForm, OutcomeForm, WishForm, WriteDownForm
from advocates.views.profile import me

STATES = {"open": "", "done": "ok", "declined": "bad", "withdrawn": "plain"}


# --- Letters ----------------------------------------------------------------------------------------------------------
@requires("advocates.work_portfolio")
def letter(request: HttpRequest, public_id: Any) -> HttpResponse:
    """What was written, whole; and the task it left."""
    rows = Letter.objects.select_related("contact__account", "colleague")
    found = get_object_or_404(rows, public_id=public_id)
    advocate = Advocate.objects.visible_to(request.user).filter(contact=found.contact).first()
    words, _mark, quoted = found.text.partition("\n>")
    context = {
        "letter": found, "advocate": advocate, "contact": found.contact, "words": words.strip(),
        "quoted": f">{quoted}" if quoted else "",
        "task": Task.objects.filter(key=f"reply:advocates.letter:{found.pk}").select_related("assignee").first(),
        "other_sender": found.from_them and found.sender and found.sender.lower() != found.contact.email.lower(),
        "may_take_back": found.source == Letter.Source.BY_HAND and found.colleague_id == request.user.pk and found.text,
        "keep": keep_address(),
        "snippets": snippets.filled(snippets.of(request.user)[:50], found.contact, by=request.user),
    }  # fmt: skip
    return respond(request, "advocates/letter.html", context)


@requires("advocates.work_portfolio")
@require_POST
def take_back(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Words written down on the wrong page go."""
    found = get_object_or_404(Letter, public_id=public_id)
    try:
        keeping.take_back(found, by=request.user)
        messages.success(request, _("Taken back."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("advocates:letter", public_id)


@requires("advocates.work_portfolio")
@require_http_methods(["GET", "HEAD", "POST"])
def write_down(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Keep a mail or a talk from elsewhere on an advocate's timeline."""
    rows = Advocate.objects.visible_to(request.user).select_related("contact__account")
    advocate, status = get_object_or_404(rows, public_id=public_id), 200
    form = WriteDownForm(request.POST or None, initial={"key": uuid4()})
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = form.cleaned_data
            try:
                keeping.write_down(
                    advocate, from_them=said["who"] == "them", text=said["text"], subject=said["subject"],
                    day=said["day"], asked_for_nothing=said["asked_for_nothing"], key=str(said["key"]),
                    at=timezone.now(), by=request.user,
                )  # fmt: skip
                messages.success(request, _("Kept on the timeline."))
                return redirect("advocates:advocate", public_id)
            except Refused as refusal:
                form.add_error(None, str(refusal))
    context = {"form": form, "advocate": advocate, "keep": keep_address()}
    return respond(request, "advocates/write_down.html", context, status=status)


# --- Wishes: for advocates --------------------------------------------------------------------------------------------
@requires("advocates.be_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def wishes(request: HttpRequest) -> HttpResponse:
    """What can we do for you? Their wishes with who takes care, by when, and what came of them."""
    advocate, form, status = me(request), WishForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = acting.wish(advocate, at=timezone.now(), **form.cleaned_data)
                who = made.owner or _("The team")
                messages.success(request, _("Thank you for asking. %(name)s takes care of it.") % {"name": who})
                return redirect("advocates:wishes")
            except Refused as refusal:
                form.add_error(None, str(refusal))
    own = Wish.objects.filter(advocate=advocate).exclude(status=Wish.Status.WITHDRAWN).select_related("owner")
    page = page_by_key(own, ("-created_at", "-pk"), request.GET, size=20)
    context = {"form": form, "page": page, "rows": [(one, STATES[one.status]) for one in page.items]}
    return respond(request, "advocates/wishes.html", context, status=status)


@requires("advocates.be_advocate")
@require_POST
def withdraw_wish(request: HttpRequest, public_id: Any) -> HttpResponse:
    """Not needed any more."""
    found = get_object_or_404(Wish.objects.filter(advocate=me(request)), public_id=public_id)
    try:
        acting.withdraw(found, at=timezone.now(), by=request.user)
        messages.success(request, _("Taken back."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("advocates:wishes")


# --- Wishes: for colleagues -------------------------------------------------------------------------------------------
@requires("advocates.work_portfolio")
def wish_list(request: HttpRequest) -> HttpResponseBase:
    """What advocates have asked of us, the next one due first."""
    show = request.GET.get("show", "open")
    rows = Wish.objects.select_related("advocate__contact__account", "owner")
    rows = rows.filter(advocate__in=Advocate.objects.visible_to(request.user))
    if show in Wish.Status.values:
        rows = rows.filter(status=show)
    if request.GET.get("mine"):
        rows = rows.filter(owner=request.user.pk)
    order = ("due_on", "pk") if show == "open" else ("-created_at", "-pk")
    if wanted := export.wanted(request):
        return export.answer(request, "wishes", rows.order_by(*order), files.WISHES, kind=wanted)
    page = page_by_key(rows, order, request.GET, size=25)
    context = {
        "page": page, "show": show, "today": timezone.localdate(),
        "tabs": [("open", _("Under way")), ("done", _("Done")), ("declined", _("Not possible")), ("all", _("All"))],
    }  # fmt: skip
    return respond(request, "advocates/wish_list.html", context, fragment="list")


@requires("advocates.work_portfolio")
@require_http_methods(["GET", "HEAD", "POST"])
def wish(request: HttpRequest, public_id: Any) -> HttpResponse:
    """One wish: hand it on, answer it, take the answer back."""
    rows = Wish.objects.filter(advocate__in=Advocate.objects.visible_to(request.user)).select_related(
        "advocate__contact__account", "owner", "answered_by"
    )
    found, status = get_object_or_404(rows, public_id=public_id), 200
    said = request.POST.get("answer", "")
    outcome = OutcomeForm(request.POST if said in {"done", "declined"} else None)
    hand_on = HandOnForm(
        request.POST if said == "hand on" else None, initial={"owner": found.owner_id, "due_on": found.due_on}
    )
    if request.method == "POST":
        status = 422
        try:
            if _settle(request, found, said, outcome, hand_on):
                return redirect("advocates:wish", public_id)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
            found = get_object_or_404(rows, public_id=public_id)
    contact = found.advocate.contact
    context = {
        "wish": found, "state": STATES[found.status], "outcome": outcome, "hand_on": hand_on, "contact": contact,
        "snippets": snippets.filled(snippets.of(request.user)[:50], contact, by=request.user),
    }  # fmt: skip
    return respond(request, "advocates/wish.html", context, status=status)


def _settle(request: HttpRequest, found: Wish, said: str, outcome: OutcomeForm, hand_on: HandOnForm) -> bool:
    """Do what was said; False where a form has to be mended first."""
    at = timezone.now()
    if said in {"done", "declined"}:
        if not outcome.is_valid():
            return False
        acting.answer(found, done=said == "done", outcome=outcome.cleaned_data["outcome"], at=at, by=request.user)
        messages.success(request, _("Answered. They read your words by mail and in the portal."))
    elif said == "hand on":
        if not hand_on.is_valid():
            return False
        acting.hand_on(found, at=at, **hand_on.cleaned_data)
        messages.success(request, _("It is with %(name)s now.") % {"name": hand_on.cleaned_data["owner"]})
    elif said == "back":
        acting.reopen(found, at=at)
        messages.success(request, _("It is open again."))
    else:
        raise Refused(_("Choose what to do."))
    return True
