"""What the digest of the community tells a member: news they have not read, and nothing the newsletter has told them.

Two parts: topics they follow in which others wrote, and what else was talked about most. Reads and decides only.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.users.models import User
from community.models import Reader, ReadMark, Reply, Topic
from newsletter.models import EditionItem

CANDIDATES = 60
"""So many of the topics with news are looked at for the second part; nobody reads further."""
FOLLOWED = 3
TOLD = timedelta(days=30)
"""A topic that a reader's newsletter showed is not shown again for so long, unless they follow it."""


@dataclass(frozen=True)
class News:
    """One topic with what is new in it: replies in the time the digest tells of."""

    topic: Topic
    replies: int


@dataclass(frozen=True)
class Digest:
    """A member's part; empty means there is nothing to write about."""

    followed: tuple[News, ...] = ()
    others: tuple[News, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.followed or self.others)


def anything_new(*, since: datetime, until: datetime) -> bool:
    """Whether anybody wrote anything that could be told."""
    return _told_of(since=since, until=until).exists()


def _told_of(*, since: datetime, until: datetime) -> Any:
    return Topic.objects.shown().in_open_spaces().filter(last_at__gt=since, last_at__lte=until)


def for_each(
    readers: Sequence[Contact], *, since: datetime, until: datetime, most: int, at: datetime
) -> dict[int, Digest]:
    """The digest of each of these members, by contact. ``until`` may lie back: what was said since is of the next.

    A handful of queries for a hundred readers. ``readers`` come with ``advocate__user``.
    """
    users = {one.advocate.user_id: one for one in readers if one.advocate.user_id}
    follows = {
        (mark.user_id, mark.topic_id): mark
        for mark in ReadMark.objects.filter(
            user__in=users, follows=True, topic__in=_told_of(since=since, until=until).values("pk")
        )
    }
    popular = _told_of(since=since, until=until).order_by("-number_of_replies", "-last_at", "-pk")[:CANDIDATES]
    wanted = {topic for _user, topic in follows} | set(popular.values_list("pk", flat=True))
    topics = {topic.pk: topic for topic in Topic.objects.filter(pk__in=wanted).select_related("author", "space")}
    replies = _replies(topics, since=since, until=until)
    others_marks = ReadMark.objects.filter(user__in=users, topic__in=topics, follows=False)
    marks = follows | {(mark.user_id, mark.topic_id): mark for mark in others_marks}
    read_until = dict(Reader.objects.filter(user__in=users).values_list("user", "read_until"))
    told = _told_by_newsletter([one.pk for one in readers], topics, at=at)

    def is_news(user: User, topic: Topic) -> bool:
        known = max(read_until.get(user.pk, user.date_joined), user.date_joined)
        mark = marks.get((user.pk, topic.pk))
        if topic.last_at <= known:
            return False
        others_wrote = replies[topic.pk].keys() - {user.pk} or (topic.author_id != user.pk and topic.at > since)
        return bool(others_wrote) and (mark is None or topic.last_reply > mark.last_reply)

    def news(reader: Contact, topic: Topic) -> News:
        return News(topic, sum(n for author, n in replies[topic.pk].items() if author != reader.advocate.user_id))

    by_user: dict[int, list[Topic]] = defaultdict(list)
    for user_id, topic_id in follows:
        by_user[user_id].append(topics[topic_id])
    done: dict[int, Digest] = {}
    for reader in users.values():
        user = reader.advocate.user
        if user is None:
            continue
        own = [one for one in by_user[user.pk] if is_news(user, one)]
        own.sort(key=lambda one: (one.last_at, one.pk), reverse=True)
        followed = tuple(news(reader, one) for one in own[:FOLLOWED])
        shown = {one.topic.pk for one in followed} | told[reader.pk]
        rest = [one for one in topics.values() if one.pk not in shown and _speaks_to(reader, one)]
        rest = sorted((one for one in rest if is_news(user, one)), key=lambda one: _interest(reader, one))
        done[reader.pk] = Digest(followed, tuple(news(reader, one) for one in rest[: max(most - len(followed), 0)]))
    return done


def _speaks_to(reader: Contact, topic: Topic) -> bool:
    """A space of another language is nothing to write to this reader about."""
    return not topic.space.language or topic.space.language == (reader.language or "en")


def _interest(reader: Contact, topic: Topic) -> tuple[Any, ...]:
    """The reader's own region first, then everybody's, then other regions; among them what was answered most."""
    region, own = topic.space.region, reader.account.region
    near = 0 if region and region == own else 1 if not region else 2
    return near, -topic.number_of_replies, -topic.last_at.timestamp(), topic.pk


def _replies(topics: Iterable[int], *, since: datetime, until: datetime) -> dict[int, dict[int, int]]:
    """How many replies each author gave to each topic in this time."""
    rows = Reply.objects.shown().filter(topic__in=list(topics), at__gt=since, at__lte=until)
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for topic, author, number in rows.values_list("topic", "author").annotate(n=Count("pk")):
        found[topic][author] = number
    return found


def _told_by_newsletter(readers: Sequence[int], topics: Iterable[int], *, at: datetime) -> dict[int, set[int]]:
    """Which of the topics an edition has shown to whom."""
    items = EditionItem.objects.filter(topic__in=list(topics), dropped=False, edition__sending_since__gt=at - TOLD)
    shown: dict[str, set[int]] = defaultdict(set)
    for edition, topic in items.values_list("edition", "topic"):
        shown[f"edition:{edition}"].add(topic)
    told: dict[int, set[int]] = defaultdict(set)
    rows = Message.objects.filter(contact__in=readers, batch__in=list(shown), status=Message.Status.SENT)
    for contact, batch in rows.values_list("contact", "batch"):
        told[contact] |= shown[batch]
    return told
