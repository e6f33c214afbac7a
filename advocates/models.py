"""The people of the program: advocates, pods, asks, invitations, lifecycle rules, points, recognition, tasks."""

import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import SIGNAL_CHOICES, Deed
from advocacy.crm.models import Account, Contact, Signal, words
from advocacy.lib.lifecycle import Lifecycle
from advocates import kinds


class Pod(models.Model):
    """About fifteen advocates with one reference manager."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pods", verbose_name=_("reference manager")
    )
    region = models.CharField(_("region"), max_length=60, blank=True, default="")

    class Meta:
        verbose_name = _("pod")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class StandIn(models.Model):
    """Whoever looks after a manager's advocates while they are away; both days included."""

    away = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stood_in_for", verbose_name=_("who is away")
    )
    stand_in = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stands_in", verbose_name=_("stand-in")
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to, included"))

    class Meta:
        verbose_name = _("stand-in")
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="stand_in_in_order"),
            models.CheckConstraint(condition=~Q(away=models.F("stand_in")), name="stand_in_is_another"),
        ]
        indexes = [models.Index(fields=["stand_in", "ends_on"], name="stand_in_days")]

    def __str__(self) -> str:
        return f"{self.stand_in} for {self.away}"


class AdvocateQuerySet(models.QuerySet["Advocate"]):
    def members(self) -> Self:
        return self.filter(status=Advocate.Status.MEMBER)

    def not_away(self, *, at: Any) -> Self:
        day = at.date()
        return self.exclude(
            models.Exists(
                AwayPeriod.objects.filter(advocate=models.OuterRef("pk"), starts_on__lte=day, ends_on__gte=day)
            )
        )

    def visible_to(self, user: Any) -> Self:
        """Staff see all advocates; an account owner or CSM those of their accounts; an advocate themselves.

        Whoever was merged into another entry is seen there.
        """
        gone = Contact.with_merged.filter(pk=models.OuterRef("contact"), merged_into__isnull=False)
        return self.exclude(models.Exists(gone))._visible_to(user)

    def _visible_to(self, user: Any) -> Self:
        if user.has_perm("advocates.view_advocate"):
            return self
        return self.filter(Q(user=user.pk) | Q(contact__account__owner=user.pk) | Q(contact__account__csm=user.pk))


@pghistory.track(exclude=["at_account"])
class Advocate(Lifecycle):
    """A contact who is invited to, has joined or has left the program."""

    class Status(models.TextChoices):
        INVITED = "invited", _("invited")
        APPLIED = "applied", _("applied")
        MEMBER = "member", _("member")
        DECLINED = "declined", _("declined")
        LEFT = "left", _("left")
        ALUMNUS = "alumnus", _("alumnus")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "invited": frozenset({"member", "applied", "declined"}),
        "applied": frozenset({"member", "declined"}),
        "declined": frozenset({"invited", "applied", "member"}),
        "member": frozenset({"left", "alumnus"}),
        "left": frozenset({"member", "invited"}),
        "alumnus": frozenset({"member", "invited"}),
    }

    class Type(models.TextChoices):
        """Names for staff only; the person never sees them (P9)."""

        EDUCATOR = "educator", _("Educator")
        VALIDATOR = "validator", _("Validator")
        STATUS_SEEKER = "status_seeker", _("Status seeker")
        COLLABORATOR = "collaborator", _("Collaborator")

    class Thanks(models.TextChoices):
        NOTE = "note", _("a personal note")
        GIFT = "gift", _("swag or a gift card")
        ACCESS = "access", _("exclusive access")
        CAREER = "career", _("career opportunities")

    class Stage(models.IntegerChoices):
        """Computed from deeds; never falls (P10)."""

        CUSTOMER = 0, _("Customer")
        USER = 1, _("User")
        MEMBER = 2, _("Member")
        SOCIALIZER = 3, _("Socializer")
        CREATOR = 4, _("Creator")
        PROVEN = 5, _("Proven advocate")
        SPOTLIGHT = 6, _("Spotlight")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    contact = models.OneToOneField(Contact, on_delete=models.PROTECT, related_name="advocate")
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="advocate"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.INVITED)
    pod = models.ForeignKey(Pod, on_delete=models.SET_NULL, null=True, blank=True, related_name="advocates")
    joined_at = models.DateTimeField(_("joined"), null=True, blank=True)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    type = models.CharField(_("type"), max_length=15, choices=Type.choices, blank=True, default="")
    thanks = models.CharField(
        _("likes to be thanked with"), max_length=10, choices=Thanks.choices, blank=True, default=""
    )
    expertise = words(verbose_name=_("expertise"))
    interests = words(verbose_name=_("interests and hobbies"))
    wants = words(verbose_name=_("wants to do (kinds)"))
    never = words(verbose_name=_("never asks of (kinds)"))
    goals = models.TextField(_("career goals"), blank=True, default="")
    about = models.TextField(_("about"), blank=True, default="")
    valuable = models.TextField(_("what is valuable to them"), blank=True, default="")
    years_of_experience = models.PositiveSmallIntegerField(_("years of experience"), null=True, blank=True)
    prefers_private = models.BooleanField(_("prefers to stay private"), default=False)
    ruled_out = words(verbose_name=_("companies ruled out"))
    asks_a_quarter = models.PositiveSmallIntegerField(_("asks a quarter, their own limit"), null=True, blank=True)
    stage = models.PositiveSmallIntegerField(_("stage"), choices=Stage.choices, default=Stage.CUSTOMER)
    stage_since = models.DateTimeField(null=True, blank=True)
    resting_until = models.DateTimeField(
        _("resting until"), null=True, blank=True, help_text=_("Projected from asks, for matching; the budget decides.")
    )
    last_asked_at = models.DateTimeField(null=True, blank=True, help_text=_("Projected from asks."))
    asks_in_year = models.PositiveSmallIntegerField(default=0, help_text=_("Projected from asks, daily."))
    told = models.JSONField(
        default=dict, blank=True, editable=False, help_text=_("Which facts they gave themselves, and when.")
    )
    wizard_done_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    at_account = models.ForeignKey(
        Account, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+",
        help_text=_("The account they were last known to work at, so that a move is noticed however it came (P27)."),
    )  # fmt: skip

    objects = AdvocateQuerySet.as_manager()

    class Meta:
        verbose_name = _("advocate")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["invited", "applied", "member", "declined", "left", "alumnus"]),
                name="advocate_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="member") | Q(joined_at__isnull=False), name="advocate_member_has_joined"
            ),
        ]
        indexes = [
            # With the contact in it, who is in the program is told from the index alone, for a million as well.
            models.Index(fields=["status", "stage"], include=["contact"], name="advocate_status"),
            models.Index(fields=["pod", "status"], name="advocate_pod"),
        ]

    def __str__(self) -> str:
        return str(self.contact)

    @property
    def manager(self) -> Any:
        """The named reference manager, through the pod; None for whoever has no pod yet."""
        return self.pod.manager if self.pod else None


