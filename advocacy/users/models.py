"""Who signs in, and the roles they hold."""

from typing import Any, ClassVar

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    ADVOCATE = "advocate", _("Advocate")
    REQUESTER = "requester", _("Requester")
    MANAGER = "manager", _("Reference manager")
    MODERATOR = "moderator", _("Community manager, moderator and editor")
    LEAD = "lead", _("Program lead")
    OWNER = "owner", _("Account owner or CSM")
    READER = "reader", _("Reader of reports")
    ADMINISTRATOR = "administrator", _("Administrator")


STAFF_ROLES = frozenset({Role.MANAGER, Role.MODERATOR, Role.LEAD, Role.ADMINISTRATOR})
"""Roles that work in the admin; Django's ``is_staff`` follows them (see ``actions.set_roles``)."""


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        RoleGrant.objects.get_or_create(user=user, role=Role.ADMINISTRATOR)
        return user


@pghistory.track(exclude=["password", "last_login"])
class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in: a colleague, or an advocate (then ``advocate`` points back here)."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    title = models.CharField(_("title"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=50, default="UTC")
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("works in the admin"), default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    silence_is_yes = models.BooleanField(
        _("silence counts as a yes where they approve asks at their accounts"), default=False, db_default=False
    )

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person who signs in")
        verbose_name_plural = _("people who sign in")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name else self.email

    @property
    def role_set(self) -> frozenset[str]:
        """The roles this person holds; read once for each request."""
        if not hasattr(self, "_role_set"):
            self._role_set = frozenset(self.role_grants.values_list("role", flat=True))
        return self._role_set


@pghistory.track()
class RoleGrant(models.Model):
    """One role of one person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], name="role_grant_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_grant_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class SavedView(models.Model):
    """A filtered list somebody comes back to (P12): the page and what its address narrows it to, under their name."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=60)
    path = models.CharField(max_length=200)
    query = models.CharField(max_length=1_000)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("saved view")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "path", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{self.path}?{self.query}"
