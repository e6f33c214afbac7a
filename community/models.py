"""Spaces, topics and replies; who has read what; flags and what moderators did about them."""

import uuid
from typing import Any, ClassVar, Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.crm.models import words


class SpaceQuerySet(models.QuerySet["Space"]):
    def visible_to(self, user: Any) -> Self:
        """Members and colleagues see open spaces; moderators also those not yet opened."""
        if user.has_perm("community.moderate"):
            return self
        return self.filter(is_open=True)


@pghistory.track()
class Space(models.Model):
    """A place to talk, with a charter: what it is for, whom, and what members get."""

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=80)
    purpose = models.CharField(_("what it is for"), max_length=300, blank=True, default="")
    charter = models.TextField(_("charter"), blank=True, default="")
    region = models.CharField(_("region"), max_length=60, blank=True, default="")
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    host = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="hosted_spaces",
        verbose_name=_("host"),
    )
    is_open = models.BooleanField(_("open"), default=True)
    welcomes = models.BooleanField(
        _("newcomers say hello here"),
        default=False,
        help_text=_("One space at most; newcomers are shown the way."),
    )
    order = models.PositiveSmallIntegerField(default=100)

    objects = SpaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("space")
        ordering = ["order", "name"]
        constraints = [
            models.UniqueConstraint(fields=["welcomes"], condition=Q(welcomes=True), name="space_one_welcomes")
        ]

    def __str__(self) -> str:
        return self.name


class PostQuerySet(models.QuerySet[Any]):
    def shown(self) -> Self:
        return self.filter(hidden_at__isnull=True)

    def visible_to(self, user: Any) -> Self:
        """Hidden posts are seen by moderators and their author only, closed spaces by moderators."""
        if user.has_perm("community.moderate"):
            return self
        return self.filter(Q(hidden_at__isnull=True) | Q(author=user.pk)).in_open_spaces()

    def in_open_spaces(self) -> Self:
        return self.filter(**{f"{self.model.PATH_TO_SPACE}__is_open": True})


class ReplyQuerySet(PostQuerySet):
    def visible_to(self, user: Any) -> Self:
        """What was said in a topic is seen by whoever sees the topic."""
        seen = super().visible_to(user)
        if user.has_perm("community.moderate"):
            return seen
        return seen.filter(Q(topic__hidden_at__isnull=True) | Q(topic__author=user.pk))


class TopicQuerySet(PostQuerySet):
    def unread_by(self, user: Any) -> Self:
        """Topics with something others wrote that this person has not seen, exactly.

        ``Reader.read_until`` only spares looking at what is known to be read; before somebody came nothing is news.
        """
        read_until = Reader.objects.filter(user=user.pk).values("read_until")[:1]
        marks = ReadMark.objects.filter(user=user.pk, topic=models.OuterRef("pk"))
        news = (
            Reply.objects.shown()
            .filter(topic=models.OuterRef("pk"), pk__gt=models.Subquery(_mark_of(user)))
            .exclude(author=user.pk)
        )
        return self.filter(last_at__gt=Coalesce(models.Subquery(read_until), models.Value(user.date_joined))).filter(
            (~models.Exists(marks) & ~Q(author=user.pk)) | models.Exists(news)
        )

    def with_last_voice(self) -> Self:
        """Topics with author and space, and who answered last and when; both None while nobody has."""
        last = Reply.objects.filter(pk=models.OuterRef("last_reply"))
        return self.select_related("author", "space").annotate(
            last_by=models.Subquery(last.values("author__name")), last_reply_at=models.Subquery(last.values("at"))
        )

    def with_unread(self, user: Any) -> Self:
        """Each topic with ``unread``: replies of others after the mark, None when it was never opened."""
        marks = ReadMark.objects.filter(user=user.pk, topic=models.OuterRef("pk"))
        news = (
            Reply.objects.shown()
            .filter(topic=models.OuterRef("pk"), pk__gt=models.Subquery(_mark_of(user)))
            .exclude(author=user.pk)
            .order_by()
            .annotate(_all=models.Value(1))
            .values("_all")
            .annotate(number=models.Count("pk"))
            .values("number")
        )
        return self.annotate(
            opened=models.Exists(marks), unread=Coalesce(models.Subquery(news), 0, output_field=models.IntegerField())
        )


