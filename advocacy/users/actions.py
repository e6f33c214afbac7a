"""What is done to people who sign in."""

from collections.abc import Iterable

from django.db import transaction

from advocacy.users.models import STAFF_ROLES, RoleGrant, User


@transaction.atomic
def set_roles(user: User, roles: Iterable[str]) -> None:
    """Give a person exactly these roles. ``is_staff`` follows."""
    wanted = set(map(str, roles))
    RoleGrant.objects.filter(user=user).exclude(role__in=wanted).delete()
    RoleGrant.objects.bulk_create([RoleGrant(user=user, role=role) for role in sorted(wanted)], ignore_conflicts=True)
    user.is_staff = user.is_superuser or bool(wanted & STAFF_ROLES)
    user.save(update_fields=["is_staff"])
    user.__dict__.pop("_role_set", None)


def count_silence_as_yes(user: User, yes: bool) -> None:
    """Somebody says of themselves whether their silence is a yes where they approve asks at their accounts."""
    user.silence_is_yes = yes
    user.save(update_fields=["silence_is_yes"])
