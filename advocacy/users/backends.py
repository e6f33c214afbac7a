"""Django's permission questions, answered from the one table of rights; and who is behind a session."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import BaseBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef

from advocacy.users.models import RoleGrant, User
from advocacy.users.rights import RIGHTS, may


def person_behind(user_id: Any) -> User | None:
    """Whom a session belongs to, with their roles, in one query; nobody once the person is inactive."""
    held = RoleGrant.objects.filter(user=OuterRef("pk")).values("role")
    user = User.objects.annotate(held_roles=ArraySubquery(held)).filter(pk=user_id, is_active=True).first()
    if user is not None:
        user._role_set = frozenset(user.held_roles)  # every page asks for them
    return user


class SignInBackend(AuthenticationBackend):
    """allauth's backend, which reads the roles along with the person."""

    def get_user(self, user_id: Any) -> User | None:
        return person_behind(user_id)


class RoleBackend(BaseBackend):
    """Authenticates nobody; answers ``user.has_perm`` and ``user.has_module_perms`` from the roles."""

    def get_user(self, user_id: int) -> User | None:
        """Tests sign in through the first backend."""
        return person_behind(user_id)

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if may(user_obj, perm):
            return True
        # No backend after this one is asked: no right comes from anywhere but the table.
        raise PermissionDenied

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether any of this person's roles holds any right of the app."""
        if (
            user_obj.is_active
            and user_obj.is_authenticated
            and (
                user_obj.is_superuser
                or any(
                    held == "*" or held.startswith(f"{app_label}.")
                    for role in user_obj.role_set
                    for held in RIGHTS.get(role, ())
                )
            )
        ):
            return True
        raise PermissionDenied
