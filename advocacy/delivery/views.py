"""Pages of mail: leaving it, the outbox, previews, and news for people who sign in."""

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import escape
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact
from advocacy.delivery import actions, bundles, kinds, rendering, runs, samples
from advocacy.delivery.frame import framed
from advocacy.delivery.gates import SIGN_IN
from advocacy.delivery.models import Message, Notification, about
from advocacy.lib import signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.lib.searching import loosely
from advocacy.users.rights import public, requires, signed_in

MESSAGES_A_PAGE = 30
NEWS_A_PAGE = 30
TROUBLE_SHOWN = 20
RECENT_SHOWN = 8
SEES_PEOPLE = "crm.view_contact"


# --- Leaving ----------------------------------------------------------------------------------------------------------
@public
@csrf_exempt
@never_cache
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Leave a kind of mail, or all of it, by the link in a mail.

    Public, and past the check for forged forms, because mail programs do it for people (RFC 8058): a POST from
    anywhere, without cookies, is enough; the signed token is the permission. A GET only asks, since scanners follow
    every link.
    """
    try:
        message = Message.objects.select_related("contact").get(
            public_id=uuid.UUID(signed.read(rendering.UNSUBSCRIBE, token))
        )
    except (signed.BadLink, Message.DoesNotExist, ValueError) as problem:
        said = str(problem) if isinstance(problem, signed.BadLink) else _("This mail is no longer known here.")
        context = {"status": 404, "title": _("This link does not open"), "text": said}
        return render(request, "errors/error.html", context, status=404)
    context = {
        "kind": _kind_in_words(message),
        "address": _half_hidden(message.to_email),
        "about_asking": bool(message.purpose) and message.purpose not in actions.MAIL_PURPOSES,
    }
    if request.method == "POST":
        everything = request.POST.get("leave") == "all"
        actions.leave(message, everything=everything, at=timezone.now())
        return render(request, "delivery/left.html", {**context, "everything": everything})
    return render(request, "delivery/leave.html", context)


def _kind_in_words(message: Message) -> str:
    if words := kinds.words_of(message.kind):
        return words
    if message.kind == bundles.KIND:
        labels = [str(Purpose(one).label) for one in sorted(bundles.purposes_of(message)) if one in Purpose.values]
        return ", ".join(labels) or _("Mail of this kind")
    if message.purpose in Purpose.values:
        return str(Purpose(message.purpose).label)
    return _("Invitations to the program") if message.basis else _("Mail of this kind")


def _half_hidden(email: str) -> str:
    """Enough to know one's own address by, and no more: links are forwarded."""
    local, _at, host = email.rpartition("@")
    return f"{local[:2]}…@{host}"


@signed_in
def choices(request: HttpRequest) -> HttpResponse:
    """Which kinds of mail one gets, and how often."""
    user: Any = request.user
    mine = kinds.of(user)
    if request.method == "POST":
        for kind in mine:
            if kind.name == request.POST.get("kind"):
                kind.choose_for(user, request.POST.get("value", ""), at=timezone.now())
                messages.success(request, _("Saved. It counts from now on."))
        return redirect("delivery:choices")
    rows = [(kind, kind.chosen_by(user), kind.options) for kind in mine]
    return respond(request, "delivery/choices.html", {"kinds": rows})


# --- The outbox -------------------------------------------------------------------------------------------------------
@requires("delivery.view_message")
def outbox(request: HttpRequest) -> HttpResponse:
    """Every mail: who, why, when, what came of it; on top what waits for a person."""
    everything = Message.objects.visible_to(request.user)
    rows = everything.select_related("contact__account")
    status = request.GET.get("status", "")
    if status in Message.Status.values:
        rows = rows.filter(status=status)
    if wanted := request.GET.get("q", "").strip().replace("\x00", ""):
        rows = rows.filter(to_email__icontains=wanted)
    page = page_by_key(rows, ["-id"], request.GET, size=MESSAGES_A_PAGE)
    in_doubt = everything.in_doubt()
    doubtful = list(in_doubt.select_related("contact__account").order_by("-id")[: TROUBLE_SHOWN + 1])
    return respond(
        request,
        "delivery/outbox.html",
        {
            "page": page,
            "doubtful": doubtful,
            "number_in_doubt": in_doubt.count() if doubtful else 0,
            "statuses": Message.Status.choices,
            "held": [(one, runs.name_of(one.key), runs.page_of(one.key)) for one in runs.held()],
            "q": wanted,
        },
        fragment="list",
    )


