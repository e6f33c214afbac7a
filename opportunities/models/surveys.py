"""What people are asked how it is for them, what they answered, and what came of it (O9).

Answers are feelings: nothing here may ever choose who is asked for a public review (P19).
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Account, Contact, StakeholderTeam
from advocacy.lib.lifecycle import Lifecycle
from advocates.models import Cohort

SEES_ALL = "opportunities.view_survey"
MOST_QUESTIONS = 6
ANSWERED_WITHIN = timedelta(days=60)
"""How long a question waits for an answer where its survey has no last day."""
SCALES: Mapping[str, tuple[int, int]] = {"ten": (0, 10), "five": (1, 5)}
"""The lowest and the highest of each scale."""


class AnsweredBy(models.TextChoices):
    """How a question of a survey is answered."""

    TEN = "ten", _("0 to 10")
    FIVE = "five", _("1 to 5")
    CHOICE = "choice", _("one of a few")
    TEXT = "text", _("in words")


def validate_survey(value: Any) -> None:
    """The questions of a survey: each with a key of its own, a label and a known way to answer."""
    if not isinstance(value, list) or len(value) > MOST_QUESTIONS:
        raise ValidationError(_("Questions are a list of at most %(most)s.") % {"most": MOST_QUESTIONS})
    keys = set()
    for one in value:
        if not isinstance(one, dict) or not one.get("key") or not one.get("label"):
            raise ValidationError(_("Each question needs a key and a label."))
        if one["key"] in keys:
            raise ValidationError(_("Two questions have the key “%(key)s”.") % {"key": one["key"]})
        keys.add(one["key"])
        if one.get("type") not in AnsweredBy.values:
            raise ValidationError(_("“%(type)s” is no type of question.") % {"type": one.get("type")})
        if one["type"] == AnsweredBy.CHOICE and len(one.get("choices") or []) < 2:
            raise ValidationError(_("“%(label)s” needs at least two answers to choose from.") % {"label": one["label"]})


def _of_teams(user: Any, path: str = "") -> Q:
    """Rows of surveys for teams this person belongs to; a program's own are for those who run it."""
    return Q(**{f"{path}team__members": user.pk})


class SurveyQuerySet(models.QuerySet["Survey"]):
    def open(self, *, at: datetime) -> Self:
        return self.filter(status="open").filter(Q(closes_at__isnull=True) | Q(closes_at__gt=at))

    def visible_to(self, user: Any) -> Self:
        """Whoever runs surveys sees all; a team reads what was asked for it, once it is asked."""
        if user.has_perm(SEES_ALL):
            return self
        return self.filter(_of_teams(user)).exclude(status="draft").distinct()


@pghistory.track(exclude=["cursor", "next_round_at", "counting", "left_out"])
class Survey(Lifecycle):
    """A few questions for some people. Who is asked is fixed when it opens; the clock asks them, round by round.

    A program survey has no audience: it comes 30 and 90 days after joining and every year. One that is ``by_rule``
    asks whom a lifecycle rule reaches. ``cursor`` is how far the present round has come.
    """

    class Kind(models.TextChoices):
        NPS = "nps", _("recommendation (NPS)")
        CSAT = "csat", _("satisfaction (CSAT)")
        ROADMAP = "roadmap", _("roadmap feedback")
        PROGRAM = "program", _("the program itself")

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "draft": frozenset({"open"}),
        "open": frozenset({"closed"}),
        "closed": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("what it is about"), max_length=10, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=120)
    intro = models.TextField(_("what it is for"), blank=True, default="")
    questions = models.JSONField(_("questions"), default=list, validators=[validate_survey])
    scored = models.CharField(
        _("key of the question that is the score"), max_length=40, blank=True, default="", editable=False
    )
    team = models.ForeignKey(
        StakeholderTeam, on_delete=models.PROTECT, null=True, blank=True, related_name="surveys",
        verbose_name=_("team that reads the answers"),
    )  # fmt: skip
    cohort = models.ForeignKey(
        Cohort,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("members of the cohort"),
    )
    definition = models.JSONField(null=True, blank=True, help_text=_("Who belonged when it was opened."))
    by_rule = models.BooleanField(_("asked by a rule only"), default=False)
    shows_names = models.BooleanField(_("the team reads who said what"), default=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.DRAFT)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("by")
    )
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(_("opened"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    cursor = models.BigIntegerField(default=0)
    next_round_at = models.DateTimeField(null=True, blank=True)
    counting = models.JSONField(default=dict, blank=True)
    left_out = models.JSONField(_("not asked in the last round, by reason"), default=dict, blank=True)

    objects = SurveyQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["draft", "open", "closed"]), name="survey_status_known"),
            models.CheckConstraint(
                condition=Q(kind__in=["nps", "csat", "roadmap", "program"]), name="survey_kind_known"
            ),
            models.CheckConstraint(condition=Q(status="draft") | Q(opened_at__isnull=False), name="survey_opened_when"),
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False)
                | (~Q(status="closed") & Q(closed_at__isnull=True)),
                name="survey_closed_when",
            ),
            models.CheckConstraint(condition=~Q(kind="program", by_rule=True), name="survey_program_by_the_clock"),
            models.UniqueConstraint(
                fields=["kind"], condition=Q(kind="program", status="open"), name="survey_one_of_the_program"
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["-created_at", "-id"], name="survey_newest")]

    def __str__(self) -> str:
        return self.title

    @property
    def is_of_program(self) -> bool:
        return self.kind == Survey.Kind.PROGRAM

    def is_open(self, *, at: datetime) -> bool:
        """Whether it can be answered now."""
        return self.status == Survey.Status.OPEN and (self.closes_at is None or self.closes_at > at)


