"""What advocates can do for us, and their claims."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import StakeholderTeam, words
from advocacy.lib.lifecycle import Lifecycle
from advocates.models import Advocate

HOLDING_A_SEAT = ("claimed", "confirmed", "scheduled", "delivered", "verified")


@pghistory.track()
class OpportunityKind(models.Model):
    """A kind of opportunity, as data (O1).

    ``minutes`` is the usual effort; ``steps`` a subset of the claim's course, in order.
    """

    slug = models.SlugField(_("slug"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    group = models.CharField(
        _("group on the board"),
        max_length=30,
        blank=True,
        default="",
        help_text=_("calls, stories, speaking, betas, reviews, community …"),
    )
    points = models.PositiveIntegerField(_("points"), default=0)
    minutes = models.PositiveIntegerField(_("minutes of effort"), default=30)
    purpose = models.CharField(_("needs consent for"), max_length=30, choices=Purpose.choices, blank=True, default="")
    steps = ArrayField(models.CharField(max_length=12), default=list, verbose_name=_("steps of a claim"))
    points_at = models.CharField(_("points are booked when"), max_length=12, default="verified")
    questions = models.JSONField(_("questions on claiming"), default=list, blank=True)
    is_public = models.BooleanField(_("public"), default=False)
    for_requests = models.BooleanField(_("can be asked for at the desk"), default=False)
    is_review = models.BooleanField(_("a public review (guarded)"), default=False)
    order = models.PositiveSmallIntegerField(default=100)

    class Meta:
        verbose_name = _("kind of opportunity")
        verbose_name_plural = _("kinds of opportunity")
        ordering = ["order", "name"]

    def __str__(self) -> str:
        return self.name


class OpportunityQuerySet(models.QuerySet["Opportunity"]):
    def open(self, *, at: Any = None) -> Self:
        at = at or timezone.now()
        return self.filter(status=Opportunity.Status.OPEN).filter(Q(closes_at__isnull=True) | Q(closes_at__gt=at))

    def listed(self) -> Self:
        """On the board, rather than the private frame of one request."""
        return self.filter(request__isnull=True)

    def published(self) -> Self:
        return self.filter(status__in=[Opportunity.Status.OPEN, Opportunity.Status.CLOSED])

    def with_seats_taken(self) -> Self:
        return self.annotate(seats_taken=Count("claims", filter=Q(claims__status__in=HOLDING_A_SEAT)))


@pghistory.track(exclude=["search"])
class Opportunity(Lifecycle):
    """Something an advocate can do for us.

    ``seats`` None means as many as like; *full* is what the seats say, not a status. ``audience`` says whom it is for:
    ``{"all": [...], "any": [...], "exclude": [...]}`` of facts; empty means everybody; exclude wins. An opportunity
    with a ``request`` is that request's private frame and never listed.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")
        CANCELLED = "cancelled", _("cancelled")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "draft": frozenset({"open", "cancelled"}),
        "open": frozenset({"closed", "cancelled"}),
        "closed": frozenset({"open", "cancelled"}),
        "cancelled": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.ForeignKey(
        OpportunityKind, on_delete=models.PROTECT, related_name="opportunities", verbose_name=_("kind")
    )
    title = models.CharField(_("title"), max_length=150)
    summary = models.CharField(_("in a sentence"), max_length=300, blank=True, default="")
    what = models.TextField(_("what is asked"), blank=True, default="")
    gain = models.TextField(_("what they get from it"), blank=True, default="")
    minutes = models.PositiveIntegerField(_("minutes"), null=True, blank=True)
    effort = models.CharField(_("effort in words"), max_length=80, blank=True, default="")
    is_public = models.BooleanField(_("public"), default=False)
    points = models.PositiveIntegerField(_("points"), default=0)
    incentive = models.CharField(_("incentive"), max_length=200, blank=True, default="")
    incentive_until = models.DateTimeField(_("incentive until"), null=True, blank=True)
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    audience = models.JSONField(_("for whom"), default=dict, blank=True)
    regions = words(verbose_name=_("regions"))
    industries = words(verbose_name=_("industries"))
    topics = words(verbose_name=_("topics"))
    is_remote = models.BooleanField(_("from anywhere"), default=True)
    place = models.CharField(_("place"), max_length=120, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    happens_at = models.DateTimeField(_("takes place"), null=True, blank=True)
    team = models.ForeignKey(
        StakeholderTeam, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("team it serves")
    )
    run_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("run by")
    )
    request = models.OneToOneField(
        "opportunities.ReferenceRequest",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="frame",
        editable=False,
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("summary", weight="B", config="simple")
        + SearchVector("what", weight="C", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name = _("opportunity")
        verbose_name_plural = _("opportunities")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["draft", "open", "closed", "cancelled"]), name="opportunity_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="open") | Q(opened_at__isnull=False), name="opportunity_open_has_time"
            ),
            models.CheckConstraint(condition=Q(seats__isnull=True) | Q(seats__gte=1), name="opportunity_seats"),
        ]
        indexes = [
            GinIndex(fields=["search"], name="opportunity_search"),
            models.Index(fields=["status", "-opened_at"], condition=Q(request__isnull=True), name="opportunity_board"),
            models.Index(fields=["kind", "status"], name="opportunity_kind"),
        ]

    def __str__(self) -> str:
        return self.title


