"""Django's permission questions, answered from the one table of rights."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from advocacy.users.models import User
from advocacy.users.rights import RIGHTS, may


class RoleBackend(BaseBackend):
    """Authenticates nobody; answers ``user.has_perm`` and ``user.has_module_perms`` from the roles."""

    def get_user(self, user_id: int) -> User | None:
        """Whom a session belongs to; nobody once the person is inactive. (Tests sign in through the first backend.)"""
        return User.objects.filter(pk=user_id, is_active=True).first()

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return may(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether any of this person's roles holds any right of the app."""
        if not user_obj.is_active or not user_obj.is_authenticated:
            return False
        return user_obj.is_superuser or any(
            held == "*" or held.startswith(f"{app_label}.")
            for role in user_obj.role_set
            for held in RIGHTS.get(role, ())
        )
