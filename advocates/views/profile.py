"""What an advocate says about themselves, and may change at any moment."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm.models import ConsentState
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import requires
from advocates import budget, kinds, points, provenance, tiers, types, wording
from advocates.actions import letters
from advocates.actions import profile as changes
from advocates.forms import AwayForm, NoteForm, ProfileForm
from advocates.models import Advocate, PointEntry, Recognition
from advocates.throttle import too_often

NOTES_A_DAY = 10


def me(request: HttpRequest) -> Advocate:
    """The advocate who is signed in; 404 for a role without its person."""
    found: Advocate = get_object_or_404(
        Advocate.objects.select_related("contact__account", "pod__manager", "user"), user=request.user.pk
    )
    return found


@requires("advocates.be_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """One page: who they are, what they like, their limits, their away dates."""
    advocate = me(request)
    if request.method != "POST":
        return respond(request, "advocates/profile.html", _profile(request, advocate, _form(advocate)))
    away = AwayForm(request.POST, today=timezone.localdate()) if _dates_typed(request) else None
    return _keep(request, advocate, _form(advocate, request.POST), away)


def _form(advocate: Advocate, data: Any = None) -> ProfileForm:
    form = ProfileForm(data, kinds=kinds.choices(), languages=settings.LANGUAGES, initial=_initial(advocate))
    form.say_where_from(provenance.of(advocate))
    return form


def _dates_typed(request: HttpRequest) -> bool:
    return bool(request.POST.get("starts_on") or request.POST.get("ends_on"))


def _keep(request: HttpRequest, advocate: Advocate, form: ProfileForm | None, away: AwayForm | None) -> HttpResponse:
    """Keep what was typed on the page, whichever button was pressed: the profile, new away dates, or both."""
    told, dated = form is None or form.is_valid(), away is None or away.is_valid()
    status = 200 if told and dated else 422
    if dated and away is not None:
        try:
            changes.add_away(advocate, starts_on=away.cleaned_data["starts_on"], ends_on=away.cleaned_data["ends_on"])
        except Refused as refusal:
            away.add_error(None, str(refusal))
            status = 409
        else:
            messages.success(request, _("Nobody asks you anything in these days."))
            away = None
    if told and form is not None:
        try:
            changed = changes.tell(advocate, _told(form), at=timezone.now())
            if changed:
                messages.success(request, _("Saved."))
            elif request.path == reverse("advocates:profile") and status == 200:
                messages.success(request, _("Nothing had changed."))
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    if status == 200:
        return redirect("advocates:profile")
    context = _profile(request, advocate, form or _form(advocate))
    if away is not None:
        context["away_form"] = away
    return respond(request, "advocates/profile.html", context, status=status)


def _told(form: ProfileForm) -> dict[str, Any]:
    """What was changed on the page, and only that: what it merely showed stays as it is kept."""
    return {name: form.cleaned_data[name] for name in form.changed_data if name in form.cleaned_data}


def _initial(advocate: Advocate) -> dict[str, Any]:
    contact = advocate.contact
    return {
        "given_name": contact.given_name, "family_name": contact.family_name, "title": contact.title,
        "linkedin": contact.linkedin, "language": contact.language or "en",
        "time_zone": contact.time_zone or contact.account.time_zone or "UTC",
        "take_part": types.answer_of(advocate.type), "thanked": advocate.thanks,
        **{name: getattr(advocate, name) for name in changes.OF_ADVOCATE},
    }  # fmt: skip


def _profile(request: HttpRequest, advocate: Advocate, form: ProfileForm) -> dict[str, Any]:
    at = timezone.now()
    return {
        "advocate": advocate,
        "contact": advocate.contact,
        "form": form,
        "away_form": AwayForm(today=timezone.localdate()),
        "away": advocate.away.filter(ends_on__gte=timezone.localdate()).order_by("starts_on"),
        "availability": budget.availability(advocate, at=at),
    }


@requires("advocates.be_advocate")
@require_POST
def add_away(request: HttpRequest) -> HttpResponse:
    """New away dates; what was typed in the profile beside them is saved along."""
    advocate = me(request)
    return _keep(request, advocate, _sent_along(request, advocate), AwayForm(request.POST, today=timezone.localdate()))


def _sent_along(request: HttpRequest, advocate: Advocate) -> ProfileForm | None:
    return _form(advocate, request.POST) if "given_name" in request.POST else None


@requires("advocates.be_advocate")
@require_POST
def remove_away(request: HttpRequest, pk: int) -> HttpResponse:
    advocate = me(request)
    get_object_or_404(advocate.away, pk=pk).delete()
    messages.success(request, _("These dates are gone; you can be asked again."))
    return _keep(request, advocate, _sent_along(request, advocate), None)


# --- Consents ---------------------------------------------------------------------------------------------------------
@requires("advocates.be_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def consents(request: HttpRequest) -> HttpResponse:
    """Each purpose, how it stands, since when, in which words. A change acts at once."""
    advocate = me(request)
    if request.method == "POST":
        given = request.POST.get("given") == "yes"
        try:
            changes.set_consent(
                advocate, request.POST.get("purpose", ""), given=given, at=timezone.now(), by=request.user
            )
            messages.success(
                request, _("Noted; it counts from now on.") if given else _("Taken back; it counts from now on.")
            )
        except Refused as refusal:
            messages.warning(request, str(refusal))
        if not getattr(request, "htmx", None):
            return redirect("advocates:consents")
    states = {
        state.purpose: state for state in ConsentState.objects.filter(contact=advocate.contact).select_related("entry")
    }
    at = timezone.now()
    groups = [
        (
            heading,
            hint,
            [
                {
                    "purpose": purpose,
                    "words": wording.CONSENT[purpose],
                    "state": states.get(purpose),
                    "given": _in_force(states.get(purpose), at),
                }
                for purpose in purposes
            ],
        )
        for heading, hint, purposes in wording.GROUPS
    ]
    return respond(request, "advocates/consents.html", {"groups": groups, "advocate": advocate}, fragment="list")


def _in_force(state: ConsentState | None, at: Any) -> bool:
    return state is not None and state.given and (state.expires_at is None or state.expires_at > at)


# --- Points -----------------------------------------------------------------------------------------------------------
@requires("advocates.be_advocate")
def my_points(request: HttpRequest) -> HttpResponse:
    """What came in, for what, and where it leads."""
    advocate = me(request)
    page = page_by_key(PointEntry.objects.filter(advocate=advocate), ("-at", "-id"), request.GET, size=25)
    total = points.total(advocate)
    return respond(request, "advocates/points.html", {"page": page, "total": total, "standing": tiers.standing(total)})


# --- Writing, answering, leaving --------------------------------------------------------------------------------------
@requires("advocates.be_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """A message to the named manager."""
    advocate = me(request)
    form = NoteForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if too_often("note", str(advocate.pk), most=NOTES_A_DAY, seconds=86_400):
            form.add_error(None, _("That was a lot for one day. Answer one of their mails instead."))
            status = 429
        elif form.is_valid():
            try:
                manager = letters.write_to_manager(advocate, text=form.cleaned_data["text"], at=timezone.now())
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                messages.success(request, _("Sent. %(name)s answers by mail.") % {"name": manager})
                return redirect("advocates:home")
    return respond(request, "advocates/write.html", {"form": form, "advocate": advocate}, status=status)


@requires("advocates.be_advocate")
@require_POST
def recognition(request: HttpRequest, pk: int) -> HttpResponse:
    """Yes or no to being celebrated in these words."""
    found = get_object_or_404(Recognition.objects.filter(advocate__user=request.user.pk), pk=pk)
    yes = request.POST.get("answer") == "yes"
    try:
        changes.answer_recognition(found, yes=yes, at=timezone.now())
        messages.success(request, _("Thank you. It will be shown.") if yes else _("It stays between us."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("advocates:home")


@requires("advocates.be_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Out of the program, after one question."""
    advocate = me(request)
    if request.method == "POST":
        try:
            changes.leave(advocate, at=timezone.now(), by=request.user)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            return redirect("advocates:profile")
        logout(request)
        messages.success(request, _("You have left. Thank you for everything you gave; you are always welcome back."))
        return redirect("advocates:join")
    return respond(request, "advocates/leave.html", {"advocate": advocate})
