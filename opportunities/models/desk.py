"""The reference desk: requests, nominations, proposed times, the clock."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import Deal, StakeholderTeam
from advocacy.lib.lifecycle import Lifecycle
from advocates.models import Advocate
from opportunities.models.board import Claim, OpportunityKind
from opportunities.models.sops import SopVersion


class RequestQuerySet(models.QuerySet["ReferenceRequest"]):
    def active(self) -> Self:
        return self.filter(status__in=ReferenceRequest.ACTIVE)

    def unassigned(self) -> Self:
        return self.active().filter(manager__isnull=True)

    def fulfilled(self) -> Self:
        return self.filter(status=ReferenceRequest.Status.FULFILLED)

    def visible_to(self, user: Any) -> Self:
        """The desk sees every request; a requester only their own."""
        if user.has_perm("opportunities.work_desk"):
            return self
        return self.filter(requester=user.pk)


@pghistory.track()
class ReferenceRequest(Lifecycle):
    """What a colleague asks the reference desk for."""

    class Status(models.TextChoices):
        NEW = "new", _("new")
        MATCHING = "matching", _("looking for advocates")
        ASKED = "asked", _("advocates asked")
        AGREED = "agreed", _("an advocate said yes")
        SCHEDULED = "scheduled", _("scheduled")
        FULFILLED = "fulfilled", _("fulfilled")
        DEFLECTED = "deflected", _("deflected to proof")
        UNFILLED = "unfilled", _("unfilled")
        WITHDRAWN = "withdrawn", _("withdrawn")

    ACTIVE: ClassVar[tuple[str, ...]] = ("new", "matching", "asked", "agreed", "scheduled")
    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "new": frozenset({"matching", "asked", "deflected", "unfilled", "withdrawn"}),
        "matching": frozenset({"asked", "agreed", "deflected", "unfilled", "withdrawn"}),
        "asked": frozenset({"matching", "agreed", "scheduled", "deflected", "unfilled", "withdrawn"}),
        "agreed": frozenset({"matching", "asked", "scheduled", "fulfilled", "unfilled", "withdrawn"}),
        "scheduled": frozenset({"matching", "asked", "agreed", "fulfilled", "unfilled", "withdrawn"}),
        "fulfilled": frozenset(),
        "deflected": frozenset(),
        "unfilled": frozenset({"matching"}),
        "withdrawn": frozenset(),
    }

    class WaitingFor(models.TextChoices):
        DESK = "desk", _("the desk")
        REQUESTER = "requester", _("the requester")
        OWNER = "owner", _("the account owner")
        ADVOCATE = "advocate", _("an advocate")
        PROSPECT = "prospect", _("the prospect")
        APPROVER = "approver", _("the spokesperson")
        NOBODY = "nobody", _("nobody")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests", verbose_name=_("requester")
    )
    team = models.ForeignKey(StakeholderTeam, on_delete=models.PROTECT, null=True, blank=True, verbose_name=_("team"))
    deal = models.ForeignKey(
        Deal, on_delete=models.SET_NULL, null=True, blank=True, related_name="requests", verbose_name=_("deal")
    )
    kind = models.ForeignKey(
        OpportunityKind, on_delete=models.PROTECT, related_name="requests", verbose_name=_("what is wanted")
    )
    wanted = models.PositiveSmallIntegerField(_("how many"), default=1)
    needed_by = models.DateField(_("needed by"))
    needed_at = models.DateTimeField(
        _("needed by the hour"), null=True, blank=True, help_text=_("For what is wanted within hours.")
    )
    prospect = models.CharField(_("prospect company"), max_length=200)
    prospect_domain = models.CharField(_("prospect's web address"), max_length=200, blank=True, default="")
    industry = models.CharField(_("industry"), max_length=100, blank=True, default="")
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    prospect_person = models.CharField(_("who of the prospect"), max_length=150, blank=True, default="")
    prospect_role = models.CharField(_("their role"), max_length=150, blank=True, default="")
    product = models.CharField(_("product"), max_length=100, blank=True, default="")
    use_case = models.CharField(_("use case"), max_length=100, blank=True, default="")
    competitor = models.CharField(_("competitor"), max_length=100, blank=True, default="")
    depth = models.CharField(
        _("expected depth"),
        max_length=20,
        blank=True,
        default="",
        choices=[("overview", _("overview")), ("practical", _("practical")), ("technical", _("technical"))],
    )
    questions = models.TextField(_("what they want to know"), blank=True, default="")
    required = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, verbose_name=_("parts that must fit")
    )
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="desk_requests",
        verbose_name=_("reference manager"),
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.NEW)
    waiting_for = models.CharField(_("waiting for"), max_length=10, choices=WaitingFor.choices, default=WaitingFor.DESK)
    sop_version = models.ForeignKey(
        SopVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="requests",
        verbose_name=_("made under the SOP"),
    )  # fmt: skip
    too_early_because = models.CharField(
        _("asked at an early stage because"), max_length=300, blank=True, default="",
        help_text=_("The stage of the deal was too early by the SOP; this reason was given."),
    )  # fmt: skip
    beside_the_desk = models.BooleanField(
        _("happened beside the desk"),
        default=False,
        help_text=_("Told afterwards; the desk neither matched nor asked."),
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="media_approvals",
        verbose_name=_("spokesperson who approves"),
    )
    approver_asked_at = models.DateTimeField(_("spokesperson asked"), null=True, blank=True)
    approver_answered_at = models.DateTimeField(_("spokesperson answered"), null=True, blank=True)
    approver_said = models.CharField(
        _("spokesperson said"), max_length=3, blank=True, default="", choices=[("yes", _("yes")), ("no", _("no"))]
    )
    approver_words = models.CharField(_("in their words"), max_length=300, blank=True, default="")
    filed_at = models.DateTimeField(_("filed"))
    promised_hours = models.PositiveSmallIntegerField(_("office hours promised"), null=True, blank=True)
    desk_used = models.DurationField(
        _("office hours used"), default=timedelta, help_text=_("Until somebody else was waited for.")
    )
    promise_due_at = models.DateTimeField(
        _("promised until"), null=True, blank=True, help_text=_("While the desk's clock runs; empty while it rests.")
    )
    promise_broken_at = models.DateTimeField(_("promise broken"), null=True, blank=True)
    first_yes_at = models.DateTimeField(_("first yes"), null=True, blank=True)
    fulfilled_at = models.DateTimeField(_("fulfilled"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    close_reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    objects = RequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request")
        triggers = [
            # The moment of fulfilment carries figures and revenue: it is written once.
            pgtrigger.Protect(
                name="request_fulfilled_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__fulfilled_at__isnull=False)
                & pgtrigger.Q(old__fulfilled_at__df=pgtrigger.F("new__fulfilled_at")),
            ),
            pgtrigger.Protect(
                name="broken_promise_stands",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__promise_broken_at__isnull=False)
                & pgtrigger.Q(old__promise_broken_at__df=pgtrigger.F("new__promise_broken_at")),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "new",
                        "matching",
                        "asked",
                        "agreed",
                        "scheduled",
                        "fulfilled",
                        "deflected",
                        "unfilled",
                        "withdrawn",
                    ]
                ),
                name="request_status_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    waiting_for__in=["desk", "requester", "owner", "advocate", "prospect", "approver", "nobody"]
                ),
                name="request_waiting_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="fulfilled") | Q(fulfilled_at__isnull=False), name="request_fulfilled_has_time"
            ),
            models.CheckConstraint(condition=Q(wanted__gte=1, wanted__lte=20), name="request_wanted"),
            models.CheckConstraint(condition=Q(approver_said__in=["", "yes", "no"]), name="request_approver_said"),
        ]
        indexes = [
            models.Index(fields=["status", "needed_by"], name="request_queue"),
            models.Index(fields=["manager", "status"], name="request_manager"),
            models.Index(fields=["requester", "-filed_at"], name="request_requester"),
            models.Index(fields=["deal", "fulfilled_at"], name="request_deal"),
            models.Index(fields=["filed_at"], name="request_filed"),
            models.Index(
                fields=["promise_due_at"], condition=Q(promise_due_at__isnull=False), name="request_promise_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prospect}: {self.kind}"

    @property
    def waits_for_approver(self) -> bool:
        """Whether a spokesperson has been asked and has not answered."""
        return self.approver_asked_at is not None and not self.approver_said

    @property
    def language_words(self) -> str:
        """The language as people call it; a code nobody knows stays a code."""
        try:
            return str(get_language_info(self.language.lower())["name_translated"])
        except KeyError:
            return self.language


class ClockSpan(models.Model):
    """Who was waited for, from when to when. Appended, never edited; at most one is open for each request."""

    request = models.ForeignKey(ReferenceRequest, on_delete=models.CASCADE, related_name="spans")
    waiting_for = models.CharField(max_length=10, choices=ReferenceRequest.WaitingFor.choices)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("span of the clock")
        verbose_name_plural = _("spans of the clock")
        triggers = [
            pgtrigger.Protect(name="clock_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="clock_never_edited",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False)
                | pgtrigger.Q(old__began_at__df=pgtrigger.F("new__began_at"))
                | pgtrigger.Q(old__waiting_for__df=pgtrigger.F("new__waiting_for"))
                | pgtrigger.Q(old__request_id__df=pgtrigger.F("new__request_id")),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(ended_at__isnull=True), name="clock_one_open")
        ]
        indexes = [models.Index(fields=["request", "began_at"], name="clock_request")]

    def __str__(self) -> str:
        return f"{self.waiting_for} {self.began_at}"


class RequestNote(models.Model):
    """A note on a request, for the desk; or a question to the requester and their answer."""

    request = models.ForeignKey(ReferenceRequest, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField()
    text = models.TextField(_("note"))
    for_requester = models.BooleanField(_("shown to the requester"), default=False)
    asks = models.BooleanField(_("waits for the requester's answer"), default=False)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)

    class Meta:
        verbose_name = _("note")
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["request", "at"], name="note_request")]

    def __str__(self) -> str:
        return self.text[:60]


@pghistory.track()
class Nomination(Lifecycle):
    """One advocate put forward for one request; a yes becomes a claim."""

    class Status(models.TextChoices):
        ASKED = "asked", _("asked")
        ACCEPTED = "accepted", _("said yes")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("no answer")
        RECALLED = "recalled", _("taken back")
        WITH_OWNER = "with_owner", _("with the account owner")
        REFUSED = "refused", _("not approved by the account owner")

    class OwnerSaid(models.TextChoices):
        YES = "yes", _("yes")
        NO = "no", _("no")
        SILENCE = "silence", _("nothing, which they count as a yes")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "with_owner": frozenset({"asked", "refused", "recalled"}),
        "refused": frozenset(),
        "asked": frozenset({"accepted", "declined", "expired", "recalled", "refused"}),
        "accepted": frozenset({"recalled"}),
        "declined": frozenset(),
        "expired": frozenset({"accepted", "declined", "refused"}),
        "recalled": frozenset({"asked", "with_owner"}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    request = models.ForeignKey(ReferenceRequest, on_delete=models.CASCADE, related_name="nominations")
    advocate = models.ForeignKey(Advocate, on_delete=models.PROTECT, related_name="nominations")
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.ASKED)
    why = models.CharField(_("why them"), max_length=300, blank=True, default="")
    score = models.JSONField(_("score parts at the time"), default=dict, blank=True)
    nominated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    answer_by = models.DateTimeField(_("answer by"))
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    decline_reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    claim = models.OneToOneField(Claim, on_delete=models.SET_NULL, null=True, blank=True, related_name="nomination")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="approvals",
        verbose_name=_("account owner who is asked first"),
    )
    owner_asked_at = models.DateTimeField(_("account owner asked"), null=True, blank=True)
    owner_reminded_at = models.DateTimeField(_("account owner reminded"), null=True, blank=True)
    owner_answered_at = models.DateTimeField(_("account owner answered"), null=True, blank=True)
    owner_said = models.CharField(
        _("account owner said"), max_length=10, choices=OwnerSaid.choices, blank=True, default=""
    )
    owner_reason = models.CharField(_("account owner's reason"), max_length=300, blank=True, default="")
    vetoed_at = models.DateTimeField(_("stopped by the account's team"), null=True, blank=True)
    vetoed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("who stopped it"),
    )  # fmt: skip
    veto_reason = models.CharField(_("why it was stopped"), max_length=300, blank=True, default="")
    prospect_until = models.DateTimeField(
        _("the prospect may pick until"), null=True, blank=True, help_text=_("While a link of theirs opens.")
    )
    not_about = models.CharField(_("what they would rather not talk about"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("nomination")
        constraints = [
            models.UniqueConstraint(fields=["request", "advocate"], name="nomination_once"),
            models.CheckConstraint(
                condition=Q(
                    status__in=["asked", "accepted", "declined", "expired", "recalled", "with_owner", "refused"]
                ),
                name="nomination_status_known",
            ),
            models.CheckConstraint(
                condition=Q(owner_said__in=["", "yes", "no", "silence"]), name="nomination_owner_said"
            ),
            models.CheckConstraint(
                condition=~Q(status="accepted") | Q(answered_at__isnull=False), name="nomination_accepted_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["advocate", "status"], name="nomination_advocate"),
            models.Index(fields=["answer_by"], condition=Q(status="asked"), name="nomination_open"),
            models.Index(fields=["owner", "owner_asked_at"], condition=Q(status="with_owner"), name="nomination_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.advocate} → {self.request}"

    @property
    def reached_the_advocate(self) -> bool:
        """Whether the advocate was asked at all, or only the owner of their account."""
        return self.owner_asked_at is None or self.owner_said in ("yes", "silence")


class ProposedTime(models.Model):
    """One time an advocate offered; the requester or prospect picks one."""

    nomination = models.ForeignKey(Nomination, on_delete=models.CASCADE, related_name="times")
    starts_at = models.DateTimeField(_("starts"))
    chosen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["nomination", "starts_at"], name="proposed_once"),
            models.UniqueConstraint(
                fields=["nomination"], condition=Q(chosen_at__isnull=False), name="proposed_one_chosen"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}"


class TrackRecord(models.Model):
    """How an advocate's past references went, projected from feedback and misses for matching (``actions.records``).

    ``grade_sum`` of ``grades`` grades that requesters gave; ``missed`` calls they did not come to.
    """

    advocate = models.OneToOneField(Advocate, on_delete=models.CASCADE, primary_key=True, related_name="track_record")
    grades = models.PositiveIntegerField(_("grades"), default=0)
    grade_sum = models.PositiveIntegerField(_("sum of grades"), default=0)
    missed = models.PositiveIntegerField(_("missed"), default=0)

    class Meta:
        verbose_name = _("track record")
        constraints = [
            models.CheckConstraint(
                condition=Q(grade_sum__gte=models.F("grades"), grade_sum__lte=models.F("grades") * 5),
                name="track_record_grades",
            )
        ]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.grade_sum}/{self.grades}"


@pghistory.track()
class MatchWeight(models.Model):
    """The weight of one part of the match score, as data with history (D5)."""

    part = models.SlugField(_("part"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=80)
    weight = models.PositiveSmallIntegerField(_("weight"), default=10)
    order = models.PositiveSmallIntegerField(default=100)

    class Meta:
        verbose_name = _("match weight")
        ordering = ["order"]
        constraints = [models.CheckConstraint(condition=Q(weight__lte=100), name="match_weight_range")]

    def __str__(self) -> str:
        return f"{self.name}: {self.weight}"


__all__ = ["ClockSpan", "MatchWeight", "Nomination", "ProposedTime", "ReferenceRequest", "RequestNote", "TrackRecord"]
