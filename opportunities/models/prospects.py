"""What prospects have in hand, and what both sides read before they meet (D7, D8)."""

import uuid
from datetime import datetime
from typing import Self

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from opportunities.models.board import OpportunityKind
from opportunities.models.desk import Nomination


class ProspectLinkQuerySet(models.QuerySet["ProspectLink"]):
    def live(self, *, at: datetime) -> Self:
        """Those that open: neither taken back nor too old."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=at)


@pghistory.track(exclude=["name", "email"])  # who they are is forgotten, and so is not copied
class ProspectLink(models.Model):
    """A signed link for the prospect of one conversation: they pick, move or call off its time without an account.

    Personal, kept for a while, and taken back at once by whoever gave it. ``email`` is there only where the portal may
    write to them itself.
    """

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    nomination = models.ForeignKey(Nomination, on_delete=models.CASCADE, related_name="prospect_links")
    name = models.CharField(_("who of the prospect"), max_length=150)
    email = models.EmailField(_("their address"), blank=True, default="")
    time_zone = models.CharField(_("their time zone"), max_length=50, default="UTC")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("opens until"))
    revoked_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = ProspectLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("link for a prospect")
        verbose_name_plural = _("links for prospects")
        constraints = [
            models.UniqueConstraint(
                fields=["nomination"], condition=Q(revoked_at__isnull=True), name="prospect_link_one_stands"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("made_at")), name="prospect_link_lasts"),
        ]
        indexes = [models.Index(fields=["nomination", "-made_at"], name="prospect_link_nomination")]

    def __str__(self) -> str:
        return f"{self.name}: {self.nomination}"

    def opens(self, *, at: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > at


@pghistory.track()
class Briefing(models.Model):
    """What both sides read before they meet, by kind and as data (D8)."""

    kind = models.OneToOneField(
        OpportunityKind, on_delete=models.CASCADE, related_name="briefing", verbose_name=_("kind of opportunity")
    )
    typical_questions = models.TextField(
        _("typical questions"), blank=True, default="", help_text=_("For the advocate; one in a line.")
    )
    off_limits = models.TextField(
        _("what is off limits"), blank=True, default="", help_text=_("For both sides; one in a line.")
    )
    manners = models.TextField(_("manners"), blank=True, default="", help_text=_("For the seller; one in a line."))

    class Meta:
        verbose_name = _("briefing")
        verbose_name_plural = _("briefings")

    def __str__(self) -> str:
        return str(self.kind)

    @classmethod
    def of(cls, kind: OpportunityKind) -> "Briefing":
        """The briefing of a kind; an empty one where nobody has written it."""
        return cls.objects.filter(kind=kind).first() or cls(kind=kind)

    @staticmethod
    def lines(text: str) -> list[str]:
        return [line.strip() for line in text.splitlines() if line.strip()]


__all__ = ["Briefing", "ProspectLink"]
