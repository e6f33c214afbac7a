"""Campaigns for reviews on public sites (O8): who was asked, and the reviews they told of, guarded by P19."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Contact
from advocacy.lib.lifecycle import Lifecycle
from advocates.models import Cohort


class ReviewSite(models.Model):
    """A public site on which customers write what they think."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    url = models.URLField(_("where one writes a review"), max_length=500)
    is_used = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("review site")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CampaignQuerySet(models.QuerySet["ReviewCampaign"]):
    def running(self, *, at: Any) -> Self:
        return self.filter(status=ReviewCampaign.Status.RUNNING).filter(
            Q(closes_on__isnull=True) | Q(closes_on__gte=timezone.localdate(at))
        )


@pghistory.track(exclude=["cursor"])
class ReviewCampaign(Lifecycle):
    """One campaign: which site, whom, in which words, with which thanks, the same for everybody and any opinion.

    ``definition`` is who belongs, fixed when it starts; None means everybody who has agreed to mail from the program.
    One that is asked ``by_rule`` asks nobody by itself: a lifecycle rule says who, within the same guard.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        RUNNING = "running", _("running")
        CLOSED = "closed", _("closed")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "draft": frozenset({"running", "closed"}),
        "running": frozenset({"closed"}),
        "closed": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    title = models.CharField(_("title"), max_length=120, help_text=_("For us; customers do not read it."))
    site = models.ForeignKey(ReviewSite, on_delete=models.PROTECT, related_name="campaigns", verbose_name=_("site"))
    cohort = models.ForeignKey(
        Cohort, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("people")
    )
    definition = models.JSONField(null=True, blank=True, help_text=_("Who belonged when it was started."))
    by_rule = models.BooleanField(_("asked only when a rule asks"), default=False)
    words = models.TextField(_("what we write"), help_text=_("Without a word about what to think."))
    thanks = models.CharField(
        _("thanks"), max_length=200, blank=True, default="",
        help_text=_("The same for everybody and any opinion, such as a donation of 10 €. Empty: none."),
    )  # fmt: skip
    closes_on = models.DateField(_("last day"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    run_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("run by")
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    cursor = models.BigIntegerField(default=0, editable=False)
    done_asking_at = models.DateTimeField(_("everybody asked"), null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("review campaign")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["draft", "running", "closed"]), name="campaign_status"),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(started_at__isnull=False), name="campaign_running_since"
            ),
            models.CheckConstraint(
                condition=Q(by_rule=False) | Q(cohort__isnull=True, definition__isnull=True),
                name="campaign_one_chooser",
            ),
        ]
        indexes = [models.Index(fields=["status", "-created_at"], name="campaign_list")]

    def __str__(self) -> str:
        return self.title


class ReviewAsk(models.Model):
    """One person asked in one campaign, and the review they told of; proof that it is there comes before it counts."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    campaign = models.ForeignKey(ReviewCampaign, on_delete=models.PROTECT, related_name="asks")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="review_asks")
    asked_at = models.DateTimeField(_("asked"))
    declined_at = models.DateTimeField(_("would rather not"), null=True, blank=True)
    told_at = models.DateTimeField(_("told us"), null=True, blank=True)
    review_url = models.URLField(_("where it stands"), max_length=500, blank=True, default="")
    shown_as = models.CharField(_("shown there as"), max_length=150, blank=True, default="")
    verified_at = models.DateTimeField(_("seen by us"), null=True, blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    not_found = models.CharField(_("not found"), max_length=300, blank=True, default="")
    thanked_at = models.DateTimeField(_("thanks sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("ask for a review")
        verbose_name_plural = _("asks for reviews")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "contact"], name="review_asked_once"),
            models.CheckConstraint(
                condition=Q(verified_at__isnull=True) | Q(told_at__isnull=False), name="review_told_before_seen"
            ),
            models.CheckConstraint(
                condition=Q(told_at__isnull=True) | ~Q(review_url="") | ~Q(shown_as=""), name="review_told_has_proof"
            ),
        ]
        indexes = [
            models.Index(fields=["contact", "-asked_at"], name="review_contact"),
            models.Index(fields=["campaign", "told_at"], name="review_told"),
        ]

    def __str__(self) -> str:
        return f"{self.contact}: {self.campaign}"