@pghistory.track()
class Claim(Lifecycle):
    """One advocate's yes to one opportunity, and its course to completion."""

    class Status(models.TextChoices):
        CLAIMED = "claimed", _("claimed")
        CONFIRMED = "confirmed", _("confirmed")
        SCHEDULED = "scheduled", _("scheduled")
        DELIVERED = "delivered", _("delivered")
        VERIFIED = "verified", _("verified")
        WITHDRAWN = "withdrawn", _("withdrawn")
        DECLINED = "declined", _("declined")
        MISSED = "missed", _("missed")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "claimed": frozenset({"confirmed", "scheduled", "delivered", "verified", "withdrawn", "declined", "missed"}),
        "confirmed": frozenset({"scheduled", "delivered", "verified", "withdrawn", "declined", "missed"}),
        "scheduled": frozenset({"scheduled", "delivered", "verified", "withdrawn", "declined", "missed"}),
        "delivered": frozenset({"verified", "missed", "declined"}),
        "verified": frozenset(),
        "withdrawn": frozenset({"claimed"}),
        "declined": frozenset(),
        "missed": frozenset({"scheduled"}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    opportunity = models.ForeignKey(Opportunity, on_delete=models.PROTECT, related_name="claims")
    advocate = models.ForeignKey(Advocate, on_delete=models.PROTECT, related_name="claims")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.CLAIMED)
    answers = models.JSONField(_("answers"), default=dict, blank=True)
    claimed_at = models.DateTimeField(_("claimed"))
    scheduled_for = models.DateTimeField(_("takes place"), null=True, blank=True)
    minutes = models.PositiveIntegerField(_("minutes"), null=True, blank=True)
    sequence = models.PositiveSmallIntegerField(_("calendar sequence"), default=0)
    delivered_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    thanked_at = models.DateTimeField(_("thanked"), null=True, blank=True)

    class Meta:
        verbose_name = _("claim")
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "advocate"], name="claim_once"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "claimed",
                        "confirmed",
                        "scheduled",
                        "delivered",
                        "verified",
                        "withdrawn",
                        "declined",
                        "missed",
                    ]
                ),
                name="claim_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="scheduled") | Q(scheduled_for__isnull=False), name="claim_scheduled_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(status="verified") | Q(verified_at__isnull=False), name="claim_verified_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["advocate", "status"], name="claim_advocate"),
            models.Index(fields=["opportunity", "status"], name="claim_opportunity"),
            models.Index(fields=["scheduled_for"], condition=Q(status="scheduled"), name="claim_scheduled"),
        ]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.opportunity}"


class ClaimFeedback(models.Model):
    """What one side says afterwards: a grade from 1 to 5, and words."""

    class Side(models.TextChoices):
        ADVOCATE = "advocate", _("advocate")
        REQUESTER = "requester", _("requester")

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="feedback")
    side = models.CharField(max_length=10, choices=Side.choices)
    grade = models.PositiveSmallIntegerField(_("grade"))
    happened = models.BooleanField(_("it took place"), default=True)
    text = models.TextField(_("in words"), blank=True, default="")
    minutes = models.PositiveIntegerField(_("minutes given"), null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.UniqueConstraint(fields=["claim", "side"], name="feedback_once"),
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=5), name="feedback_grade"),
        ]

    def __str__(self) -> str:
        return f"{self.get_side_display()}: {self.grade}"


class Waiting(models.Model):
    """A place on the waitlist of a full opportunity; first come, first served."""

    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, related_name="waitlist")
    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="waiting")
    since = models.DateTimeField()
    offered_at = models.DateTimeField(null=True, blank=True)
    offer_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("place on the waitlist")
        constraints = [models.UniqueConstraint(fields=["opportunity", "advocate"], name="waiting_once")]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.opportunity}"
