"""Beta and advisory groups: who is in, until when, and what came of it (O10)."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Self

import pghistory
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import Purpose
from advocacy.lib.lifecycle import IllegalMove, Lifecycle
from advocates.models import Advocate

FACT = "group"
"""The name of the fact that keeps an opportunity to the members of a group: ``group:its-slug``."""


class CustomerGroupQuerySet(models.QuerySet["CustomerGroup"]):
    def open(self) -> Self:
        return self.filter(status=CustomerGroup.Status.OPEN)

    def with_numbers(self) -> Self:
        """Members, and seats that are kept for somebody who has been invited."""
        return self.annotate(
            members=Count("memberships", filter=Q(memberships__status="member")),
            invited=Count("memberships", filter=Q(memberships__status="invited")),
            applied=Count("memberships", filter=Q(memberships__status="applied")),
        )


@pghistory.track()
class CustomerGroup(Lifecycle):
    """A beta or an advisory group: so many seats, for a term of so many months. What only it gets is its benefit."""

    class Kind(models.TextChoices):
        BETA = "beta", _("beta group")
        ADVISORY = "advisory", _("advisory group")

    class Joining(models.TextChoices):
        APPLICATION = "application", _("members may apply")
        INVITATION = "invitation", _("by invitation only")

    class Status(models.TextChoices):
        OPEN = "open", _("running")
        ENDED = "ended", _("ended")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {"open": frozenset({"ended"}), "ended": frozenset()}
    PURPOSE = Purpose.BETA_ADVISORY

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    name = models.CharField(_("name"), max_length=80, unique=True)
    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    what = models.TextField(_("what its members do"))
    benefit = models.TextField(_("what only they get"))
    seats = models.PositiveSmallIntegerField(_("seats"))
    term_months = models.PositiveSmallIntegerField(_("months of a term"), default=12)
    joining = models.CharField(_("how one joins"), max_length=12, choices=Joining.choices, default=Joining.INVITATION)
    run_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("run by")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.OPEN)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = CustomerGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("beta or advisory group")
        verbose_name_plural = _("beta and advisory groups")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["open", "ended"]), name="group_status_known"),
            models.CheckConstraint(condition=Q(kind__in=["beta", "advisory"]), name="group_kind_known"),
            models.CheckConstraint(condition=Q(joining__in=["application", "invitation"]), name="group_joining_known"),
            models.CheckConstraint(condition=Q(seats__gte=1, seats__lte=1000), name="group_seats"),
            models.CheckConstraint(condition=Q(term_months__gte=1, term_months__lte=60), name="group_term"),
            models.CheckConstraint(
                condition=Q(status="ended", ended_at__isnull=False) | Q(status="open", ended_at__isnull=True),
                name="group_ended_when",
            ),
        ]
        indexes = [models.Index(fields=["status", "name"], name="group_list")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.seats is not None and not 1 <= self.seats <= 1000:
            raise ValidationError({"seats": _("A group has between one and a thousand seats.")})
        if self.term_months is not None and not 1 <= self.term_months <= 60:
            raise ValidationError({"term_months": _("A term has between one and sixty months.")})

    @property
    def fact(self) -> str:
        """What an opportunity's audience names to be for this group alone."""
        return f"{FACT}:{self.slug}"

    @property
    def counts_as(self) -> str:
        """The kind of opportunity an invitation counts as in the ask budget, and is refused by “never this kind”."""
        return "beta-test" if self.kind == CustomerGroup.Kind.BETA else "advisory-board"


class GroupMembershipQuerySet(models.QuerySet["GroupMembership"]):
    def holding_a_seat(self) -> Self:
        return self.filter(status__in=["invited", "member"])

    def in_force(self, *, on: date) -> Self:
        """Members whose term runs on this day."""
        return self.filter(status="member", until_on__gte=on, group__status="open")

    def ending(self, *, by: date) -> Self:
        return self.filter(status="member", until_on__lte=by)