@requires("delivery.view_message")
def message(request: HttpRequest, message_id: uuid.UUID) -> HttpResponse:
    """One mail: its facts, itself in a frame, and what can be done about it."""
    return _message_page(request, _found(request, message_id))


def _message_page(request: HttpRequest, here: Message, *, status: int = 200) -> HttpResponse:
    dark, phone = request.GET.get("scheme") == "dark", request.GET.get("width") == "phone"
    parts = list(here.parts.order_by("due_at", "pk")) if here.kind == bundles.KIND else []
    context = {"message": here, "kind": _kind_in_words(here), "parts": parts, "dark": dark, "phone": phone}
    return respond(request, "delivery/message.html", context, fragment="state", status=status)


def _found(request: HttpRequest, message_id: uuid.UUID) -> Message:
    rows = Message.objects.visible_to(request.user).select_related("contact__account", "user", "bundle")
    return get_object_or_404(rows, public_id=message_id)


@requires("delivery.view_message")
def preview(request: HttpRequest, message_id: uuid.UUID) -> HttpResponse:
    """The mail itself, for the frame. What was secret in it stays so."""
    here = _found(request, message_id)
    here.secret = None
    if here.kind.startswith(SIGN_IN):  # what was secret shows as such, and not as a gap
        here.params = dict.fromkeys(samples.sample(here.template).params, "••••••") | here.params
    return framed(request, lambda: _shown(rendering.render_many([here])[here.pk]))


def _shown(outcome: rendering.Rendered | Exception) -> str:
    """The mail, or in its place a word why there is none."""
    if isinstance(outcome, rendering.Rendered):
        return outcome.html
    said = escape(_("This mail cannot be shown: %(why)s") % {"why": outcome})
    body = f'<body style="font:16px/24px sans-serif;padding:24px">{said}</body>'
    return f"<!doctype html><html><head><title>{said}</title></head>{body}</html>"


@requires("delivery.settle")
@require_POST
def settle(request: HttpRequest, message_id: uuid.UUID, what: str) -> HttpResponse:
    """Say what became of a mail in doubt, or send or cancel one that failed."""
    here = _found(request, message_id)
    try:
        actions.settle(here, what, by=request.user, at=timezone.now())  # type: ignore[arg-type]
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _message_page(request, here, status=409)
    messages.success(request, _("Settled."))
    if getattr(request, "htmx", None):
        return _message_page(request, here)
    return redirect("delivery:message", message_id=here.public_id)


@requires("delivery.settle")
@require_POST
def settle_many(request: HttpRequest) -> HttpResponse:
    """The same for those in doubt that were chosen, or for all of them."""
    doubtful = Message.objects.visible_to(request.user).in_doubt().order_by("-id")
    if request.POST.get("which") != "all":
        numbers = [whole_number(text) for text in request.POST.getlist("message")]
        doubtful = doubtful.filter(pk__in=[number for number in numbers if number is not None])
    chosen = list(doubtful)
    if not chosen:
        messages.warning(request, _("Choose the mails first, or “all of them”; those settled meanwhile are gone."))
        return redirect("delivery:outbox")
    settled, refusals = actions.settle_many(
        chosen,
        request.POST.get("what", ""),
        by=request.user,  # type: ignore[arg-type]
        at=timezone.now(),
    )
    if settled:
        said = ngettext("%(number)d mail settled.", "%(number)d mails settled.", settled)
        messages.success(request, said % {"number": settled})
    for refusal in refusals[:3]:
        messages.warning(request, refusal)
    return redirect("delivery:outbox")


@requires("delivery.settle")
@require_POST
def go_on(request: HttpRequest) -> HttpResponse:
    """A person has looked into a run that readers complained about, and says what they found: it goes on."""
    try:
        runs.go_on(
            plain(request.POST.get("run"))[:60],
            by=request.user,  # type: ignore[arg-type]
            note=plain(request.POST.get("note")),
            at=timezone.now(),
        )
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        messages.success(request, _("It goes on."))
    return redirect("delivery:outbox")