class InviteQuerySet(models.QuerySet["SurveyInvite"]):
    def waiting(self, *, at: datetime) -> Self:
        """Asked and not finished, while the survey can still be answered."""
        rows = self.filter(finished_at__isnull=True, survey__status="open")
        fresh = Q(survey__closes_at__isnull=True, asked_at__gt=at - ANSWERED_WITHIN)
        return rows.filter(fresh | Q(survey__closes_at__gt=at))

    def reached(self) -> Self:
        """Those whom the question reached, as far as we know."""
        return self.filter(unreached_at__isnull=True)

    def visible_to(self, user: Any) -> Self:
        """Rows are of people: for whoever runs surveys and sees contacts."""
        return self if user.has_perm(SEES_ALL) and user.has_perm("crm.view_contact") else self.none()


class SurveyInvite(models.Model):
    """One survey put to one person; ``slot`` tells apart what comes again (day 30, a year, a rule's firing)."""

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="invites")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="survey_invites")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="survey_invites")
    slot = models.CharField(_("occasion"), max_length=40, blank=True, default="")
    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    asked_at = models.DateTimeField(_("asked"))
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    unreached_at = models.DateTimeField(_("found not to have reached them"), null=True, blank=True)
    answered_at = models.DateTimeField(_("first answer"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = InviteQuerySet.as_manager()

    class Meta:
        verbose_name = _("question to a person")
        verbose_name_plural = _("questions to people")
        constraints = [
            models.UniqueConstraint(fields=["survey", "contact", "slot"], name="survey_invite_once"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(answered_at__isnull=False), name="survey_invite_finished"
            ),
            models.CheckConstraint(
                condition=Q(unreached_at__isnull=True) | Q(answered_at__isnull=True), name="survey_invite_reached"
            ),
        ]
        indexes = [
            models.Index(fields=["-asked_at", "-id"], name="survey_invite_newest"),
            models.Index(
                fields=["answered_at"], condition=Q(answered_at__isnull=False, finished_at__isnull=True),
                name="survey_invite_begun",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.survey}: {self.contact}"

    @property
    def answer_until(self) -> datetime:
        """When it can be answered no more, whatever becomes of its survey."""
        return self.survey.closes_at or self.asked_at + ANSWERED_WITHIN


class AnswerQuerySet(models.QuerySet["SurveyAnswer"]):
    def visible_to(self, user: Any) -> Self:
        if not (user.has_perm(SEES_ALL) and user.has_perm("crm.view_contact")):
            return self.none()
        return self.filter(invite__survey__shows_names=True)


class SurveyAnswer(models.Model):
    """One question, answered by one person; it can be changed until they have finished."""

    invite = models.ForeignKey(SurveyInvite, on_delete=models.CASCADE, related_name="answers")
    question = models.CharField(_("question"), max_length=40)
    number = models.SmallIntegerField(_("number"), null=True, blank=True)
    text = models.TextField(_("in words"), blank=True, default="")
    at = models.DateTimeField(_("at"))

    objects = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer")
        constraints = [
            models.UniqueConstraint(fields=["invite", "question"], name="survey_answer_once"),
            models.CheckConstraint(
                condition=Q(number__isnull=True, text__gt="") | Q(number__gte=0, number__lte=10, text=""),
                name="survey_answer_says_something",
            ),
        ]
        indexes = [models.Index(fields=["-at", "-id"], name="survey_answer_newest")]

    def __str__(self) -> str:
        return self.text if self.number is None else str(self.number)


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def visible_to(self, user: Any) -> Self:
        if user.has_perm(SEES_ALL):
            return self
        return self.filter(_of_teams(user)).distinct()

    def unsettled(self) -> Self:
        return self.filter(status__in=[Feedback.Status.NEW, Feedback.Status.LOOKING])


class Feedback(Lifecycle):
    """Words somebody answered with, and what came of them. Whoever gave them is told."""

    class Status(models.TextChoices):
        NEW = "new", _("new")
        LOOKING = "looking", _("being looked at")
        DONE = "done", _("done")
        NOT_NOW = "not_now", _("not now")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "new": frozenset({"looking", "done", "not_now"}),
        "looking": frozenset({"done", "not_now"}),
        "not_now": frozenset({"looking", "done"}),
        "done": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    answer = models.OneToOneField(SurveyAnswer, on_delete=models.PROTECT, related_name="feedback")
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="feedback")
    team = models.ForeignKey(
        StakeholderTeam, on_delete=models.PROTECT, null=True, blank=True, related_name="feedback",
        verbose_name=_("team"),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.NEW)
    note = models.TextField(_("what came of it"), blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("given"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["new", "looking", "done", "not_now"]), name="feedback_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["new", "looking"]) | (Q(settled_at__isnull=False) & ~Q(note="")),
                name="feedback_settled_with_words",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="feedback_newest"),
            models.Index(F("status"), F("created_at").desc(), name="feedback_by_status"),
        ]

    def __str__(self) -> str:
        return self.answer.text[:80]
