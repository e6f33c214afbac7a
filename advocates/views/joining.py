"""Coming in: the personal invitation, the public page, the short talk after it.

Links from mails show on GET and act on POST only: scanners open every link they see.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from advocacy.crm.models import Contact, Program
from advocacy.lib import signed
from advocacy.lib.home import suggestions
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import public, requires
from advocates import invitations, kinds
from advocates.actions import invitations as inviting
from advocates.actions import joining, profile
from advocates.forms import AcceptForm, ApplyForm, WelcomeStepForm
from advocates.models import Advocate, Application, AskCap, Invitation
from advocates.throttle import from_where, too_often

BACKEND = "advocacy.users.backends.SignInBackend"
APPLICATIONS_AN_HOUR = 10


def _bad_link(request: HttpRequest, sentence: str, status: int = 404) -> HttpResponse:
    return respond(request, "advocates/link.html", {"sentence": sentence}, status=status)


def _invitation(token: str) -> Invitation:
    public_id = signed.read("invitation", token)
    return get_object_or_404(
        Invitation.objects.select_related("advocate__contact__account", "advocate__user", "invited_by"),
        public_id=public_id,
    )


def _in_their_language(contact: Contact) -> Any:
    return translation.override(contact.language or translation.get_language())


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Public: whoever holds the signed link was invited. Shows who invites and to what; the buttons act."""
    try:
        found = _invitation(token)
    except signed.BadLink as bad:
        return _bad_link(request, str(bad))
    at = timezone.now()
    with _in_their_language(found.advocate.contact):
        if request.method == "POST":
            return _answer(request, token, found, at)
        return respond(request, "advocates/invitation.html", {**_about(found, at), "token": token})


def _about(found: Invitation, at: Any) -> dict[str, Any]:
    status = Invitation.Status
    over = found.status in {status.EXPIRED, status.BOUNCED} or found.expires_at <= at
    return {
        "invitation": found,
        "contact": found.advocate.contact,
        "inviter": found.invited_by,
        **_promise(),
        "state": "accepted"
        if found.status == status.ACCEPTED
        else "declined"
        if found.status == status.DECLINED
        else "over"
        if over
        else "open",
    }


