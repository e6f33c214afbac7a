"""People who sign in, in the admin."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from advocacy.users import actions
from advocacy.users.forms import PersonForm
from advocacy.users.models import Role, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Roles are given here; a new colleague sets a password, or asks for a sign-in code, by their address."""

    form = PersonForm
    list_display = ("who", "roles_in_words", "is_active", "last_login")
    list_filter = ("role_grants__role", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("role_grants")

    @admin.display(description=_("name and e-mail"), ordering="email")
    def who(self, user: User) -> str:
        return format_html("{}<br><small>{}</small>", user.name, user.email) if user.name else user.email

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """On adding somebody it is said how they will get in."""
        said = _(
            "Nobody is sent a password. They open the sign-in page, choose “Mail me a code instead” and type this "
            "address; the code lets them in, and they may set a password later."
        )
        return [(None, {"fields": self.get_fields(request, obj), "description": "" if obj else said})]

    @admin.display(description=_("roles"))
    def roles_in_words(self, user: User) -> str:
        return ", ".join(str(Role(grant.role).label) for grant in user.role_grants.all()) or "–"

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        actions.set_roles(obj, form.cleaned_data["roles"])
        if not change:
            messages.info(
                request,
                _("Tell %(name)s: sign in with a code, mailed to %(email)s.") % {"name": obj, "email": obj.email},
            )
        # An administrator vouches for the address: without that a new colleague could not ask for a sign-in code.
        EmailAddress.objects.update_or_create(user=obj, primary=True, defaults={"email": obj.email, "verified": True})

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # people are made inactive; their deeds keep a name
