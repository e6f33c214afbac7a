"""Saying that somebody has moved or left."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.crm.models import Account
from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import requires
from advocates.actions import moving
from advocates.models import Advocate

LEFT, MOVED = "left", "moved"


class MovedForm(forms.Form):
    """What we know of it."""

    what = forms.ChoiceField(
        label=_l("What has happened?"),
        choices=[(MOVED, _l("They work at another company now")), (LEFT, _l("They have left; where to is not known"))],
        widget=forms.RadioSelect,
    )
    account = forms.CharField(
        label=_l("New company"), max_length=200, required=False, help_text=_l("Its name or its domain.")
    )
    new = forms.BooleanField(label=_l("It is not among the accounts yet: add it"), required=False)
    title = forms.CharField(label=_l("New title"), max_length=150, required=False)
    email = forms.EmailField(label=_l("New e-mail"), required=False)
    on = forms.DateField(
        label=_l("Left on"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_l("If they have left; empty: today."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        day = cleaned.get("on")
        if day and day > timezone.localdate():
            self.add_error("on", _("That day is still ahead."))
        if cleaned.get("what") == MOVED and "account" in cleaned:
            self._find(cleaned)
        return cleaned

    def _find(self, cleaned: dict[str, Any]) -> None:
        name = plain(cleaned["account"])
        if not name:
            self.add_error("account", _("Say which company they work at now."))
            return
        found = list(Account.objects.filter(domain__iexact=name)[:2] or Account.objects.filter(name__iexact=name)[:2])
        if len(found) > 1:
            self.add_error("account", _("More than one account is called so; give its domain."))
        elif not found and not cleaned.get("new"):
            self.add_error(
                "account", _("No account is called so. Mind the spelling, or tick below that it is to be added.")
            )
        cleaned["found"] = found[0] if len(found) == 1 else None

    def new_account(self) -> Account:
        """The account found, or one made for a company that is no customer."""
        found: Account | None = self.cleaned_data.get("found")
        if found is not None:
            return found
        name = plain(self.cleaned_data["account"])
        return Account.objects.create(name=name, source="portal", external_id=f"moved:{uuid.uuid4()}")


@requires("advocates.change_advocate")
@require_http_methods(["GET", "HEAD", "POST"])
def moved(request: HttpRequest, public_id: Any) -> HttpResponse:
    """They have moved or left: what follows is said before it happens."""
    found = get_object_or_404(
        Advocate.objects.visible_to(request.user).select_related("contact__account"), public_id=public_id
    )
    form = MovedForm(request.POST or None, initial={"what": MOVED})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given, at = form.cleaned_data, timezone.now()
            try:
                if given["what"] == LEFT:
                    moving.has_left(found, at=at, by=request.user, on=given["on"])
                    messages.success(request, _("On record. They are an alumnus now; a successor is to be found."))
                else:
                    to = form.new_account()
                    moving.has_moved(
                        found, to=to, at=at, by=request.user, title=given["title"], email=given["email"]
                    )  # fmt: skip
                    messages.success(request, _("On record: they are at %(account)s now.") % {"account": to})
                return redirect("advocates:advocate", public_id)
            except Refused as refusal:
                messages.warning(request, str(refusal))
                status = 409
    context = {"advocate": found, "form": form, "last": moving.to_take_back(found, at=timezone.now())}
    return respond(request, "advocates/moved.html", context, status=status)


@requires("advocates.change_advocate")
@require_POST
def take_back(request: HttpRequest, public_id: Any) -> HttpResponse:
    """It was not so."""
    found = get_object_or_404(
        Advocate.objects.visible_to(request.user).select_related("contact__account"), public_id=public_id
    )
    try:
        account = moving.take_back(found, at=timezone.now(), by=request.user)
        messages.success(
            request,
            _("Taken back: they are at %(account)s. What was called off meanwhile stays so; ask them again.")
            % {"account": account},
        )
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("advocates:advocate", public_id)
