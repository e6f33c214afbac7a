"""Pages of the newsletter: the archive for readers, the desk for editors."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from advocacy.crm.models import Contact
from advocacy.delivery import progress, runs
from advocacy.delivery.frame import framed
from advocacy.delivery.models import Batch, Message
from advocacy.lib import signed
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import public, requires
from newsletter import personal, schedule, withheld
from newsletter.actions import editions as actions
from newsletter.forms.editions import EditionForm, ItemForm, ScheduleForm
from newsletter.mails import editions as mails
from newsletter.models import Edition, EditionItem

AHEAD = timedelta(days=730)
"""How far ahead an edition may be laid out."""


# --- For readers ------------------------------------------------------------------------------------------------------
@requires("newsletter.read_archive")
def archive(request: HttpRequest) -> HttpResponse:
    """Editions that went out, newest first."""
    page = page_by_key(_gone(), ["-slot", "-id"], request.GET, size=12)
    return respond(request, "newsletter/archive.html", {"page": page, "editions": withheld.cleaned(page.items)})


def _gone() -> Any:
    return Edition.objects.filter(status__in=[Edition.Status.SENT, Edition.Status.SENDING, Edition.Status.STOPPED])


@requires("newsletter.read_archive")
def edition(request: HttpRequest, edition_id: uuid.UUID) -> HttpResponse:
    """One edition on the web, without personal parts."""
    editions = Edition.objects.all() if request.user.has_perm("newsletter.edit") else _gone()
    here = get_object_or_404(editions, public_id=edition_id)
    return _shown(request, here, offers=None)


@public
def read(request: HttpRequest, token: str) -> HttpResponse:
    """The reader's own edition in the browser, from the link in their mail: it shows and does nothing."""
    try:
        message = Message.objects.get(public_id=signed.read(mails.READ, token))
        here = Edition.objects.get(pk=message.params["edition"])
    except (signed.BadLink, Message.DoesNotExist, Edition.DoesNotExist, ValueError, KeyError):
        text = _("This link is not whole or has grown too old. The newest editions are in the archive.")
        return render(
            request,
            "errors/error.html",
            {"status": 404, "title": _("This link does not open"), "text": text},
            status=404,
        )
    now = timezone.now()
    content = mails.content_of(here, at=now)
    everybody = personal.readers([pk for pk in [mails.reader_of(message)] if pk], at=now)
    offers = personal.open_to_each(list(everybody.values()), content.offers, edition=here.pk, most=content.most, at=now)
    return _shown(request, here, offers=next(iter(offers.values()), []))


def _shown(request: HttpRequest, here: Edition, *, offers: list[Any] | None) -> HttpResponse:
    now = timezone.now()
    content = mails.content_of(here, at=now)
    values = mails.template_values(content, at=now)
    if offers is not None:
        order = {one.pk: place for place, one in enumerate(offers)}
        values["offers"] = sorted(
            (one for one in values["offers"] if one["id"] in order), key=lambda one: order[one["id"]]
        )
    return respond(request, "newsletter/edition.html", {**values, "personal": offers is not None})


# --- For editors ------------------------------------------------------------------------------------------------------
@requires("newsletter.edit")
def editions(request: HttpRequest) -> HttpResponse:
    """All editions with where each stands, and the next slots."""
    status = 200
    today = timezone.localdate()
    form = ScheduleForm(request.POST or None, initial={"slot": today})
    if request.method == "POST":
        if form.is_valid() and today <= form.cleaned_data["slot"] <= today + AHEAD:
            made = actions.draft(form.cleaned_data["slot"], at=timezone.now())
            return redirect("newsletter:edit", made.public_id)
        if form.is_valid() and form.cleaned_data["slot"] < today:
            form.add_error("slot", _("That day is over. Choose today or a day to come."))
        elif form.is_valid():
            form.add_error("slot", _("That is too far off. Choose a day within the next two years."))
        status = 422
    house = actions.settings_row()
    coming = schedule.slots_between(
        today, today.replace(year=today.year + 1, day=1), weekday=house.weekday, weeks=house.weeks
    )
    page = page_by_key(Edition.objects.select_related("approved_by"), ["-slot", "-id"], request.GET, size=20)
    context = {"page": page, "coming": [slot for slot, _n in zip(coming, range(4), strict=False)], "form": form}
    return respond(request, "newsletter/editions.html", context, status=status)


