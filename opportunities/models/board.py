"""What advocates can do for us, and their claims."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import SIGNAL_KINDS, Purpose
from advocacy.crm.models import StakeholderTeam, words
from advocacy.lib.lifecycle import Lifecycle
from advocates.models import Advocate


class Step(models.TextChoices):
    """The whole course of a claim, in order; a kind names the steps it takes of it."""

    CLAIMED = "claimed", _("claimed")
    CONFIRMED = "confirmed", _("confirmed")
    SCHEDULED = "scheduled", _("scheduled")
    DELIVERED = "delivered", _("delivered")
    VERIFIED = "verified", _("verified")


COURSE = ("claimed", "confirmed", "scheduled", "delivered", "verified")
HOLDING_A_SEAT = COURSE
"""A claim holds its seat along its whole course, and gives it back when it leaves it."""
UNDER_WAY = ("claimed", "confirmed", "scheduled")
"""Claims whose deed is still to come."""


class Group(models.TextChoices):
    """The shelves of the board."""

    CALLS = "calls", _("Calls")
    STORIES = "stories", _("Stories")
    SPEAKING = "speaking", _("Speaking")
    MEDIA = "media", _("Media")
    BETAS = "betas", _("Betas and feedback")
    REVIEWS = "reviews", _("Reviews and posts")
    PEERS = "peers", _("Peers")


QUESTION_TYPES = ("line", "text", "choice", "day", "yes")
AUDIENCE_PARTS = ("all", "any", "exclude")


def validate_questions(value: Any) -> None:
    """The questions of a kind: each with a key, a label and a known type."""
    if not isinstance(value, list):
        raise ValidationError(_("Questions are a list."))
    keys = set()
    for question in value:
        if not isinstance(question, dict) or not question.get("key") or not question.get("label"):
            raise ValidationError(_("Each question needs a key and a label."))
        if question["key"] in keys:
            raise ValidationError(_("Two questions have the key “%(key)s”.") % {"key": question["key"]})
        keys.add(question["key"])
        if question.get("type", "line") not in QUESTION_TYPES:
            raise ValidationError(_("“%(type)s” is no type of question.") % {"type": question.get("type")})
        if question.get("type") == "choice" and not question.get("choices"):
            raise ValidationError(_("The question “%(key)s” has no choices.") % {"key": question["key"]})


class AudienceField(models.JSONField):
    """Whom an opportunity is for, kept in lower case: facts are compared in that, and thousands of times for a page."""

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            value = {part: [str(fact).lower() for fact in facts] for part, facts in value.items()}
        return super().get_prep_value(value)


def validate_audience(value: Any) -> None:
    """Whom an opportunity is for: lists of facts under ``all``, ``any`` and ``exclude``, and nothing else."""
    if not isinstance(value, dict) or set(value) - set(AUDIENCE_PARTS):
        raise ValidationError(_("For whom: only all, any and exclude."))
    for facts in value.values():
        if not isinstance(facts, list) or not all(isinstance(fact, str) and ":" in fact for fact in facts):
            raise ValidationError(_("Each fact is written like region:Europe."))


OF_MEMBERS = frozenset({"stage", "type", "expertise", "interest", "pod", "advocate", "group"})
"""Facts of an audience that depend on how somebody takes part in the program."""


def guarded_audience(audience: Any, *, is_review: bool) -> str | None:
    """Why a public review must not be meant for these people, as a sentence; None where it may (P19)."""
    named = {str(fact).partition(":")[0].strip().lower() for facts in audience.values() for fact in facts}
    if not is_review or not named & OF_MEMBERS:
        return None
    return _(
        "Whom a public review is for must not depend on how somebody takes part in the program, because feelings may "
        "have led there. Leave out %(facts)s; choose by facts about people and their account instead."
    ) % {"facts": ", ".join(sorted(named & OF_MEMBERS))}


HEARD = [SIGNAL_KINDS[slug] for slug in ("submitted_content", "joined_program", "completed_course")]
"""What doing something in the portal can be heard as."""


@pghistory.track()
class OpportunityKind(models.Model):
    """A kind of opportunity, as data (O1).

    ``minutes`` is the usual effort; ``steps`` a subset of the claim's course, in order.
    """

    slug = models.SlugField(_("slug"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    group = models.CharField(_("group on the board"), max_length=30, choices=Group.choices, blank=True, default="")
    points = models.PositiveIntegerField(_("points"), default=0)
    minutes = models.PositiveIntegerField(_("minutes of effort"), default=30)
    purpose = models.CharField(_("needs consent for"), max_length=30, choices=Purpose.choices, blank=True, default="")
    steps = ArrayField(
        models.CharField(max_length=12),
        default=list,
        verbose_name=_("steps of a claim"),
        help_text=_("Of claimed, confirmed, scheduled, delivered, verified; the first and the last always stand."),
    )
    points_at = models.CharField(
        _("points are booked when"), max_length=12, choices=Step.choices, default=Step.VERIFIED
    )
    questions = models.JSONField(
        _("questions on claiming"),
        default=list,
        blank=True,
        validators=[validate_questions],
        help_text=_(
            'A list like [{"key": "title", "label": "Title of your talk", "type": "line", "required": true}]; '
            "types: line, text, choice, day, yes."
        ),
    )
    answers_are_the_work = models.BooleanField(
        _("the answers are what is asked for"),
        default=False,
        help_text=_("Such as the words of a quote: nothing is left to do after claiming, and we look at it."),
    )
    signal = models.CharField(
        _("a completed one is the signal"), max_length=30, choices=[(one.slug, one.name) for one in HEARD], blank=True,
        default="", help_text=_("Lifecycle rules heed it, like one that an import brings."),
    )  # fmt: skip
    is_public = models.BooleanField(_("public"), default=False)
    for_requests = models.BooleanField(_("can be asked for at the desk"), default=False)
    is_review = models.BooleanField(_("a public review (guarded)"), default=False)
    is_urgent = models.BooleanField(
        _("urgent"), default=False,
        help_text=_("Wanted within hours: a deadline by the hour, a spokesperson's approval, past the daily mail cap."),
    )  # fmt: skip
    answer_hours = models.PositiveSmallIntegerField(
        _("hours to answer"), null=True, blank=True,
        help_text=_("How long somebody who is asked has to answer. Empty: as the program says."),
    )  # fmt: skip
    order = models.PositiveSmallIntegerField(default=100)

    class Meta:
        verbose_name = _("kind of opportunity")
        verbose_name_plural = _("kinds of opportunity")
        ordering = ["order", "name"]
        constraints = [
            models.CheckConstraint(condition=Q(steps__contained_by=list(COURSE)), name="kind_steps_known"),
            models.CheckConstraint(condition=Q(points_at__in=COURSE), name="kind_points_at_known"),
            models.CheckConstraint(
                condition=Q(answer_hours__isnull=True) | Q(answer_hours__gte=1, answer_hours__lte=720),
                name="kind_answer_hours",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.steps = [step for step in COURSE if step in {*self.steps, "claimed", "verified"}]
        if self.points_at not in self.steps:
            raise ValidationError({"points_at": _("Points can only be booked at a step this kind takes.")})
        asked = self.questions if isinstance(self.questions, list) else []  # what is amiss with them is said beside it
        if self.answers_are_the_work and not any(isinstance(one, dict) and one.get("required") for one in asked):
            raise ValidationError({"questions": _("Add a required question whose answer is what is asked for.")})

    @property
    def needs_answers(self) -> bool:
        """Whether a claim needs more than a tap."""
        return any(question.get("required") for question in self.questions)

    def has_step(self, step: str) -> bool:
        """Whether claims of this kind go through a step; beginning and end belong to every kind."""
        return step in self.steps or step in {"claimed", "verified"}


class OpportunityQuerySet(models.QuerySet["Opportunity"]):
    def open(self, *, at: Any = None) -> Self:
        at = at or timezone.now()
        return self.filter(status=Opportunity.Status.OPEN).filter(Q(closes_at__isnull=True) | Q(closes_at__gt=at))

    def listed(self) -> Self:
        """On the board, rather than the private frame of one request."""
        return self.filter(request__isnull=True)

    def published(self) -> Self:
        """What has been on the board: open, closed or called off, but never a draft."""
        return self.exclude(status=Opportunity.Status.DRAFT)

    def with_seats_taken(self, *, at: datetime, besides: Advocate | None = None) -> Any:
        """Annotate ``seats_taken``: claims that hold a seat, and seats kept for the waitlist while an offer stands.

        ``besides`` leaves out the offer kept for this advocate, whose seat it is.
        """
        return self.annotate(seats_taken=SeatsTaken(at, besides.pk if besides is not None else None))

    def with_a_seat_left(self, *, at: datetime, besides: Advocate | None = None) -> Self:
        rows = self.with_seats_taken(at=at, besides=besides)
        return rows.filter(Q(seats__isnull=True) | Q(seats__gt=F("seats_taken")))

    def full(self, *, at: datetime, besides: Advocate | None = None) -> Self:
        return (
            self.filter(seats__isnull=False)
            .with_seats_taken(at=at, besides=besides)
            .filter(seats__lte=F("seats_taken"))
        )

    def visible_to(self, user: Any) -> Self:
        """The only door through which pages reach opportunities: those whose page may be opened at all.

        Full, closed and called-off ones pass, and those for others: their page says why not. Drafts and the private
        frames of requests are for those who run them.
        """
        if user.has_perm("opportunities.change_opportunity"):
            return self
        if not user.has_perm("opportunities.browse_board"):
            return self.none()
        return self.published().listed()


class SeatsTaken(models.Func):
    """How many seats of an opportunity are gone: claims that hold one, and those kept for the waitlist.

    Written in SQL, because the board asks it row by row, and offers are looked at only where there are any.
    """

    output_field = models.IntegerField()

    def __init__(self, at: datetime, besides: int | None) -> None:
        self.at, self.besides = at, besides
        super().__init__(F("pk"))

    def as_sql(  # type: ignore[override]
        self, compiler: Any, connection: Any, **more: Any
    ) -> tuple[str, list[Any]]:
        column, _none = compiler.compile(self.source_expressions[0])
        return self.sql(column, self.at, self.besides)

    @staticmethod
    def sql(column: str, at: datetime, besides: int | None) -> tuple[str, list[Any]]:
        """The expression for a column that holds the id of an opportunity, and its parameters."""
        offers = "w.ended_at IS NULL AND w.offer_until > %s AND w.advocate_id IS DISTINCT FROM %s"
        text = (
            "((SELECT count(*) FROM opportunities_claim c"  # noqa: S608 - our own words; values are parameters
            f" WHERE c.opportunity_id = {column} AND c.status = ANY(%s))"
            f" + CASE WHEN {column} IN (SELECT w.opportunity_id FROM opportunities_waiting w WHERE {offers})"
            f" THEN (SELECT count(*) FROM opportunities_waiting w WHERE w.opportunity_id = {column} AND {offers})"
            " ELSE 0 END)::int"
        )
        return text, [list(HOLDING_A_SEAT), at, besides, at, besides]


@pghistory.track(exclude=["search"])
class Opportunity(Lifecycle):
    """Something an advocate can do for us.

    ``seats`` None means as many as like; *full* is what the seats say, not a status. ``audience`` says whom it is for:
    ``{"all": [...], "any": [...], "exclude": [...]}`` of facts such as ``"region:Europe"`` (see ``eligibility``); empty
    means everybody; exclude wins. An opportunity with a ``request`` is that request's private frame and never listed;
    one that is ``broadcast_of`` a request is on the board and names nobody: a claim of it is a hand raised.
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
    incentive_points = models.PositiveIntegerField(
        _("extra points"), default=0, help_text=_("For claims made while the incentive runs, on top of its points.")
    )
    incentive_until = models.DateTimeField(_("incentive until"), null=True, blank=True)
    incentive_on = models.DateField(
        _("incentive until the end of"), null=True, blank=True,
        help_text=_("Ends at midnight where the reader is. Leave the one or the other empty."),
    )  # fmt: skip
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)
    closes_at = models.DateTimeField(_("closes"), null=True, blank=True)
    audience = AudienceField(_("for whom"), default=dict, blank=True, validators=[validate_audience])
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
    broadcast_of = models.OneToOneField(
        "opportunities.ReferenceRequest",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="broadcast",
        editable=False,
        verbose_name=_("made of the request"),
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
            models.CheckConstraint(
                condition=Q(incentive_until__isnull=True) | Q(incentive_on__isnull=True),
                name="opportunity_incentive_one_end",
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="opportunity_search"),
            models.Index(fields=["status", "-opened_at"], condition=Q(request__isnull=True), name="opportunity_board"),
            models.Index(fields=["kind", "status"], name="opportunity_kind"),
        ]

    def __str__(self) -> str:
        return self.title


