"""What people do in the community. Every deed of a member goes on the spine; whoever takes part is told what is new."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.urls import reverse
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.hearing import hear
from advocacy.crm.models import Contact
from advocacy.delivery.models import Notification
from advocacy.lib.lifecycle import Refused
from advocacy.lib.text import excerpt, markdown
from advocates import stages
from community import norms
from community.models import Flag, ModerationEntry, Reaction, Reader, ReadMark, Reply, Space, Topic


@transaction.atomic
def start_topic(
    author: Any,
    space: Space,
    *,
    title: str,
    body: str,
    at: datetime,
    type: str = "discussion",
    tags: Iterable[str] = (),
    key: UUID | None = None,
) -> Topic:
    """Begin a conversation. ``key`` comes with the form: the same form sent twice is one topic."""
    space = Space.objects.select_for_update(no_key=True).get(pk=space.pk)
    if key and (again := Topic.objects.filter(author=author, key=key).first()):
        return again
    _may_post(author, space, f"{title}\n{body}", at=at)
    if type == Topic.Type.ANNOUNCEMENT and not author.has_perm("community.moderate"):
        raise Refused(_("Announcements come from the people who run this place. Choose another type."))
    topic = Topic.objects.create(
        space=space,
        author=author,
        key=key,
        type=type,
        title=title,
        body=body,
        html=markdown(body),
        tags=sorted(set(tags)),
        at=at,
        last_at=at,
    )
    ReadMark.objects.create(user=author, topic=topic, last_reply=0, follows=True, at=at)
    _on_the_spine(author, Deed.POSTED, topic, at=at)
    return topic


@transaction.atomic
def reply(author: Any, topic: Topic, *, body: str, at: datetime, key: UUID | None = None) -> Reply:
    """Answer in a topic, and tell those who follow it; whoever writes in a topic follows it."""
    topic = Topic.objects.select_for_update().select_related("space").get(pk=topic.pk)
    if topic.locked_at and not author.has_perm("community.moderate"):
        raise Refused(_("This topic is closed for replies. Start a new one and link to it."))
    if topic.hidden_at and not author.has_perm("community.moderate"):
        raise Refused(_("This topic has been hidden; it takes no replies."))
    if key and (again := topic.replies.filter(author=author, key=key).first()):
        return again
    _may_post(author, topic.space, body, at=at)
    answer = Reply.objects.create(topic=topic, author=author, key=key, body=body, html=markdown(body), at=at)
    seen = ReadMark.objects.filter(user=author, topic=topic).first()
    # Somebody who had read everything still has; somebody who had not keeps what is between as unread.
    if seen is None or seen.last_reply >= topic.last_reply:
        mark_read(author, topic, up_to=answer.pk, at=at)
    Topic.objects.filter(pk=topic.pk).update(
        number_of_replies=F("number_of_replies") + 1, last_at=at, last_reply=answer.pk
    )
    _on_the_spine(author, Deed.REPLIED, answer, at=at)
    follow(author, topic, follows=True, at=at)
    people = set(ReadMark.objects.filter(topic=topic, follows=True).values_list("user", flat=True)) - {author.pk}
    _tell(
        people,
        kind="reply",
        key=f"topic:{topic.pk}:{answer.pk}",
        text=_("%(name)s replied in “%(title)s”") % {"name": author.get_full_name(), "title": topic.title},
        url=f"{reverse('community:topic', args=[topic.public_id])}?go=new",
        at=at,
    )
    return answer


@transaction.atomic
def edit(post: Topic | Reply, *, by: Any, body: str, at: datetime, title: str = "") -> None:
    """Change one's own words within a day; the earlier ones stay in the history."""
    if post.author_id != by.pk:
        raise Refused(_("Only the person who wrote this can change it."))
    if at - post.at > norms.EDIT_WITHIN:
        raise Refused(_("A post can be changed for a day. Add a reply that says what is different now."))
    words = f"{title or post.title}\n{body}" if isinstance(post, Topic) else body
    if not by.has_perm("community.moderate") and (refusal := norms.too_many_links(by.date_joined, words, at=at)):
        raise Refused(refusal)
    post.body, post.html, post.edited_at = body, markdown(body), at
    changed = ["body", "html", "edited_at"]
    if isinstance(post, Topic) and title:
        post.title = title
        changed.append("title")
    post.save(update_fields=changed)


