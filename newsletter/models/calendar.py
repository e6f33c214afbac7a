"""The editorial calendar: entries with a day or ideas without one, and what the calendar warns of."""

import uuid
from collections.abc import Mapping
from datetime import time
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.lifecycle import Lifecycle
from community.models import Space, Topic
from newsletter.models.editions import Edition


@pghistory.track()
class CalendarSettings(models.Model):
    """When the calendar warns, and how late a post may still be published. One row."""

    fresh_weeks = models.PositiveSmallIntegerField(
        _("weeks ahead that need something fresh"), default=4, help_text=_("This week is the first of them.")
    )
    in_a_row = models.PositiveSmallIntegerField(
        _("of the same type in a row are too many from"), default=2, help_text=_("2 warns of the second.")
    )
    region_weeks = models.PositiveSmallIntegerField(
        _("weeks ahead in which each region has something of its own"), default=4
    )
    launch_weeks = models.PositiveSmallIntegerField(_("weeks before its launch from which a region counts"), default=6)
    approve_days = models.PositiveSmallIntegerField(_("days before its day an entry should be approved"), default=3)
    late_hours = models.PositiveSmallIntegerField(
        _("hours late a post is still published"), default=12,
        help_text=_("When the clock stood still for longer, an editor decides."),
    )  # fmt: skip
    usual_hour = models.TimeField(_("usual hour, on the desk's clock"), default=time(9))

    BOUNDS: ClassVar[Mapping[str, tuple[int, int]]] = {
        "fresh_weeks": (0, 26), "in_a_row": (2, 10), "region_weeks": (0, 26), "launch_weeks": (0, 26),
        "approve_days": (0, 28), "late_hours": (1, 168),
    }  # fmt: skip

    class Meta:
        verbose_name = _("settings of the calendar")
        verbose_name_plural = _("settings of the calendar")
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="calendar_settings_one_row"),
            models.CheckConstraint(
                condition=Q(
                    fresh_weeks__lte=26, region_weeks__lte=26, launch_weeks__lte=26, in_a_row__gte=2, in_a_row__lte=10,
                    approve_days__lte=28, late_hours__gte=1, late_hours__lte=168,
                ),
                name="calendar_settings_range",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return str(_("Settings of the calendar"))

    def clean(self) -> None:
        wrong: dict[str, Any] = {}
        for name, (least, most) in self.BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                wrong[name] = _("Choose a number from %(least)d to %(most)d.") % {"least": least, "most": most}
        if wrong:
            raise ValidationError(wrong)

    @classmethod
    def current(cls) -> "CalendarSettings":
        """The one row; the usual values where nobody has set any, without writing them."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class Type(models.TextChoices):
    """What an entry gives its readers: a good week has more than one of these."""

    EDUCATIONAL = "educational", _("educational")
    NETWORKING = "networking", _("networking")
    ANNOUNCEMENT = "announcement", _("announcement")
    CHALLENGE = "challenge", _("challenge")
    SPOTLIGHT = "spotlight", _("spotlight")
    STORY = "story", _("story")
    FUN = "fun", _("fun")


class EntryQuerySet(models.QuerySet["Entry"]):
    def ideas(self) -> Self:
        """What waits for a day."""
        return self.filter(due_at__isnull=True, status=Entry.Status.DRAFT)

    def due(self, *, at: Any) -> Self:
        """Approved, and its moment has come."""
        return self.filter(status=Entry.Status.APPROVED, due_at__lte=at)


@pghistory.track()
class Entry(Lifecycle):
    """Something to be said in the community on a day; without a day, an idea.

    ``due_at`` is an instant; its day and hour are read on the desk's clock. What nobody approved is never published.
    """

    class Kind(models.TextChoices):
        POST = "post", _("post")
        PROMPT = "prompt", _("prompt")
        CHALLENGE = "challenge", _("challenge")
        EVENT = "event", _("event")

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        APPROVED = "approved", _("approved")
        PUBLISHED = "published", _("published")
        MISSED = "missed", _("missed its day")
        DROPPED = "dropped", _("set aside")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "draft": frozenset({"approved", "missed", "dropped"}),
        "approved": frozenset({"draft", "published", "missed"}),
        "missed": frozenset({"draft", "approved", "dropped"}),
        "dropped": frozenset({"draft"}),
        "published": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.POST)
    type = models.CharField(_("type"), max_length=12, choices=Type.choices, default=Type.EDUCATIONAL)
    title = models.CharField(_("title"), max_length=150)
    body = models.TextField(_("text"), blank=True, default="")
    space = models.ForeignKey(
        Space, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("space")
    )
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("in whose name")
    )
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)
    topic = models.OneToOneField(Topic, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    result = models.CharField(_("what came of it"), max_length=300, blank=True, default="")

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry of the calendar")
        verbose_name_plural = _("entries of the calendar")
        ordering = ["due_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "approved", "published", "missed", "dropped"]),
                name="entry_status_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["post", "prompt", "challenge", "event"]), name="entry_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    type__in=[
                        "educational", "networking", "announcement", "challenge", "spotlight", "story", "fun",
                    ]
                ),
                name="entry_type_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "dropped"]) | Q(due_at__isnull=False), name="entry_has_its_day"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "published"]) | Q(approved_at__isnull=False, space__isnull=False),
                name="entry_approved_has_time_and_space",
            ),
            models.CheckConstraint(
                condition=Q(status="published", topic__isnull=False, published_at__isnull=False)
                | (~Q(status="published") & Q(topic__isnull=True, published_at__isnull=True)),
                name="entry_published_has_its_topic",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["due_at", "id"], name="entry_due"),
            models.Index(fields=["due_at"], condition=Q(status="approved"), name="entry_to_publish"),
        ]

    def __str__(self) -> str:
        return self.title


@pghistory.track()
class MovedSlot(models.Model):
    """A day of the rhythm whose edition an editor moved to another day: it is not drafted a second time."""

    slot = models.DateField(_("day"), unique=True)
    edition = models.ForeignKey(Edition, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("moved day of an edition")

    def __str__(self) -> str:
        return f"{self.slot}"