class ClaimQuerySet(models.QuerySet["Claim"]):
    def holding_a_seat(self) -> Self:
        return self.filter(status__in=HOLDING_A_SEAT)

    def under_way(self) -> Self:
        return self.filter(status__in=UNDER_WAY)

    def visible_to(self, user: Any) -> Self:
        """Whoever runs the board sees every claim; an advocate their own."""
        if user.has_perm("opportunities.change_claim"):
            return self
        return self.filter(advocate__user=user.pk)


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
        "scheduled": frozenset(
            {"scheduled", "claimed", "confirmed", "delivered", "verified", "withdrawn", "declined", "missed"}
        ),
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
    place = models.CharField(_("where they meet"), max_length=300, blank=True, default="")
    delivered_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    incentive = models.CharField(_("promised for claiming in time"), max_length=200, blank=True, default="")
    incentive_points = models.PositiveIntegerField(_("extra points promised"), default=0)
    thanked_at = models.DateTimeField(_("thanked"), null=True, blank=True)
    kept_waiting_at = models.DateTimeField(_("the other side did not come"), null=True, blank=True, editable=False)

    objects = ClaimQuerySet.as_manager()

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

    @property
    def holds_a_seat(self) -> bool:
        return self.status in HOLDING_A_SEAT

    @property
    def has_its_work(self) -> bool:
        """Whether what was asked for came along with the claim, where its kind says so: the words of a quote."""
        kind = self.opportunity.kind
        if not kind.answers_are_the_work:
            return False
        asked = [one["key"] for one in kind.questions if one.get("required")]
        return bool(asked) and all(self.answers.get(key) for key in asked)  # a yes to the desk comes without answers

    @property
    def ends_at(self) -> datetime | None:
        """When what was set is over."""
        return self.scheduled_for + timedelta(minutes=self.minutes or 30) if self.scheduled_for else None

    @property
    def meets_at(self) -> str:
        """Where they meet: as it was said for this claim, else where the opportunity takes place."""
        return self.place or self.opportunity.place

    @property
    def calendar_uid(self) -> str:
        """The same for every version of the appointment, so that a calendar moves it rather than adding another."""
        return f"claim-{self.public_id}@portal"


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