class AwayPeriod(models.Model):
    """Days an advocate does not want to be asked anything; both ends included, in their own time zone."""

    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="away")
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("to"))

    class Meta:
        verbose_name = _("away dates")
        verbose_name_plural = _("away dates")
        constraints = [models.CheckConstraint(condition=Q(ends_on__gte=models.F("starts_on")), name="away_in_order")]
        indexes = [models.Index(fields=["advocate", "ends_on"], name="away_advocate")]

    def __str__(self) -> str:
        return f"{self.starts_on} – {self.ends_on}"


# --- The ask budget ---------------------------------------------------------------------------------------------------
class Channel(models.TextChoices):
    DESK = "desk", _("desk")
    BOARD = "board", _("board")
    RULE = "rule", _("rule")
    CAMPAIGN = "campaign", _("campaign")
    NEWSLETTER = "newsletter", _("newsletter")
    SURVEY = "survey", _("survey")


class Ask(models.Model):
    """One time we requested something of an advocate. Caps count these over rolling windows (``budget``)."""

    channel = models.CharField(_("channel"), max_length=12, choices=Channel.choices)
    source_id = models.CharField(max_length=60)
    advocate = models.ForeignKey(Advocate, on_delete=models.PROTECT, related_name="asks")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="asks")
    kind = models.CharField(_("kind"), max_length=40, blank=True, default="")
    asked_at = models.DateTimeField(_("asked"))
    released_at = models.DateTimeField(
        _("released"),
        null=True,
        blank=True,
        help_text=_("Set when the ask came to nothing through no fault of theirs; it then counts no more."),
    )
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    override_reason = models.CharField(_("why beyond the budget"), max_length=300, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("ask")
        constraints = [
            models.UniqueConstraint(fields=["channel", "source_id", "advocate"], name="ask_once"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="ask_channel_known"),
        ]
        indexes = [
            models.Index(fields=["advocate", "-asked_at"], condition=Q(released_at__isnull=True), name="ask_advocate"),
            models.Index(fields=["account", "-asked_at"], condition=Q(released_at__isnull=True), name="ask_account"),
            models.Index(
                fields=["asked_at"], include=["advocate"], condition=Q(released_at__isnull=True), name="ask_at"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.get_channel_display()} {self.asked_at:%Y-%m-%d}"


@pghistory.track()
class AskCap(models.Model):
    """At most ``most`` asks in any ``days`` days, for each advocate or each account; for one kind or all."""

    class Scope(models.TextChoices):
        ADVOCATE = "advocate", _("each advocate")
        ACCOUNT = "account", _("each account")

    scope = models.CharField(_("for"), max_length=10, choices=Scope.choices)
    kind = models.CharField(_("kind (empty: all)"), max_length=40, blank=True, default="")
    most = models.PositiveSmallIntegerField(_("at most"))
    days = models.PositiveSmallIntegerField(_("in days"))

    class Meta:
        verbose_name = _("ask cap")
        constraints = [
            models.UniqueConstraint(fields=["scope", "kind", "days"], name="ask_cap_once"),
            models.CheckConstraint(condition=Q(days__gte=1, days__lte=730), name="ask_cap_days"),
            models.CheckConstraint(condition=Q(scope__in=["advocate", "account"]), name="ask_cap_scope_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.most} / {self.days}"


# --- Lifecycle --------------------------------------------------------------------------------------------------------
@pghistory.track()
class LifecycleRule(models.Model):
    """What the program does when a signal occurs: signal + conditions + delay → effect (P17).

    ``conditions`` is a list of ``{"fact", "is", "value"}``; all must hold. ``effect`` is a key of the effects registry.
    """

    name = models.CharField(_("name"), max_length=120, unique=True)
    signal = models.CharField(_("when"), max_length=30, choices=SIGNAL_CHOICES)
    conditions = models.JSONField(_("if"), default=list, blank=True)
    delay_days = models.PositiveSmallIntegerField(_("days later"), default=0)
    effect = models.CharField(_("then"), max_length=40)
    effect_params = models.JSONField(_("with"), default=dict, blank=True)
    whom = models.CharField(
        _("whom at the account"),
        max_length=60,
        default="champion,admin,decider",
        help_text=_("Roles in order; at most two people are reached."),
    )
    at_most = models.PositiveSmallIntegerField(_("at most people"), default=1)
    cohort = models.ForeignKey(
        "advocates.Cohort", on_delete=models.PROTECT, null=True, blank=True, related_name="rules",
        verbose_name=_("only people of the cohort"),
    )  # fmt: skip
    reentry = models.BooleanField(_("may reach somebody again"), default=False)
    enabled = models.BooleanField(_("on"), default=False)
    enabled_from = models.DateTimeField(
        _("for signals since"), null=True, blank=True, help_text=_("Signals that occurred before this never fire it.")
    )

    class Meta:
        verbose_name = _("lifecycle rule")
        constraints = [
            models.CheckConstraint(
                condition=Q(enabled=False) | Q(enabled_from__isnull=False), name="rule_enabled_has_start"
            ),
            models.CheckConstraint(condition=Q(at_most__gte=1, at_most__lte=2), name="rule_at_most_two"),
        ]

    def __str__(self) -> str:
        return self.name


class Firing(Lifecycle):
    """One time a rule fired (or decided not to) for a subject and an occurrence; its reasons stay on record (P18)."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting for its day")
        DONE = "done", _("done")
        REFUSED = "refused", _("not done")
        CANCELLED = "cancelled", _("cancelled")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "waiting": frozenset({"done", "refused", "cancelled"}),
        "done": frozenset(),
        "refused": frozenset(),
        "cancelled": frozenset(),
    }

    rule = models.ForeignKey(LifecycleRule, on_delete=models.PROTECT, related_name="firings")
    subject = models.CharField(max_length=60, help_text=_("account:ID or contact:ID"))
    occurrence = models.CharField(max_length=200)
    signal = models.ForeignKey(Signal, on_delete=models.SET_NULL, null=True, blank=True, related_name="firings")
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    due_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True, blank=True)
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("firing")
        constraints = [
            models.UniqueConstraint(fields=["rule", "subject", "occurrence"], name="firing_once"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "done", "refused", "cancelled"]), name="firing_status_known"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(status="waiting"), name="firing_waiting")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject} {self.occurrence}"


class Watermark(models.Model):
    """Up to where a job has read what arrives. It only saves work: what was done is known by its own rows."""

    name = models.CharField(max_length=60, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.at}"


class InvitationTemplate(models.Model):
    """The words of an invitation for a region and language; empty region: everywhere."""

    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, default="en")
    subject = models.CharField(_("subject"), max_length=150)
    body = models.TextField(
        _("text"), help_text=_("Merge fields: {given_name}, {account}, {program}, {manager}, {company}")
    )
    basis = models.CharField(
        _("recorded basis"),
        max_length=300,
        help_text=_("Why customers of this region may be invited without prior consent."),
    )

    class Meta:
        verbose_name = _("invitation template")
        constraints = [models.UniqueConstraint(fields=["region", "language"], name="invitation_template_once")]

    def __str__(self) -> str:
        return f"{self.region or '*'} · {self.language}"


@pghistory.track()
class Cohort(models.Model):
    """A saved segment (``segments``) of people to invite together, and to look at afterwards (P13)."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    note = models.CharField(_("what it is for"), max_length=300, blank=True, default="")
    definition = models.JSONField(_("who belongs"), default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    counted = models.PositiveIntegerField(_("people when last counted"), null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("cohort")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class CohortBatch(Lifecycle):
    """One round of invitations to a cohort. The clock works through its people; ``cursor`` is how far it has come."""

    class Status(models.TextChoices):
        RUNNING = "running", _("under way")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "running": frozenset({"done", "stopped"}),
        "done": frozenset(),
        "stopped": frozenset(),
    }

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="batches")
    definition = models.JSONField(help_text=_("Who belonged when it was sent off."))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.RUNNING)
    most = models.PositiveIntegerField(_("invites at most"))
    starts_at = models.DateTimeField(_("begins"))
    invited = models.PositiveIntegerField(_("invited"), default=0)
    left_out = models.JSONField(_("left out, by reason"), default=dict, blank=True)
    cursor = models.BigIntegerField(default=0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("round of invitations")
        verbose_name_plural = _("rounds of invitations")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["running", "done", "stopped"]), name="cohort_batch_status_known"
            ),
            models.UniqueConstraint(fields=["cohort"], condition=Q(status="running"), name="cohort_batch_one_running"),
        ]

    def __str__(self) -> str:
        return f"{self.cohort}, {self.starts_at:%Y-%m-%d}"


class Invitation(Lifecycle):
    """One invitation to join, to one contact. Its link is signed, personal and acts on POST only."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        CLICKED = "clicked", _("opened its link")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        BOUNCED = "bounced", _("bounced")
        EXPIRED = "expired", _("expired")
        STOPPED = "stopped", _("stopped")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "queued": frozenset({"sent", "clicked", "accepted", "declined", "bounced", "expired", "stopped"}),
        "sent": frozenset({"clicked", "accepted", "declined", "bounced", "expired", "stopped"}),
        "clicked": frozenset({"accepted", "declined", "expired", "stopped"}),
        "accepted": frozenset(),
        "declined": frozenset(),
        "bounced": frozenset(),
        "expired": frozenset(),
        # Nobody is reminded any more; whoever opens the link they have is still welcome.
        "stopped": frozenset({"accepted", "declined"}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="invitations")
    firing = models.ForeignKey(Firing, on_delete=models.SET_NULL, null=True, blank=True, related_name="invitations")
    batch = models.ForeignKey(CohortBatch, on_delete=models.SET_NULL, null=True, blank=True, related_name="invitations")
    template = models.ForeignKey(InvitationTemplate, on_delete=models.SET_NULL, null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.QUEUED)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    clicked_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    reminders = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("invitation")
        constraints = [
            models.UniqueConstraint(
                fields=["advocate"], condition=Q(status__in=["queued", "sent", "clicked"]), name="invitation_one_open"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["queued", "sent", "clicked", "accepted", "declined", "bounced", "expired", "stopped"]
                ),
                name="invitation_status_known",
            ),
        ]
        indexes = [models.Index(fields=["status", "sent_at"], name="invitation_status")]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.get_status_display()}"


class Application(Lifecycle):
    """Somebody asks to join through the public page (P7). What they wrote waits here until their address is proven."""

    class Status(models.TextChoices):
        FILED = "filed", _("address not confirmed")
        CONFIRMED = "confirmed", _("to be read")
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "filed": frozenset({"confirmed", "declined"}),
        "confirmed": frozenset({"accepted", "declined"}),
        "accepted": frozenset(),
        "declined": frozenset({"confirmed"}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    email = models.EmailField(_("e-mail"))
    given_name = models.CharField(_("given name"), max_length=100)
    family_name = models.CharField(_("family name"), max_length=100)
    company = models.CharField(_("company"), max_length=200)
    title = models.CharField(_("title"), max_length=150, blank=True, default="")
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=50, blank=True, default="")
    type = models.CharField(_("type"), max_length=15, choices=Advocate.Type.choices, blank=True, default="")
    thanks = models.CharField(
        _("likes to be thanked with"), max_length=10, choices=Advocate.Thanks.choices, blank=True, default=""
    )
    why = models.TextField(_("what they hope for"), blank=True, default="")
    consents = models.JSONField(
        _("consents ticked"), default=dict, blank=True, help_text=_("Purpose and the very words that were ticked.")
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.FILED)
    advocate = models.ForeignKey(
        Advocate, on_delete=models.SET_NULL, null=True, blank=True, related_name="applications"
    )
    filed_at = models.DateTimeField(_("filed"))
    confirmed_at = models.DateTimeField(_("address confirmed"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("application")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["filed", "confirmed", "accepted", "declined"]), name="application_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status="confirmed") | Q(confirmed_at__isnull=False), name="application_confirmed_has_time"
            ),
        ]
        indexes = [models.Index(fields=["status", "-filed_at"], name="application_status")]

    def __str__(self) -> str:
        return f"{self.name}, {self.company}"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


# --- Recognition ------------------------------------------------------------------------------------------------------
class PointEntry(models.Model):
    """One booking of points, never changed; a correction is another entry."""

    advocate = models.ForeignKey(Advocate, on_delete=models.PROTECT, related_name="points")
    points = models.IntegerField(_("points"))
    reason = models.CharField(_("for"), max_length=200)
    source_type = models.CharField(max_length=40)
    source_id = models.CharField(max_length=60)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("points")
        verbose_name_plural = _("points")
        triggers = [pgtrigger.Protect(name="points_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints = [
            models.UniqueConstraint(fields=["advocate", "source_type", "source_id", "reason"], name="points_once")
        ]
        indexes = [models.Index(fields=["advocate", "-at"], name="points_advocate")]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.points}"


@pghistory.track()
class Tier(models.Model):
    """A standing that lifetime points lead to, and what it brings (P21)."""

    name = models.CharField(_("name"), max_length=40, unique=True)
    from_points = models.PositiveIntegerField(_("from points"), unique=True)
    brings = models.CharField(_("what it brings"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("tier")
        ordering = ["from_points"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Recognition(models.Model):
    """A public thank-you. Nothing is shown before the celebrated person has said yes to its words."""

    class Kind(models.TextChoices):
        SPOTLIGHT = "spotlight", _("spotlight")
        AWARD = "award", _("award")
        BADGE = "badge", _("badge")
        THANKS = "thanks", _("thank-you")

    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="recognitions")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.SPOTLIGHT)
    title = models.CharField(_("title"), max_length=150)
    text = models.TextField(_("text"), blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    approved_at = models.DateTimeField(_("approved by the celebrated"), null=True, blank=True)
    declined_at = models.DateTimeField(_("declined by the celebrated"), null=True, blank=True)

    class Meta:
        verbose_name = _("recognition")
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True) | Q(declined_at__isnull=True), name="recognition_one_answer"
            )
        ]

    def __str__(self) -> str:
        return self.title


@pghistory.track()
class Task(models.Model):
    """Work for a named person about an advocate or account: care, nurture, a thank-you, nobody fits a rule."""

    class Kind(models.TextChoices):
        CARE = "care", _("care")
        NURTURE = "nurture", _("nurture")
        THANK = "thank", _("thank")
        FIND = "find", _("find somebody")
        REPLY = "reply", _("reply")
        NOMINATION = "nomination", _("nomination")
        WISH = "wish", _("wish")
        OTHER = "other", _("other")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    key = models.CharField(
        max_length=200, unique=True, help_text=_("What it is about, so that the same news opens one task.")
    )
    text = models.CharField(_("what"), max_length=300)
    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, null=True, blank=True, related_name="tasks")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, blank=True, related_name="tasks")
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks"
    )
    due_at = models.DateTimeField(_("due"))
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("task")
        indexes = [models.Index(fields=["assignee", "due_at"], condition=Q(done_at__isnull=True), name="task_open")]

    def __str__(self) -> str:
        return self.text


# --- The journey and the launch ---------------------------------------------------------------------------------------
@pghistory.track()
class JourneyStage(models.Model):
    """One stage of a customer's way after the signature: who touches them, how, and what the program adds (P4)."""

    name = models.CharField(_("stage"), max_length=80, unique=True)
    order = models.PositiveSmallIntegerField(default=100)
    team = models.CharField(_("team that touches the customer"), max_length=120, blank=True, default="")
    touch = models.TextField(_("how they do"), blank=True, default="")
    today = models.TextField(_("what it is like today"), blank=True, default="")
    wanted = models.TextField(_("what is wanted"), blank=True, default="")
    gap = models.CharField(_("the gap"), max_length=300, blank=True, default="")
    gap_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("who closes it"),
    )  # fmt: skip
    asks = models.TextField(_("asks the program adds here"), blank=True, default="")
    incentives = models.TextField(_("what they get for it"), blank=True, default="")

    class Meta:
        verbose_name = _("stage of the journey")
        verbose_name_plural = _("journey map")
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Launch(Lifecycle):
    """A region on its way into the program (P15): it crawls, walks, then runs, each phase with a checklist."""

    class Status(models.TextChoices):
        CRAWL = "crawl", _("crawl")
        WALK = "walk", _("walk")
        RUN = "run", _("run")
        DONE = "done", _("launched")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "crawl": frozenset({"walk"}),
        "walk": frozenset({"run", "crawl"}),
        "run": frozenset({"done", "walk"}),
        "done": frozenset({"run"}),
    }

    region = models.CharField(_("region"), max_length=60, unique=True)
    status = models.CharField(_("phase"), max_length=10, choices=Status.choices, default=Status.CRAWL)
    begun_at = models.DateTimeField(_("begun"), default=timezone.now)
    opens_on = models.DateField(
        _("launches on"), null=True, blank=True,
        help_text=_("The day members there are welcomed; the editorial calendar asks for words from weeks before."),
    )  # fmt: skip
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        verbose_name = _("launch of a region")
        verbose_name_plural = _("launches of regions")
        ordering = ["region"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["crawl", "walk", "run", "done"]), name="launch_status_known")
        ]

    def __str__(self) -> str:
        return self.region