def read_page(user: Any, topic: Topic, *, first: int, last: int, at: datetime) -> None:
    """Somebody has a page of replies before them, ``first`` to ``last`` (0: none).

    What they had not read before the page begins stays unread, and so does the page then: the mark is one line.
    """
    mark = ReadMark.objects.filter(user=user, topic=topic).first()
    read = mark.last_reply if mark else 0
    if mark and read >= last:
        return
    skipped = Reply.objects.shown().filter(topic=topic, pk__gt=read, pk__lt=first).exclude(author=user)
    since = Reader.objects.filter(user=user).values_list("read_until", flat=True).first() or user.date_joined
    if not skipped.filter(at__gt=since).exists():
        mark_read(user, topic, up_to=last, at=at)
    elif mark is None:
        mark_read(user, topic, up_to=0, at=at)


def mark_read(user: Any, topic: Topic, *, up_to: int, at: datetime) -> None:
    """Remember how far somebody has read; it never goes back."""
    mark, new = ReadMark.objects.get_or_create(user=user, topic=topic, defaults={"last_reply": up_to, "at": at})
    if not new and mark.last_reply < up_to:
        ReadMark.objects.filter(pk=mark.pk, last_reply__lt=up_to).update(last_reply=up_to, at=at)


def follow(user: Any, topic: Topic, *, follows: bool, at: datetime) -> None:
    """Be told of replies, or no more. Following does not change what counts as read."""
    ReadMark.objects.update_or_create(
        user=user, topic=topic, defaults={"follows": follows}, create_defaults={"follows": follows, "at": at}
    )


def read_everything(user: Any, *, at: datetime) -> None:
    """Everything there is counts as read."""
    Reader.objects.update_or_create(user=user, defaults={"read_until": at})


@transaction.atomic
def toggle_thanks(user: Any, post: Topic | Reply) -> bool:
    """Say thanks for a post, or take it back. True when it now stands."""
    if post.author_id == user.pk:
        raise Refused(_("Thanks come from others."))
    about = {"topic": post} if isinstance(post, Topic) else {"reply": post}
    reaction, new = Reaction.objects.get_or_create(user=user, **about)
    if not new:
        reaction.delete()
    return new


@transaction.atomic
def accept(topic: Topic, answer: Reply | None, *, by: Any, at: datetime) -> None:
    """The person who asked, or a moderator, says which reply answers the question; None takes it back."""
    topic = Topic.objects.select_for_update().get(pk=topic.pk)
    if topic.type != Topic.Type.QUESTION:
        raise Refused(_("Only questions have an accepted answer."))
    if topic.author_id != by.pk and not by.has_perm("community.moderate"):
        raise Refused(_("Only the person who asked can accept an answer."))
    if answer is not None and (answer.topic_id != topic.pk or answer.hidden_at):
        raise Refused(_("That reply is not part of this topic any more."))
    topic.accepted = answer
    topic.save(update_fields=["accepted"])
    if answer is not None:
        _tell(
            {answer.author_id} - {by.pk},
            kind="accepted",
            key=f"reply:{answer.pk}",
            text=_("Your reply was accepted as the answer to “%(title)s”") % {"title": topic.title},
            url=reverse("community:topic", args=[topic.public_id]),
            at=at,
        )


# --- Moderation -------------------------------------------------------------------------------------------------------
@transaction.atomic
def flag(post: Topic | Reply, *, by: Any, reason: str, at: datetime) -> Flag:
    """Ask a moderator to look at a post; a second flag by the same person is the first.

    Once a moderator has decided, it is a new question: the post may have been changed since.
    """
    about = {"topic": post} if isinstance(post, Topic) else {"reply": post}
    one, new = Flag.objects.select_for_update(of=("self",)).get_or_create(
        by=by, **about, defaults={"reason": reason, "at": at}
    )
    if not new and one.decision != Flag.Decision.OPEN and post.hidden_at is None:
        one.reason, one.at, one.decision, one.decided_by, one.decided_at = reason, at, Flag.Decision.OPEN, None, None
        one.save(update_fields=["reason", "at", "decision", "decided_by", "decided_at"])
    return one