class WaitingQuerySet(models.QuerySet["Waiting"]):
    def in_line(self) -> Self:
        """Who still waits, without an offer, in their order."""
        return self.filter(ended_at__isnull=True, offered_at__isnull=True).order_by("since", "pk")

    def offered(self, *, at: datetime) -> Self:
        """A seat is kept for these."""
        return self.filter(ended_at__isnull=True, offer_until__gt=at)


class Waiting(models.Model):
    """A place on the waitlist of a full opportunity; first come, first served.

    A freed seat is offered to the first in line and kept until ``offer_until``. ``ended_at`` is set when they took it,
    left the line or let the offer pass.
    """

    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, related_name="waitlist")
    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="waiting")
    since = models.DateTimeField(_("since"))
    offered_at = models.DateTimeField(_("offered a seat"), null=True, blank=True)
    offer_until = models.DateTimeField(_("kept until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = WaitingQuerySet.as_manager()

    class Meta:
        verbose_name = _("place on the waitlist")
        verbose_name_plural = _("waitlist")
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "advocate"], name="waiting_once"),
            models.CheckConstraint(
                condition=Q(offered_at__isnull=True, offer_until__isnull=True)
                | Q(offered_at__isnull=False, offer_until__isnull=False),
                name="waiting_offer_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["opportunity", "since"], condition=Q(ended_at__isnull=True), name="waiting_in_line"),
            models.Index(
                fields=["offer_until"],
                condition=Q(ended_at__isnull=True, offer_until__isnull=False),
                name="waiting_offers",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.opportunity}"


class BoardVisit(models.Model):
    """When an advocate last looked at the board, so that what is new since then can be marked.

    ``since`` is the end of the visit before this one: what came after it stays new for the whole visit.
    """

    advocate = models.OneToOneField(Advocate, on_delete=models.CASCADE, primary_key=True, related_name="board_visit")
    since = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("visit of the board")

    def __str__(self) -> str:
        return f"{self.advocate}: {self.seen_at:%Y-%m-%d %H:%M}"