def _answer(request: HttpRequest, token: str, found: Invitation, at: Any) -> HttpResponse:
    answer = request.POST.get("answer")
    try:
        if answer in {"no", "never"}:
            inviting.decline(found, at=at, never_again=answer == "never")
            found.refresh_from_db()
            return respond(
                request, "advocates/invitation.html", {**_about(found, at), "token": token, "never": answer == "never"}
            )
        if _about(found, at)["state"] == "open":
            inviting.open_invitation(found, at=at)
            return redirect("advocates:accept", token)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        found.refresh_from_db()
        return respond(request, "advocates/invitation.html", {**_about(found, at), "token": token}, status=409)
    return redirect("advocates:invitation", token)


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Public: the form behind a signed invitation. A yes makes the sign-in, because the link proved the address."""
    try:
        found = _invitation(token)
    except signed.BadLink as bad:
        return _bad_link(request, str(bad))
    at = timezone.now()
    about = _about(found, at)
    if about["state"] != "open":
        return redirect("advocates:invitation", token)
    contact = found.advocate.contact
    with _in_their_language(contact):
        form = AcceptForm(
            request.POST or None,
            email=contact.email,
            initial={"given_name": contact.given_name, "family_name": contact.family_name, "title": contact.title},
        )
        status = 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    joined = joining.accept_invitation(
                        found, form.details(password=form.cleaned_data["password"]), at=at
                    )
                except Refused as refusal:
                    form.add_error(None, str(refusal))
                    status = 409
                else:
                    return _let_in(request, joined)
        context = {**about, "form": form, "token": token, "has_user": bool(found.advocate.user_id)}
        return respond(request, "advocates/accept.html", context, status=status)


def _let_in(request: HttpRequest, joined: joining.Joined) -> HttpResponse:
    """Sign them in when the sign-in was made just now; an older one may belong to somebody with more rights."""
    if not joined.is_new_user:
        messages.success(request, _("You are in. Sign in as you always do."))
        return redirect("account_login")
    login(request, joined.user, backend=BACKEND)
    return redirect("advocates:welcome")


STEPS: dict[str, tuple[str, ...]] = {
    "worth": ("valuable", "expertise"),
    "like": ("wants",),
    "often": ("asks_a_quarter", "time_zone"),
}
"""The talk after joining: what it is worth, what sounds like them, how often. Each step keeps what it was told."""
READY = "ready"


@requires("advocates.be_advocate")
def welcome(request: HttpRequest) -> HttpResponse:
    """The talk goes on where it was left: at the first step that has not been told anything."""
    advocate = get_object_or_404(Advocate, user=request.user.pk)
    if advocate.wizard_done_at is not None:
        return redirect("advocates:welcome_step", READY)
    left = [step for step, names in STEPS.items() if not any(name in advocate.told for name in names)]
    return redirect("advocates:welcome_step", left[0] if left else list(STEPS)[-1])


@requires("advocates.be_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome_step(request: HttpRequest, step: str) -> HttpResponse:
    """One step: what they say is kept when they go on; nothing is asked that may not be skipped."""
    advocate = get_object_or_404(
        Advocate.objects.select_related("contact__account", "pod__manager"), user=request.user.pk
    )
    if step == READY:
        return respond(request, "advocates/welcome_ready.html", _begin(request, advocate))
    if step not in STEPS:
        raise Http404
    contact, steps = advocate.contact, list(STEPS)
    place = steps.index(step)
    following = steps[place + 1] if place + 1 < len(steps) else READY
    form = WelcomeStepForm(
        request.POST if request.method == "POST" and "skip" not in request.POST else None,
        names=STEPS[step],
        kinds=kinds.choices(),
        initial={
            "valuable": advocate.valuable, "wants": advocate.wants, "expertise": advocate.expertise,
            "asks_a_quarter": advocate.asks_a_quarter,
            "time_zone": contact.time_zone or contact.account.time_zone or "UTC",
        },
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        said = {} if "skip" in request.POST else form.cleaned_data if form.is_valid() else None
        go = request.POST.get("go", "")
        if said is not None and following == READY and not go:
            profile.finish_wizard(advocate, said, at=timezone.now())
            return redirect("advocates:welcome_step", READY)
        if said is not None:
            profile.tell(advocate, said, at=timezone.now())
            if go == "later":
                return redirect("advocates:home")
            return redirect("advocates:welcome_step", steps[place - 1] if go == "back" and place else following)
        status = 422
    context = {
        "form": form, "advocate": advocate, "step": step, "number": place + 1, "steps": len(steps),
        "back": steps[place - 1] if place else "", "last": following == READY,
        "words": "" if place else invitations.welcome_for(contact, manager=advocate.manager, program=Program.current()),
    }  # fmt: skip
    return respond(request, "advocates/welcome.html", context, status=status)


def _begin(request: HttpRequest, advocate: Advocate) -> dict[str, Any]:
    """Three things to begin with, and who is there for them."""
    words = invitations.welcome_for(advocate.contact, manager=advocate.manager, program=Program.current())
    return {"advocate": advocate, "words": words, "suggestions": suggestions(request)[:3]}


# --- The public page --------------------------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Public: the program's shop window. What one writes here says nothing back about who is known already."""
    form = ApplyForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if too_often("join", from_where(request), most=APPLICATIONS_AN_HOUR):
            form.add_error(None, _("There were many tries from here in a short time. Try again in an hour."))
            status = 429
        elif not form.is_valid():
            status = 422
        else:
            data = form.cleaned_data
            # A machine that fills in the hidden field gets the same page, and nothing is kept.
            if not data["website"]:
                joining.apply(
                    form.details(language=translation.get_language() or "en"),
                    email=data["email"], company=data["company"], region=data.get("region", ""), why=data["why"],
                    at=timezone.now(),
                )  # fmt: skip
            return redirect("advocates:applied")
    return respond(request, "advocates/join.html", {"form": form, **_window()}, status=status)


FEW = 20
"""Below this many members a number says too little about the program and too much about them."""


def _window() -> dict[str, Any]:
    """What the shop window says, from the program's own settings and facts: promises it keeps, figures that are so."""
    members = Advocate.objects.members()
    count = members.count()
    places = members.exclude(contact__account__country="").values("contact__account__country").distinct().count()
    return {
        "members": count if count >= FEW else 0,
        "countries": places if count >= FEW else 0,
        "at_once": Program.current().accept_applications_at_once,
        **_promise(),
    }


def _promise() -> dict[str, Any]:
    """How often somebody is asked at most: the budget's own figures."""
    cap = AskCap.objects.filter(scope=AskCap.Scope.ADVOCATE, kind="", days__lte=120).order_by("days").first()
    return {"cap": cap, "rest_days": Program.current().rest_days}


@public
def applied(request: HttpRequest) -> HttpResponse:
    """Public: the same page for everybody who sent the form."""
    return respond(request, "advocates/applied.html")


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Public: the signed link that proves an applicant's address."""
    try:
        public_id = signed.read("application", token)
    except signed.BadLink as bad:
        return _bad_link(request, str(bad))
    application = Application.objects.filter(public_id=public_id).first()
    if application is None:
        return _bad_link(
            request, _("This application is no longer here: it was not confirmed within a month. Apply again.")
        )
    if request.method == "POST" and application.status == Application.Status.FILED:
        program = Program.current()
        try:
            joined = joining.confirm_application(
                application, at=timezone.now(), at_once=program.accept_applications_at_once,
                agreed=request.POST.getlist("consent"),
            )  # fmt: skip
        except Refused as refusal:
            return _bad_link(request, str(refusal), status=409)
        if joined is not None:
            return _let_in(request, joined)
        application.refresh_from_db()
    return respond(request, "advocates/confirm.html", {"application": application})
