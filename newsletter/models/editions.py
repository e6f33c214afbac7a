"""Editions of the newsletter: the twice-monthly slots, their items, their course."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

import pghistory
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.lifecycle import Lifecycle
from advocates.models import Recognition
from community.models import Topic
from opportunities.models import Opportunity


@pghistory.track()
class EditionSchedule(models.Model):
    """When editions go: the given weekdays of each month, at an hour on the reader's own clock. One row."""

    weekday = models.PositiveSmallIntegerField(_("weekday (Monday is 0)"), default=1)
    weeks = models.JSONField(_("which of the month"), default=list, help_text=_("[1, 3] is the first and third."))
    hour = models.PositiveSmallIntegerField(_("hour"), default=9)
    draft_days_before = models.PositiveSmallIntegerField(_("drafted days before"), default=3)
    most_opportunities = models.PositiveSmallIntegerField(_("opportunities for each reader"), default=5)
    send_without_opportunities = models.BooleanField(_("also to readers with nothing open to them"), default=True)
    enabled = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("edition schedule")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="edition_schedule_one_row"),
            models.CheckConstraint(condition=Q(weekday__lte=6, hour__lte=23), name="edition_schedule_range"),
        ]

    def __str__(self) -> str:
        return str(_("Edition schedule"))

    def clean(self) -> None:
        wrong: dict[str, Any] = {}
        bounds = {"weekday": (0, 6), "hour": (0, 23), "draft_days_before": (0, 28), "most_opportunities": (1, 30)}
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                wrong[name] = _("Choose a number from %(least)d to %(most)d.") % {"least": least, "most": most}
        weeks = self.weeks
        if not isinstance(weeks, list) or not weeks or any(type(one) is not int or not 1 <= one <= 5 for one in weeks):
            wrong["weeks"] = _("Write numbers from 1 to 5 in brackets: [1, 3] is the first and third of the month.")
        if wrong:
            raise ValidationError(wrong)
        self.weeks = sorted(set(weeks))


@pghistory.track()
class Edition(Lifecycle):
    """One newsletter. ``slot`` is its day; nothing goes out that nobody approved."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        SENDING = "sending", _("being sent")
        PAUSED = "paused", _("paused")
        SENT = "sent", _("sent")
        STOPPED = "stopped", _("stopped")
        MISSED = "missed", _("missed its slot")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "draft": frozenset({"approved", "missed"}),
        "approved": frozenset({"draft", "sending", "missed"}),
        "sending": frozenset({"paused", "sent", "stopped"}),
        "paused": frozenset({"sending", "stopped"}),
        "missed": frozenset({"approved"}),
        "sent": frozenset(),
        "stopped": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    slot = models.DateField(_("day"), unique=True)
    hour = models.PositiveSmallIntegerField(_("hour, on the reader's clock"), default=9)
    subject = models.CharField(_("subject"), max_length=150, blank=True, default="")
    preheader = models.CharField(_("preview line"), max_length=150, blank=True, default="")
    intro = models.TextField(_("opening words"), blank=True, default="")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    drafted_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    sending_since = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    queued_up_to = models.BigIntegerField(default=0, help_text=_("Contacts up to this id have their message."))
    readers = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("edition")
        ordering = ["-slot"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "approved", "sending", "paused", "sent", "stopped", "missed"]),
                name="edition_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "missed"]) | Q(approved_at__isnull=False),
                name="edition_approved_has_time",
            ),
        ]

    def __str__(self) -> str:
        return self.subject or f"{self.slot}"


class EditionItem(models.Model):
    """One item of an edition, in a section; dropped items stay, so that they can be taken back."""

    class Section(models.TextChoices):
        LEAD = "lead", _("Opening")
        OPPORTUNITIES = "opportunities", _("Open to you")
        CELEBRATION = "celebration", _("Celebrations")
        PROGRAMS = "programs", _("Events and programs")
        COMMUNITY = "community", _("From the community")
        NEWS = "news", _("News")

    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="items")
    section = models.CharField(_("section"), max_length=15, choices=Section.choices)
    order = models.PositiveSmallIntegerField(default=100)
    title = models.CharField(_("title"), max_length=150)
    text = models.TextField(_("text"), blank=True, default="")
    link = models.CharField(_("link"), max_length=300, blank=True, default="")
    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    recognition = models.ForeignKey(Recognition, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    dropped = models.BooleanField(_("dropped"), default=False)
    withdrawn_at = models.DateTimeField(_("taken out after it had gone"), null=True, blank=True)

    class Meta:
        verbose_name = _("item")
        ordering = ["section", "order", "id"]

    def __str__(self) -> str:
        return self.title
