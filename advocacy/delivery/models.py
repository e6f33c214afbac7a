"""Every mail of the portal is a row here before it is a mail; and what happened to it stays."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact
from advocacy.lib.lifecycle import Lifecycle


class Batch(Lifecycle):
    """A run of messages that go together, such as one edition: it can be paused, resumed and stopped while it goes.

    ``key`` is what its messages carry in ``batch``; a batch without a row here cannot be held, and simply goes.
    One that too many readers complained about holds itself, until a person says what they found.
    """

    class Status(models.TextChoices):
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        STOPPED = "stopped", _("stopped")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "running": frozenset({"paused", "stopped"}),
        "paused": frozenset({"running", "stopped"}),
        "stopped": frozenset(),
    }

    key = models.CharField(max_length=60, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.RUNNING)
    created_at = models.DateTimeField(default=timezone.now)
    held_for_complaints_at = models.DateTimeField(_("held because of complaints"), null=True, blank=True)
    looked_at = models.DateTimeField(_("looked into"), null=True, blank=True)
    looked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    looked_note = models.CharField(_("what was found"), max_length=300, blank=True, default="")
    complaints_known = models.PositiveIntegerField(_("complaints known then"), default=0)
    counts = models.JSONField(default=dict, editable=False)
    counted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("run of mail")
        verbose_name_plural = _("runs of mail")
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["running", "paused", "stopped"]), name="mail_batch_status_known"
            )
        ]

    def __str__(self) -> str:
        return self.key


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Any) -> Self:
        """Whoever may see the outbox sees all of it; everybody else what was sent to them as one who signs in."""
        if user.has_perm("delivery.view_message"):
            return self
        return self.filter(user=user.pk)

    def due(self, *, at: Any) -> Self:
        """What goes by itself; what goes in a bundle with others goes with that."""
        return self.filter(status=Message.Status.DUE, due_at__lte=at, bundle__isnull=True)

    def ready(self, *, at: Any) -> Self:
        """Due, and not of a run that is held."""
        held = Batch.objects.filter(status=Batch.Status.PAUSED).values_list("key", flat=True)
        return self.due(at=at).exclude(batch__in=list(held))

    def in_doubt(self) -> Self:
        return self.filter(status=Message.Status.IN_DOUBT)


ABOUT = {
    "account/account_exists": _("Sign-in: they are known already"),
    "account/email_confirmation": _("Sign-in: confirm your address"),
    "account/login_code": _("Sign-in: the code"),
    "account/notice": _("Sign-in: something was changed"),
    "account/password_reset": _("Sign-in: a new password"),
    "account/unknown_account": _("Sign-in: nobody has this address"),
    "delivery/bundle": _("Several things in one mail"),
    "newsletter/digest": _("Digest of the community"),
}


def about(template: str) -> str:
    """What a template is for, in words."""
    words = ABOUT.get(template) or template.rpartition("/")[2].replace("_", " ").capitalize()
    return str(words)


class Message(Lifecycle):
    """One mail to one person, of any kind (the outbox). Template and parameters, not bodies.

    ``purpose`` is the consent it needs, empty for mail that needs none (sign-in, something the person accepted);
    ``basis`` names the recorded basis instead, for people who could not consent yet. ``counts`` says whether the daily
    cap counts it. ``batch`` groups a run such as one edition. ``secret`` holds parameters nobody may read, encrypted.
    ``held_over`` says that it waits because the day had enough mail; ``bundle`` is the one mail it goes in with others.
    """

    class Status(models.TextChoices):
        DUE = "due", _("due")
        LEASED = "leased", _("about to go")
        SENDING = "sending", _("sending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        IN_DOUBT = "in_doubt", _("in doubt")
        SUPPRESSED = "suppressed", _("suppressed")
        CANCELLED = "cancelled", _("cancelled")

    MOVES: ClassVar[Mapping[str, frozenset[str]]] = {
        "due": frozenset({"leased", "cancelled", "suppressed"}),
        "leased": frozenset({"due", "sending", "suppressed", "failed", "cancelled"}),
        "sending": frozenset({"sent", "due", "failed", "in_doubt"}),
        "in_doubt": frozenset({"sent", "due", "cancelled"}),  # by a person, or by the very sender that knows
        "failed": frozenset({"due", "cancelled"}),
        "suppressed": frozenset(),
        "cancelled": frozenset(),
        "sent": frozenset(),
    }

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    kind = models.CharField(_("kind"), max_length=40)
    dedupe_key = models.CharField(max_length=200)
    template = models.CharField(_("template"), max_length=100)
    params = models.JSONField(default=dict, blank=True)
    secret = models.BinaryField(null=True, blank=True, editable=False)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="messages")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    to_email = models.EmailField(_("to"))
    to_name = models.CharField(_("name"), max_length=200, blank=True, default="")
    reply_to = models.CharField(max_length=320, blank=True, default="")
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=50, default="UTC")
    purpose = models.CharField(_("needs consent for"), max_length=30, choices=Purpose.choices, blank=True, default="")
    basis = models.CharField(_("recorded basis"), max_length=40, blank=True, default="")
    counts = models.BooleanField(_("counts for the daily cap"), default=True)
    batch = models.CharField(max_length=60, blank=True, default="")
    held_over = models.BooleanField(_("waits for another day"), default=False)
    bundle = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="parts", db_index=False
    )
    message_id = models.CharField(max_length=200, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.DUE)
    due_at = models.DateTimeField(_("due"))
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=80, blank=True, default="")
    sending_since = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    result = models.CharField(_("result"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("outbox")
        constraints = [
            models.UniqueConstraint(fields=["kind", "dedupe_key"], name="message_once"),
            models.CheckConstraint(
                condition=Q(
                    status__in=["due", "leased", "sending", "sent", "failed", "in_doubt", "suppressed", "cancelled"]
                ),
                name="message_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="sent") | Q(sent_at__isnull=False), name="message_sent_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(status="leased") | Q(leased_until__isnull=False), name="message_leased_has_end"
            ),
            models.CheckConstraint(
                condition=~Q(status="sending") | Q(sending_since__isnull=False), name="message_sending_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(status="due"), name="message_due"),
            # Single mails (a sign-in code) are found without wading through an edition that is due as well.
            models.Index(fields=["due_at", "id"], condition=Q(status="due", batch=""), name="message_due_single"),
            models.Index(fields=["leased_until"], condition=Q(status__in=["leased", "sending"]), name="message_leased"),
            models.Index(fields=["batch", "status"], condition=~Q(batch=""), name="message_batch"),
            models.Index(fields=["contact", "-sent_at"], name="message_contact"),
            models.Index(Lower("to_email"), name="message_to"),
            models.Index(fields=["bundle"], condition=Q(bundle__isnull=False), name="message_bundle"),
            models.Index(fields=["contact"], condition=Q(status="due", held_over=True), name="message_held_over"),
            models.Index(
                fields=["status", "-id"], condition=Q(status__in=["failed", "in_doubt"]), name="message_trouble"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.to_email}"

    @property
    def about(self) -> str:
        """What kind of mail it is, for people: ``opportunities/claim_received`` → ``Claim received``."""
        return about(self.template)


class Suppression(models.Model):
    """An address nothing may go to any more (bounce, complaint), or a kind of mail it has left.

    ``kind`` is a purpose, or ``*`` for everything but sign-in mail.
    """

    email = models.EmailField(_("address"))
    kind = models.CharField(_("kind of mail"), max_length=40, default="*")
    reason = models.CharField(
        _("reason"),
        max_length=20,
        choices=[
            ("unsubscribed", _("unsubscribed")),
            ("bounced", _("bounced")),
            ("complained", _("complained")),
            ("by_hand", _("by hand")),
        ],
    )
    at = models.DateTimeField(default=timezone.now)
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("suppression")
        constraints = [models.UniqueConstraint(Lower("email"), "kind", name="suppression_once")]

    def __str__(self) -> str:
        return f"{self.email}: {self.kind}"


class Link(models.Model):
    """A page of ours that mail leads to by way of a counted click: nothing else can be led to."""

    path = models.CharField(_("page"), max_length=500, unique=True)

    class Meta:
        verbose_name = _("page that mail leads to")

    def __str__(self) -> str:
        return self.path


class MailEvent(models.Model):
    """One thing that happened to a mail after it was sent. Appended, never changed; every figure is counted from these.

    Neither address nor browser of whoever did it is kept. ``key`` makes the same report, told twice, one row.
    """

    class Event(models.TextChoices):
        DELIVERED = "delivered", _("delivered")
        OPENED = "opened", _("opened")
        CLICKED = "clicked", _("clicked")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="events", verbose_name=_("mail"))
    event = models.CharField(_("what happened"), max_length=12, choices=Event.choices)
    at = models.DateTimeField(_("when"))
    path = models.CharField(_("page"), max_length=500, blank=True, default="")
    source = models.CharField(_("who says so"), max_length=40, default="portal")
    key = models.CharField(max_length=120, unique=True, editable=False)

    class Meta:
        verbose_name = _("event of a mail")
        verbose_name_plural = _("events of mail")
        triggers = [
            pgtrigger.Protect(name="mail_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]
        indexes = [
            models.Index(fields=["message", "event"], name="mail_event_message"),
            models.Index(fields=["event", "at"], name="mail_event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()}: {self.message}"


class Notification(models.Model):
    """A line in the portal for one person who signs in. ``key`` makes the same news appear once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "key"], name="notification_once")]
        indexes = [models.Index(fields=["user", "-id"], name="notification_user")]

    def __str__(self) -> str:
        return self.text