def _mark_of(user: Any) -> Any:
    """Up to which reply this person has read, inside a subquery of replies of the topic further out."""
    return ReadMark.objects.filter(user=user.pk, topic=models.OuterRef("topic")).values("last_reply")[:1]


class Post(models.Model):
    """What topics and replies have in common. ``body`` is markdown; ``html`` its sanitised form."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField(
        null=True, unique=True, editable=False, help_text=_("Given by the form: the same post sent twice is one.")
    )
    body = models.TextField(_("text"))
    html = models.TextField(editable=False)
    at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    hidden_reason = models.CharField(max_length=300, blank=True, default="")

    PATH_TO_SPACE: ClassVar[str]

    class Meta:
        abstract = True


@pghistory.track(exclude=["search", "html", "last_at", "last_reply", "number_of_replies"])
class Topic(Post):
    """A conversation. ``last_at`` orders the list; ``number_of_replies`` counts the visible ones."""

    class Type(models.TextChoices):
        DISCUSSION = "discussion", _("discussion")
        QUESTION = "question", _("question")
        ANNOUNCEMENT = "announcement", _("announcement")
        CHALLENGE = "challenge", _("challenge")
        STORY = "story", _("story")
        SPOTLIGHT = "spotlight", _("spotlight")
        RESOURCE = "resource", _("resource")
        EVENT = "event", _("event")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    space = models.ForeignKey(Space, on_delete=models.PROTECT, related_name="topics")
    type = models.CharField(_("type"), max_length=12, choices=Type.choices, default=Type.DISCUSSION)
    title = models.CharField(_("title"), max_length=150)
    tags = words(verbose_name=_("tags"))
    accepted = models.ForeignKey("community.Reply", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    locked_at = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(_("pinned"), default=False)
    last_at = models.DateTimeField(default=timezone.now)
    number_of_replies = models.PositiveIntegerField(default=0)
    last_reply = models.BigIntegerField(
        default=0, help_text=_("The newest visible reply; what unread is counted from.")
    )
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("body", weight="B", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    PATH_TO_SPACE = "space"
    objects = TopicQuerySet.as_manager()

    class Meta:
        verbose_name = _("topic")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    type__in=[
                        "discussion",
                        "question",
                        "announcement",
                        "challenge",
                        "story",
                        "spotlight",
                        "resource",
                        "event",
                    ]
                ),
                name="topic_type_known",
            )
        ]
        indexes = [
            models.Index(fields=["space", "-last_at", "-id"], name="topic_space"),
            models.Index(fields=["-last_at", "-id"], name="topic_last"),
            models.Index(fields=["author", "-at"], name="topic_author"),
            GinIndex(fields=["search"], name="topic_search"),
        ]

    def __str__(self) -> str:
        return self.title


@pghistory.track(exclude=["html", "search"])
class Reply(Post):
    """An answer in a topic."""

    topic = models.ForeignKey(Topic, on_delete=models.PROTECT, related_name="replies")
    search = models.GeneratedField(
        expression=SearchVector("body", config="simple"), output_field=SearchVectorField(), db_persist=True
    )

    PATH_TO_SPACE = "topic__space"
    objects = ReplyQuerySet.as_manager()

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        indexes = [
            models.Index(fields=["topic", "id"], name="reply_topic"),
            models.Index(fields=["author", "-at"], name="reply_author"),
            GinIndex(fields=["search"], name="reply_search"),
        ]

    def __str__(self) -> str:
        return self.body[:60]


class ReadMark(models.Model):
    """Up to which reply somebody has read a topic; no row means never opened."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="+")
    last_reply = models.BigIntegerField(default=0)
    follows = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "topic"], name="read_mark_once")]
        indexes = [models.Index(fields=["topic"], condition=Q(follows=True), name="read_mark_follows")]

    def __str__(self) -> str:
        return f"{self.user} {self.topic}"