class LaunchTick(models.Model):
    """A point of a launch's checklist that somebody has ticked, with what there is to say about it."""

    launch = models.ForeignKey(Launch, on_delete=models.CASCADE, related_name="ticks")
    key = models.CharField(max_length=40)
    note = models.CharField(_("note"), max_length=300, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(_("ticked"), default=timezone.now)

    class Meta:
        verbose_name = _("ticked point")
        constraints = [models.UniqueConstraint(fields=["launch", "key"], name="launch_tick_once")]

    def __str__(self) -> str:
        return f"{self.launch}: {self.key}"


# --- Commitments ------------------------------------------------------------------------------------------------------
NAMES_REVIEWS = (
    r"(^|[^a-z0-9])((?<!business )(?<!business-)(?<!design )(?<!code )(?<!security )(?<!contract )(?<!account )"
    r"(?<!roadmap )(?<!architecture )reviews?|g2|capterra|trustpilot|trustradius|getapp|peer insights)($|[^a-z0-9])"
)
"""Words of a clause that name public reviews, in the same letters for Python and for Postgres."""


@pghistory.track()
class Commitment(models.Model):
    """A contract clause that gave a discount for advocacy (P3). It never covers public reviews, nor stands in for
    consent: what it says is a promise of the company, and each person is asked as ever."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="commitments")
    clause = models.TextField(_("the clause, word for word"), max_length=2_000)
    reference = models.CharField(_("contract"), max_length=200, help_text=_("Its number, or where it is kept."))
    agreed_on = models.DateField(_("agreed on"))
    discount = models.DecimalField(
        _("discount given"), max_digits=14, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    created_at = models.DateTimeField(_("recorded"), default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("recorded by"),
    )  # fmt: skip
    ended_at = models.DateTimeField(_("no longer asked for since"), null=True, blank=True)
    ended_reason = models.CharField(_("why no longer"), max_length=300, blank=True, default="")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("commitment")
        constraints = [
            models.CheckConstraint(
                condition=~Q(clause__iregex=NAMES_REVIEWS),
                name="commitment_no_reviews",
                violation_error_message=_(
                    "A contract never buys public reviews: take them out of the clause. If another kind is meant, say "
                    "which, such as “business review” or “design review”."
                ),
            ),
            models.CheckConstraint(
                condition=Q(discount__isnull=True) | Q(discount__gte=0), name="commitment_discount_positive"
            ),
        ]
        indexes = [models.Index(fields=["account", "agreed_on"], name="commitment_account")]

    def __str__(self) -> str:
        return f"{self.account}: {self.reference}"

    def save(self, *args: Any, **more: Any) -> None:
        """What names public reviews is refused in words, before the database refuses it."""
        if re.search(NAMES_REVIEWS, self.clause, re.IGNORECASE):
            raise ValidationError({"clause": str(self._meta.constraints[0].violation_error_message)})
        super().save(*args, **more)


@pghistory.track()
class CommitmentLine(models.Model):
    """So many of one thing, by a day. ``deed`` or ``kind`` (of opportunity) narrows what counts; neither: anything."""

    class What(models.TextChoices):
        """Deeds that can be promised besides a completed opportunity; a review is none of them."""

        STORY = Deed.STORY_PUBLISHED.value, _("published story")
        TALK = Deed.TALK_GIVEN.value, _("talk")
        REFERRAL = Deed.REFERRAL_ACCEPTED.value, _("accepted referral")

    commitment = models.ForeignKey(Commitment, on_delete=models.CASCADE, related_name="lines")
    deed = models.CharField(_("deed"), max_length=30, choices=What.choices, blank=True, default="")
    kind = models.CharField(_("kind of opportunity"), max_length=40, blank=True, default="")
    how_many = models.PositiveSmallIntegerField(
        _("how many"), default=1, validators=[MinValueValidator(1), MaxValueValidator(1_000)]
    )
    due_on = models.DateField(_("by when"))

    class Meta:
        verbose_name = _("promised deeds")
        verbose_name_plural = _("promised deeds")
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(deed__in=["", "story_published", "talk_given", "referral_accepted"]),
                name="commitment_line_deed_known",
            ),
            models.CheckConstraint(condition=Q(deed="") | Q(kind=""), name="commitment_line_one_thing"),
            models.CheckConstraint(
                condition=~Q(kind__iregex=r"(^|[-_])reviews?($|[-_])"),
                name="commitment_line_no_reviews",
                violation_error_message=_("A contract never buys public reviews. Choose another kind."),
            ),
            models.CheckConstraint(condition=Q(how_many__gte=1, how_many__lte=1_000), name="commitment_line_some"),
        ]

    def __str__(self) -> str:
        return f"{self.how_many} × {self.deed or self.kind or '*'} ({self.due_on})"

    def save(self, *args: Any, **more: Any) -> None:
        """Which kinds are reviews is data of the floor above; it is asked whatever the way in."""
        self.clean()
        super().save(*args, **more)

    def clean(self) -> None:
        if self.kind and self.kind in kinds.reviews():
            raise ValidationError({"kind": _("A contract never buys public reviews. Choose another kind.")})


# --- Colleagues who nominate a customer (P7) --------------------------------------------------------------------------
@pghistory.track()
class CreditRule(models.Model):
    """What a colleague gets when a customer they nominated becomes an active advocate. One counts at a time."""

    class Qualifies(models.TextChoices):
        """The deed of the nominated customer that earns it."""

        JOINED = Deed.JOINED.value, _("joins the program")
        VERIFIED = Deed.VERIFIED.value, _("completes a first activity")

    name = models.CharField(_("name"), max_length=120, help_text=_("Colleagues read it: “50 € for a first activity”."))
    deed = models.CharField(
        _("qualifying deed"), max_length=30, choices=Qualifies.choices, default=Qualifies.VERIFIED.value
    )
    within_days = models.PositiveSmallIntegerField(
        _("within so many days"), default=365, validators=[MinValueValidator(1), MaxValueValidator(1_826)],
        help_text=_("From the day of the nomination."),
    )  # fmt: skip
    amount = models.DecimalField(_("amount"), max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    is_active = models.BooleanField(_("counts now"), default=True)

    class Meta:
        verbose_name = _("credit rule")
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="credit_rule_one_counts",
                violation_error_message=_("Another rule counts now. Switch that one off first."),
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="credit_rule_amount_positive"),
            models.CheckConstraint(condition=Q(deed__in=["joined", "verified"]), name="credit_rule_deed_known"),
            models.CheckConstraint(
                condition=Q(within_days__gte=1, within_days__lte=1_826), name="credit_rule_within_five_years"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name


class ColleagueNomination(Lifecycle):
    """A colleague puts a customer forward for the program. Not to be confused with one for a request (D6)."""

    class Status(models.TextChoices):
        FILED = "filed", _("to be read")
        INVITED = "invited", _("invited")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "filed": frozenset({"invited", "declined", "withdrawn"}),
        "invited": frozenset({"filed"}),
        "declined": frozenset({"filed"}),
        "withdrawn": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="colleague_nominations",
        verbose_name=_("nominated by"),
    )  # fmt: skip
    email = models.EmailField(_("e-mail"))
    given_name = models.CharField(_("given name"), max_length=100)
    family_name = models.CharField(_("family name"), max_length=100)
    title = models.CharField(_("title"), max_length=150, blank=True, default="")
    company = models.CharField(_("company"), max_length=200)
    why = models.TextField(_("why they would be a good advocate"), max_length=2_000)
    signs = models.BooleanField(
        _("the invitation may carry my name"), default=True,
        help_text=_("Customers answer people they know more often than a program."),
    )  # fmt: skip
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="colleague_nominations"
    )
    invitation = models.ForeignKey(
        "Invitation", on_delete=models.SET_NULL, null=True, blank=True, related_name="colleague_nominations"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.FILED)
    filed_at = models.DateTimeField(_("filed"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("colleague's nomination")
        verbose_name_plural = _("colleagues' nominations")
        constraints = [
            models.UniqueConstraint(
                Lower("email"), condition=Q(status__in=["filed", "invited"]), name="colleague_nomination_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["filed", "invited", "declined", "withdrawn"]),
                name="colleague_nomination_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["invited", "declined"]) | Q(decided_at__isnull=False),
                name="colleague_nomination_decided_has_time",
            ),
        ]
        indexes = [models.Index(fields=["status", "-filed_at"], name="colleague_nomination_status")]

    def __str__(self) -> str:
        return f"{self.name}, {self.company}"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()


@pghistory.track()
class NominationCredit(Lifecycle):
    """What a colleague has earned by one nomination, as the rule stood when it fell due; then approved, then paid."""

    class Status(models.TextChoices):
        DUE = "due", _("to be approved")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("not approved")
        PAID = "paid", _("paid")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "due": frozenset({"approved", "declined"}),
        "approved": frozenset({"paid", "due"}),
        "declined": frozenset({"due"}),
        "paid": frozenset({"approved"}),
    }

    nomination = models.OneToOneField(ColleagueNomination, on_delete=models.PROTECT, related_name="credit")
    rule = models.ForeignKey(CreditRule, on_delete=models.PROTECT, related_name="credits", verbose_name=_("rule"))
    deed = models.CharField(_("qualifying deed"), max_length=30, choices=CreditRule.Qualifies.choices)
    deed_at = models.DateTimeField(_("qualified"))
    amount = models.DecimalField(_("amount"), max_digits=10, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DUE)
    due_at = models.DateTimeField(_("due"))
    approved_at = models.DateTimeField(_("decided"), null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    paid_on = models.DateField(_("paid on"), null=True, blank=True)
    paid_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("credit for a nomination")
        verbose_name_plural = _("credits for nominations")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["due", "approved", "declined", "paid"]), name="nomination_credit_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="paid", paid_on__isnull=False) | (~Q(status="paid") & Q(paid_on__isnull=True)),
                name="nomination_credit_paid_has_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}: {self.nomination}"


# --- What is written between us (P11) ---------------------------------------------------------------------------------
class Letter(models.Model):
    """Something an advocate wrote to us, or we to them, outside the mails the portal sends by itself."""

    class Source(models.TextChoices):
        REPLY = "reply", _("reply to a mail of ours")
        MAIL = "mail", _("mail to us")
        COPIED = "copied", _("mail a colleague put us in copy of")
        FORWARDED = "forwarded", _("mail a colleague forwarded")
        PORTAL = "portal", _("written in the portal")
        BY_HAND = "by_hand", _("written down by hand")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="letters")
    from_them = models.BooleanField(_("from them"), help_text=_("Else it is ours to them."))
    source = models.CharField(_("how it came"), max_length=10, choices=Source.choices)
    colleague = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("colleague"), help_text=_("Who wrote it, forwarded it or wrote it down."),
    )  # fmt: skip
    sender = models.CharField(_("sender's address"), max_length=320, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=300, blank=True, default="")
    text = models.TextField(_("text"), blank=True, default="")
    automatic = models.BooleanField(_("automatic answer"), default=False)
    left_out = models.PositiveSmallIntegerField(_("attachments left out"), default=0)
    at = models.DateTimeField(_("when"))
    received_at = models.DateTimeField(_("came in"), default=timezone.now)
    message_id = models.CharField(max_length=320, help_text=_("Of the mail; the same one twice is kept once."))

    class Meta:
        verbose_name = _("letter")
        constraints = [models.UniqueConstraint(fields=["contact", "message_id"], name="letter_once")]
        indexes = [models.Index(fields=["contact", "-at"], name="letter_contact")]

    def __str__(self) -> str:
        return self.subject or self.text[:60]


class Wish(Lifecycle):
    """Something an advocate asks of us: help, an introduction, visibility (P11)."""

    class Kind(models.TextChoices):
        HELP = "help", _("help with something")
        INTRODUCTION = "meet", _("an introduction")
        VISIBILITY = "stage", _("visibility: a stage, a story, a mention")
        OTHER = "other", _("something else")

    class Status(models.TextChoices):
        OPEN = "open", _("under way")
        DONE = "done", _("done")
        DECLINED = "declined", _("not possible")
        WITHDRAWN = "withdrawn", _("taken back")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "open": frozenset({"done", "declined", "withdrawn"}),
        "done": frozenset({"open"}),
        "declined": frozenset({"open"}),
        "withdrawn": frozenset({"open"}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="wishes")
    kind = models.CharField(_("what it is about"), max_length=10, choices=Kind.choices)
    text = models.TextField(_("what you wish for"), max_length=2_000)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("who takes care of it"),
    )  # fmt: skip
    due_on = models.DateField(_("answer by"))
    created_at = models.DateTimeField(_("asked"))
    outcome = models.TextField(_("what came of it"), max_length=2_000, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["open", "done", "declined", "withdrawn"]), name="wish_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["done", "declined"]) | (Q(answered_at__isnull=False) & ~Q(outcome="")),
                name="wish_answered_has_outcome",
            ),
        ]
        indexes = [models.Index(fields=["status", "due_on"], name="wish_status")]

    def __str__(self) -> str:
        return self.text[:80]


class Snippet(models.Model):
    """Words used again and again, with merge fields; one's own, or the whole team's where nobody owns it (P12)."""

    name = models.CharField(_("name"), max_length=60)
    text = models.TextField(_("text"), max_length=2_000)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="snippets"
    )
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("snippet")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(Lower("name"), "owner", name="snippet_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return self.name


class WelcomeNote(models.Model):
    """What a new member of a region reads first (P8): who meets where, what is near. In their language, with merge
    fields, chosen as the words of invitations are."""

    region = models.CharField(
        _("region"), max_length=60, blank=True, default="", help_text=_("Empty: for every region without its own.")
    )
    language = models.CharField(_("language"), max_length=10, default="en")
    text = models.TextField(_("words"), max_length=1_000)

    class Meta:
        verbose_name = _("welcome for a region")
        verbose_name_plural = _("welcomes for regions")
        constraints = [models.UniqueConstraint(fields=["region", "language"], name="welcome_note_once")]

    def __str__(self) -> str:
        return f"{self.region or '*'} ({self.language})"
