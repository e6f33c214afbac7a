"""Stories: case studies on their way from idea to publication (D14)."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Account, Contact
from advocacy.lib.lifecycle import Lifecycle
from opportunities.models.showing import Findable, text_triggers

STORY_TEXTS = ("title", "customer", "challenge", "solution", "results", "quote", "quote_by", "lessons")
"""What a reader reads, and what the customer says yes to."""
RESULT = ("figure", "unit", "before", "after", "over")


def validate_results(value: Any) -> None:
    """Results are rows of figure, unit, before, after and over what time; each needs at least what it is about."""
    if not isinstance(value, list):
        raise ValidationError(_("Results are a list."))
    for row in value:
        if not isinstance(row, dict) or set(row) - set(RESULT):
            raise ValidationError(_("A result has a figure, its unit, before, after and over what time."))
        if not str(row.get("figure", "")).strip():
            raise ValidationError(_("Say what each result is about."))


class StoryQuerySet(models.QuerySet["Story"]):
    def active(self) -> Self:
        return self.filter(status__in=Story.ACTIVE)

    def visible_to(self, user: Any) -> Self:
        """Whoever writes stories sees all of them; an advocate those they raised a hand for or are told in."""
        if user.has_perm("opportunities.write_stories"):
            return self
        return self.filter(contact__advocate__user=user.pk)


@pghistory.track(exclude=["search"])
class Story(Findable, Lifecycle):
    """A case study on its way from idea to publication.

    ``results`` are rows with the keys of ``RESULT``. ``version`` counts the texts: a customer says yes to one of them.
    """

    class Status(models.TextChoices):
        IDENTIFY = "identify", _("idea")
        RESEARCH = "research", _("research")
        WRITING = "writing", _("writing")
        REVIEW = "review", _("review")
        APPROVAL = "approval", _("with the customer")
        APPROVED = "approved", _("approved")
        PUBLISHED = "published", _("published")
        PARKED = "parked", _("parked")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    COURSE: ClassVar[tuple[str, ...]] = (
        "identify", "research", "writing", "review", "approval", "approved", "published",
    )  # fmt: skip
    ACTIVE: ClassVar[tuple[str, ...]] = COURSE[:-1]
    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "identify": frozenset({"research", "writing", "parked", "refused"}),
        "research": frozenset({"identify", "writing", "parked", "refused"}),
        "writing": frozenset({"research", "review", "parked", "refused"}),
        "review": frozenset({"writing", "approval", "approved", "parked", "refused"}),
        "approval": frozenset({"writing", "approved", "parked", "refused"}),
        "approved": frozenset({"writing", "published", "parked", "refused"}),
        "published": frozenset({"withdrawn"}),
        "parked": frozenset({"identify", "research", "writing"}),
        "refused": frozenset({"identify"}),
        "withdrawn": frozenset({"writing"}),
    }
    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    title = models.CharField(_("title"), max_length=200)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="stories", verbose_name=_("customer"))
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="stories", verbose_name=_("told by")
    )
    customer = models.TextField(_("the customer"), blank=True, default="")
    challenge = models.TextField(_("challenge"), blank=True, default="")
    solution = models.TextField(_("solution"), blank=True, default="")
    results = models.JSONField(_("results"), default=list, blank=True, validators=[validate_results])
    quote = models.TextField(_("quote"), blank=True, default="")
    quote_by = models.CharField(_("who says it"), max_length=200, blank=True, default="")
    lessons = models.TextField(_("lessons"), blank=True, default="")
    questions = models.TextField(_("questions for the interview"), blank=True, default="")
    notes = models.TextField(_("notes of the interview"), blank=True, default="", help_text=_("For us only."))
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.IDENTIFY)
    parked_from = models.CharField(max_length=10, blank=True, default="", editable=False)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    raised_by = models.ForeignKey(
        "advocates.Advocate", on_delete=models.SET_NULL, null=True, blank=True, related_name="raised_stories",
        verbose_name=_("offered by"),
    )  # fmt: skip
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="stories",
        verbose_name=_("whose work it is"),
    )  # fmt: skip
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("who reviews it"),
    )  # fmt: skip
    due_on = models.DateField(_("due"), null=True, blank=True)
    created_at = models.DateTimeField(_("begun"), default=timezone.now)
    moved_at = models.DateTimeField(_("here since"), default=timezone.now)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("customer", "challenge", "solution", "quote", "lessons", weight="B", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = StoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("story")
        verbose_name_plural = _("stories")
        triggers = text_triggers("story", STORY_TEXTS, "a.story_id = NEW.id AND a.version = NEW.version")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "identify", "research", "writing", "review", "approval", "approved", "published", "parked",
                        "refused", "withdrawn",
                    ]
                ),
                name="story_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False), name="story_published_has_time"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["status", "due_on"], name="story_board"),
            models.Index(fields=["owner", "status"], name="story_owner"),
        ]

    def __str__(self) -> str:
        return self.title
