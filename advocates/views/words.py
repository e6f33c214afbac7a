"""The words of invitations: one set for each region and language, read as a real person would, tried, kept (P14)."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm.models import Contact, Program
from advocacy.delivery import rendering
from advocacy.delivery.frame import framed
from advocacy.delivery.models import Message
from advocacy.lib.given import plain, whole_number
from advocacy.lib.pages import respond
from advocacy.users.rights import requires
from advocates import invitations
from advocates.actions import invitations as inviting
from advocates.forms import InvitationTemplateForm, regions
from advocates.models import InvitationTemplate


@requires("advocates.view_invitation")
def word_list(request: HttpRequest) -> HttpResponse:
    """Every set of words, and the regions nothing is written for."""
    rows = list(InvitationTemplate.objects.order_by("region", "language"))
    everywhere = any(not one.region for one in rows)
    written = {one.region for one in rows}
    without = [] if everywhere else [region for region in regions() if region not in written]
    return respond(request, "advocates/words.html", {"rows": rows, "without": without})


@requires("advocates.change_invitationtemplate")
@require_http_methods(["GET", "HEAD", "POST"])
def new_words(request: HttpRequest) -> HttpResponse:
    """Write an invitation for a region and language."""
    return _page(request, None)


@requires("advocates.view_invitation")
@require_http_methods(["GET", "HEAD", "POST"])
def words(request: HttpRequest, pk: int) -> HttpResponse:
    """One set of words: write, read it as somebody in particular, try it on oneself."""
    return _page(request, get_object_or_404(InvitationTemplate, pk=pk))


def _page(request: HttpRequest, found: InvitationTemplate | None) -> HttpResponse:
    may_change = request.user.has_perm("advocates.change_invitationtemplate")
    if request.method == "POST" and not may_change:
        raise PermissionDenied
    form = InvitationTemplateForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("Saved. New invitations are written like this; those under way stay as they are."))
        reader = whole_number(request.GET.get("as"))
        query = f"?{urlencode({'as': reader})}" if reader else ""
        return redirect(reverse("advocates:invitation_words", args=[saved.pk]) + query)
    if found is not None:
        found.refresh_from_db()  # what was refused is in the form, and in nothing else
    context = {
        "form": form,
        "words": found,
        "may_change": may_change,
        "reader": _reader(request, found) if found else None,
        "q": plain(request.GET.get("q"))[:100],
        "people": _people(request),
        "merge_fields": [f"{{{name}}}" for name in invitations.MERGE_FIELDS],
        "phone": request.GET.get("width") == "phone",
        "dark": request.GET.get("scheme") == "dark",
    }
    return respond(request, "advocates/words_edit.html", context, status=422 if request.method == "POST" else 200)


def _people(request: HttpRequest) -> list[Contact]:
    rows = Contact.objects.visible_to(request.user).filter(erased_at__isnull=True).select_related("account")
    said = plain(request.GET.get("q"))[:100].split()[:5]
    for word in said:
        rows = rows.filter(
            Q(given_name__icontains=word) | Q(family_name__icontains=word) | Q(account__name__icontains=word)
        )
    return list(rows.order_by("family_name", "pk")[:8]) if said else []


def _reader(request: HttpRequest, found: InvitationTemplate) -> Contact | None:
    """Whom it is read as: whoever was chosen, or the first person it would be written to."""
    rows = Contact.objects.visible_to(request.user).filter(erased_at__isnull=True).select_related("account")
    chosen = whole_number(request.GET.get("as") or request.POST.get("as"))
    if chosen and (contact := rows.filter(pk=chosen).first()):
        return contact
    here = rows.filter(advocate__isnull=True).exclude(email="").order_by("pk")
    if found.region:
        here = here.filter(account__region=found.region)
    return here.first() or rows.order_by("pk").first()


@requires("advocates.view_invitation")
def words_preview(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail itself, for the frame; its link opens nothing."""
    found = get_object_or_404(InvitationTemplate, pk=pk)
    contact = _reader(request, found)

    def html() -> str:
        if contact is None:
            return f"<!doctype html><html><head></head><body>{_('There is nobody to read it as yet.')}</body></html>"
        message = _trial(found, contact, request.user)
        outcome = rendering.render_many([message])[message.pk]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome.html

    return framed(request, html)


def _trial(found: InvitationTemplate, contact: Contact, by: Any) -> Message:
    """A message that is in no outbox."""
    return Message(
        kind="invitation_trial", dedupe_key="preview", template=invitations.MAIL,
        params=invitations.trial_params(
            found, contact, inviter=by, program=Program.current(), at=timezone.now()
        ) | {"trial": False},
        to_email=contact.email, to_name=contact.full_name, language=found.language,
        time_zone=contact.time_zone or "UTC", message_id="<preview@portal.example>",
    )  # fmt: skip


@requires("advocates.change_invitationtemplate")
@require_POST
def words_trial(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it to oneself as that person would get it."""
    found = get_object_or_404(InvitationTemplate, pk=pk)
    contact = _reader(request, found)
    if contact is None:
        messages.warning(request, _("There is nobody to write it for yet. Bring in contacts first."))
        return redirect("advocates:invitation_words", pk)
    inviting.send_trial(found, contact, to=request.user, at=timezone.now())
    messages.success(
        request,
        _("On its way to %(address)s, as %(name)s would get it.")
        % {"address": request.user.email, "name": contact.full_name},  # type: ignore[union-attr]
    )
    return redirect(f"{reverse('advocates:invitation_words', args=[pk])}?{urlencode({'as': contact.pk})}")