def _found(edition_id: uuid.UUID) -> Edition:
    return get_object_or_404(Edition.objects.select_related("approved_by"), public_id=edition_id)


@requires("newsletter.edit")
def edit(request: HttpRequest, edition_id: uuid.UUID) -> HttpResponse:
    """The editor's desk for one edition: words, items in order, preview as any reader, approval, progress.

    With htmx a GET answers with the progress alone, and what is written is saved while it is typed.
    """
    here = _found(edition_id)
    by_itself = bool(getattr(request, "htmx", None))
    if by_itself and request.method == "GET":
        context = {"edition": here, "progress": progress.of(actions.batch_of(here))}
        return respond(request, "newsletter/edit.html", context, fragment="progress")
    if request.method != "POST":
        return _desk(request, here)
    form, status, saved = EditionForm(request.POST), 422, None
    if form.is_valid():
        try:
            here = actions.change(here, seen=request.POST.get("mark"), **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
        else:
            status, saved = 200, timezone.now()
            if not by_itself:
                messages.success(request, _("Saved."))
                return redirect("newsletter:edit", here.public_id)
    if not by_itself:
        return _desk(request, here, form=form, status=status)
    context = {"form": form, "saved": saved, "fragment": True, **_marks(here)}
    return respond(request, "newsletter/edit.html", context, fragment="saved", status=status)


def _marks(here: Edition) -> dict[str, str]:
    """What a page says it has seen: of the words when they are saved, of everything when it is approved."""
    return {"mark": actions.mark_of_words(here), "fingerprint": actions.fingerprint(here)}


def _items(here: Edition) -> dict[str, Any]:
    """The items of an edition by section, and whether they may be worked on."""
    items = list(here.items.all())
    sections = [
        (label, [item for item in items if item.section == value]) for value, label in EditionItem.Section.choices
    ]
    history = actions.is_history(here, at=timezone.now())
    return {
        "edition": here,
        "sections": [(label, row) for label, row in sections if row],
        "history": history,
        "may_edit": here.status in {Edition.Status.DRAFT, Edition.Status.MISSED} and not history,
        **_marks(here),
    }


def _desk(request: HttpRequest, here: Edition, *, form: EditionForm | None = None, status: int = 200) -> HttpResponse:
    initial = {name: getattr(here, name) for name in actions.WORDS}
    words = plain(request.GET.get("reader"))[:100]
    people = _search_readers(words) if words else []
    context = {
        **_items(here),
        "form": form or EditionForm(initial=initial),
        "progress": progress.of(actions.batch_of(here)),
        "people": people,
        "words": words,
        "as_contact": _contact(request.GET.get("as")),
        "dark": request.GET.get("scheme") == "dark",
        "held": Batch.objects.filter(key=actions.batch_of(here), held_for_complaints_at__isnull=False).first(),
        "complaints": runs.complaints_of(actions.batch_of(here)) if here.status == "paused" else 0,
        "gone": here.status in {"sending", "paused", "sent", "stopped"},
    }
    return respond(request, "newsletter/edit.html", context, status=status)


@requires("newsletter.edit")
def readers(request: HttpRequest) -> HttpResponse:
    """How many readers an edition would reach; asked for by the page once it is there, for it counts everybody."""
    return respond(request, "newsletter/readers.html", {"number": actions.number_of_readers(at=timezone.now())})


def _contact(given: str | None) -> Contact | None:
    number = whole_number(given)
    return Contact.objects.filter(pk=number).first() if number is not None else None


def _search_readers(words: str) -> list[Contact]:
    found = actions.readers(at=timezone.now())
    for word in words.split()[:4]:
        found = found.filter(
            Q(given_name__icontains=word) | Q(family_name__icontains=word) | Q(account__name__icontains=word)
        )
    return list(found.select_related("account").order_by("family_name", "pk")[:8])


@requires("newsletter.edit")
def item(request: HttpRequest, edition_id: uuid.UUID, item_id: int | None = None) -> HttpResponse:
    """Write an item, or change one."""
    here = _found(edition_id)
    one = get_object_or_404(here.items, pk=item_id) if item_id else None
    form = ItemForm(request.POST or None, item=one)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            fields = {"section": one.section if one else "news", "link": one.link if one else "", **form.cleaned_data}
            try:
                actions.put_item(here, one, **fields)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
            else:
                return redirect("newsletter:edit", here.public_id)
    return respond(request, "newsletter/item.html", {"edition": here, "item": one, "form": form}, status=status)


@requires("newsletter.edit")
@require_POST
def arrange(request: HttpRequest, edition_id: uuid.UUID, item_id: int, what: str) -> HttpResponse:
    """Up, down, drop, take back."""
    here = _found(edition_id)
    one = get_object_or_404(here.items, pk=item_id)

    def do() -> str:
        if what in {"up", "down"}:
            return _place_in_words(one, *actions.move(one, up=what == "up"))
        actions.drop(one, what == "drop")
        words = _("Left out: %(title)s") if what == "drop" else _("Taken back: %(title)s")
        return words % {"title": one.title}

    return _arranged(request, here, one, do)


@requires("newsletter.edit")
@require_POST
def place(request: HttpRequest, edition_id: uuid.UUID, item_id: int) -> HttpResponse:
    """Put an item before another one of its section, or last: where it was dragged to."""
    here = _found(edition_id)
    one = get_object_or_404(here.items, pk=item_id)
    number = whole_number(request.POST.get("before"))
    before = get_object_or_404(here.items, pk=number) if number is not None else None
    return _arranged(request, here, one, lambda: _place_in_words(one, *actions.place(one, before=before)))


def _place_in_words(one: EditionItem, number: int, of: int) -> str:
    return _("%(title)s: now %(number)d of %(of)d") % {"title": one.title, "number": number, "of": of}


def _arranged(request: HttpRequest, here: Edition, one: EditionItem, do: Callable[[], str]) -> HttpResponse:
    """The items as they stand now; without htmx the whole desk."""
    said, wrong = "", ""
    try:
        said = do()
    except Refused as refusal:
        wrong = str(refusal)
    if not getattr(request, "htmx", None):
        if wrong:
            messages.warning(request, wrong)
        return redirect("newsletter:edit", here.public_id)
    here = _found(here.public_id)
    context = {**_items(here), "said": said, "said_wrong": wrong, "landed": one.pk, "fragment": True}
    return respond(request, "newsletter/edit.html", context, fragment="items", status=409 if wrong else 200)


@requires("newsletter.edit")
@require_POST
def decide(request: HttpRequest, edition_id: uuid.UUID, what: str) -> HttpResponse:
    """Approve, take back, pause, resume, stop, test."""
    here = _found(edition_id)
    now = timezone.now()
    user: Any = request.user
    try:
        if what == "approve":
            actions.approve(here, by=user, at=now, seen=request.POST.get("seen", ""))
            messages.success(request, _("Approved. It goes at its hour; until then you can take the approval back."))
        elif what == "unapprove":
            actions.unapprove(here)
            messages.success(request, _("Taken back. It does not go until somebody approves it again."))
        elif what == "pause":
            actions.pause(here)
            messages.success(request, _("Paused. Whoever has not got it waits."))
        elif what == "resume":
            actions.resume(here, by=user, note=plain(request.POST.get("note")), at=now)
            messages.success(request, _("It goes on."))
        elif what == "stop":
            actions.stop(here, at=now)
            messages.success(request, _("Stopped for good. Whoever has not got it never will."))
        elif what == "test":
            actions.send_test(here, to=user, as_contact=_contact(request.POST.get("as")), at=now)
            messages.success(request, _("A test is on its way to %(email)s.") % {"email": user.email})
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("newsletter:edit", here.public_id)


@requires("newsletter.edit")
def preview(request: HttpRequest, edition_id: uuid.UUID) -> HttpResponse:
    """The mail itself, for the frame on the editor's desk."""
    here = _found(edition_id)
    contact = _contact(request.GET.get("as"))
    return framed(request, lambda: mails.preview(here, contact, at=timezone.now()).html)
