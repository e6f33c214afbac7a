"""Django's permission questions, answered from the one table of rights."""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from advocacy.users.rights import may, role_may


class RoleBackend(BaseBackend):
    """Authenticates nobody; answers ``user.has_perm`` and ``user.has_module_perms`` from the roles."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return may(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if not user_obj.is_active:
            return False
        return user_obj.is_superuser or any(
            role_may(role, f"{app_label}.view_anything") or _has_any(role, app_label) for role in user_obj.role_set
        )


def _has_any(role: str, app_label: str) -> bool:
    from advocacy.users.rights import RIGHTS

    return any(held.startswith(f"{app_label}.") for held in RIGHTS.get(role, ()))