@transaction.atomic
def hide(post: Topic | Reply, *, by: Any, reason: str, at: datetime) -> None:
    """Take a post out of sight. Its author keeps seeing it, with the reason; every flag on it is answered."""
    _moderator(by)
    if not reason.strip():
        raise Refused(_("Write a reason: the author will read it."))
    post = type(post)._default_manager.select_for_update().get(pk=post.pk)
    if post.hidden_at:
        return
    post.hidden_at, post.hidden_by, post.hidden_reason = at, by, reason
    post.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
    _answer_flags(post, Flag.Decision.HIDDEN, by=by, at=at)
    topic = post if isinstance(post, Topic) else post.topic
    if isinstance(post, Reply):
        _recount(topic)
    _note(post, ModerationEntry.Act.HIDDEN, reason=reason, by=by, at=at)
    _tell(
        {post.author_id} - {by.pk},
        kind="hidden",
        key=f"{post._meta.model_name}:{post.pk}:{at.isoformat()}",
        text=_("A moderator has hidden your post in “%(title)s”: %(reason)s")
        % {"title": topic.title, "reason": reason},
        url=reverse("community:topic", args=[topic.public_id]),
        at=at,
    )


@transaction.atomic
def show_again(post: Topic | Reply, *, by: Any, at: datetime) -> None:
    """Undo a hiding."""
    _moderator(by)
    post = type(post)._default_manager.select_for_update().get(pk=post.pk)
    post.hidden_at, post.hidden_by, post.hidden_reason = None, None, ""
    post.save(update_fields=["hidden_at", "hidden_by", "hidden_reason"])
    if isinstance(post, Reply):
        _recount(post.topic)
    _note(post, ModerationEntry.Act.RESTORED, by=by, at=at)


@transaction.atomic
def keep(post: Topic | Reply, *, by: Any, at: datetime) -> None:
    """The moderator has looked and finds nothing wrong."""
    _moderator(by)
    _answer_flags(post, Flag.Decision.KEPT, by=by, at=at)
    _note(post, ModerationEntry.Act.KEPT, by=by, at=at)


@transaction.atomic
def set_locked(topic: Topic, locked: bool, *, by: Any, at: datetime) -> None:
    _moderator(by)
    topic.locked_at = at if locked else None
    topic.save(update_fields=["locked_at"])
    _note(topic, ModerationEntry.Act.LOCKED if locked else ModerationEntry.Act.UNLOCKED, by=by, at=at)


@transaction.atomic
def set_pinned(topic: Topic, pinned: bool, *, by: Any, at: datetime) -> None:
    _moderator(by)
    topic.pinned = pinned
    topic.save(update_fields=["pinned"])
    _note(topic, ModerationEntry.Act.PINNED if pinned else ModerationEntry.Act.UNPINNED, by=by, at=at)


def _note(post: Topic | Reply, act: str, *, by: Any, at: datetime, reason: str = "") -> None:
    """What a moderator did stays on record."""
    topic, answer = (post, None) if isinstance(post, Topic) else (post.topic, post)
    ModerationEntry.objects.create(topic=topic, reply=answer, act=act, reason=reason, by=by, at=at)


def _answer_flags(post: Topic | Reply, decision: str, *, by: Any, at: datetime) -> None:
    post.flags.filter(decision=Flag.Decision.OPEN).update(decision=decision, decided_by=by, decided_at=at)


def _recount(topic: Topic) -> None:
    shown = topic.replies.shown()
    Topic.objects.filter(pk=topic.pk).update(
        number_of_replies=shown.count(), last_reply=shown.aggregate(newest=Max("pk"))["newest"] or 0
    )


def _moderator(user: Any) -> None:
    if not user.has_perm("community.moderate"):
        raise Refused(_("Only moderators can do this."))


def _may_post(author: Any, space: Space, text: str, *, at: datetime) -> None:
    if author.has_perm("community.moderate"):
        return
    if not space.is_open:
        raise Refused(_("This space is closed."))
    if refusal := norms.why_not(norms.pace_of(author, at=at), text, at=at):
        raise Refused(refusal)


def _on_the_spine(author: Any, deed: str, post: Topic | Reply, *, at: datetime) -> None:
    """Deeds of colleagues are not deeds of advocacy."""
    contact = Contact.objects.filter(advocate__user=author).first()
    if contact is not None:
        spine.record(deed, contact=contact, at=at, source=post)
        hear("joined_program", contact=contact, occurrence="community", at=at)  # by their first words, whenever
        stages.refresh([contact.pk], at=at)


def _tell(people: Iterable[int], *, kind: str, key: str, text: str, url: str, at: datetime) -> None:
    """A line in the portal for each of these people, however many, in one statement."""
    Notification.objects.bulk_create(
        [
            Notification(user_id=pk, kind=f"community.{kind}", key=key, text=excerpt(text, 290), url=url, at=at)
            for pk in sorted(people)
        ],
        ignore_conflicts=True,
    )