@pghistory.track(exclude=["note"])
class GroupMembership(Lifecycle):
    """One person's way through a group: invited or applied, in for a term, renewed, out with a reason.

    An invitation keeps its seat until it is answered or ``answer_until`` has passed. Whoever comes back has a new row.
    """

    class Status(models.TextChoices):
        APPLIED = "applied", _("has applied")
        INVITED = "invited", _("invited")
        MEMBER = "member", _("member")
        ENDED = "ended", _("ended")
        DECLINED = "declined", _("did not come about")

    class Ended(models.TextChoices):
        TERM = "term", _("the term was over")
        LEFT = "left", _("left")
        STAFF = "staff", _("ended by us")
        COMPANY = "company", _("left their company")
        GROUP = "group", _("the group has ended")
        SAID_NO = "said_no", _("said no")
        NOT_TAKEN = "not_taken", _("was not taken")
        SILENCE = "silence", _("did not answer")
        TAKEN_BACK = "taken_back", _("taken back")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "applied": frozenset({"member", "declined"}),
        "invited": frozenset({"member", "declined"}),
        "member": frozenset({"ended"}),
        "ended": frozenset(),
        "declined": frozenset(),
    }
    LIVE = ("applied", "invited", "member")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    group = models.ForeignKey(CustomerGroup, on_delete=models.PROTECT, related_name="memberships")
    advocate = models.ForeignKey(Advocate, on_delete=models.PROTECT, related_name="group_memberships")
    status = models.CharField(_("status"), max_length=8, choices=Status.choices)
    note = models.TextField(_("why they would like to"), blank=True, default="")
    asked_at = models.DateTimeField(_("invited or applied"))
    answer_until = models.DateTimeField(_("answer by"), null=True, blank=True)
    from_on = models.DateField(_("from"), null=True, blank=True)
    until_on = models.DateField(_("until"), null=True, blank=True)
    renewal_asked_at = models.DateTimeField(_("asked to renew"), null=True, blank=True)
    renewed = models.PositiveSmallIntegerField(_("times renewed"), default=0)
    lets_it_end_at = models.DateTimeField(_("lets it end"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    how_ended = models.CharField(_("how it ended"), max_length=10, choices=Ended.choices, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("by")
    )

    objects = GroupMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership of a group")
        verbose_name_plural = _("memberships of groups")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["applied", "invited", "member", "ended", "declined"]),
                name="membership_status_known",
            ),
            models.UniqueConstraint(
                fields=["group", "advocate"], condition=Q(status__in=["applied", "invited", "member"]),
                name="membership_live_once",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["member", "ended"]) | Q(from_on__isnull=False, until_on__isnull=False),
                name="membership_has_term",
            ),
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=models.F("from_on")), name="membership_in_order"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["ended", "declined"]) | (Q(ended_at__isnull=False) & ~Q(how_ended="")),
                name="membership_ended_how",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["advocate", "status"], name="membership_advocate"),
            models.Index(fields=["group", "status"], name="membership_group"),
            models.Index(fields=["until_on"], condition=Q(status="member"), name="membership_terms"),
            models.Index(fields=["answer_until"], condition=Q(status="invited"), name="membership_invited"),
        ]

    def __str__(self) -> str:
        return f"{self.advocate}: {self.group}"

    def move_again(self, **stamps: Any) -> Self:
        """Change what is known of somebody who is in; the row is locked."""
        rows = GroupMembership.objects.filter(pk=self.pk, status=self.status)
        if not rows.update(**stamps):
            raise IllegalMove(_("Somebody else has changed this meanwhile."))
        self.refresh_from_db(fields=list(stamps))
        return self

    def may_renew(self, *, at: datetime) -> bool:
        """Whether another term can be said yes to now: once they were asked, until their term is over."""
        return (
            self.status == GroupMembership.Status.MEMBER
            and self.renewal_asked_at is not None
            and self.until_on is not None
            and self.until_on >= timezone.localdate(at)
        )