# --- Templates --------------------------------------------------------------------------------------------------------
@requires("delivery.view_message")
def templates(request: HttpRequest) -> HttpResponse:
    """Every template of mail, and how the chosen one looks: made up, to a real person, or as a mail that was owed."""
    names = samples.templates()
    chosen = request.GET.get("template", "")
    if chosen not in names:
        chosen = names[0] if names else ""
    owed = list(Message.objects.visible_to(request.user).filter(template=chosen).order_by("-pk")[:RECENT_SHOWN])
    words = plain(request.GET.get("reader"))[:100]
    person = _person(request)
    return respond(
        request,
        "delivery/templates.html",
        {
            "names": [(name, about(name)) for name in names],
            "chosen": chosen,
            "chosen_words": about(chosen),
            "owed": owed,
            "real": next((one for one in owed if str(one.public_id) == request.GET.get("message")), None),
            "words": words,
            "people": _people_called(words) if words and request.user.has_perm(SEES_PEOPLE) else [],
            "person": person,
            "dark": request.GET.get("scheme") == "dark",
            "phone": request.GET.get("width") == "phone",
        },
    )


def _people_called(words: str) -> list[Contact]:
    """People of that name; then those of accounts of that name."""
    everybody = Contact.objects.filter(erased_at__isnull=True).select_related("account").order_by("family_name", "pk")
    by_name, by_account = everybody, everybody
    for word in words.split()[:4]:
        named = Q(given_name__iregex=loosely(word)) | Q(family_name__iregex=loosely(word))
        by_name, by_account = by_name.filter(named), by_account.filter(named | Q(account__name__icontains=word))
    found = {one.pk: one for one in [*by_name[:RECENT_SHOWN], *by_account[:RECENT_SHOWN]]}
    return list(found.values())[:RECENT_SHOWN]


def _person(request: HttpRequest) -> Contact | None:
    """Whom a template is shown as, by those who may see people."""
    number = whole_number(request.GET.get("as"))
    if number is None or not request.user.has_perm(SEES_PEOPLE):
        return None
    return Contact.objects.filter(pk=number, erased_at__isnull=True).select_related("account").first()


@requires("delivery.view_message")
def template(request: HttpRequest) -> HttpResponse:
    """One template with its sample, for the frame: to a made-up reader, or with the merge data of a real one."""
    chosen = request.GET.get("template", "")
    if chosen not in samples.templates():
        raise Http404
    language = request.GET.get("language", "en")
    shown = samples.sample(chosen).message(language=language)
    if (person := _person(request)) is not None:
        shown.contact, shown.to_email, shown.to_name = person, person.email, person.full_name
        shown.language, shown.time_zone = person.language or language, person.time_zone or "UTC"
    return framed(request, lambda: _shown(_rendered(shown)))


def _rendered(message: Message) -> rendering.Rendered | Exception:
    try:
        return rendering.render(message)
    except rendering.CannotRender as problem:
        return problem


# --- News -------------------------------------------------------------------------------------------------------------
@signed_in
def notifications(request: HttpRequest) -> HttpResponse:
    """What is new for the person signed in."""
    mine = Notification.objects.filter(user=request.user.pk)
    page = page_by_key(mine, ["-id"], request.GET, size=NEWS_A_PAGE)
    unread = any(one.read_at is None for one in page.items)
    return respond(request, "delivery/notifications.html", {"page": page, "unread": unread}, fragment="list")


@signed_in
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Everything is read."""
    actions.read_all_notifications(request.user, at=timezone.now())  # type: ignore[arg-type]
    if getattr(request, "htmx", None):
        return notifications(request)
    return redirect("delivery:notifications")


@signed_in
@require_POST
def follow(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Mark one as read and go where it leads."""
    mine: Any = Notification.objects.filter(user=request.user.pk)
    one = get_object_or_404(mine, pk=notification_id)
    actions.read_notification(one, at=timezone.now())
    inside = url_has_allowed_host_and_scheme(one.url, allowed_hosts={request.get_host()})
    return redirect(one.url if one.url and inside else "delivery:notifications")
