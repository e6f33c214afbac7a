"""What can be shown instead of asking somebody, and the customers' yes to it (D13)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, ConsentState, Contact, Deal
from advocacy.lib.lifecycle import Lifecycle
from opportunities.models.desk import ReferenceRequest
from opportunities.models.showing import Findable, Scope, scopes, text_triggers
from opportunities.models.stories import Story

PROOF_TEXTS = ("title", "summary", "body", "said_by", "url", "kind")
"""What is shown, and what the customer says yes to."""

CONSENT_OF = {
    "case_study": Purpose.NAME_AND_LOGO, "quote": Purpose.QUOTE, "video": Purpose.RECORDING,
    "logo": Purpose.NAME_AND_LOGO, "review": "", "letter": Purpose.QUOTE,
}  # fmt: skip
"""Which consent of the person shown can take a proof back: who withdraws it is shown no more."""


WORD_STANDS = """
    RAISE EXCEPTION 'what a customer said to a text stands as they said it'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_word_stands';
    RETURN NULL;
"""


class ProofQuerySet(models.QuerySet["Proof"]):
    def published(self) -> Self:
        return self.filter(status=Proof.Status.PUBLISHED)

    def usable(self, *, at: datetime, scope: str = "") -> Self:
        """What may be shown now: published, with a yes that stands, not expired; for ``scope`` where one is given.

        A yes taken back, a consent withdrawn since, an erased person: each ends it in the same moment, everywhere,
        because everything that shows proof reads it from here.
        """
        day = timezone.localdate(at)
        standing = Approval.objects.standing().filter(
            Q(proof=OuterRef("pk"), version=OuterRef("version"))
            | Q(story=OuterRef("story"), version=OuterRef("story__version"))
        )
        if scope:
            standing = standing.filter(scopes__contains=[scope])
        standing = standing.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=day))
        rows = self.published().filter(Exists(standing)).exclude(contact__erased_at__isnull=False)
        for kind, purpose in CONSENT_OF.items():
            if purpose:
                gone = ConsentState.objects.filter(contact=OuterRef("contact"), purpose=purpose, given=False)
                rows = rows.exclude(Q(kind=kind) & Exists(gone.filter(entry__at__gt=OuterRef("published_at"))))
        return rows

    def visible_to(self, user: Any) -> Self:
        """Who keeps the library sees all of it; who reads it, what was published once: a page says why it is gone."""
        if user.has_perm("opportunities.keep_proof"):
            return self
        if not user.has_perm("opportunities.read_proof"):
            return self.none()
        return self.exclude(status=Proof.Status.DRAFT)


@pghistory.track(exclude=["search"])
class Proof(Findable, Lifecycle):
    """A published, approved thing that can be shown instead of asking somebody.

    Expired is what the date of its approval says, not a status. A proof with a ``story`` is that story, published.
    """

    class Kind(models.TextChoices):
        CASE_STUDY = "case_study", _("case study")
        QUOTE = "quote", _("quote")
        VIDEO = "video", _("video")
        LOGO = "logo", _("logo permission")
        REVIEW = "review", _("review")
        LETTER = "letter", _("reference letter")

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        WITHDRAWN = "withdrawn", _("withdrawn")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "draft": frozenset({"published", "withdrawn"}),
        "published": frozenset({"withdrawn"}),
        "withdrawn": frozenset({"draft"}),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    title = models.CharField(_("title"), max_length=200)
    summary = models.CharField(_("in a sentence"), max_length=300, blank=True, default="")
    body = models.TextField(_("words"), blank=True, default="")
    said_by = models.CharField(_("who says it"), max_length=200, blank=True, default="")
    url = models.URLField(_("where it can be seen"), max_length=500, blank=True, default="")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="proofs", verbose_name=_("customer"))
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="proofs", verbose_name=_("person shown")
    )
    story = models.OneToOneField(
        Story, on_delete=models.PROTECT, null=True, blank=True, related_name="proof", verbose_name=_("story")
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, verbose_name=_("kept by")
    )
    created_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    reason = models.CharField(_("why it was withdrawn"), max_length=300, blank=True, default="")
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("summary", weight="B", config="simple")
        + SearchVector("body", weight="C", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ProofQuerySet.as_manager()

    class Meta:
        verbose_name = _("proof")
        verbose_name_plural = _("proof library")
        triggers = text_triggers(
            "proof", PROOF_TEXTS,
            "((a.proof_id = NEW.id AND a.version = NEW.version) OR (a.story_id = NEW.story_id AND a.version ="
            " (SELECT s.version FROM opportunities_story s WHERE s.id = NEW.story_id AND s.status = 'published')))",
        )  # fmt: skip
        constraints = [
            models.CheckConstraint(condition=Q(status__in=["draft", "published", "withdrawn"]), name="proof_status"),
            models.CheckConstraint(
                condition=Q(kind__in=["case_study", "quote", "video", "logo", "review", "letter"]), name="proof_kind"
            ),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False), name="proof_published_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(status="withdrawn") | Q(withdrawn_at__isnull=False), name="proof_withdrawn_has_time"
            ),
        ]
        indexes = [
            GinIndex(fields=["search"], name="proof_search"),
            models.Index(fields=["status", "-published_at"], name="proof_library"),
        ]

    def __str__(self) -> str:
        return self.title


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def standing(self) -> Self:
        """Yeses that were given and not taken back."""
        return self.filter(said=Approval.Said.YES, revoked_at__isnull=True)

    def waiting(self) -> Self:
        return self.filter(said="", superseded_at__isnull=True)


class Approval(models.Model):
    """What a customer was shown, and what they said to it: the evidence behind a story or a proof.

    ``shown`` is the text as it was put to them: a list of ``{"key", "label", "text"}``; ``version`` the one it was.
    A word once given stands; a yes can only be taken back.
    """

    class Said(models.TextChoices):
        YES = "yes", _("yes")
        CHANGES = "changes", _("please change it")
        NO = "no", _("no")

    class Means(models.TextChoices):
        PAGE = "page", _("on the signed page")
        MAIL = "mail", _("by mail")
        PAPER = "paper", _("in a signed letter or contract")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    story = models.ForeignKey(Story, on_delete=models.PROTECT, null=True, blank=True, related_name="approvals")
    proof = models.ForeignKey(Proof, on_delete=models.PROTECT, null=True, blank=True, related_name="approvals")
    version = models.PositiveSmallIntegerField(_("version of the text"))
    shown = models.JSONField(_("what was shown"))
    scopes = scopes(verbose_name=_("may be used on"))
    expires_on = models.DateField(_("until"), null=True, blank=True, help_text=_("Its last day; empty: without end."))
    name = models.CharField(_("who is asked"), max_length=150)
    email = models.EmailField(_("e-mail"), blank=True, default="")
    contact = models.ForeignKey(Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="approvals")
    asked_at = models.DateTimeField(_("asked"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    superseded_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    said = models.CharField(_("said"), max_length=10, choices=Said.choices, blank=True, default="")
    said_at = models.DateTimeField(_("when"), null=True, blank=True)
    said_by = models.CharField(_("signed as"), max_length=150, blank=True, default="")
    note = models.TextField(_("in their words"), blank=True, default="")
    means = models.CharField(_("how"), max_length=10, choices=Means.choices, default=Means.PAGE)
    evidence = models.CharField(_("where the evidence lies"), max_length=300, blank=True, default="")
    revoked_at = models.DateTimeField(_("yes taken back"), null=True, blank=True)
    revoked_reason = models.CharField(_("why"), max_length=300, blank=True, default="")
    warned_at = models.DateTimeField(_("warned of its end"), null=True, blank=True, editable=False)

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        triggers = [
            pgtrigger.Protect(name="approval_never_deleted", operation=pgtrigger.Delete),
            # No Protect: what points at a person follows them when two records of one person are merged.
            pgtrigger.Trigger(
                name="approval_word_stands",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func=WORD_STANDS,
                condition=(
                    ~pgtrigger.Q(old__said="")
                    & (
                        pgtrigger.Q(old__said__df=pgtrigger.F("new__said"))
                        | pgtrigger.Q(old__said_at__df=pgtrigger.F("new__said_at"))
                        | pgtrigger.Q(old__said_by__df=pgtrigger.F("new__said_by"))
                        | pgtrigger.Q(old__means__df=pgtrigger.F("new__means"))
                        | pgtrigger.Q(old__expires_on__df=pgtrigger.F("new__expires_on"))
                    )
                )
                | pgtrigger.Q(old__version__df=pgtrigger.F("new__version"))
                | pgtrigger.Q(old__shown__df=pgtrigger.F("new__shown"))
                | (~pgtrigger.Q(old__said="") & pgtrigger.Q(old__scopes__df=pgtrigger.F("new__scopes")))
                | pgtrigger.Q(old__story_id__df=pgtrigger.F("new__story_id"))
                | pgtrigger.Q(old__proof_id__df=pgtrigger.F("new__proof_id"))
                | (
                    pgtrigger.Q(old__revoked_at__isnull=False)
                    & pgtrigger.Q(old__revoked_at__df=pgtrigger.F("new__revoked_at"))
                ),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(story__isnull=True, proof__isnull=False) | Q(story__isnull=False, proof__isnull=True),
                name="approval_of_one_thing",
            ),
            models.CheckConstraint(condition=Q(said__in=["", "yes", "changes", "no"]), name="approval_said_known"),
            models.CheckConstraint(
                condition=Q(said="") | (Q(said_at__isnull=False) & ~Q(said_by="")), name="approval_said_by_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(said="yes") | ~Q(scopes=[]), name="approval_yes_says_where"
            ),
            models.UniqueConstraint(
                fields=["story"], condition=Q(said="", superseded_at__isnull=True), name="approval_story_one_open"
            ),
            models.UniqueConstraint(
                fields=["proof"], condition=Q(said="", superseded_at__isnull=True), name="approval_proof_one_open"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["expires_on"], condition=Q(said="yes", revoked_at__isnull=True), name="approval_expires"
            )
        ]
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_said_display() or _('asked')}"

    @property
    def of(self) -> "Story | Proof":
        """What it is an approval of."""
        found = self.story or self.proof
        assert found is not None
        return found

    @property
    def scope_words(self) -> list[str]:
        """Where it may be used, in words."""
        known = dict(Scope.choices)
        return [str(known.get(one, one)) for one in self.scopes]


class ApprovalComment(models.Model):
    """What the customer says about one section of what they were shown."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="comments")
    section = models.CharField(max_length=40)
    label = models.CharField(max_length=100)
    text = models.TextField(_("comment"))
    done_at = models.DateTimeField(_("worked in"), null=True, blank=True)

    class Meta:
        verbose_name = _("comment")
        constraints = [models.UniqueConstraint(fields=["approval", "section"], name="approval_comment_once")]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.label}: {self.text[:40]}"


class ProofUse(models.Model):
    """One time a proof was used in place of an ask, or shared; appended."""

    class How(models.TextChoices):
        DEFLECTED = "deflected", _("was enough for a request")
        SHARED = "shared", _("was shown to a prospect")

    proof = models.ForeignKey(Proof, on_delete=models.CASCADE, related_name="uses")
    how = models.CharField(max_length=10, choices=How.choices)
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    request = models.ForeignKey(
        ReferenceRequest, on_delete=models.SET_NULL, null=True, blank=True, related_name="proof_used"
    )
    deal = models.ForeignKey(Deal, on_delete=models.SET_NULL, null=True, blank=True, related_name="proof_used")

    class Meta:
        verbose_name = _("use of proof")
        verbose_name_plural = _("uses of proof")
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(how="deflected", request__isnull=False), name="proof_deflects_once"
            )
        ]
        indexes = [
            models.Index(fields=["proof", "how"], name="proof_used"),
            models.Index(fields=["at"], name="proof_used_at"),
        ]

    def __str__(self) -> str:
        return f"{self.proof}: {self.get_how_display()}"