class Reader(models.Model):
    """Until when somebody has read everything: what is older need not be looked at to say what is new."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    read_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} {self.read_until}"


class Reaction(models.Model):
    """One person's thumbs-up for a topic or reply."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True, blank=True, related_name="reactions")
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, null=True, blank=True, related_name="reactions")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "topic"], condition=Q(topic__isnull=False), name="reaction_topic_once"
            ),
            models.UniqueConstraint(
                fields=["user", "reply"], condition=Q(reply__isnull=False), name="reaction_reply_once"
            ),
            models.CheckConstraint(
                condition=Q(topic__isnull=False, reply__isnull=True) | Q(topic__isnull=True, reply__isnull=False),
                name="reaction_of_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}"


@pghistory.track()
class Flag(models.Model):
    """Somebody says a post should be looked at; what the moderator decided stays on record."""

    class Decision(models.TextChoices):
        OPEN = "open", _("open")
        KEPT = "kept", _("kept")
        HIDDEN = "hidden", _("hidden")

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, null=True, blank=True, related_name="flags")
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, null=True, blank=True, related_name="flags")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(_("reason"), max_length=300)
    at = models.DateTimeField(default=timezone.now)
    decision = models.CharField(_("decision"), max_length=6, choices=Decision.choices, default=Decision.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("flag")
        constraints = [
            models.UniqueConstraint(fields=["by", "topic"], condition=Q(topic__isnull=False), name="flag_topic_once"),
            models.UniqueConstraint(fields=["by", "reply"], condition=Q(reply__isnull=False), name="flag_reply_once"),
            models.CheckConstraint(
                condition=Q(topic__isnull=False, reply__isnull=True) | Q(topic__isnull=True, reply__isnull=False),
                name="flag_of_one",
            ),
            models.CheckConstraint(condition=Q(decision__in=["open", "kept", "hidden"]), name="flag_decision_known"),
        ]
        indexes = [models.Index(fields=["at"], condition=Q(decision="open"), name="flag_open")]

    def __str__(self) -> str:
        return self.reason


class ModerationEntry(models.Model):
    """One thing a moderator did, and why. Never changed: undoing is an entry of its own."""

    class Act(models.TextChoices):
        KEPT = "kept", _("kept")
        HIDDEN = "hidden", _("hidden")
        RESTORED = "restored", _("shown again")
        LOCKED = "locked", _("locked")
        UNLOCKED = "unlocked", _("opened again")
        PINNED = "pinned", _("pinned")
        UNPINNED = "unpinned", _("no longer pinned")

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="moderation")
    reply = models.ForeignKey(Reply, on_delete=models.CASCADE, null=True, blank=True, related_name="moderation")
    act = models.CharField(_("what"), max_length=10, choices=Act.choices)
    reason = models.CharField(_("reason"), max_length=300, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("act of moderation")
        verbose_name_plural = _("acts of moderation")
        triggers = [pgtrigger.Protect(name="moderation_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints = [
            models.CheckConstraint(
                condition=Q(act__in=["kept", "hidden", "restored", "locked", "unlocked", "pinned", "unpinned"]),
                name="moderation_act_known",
            )
        ]
        indexes = [models.Index(fields=["-at", "-id"], name="moderation_at")]

    def __str__(self) -> str:
        return f"{self.topic}: {self.get_act_display()}"


@pghistory.track()
class Norms(models.Model):
    """How members treat each other, in markdown; shown beside every space. One row."""

    text = models.TextField(_("norms"))

    class Meta:
        verbose_name = _("community norms")
        verbose_name_plural = _("community norms")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="norms_one_row")]

    def __str__(self) -> str:
        return str(_("Community norms"))
