"""Tokens for other systems: made here, shown once, revoked here."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.api.models import ApiToken
from advocacy.lib.endpoints import scopes


class TokenForm(forms.ModelForm):
    """What a token is for; its scopes are those some endpoint asks for."""

    scopes = forms.MultipleChoiceField(
        label=_l("It may"), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _l("Tick what the token is for; without that it can do nothing.")},
    )  # fmt: skip

    expires_at = forms.DateTimeField(
        label=_l("Expires"), required=False, widget=forms.DateTimeInput({"type": "datetime-local"}),
        help_text=_l("On your clock. Empty: it stands until it is revoked."),
    )  # fmt: skip

    class Meta:
        model = ApiToken
        fields = ("name", "scopes", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(key, f"{words} ({key})") for key, words in scopes().items()]  # type: ignore[attr-defined]

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= timezone.now():
            raise forms.ValidationError(_("That moment has passed. Choose a later one, or none."))
        return expires_at


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """A token is shown when it is made and never again; what was made is revoked, not deleted."""

    form = TokenForm
    list_display = ("name", "begins", "scopes", "by", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("by",)
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        obj.by = request.user  # type: ignore[assignment]
        request.made_token = obj.renew()  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request), "token": request.made_token, "row": obj,  # type: ignore[attr-defined]
            "title": _("The token is made"), "opts": self.opts,
        }  # fmt: skip
        answer = TemplateResponse(request, "admin/api/token_made.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    @admin.action(description=_l("Revoke the ticked tokens"), permissions=["view"])
    def revoke(self, request: HttpRequest, rows: Any) -> None:
        """At once: the next call with it is refused."""
        if not request.user.has_perm("api.revoke_apitoken"):
            messages.warning(request, _("Only administrators revoke tokens."))
            return
        number = rows.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
        messages.success(request, _("Revoked: %(n)s.") % {"n": number})
